//! Reader: found, inherited, conditional, or to be assigned.

use std::time::Duration;

use ispm_onboarder::azure::assignment_name;
use ispm_onboarder::scope::Guid;
use ispm_onboarder_simulator::world::Scope;
use ispm_onboarder_simulator::{DemoCast, Effect, Fault, World};
use serde_json::json;

use crate::harness::{ASSIGN, CONNECT, EPOCH, Given, PUBLISH, PUT_BACK, cold, group, subscription, warm};

const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";
const CONDITION: &str = "@Resource[Microsoft.Storage/storageAccounts:name] StringEquals 'one'";

fn reader_by_hand<'a>(world: &'a mut World, cast: &DemoCast) -> &'a mut ispm_onboarder_simulator::world::RoleAssignment {
    world.tenant_mut(&cast.tenant).assign_reader(&Scope::Subscription(cast.new.clone()), &cast.ispm_principal_id)
}

#[tokio::test(start_paused = true)]
async fn reader_assigned_by_hand_under_another_name_is_done() {
    let s = Given::demo().start();
    let before = s.assignments_at(&subscription(&s.cast.by_hand));
    s.onboard(&s.cast.by_hand).await;
    s.expect_calls(cold([CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["roleAssignment"]["id"], before[0].id);
    assert_eq!(result["data"]["roleAssignment"]["outcome"], "already-assigned");
    assert_eq!(s.assignments_at(&subscription(&s.cast.by_hand)), before, "what others made is not touched");
}

#[tokio::test(start_paused = true)]
async fn reader_assigned_by_hand_between_the_list_and_the_write_is_done() {
    let s = Given::demo().fault(Fault::new(ASSIGN, Effect::Delay { seconds: 2 })).start();
    let by_hand = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        s.change(|world, cast| {
            reader_by_hand(world, cast);
        });
    };
    tokio::join!(s.onboard(&s.cast.new), by_hand);
    s.expect_calls(cold([ASSIGN, "arm.role-assignments.list", CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    let there = s.assignments_at(&subscription(&s.cast.new));
    assert_eq!(there.len(), 1);
    assert_eq!(result["data"]["roleAssignment"]["id"], there[0].id);
    assert_eq!(result["data"]["roleAssignment"]["outcome"], "already-assigned");
}

#[tokio::test(start_paused = true)]
async fn reader_that_exists_but_is_not_listed_yet_is_done_later() {
    let s = Given::demo()
        .world(|world, cast| {
            world.settings.role_list_lag_seconds = 50;
            reader_by_hand(world, cast).created_on = EPOCH;
        })
        .start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, "arm.role-assignments.list", PUT_BACK]));
    s.expect_waiting();

    s.settle(1).await;
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["roleAssignment"]["outcome"], "already-assigned");
    assert_eq!(s.assignments_at(&subscription(&s.cast.new)).len(), 1);
    assert!(s.count_calls()[PUBLISH] == 1);
}

#[tokio::test(start_paused = true)]
async fn the_word_for_an_existing_assignment_counts_and_not_its_status() {
    // Privileged Identity Management answers 400, where Resource Manager itself answers 409.
    let exists = Effect::Status { status: 400, code: Some("RoleAssignmentExists".to_owned()), retry_after: None };
    let s = Given::demo().fault(Fault::new(ASSIGN, exists).after()).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, "arm.role-assignments.list", CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["roleAssignment"]["outcome"], "already-assigned");
}

#[tokio::test(start_paused = true)]
async fn our_name_on_another_principals_assignment_is_a_conflict_and_not_overwritten() {
    let s = Given::demo()
        .world(|world, cast| {
            let scope = ispm_onboarder::scope::Scope::parse(&subscription(&cast.new)).unwrap();
            let name = assignment_name(&scope, Guid::parse(&cast.ispm_principal_id).unwrap()).to_string();
            let other =
                world.tenant_mut(&cast.tenant).assign_reader(&Scope::Subscription(cast.new.clone()), &cast.operator_principal_id).clone();
            world.tenant_mut(&cast.tenant).role_assignments.retain(|_, found| *found != other);
            world.tenant_mut(&cast.tenant).role_assignments.insert(name, other);
        })
        .start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, PUBLISH]));
    let [result] = s.expect_results(["failed role-assignment-conflict"]);
    assert!(result["data"]["hint"].is_string());
    assert!(s.assignments_at(&subscription(&s.cast.new)).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_write_that_azure_refuses_for_another_reason_fails() {
    let refused = Effect::Status { status: 400, code: Some("SomethingNew".to_owned()), retry_after: None };
    let s = Given::demo().fault(Fault::new(ASSIGN, refused)).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, PUBLISH]));
    let [result] = s.expect_results(["failed unexpected-answer"]);
    assert!(result["data"]["message"].as_str().is_some_and(|words| words.contains("SomethingNew")), "{result:#}");
}

#[tokio::test(start_paused = true)]
async fn reader_with_a_condition_does_not_count_and_is_not_touched() {
    let s = Given::demo().world(|world, cast| reader_by_hand(world, cast).condition = Some(CONDITION.to_owned())).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([PUBLISH]));
    let [result] = s.expect_results(["failed role-assignment-conflict"]);
    let there = s.assignments_at(&subscription(&s.cast.new));
    assert!(result["data"]["message"].as_str().is_some_and(|words| words.contains(&there[0].id)), "{result:#}");
    assert!(result["data"]["hint"].as_str().is_some_and(|words| words.contains("condition")), "{result:#}");
    assert_eq!(there[0].condition.as_deref(), Some(CONDITION));
}

#[tokio::test(start_paused = true)]
async fn reader_of_our_name_under_a_condition_that_someone_added_is_not_overwritten() {
    let s = Given::demo().start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
    s.expect_results(["onboarded"]);
    s.change(|world, cast| {
        let ours = world.tenant_mut(&cast.tenant).role_assignments.values_mut();
        ours.filter(|found| found.scope == Scope::Subscription(cast.new.clone()))
            .for_each(|found| found.condition = Some(CONDITION.to_owned()));
    });
    s.onboard(&s.cast.new).await;
    s.expect_calls(warm([PUBLISH]));
    s.expect_results(["failed role-assignment-conflict"]);
    assert_eq!(s.assignments_at(&subscription(&s.cast.new))[0].condition.as_deref(), Some(CONDITION));
}

#[tokio::test(start_paused = true)]
async fn inherited_reader_with_a_condition_does_not_count() {
    let s = Given::demo()
        .world(|world, cast| {
            let assignments = world.tenant_mut(&cast.tenant).role_assignments.values_mut();
            assignments
                .filter(|found| found.scope == Scope::ManagementGroup("corp".to_owned()))
                .for_each(|found| found.condition = Some(CONDITION.to_owned()));
        })
        .start();
    s.onboard(&s.cast.inherited).await;
    s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["roleAssignment"]["outcome"], "created");
}

#[tokio::test(start_paused = true)]
async fn owner_and_contributor_do_not_count_as_reader() {
    let s = Given::demo()
        .world(|world, cast| {
            let scope = Scope::Subscription(cast.new.clone());
            let tenant = world.tenant_mut(&cast.tenant);
            tenant.assign(&scope, OWNER, &cast.ispm_principal_id);
            tenant.assign(&scope, CONTRIBUTOR, &cast.ispm_principal_id);
        })
        .start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["roleAssignment"]["outcome"], "created");
    assert_eq!(s.assignments_at(&subscription(&s.cast.new)).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn reader_of_another_principal_does_not_count() {
    let s = Given::demo()
        .world(|world, cast| {
            let scope = Scope::Subscription(cast.new.clone());
            world.tenant_mut(&cast.tenant).assign_reader(&scope, &cast.operator_principal_id);
        })
        .start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn inherited_reader_is_accepted() {
    let s = Given::demo().start();
    s.onboard(&s.cast.inherited).await;
    s.expect_calls(cold([CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["roleAssignment"]["outcome"], "inherited");
    assert_eq!(result["data"]["roleAssignment"]["scope"], group("corp"));
    assert!(s.assignments_at(&subscription(&s.cast.inherited)).is_empty());
}

#[tokio::test(start_paused = true)]
async fn reader_above_all_groups_is_accepted() {
    let at_root = |world: &mut World, cast: &DemoCast| {
        world.tenant_mut(&cast.tenant).assign_reader(&Scope::Tenant, &cast.ispm_principal_id);
    };
    let s = Given::demo().record(|record| record["policy"]["assign"] = json!("never")).world(at_root).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["roleAssignment"]["scope"], "/");
    assert_eq!(result["data"]["roleAssignment"]["outcome"], "inherited");
}

#[tokio::test(start_paused = true)]
async fn inherited_reader_is_not_enough_where_the_policy_says_so() {
    let s = Given::demo().record(|record| record["policy"]["acceptInherited"] = json!(false)).start();
    s.onboard(&s.cast.inherited).await;
    s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["roleAssignment"]["outcome"], "created");
    assert_eq!(s.assignments_at(&subscription(&s.cast.inherited)).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_may_not_assign_finds_reader_and_connects() {
    let s = Given::demo().record(|record| record["policy"]["assign"] = json!("never")).start();
    s.onboard(&s.cast.by_hand).await;
    s.expect_calls(cold([CONNECT, PUBLISH]));
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_may_not_assign_asks_for_reader_and_writes_nothing() {
    let s = Given::demo().record(|record| record["policy"]["assign"] = json!("never")).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([PUBLISH]));
    let [result] = s.expect_results(["blocked role-missing"]);
    let hint = result["data"]["hint"].as_str().unwrap_or_default();
    assert!(hint.contains(&s.cast.ispm_principal_id) && hint.contains(&subscription(&s.cast.new)), "{hint}");
    assert!(s.connections().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_full_subscription_fails_with_a_hint() {
    let s = Given::demo().start();
    s.onboard(&s.cast.at_limit).await;
    s.expect_calls(cold([ASSIGN, PUBLISH]));
    let [result] = s.expect_results(["failed role-assignment-limit-exceeded"]);
    insta::assert_json_snapshot!("failed", result, { ".data.message" => "[words]", ".data.hint" => "[words]" });
}
