//! Who may call the ops routes, on either host: which tokens are taken, how often who may ask, and that each refusal is a problem document.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ispm_onboarder_simulator::{Fault, Simulator, TokenKey};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::harness::{Answer, COLD_START, EPOCH, Given, Scenario, bearer, claims, heard, listen, subscription, taking_tokens};

/// The ops routes, each with the app role that it takes.
const ROUTES: [(&str, &str); 3] =
    [("/api/onboard", "Onboarder.Onboard"), ("/api/offboard", "Onboarder.Offboard"), ("/api/coverage", "Onboarder.Read")];
const OTHER_TENANT: &str = "77777777-7777-4777-8777-777777777777";

/// Calls a route about the tenant, by these headers alone.
async fn call(s: &Scenario, route: &str, headers: &[(&str, &str)]) -> Answer {
    match route {
        "/api/coverage" => s.get_by_headers(&format!("{route}?tenant={}", s.cast.tenant), headers).await,
        _ => {
            let body = json!({ "tenantId": s.cast.tenant, "scope": subscription(&s.cast.new) });
            s.post_by_headers(route, headers, body.to_string()).await
        }
    }
}

/// Checks that an answer is a problem document with this status and code, that says nothing of what was sent.
#[track_caller]
fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let body = answer.json();
    assert_eq!(body["status"], json!(status));
    assert!(["type", "title", "detail"].iter().all(|member| body[member].is_string()), "{body:#}");
    assert!(!answer.body.contains("eyJ"), "{}", answer.body);
}

/// Checks that nothing was read but Entra's keys, and nothing done.
#[track_caller]
fn assert_untouched(s: &Scenario) {
    let calls = s.count_calls();
    assert!(calls.keys().all(|name| name == COLD_START), "{calls:?}");
}

fn lines(log: &str, message: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).map(|line| line["fields"].clone());
    lines.filter(|line| line["message"] == message).collect()
}

#[tokio::test(start_paused = true)]
async fn where_tokens_are_taken_one_is_needed() {
    for (route, _) in ROUTES {
        let s = taking_tokens().start();
        for headers in [&[][..], &[("x-functions-key", "a")], &[("authorization", "Basic bWlhOng=")]] {
            let answer = call(&s, route, headers).await;
            assert_problem(&answer, 401, "not-authenticated");
            assert_eq!(answer.headers["www-authenticate"], "Bearer", "no token came that could be invalid");
        }
        assert_untouched(&s);
    }
}

#[tokio::test(start_paused = true)]
async fn who_onboards_stands_in_the_log_and_in_the_result_and_nothing_more_of_that_person() {
    let s = taking_tokens().start();
    // A user's token, by which an app calls for that user: the app role is the user's own.
    let mut claims = claims("Onboarder.Onboard");
    for (claim, value) in [("scp", "user_impersonation"), ("idtyp", "user"), ("upn", "mia@contoso.example"), ("name", "Mia Example")] {
        claims[claim] = json!(value);
    }
    listen();
    let answer = call(&s, "/api/onboard", &[("authorization", &bearer(&claims, TokenKey::Entra))]).await;
    let log = heard();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let [result] = s.expect_results(["onboarded"]);
    let caller = json!({ "tenantId": s.cast.tenant, "objectId": s.cast.api.caller_principal_id });
    assert_eq!((&result["data"]["caller"], &answer.json()["data"]["caller"]), (&caller, &caller));
    let who = json!(format!("object {} of tenant {}", s.cast.api.caller_principal_id, s.cast.tenant));
    for message in ["called", "invocation"] {
        let [line] = lines(&log, message).try_into().unwrap();
        assert_eq!((&line["caller"], &line["function"]), (&who, &json!("Onboard")), "{line:#}");
    }
    for personal in ["mia", "Mia"] {
        assert!(!log.contains(personal) && !result.to_string().contains(personal) && !answer.body.contains(personal), "{personal}");
    }
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_the_queue_does_not_say_who_asked() {
    let s = taking_tokens().fault(Fault::status("arm.*", 503)).start();
    let answer = call(&s, "/api/onboard", &[("authorization", &bearer(&claims("Onboarder.Onboard"), TokenKey::Entra))]).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let waiting = s.expect_waiting();
    assert!(!waiting.message.to_string().contains(&s.cast.api.caller_principal_id), "{}", waiting.message);
    s.mend();
    s.settle(1).await;
    s.count_calls();
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["caller"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn who_reads_the_coverage_stands_in_the_log() {
    let s = taking_tokens().start();
    listen();
    call(&s, "/api/coverage", &[("authorization", &bearer(&claims("Onboarder.Read"), TokenKey::Entra))]).await;
    let [line] = lines(&heard(), "called").try_into().unwrap();
    assert_eq!(line["function"], "Coverage");
    assert!(line["caller"].as_str().is_some_and(|who| who.contains(&s.cast.api.caller_principal_id)), "{line:#}");
    s.count_calls();
}

/// A token whose header says something else than what it was signed under.
fn with_header(token: &str, change: impl FnOnce(&mut Value)) -> String {
    let (header, rest) = token.split_once('.').unwrap();
    let mut header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    change(&mut header);
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

/// Tokens that are not taken anywhere, by name.
fn bad_tokens(role: &str) -> Vec<(String, String)> {
    let good = claims(role);
    let sign = |claims: &Value| Simulator::sign_token(claims, TokenKey::Entra);
    let (now, tenant) = (EPOCH.unix_timestamp(), good["tid"].as_str().unwrap_or_default().to_owned());
    let mut bad = Vec::new();
    for (claim, value) in [
        ("aud", json!("https://management.azure.com")),
        ("aud", json!("00000003-0000-0000-c000-000000000000")),
        ("aud", json!([good["aud"]])),
        ("aud", json!(null)),
        ("iss", json!(format!("https://sts.windows.net/{OTHER_TENANT}/"))),
        ("iss", json!(format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0"))),
        // Halves of the two versions.
        ("iss", json!(format!("https://login.microsoftonline.com/{tenant}/"))),
        ("iss", json!(format!("https://sts.windows.net/{tenant}/v2.0"))),
        ("iss", json!(format!("https://sts.windows.net/{tenant}"))),
        ("iss", json!(format!("https://login.microsoftonline.com.evil.example/{tenant}/v2.0"))),
        ("iss", json!("https://login.microsoftonline.com/common/v2.0")),
        ("tid", json!(OTHER_TENANT)),
        ("tid", json!(null)),
        ("exp", json!(now - 61)),
        ("exp", json!(i64::MIN)),
        ("exp", json!(null)),
        ("nbf", json!(now + 61)),
        ("nbf", json!(null)),
        ("oid", json!(null)),
        ("oid", json!("mia")),
        // An ID token names no app that asked for it.
        ("appid", json!(null)),
    ] {
        let mut claims = good.clone();
        claims[claim] = value.clone();
        bad.push((format!("{claim} {value}"), sign(&claims)));
    }
    for key in [TokenKey::Unsigned, TokenKey::PublicKeyAsSecret, TokenKey::StrangerAsEntra, TokenKey::Stranger, TokenKey::AwsSts] {
        bad.push((format!("{key:?}"), Simulator::sign_token(&good, key)));
    }
    let signed = sign(&good);
    let unsigned = signed.rsplit_once('.').map(|(unsigned, _)| unsigned.to_owned()).unwrap();
    for (name, token) in [
        ("alg none under Entra's key id", with_header(&format!("{unsigned}."), |header| header["alg"] = json!("none"))),
        ("alg none with a signature", with_header(&signed, |header| header["alg"] = json!("none"))),
        ("alg of another kind of key", with_header(&signed, |header| header["alg"] = json!("ES256"))),
        ("alg RS512", with_header(&signed, |header| header["alg"] = json!("RS512"))),
        ("no key id", with_header(&signed, |header| header["kid"] = json!(null))),
        ("a key that it brings along", with_header(&signed, |header| header["jwk"] = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }))),
        ("where its keys are said to be", with_header(&signed, |header| header["jku"] = json!("https://evil.example/keys"))),
        ("its signature cut", signed[..signed.len() - 2].to_owned()),
        ("no signature", format!("{unsigned}.")),
        ("two parts", unsigned),
        ("two tokens", format!("{signed},{signed}")),
        ("two tokens with their scheme", format!("{signed}, Bearer {signed}")),
        ("no token", "-".to_owned()),
        ("a million letters", "e".repeat(64 * 1024)),
    ] {
        bad.push((name.to_owned(), token));
    }
    bad
}

#[tokio::test(start_paused = true)]
async fn a_token_that_proves_nothing_is_refused_by_each_route_and_named_invalid() {
    for (route, role) in ROUTES {
        for (name, token) in bad_tokens(role) {
            let s = taking_tokens().start();
            let answer = call(&s, route, &[("authorization", &format!("Bearer {token}"))]).await;
            assert_eq!(answer.status, 401, "{route} with {name}: {}", answer.body);
            assert_problem(&answer, 401, "not-authenticated");
            assert_eq!(answer.headers["www-authenticate"], r#"Bearer error="invalid_token""#, "{name}");
            assert_untouched(&s);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_routes_role_is_none() {
    for (route, _) in ROUTES {
        for other in
            ROUTES.into_iter().filter(|other| other.0 != route).map(|(_, role)| role).chain(["Onboarder.Send", "onboarder.read", ""])
        {
            let s = taking_tokens().start();
            let answer = call(&s, route, &[("authorization", &bearer(&claims(other), TokenKey::Entra))]).await;
            assert_problem(&answer, 403, "not-permitted");
            assert_untouched(&s);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_scope_is_no_role() {
    let s = taking_tokens().start();
    let mut claims = claims("");
    claims["scp"] = json!("Onboarder.Onboard Onboarder.Offboard Onboarder.Read user_impersonation");
    for (route, _) in ROUTES {
        assert_problem(&call(&s, route, &[("authorization", &bearer(&claims, TokenKey::Entra))]).await, 403, "not-permitted");
    }
    assert_untouched(&s);
}

#[tokio::test(start_paused = true)]
async fn a_caller_names_its_own_tenant_alone() {
    let s = taking_tokens().start();
    for (route, role) in ROUTES {
        let token = bearer(&claims(role), TokenKey::Entra);
        let headers = [("authorization", token.as_str())];
        let answer = match route {
            "/api/coverage" => s.get_by_headers(&format!("{route}?tenant={OTHER_TENANT}"), &headers).await,
            _ => {
                let body = json!({ "tenantId": OTHER_TENANT, "scope": subscription(&s.cast.new) });
                s.post_by_headers(route, &headers, body.to_string()).await
            }
        };
        assert_problem(&answer, 403, "not-permitted");
    }
    assert_untouched(&s);
}

/// Asks for the coverage of no tenant: nothing is read for it.
async fn ask(s: &Scenario, token: &str) -> Answer {
    s.get_by_headers("/api/coverage", &[("authorization", token)]).await
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_asks_too_often_has_to_wait_and_holds_up_nobody_else() {
    let s = taking_tokens().start();
    let mut of_another = claims("Onboarder.Read");
    of_another["oid"] = json!("55555555-5555-4555-8555-555555555555");
    let (one, another) = (bearer(&claims("Onboarder.Read"), TokenKey::Entra), bearer(&of_another, TokenKey::Entra));
    for _ in 0..100 {
        assert_eq!(ask(&s, &one).await.status, 400);
    }
    let answer = ask(&s, &one).await;
    assert_problem(&answer, 429, "too-many-calls");
    assert_eq!(answer.headers["retry-after"], "1");
    assert!(answer.json()["hint"].is_string());
    assert_eq!(ask(&s, &another).await.status, 400);
    s.settle_for(Duration::from_secs(1)).await;
    for status in [400, 400, 429] {
        assert_eq!(ask(&s, &one).await.status, status);
    }
    assert_untouched(&s);
}

#[tokio::test(start_paused = true)]
async fn whoever_makes_up_tokens_has_to_wait_and_holds_up_nobody_else() {
    let s = taking_tokens().start();
    let (forged, good) = (bearer(&claims("Onboarder.Read"), TokenKey::StrangerAsEntra), bearer(&claims("Onboarder.Read"), TokenKey::Entra));
    for _ in 0..100 {
        assert_eq!(ask(&s, &forged).await.status, 401);
    }
    for _ in 0..50 {
        let answer = ask(&s, &forged).await;
        assert_problem(&answer, 429, "too-many-calls");
        assert_eq!(answer.headers["retry-after"], "1");
        assert_eq!(ask(&s, &good).await.status, 400, "who is known is let in during the flood");
    }
    assert_untouched(&s);
    s.onboard(&s.cast.new).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
    s.settle_for(Duration::from_millis(100)).await;
    for status in [401, 429] {
        assert_eq!(ask(&s, &forged).await.status, status, "who is known takes nothing from the others");
    }
}

/// Whoever names a key that there is not makes the keys be read again, and Entra does not answer.
#[tokio::test(start_paused = true)]
async fn keys_that_were_read_are_good_for_a_day_though_they_cannot_be_read_again() {
    let s = taking_tokens().start();
    let mut lasting = claims("Onboarder.Read");
    lasting["exp"] = json!((EPOCH + time::Duration::days(3)).unix_timestamp());
    let (good, unknown) = (bearer(&lasting, TokenKey::Entra), bearer(&lasting, TokenKey::Stranger));
    assert_eq!(ask(&s, &good).await.status, 400);
    s.fault(Fault::status("entra.keys", 503));
    for _ in 0..3 {
        s.settle_for(Duration::from_mins(1)).await;
        assert_problem(&ask(&s, &unknown).await, 503, "unavailable");
        assert_problem(&ask(&s, &unknown).await, 503, "throttled");
        assert_eq!(ask(&s, &good).await.status, 400);
    }
    s.settle_for(Duration::from_hours(23)).await;
    assert_problem(&ask(&s, &unknown).await, 503, "unavailable");
    assert_eq!(ask(&s, &good).await.status, 400);
    s.settle_for(Duration::from_hours(1)).await;
    assert_problem(&ask(&s, &good).await, 503, "unavailable");
    assert_problem(&ask(&s, &good).await, 503, "throttled");
    s.mend();
    s.settle_for(Duration::from_mins(1)).await;
    assert_eq!(ask(&s, &good).await.status, 400, "and reads that failed did not make them last longer");
    assert_untouched(&s);
}

#[tokio::test(start_paused = true)]
async fn without_tokens_whom_the_platform_lets_in_is_bound_too() {
    let s = Given::demo().start();
    for _ in 0..100 {
        assert_eq!(s.get("/api/coverage").await.status, 400);
    }
    assert_problem(&s.get("/api/coverage").await, 429, "too-many-calls");
}

#[tokio::test(start_paused = true)]
async fn what_no_route_takes_is_a_problem_too() {
    let s = Given::demo().start();
    for path in [
        "/api/unknown",
        "/api/onboard/",
        "/api//onboard",
        "/API/ONBOARD",
        "/api/onboard/../offboard",
        "/api/onboard/%2e%2e/offboard",
        "/api/%6fnboard",
    ] {
        assert_problem(&s.post(path, &[], "{}").await, 404, "not-found");
        assert_problem(&s.get(path).await, 404, "not-found");
    }
    for (path, allowed) in [("/api/onboard", "POST"), ("/api/offboard", "POST")] {
        let answer = s.get(path).await;
        assert_problem(&answer, 405, "method-not-allowed");
        assert_eq!(answer.headers.get("allow").map(String::as_str), Some(allowed));
    }
    let answer = s.post("/api/coverage", &[], "{}").await;
    assert_problem(&answer, 405, "method-not-allowed");
    assert_eq!(answer.headers.get("allow").map(String::as_str), Some("GET,HEAD"));
    assert!(s.unread_calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_body_over_the_limit_is_refused_before_anybody_is_asked_for() {
    let s = taking_tokens().start();
    for route in ["/api/onboard", "/api/offboard"] {
        for body in ["x".repeat(64 * 1024 + 1).into_bytes(), vec![0xff; 1024 * 1024]] {
            let answer = s.post_by_headers(route, &[], body).await;
            assert_problem(&answer, 413, "too-large");
            assert!(answer.json()["hint"].is_string());
        }
    }
    assert!(s.unread_calls().is_empty());
    // A body of which nobody said how long it is.
    if let Some(router) = s.router() {
        let chunks = std::iter::repeat_n(vec![b'x'; 16 * 1024], 1024).map(Ok::<_, std::io::Error>);
        let request = Request::post("/api/onboard").body(Body::from_stream(futures_util::stream::iter(chunks))).unwrap();
        let Ok(answer) = router.oneshot(request).await;
        assert_eq!(answer.status(), 413);
        assert_eq!(s.get("/").await.status, 200);
    }
}
