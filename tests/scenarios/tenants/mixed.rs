//! Whatever ids an event mixes, a tenant's credentials are used for that tenant alone.

use std::collections::BTreeSet;

use ispm_onboarder_simulator::Recorded;
use serde_json::json;

use super::{Customer, asking, serving, two};
use crate::harness::Scenario;

/// Accounts for the calls, none of which may carry a token of this tenant or go to its ISPM.
fn without_a_word_of(customer: &Customer, s: &Scenario) -> Vec<Recorded> {
    let calls = s.unread_calls();
    let signed: Vec<_> =
        calls.iter().filter(|call| call.caller.as_ref().is_some_and(|caller| caller.tenant_id == customer.tenant)).collect();
    assert!(signed.is_empty(), "with a token of the other tenant: {signed:#?}");
    let named: Vec<_> = calls.iter().filter(|call| call.url.contains(&customer.ispm_host) || call.url.contains(&customer.tenant)).collect();
    assert!(named.is_empty(), "at the other tenant's: {named:#?}");
    calls
}

fn nothing_was_assigned(s: &Scenario, customers: [&Customer; 2]) {
    for customer in customers {
        assert!(!customer.is_onboarded(s));
    }
}

#[tokio::test(start_paused = true)]
async fn each_event_is_worked_on_with_its_own_tenants_login_alone() {
    let (one, other) = two();
    let s = serving(&[one.clone(), other.clone()]).start();
    for customer in [&one, &other] {
        s.deliver(customer.event(&s, &customer.tenant)).await;
        s.expect_results(["onboarded"]);
        let calls = s.unread_calls();
        let of_arm = calls.iter().filter(|call| call.operation.starts_with("arm."));
        let signed: BTreeSet<_> = of_arm.map(|call| call.caller.clone().map(|caller| caller.object_id)).collect();
        assert_eq!(signed, BTreeSet::from([Some(customer.login_principal().to_owned())]));
        let consoles: BTreeSet<_> =
            calls.iter().filter(|call| call.operation.starts_with("ispm.")).map(|call| call.url.split('/').next()).collect();
        assert_eq!(consoles, BTreeSet::from([Some(customer.ispm_host.as_str())]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_scope_of_another_tenant_is_refused_by_the_word_of_the_tenant_that_the_event_names() {
    let (one, other) = two();
    let s = serving(&[one.clone(), other.clone()]).start();
    // The other's session is open, and of no use to this event.
    s.deliver(other.event(&s, "theirs")).await;
    s.expect_results(["onboarded"]);
    s.count_calls();
    s.deliver(asking(&s, "mixed", &one.tenant, &other.subscription)).await;
    s.expect_results(["failed foreign-scope"]);
    without_a_word_of(&other, &s);
    assert!(!one.is_onboarded(&s));
}

#[tokio::test(start_paused = true)]
async fn a_record_under_another_tenants_name_is_nobodys() {
    let (one, other) = two();
    let record = other.record();
    let s = serving(&[one.clone(), other.clone()]).world(|world, cast| one.store(world, cast, &record)).start();
    s.deliver(one.event(&s, "one")).await;
    s.expect_results(["tenant.failed record-invalid"]);
    s.forgive_what_waits();
    without_a_word_of(&other, &s);
    nothing_was_assigned(&s, [&one, &other]);
}

#[tokio::test(start_paused = true)]
async fn capitals_and_blanks_make_no_other_tenant() {
    let (one, other) = two();
    let s = serving(&[one.clone(), other.clone()]).start();
    s.deliver(asking(&s, "capitals", &one.tenant.to_uppercase(), &one.subscription.to_uppercase())).await;
    s.deliver(one.event(&s, "as it is")).await;
    let calls = without_a_word_of(&other, &s);
    assert_eq!(calls.iter().filter(|call| call.operation == "ispm.sources.list").count(), 1, "one session for both");
    let [first, second] = s.expect_results(["onboarded", "onboarded"]);
    assert_eq!(first["data"]["tenantId"], json!(one.tenant));
    assert_eq!(second["data"]["roleAssignment"]["outcome"], "already-assigned");
}

/// Names of secrets are not bound to tenants: whoever writes records owns the store. What another's secret is good for is bound: an app of
/// another tenant cannot sign in to this one.
#[tokio::test(start_paused = true)]
async fn a_record_that_names_another_tenants_login_signs_in_nowhere() {
    let (one, other) = two();
    let mut record = one.record();
    record["login"] = other.record()["login"].clone();
    let s = serving(&[one.clone(), other.clone()]).world(|world, cast| one.store(world, cast, &record)).start();
    s.deliver(one.event(&s, "one")).await;
    s.expect_results(["tenant.failed credential-refused"]);
    s.forgive_what_waits();
    without_a_word_of(&other, &s);
    nothing_was_assigned(&s, [&one, &other]);
}

/// The console is asked which directory its source reads, before anything is connected there.
#[tokio::test(start_paused = true)]
async fn a_record_that_names_another_tenants_ispm_connects_nothing_there() {
    let (one, other) = two();
    let mut record = one.record();
    record["ispm"] = other.record()["ispm"].clone();
    let s = serving(&[one.clone(), other.clone()]).world(|world, cast| one.store(world, cast, &record)).start();
    s.deliver(one.event(&s, "one")).await;
    s.expect_results(["tenant.failed related-source-mismatch"]);
    s.forgive_what_waits();
    let calls = s.unread_calls();
    assert!(calls.iter().all(|call| call.operation != "ispm.connections.create"), "{calls:#?}");
    assert!(calls.iter().all(|call| call.caller.as_ref().is_none_or(|caller| caller.tenant_id != other.tenant)));
    assert!(s.connections().is_empty());
    nothing_was_assigned(&s, [&one, &other]);
}
