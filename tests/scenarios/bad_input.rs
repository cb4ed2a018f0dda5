//! Bad input: each has a stated outcome and words that name what is wrong and how to mend it. Nothing is written and nothing is lost.

use serde_json::{Value, json};

use crate::HOST;
use crate::harness::{ASSIGN, CONNECT, EPOCH, EVENT, Given, Host, PUBLISH, Scenario, event_grid_event, group, requested, subscription};

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

/// Paths that would lead elsewhere if they were put into an address as they are, or that look like another.
#[tokio::test(start_paused = true)]
async fn a_path_that_leads_elsewhere_or_looks_like_another_is_no_scope() {
    let id = new().trim_start_matches("/subscriptions/").to_owned();
    let group = "/providers/Microsoft.Management/managementGroups";
    let look_alike = id.replacen(|c: char| c.is_ascii_digit(), "\u{ff11}", 1);
    for scope in [
        format!("/subscriptions%2F{id}"),
        format!("%2Fsubscriptions%2F{id}"),
        format!("/subscriptions/{id}%2FresourceGroups%2Frg"),
        format!("/subscriptions/{id}%00"),
        format!("/subscriptions%5C{id}"),
        format!("/subscriptions\\{id}"),
        format!("\\subscriptions\\{id}"),
        format!("/subscriptions/../subscriptions/{id}"),
        format!("/subscriptions/./{id}"),
        format!("/subscriptions/%2e%2e/{id}"),
        format!("/subscriptions/{id}/.."),
        format!("/subscriptions/{id}/../{id}"),
        "/subscriptions/..".to_owned(),
        format!("//subscriptions/{id}"),
        format!("/subscriptions//{id}"),
        format!("/subscriptions/{id}//"),
        format!("/subscriptions/{id}/providers/Microsoft.Authorization/roleAssignments/{id}"),
        format!("/subscriptions/{id}?api-version=2022-12-01"),
        format!("/subscriptions/{id}#x"),
        format!("/subscriptions/{id};x"),
        format!("/subscriptions/{id},{id}"),
        format!("/subscriptions/{id} /subscriptions/{id}"),
        format!("https://management.azure.com/subscriptions/{id}"),
        format!("/subscriptions/{look_alike}"),
        format!("/subscriptions/{id}\u{200b}"),
        format!("/\u{455}ubscriptions/{id}"),
        format!("/\u{17f}ubscriptions/{id}"),
        format!("\u{2215}subscriptions\u{2215}{id}"),
        format!("\u{ff0f}subscriptions\u{ff0f}{id}"),
        format!("{group}/.."),
        format!("{group}/."),
        format!("{group}/%2e%2e"),
        format!("{group}/corp%2F..%2Fother"),
        format!("{group}/corp\\other"),
        format!("{group}//corp"),
        format!("{group}/corp//"),
        format!("{group}/corp/subscriptions/{id}"),
        format!("{group}/corp?x=y"),
        format!("{group}/c\u{43e}rp"),
        format!("/providers/Microsoft.Management/../managementGroups/{id}"),
        format!("/providers/Microsoft.Subscription/subscriptions/{id}"),
        format!("/tenants/{id}"),
    ] {
        for event in both(&json!({"tenantId": tenant(), "scope": scope})) {
            refused(&event, "failed invalid-scope", &["scope"]).await;
        }
    }
}

/// A management group may have a subscription's id as its name.
#[tokio::test(start_paused = true)]
async fn a_group_that_is_named_like_a_subscription_is_not_that_subscription() {
    let s = Given::demo()
        .world(|world, cast| {
            let tenant = cast.tenant.clone();
            world.tenant_mut(&tenant).add_management_group(&cast.new, &tenant);
        })
        .start();
    let path = group(&s.cast.new);
    s.deliver(s.event("group", &path)).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
    assert_eq!((s.assignments_at(&path).len(), s.assignments_at(&new()).len()), (1, 0));
    s.onboard(&s.cast.new).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
    assert_eq!(s.assignments_at(&new()).len(), 1, "the subscription does not lie below the group");
}

/// Wherever an upstream service sends this program, it does not go there: a token or a secret would go along.
mod redirects {
    use ispm_onboarder::doctor::Status;
    use ispm_onboarder_simulator::world::Vault;
    use ispm_onboarder_simulator::{Effect, Fault};

    use super::*;
    use crate::faults::OPERATIONS;
    use crate::harness::{GET_SECRET, LIST_SECRETS, PUT_BACK, claims, taking_tokens};

    const ELSEWHERE: &str = "https://elsewhere.vault.azure.net/secrets/stolen?api-version=7.4";

    /// The report's calls, and the queue's that only looks.
    const PUT_REPORT: &str = if matches!(HOST, Host::Functions) { "blob.put" } else { "s3.put" };
    const GET_REPORT: &str = if matches!(HOST, Host::Functions) { "blob.get" } else { "s3.get" };
    const OF_QUEUE: &str = if matches!(HOST, Host::Functions) { "queue.properties" } else { "sqs.attributes.get" };

    fn redirect(operation: &str, status: u16) -> Fault {
        Fault::new(operation, Effect::Redirect { status, location: ELSEWHERE.to_owned() })
    }

    /// Where calls would arrive that go where they are sent.
    fn elsewhere(given: Given) -> Given {
        given.world(|world, cast| {
            let vault = Vault { tenant_id: cast.tenant.clone(), ..Vault::default() };
            world.vaults.insert("elsewhere".to_owned(), vault);
        })
    }

    fn redirected(operation: &str, status: u16) -> Given {
        elsewhere(taking_tokens()).fault(redirect(operation, status))
    }

    #[track_caller]
    fn assert_not_followed(s: &Scenario, told: &str) {
        let calls = s.unread_calls();
        assert!(calls.iter().any(|call| call.fault.is_some()), "{told} was not asked");
        assert!(!calls.iter().any(|call| call.url.contains("elsewhere")), "{told}: {calls:#?}");
    }

    #[tokio::test(start_paused = true)]
    async fn none_is_followed_while_onboarding_and_each_is_told_or_passes() {
        // The demo's login is not by way of AWS.
        for operation in OPERATIONS.into_iter().filter(|operation| !operation.starts_with("sts.")) {
            for status in [301, 302, 303, 307, 308] {
                let told = format!("{operation} {status}");
                let s = redirected(operation, status).start();
                s.onboard(&s.cast.new).await;
                s.settle(1).await;
                assert_not_followed(&s, &told);
                let failed: Vec<String> = s.distinct_results().into_values().collect();
                let is_final = ["failed unexpected-answer", "failed connection-refused"].iter().any(|expected| failed == [*expected]);
                assert!(failed.is_empty() || is_final, "{told}: {failed:?}");
                s.mend();
                s.settle(12).await;
                s.count_calls();
                let later: Vec<String> = s.distinct_results().into_values().collect();
                // Signing in and publishing are tried again; what else a service answers so is no answer of its contract.
                assert_eq!(later, if failed.is_empty() { vec!["onboarded"] } else { vec![] }, "{told}");
                s.forgive_what_waits();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn none_is_followed_by_the_queue_the_sweep_the_report_and_entras_keys() {
        for status in [301, 302, 307, 308] {
            let s = redirected(PUT_BACK, status).fault(Fault::status("arm.*", 503)).start();
            s.onboard(&s.cast.new).await;
            assert_not_followed(&s, PUT_BACK);
            s.forgive_what_waits();
            for operation in ["arm.descendants.list", "arm.resource-graph.query", PUT_REPORT] {
                let s = redirected(operation, status).start();
                s.sweep().await;
                assert_not_followed(&s, operation);
                s.forgive_what_waits();
            }
            let s = redirected(GET_REPORT, status).start();
            let token = crate::harness::bearer(&claims("Onboarder.Read"), ispm_onboarder_simulator::TokenKey::Entra);
            let answer = s.get_by_headers(&format!("/api/coverage?tenant={}", s.cast.tenant), &[("authorization", &token)]).await;
            assert!(answer.status >= 500, "{}", answer.body);
            assert_not_followed(&s, GET_REPORT);
            let s = redirected("entra.keys", status).start();
            let token = crate::harness::bearer(&claims("Onboarder.Read"), ispm_onboarder_simulator::TokenKey::Entra);
            let answer = s.get_by_headers(&format!("/api/coverage?tenant={}", s.cast.tenant), &[("authorization", &token)]).await;
            assert_eq!(answer.status, 503, "{}", answer.body);
            assert_not_followed(&s, "entra.keys");
        }
    }

    /// Removing is the one call that takes away: it does not go elsewhere, and what it should have done is told as not done.
    #[tokio::test(start_paused = true)]
    async fn none_is_followed_while_offboarding() {
        use crate::offboarding::{DISCONNECT, REMOVE, given_alone, offboard};
        for operation in ["graph.service-principal.get", "arm.subscription.get", "arm.role-assignments.list", REMOVE, DISCONNECT] {
            for status in [301, 302, 303, 307, 308] {
                let s = elsewhere(given_alone()).start();
                s.onboard(&s.cast.new).await;
                s.count_calls();
                s.expect_results(["onboarded"]);
                // Nothing is remembered of Graph's answers then.
                s.settle_for(std::time::Duration::from_mins(11)).await;
                s.fault(redirect(operation, status));
                let scope = new();
                let answer = offboard(&s, &scope).await;
                assert_ne!(answer.status, 200, "{operation} {status}: {}", answer.body);
                assert_not_followed(&s, operation);
                let is_there = !s.assignments_at(&scope).is_empty();
                assert_eq!(is_there, operation != DISCONNECT, "{operation} {status}");
                s.distinct_results();
                s.forgive_what_waits();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn none_is_followed_by_the_doctor() {
        let store = [GET_SECRET, LIST_SECRETS];
        let reads = ["arm.permissions.list", "arm.role-assignments.list", "graph.service-principal.get", "ispm.sources.list", OF_QUEUE];
        for operation in store.into_iter().chain(reads) {
            for status in [301, 307] {
                let s = redirected(operation, status).start();
                let checks = s.doctor(time::Duration::ZERO).examine(None).await;
                assert_not_followed(&s, operation);
                let told = checks.iter().any(|check| matches!(check.status, Status::Failed | Status::Warning));
                assert!(told, "{operation} {status}: {checks:#?}");
            }
        }
    }
}
