//! Bad input: each has a stated outcome and words that name what is wrong and how to mend it. Nothing is written and nothing is lost.

use serde_json::{Value, json};

use crate::HOST;
use crate::harness::{ASSIGN, CONNECT, EPOCH, EVENT, Given, Host, PUBLISH, Scenario, event_grid_event, requested, subscription};

const NOT_AN_ID: &str = "not-an-id";

/// Posts what a function is called with and gives the status.
async fn call(s: &Scenario, value: &Value) -> u16 {
    s.post("/OnOnboardingEvent", &[], json!({"Data": {"event": value}, "Metadata": {}}).to_string()).await.status
}

/// Delivers a bad input as an object, as text and as text in text in text, and accounts for one and the same refusal each time.
#[track_caller]
fn refused(value: &Value, result: &str, names: &[&str]) -> impl Future<Output = ()> {
    let (value, result, names) = (value.clone(), result.to_owned(), names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    async move {
        let s = Given::demo().start();
        let once = Value::String(value.to_string());
        let thrice = Value::String(Value::String(once.to_string()).to_string());
        let mut ids = Vec::new();
        for wrapped in [&value, &once, &thrice] {
            assert_eq!(call(&s, wrapped).await, 200, "{}", value.to_string().chars().take(200).collect::<String>());
            let [told] = s.expect_results([result.as_str()]);
            let message = told["data"]["message"].as_str().unwrap_or_default();
            for name in &names {
                assert!(message.contains(name.as_str()), "{name:?} in {message:?}");
            }
            assert!(message.len() < 500, "{message}");
            assert!(told["data"]["hint"].is_string(), "how to mend it? {told:#}");
            ids.push(told["id"].clone());
        }
        assert!(ids[0] == ids[1] && ids[1] == ids[2], "one input, several ids");
        assert_nothing_done(&s);
    }
}

fn assert_nothing_done(s: &Scenario) {
    let calls = s.count_calls();
    assert!(!calls.keys().any(|name| name.starts_with("arm.") || name.starts_with("ispm.")), "{calls:?}");
    assert!(s.connections().is_empty());
}

/// An event with these data in both schemas.
fn both(data: &Value) -> [Value; 2] {
    [requested(EVENT, EPOCH, data), event_grid_event(EVENT, EPOCH, data)]
}

fn tenant() -> String {
    ispm_onboarder_simulator::DemoCast::of(7).tenant
}

fn new() -> String {
    subscription(&ispm_onboarder_simulator::DemoCast::of(7).new)
}

#[tokio::test(start_paused = true)]
async fn another_shape_is_refused() {
    for value in [json!({}), json!({"hello": "world"}), json!(7), json!(true), json!(null), json!([[]]), json!([null]), json!({"Data": {}})]
    {
        refused(&value, "failed invalid-event", &["shape"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn text_that_is_not_json_is_refused() {
    for value in [json!("hello"), json!(""), json!("{\"specversion\": "), json!("\u{0}\u{1b}[31m")] {
        let s = Given::demo().start();
        assert_eq!(call(&s, &value).await, 200);
        let [told] = s.expect_results(["failed invalid-event"]);
        assert!(told["data"]["hint"].is_string());
        assert_nothing_done(&s);
    }
}

#[tokio::test(start_paused = true)]
async fn missing_attributes_are_named() {
    let [cloud_event, event_grid] = both(&json!({"tenantId": tenant(), "scope": new()}));
    for (event, names) in [(cloud_event, &["source", "id", "type"][..]), (event_grid, &["id"])] {
        for name in names {
            for change in [Value::Null, json!(""), json!(7)] {
                let mut event = event.clone();
                event[*name] = change;
                refused(&event, "failed invalid-event", &[name]).await;
            }
        }
    }
    let mut event = requested(EVENT, EPOCH, &json!({"tenantId": tenant(), "scope": new()}));
    event["specversion"] = json!("0.3");
    refused(&event, "failed invalid-event", &["specversion"]).await;
}

#[tokio::test(start_paused = true)]
async fn missing_and_malformed_ids_are_named() {
    for (data, result, names) in [
        (json!({"scope": new()}), "failed invalid-event", &["tenantId"][..]),
        (json!({"tenantId": tenant()}), "failed invalid-event", &["scope"]),
        (json!({"tenantId": 7, "scope": new()}), "failed invalid-event", &["tenantId"]),
        (json!({"tenantId": NOT_AN_ID, "scope": new()}), "failed invalid-event", &["tenantId", NOT_AN_ID]),
        (json!({"tenantId": tenant().replace('-', ""), "scope": new()}), "failed invalid-event", &["tenantId"]),
        (json!({"tenantId": tenant(), "scope": ["/subscriptions/x"]}), "failed invalid-event", &["scope"]),
        (json!({"tenantId": tenant(), "scope": NOT_AN_ID}), "failed invalid-scope", &["scope", NOT_AN_ID]),
        (json!({"tenantId": tenant(), "scope": ""}), "failed invalid-scope", &["scope"]),
        (json!({"tenantId": tenant(), "scope": "/subscriptions/not-an-id"}), "failed invalid-scope", &[NOT_AN_ID]),
        (json!({"tenantId": tenant(), "scope": "/"}), "failed invalid-scope", &["scope"]),
        (
            json!({"tenantId": tenant(), "scope": format!("{}/resourceGroups/rg", new())}),
            "failed invalid-scope",
            &["below", "subscription"],
        ),
        (
            json!({"tenantId": tenant(), "scope": "/providers/Microsoft.Management/managementGroups/../x"}),
            "failed invalid-scope",
            &["scope"],
        ),
        (json!({"tenantId": tenant(), "scope": "/providers/Microsoft.Management/managementGroups/a b"}), "failed invalid-scope", &["a b"]),
        (json!("not an object"), "failed invalid-event", &["tenantId"]),
        (json!(null), "failed invalid-event", &["tenantId"]),
    ] {
        for event in both(&data) {
            refused(&event, result, names).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_types_and_empty_arrays_are_ignored() {
    let mut unknown = requested(EVENT, EPOCH, &json!({}));
    unknown["type"] = json!("Microsoft.Resources.ResourceWriteSuccess");
    let mut unknown_here = event_grid_event(EVENT, EPOCH, &json!({}));
    unknown_here["eventType"] = json!("Microsoft.Storage.BlobCreated");
    for value in [unknown, unknown_here, json!([]), json!("[]")] {
        let s = Given::demo().start();
        assert_eq!(call(&s, &value).await, 200);
        assert!(s.unread_calls().is_empty());
        let said = s.everything_said();
        assert!(HOST == Host::Lambda || said.iter().any(|said| said.contains("ignored")), "the host's log says why");
    }
}

#[tokio::test(start_paused = true)]
async fn a_megabyte_is_refused_and_cut() {
    let long = "x".repeat(1024 * 1024);
    refused(&json!({"tenantId": long}), "failed invalid-event", &[]).await;
    for event in both(&json!({"tenantId": long, "scope": new()})) {
        refused(&event, "failed invalid-event", &["tenantId"]).await;
    }
    for event in both(&json!({"tenantId": tenant(), "scope": long})) {
        refused(&event, "failed invalid-scope", &["scope"]).await;
    }
    let nested = "[".repeat(1024 * 1024);
    let s = Given::demo().start();
    assert_eq!(call(&s, &json!(nested)).await, 200);
    s.expect_results(["failed invalid-event"]);
    assert_nothing_done(&s);
}

#[tokio::test(start_paused = true)]
async fn a_cause_too_long_to_be_told_does_not_come_back_for_ever() {
    let long = "x".repeat(1024 * 1024);
    let data = json!({"tenantId": tenant(), "scope": new()});
    for name in ["id", "source"] {
        let mut event = requested(EVENT, EPOCH, &data);
        event[name] = json!(long);
        refused(&event, "failed invalid-event", &[name]).await;
    }
    let mut event = event_grid_event(EVENT, EPOCH, &data);
    event["id"] = json!(long);
    refused(&event, "failed invalid-event", &["id"]).await;
}

#[tokio::test(start_paused = true)]
async fn offboarding_by_event_is_refused_and_removes_nothing() {
    let s = Given::demo().start();
    s.warm_up().await;
    let mut event = s.asking_for(&s.cast.by_hand);
    event["type"] = json!("dev.ispm-onboarder.offboarding.requested.v1");
    s.deliver(event).await;
    let calls = s.count_calls();
    assert!(!calls.contains_key(ASSIGN) && !calls.contains_key(CONNECT) && !calls.keys().any(|name| name.ends_with("delete")), "{calls:?}");
    assert_eq!(calls[PUBLISH], 1);
    let [result] = s.expect_results(["failed offboarding-by-event"]);
    assert!(result["data"]["hint"].is_string());
    assert_eq!(s.assignments_at(&subscription(&s.cast.by_hand)).len(), 1);
}

/// Scopes and messages of elsewhere.
mod foreign {
    use super::*;

    const FABRIKAM: &str = "88888888-8888-4888-8888-888888888888";
    const THEIRS: &str = "99999999-9999-4999-8999-999999999999";

    #[tokio::test(start_paused = true)]
    async fn a_subscription_of_another_tenant_is_refused() {
        let s = Given::demo()
            .world(|world, _| {
                world.tenant_mut(FABRIKAM).add_subscription(THEIRS, "theirs", FABRIKAM);
            })
            .start();
        s.onboard(THEIRS).await;
        let calls = s.count_calls();
        assert!(!calls.contains_key(ASSIGN) && !calls.contains_key(CONNECT), "{calls:?}");
        let [result] = s.expect_results(["failed foreign-scope"]);
        assert!(result["data"]["message"].as_str().is_some_and(|words| words.contains(THEIRS)), "{result:#}");
        assert!(result["data"]["hint"].is_string());
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_this_program_did_not_write_is_refused() {
        let s = Given::demo().start();
        s.enqueue(json!({"firstSeen": "yesterday", "scope": "x"}).to_string());
        s.settle(1).await;
        s.expect_results(["failed invalid-event"]);
        assert_nothing_done(&s);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_of_a_newer_version_is_kept_for_it() {
        let s = Given::demo().start();
        let message = json!({"version": 3, "firstSeen": "2126-11-22T10:00:00Z", "new": true});
        s.enqueue(message.to_string());
        s.settle(23).await;
        assert_eq!(s.expect_waiting().message, message, "as it was");
        s.settle(3).await;
        s.expect_given_up(1);
        assert_nothing_done(&s);
    }
}
