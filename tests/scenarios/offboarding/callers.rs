//! Who may offboard over HTTP: on either host, whatever else the platform has let through.

use ispm_onboarder_simulator::{Simulator, TokenKey};
use serde_json::{Value, json};

use super::{call_with, claims, given, offboard};
use crate::harness::{Answer, COLD_START, EPOCH, Given, Scenario, heard, listen, subscription};

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
}

/// What is refused reads nothing but keys, and removes nothing.
fn assert_untouched(s: &Scenario) {
    let calls = s.count_calls();
    assert!(calls.keys().all(|name| name == COLD_START), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn without_the_settings_nobody_may_and_the_answer_says_how_to() {
    let s = Given::demo().start();
    let answer = offboard(&s, &subscription(&s.cast.new)).await;
    assert_refused(&answer, 403, "not-permitted");
    let hint = answer.json()["hint"].as_str().unwrap_or_default().to_owned();
    for word in ["ONBOARDER_ENTRA_AUDIENCE", "ONBOARDER_ENTRA_CALLERS", "Onboarder.Offboard"] {
        assert!(hint.contains(word), "{word} in {hint}");
    }
    assert_untouched(&s);
}

#[tokio::test(start_paused = true)]
async fn a_key_or_a_signature_is_not_enough() {
    let s = given().start();
    let body = json!({ "tenantId": s.cast.tenant, "scope": subscription(&s.cast.new) }).to_string();
    for headers in [&[][..], &[("x-functions-key", "a")], &[("authorization", "Basic bWlhOng=")]] {
        let answer = s.post("/api/offboard", headers, body.clone()).await;
        assert_refused(&answer, 401, "not-authenticated");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    assert_untouched(&s);
}

#[tokio::test(start_paused = true)]
async fn a_token_without_the_role_of_another_tenant_or_out_of_time_is_refused() {
    let other = "77777777-7777-4777-8777-777777777777";
    let now = EPOCH.unix_timestamp();
    let cases = [
        ("roles", json!(["Onboarder.Onboard", "Onboarder.Read", "Onboarder.Send"]), 403, "not-permitted"),
        ("roles", json!([]), 403, "not-permitted"),
        ("tid", json!(other), 401, "not-authenticated"),
        ("exp", json!(now - 61), 401, "not-authenticated"),
        ("nbf", json!(now + 61), 401, "not-authenticated"),
        ("aud", json!("https://management.azure.com"), 401, "not-authenticated"),
    ];
    for (claim, value, status, code) in cases {
        let s = given().start();
        let mut claims = claims(&s);
        claims[claim] = value;
        assert_refused(&call_with(&s, &claims, &subscription(&s.cast.new)).await, status, code);
        assert_untouched(&s);
    }
    let s = given().start();
    let token = format!("Bearer {}", Simulator::sign_token(&claims(&s), TokenKey::Entra));
    let body = json!({ "tenantId": other, "scope": subscription(&s.cast.new) }).to_string();
    assert_refused(&s.post("/api/offboard", &[("authorization", &token)], body).await, 403, "not-permitted");
    let forged = format!("Bearer {}", Simulator::sign_token(&claims(&s), TokenKey::StrangerAsEntra));
    let body = json!({ "tenantId": s.cast.tenant, "scope": subscription(&s.cast.new) }).to_string();
    assert_refused(&s.post("/api/offboard", &[("authorization", &forged)], body).await, 401, "not-authenticated");
    assert_untouched(&s);
}

#[tokio::test(start_paused = true)]
async fn who_offboarded_stands_in_the_log_with_the_invocation_and_no_token() {
    let s = given().start();
    listen();
    offboard(&s, &subscription(&s.cast.new)).await;
    let log = heard();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of = |message: &str| {
        let line = lines.iter().find(|line| line["fields"]["message"] == message);
        line.unwrap_or_else(|| panic!("nothing was {message}"))["fields"].clone()
    };
    let (called, done) = (of("called"), of("invocation"));
    let who = format!("object {} of tenant {}", s.cast.api.caller_principal_id, s.cast.tenant);
    assert_eq!((called["caller"].as_str(), called["function"].as_str()), (Some(who.as_str()), Some("Offboard")));
    assert_eq!((&done["invocation"], &done["outcome"]), (&called["invocation"], &json!("offboarded")));
    assert!(!log.contains(".eyJ"));
    s.count_calls();
    s.expect_results(["offboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_read_is_a_bad_request() {
    let s = given().start();
    let token = format!("Bearer {}", Simulator::sign_token(&claims(&s), TokenKey::Entra));
    for body in ["", "[]", "{\"tenantId\": 7}"] {
        assert_refused(&s.post("/api/offboard", &[("authorization", &token)], body).await, 400, "invalid-event");
    }
    assert_eq!(s.get("/api/offboard").await.status, 405);
    assert_untouched(&s);
}
