//! Young scopes: for a while after the cause, Azure may not show what is there.

use ispm_onboarder_simulator::world::Concealment;
use ispm_onboarder_simulator::{DemoCast, Fault, World};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::harness::{ASSIGN, COLD_START, EPOCH, EVENT, Given, PUBLISH, PUT_BACK, Scenario, cold, requested, subscription};

const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";

/// Delivers an event that was raised at `at`, or at no time that it tells.
async fn onboard_raised(s: &Scenario, at: Option<OffsetDateTime>) {
    let mut event = requested(EVENT, at.unwrap_or(EPOCH), &json!({"tenantId": s.cast.tenant, "scope": subscription(&s.cast.new)}));
    if at.is_none() {
        event.as_object_mut().and_then(|event| event.remove("time"));
    }
    s.deliver(event).await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_azure_does_not_show_yet_is_onboarded_when_it_does() {
    for concealment in [Concealment::AuthorizationFailed, Concealment::SubscriptionNotFound] {
        let s = Given::demo()
            .world(|world, cast| {
                let late = world.tenant_mut(&cast.tenant).subscriptions.get_mut(&cast.late).expect("the demo has a late subscription");
                late.until_visible = concealment;
            })
            .start();
        s.onboard(&s.cast.late).await;
        s.expect_calls(cold([PUT_BACK]));
        s.expect_waiting();
        let deliveries = s.settle(1).await;
        s.count_calls();
        s.expect_results(["onboarded"]);
        let done = deliveries.last().expect("it came back").at - EPOCH;
        assert!(done >= Duration::minutes(4) && done < Duration::minutes(10), "visible after 4 minutes, onboarded after {done}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_principal_that_is_not_replicated_yet_is_waited_for() {
    let young_principal = |world: &mut World, cast: &DemoCast| {
        world.settings.replication_lag_seconds = 90;
        let principals = &mut world.tenant_mut(&cast.tenant).service_principals;
        principals.get_mut(&cast.ispm_principal_id).expect("the demo has an ISPM app").created_on = EPOCH;
    };
    for object_id_known in [false, true] {
        let s = Given::demo().world(young_principal).start();
        if object_id_known {
            let mut record = s.record();
            record["app"]["principalId"] = json!(s.cast.ispm_principal_id);
            s.put_record(&record);
        }
        s.onboard(&s.cast.new).await;
        let refused = s.unread_calls().into_iter().find(|call| matches!(call.status, Some(400 | 404))).map(|call| call.operation);
        assert_eq!(refused.as_deref(), Some(if object_id_known { ASSIGN } else { "graph.service-principal.get" }));
        s.expect_waiting();
        s.settle(1).await;
        s.count_calls();
        s.expect_results(["onboarded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_right_that_was_granted_a_moment_ago_is_waited_for_with_a_fresh_token() {
    let s = Given::demo().world(|world, cast| world.tenant_mut(&cast.tenant).deny(&cast.login_principal_id, WRITE)).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, PUT_BACK]));
    s.expect_waiting();
    s.change(|world, cast| world.tenant_mut(&cast.tenant).denied_actions.clear());
    s.settle(1).await;
    let calls = s.count_calls();
    assert!(calls.contains_key(COLD_START), "a token may not know rights that are younger than it: {calls:?}");
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn old_scopes_that_azure_refuses_fail_at_once_with_a_hint() {
    for (fault, result) in [
        (Fault::status("arm.subscription.get", 403), "failed authorization-failed"),
        (Fault::status("arm.subscription.get", 404), "failed scope-not-found"),
        (Fault::status("arm.role-assignments.list", 403), "failed authorization-failed"),
        (Fault::status("graph.service-principal.get", 404), "failed principal-not-found"),
    ] {
        let s = Given::demo().fault(fault).start();
        onboard_raised(&s, Some(EPOCH - Duration::hours(2))).await;
        let calls = s.count_calls();
        assert!(!calls.contains_key(PUT_BACK) && !calls.contains_key(ASSIGN), "{calls:?}");
        let [result] = s.expect_results([result]);
        assert!(result["data"]["hint"].is_string(), "{result:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_to_assign_fails_with_the_right_that_is_needed() {
    let s = Given::demo().world(|world, cast| world.tenant_mut(&cast.tenant).deny(&cast.login_principal_id, WRITE)).start();
    onboard_raised(&s, Some(EPOCH - Duration::hours(2))).await;
    s.expect_calls(cold([ASSIGN, PUBLISH]));
    let [result] = s.expect_results(["failed authorization-failed"]);
    let hint = result["data"]["hint"].as_str().unwrap_or_default();
    assert!(hint.contains("Reader") && hint.contains(&s.cast.ispm_principal_id), "{hint}");
}

/// When the request failed, counted from the scenario's begin.
async fn failed_after(s: &Scenario) -> Duration {
    let last = s.settle(4).await.last().expect("it came back").at;
    s.count_calls();
    s.expect_results(["failed scope-not-found"]);
    last - EPOCH
}

#[tokio::test(start_paused = true)]
async fn the_window_is_counted_from_the_cause_or_from_the_first_delivery_never_from_a_future_time() {
    let window = Duration::minutes(60)..Duration::minutes(60 + 36);
    for (raised, rest) in [
        (Some(EPOCH), window.clone()),
        (Some(EPOCH - Duration::minutes(40)), Duration::minutes(20)..Duration::minutes(20 + 36)),
        (None, window.clone()),
        (Some(EPOCH + Duration::days(30)), window.clone()),
    ] {
        let s = Given::demo().fault(Fault::status("arm.subscription.get", 404)).start();
        onboard_raised(&s, raised).await;
        let took = failed_after(&s).await;
        assert!(rest.contains(&took), "raised at {raised:?}, failed after {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_window_is_a_setting() {
    let s = Given::demo().setting("ONBOARDER_PROPAGATION_MINUTES", "5").fault(Fault::status("arm.subscription.get", 404)).start();
    s.onboard(&s.cast.new).await;
    let took = failed_after(&s).await;
    assert!(took >= Duration::minutes(5) && took < Duration::minutes(12), "{took}");
}

/// Found by the histories: work that was kept waiting for longer than a cause is young ends in a role that does not count yet.
#[tokio::test(start_paused = true)]
async fn a_role_that_was_assigned_a_moment_ago_is_waited_for_however_old_the_cause_is() {
    let s = Given::demo().world(|world, _| world.settings.propagation_seconds = 300).start();
    // The login's own rights are old.
    s.change(|world, cast| world.tenant_mut(&cast.tenant).role_assignments.retain(|_, found| !found.is_of(&cast.ispm_principal_id)));
    onboard_raised(&s, Some(EPOCH - Duration::hours(3))).await;
    s.expect_waiting();
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

/// Found by the histories: the same for a connection that is made so late.
#[tokio::test(start_paused = true)]
async fn a_connection_that_was_made_a_moment_ago_is_waited_for_however_old_the_cause_is() {
    let s = Given::demo().world(|world, _| world.settings.connection_test_seconds = 1200).start();
    // Reader is there, and the event came three hours ago.
    let asked = json!({"tenantId": s.cast.tenant, "scope": subscription(&s.cast.by_hand)});
    s.deliver(requested(EVENT, EPOCH - Duration::hours(3), &asked)).await;
    s.expect_waiting();
    let done = s.settle(1).await.last().expect("it came back").at - EPOCH;
    assert!(done >= Duration::minutes(20) && done < Duration::minutes(45), "tested after 20 minutes, onboarded after {done}");
    s.count_calls();
    s.expect_results(["onboarded"]);
}
