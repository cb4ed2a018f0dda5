//! By an event: never alone.

use ispm_onboarder_simulator::Fault;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::{REMOVE, asking, assert_result, delete, given, given_alone, move_to_another_tenant, onboarded};
use crate::harness::{Given, Scenario, subscription};

/// A tenant that lets events offboard what is excluded or gone.
fn allowed() -> Given {
    given().record(|record| record["policy"]["offboard"] = json!("excluded-or-gone"))
}

/// Changes the tenant's policy, and waits until it takes effect.
async fn set_policy(s: &Scenario, member: &str, value: Value) {
    let mut record = s.record();
    record["policy"][member] = value;
    s.put_record(&record);
    s.settle(1).await;
}

#[tokio::test(start_paused = true)]
async fn the_policy_says_never_unless_it_says_otherwise() {
    let s = given().start();
    let scope = onboarded(&s, &s.cast.new).await;
    set_policy(&s, "exclude", json!([{ "id": s.cast.new }])).await;
    s.deliver(asking(&s, &scope)).await;
    let calls = s.count_calls();
    assert!(calls.keys().all(|name| !name.starts_with("arm.") && !name.starts_with("ispm.")), "{calls:?}");
    let [result] = s.expect_results(["failed offboarding-by-event"]);
    assert!(result["data"]["hint"].as_str().unwrap_or_default().contains("Onboarder.Offboard"));
    assert_eq!(s.assignments_at(&scope).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_neither_excluded_nor_gone_is_not_offboarded() {
    for state in ["Enabled", "Warned", "PastDue", "Disabled"] {
        let s = allowed().record(|record| record["policy"]["exclude"] = json!([])).start();
        let scope = onboarded(&s, &s.cast.new).await;
        s.change(|world, cast| world.tenant_mut(&cast.tenant).subscriptions.get_mut(&cast.new).unwrap().state = state.to_owned());
        s.deliver(asking(&s, &scope)).await;
        assert!(!s.count_calls().contains_key(REMOVE));
        s.expect_results(["blocked offboarding-not-justified"]);
        assert_eq!(s.assignments_at(&scope).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_policy_excludes_now_is_offboarded() {
    for (member, value) in
        [("exclude", json!([{ "name": "pay*" }])), ("include", json!([{ "name": "nothing-*" }])), ("managementGroups", json!(["platform"]))]
    {
        let s = allowed().start();
        let scope = onboarded(&s, &s.cast.new).await;
        set_policy(&s, member, value).await;
        s.deliver(asking(&s, &scope)).await;
        assert_eq!(s.count_calls()[REMOVE], 1);
        let [result] = s.expect_results(["offboarded"]);
        assert_result(&result, "removed", Some("connected"));
        assert!(s.assignments_at(&scope).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_policy_that_justifies_it_is_that_of_now() {
    let s = allowed().start();
    let scope = onboarded(&s, &s.cast.new).await;
    let wanted = s.record();
    set_policy(&s, "exclude", json!([{ "id": s.cast.new }])).await;
    s.deliver(s.event("again", &scope)).await;
    s.expect_results(["blocked excluded-by-policy"]);
    // It was a mistake, which somebody mends at once.
    s.put_record(&wanted);
    s.deliver(asking(&s, &scope)).await;
    assert!(!s.count_calls().contains_key(REMOVE));
    s.expect_results(["blocked offboarding-not-justified"]);
    assert_eq!(s.assignments_at(&scope).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn where_others_give_reader_no_event_ends_the_connection() {
    for (assign, left) in [("always", 0), ("never", 1)] {
        let s = given_alone().record(|record| record["policy"]["offboard"] = json!("excluded-or-gone")).start();
        let scope = onboarded(&s, &s.cast.new).await;
        s.change(|world, cast| delete(world, cast, &cast.new));
        set_policy(&s, "assign", json!(assign)).await;
        let mut old = asking(&s, &scope);
        old["time"] = json!((s.now() - time::Duration::days(1)).format(&Rfc3339).unwrap());
        s.deliver(old).await;
        s.count_calls();
        s.expect_results(["offboarded"]);
        assert_eq!(s.connections().len(), left, "{assign}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_moved_out_of_the_groups_is_offboarded() {
    let s = allowed().record(|record| record["policy"]["managementGroups"] = json!(["landing-zones"])).start();
    let scope = onboarded(&s, &s.cast.new).await;
    s.deliver(asking(&s, &scope)).await;
    s.expect_results(["blocked offboarding-not-justified"]);
    s.change(|world, cast| world.tenant_mut(&cast.tenant).subscriptions.get_mut(&cast.new).unwrap().parent = "sandbox".to_owned());
    s.deliver(asking(&s, &scope)).await;
    s.count_calls();
    s.expect_results(["offboarded"]);
    assert!(s.assignments_at(&scope).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_moved_to_another_tenant_is_offboarded() {
    let s = allowed().start();
    let scope = onboarded(&s, &s.cast.new).await;
    s.change(|world, cast| move_to_another_tenant(world, cast, &cast.new));
    s.deliver(asking(&s, &scope)).await;
    s.count_calls();
    let [result] = s.expect_results(["offboarded"]);
    assert_result(&result, "absent", Some("connected"));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_subscription_is_offboarded_once_it_cannot_be_a_new_one() {
    let s = allowed().start();
    let scope = onboarded(&s, &s.cast.new).await;
    s.change(|world, cast| delete(world, cast, &cast.new));
    s.deliver(asking(&s, &scope)).await;
    s.count_calls();
    assert_eq!(s.expect_waiting().message["action"], "offboard");
    s.settle(2).await;
    s.count_calls();
    let [result] = s.expect_results(["offboarded"]);
    assert_result(&result, "absent", Some("connected"));
}

#[tokio::test(start_paused = true)]
async fn state_deleted_counts_as_gone() {
    let s = allowed().start();
    let scope = onboarded(&s, &s.cast.new).await;
    s.change(|world, cast| world.tenant_mut(&cast.tenant).subscriptions.get_mut(&cast.new).unwrap().state = "Deleted".to_owned());
    s.deliver(asking(&s, &scope)).await;
    s.count_calls();
    s.expect_results(["offboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_proves_nothing_and_neither_does_a_404_without_resource_managers_word() {
    for (status, result) in [(403, "failed authorization-failed"), (404, "failed scope-not-found")] {
        let s = allowed().start();
        let scope = onboarded(&s, &s.cast.new).await;
        s.fault(Fault::status("arm.subscription.get", status));
        let mut old = asking(&s, &scope);
        old["time"] = json!((s.now() - time::Duration::days(1)).format(&Rfc3339).unwrap());
        s.deliver(old).await;
        assert!(!s.count_calls().contains_key(REMOVE));
        s.expect_results([result]);
        assert_eq!(s.assignments_at(&scope).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_cannot_claim_to_be_a_person() {
    let s = given().start();
    let scope = onboarded(&s, &s.cast.new).await;
    let mut event = asking(&s, &scope);
    for member in ["authority", "roles", "oid"] {
        event[member] = json!("person");
        event["data"][member] = json!("person");
    }
    s.deliver(event).await;
    s.expect_results(["failed offboarding-by-event"]);
    s.enqueue(queued(&s, &scope, "call", &json!({ "authority": "person" })));
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["failed invalid-event"]);
    s.enqueue(queued(&s, &scope, "call", &json!({})));
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["failed offboarding-by-event"]);
    assert_eq!(s.assignments_at(&scope).len(), 1);
}

/// A message of this program's own that asks for a scope to be offboarded.
fn queued(s: &Scenario, scope: &str, cause: &str, more: &Value) -> String {
    let mut message = json!({
        "version": 1, "tenantId": s.cast.tenant, "scope": scope, "action": "offboard",
        "cause": { "source": "urn:ispm-onboarder:sweep", "id": "2126-11-22", "type": cause },
        "firstSeen": (s.now() - time::Duration::hours(2)).format(&Rfc3339).unwrap(), "attempts": 1,
    });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    message.to_string()
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asked_for_and_nothing_justifies_is_no_failure() {
    for offboard in ["never", "excluded-or-gone"] {
        let s = given().record(|record| record["policy"]["offboard"] = json!(offboard)).start();
        let scope = onboarded(&s, &s.cast.new).await;
        s.enqueue(queued(&s, &scope, "Microsoft.Subscription/cancel/action", &json!({})));
        s.settle(1).await;
        assert!(!s.count_calls().contains_key(REMOVE));
        assert_eq!(s.assignments_at(&scope).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_sweep_found_is_judged_again_and_done() {
    let s = allowed().start();
    let scope = onboarded(&s, &s.cast.new).await;
    set_policy(&s, "exclude", json!([{ "id": s.cast.new }])).await;
    s.enqueue(queued(&s, &scope, "sweep", &json!({})));
    s.settle(1).await;
    s.count_calls();
    let [result] = s.expect_results(["offboarded"]);
    assert_eq!(result["data"]["cause"]["type"], "sweep");
    assert!(s.assignments_at(&scope).is_empty());
    // It stays away: what excludes it keeps it out.
    s.deliver(s.event("again", &subscription(&s.cast.new))).await;
    s.count_calls();
    s.expect_results(["blocked excluded-by-policy"]);
}
