//! The main job, and what it costs.

use ispm_onboarder::azure::assignment_name;
use ispm_onboarder::scope::{Guid, Scope};
use serde_json::json;

use crate::harness::{ASSIGN, COLD_START, CONNECT, Given, PUBLISH, cold, subscription, warm};

#[tokio::test(start_paused = true)]
async fn a_new_subscription_gets_reader_a_connection_and_one_result() {
    let s = Given::demo().start();
    let delivery = s.onboard(&s.cast.new).await;

    assert_eq!(delivery.status, 200);
    let scope = subscription(&s.cast.new);
    let assignments = s.assignments_at(&scope);
    let [assignment] = assignments.as_slice() else { panic!("{assignments:?}") };
    let name = assignment_name(&Scope::parse(&scope).unwrap(), Guid::parse(&s.cast.ispm_principal_id).unwrap());
    assert_eq!(assignment.name, name.to_string());
    assert!(assignment.description.as_deref().is_some_and(|words| words.starts_with("ispm-onboarder/1")), "{assignment:?}");
    assert_eq!(assignment.condition, None);

    let connections = s.connections();
    let [connection] = connections.as_slice() else { panic!("{connections:?}") };
    assert_eq!(connection["name"], format!("azure-{}", s.cast.tenant));
    assert_eq!(connection["relatedSource"], s.cast.entra_source);
    assert_eq!(connection["managedBy"], "ispm-onboarder/1");

    s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    insta::assert_json_snapshot!("onboarded", result);
}

#[tokio::test(start_paused = true)]
async fn a_warm_onboarding_takes_three_reads_its_writes_and_one_publish() {
    let s = Given::demo().start();
    s.warm_up().await;

    s.onboard(&s.cast.new).await;
    s.expect_calls(["arm.subscription.get", "arm.role-assignments.list", "ispm.connections.list", ASSIGN, PUBLISH]);
    s.expect_results(["onboarded"]);

    s.onboard(&s.cast.new).await;
    s.expect_calls(["arm.subscription.get", "arm.role-assignments.list", "ispm.connections.list", PUBLISH]);
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn one_connection_serves_all_subscriptions_of_an_entra_source() {
    let s = Given::demo().start();
    s.warm_up().await;
    s.onboard(&s.cast.new).await;
    s.expect_calls(warm([ASSIGN, PUBLISH]));
    s.expect_results(["onboarded"]);
    assert_eq!(s.connections().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_object_id_in_the_record_saves_the_call_of_graph() {
    let s = Given::demo().start();
    let mut record = s.record();
    record["app"]["principalId"] = json!(s.cast.ispm_principal_id);
    s.put_record(&record);
    s.onboard(&s.cast.new).await;
    let reads = ["arm.subscription.get", "arm.role-assignments.list", "ispm.connections.list", "ispm.sources.list"];
    s.expect_calls([&[COLD_START][..], &reads, &[ASSIGN, CONNECT, PUBLISH]].concat());
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn lists_that_come_in_pages_are_read_to_their_end() {
    let s = Given::demo()
        .world(|world, cast| {
            world.settings.page_size = 1;
            let scope = ispm_onboarder_simulator::world::Scope::Subscription(cast.new.clone());
            let tenant = world.tenant_mut(&cast.tenant);
            for role in
                ["8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c", "acdd72a7-3385-48ef-bd42-f606fba81ae7"]
            {
                tenant.assign(&scope, role, &cast.ispm_principal_id);
            }
        })
        .start();
    s.warm_up().await;
    s.onboard(&s.cast.new).await;
    s.expect_calls(warm(["arm.role-assignments.list", "arm.role-assignments.list", PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["roleAssignment"]["outcome"], "already-assigned");
}

/// The account that every scenario keeps.
mod accounting {
    use super::*;

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "calls that the scenario did not account for")]
    async fn a_scenario_that_leaves_calls_unread_fails() {
        let s = Given::demo().start();
        s.onboard(&s.cast.new).await;
        s.expect_results(["onboarded"]);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "results that the scenario did not account for")]
    async fn a_scenario_that_leaves_results_unread_fails() {
        let s = Given::demo().start();
        s.onboard(&s.cast.new).await;
        s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "requests that wait and were not accounted for")]
    async fn a_scenario_that_leaves_requests_waiting_fails() {
        let s = Given::demo().start();
        s.onboard(&s.cast.late).await;
        s.count_calls();
    }
}
