//! `GET /api/coverage`: what the last sweep left, for who may see it, as JSON or as a page.

use std::io::Read as _;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use ispm_onboarder_simulator::{DemoCast, Fault, Simulator, TokenKey};
use serde_json::{Value, json};

use crate::HOST;
use crate::harness::{Answer, Given, Host, Scenario, subscription};

const READ_REPORT: &str = match HOST {
    Host::Functions => "blob.get",
    Host::Lambda => "s3.get",
};
const OTHER_TENANT: &str = "77777777-7777-4777-8777-777777777777";

/// A deployment that takes Contoso's tokens.
fn taking_tokens() -> Given {
    let cast = DemoCast::of(7);
    Given::demo().setting("ONBOARDER_ENTRA_AUDIENCE", &cast.api.app_id_uri).setting("ONBOARDER_ENTRA_CALLERS", &cast.tenant)
}

/// Starts a deployment in which a sweep has left its report.
async fn swept(given: Given) -> Scenario {
    let s = given.start();
    s.sweep().await;
    s.count_calls();
    s.forgive_what_waits();
    s
}

fn path(s: &Scenario, more: &str) -> String {
    format!("/api/coverage?tenant={}{more}", s.cast.tenant)
}

#[track_caller]
fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert!(answer.json()["hint"].is_string() || status == 401, "{}", answer.body);
}

/// Who reads the coverage, with this claim another.
fn token(s: &Scenario, claim: &str, value: Value) -> String {
    let now = s.now().unix_timestamp();
    let mut claims = json!({
        "aud": s.cast.api.app_id_uri, "iss": format!("https://sts.windows.net/{}/", s.cast.tenant), "iat": now, "nbf": now, "exp": now + 3599,
        "tid": s.cast.tenant, "oid": s.cast.api.caller_principal_id, "appid": s.cast.api.caller_client_id,
        "sub": s.cast.api.caller_principal_id, "roles": ["Onboarder.Read"], "ver": "1.0",
    });
    claims[claim] = value;
    format!("Bearer {}", Simulator::sign_token(&claims, TokenKey::Entra))
}

#[tokio::test(start_paused = true)]
async fn json_is_the_report_with_its_age() {
    let s = swept(Given::demo()).await;
    tokio::time::sleep(Duration::from_secs(90)).await;
    for (more, accept) in
        [("", "*/*"), ("", "application/json"), ("&format=json", "text/html"), ("", "text/html;q=0"), ("", "text/html; q=0.000")]
    {
        let answer = s.get_with(&path(&s, more), &[("accept", accept)]).await;
        assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "application/json"), "{more} {accept}");
        assert_eq!((answer.headers["age"].as_str(), &answer.json()["ageSeconds"]), ("90", &json!(90)));
        assert_eq!(answer.json()["tenantId"], s.cast.tenant);
        assert_eq!((answer.headers["cache-control"].as_str(), answer.headers["x-content-type-options"].as_str()), ("no-store", "nosniff"));
    }
    s.count_calls();
}

/// The hashes of an element's texts, as a policy names them.
fn hashes(html: &str, element: &str) -> Vec<String> {
    let (begin, end) = (format!("<{element}>"), format!("</{element}>"));
    let texts = html.split(&begin).skip(1).filter_map(|rest| rest.split_once(&end));
    texts.map(|(text, _)| format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, text.as_bytes())))).collect()
}

#[tokio::test(start_paused = true)]
async fn the_page_comes_with_a_policy_that_takes_its_own_texts_alone() {
    let s = swept(Given::demo()).await;
    for (more, accept) in [("&format=html", "*/*"), ("", "text/html,application/xhtml+xml,*/*;q=0.8"), ("", "TEXT/HTML;q=0.9")] {
        let answer = s.get_with(&path(&s, more), &[("accept", accept)]).await;
        assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"), "{more} {accept}");
        let policy = &answer.headers["content-security-policy"];
        for (directive, element) in [("script-src", "script"), ("style-src", "style")] {
            let hashes = hashes(&answer.body, element);
            assert_eq!(hashes.len(), 1, "one {element}");
            assert!(policy.contains(&format!("{directive} {};", hashes[0])), "{hashes:?} in {policy}");
        }
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"] {
            assert!(policy.contains(part), "{part} in {policy}");
        }
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-opener-policy", "same-origin"),
            ("age", "0"),
        ] {
            assert_eq!(answer.headers.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(answer.headers["vary"].contains("accept"), "a cache keeps both kinds apart");
        assert!(answer.body.contains(&s.cast.tenant) && answer.body.contains(&s.cast.new));
    }
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_a_person_has_to_make_stands_on_the_page_too() {
    let s = swept(Given::demo().record(|record| record["ispm"]["connect"] = json!({"mode": "console"}))).await;
    let answer = s.get(&path(&s, "&format=html")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("Awaiting console"));
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn a_query_that_does_not_say_one_tenant_or_a_known_format_is_a_bad_request() {
    let s = swept(Given::demo()).await;
    for query in [
        String::new(),
        "?".to_owned(),
        "?format=json".to_owned(),
        "?tenant=".to_owned(),
        "?tenant=contoso".to_owned(),
        format!("?tenant={}&tenant={OTHER_TENANT}", s.cast.tenant),
        format!("?tenant={0}&tenant={0}", s.cast.tenant),
        format!("?tenant={}&format=xml", s.cast.tenant),
        format!("?tenant={}&format=", s.cast.tenant),
    ] {
        let answer = s.get(&format!("/api/coverage{query}")).await;
        assert_problem(&answer, 400, "invalid-event");
    }
    assert!(s.unread_calls().is_empty(), "nothing is read for it");
    assert_eq!(s.post(&path(&s, ""), &[], "").await.status, 405);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_of_which_no_sweep_left_a_report_is_not_found() {
    let s = Given::demo().start();
    assert_problem(&s.get(&path(&s, "")).await, 404, "tenant-not-served");
    s.sweep().await;
    s.forgive_what_waits();
    assert_problem(&s.get(&format!("/api/coverage?tenant={OTHER_TENANT}")).await, 404, "tenant-not-served");
    assert_eq!(s.get(&path(&s, "")).await.status, 200);
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn without_a_place_for_reports_the_answer_says_what_to_set() {
    let s = swept(Given::demo().setting("ONBOARDER_REPORT", "")).await;
    let answer = s.get(&path(&s, "")).await;
    assert_problem(&answer, 404, "not-configured");
    assert!(answer.json()["hint"].as_str().is_some_and(|hint| hint.contains("ONBOARDER_REPORT")), "{}", answer.body);
    assert!(s.unread_calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_unavailable_and_the_next_call_has_the_report() {
    let s = swept(Given::demo()).await;
    for status in [503, 403] {
        s.fault(Fault::status(READ_REPORT, status));
        let answer = s.get(&path(&s, "")).await;
        assert_eq!(answer.status, 503, "{status}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        s.mend();
        assert_eq!(s.get(&path(&s, "")).await.status, 200);
    }
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn a_caller_with_an_entra_token_sees_its_own_tenant() {
    let s = swept(taking_tokens()).await;
    let bearer = token(&s, "ver", json!("1.0"));
    let answer = s.get_by_headers(&path(&s, ""), &[("authorization", &bearer)]).await;
    assert_eq!((answer.status, answer.json()["tenantId"].as_str()), (200, Some(s.cast.tenant.as_str())), "{}", answer.body);
    s.count_calls();
    let answer = s.get_by_headers(&format!("/api/coverage?tenant={OTHER_TENANT}"), &[("authorization", &bearer)]).await;
    assert_problem(&answer, 403, "not-permitted");
    assert!(s.unread_calls().is_empty(), "whether there is a report is not said");
}

#[tokio::test(start_paused = true)]
async fn a_token_without_the_role_or_out_of_time_is_refused() {
    let s = swept(taking_tokens()).await;
    let now = s.now().unix_timestamp();
    for (claim, value, status, code) in [
        ("roles", json!(["Onboarder.Onboard", "Onboarder.Offboard", "Onboarder.Send"]), 403, "not-permitted"),
        ("exp", json!(now - 61), 401, "not-authenticated"),
        ("tid", json!(OTHER_TENANT), 401, "not-authenticated"),
        ("aud", json!("https://management.azure.com"), 401, "not-authenticated"),
    ] {
        let bearer = token(&s, claim, value);
        let answer = s.get_by_headers(&path(&s, ""), &[("authorization", &bearer)]).await;
        assert_problem(&answer, status, code);
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
    }
    for header in ["Basic bWlhOng=", "Bearer x", "Bearer "] {
        assert_problem(&s.get_by_headers(&path(&s, ""), &[("authorization", header)]).await, 401, "not-authenticated");
    }
    assert!(!s.count_calls().contains_key(READ_REPORT), "nobody was shown anything");
}

#[tokio::test(start_paused = true)]
async fn who_takes_gzip_gets_the_same_smaller() {
    let s = swept(Given::demo().world(|world, cast| {
        let tenant = world.tenant_mut(&cast.tenant);
        for number in 0..40 {
            tenant.add_subscription(&format!("00000000-0000-4000-8000-0000000000{number:02}"), &format!("crowd {number} é"), "sandbox");
        }
    }))
    .await;
    for format in ["json", "html"] {
        let path = path(&s, &format!("&format={format}"));
        let plain = s.get(&path).await;
        assert!(!plain.headers.contains_key("content-encoding"));
        for accepted in ["gzip", "br, gzip;q=0.8, *", "GZIP"] {
            let small = s.get_with(&path, &[("accept-encoding", accepted)]).await;
            assert_eq!(small.headers.get("content-encoding").map(String::as_str), Some("gzip"), "{format} {accepted}");
            assert!(small.bytes.len() < plain.bytes.len() / 2);
            let mut text = String::new();
            GzDecoder::new(small.bytes.as_slice()).read_to_string(&mut text).unwrap();
            assert_eq!(text, plain.body, "{format}");
            assert_eq!((&small.headers["vary"], &small.headers["content-type"]), (&plain.headers["vary"], &plain.headers["content-type"]));
        }
        for refused in ["identity", "gzip;q=0", "gzip; q=0.0", "br"] {
            let plain = s.get_with(&path, &[("accept-encoding", refused)]).await;
            assert!(!plain.headers.contains_key("content-encoding"), "{format} {refused}");
        }
    }
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn names_with_markup_and_control_characters_are_only_looked_at() {
    let evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u{1b}[31m\u{202e}\r\n\0\"'&";
    let s = swept(Given::demo().world(|world, cast| {
        let tenant = world.tenant_mut(&cast.tenant);
        tenant.add_management_group("crowd", &cast.tenant).display_name = evil.to_owned();
        for number in 0..6 {
            tenant.add_subscription(&format!("00000000-0000-4000-8000-00000000000{number}"), evil, "crowd");
        }
    }))
    .await;
    let report = s.report().await;
    let rows = report["scopes"].as_array().unwrap();
    let row = rows.iter().find(|row| row["scope"] == subscription("00000000-0000-4000-8000-000000000000")).unwrap();
    assert_eq!((&row["name"], &report["groups"]["crowd"]["name"]), (&json!(evil), &json!(evil)), "JSON tells it as it is");
    let page = s.get(&path(&s, "&format=html")).await.body;
    assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (2, 2), "the page's own");
    assert!(!page.contains("<img"));
    let hidden = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert_eq!(page.chars().find(|c| hidden(*c)), None);
    assert!(page.contains("6 subscriptions right below the management group &lt;/script&gt;"), "the note names the group");
    s.count_calls();
}
