//! `ispm-onboarder doctor`

use ispm_onboarder::doctor::{OF_DEPLOYMENT, OF_TENANT};
use serde_json::{Value, json};

use super::run_with;
use crate::simulator::Simulator;

fn checks(document: &Value) -> Vec<Value> {
    document["checks"].as_array().unwrap().clone()
}

fn status<'a>(checks: &'a [Value], id: &str) -> &'a str {
    checks.iter().find(|check| check["id"] == id).unwrap()["status"].as_str().unwrap()
}

#[tokio::test]
async fn the_table_and_the_document_tell_the_same_and_change_nothing() {
    let simulator = Simulator::start().await;
    let before = simulator.world().await;
    let table = simulator.run(&["doctor"]);
    assert_eq!((table.code, table.stderr.as_str()), (Some(0), ""), "{table:?}");
    assert!(!table.stdout.contains('\u{1b}'), "no colour outside a terminal: {}", table.stdout);
    let marks: Vec<String> = table
        .stdout
        .lines()
        .filter(|line| line.trim_start().starts_with(['✓', '!', '✗', '-']))
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).take(2).collect::<Vec<_>>().join(" "))
        .collect();
    let expected = [
        "✓ Configuration",
        "✓ This machine's clock",
        "✓ The platform's identity",
        "✓ Secret store",
        "✓ Results",
        "✓ Queue",
        "✓ Reports",
        "✓ Tenant record",
        "✓ Secrets and profile",
        "- Expiry of secrets",
        "✓ Login",
        "✓ The ISPM app's principal",
        "✓ Rights in Azure",
        "✓ Conditions of the rights",
        "✓ Elevated access",
        "✓ ISPM",
        "! Connection in ISPM",
    ];
    assert_eq!(marks, expected, "{}", table.stdout);
    assert!(table.stdout.contains("15 ok, 1 warning, 0 failed, 1 not looked at"), "{}", table.stdout);
    assert!(table.stdout.contains("hint: Connection in ISPM: The first scope that is onboarded makes it."), "{}", table.stdout);

    let ran = simulator.run(&["doctor", "--output", "json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let told = checks(&ran.document());
    let ids: Vec<&str> = told.iter().map(|check| check["id"].as_str().unwrap()).collect();
    assert_eq!(ids, OF_DEPLOYMENT.iter().chain(&OF_TENANT).map(|about| about.id).collect::<Vec<_>>());
    for check in &told {
        assert!(check["title"].is_string() && check["detail"].is_string() && (check["hint"].is_null() || check["hint"].is_string()));
        let of_tenant = OF_TENANT.iter().any(|about| check["id"] == about.id);
        assert_eq!(check.get("tenantId").is_some(), of_tenant, "{check}");
    }
    assert_eq!(simulator.world().await, before);
}

#[tokio::test]
async fn the_exit_code_tells_what_may_pass_from_what_does_not() {
    let simulator = Simulator::start().await;
    for (status, code) in [(503, 3), (401, 1)] {
        simulator.break_with("ispm.*", json!({ "kind": "status", "status": status })).await;
        let ran = simulator.run(&["doctor", "--output", "json"]);
        assert_eq!(ran.code, Some(code), "{status}: {ran:?}");
        assert_eq!(self::status(&checks(&ran.document()), "rights"), "ok");
        simulator.mend().await;
    }
    assert_eq!(simulator.run(&["doctor", "--tenant", "contoso"]).code, Some(2));
    let other = simulator.run(&["doctor", "--tenant", "77777777-7777-4777-8777-777777777777", "--output", "json"]);
    assert_eq!((other.code, status(&checks(&other.document()), "record")), (Some(1), "failed"), "{other:?}");
}

#[test]
fn a_wrong_configuration_is_told_as_a_whole_without_any_value() {
    let variables = [("ONBOARDER_SECRET_STORE", "https://hunter2.example.com"), ("ONBOARDER_TENANTS", "hunter2")];
    let ran = run_with(variables, &["doctor", "--output", "json"], "");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let told = checks(&ran.document());
    assert_eq!((status(&told, "configuration"), status(&told, "queue")), ("failed", "skipped"));
    let detail = told[0]["detail"].as_str().unwrap();
    for name in ["ONBOARDER_SECRET_STORE", "ONBOARDER_RESULTS", "ONBOARDER_TENANTS"] {
        assert!(detail.contains(name), "{name} in {detail}");
    }
    assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"), "{ran:?}");
}
