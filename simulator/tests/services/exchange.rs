//! Faults, throttling, time and the record: what all services share.

use std::time::Duration;

use http::Method;
use ispm_onboarder_simulator::{Broken, Effect, Fault, Request};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::stage::{ARM, READER, Stage};

const NAME: &str = "7b082443-c50f-4a2a-87a6-d8385d2edfe3";

/// A request that gives ISPM's app Reader on the new subscription.
async fn assignment(stage: &Stage) -> Request {
    let token = stage.token(ARM).await;
    let scope = format!("/subscriptions/{}", stage.cast.new);
    let body = json!({"properties": {
        "roleDefinitionId": format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{READER}"),
        "principalId": stage.cast.ispm_principal_id, "principalType": "ServicePrincipal",
    }});
    http::Request::put(format!("{ARM}{scope}/providers/Microsoft.Authorization/roleAssignments/{NAME}?api-version=2022-04-01"))
        .header("authorization", format!("Bearer {token}"))
        .body(body.to_string().into())
        .expect("a request")
}

fn is_assigned(stage: &Stage) -> bool {
    stage.simulator.state().world.role_assignments().iter().any(|assignment| assignment.name == NAME)
}

fn plan(stage: &Stage, fault: Fault) {
    stage.simulator.state().faults.push(fault);
}

#[tokio::test(start_paused = true)]
async fn a_fault_before_has_no_effect_and_one_after_has() {
    let stage = Stage::new();
    let request = assignment(&stage).await;
    plan(&stage, Fault::status("arm.role-assignments.create", 503).times(1));
    let answer = stage.simulator.exchange(request.clone()).await.expect("an answer");
    assert_eq!(answer.status(), 503);
    assert!(!is_assigned(&stage));
    plan(&stage, Fault::status("arm.role-assignments.create", 503).times(1).after());
    let answer = stage.simulator.exchange(request.clone()).await.expect("an answer");
    assert_eq!(answer.status(), 503);
    assert!(is_assigned(&stage), "done, but answered 503");
    let answer = stage.simulator.exchange(request).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let record: Vec<(Option<u16>, bool)> =
        stage.recorded("arm.role-assignments.create").iter().map(|call| (call.status, call.changed)).collect();
    assert_eq!(record, [(Some(503), false), (Some(503), true), (Some(200), false)]);
}

#[tokio::test(start_paused = true)]
async fn a_status_fault_speaks_as_its_service_does() {
    let stage = Stage::new();
    let effect = Effect::Status { status: 429, code: Some("TooManyRequests".to_owned()), retry_after: Some("17".to_owned()) };
    plan(&stage, Fault::new("*", effect));
    let arm = stage.get(&format!("{ARM}/subscriptions?api-version=2022-12-01"), "").await;
    assert_eq!((arm.outcome(), arm.header("retry-after")), ((429, "TooManyRequests"), "17"));
    let entra = stage.ask_token("t", "c", "s", "x").await;
    assert_eq!(entra.body["error"], "TooManyRequests");
    let queue = stage.get("https://contosoonboarder.queue.core.windows.net/onboarding/messages", "").await;
    assert!(queue.text.contains("<Code>TooManyRequests</Code>"), "{}", queue.text);
}

#[tokio::test(start_paused = true)]
async fn connections_break_and_bodies_are_garbled() {
    let stage = Stage::new();
    let request = assignment(&stage).await;
    let mut broken = Vec::new();
    for effect in [Effect::Reset, Effect::Truncated] {
        plan(&stage, Fault::new("arm.role-assignments.create", effect).times(1).after());
        broken.push(stage.simulator.exchange(request.clone()).await.expect_err("a broken connection"));
    }
    assert!(matches!(broken[0], Broken::Reset));
    assert!(matches!(&broken[1], Broken::Truncated(answer) if answer.status() == 200 && answer.body().starts_with(b"{\"id\"")));
    for (effect, status) in [(Effect::Html { status: 502 }, 502), (Effect::InvalidJson, 200)] {
        plan(&stage, Fault::new("arm.role-assignments.create", effect).times(1).after());
        let answer = stage.simulator.exchange(request.clone()).await.expect("an answer");
        assert_eq!(answer.status(), status);
        assert!(serde_json::from_slice::<Value>(answer.body()).is_err());
    }
    assert_eq!(stage.recorded("arm.role-assignments.create")[0].fault.as_deref(), Some("loses its connection"));
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_nothing_was_sent_and_the_record_knows_of_it() {
    let stage = Stage::new();
    let request = assignment(&stage).await;
    for effect in [Effect::Unresolved, Effect::Handshake] {
        plan(&stage, Fault::new("arm.role-assignments.create", effect.clone()).times(1).after());
        let broken = stage.simulator.exchange(request.clone()).await.expect_err("no connection");
        match effect {
            Effect::Unresolved => assert!(matches!(broken, Broken::Unresolved(host) if host == "management.azure.com")),
            _ => assert!(matches!(broken, Broken::Handshake)),
        }
        assert!(!is_assigned(&stage), "never after the effect, whatever was asked for");
    }
    let record: Vec<(Option<u16>, Option<String>)> =
        stage.recorded("arm.role-assignments.create").iter().map(|call| (call.status, call.fault.clone())).collect();
    let words = ["finds no address for its host", "fails in the TLS handshake"];
    assert_eq!(record, words.map(|words| (None, Some(words.to_owned()))));
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_under_another_media_type() {
    let stage = Stage::new();
    let request = assignment(&stage).await;
    let effect = Effect::ContentType { value: "text/plain".to_owned() };
    plan(&stage, Fault::new("arm.role-assignments.create", effect.clone()).times(1));
    plan(&stage, Fault::new("arm.role-assignments.create", effect).times(1).after());
    for (status, assigned) in [(200, false), (201, true)] {
        let answer = stage.simulator.exchange(request.clone()).await.expect("an answer");
        assert_eq!((answer.status().as_u16(), is_assigned(&stage)), (status, assigned));
        let media_types: Vec<_> = answer.headers().get_all("content-type").iter().collect();
        assert_eq!(media_types, ["text/plain"]);
        assert!(serde_json::from_slice::<Value>(answer.body()).is_ok_and(|body| body.is_object()), "the body is as it was");
    }
}

#[tokio::test(start_paused = true)]
async fn delays_and_latency_take_simulated_time() {
    let stage = Stage::new();
    let request = assignment(&stage).await;
    stage.simulator.state().world.settings.latency_milliseconds = 250;
    plan(&stage, Fault::new("arm.*", Effect::Delay { seconds: 30 }).times(1));
    let before = Instant::now();
    let answer = stage.simulator.exchange(request).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), before.elapsed()), (201, Duration::from_millis(30_250)));
}

#[tokio::test(start_paused = true)]
async fn throttles_with_a_token_bucket() {
    let stage = Stage::new();
    stage.simulator.state().world.settings.throttle = true;
    let token = stage.token(ARM).await;
    let url = format!("{ARM}/subscriptions/{}?api-version=2022-12-01", stage.cast.new);
    let first = stage.get(&url, &token).await;
    assert_eq!(first.header("x-ms-ratelimit-remaining-subscription-reads"), "249");
    for _ in 1..250 {
        assert_eq!(stage.get(&url, &token).await.status, 200);
    }
    let refused = stage.get(&url, &token).await;
    assert_eq!((refused.outcome(), refused.header("retry-after")), ((429, "SubscriptionRequestsThrottled"), "1"));
    let elsewhere = format!("{ARM}/subscriptions/{}?api-version=2022-12-01", stage.cast.disabled);
    assert_eq!(stage.get(&elsewhere, &token).await.status, 200, "another subscription has a bucket of its own");
    stage.advance(1);
    for _ in 0..25 {
        assert_eq!(stage.get(&url, &token).await.status, 200);
    }
    assert_eq!(stage.get(&url, &token).await.status, 429);
    stage.advance(1000);
    assert_eq!(stage.get(&url, &token).await.header("x-ms-ratelimit-remaining-subscription-reads"), "249", "full, and no fuller");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_host_is_no_answer_and_no_record() {
    let stage = Stage::new();
    for url in ["https://example.com/", "http://169.254.169.254/metadata", "/relative"] {
        let request = http::Request::get(url).body(bytes::Bytes::new()).expect("a request");
        assert!(matches!(stage.simulator.exchange(request).await, Err(Broken::UnknownHost(_))), "{url}");
    }
    assert!(stage.simulator.state().requests.is_empty());
}

#[tokio::test(start_paused = true)]
async fn yields_before_and_after_the_effect() {
    let stage = Stage::new();
    let request = assignment(&stage).await;
    for (polls, assigned) in [(1, false), (2, true)] {
        let mut exchange = Box::pin(stage.simulator.exchange(request.clone()));
        for _ in 0..polls {
            let waker = std::task::Waker::noop();
            let polled = std::future::Future::poll(exchange.as_mut(), &mut std::task::Context::from_waker(waker));
            assert!(polled.is_pending());
        }
        drop(exchange);
        assert_eq!(is_assigned(&stage), assigned, "killed at its {polls}. pending");
    }
    let record: Vec<(Option<u16>, bool)> =
        stage.recorded("arm.role-assignments.create").iter().map(|call| (call.status, call.changed)).collect();
    assert_eq!(record, [(None, false), (None, true)], "the record knows what the caller does not");
}

#[tokio::test(start_paused = true)]
async fn the_record_names_the_call_without_credentials() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    stage.call(Method::GET, &format!("{ARM}/subscriptions?api-version=2022-12-01"), &token, Value::Null).await;
    let record = serde_json::to_string(&stage.simulator.state().requests).expect("a record");
    assert!(record.contains("management.azure.com/subscriptions?api-version=2022-12-01"), "{record}");
    assert!(!record.contains(&token) && !record.contains("of~no~value"));
    assert!(!format!("{:?}", stage.simulator).contains("of~no~value"));
}

#[tokio::test(start_paused = true)]
async fn a_fault_puts_words_into_a_services_mouth() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let link = json!("https://elsewhere.example/subscriptions");
    let fault = Fault::new("arm.subscriptions.list", Effect::Altered { pointer: "/nextLink".to_owned(), value: link.clone() });
    stage.simulator.state().faults.push(fault.after().times(1));
    let url = format!("{ARM}/subscriptions?api-version=2022-12-01");
    let answered = stage.get(&url, &token).await;
    assert_eq!((answered.status, &answered.body["nextLink"]), (200, &link));
    assert_eq!(stage.get(&url, &token).await.body["nextLink"], Value::Null);
}
