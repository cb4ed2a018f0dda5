use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-24 12:30 UTC);

fn report(more: &Value) -> Report {
    let mut report = json!({
        "version": 1, "tenantId": "0b1f6471-1bf0-4dda-aec3-111122223333", "at": "2026-11-24T10:00:00Z",
        "totals": { "covered": 1234, "pending": 0, "missing": 1, "failed": 0, "excluded": 15 },
    });
    report.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(report).unwrap()
}

/// The data as the script reads it: to the end of its element, as a browser finds that.
fn data(page: &Page) -> Value {
    let (_, rest) = page.html.split_once("id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script").unwrap().0).unwrap()
}

#[test]
fn a_browser_takes_the_texts_that_the_policy_names() {
    for (text, hash) in [(STYLE, STYLE_HASH), (SCRIPT, SCRIPT_HASH)] {
        assert_eq!(hash, format!("sha256-{}", STANDARD.encode(digest(&SHA256, text.as_bytes()))));
    }
    let page = render(&report(&json!({})), NOW);
    assert!(page.html.contains(&format!("<style>{STYLE}</style>")) && page.html.contains(&format!("<script>{SCRIPT}</script>")));
    for hash in [STYLE_HASH, SCRIPT_HASH] {
        assert!(page.csp.contains(hash) && page.html.contains(&format!("src '{hash}'")));
    }
    assert!(page.csp.ends_with("; frame-ancestors 'none'") && !page.html.contains("frame-ancestors"));
}

#[test]
fn the_page_is_small_beside_its_data() {
    assert!(render(&report(&json!({})), NOW).html.len() < 20 * 1024);
}

#[test]
fn markup_in_names_stays_text() {
    let evil = "</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>\"'&{policy}";
    let page = render(
        &report(&json!({
            "tenantId": evil, "notes": [evil],
            "groups": { "corp": { "name": evil } },
            "scopes": [{ "scope": evil, "name": evil, "group": "corp", "state": evil, "role": evil, "connection": evil, "cause": evil,
                "verdict": evil, "why": evil }],
            "connections": [{ "id": evil, "name": evil, "status": evil, "cause": evil }],
            "orphans": [{ "kind": evil, "id": evil, "scope": evil, "why": evil }],
        })),
        NOW,
    );
    let html = page.html.to_ascii_lowercase();
    assert_eq!(html.matches("<script").count(), 2);
    assert_eq!(html.matches("</script").count(), 2);
    assert!(!html.contains("<img") && !html.contains("<!--"));
    let safe = "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;!--&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;{policy}";
    assert!(page.html.contains(&format!("<h1>{safe}</h1>")) && page.html.contains(&format!("<li>{safe}</li>")));
    let data = data(&page);
    assert_eq!((&data["scopes"][0][0], &data["connections"][0][1], &data["orphans"][0][0]), (&json!(evil), &json!(evil), &json!(evil)));
}

#[test]
fn what_cannot_be_seen_is_shown() {
    let evil = "a\u{0}\u{7}\n\u{202e}gpj\u{2066}\u{200f}\u{200b}\u{feff}\u{2028}\u{e0041}z";
    let shown = "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}gpj\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}z";
    let row =
        json!({ "scope": "/subscriptions/a", "name": evil, "why": evil, "role": "direct", "connection": "failed", "verdict": "failed" });
    let page = render(&report(&json!({ "notes": [evil], "scopes": [row] })), NOW);
    assert!(page.html.contains(&format!("<li>{shown}</li>")));
    let data = data(&page);
    assert_eq!(data["scopes"][0][0], shown);
    assert!(data["words"].as_array().unwrap().contains(&json!(shown)));
    // Names in scripts that need joiners, and emoji made of several, are left alone.
    assert_eq!(text::visible("نامه\u{200c}ای 👩\u{200d}💻"), "نامه\u{200c}ای 👩\u{200d}💻");
}

#[test]
fn a_row_says_where_it_is_and_where_its_role_comes_from() {
    let page = render(
        &report(&json!({
            "groups": {
                "root": { "name": "Tenant Root Group" }, "corp": { "name": "Corp", "parent": "root" },
                "a": { "name": "A", "parent": "b" }, "b": { "name": "B", "parent": "a" },
            },
            "scopes": [
                { "scope": "/subscriptions/one", "name": "Sales", "group": "corp", "state": "Enabled", "role": "inherited",
                  "roleAt": "/providers/Microsoft.Management/managementGroups/root", "connection": "failed", "cause": "missing-permissions",
                  "verdict": "failed", "firstSeen": "2026-11-24T09:00:00Z", "changed": "2026-11-24T10:00:00+01:00" },
                { "scope": "/subscriptions/two", "state": "Warned", "role": "direct", "connection": "awaiting-console",
                  "verdict": "pending" },
                { "scope": "/subscriptions/three", "group": "a", "role": "missing", "connection": "missing", "verdict": "missing" },
            ],
        })),
        NOW,
    );
    let data = data(&page);
    let told = |row: usize| -> Vec<&str> {
        [2, 3, 4, 5, 6]
            .map(|at| data["words"][usize::try_from(data["scopes"][row][at].as_u64().unwrap()).unwrap()].as_str().unwrap())
            .into()
    };
    assert_eq!(told(0), ["", "failed", "Inherited from Tenant Root Group", "Failed: missing-permissions", "Corp"]);
    assert_eq!(told(1), ["Warned", "pending", "Direct", "Awaiting console", "Not placed"]);
    assert_eq!(told(2), ["", "missing", "Missing", "Missing", "B / A"]);
    assert_eq!(
        (&data["scopes"][0][1], &data["scopes"][0][7]),
        (&json!("one"), &json!(datetime!(2026-11-24 9:00 UTC).unix_timestamp() / 60))
    );
}

#[test]
fn totals_and_age_stand_in_the_markup() {
    let page = render(&report(&json!({})), NOW);
    assert!(
        page.html.contains("<time datetime=\"2026-11-24T10:00Z\">2026-11-24 10:00&nbsp;UTC</time>, <span id=\"age\">2 hours ago</span>")
    );
    assert!(
        page.html.contains("<strong>99.9\u{a0}%</strong> covered: 1,234 of the 1,235 subscriptions"),
        "{}",
        headline(&report(&json!({})).totals)
    );
    assert!(page.html.contains("<b>1</b> <span>&lt;\u{a0}0.1\u{a0}%</span>"));
    assert!(page.html.contains("role=\"status\">Older"), "older than two hours is said");
    let fresh = render(&report(&json!({})), NOW - time::Duration::minutes(30));
    assert!(fresh.html.contains("role=\"status\" hidden>Older"));
}

#[test]
fn ages_and_numbers_read_well() {
    let ages = [-5, 59, 60, 3599, 3600, 172_799, 172_800].map(age);
    assert_eq!(ages, ["just now", "just now", "1 minute ago", "59 minutes ago", "1 hour ago", "47 hours ago", "2 days ago"]);
    assert_eq!([0, 999, 1000, 50_000, 1_234_567].map(thousands), ["0", "999", "1,000", "50,000", "1,234,567"]);
    assert_eq!(
        [share(0, 0), share(0, 9), share(2, 3), share(1999, 2000), share(9, 9)].map(|share| share.replace('\u{a0}', " ")),
        ["0 %", "0 %", "66.6 %", "99.9 %", "100 %"]
    );
}
