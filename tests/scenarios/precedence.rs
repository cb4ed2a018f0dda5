//! What decides when several things are true at once: a refusal that needs no reading comes first, then the policy, then what is wrong
//! elsewhere.

use ispm_onboarder_simulator::{DemoCast, Fault, World};
use serde_json::json;

use crate::harness::{ASSIGN, Given, group, requested, subscription};

#[tokio::test(start_paused = true)]
async fn a_group_above_something_excluded_is_kept_out() {
    let cast = DemoCast::of(7);
    // `disabled` sits in sandbox; sandbox and landing-zones sit below the root, corp below landing-zones.
    let root = group(&cast.tenant);
    for (rule, scope) in [
        (json!({"id": cast.disabled}), group("sandbox")),
        (json!({"managementGroup": "sandbox"}), root.clone()),
        (json!({"managementGroup": "corp"}), group("landing-zones")),
    ] {
        let s = Given::demo().record(|record| record["policy"] = json!({"exclude": [rule]})).start();
        s.deliver(s.event("e1", &scope)).await;
        assert!(!s.count_calls().contains_key(ASSIGN), "{rule} lies below {scope}");
        let [result] = s.expect_results(["blocked excluded-by-policy"]);
        assert!(result["data"]["message"].as_str().is_some_and(|words| words.contains("lies below")), "{result:#}");
    }
    let elsewhere = json!({"exclude": [{"managementGroup": "corp"}, {"id": cast.disabled}]});
    let s = Given::demo().record(|record| record["policy"] = elsewhere.clone()).start();
    s.deliver(s.event("e1", &group("online"))).await;
    s.count_calls();
    // What is excluded lies elsewhere.
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn an_excluded_subscription_that_cannot_be_placed_may_be_anywhere_and_one_that_is_gone_is_nowhere() {
    let hidden = |world: &mut World, cast: &DemoCast| {
        let tenant = world.tenant_mut(&cast.tenant);
        "out-of-sight".clone_into(&mut tenant.subscriptions.get_mut(&cast.disabled).expect("the demo has a disabled subscription").parent);
    };
    let cast = DemoCast::of(7);
    let exclude = |id: &str| json!({"exclude": [{"id": id}]});
    let s = Given::demo().record(|record| record["policy"] = exclude(&cast.disabled)).world(hidden).start();
    s.deliver(s.event("e1", &group("online"))).await;
    s.settle(2).await;
    assert!(!s.count_calls().contains_key(ASSIGN));
    s.expect_results(["failed authorization-failed"]);

    let gone = "11111111-1111-4111-8111-111111111111";
    let s = Given::demo().record(|record| record["policy"] = exclude(gone)).start();
    s.deliver(s.event("e1", &group("online"))).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn an_exclusion_by_group_needs_the_whole_way_up() {
    // The parent's own parent cannot be seen: what lies above it might be excluded.
    let cut = |world: &mut World, cast: &DemoCast| {
        let tenant = world.tenant_mut(&cast.tenant);
        tenant.management_groups.get_mut("landing-zones").expect("the demo has landing-zones").parent = None;
    };
    let s = Given::demo().record(|record| record["policy"] = json!({"exclude": [{"managementGroup": "corp"}]})).world(cut).start();
    s.onboard(&s.cast.new).await;
    s.settle(2).await;
    assert!(!s.count_calls().contains_key(ASSIGN));
    s.expect_results(["failed authorization-failed"]);
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_is_kept_out_is_kept_out_while_ispm_is_down() {
    for fault in [Fault::status("ispm.*", 503), Fault::status("ispm.*", 403)] {
        let s = Given::demo().fault(fault).start();
        s.onboard(&s.cast.disabled).await;
        s.count_calls();
        s.expect_results(["blocked excluded-by-policy"]);
    }
}

#[tokio::test(start_paused = true)]
async fn offboarding_by_event_is_refused_also_where_the_scope_is_gone() {
    let s = Given::demo().start();
    let mut event =
        requested("e1", s.now(), &json!({"tenantId": s.cast.tenant, "scope": subscription("11111111-1111-4111-8111-111111111111")}));
    event["type"] = "dev.ispm-onboarder.offboarding.requested.v1".into();
    s.deliver(event).await;
    s.count_calls();
    s.expect_results(["failed offboarding-by-event"]);
}
