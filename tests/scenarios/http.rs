//! `POST /api/onboard`, and what the host polls.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use ispm_onboarder::config::Config;
use ispm_onboarder::hosts::functions::router;
use ispm_onboarder::hosts::http::Readiness;
use ispm_onboarder_simulator::Fault;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::harness::{ASSIGN, Answer, CONNECT, Given, PUBLISH, PUT_BACK, Scenario, cold, subscription};

async fn onboard(s: &Scenario, scope: &str) -> Answer {
    let body = json!({"tenantId": s.cast.tenant, "scope": scope});
    s.post("/api/onboard", &[("x-ms-client-request-id", "change-4711")], body.to_string()).await
}

/// Checks that an answer is a problem document with this status and code, and how to mend it.
#[track_caller]
fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.headers.get("content-type").map(String::as_str), Some("application/problem+json"), "{}", answer.body);
    let body = answer.json();
    assert_eq!((&body["status"], &body["code"]), (&json!(status), &json!(code)), "{body:#}");
    for member in ["type", "title", "detail", "hint"] {
        assert!(body[member].is_string(), "{member} in {body:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_is_answered_with_the_result_event() {
    let s = Given::demo().start();
    let answer = onboard(&s, &subscription(&s.cast.new)).await;
    assert_eq!(answer.status, 200);
    assert!(answer.headers["content-type"].starts_with("application/cloudevents+json"));
    s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    let told = answer.json();
    assert_eq!(
        (&told["id"], &told["type"], &told["data"]),
        (&result["id"], &result["type"], &result["data"]),
        "what is answered is what was published"
    );
    assert_eq!(result["data"]["cause"], json!({"source": "urn:ispm-onboarder:call", "id": "change-4711", "type": "call"}));
}

#[tokio::test(start_paused = true)]
async fn what_is_put_back_is_answered_with_when_to_look_again() {
    let s = Given::demo().fault(Fault::status("arm.*", 503)).start();
    let answer = onboard(&s, &subscription(&s.cast.new)).await;
    assert_eq!(answer.status, 202);
    let seconds: i64 = answer.headers["retry-after"].parse().unwrap();
    assert_eq!(answer.json()["code"], "unavailable");
    let waiting = s.expect_waiting();
    assert_eq!(waiting.delay.whole_seconds(), seconds);
    s.mend();
    s.settle(1).await;
    s.count_calls();
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["cause"]["id"], "change-4711", "the caller knows its call again");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_read_is_a_bad_request() {
    for (body, code) in [
        ("", "invalid-event"),
        ("{", "invalid-event"),
        ("[]", "invalid-event"),
        ("{\"tenantId\": 7}", "invalid-event"),
        ("{\"tenantId\": \"x\", \"scope\": \"y\"}", "invalid-event"),
        ("{\"tenantId\": \"0b1f6471-1bf0-4dda-aec3-111122223333\", \"scope\": \"y\"}", "invalid-scope"),
    ] {
        let s = Given::demo().start();
        let answer = s.post("/api/onboard", &[], body).await;
        assert_problem(&answer, 400, code);
        assert!(s.unread_calls().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_over_the_limit_is_refused_with_a_problem() {
    let s = Given::demo().start();
    let answer = s.post("/api/onboard", &[], "x".repeat(65 * 1024)).await;
    assert_eq!(answer.status, 413);
    assert!(s.unread_calls().is_empty());
    assert_eq!(answer.headers.get("content-type").map(String::as_str), Some("application/problem+json"), "{}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_not_served_is_forbidden() {
    let s = Given::demo().start();
    let body = json!({"tenantId": "77777777-7777-4777-8777-777777777777", "scope": subscription(&s.cast.new)});
    let answer = s.post("/api/onboard", &[], body.to_string()).await;
    assert_problem(&answer, 403, "tenant-not-served");
    s.count_calls();
    s.expect_results(["failed tenant-not-served"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_policy_keeps_out_is_a_conflict() {
    let s = Given::demo().start();
    let answer = onboard(&s, &subscription(&s.cast.disabled)).await;
    assert_problem(&answer, 409, "excluded-by-policy");
    s.expect_calls(cold([PUBLISH]));
    s.expect_results(["blocked excluded-by-policy"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_done_is_unprocessable() {
    let s = Given::demo().start();
    let answer = onboard(&s, &subscription(&s.cast.at_limit)).await;
    assert_problem(&answer, 422, "role-assignment-limit-exceeded");
    s.expect_calls(cold([ASSIGN, PUBLISH]));
    s.expect_results(["failed role-assignment-limit-exceeded"]);
}

#[tokio::test(start_paused = true)]
async fn what_can_neither_be_done_nor_stored_is_unavailable() {
    let s = Given::demo().fault(Fault::status("arm.*", 503)).fault(Fault::status(PUT_BACK, 503)).start();
    let answer = onboard(&s, &subscription(&s.cast.new)).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert_eq!(answer.json()["code"], "unavailable");
    s.count_calls();
}

/// Posts to a handler whose configuration is wrong.
async fn post_unconfigured(path: &str) -> (u16, Value) {
    let settings = [("ONBOARDER_RESULTS", "http://evil.example"), ("ONBOARDER_PROPAGATION_MINUTES", "soon")];
    let config = Config::read(|name| settings.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned()));
    let readiness = Readiness::default();
    readiness.set(Err(config.expect_err("these settings are wrong").to_string()));
    let request = Request::post(path).body(Body::from("{\"Data\": {\"event\": {}}}")).unwrap();
    let Ok(answer) = router(readiness).oneshot(request).await;
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&to_bytes(answer.into_body(), usize::MAX).await.unwrap()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_wrong_configuration_is_answered_with_all_its_faults() {
    for path in ["/api/onboard", "/OnOnboardingEvent", "/OnOnboardingMessage"] {
        let (status, body) = post_unconfigured(path).await;
        assert_eq!(status, 503);
        let detail = body["detail"].as_str().unwrap_or_default();
        for name in ["ONBOARDER_SECRET_STORE", "ONBOARDER_RESULTS", "ONBOARDER_PROPAGATION_MINUTES"] {
            assert!(detail.contains(name), "{name} in {detail}");
        }
        assert!(body["hint"].is_string());
    }
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_the_set_up_and_the_hosts_poll_does_not() {
    let readiness = Readiness::default();
    let poll = Request::get("/").body(Body::empty()).unwrap();
    let Ok(answer) = router(readiness.clone()).oneshot(poll).await;
    assert_eq!(answer.status(), 200);
    let call = Request::post("/api/onboard").body(Body::from("{}")).unwrap();
    let waits = tokio::time::timeout(std::time::Duration::from_secs(20), router(readiness).oneshot(call)).await;
    assert!(waits.is_err(), "there is nothing to answer with yet");
}
