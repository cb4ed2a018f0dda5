//! `ispm-onboarder onboard`

use ispm_onboarder_simulator::World;
use serde_json::Value;

use super::Ran;
use crate::simulator::Simulator;

impl Simulator {
    fn onboard(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["onboard", "--tenant", self.variable("SIMULATOR_TENANT_ID")], arguments].concat())
    }
}

fn results(ran: &Ran) -> Vec<Value> {
    ran.document()["results"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_way_to_write_a_scope_leads_to_it() {
    let simulator = Simulator::start().await;
    let subscription = simulator.variable("SIMULATOR_SUBSCRIPTION_ID");
    let group = simulator.variable("SIMULATOR_MANAGEMENT_GROUP");
    let tenant = simulator.variable("SIMULATOR_TENANT_ID");
    let path = format!("/subscriptions/{subscription}");
    let group_path = |name: &str| format!("/providers/Microsoft.Management/managementGroups/{name}");
    let ways = [
        (subscription.to_owned(), path.clone()),
        (path.clone(), path),
        (format!("mg:{group}"), group_path(group)),
        (group_path(group), group_path(group)),
        ("tenant-root".to_owned(), group_path(tenant)),
    ];
    for (typed, scope) in &ways {
        let ran = simulator.onboard(&[typed, "--output", "json"]);
        assert_eq!(ran.code, Some(0), "{typed}: {ran:?}");
        assert_eq!(results(&ran)[0]["subject"], *scope);
        assert_eq!(simulator.assignments_at(scope).await.len(), 1, "{typed}");
    }
    let ran = simulator.onboard(&ways.each_ref().map(|(typed, _)| typed.as_str()));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(simulator.world().await["connections"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_table_shows_result_role_and_connection() {
    let simulator = Simulator::start().await;
    let ran = simulator.onboard(&[simulator.variable("SIMULATOR_SUBSCRIPTION_ID")]);
    assert_eq!(ran.code, Some(0));
    for words in ["RESULT", "onboarded", "created", "connected", simulator.variable("SIMULATOR_SUBSCRIPTION_ID")] {
        assert!(ran.stdout.contains(words), "{words} in\n{}", ran.stdout);
    }
}

#[tokio::test]
async fn an_unknown_id_is_exit_1_with_a_hint() {
    let simulator = Simulator::start().await;
    let unknown = "99999999-9999-4999-8999-999999999999";
    let ran = simulator.onboard(&[unknown]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.hints().iter().any(|hint| hint.contains(unknown)), "{ran:?}");
    assert!(simulator.messages().await.is_empty(), "the command line never enqueues");
}

#[tokio::test]
async fn what_may_pass_is_exit_3_and_not_enqueued() {
    let simulator = Simulator::start().await;
    simulator.break_with("arm.*", serde_json::json!({ "kind": "status", "status": 503 })).await;
    let ran = simulator.onboard(&[simulator.variable("SIMULATOR_SUBSCRIPTION_ID"), "--output", "json"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(ran.document()["later"][0]["code"], "unavailable");
    assert!(simulator.messages().await.is_empty());
    assert!(simulator.results().await.is_empty());
}

#[tokio::test]
async fn what_ispm_still_tests_is_told_at_once() {
    let mut world = World::demo(7);
    world.settings.connection_test_seconds = 3600;
    let simulator = Simulator::start_in(&world).await;
    let ran = simulator.onboard(&[simulator.variable("SIMULATOR_SUBSCRIPTION_ID"), "--output", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(results(&ran)[0]["data"]["code"], "connection-pending");
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let simulator = Simulator::start().await;
    let subscription = simulator.variable("SIMULATOR_SUBSCRIPTION_ID");
    let ran = simulator.onboard(&[subscription, "--dry-run"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("would assign Reader") && ran.stdout.contains("would create the ISPM connection"), "{}", ran.stdout);
    let ran = simulator.onboard(&[subscription, "--dry-run", "--output", "json"]);
    assert_eq!(ran.document()["plans"][0]["steps"].as_array().map(Vec::len), Some(2), "{ran:?}");
    assert!(simulator.assignments_at(&format!("/subscriptions/{subscription}")).await.is_empty());
    assert_eq!(simulator.world().await["connections"].as_array().map(Vec::len), Some(0));
    assert!(simulator.results().await.is_empty());
}

#[tokio::test]
async fn what_is_no_scope_or_no_tenant_is_exit_2_with_a_hint() {
    let mut simulator = Simulator::start().await;
    let ran = simulator.onboard(&["/subscriptions/x/resourceGroups/y"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.hints().iter().any(|hint| hint.contains("mg:NAME")), "{ran:?}");
    let tenant = simulator.variable("SIMULATOR_TENANT_ID").to_owned();
    simulator.environment.insert("ONBOARDER_TENANTS".to_owned(), format!("{tenant},77777777-7777-4777-8777-777777777777"));
    let ran = simulator.run(&["onboard", "tenant-root"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.hints().iter().any(|hint| hint.contains("--tenant")), "{ran:?}");
    simulator.environment.insert("ONBOARDER_TENANTS".to_owned(), tenant);
    assert_eq!(simulator.run(&["onboard", "tenant-root"]).code, Some(0));
    simulator.environment.remove("ONBOARDER_TENANTS");
    assert_eq!(simulator.run(&["onboard", "tenant-root"]).code, Some(0), "the store has the record of one tenant");
}
