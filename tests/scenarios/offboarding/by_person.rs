//! On a person's word.

use ispm_onboarder_simulator::Fault;
use serde_json::json;

use super::{DISCONNECT, REMOVE, assert_result, delete, given, given_alone, move_to_another_tenant, offboard, onboarded};
use crate::harness::{PUBLISH, group, subscription};

#[tokio::test(start_paused = true)]
async fn what_was_assigned_here_is_removed_and_the_answer_is_the_result() {
    let s = given().start();
    let scope = onboarded(&s, &s.cast.new).await;
    let answer = offboard(&s, &scope).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let calls = s.count_calls();
    assert_eq!((calls[REMOVE], calls[PUBLISH]), (1, 1), "{calls:?}");
    let [result] = s.expect_results(["offboarded"]);
    assert_result(&result, "removed", Some("connected"));
    assert_eq!(answer.json()["id"], result["id"]);
    assert_eq!(result["subject"], scope.as_str());
    assert!(s.assignments_at(&scope).is_empty());
    assert_eq!(s.connections().len(), 1, "others still need it");
}

#[tokio::test(start_paused = true)]
async fn twice_and_at_once_ends_the_same() {
    let s = given().start();
    let scope = onboarded(&s, &s.cast.new).await;
    let (one, other) = tokio::join!(offboard(&s, &scope), offboard(&s, &scope));
    assert_eq!((one.status, other.status), (200, 200));
    assert_eq!(offboard(&s, &scope).await.status, 200);
    s.count_calls();
    let [_, _, last] = s.expect_results(["offboarded"; 3]);
    assert_result(&last, "absent", Some("connected"));
    assert!(s.assignments_at(&scope).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_repeat_of_the_same_call_has_the_same_result_id() {
    let s = given().start();
    let scope = onboarded(&s, &s.cast.new).await;
    let token = ispm_onboarder_simulator::Simulator::sign_token(&super::claims(&s), ispm_onboarder_simulator::TokenKey::Entra);
    let headers = [("authorization", format!("Bearer {token}")), ("x-ms-client-request-id", "change-4711".to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let body = json!({ "tenantId": s.cast.tenant, "scope": scope }).to_string();
    s.post("/api/offboard", &headers, body.clone()).await;
    s.post("/api/offboard", &headers, body).await;
    s.count_calls();
    let [one, other] = s.expect_results(["offboarded"; 2]);
    assert_eq!(one["id"], other["id"]);
}

#[tokio::test(start_paused = true)]
async fn reader_that_others_assigned_is_told_and_left() {
    let s = given().start();
    let scope = subscription(&s.cast.by_hand);
    let answer = offboard(&s, &scope).await;
    assert_eq!(answer.status, 200);
    assert!(!s.count_calls().contains_key(REMOVE));
    let [result] = s.expect_results(["offboarded reader-remains"]);
    assert_result(&result, "not-ours", None);
    assert!(result["data"]["hint"].as_str().unwrap_or_default().contains("az role assignment delete --ids"));
    assert_eq!(s.assignments_at(&scope).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn our_name_without_our_mark_is_not_ours() {
    for description in [None, Some("ispm-onboarder/10 Reader"), Some("was ispm-onboarder/1")] {
        let s = given().start();
        let scope = onboarded(&s, &s.cast.new).await;
        s.change(|world, cast| {
            let tenant = world.tenant_mut(&cast.tenant);
            let at = |scope: &ispm_onboarder_simulator::world::Scope| scope.to_string() == subscription(&cast.new);
            let ours = tenant.role_assignments.values_mut().find(|found| at(&found.scope)).unwrap();
            ours.description = description.map(str::to_owned);
        });
        offboard(&s, &scope).await;
        assert!(!s.count_calls().contains_key(REMOVE));
        let [result] = s.expect_results(["offboarded reader-remains"]);
        assert_result(&result, "not-ours", Some("connected"));
        assert_eq!(s.assignments_at(&scope).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn reader_above_is_told_and_left_whether_or_not_one_below_was_ours() {
    let s = given().record(|record| record["policy"]["acceptInherited"] = json!(false)).start();
    let scope = subscription(&s.cast.inherited);
    offboard(&s, &scope).await;
    let [result] = s.expect_results(["offboarded reader-remains"]);
    assert_result(&result, "inherited", None);
    onboarded(&s, &s.cast.inherited).await;
    offboard(&s, &scope).await;
    let [result] = s.expect_results(["offboarded reader-remains"]);
    assert_result(&result, "removed", Some("connected"));
    assert!(result["data"]["message"].as_str().unwrap_or_default().contains(&group("corp")));
    s.count_calls();
    assert_eq!(s.assignments_at(&group("corp")).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_management_group_goes_back_too() {
    let s = given().start();
    let scope = group(&s.cast.management_group);
    s.deliver(s.event("group", &scope)).await;
    s.settle(2).await;
    s.expect_results(["onboarded"]);
    offboard(&s, &scope).await;
    s.count_calls();
    s.expect_results(["offboarded"]);
    assert!(s.assignments_at(&scope).is_empty());
}

#[tokio::test(start_paused = true)]
async fn half_of_it_is_never_queued_and_done_by_asking_again() {
    let s = given_alone().start();
    let scope = onboarded(&s, &s.cast.new).await;
    s.fault(Fault::status(DISCONNECT, 503));
    let answer = offboard(&s, &scope).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("unavailable")), "{}", answer.body);
    assert!(answer.headers["retry-after"].parse::<u64>().unwrap() > 0);
    assert!(s.assignments_at(&scope).is_empty(), "the role does not wait for the connection");
    s.mend();
    assert_eq!(offboard(&s, &scope).await.status, 200);
    s.count_calls();
    let [result] = s.expect_results(["offboarded"]);
    assert_result(&result, "absent", Some("removed"));
    assert!(s.connections().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_result_that_cannot_be_told_is_told_when_asked_again() {
    let s = given().start();
    let scope = onboarded(&s, &s.cast.new).await;
    s.fault(Fault::status(PUBLISH, 503));
    assert_eq!(offboard(&s, &scope).await.status, 503);
    s.mend();
    assert_eq!(offboard(&s, &scope).await.status, 200);
    s.count_calls();
    s.expect_results(["offboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_gone_or_elsewhere_is_offboarded() {
    for leave in [delete, move_to_another_tenant] {
        let s = given().start();
        let scope = onboarded(&s, &s.cast.new).await;
        s.change(|world, cast| leave(world, cast, &cast.new));
        let answer = offboard(&s, &scope).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(!s.count_calls().contains_key(REMOVE));
        let [result] = s.expect_results(["offboarded"]);
        assert_result(&result, "absent", Some("connected"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_fails_at_once_with_the_right_that_is_needed() {
    let s = given()
        .world(|world, cast| {
            world.tenant_mut(&cast.tenant).deny(&cast.login_principal_id, "Microsoft.Authorization/roleAssignments/delete");
        })
        .start();
    let scope = onboarded(&s, &s.cast.new).await;
    let answer = offboard(&s, &scope).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (422, Some("authorization-failed")), "{}", answer.body);
    assert!(answer.json()["hint"].as_str().unwrap_or_default().contains("permissions --allow-offboarding"));
    s.count_calls();
    s.expect_results(["failed authorization-failed"]);
    assert_eq!(s.assignments_at(&scope).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_ispm_first_still_gets_the_role_removed() {
    let s = given().start();
    let scope = onboarded(&s, &s.cast.new).await;
    s.fault(Fault::status("ispm.*", 401));
    let answer = offboard(&s, &scope).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("ispm-refused")), "{}", answer.body);
    assert!(s.assignments_at(&scope).is_empty());
    s.count_calls();
    s.expect_results(["tenant.failed ispm-refused"]);
}

#[tokio::test(start_paused = true)]
async fn an_assignment_that_changes_hands_meanwhile_is_left() {
    let s = given().start();
    let scope = onboarded(&s, &s.cast.new).await;
    // Another process removes it between the list and the read of one.
    s.fault(Fault::status("arm.role-assignments.get", 404));
    offboard(&s, &scope).await;
    assert!(!s.count_calls().contains_key(REMOVE));
    let [result] = s.expect_results(["offboarded"]);
    assert_result(&result, "absent", Some("connected"));
}
