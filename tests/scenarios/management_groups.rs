//! Management groups, up to the tenant's root.

use ispm_onboarder_simulator::world::Scope;
use serde_json::json;

use crate::harness::{ASSIGN, COLD_START, CONNECT, EVENT, Given, PUBLISH, PUT_BACK, Scenario, group};

/// The calls of the first delivery of a session, about a management group.
fn cold_group<const N: usize>(more: [&'static str; N]) -> Vec<&'static str> {
    let reads = ["arm.management-group.get", "arm.role-assignments.list", "graph.service-principal.get"];
    [&[COLD_START][..], &reads, &["ispm.connections.list", "ispm.sources.list"], &more].concat()
}

async fn onboard_group(s: &Scenario, name: &str) {
    s.deliver(s.event(EVENT, &group(name))).await;
}

#[tokio::test(start_paused = true)]
async fn a_management_group_gets_reader_once_for_all_below_it() {
    let s = Given::demo().start();
    onboard_group(&s, &s.cast.management_group).await;
    s.expect_calls(cold_group([ASSIGN, CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["subject"], group("online"));
    assert_eq!(result["data"]["roleAssignment"]["scope"], group("online"));
    assert_eq!(s.assignments_at(&group("online")).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_tenant_root_is_the_group_of_the_tenants_id() {
    let s = Given::demo().start();
    onboard_group(&s, &s.cast.tenant).await;
    s.expect_calls(cold_group([ASSIGN, CONNECT, PUBLISH]));
    s.expect_results(["onboarded"]);
    assert_eq!(s.assignments_at(&group(&s.cast.tenant)).len(), 1);

    s.onboard(&s.cast.new).await;
    s.expect_calls(crate::harness::warm([PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["roleAssignment"]["outcome"], "inherited");
}

#[tokio::test(start_paused = true)]
async fn a_group_below_one_with_reader_inherits_it() {
    let s = Given::demo()
        .world(|world, cast| {
            world.tenant_mut(&cast.tenant).assign_reader(&Scope::ManagementGroup("landing-zones".to_owned()), &cast.ispm_principal_id);
        })
        .start();
    onboard_group(&s, "online").await;
    s.expect_calls(cold_group([CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["roleAssignment"]["outcome"], "inherited");
    assert_eq!(result["data"]["roleAssignment"]["scope"], group("landing-zones"));
}

#[tokio::test(start_paused = true)]
async fn names_of_groups_ignore_case() {
    let s = Given::demo()
        .record(|record| record["policy"]["managementGroups"] = json!(["EUROPE-prod"]))
        .world(|world, cast| {
            let tenant = world.tenant_mut(&cast.tenant);
            tenant.add_management_group("Europe-Prod", "landing-zones");
            tenant.assign_reader(&Scope::ManagementGroup("Europe-Prod".to_owned()), &cast.ispm_principal_id);
        })
        .start();
    onboard_group(&s, "europe-PROD").await;
    s.expect_calls(cold_group([CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["roleAssignment"]["outcome"], "already-assigned", "found at the group itself, however it is spelt");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_does_not_appear_fails_when_the_window_is_over() {
    let s = Given::demo().start();
    onboard_group(&s, "no-such-group").await;
    s.expect_calls(cold_group([PUT_BACK]));
    s.expect_waiting();
    s.settle(2).await;
    s.count_calls();
    let [result] = s.expect_results(["failed authorization-failed"]);
    assert!(result["data"]["message"].as_str().is_some_and(|words| words.contains(&group("no-such-group"))), "{result:#}");
    assert!(result["data"]["hint"].is_string());
}

#[tokio::test(start_paused = true)]
async fn a_rule_about_a_group_is_about_the_group_itself_too() {
    let s = Given::demo().record(|record| record["policy"]["exclude"] = json!([{"managementGroup": "online"}])).start();
    onboard_group(&s, "online").await;
    s.expect_calls(cold_group([PUBLISH]));
    s.expect_results(["blocked excluded-by-policy"]);
    assert!(s.assignments_at(&group("online")).is_empty());
}
