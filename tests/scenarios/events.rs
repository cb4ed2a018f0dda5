//! The shapes in which a request may arrive, and that nothing else in it has any effect.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::Duration;

use crate::harness::{ASSIGN, CONNECT, EPOCH, EVENT, Given, PIPELINE, PUBLISH, Scenario, cold, event_grid_event, requested, subscription};

/// JSON text inside a JSON string, so many times.
fn text(value: &Value, layers: usize) -> Value {
    (0..layers).fold(value.clone(), |inner, _| Value::String(inner.to_string()))
}

/// The ways in which the host, a queue or a forwarder may wrap one event.
fn wrapped(event: &Value) -> Vec<(&'static str, Value)> {
    vec![
        ("an object", event.clone()),
        ("text", text(event, 1)),
        ("text in text", text(event, 2)),
        ("text in text in text", text(event, 3)),
        ("base64", json!(STANDARD.encode(event.to_string()))),
        ("an array", json!([event])),
        ("an array as text", text(&json!([event]), 1)),
        ("an array of texts, as text", text(&json!([text(event, 1)]), 1)),
    ]
}

async fn call(s: &Scenario, function: &str, binding: &str, value: &Value) {
    let body = json!({"Data": {binding: value}, "Metadata": {"sys": {"MethodName": function}}});
    let answer = s.post(&format!("/{function}"), &[], body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn both_schemas_in_every_wrapping_are_the_same_request() {
    let s = Given::demo().start();
    s.warm_up().await;
    let data = json!({"tenantId": s.cast.tenant, "scope": subscription(&s.cast.new)});
    let mut ids = Vec::new();
    for event in [requested(EVENT, EPOCH, &data), event_grid_event(EVENT, EPOCH, &data)] {
        for (how, value) in wrapped(&event) {
            for (function, binding) in [("OnOnboardingEvent", "event"), ("OnOnboardingMessage", "message")] {
                call(&s, function, binding, &value).await;
                let [result] = s.expect_results(["onboarded"]);
                let cause = &result["data"]["cause"];
                assert_eq!((&cause["source"], &cause["id"]), (&json!(PIPELINE), &json!(EVENT)), "{how}");
                ids.push(result["id"].clone());
            }
        }
    }
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    assert_eq!(s.count_calls()[ASSIGN], 1);
}

#[tokio::test(start_paused = true)]
async fn several_events_in_one_array_are_each_taken_up() {
    let s = Given::demo().start();
    let events = json!([
        s.event("one", &subscription(&s.cast.new)),
        {"not": "an event"},
        s.event("two", &subscription(&s.cast.by_hand)),
    ]);
    call(&s, "OnOnboardingEvent", "event", &text(&events, 1)).await;
    s.count_calls();
    let mut told: Vec<String> = s.distinct_results().into_values().collect();
    told.sort_unstable();
    assert_eq!(told, ["failed invalid-event", "onboarded", "onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_event_grid_put_into_the_queue_is_taken_up() {
    for as_base64 in [false, true] {
        let s = Given::demo().start();
        let event = s.asking_for(&s.cast.new).to_string();
        s.enqueue(if as_base64 { STANDARD.encode(event) } else { event });
        s.settle(1).await;
        s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
        s.expect_results(["onboarded"]);
    }
}

/// What a person may replay from a file must not go round in circles by itself.
#[tokio::test(start_paused = true)]
async fn a_failed_result_that_comes_as_an_event_asks_for_nothing() {
    let s = Given::demo().start();
    let mut result = s.asking_for(&s.cast.new);
    let cause = json!({"source": result["source"], "id": result["id"], "type": result["type"]});
    result["type"] = json!("dev.ispm-onboarder.scope.failed.v1");
    result["data"]["cause"] = cause;
    result["data"]["code"] = json!("unavailable");
    s.deliver(result).await;
    s.expect_calls([]);
    s.expect_results([]);
}

#[tokio::test(start_paused = true)]
async fn ids_in_upper_case_in_braces_and_with_blanks_are_the_same_ids() {
    let s = Given::demo().start();
    s.warm_up().await;
    let (tenant, new) = (&s.cast.tenant, &s.cast.new);
    let spellings = [
        (tenant.clone(), subscription(new)),
        (tenant.to_uppercase(), subscription(new).to_uppercase()),
        (format!("{{{tenant}}}"), format!("/subscriptions/{{{new}}}")),
        (format!("  {tenant}\t"), format!(" {}/ ", subscription(new))),
        (tenant.clone(), new.clone()),
        (tenant.clone(), format!("subscriptions/{new}")),
    ];
    let mut ids = Vec::new();
    for (tenant, scope) in spellings {
        s.deliver(requested(EVENT, EPOCH, &json!({"tenantId": tenant, "scope": scope}))).await;
        let [result] = s.expect_results(["onboarded"]);
        assert_eq!(result["subject"], subscription(new), "{scope}");
        ids.push(result["id"].clone());
    }
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    assert_eq!(s.count_calls()[ASSIGN], 1);
}

#[tokio::test(start_paused = true)]
async fn a_role_a_principal_or_a_url_in_an_event_changes_nothing() {
    let plain = Given::demo().start();
    plain.onboard(&plain.cast.new).await;
    plain.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
    let [expected] = plain.expect_results(["onboarded"]);

    let s = Given::demo().start();
    let mut event = s.asking_for(&s.cast.new);
    let (owner, attacker) = ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "66666666-6666-4666-8666-666666666666");
    let wishes = json!({
        "role": owner, "roleDefinitionId": owner, "principalId": attacker, "app": {"clientId": attacker, "principalId": attacker},
        "login": {"method": "managed-identity"}, "policy": {"exclude": []}, "resultsUrl": "https://evil.example/api/events",
        "ispm": {"url": "https://evil.example", "entraSource": "Evil"}, "url": "https://evil.example", "endpoint": "https://evil.example",
        "validationUrl": "https://evil.example/validate", "secretStore": "https://evil.vault.azure.net", "action": "offboard",
        "firstSeen": "2000-01-01T00:00:00Z", "attempts": 99,
    });
    for (name, wish) in wishes.as_object().unwrap() {
        event["data"][name] = wish.clone();
        event[name.to_lowercase()] = wish.clone();
    }
    event["dataschema"] = json!("https://evil.example/schema");
    event["firstSeen"] = json!("2000-01-01T00:00:00Z");
    s.deliver(event).await;
    s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
    assert_eq!(s.expect_results(["onboarded"]), [expected]);
    assert_eq!(s.assignments_at(&subscription(&s.cast.new)), plain.assignments_at(&subscription(&s.cast.new)));
    assert!(
        !s.everything_said()
            .iter()
            .skip(2)
            .any(|said| said.contains("evil.example") && !said.contains("\"Data\"") && !said.contains("\"Records\""))
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_put_back_holds_the_request_and_nothing_else_of_the_event() {
    let s = Given::demo().start();
    let mut event = s.asking_for(&s.cast.late);
    event["data"]["owner"] = json!("alice@contoso.example");
    event["data"]["claims"] = json!({"upn": "alice@contoso.example", "ipaddr": "203.0.113.7"});
    s.deliver(event).await;
    s.count_calls();
    let waiting = s.expect_waiting();
    insta::assert_json_snapshot!("message", waiting.message);
    assert_eq!(waiting.first_seen(), EPOCH);
    assert!(waiting.delay > Duration::ZERO);
}
