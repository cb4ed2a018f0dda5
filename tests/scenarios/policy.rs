//! The tenant's policy: what may be onboarded. Whoever is kept out is told by which rule, and nothing is written.

use ispm_onboarder_simulator::{DemoCast, Effect, Fault, World};
use serde_json::{Value, json};

use crate::harness::{ASSIGN, CONNECT, Given, PUBLISH, Scenario, cold, subscription};

/// The world of the rules: `new` is called payments, is Enabled, pays as it goes, and sits in landing-zones / corp / finance.
fn estate(world: &mut World, cast: &DemoCast) {
    let tenant = world.tenant_mut(&cast.tenant);
    tenant.role_assignments.clear();
    tenant.add_management_group("finance", "corp");
    let new = tenant.subscriptions.get_mut(&cast.new).expect("the demo has a new subscription");
    "finance".clone_into(&mut new.parent);
}

fn given(policy: &Value) -> Given {
    Given::demo().world(estate).record(|record| record["policy"] = policy.clone())
}

/// Each kind of rule, matching `new` and not matching it; the flag says whether the groups above have to be read for it.
fn rules() -> [(Value, Value, bool); 5] {
    let cast = DemoCast::of(7);
    [
        (json!({"id": cast.new}), json!({"id": cast.by_hand}), false),
        (json!({"managementGroup": "corp"}), json!({"managementGroup": "online"}), true),
        (json!({"name": "PAY*"}), json!({"name": "pay"}), false),
        (json!({"state": "enabled"}), json!({"state": "Warned"}), false),
        (json!({"offer": "PayAsYouGo_*"}), json!({"offer": "MSDN_*"}), false),
    ]
}

/// Accounts for a delivery's calls: these writes, and one look at the groups above where `groups` says so.
fn expect_calls(s: &Scenario, groups: bool, writes: &[&'static str]) {
    let more: &[&'static str] = if groups { &["arm.entities.list"] } else { &[] };
    s.expect_calls([&cold([])[..], more, writes].concat());
}

/// Accounts for a refusal that names `rule`.
#[track_caller]
fn expect_blocked(s: &Scenario, rule: &str) {
    let [result] = s.expect_results(["blocked excluded-by-policy"]);
    let message = result["data"]["message"].as_str().unwrap_or_default();
    assert!(message.contains(rule) && message.contains(&subscription(&s.cast.new)), "{rule} in {message:?}");
    assert!(result["data"]["hint"].is_string());
    assert!(s.assignments_at(&subscription(&s.cast.new)).is_empty() && s.connections().is_empty());
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_rule_can_keep_a_subscription_out() {
    for (rule, _, groups) in rules() {
        let s = given(&json!({"exclude": [{"name": "something else"}, rule]})).start();
        s.onboard(&s.cast.new).await;
        expect_calls(&s, groups, &[PUBLISH]);
        let (kind, value) = rule.as_object().and_then(|rule| rule.iter().next()).unwrap();
        expect_blocked(&s, &format!("policy.exclude {{\"{kind}\": {value}}}"));
    }
}

#[tokio::test(start_paused = true)]
async fn rules_that_do_not_match_keep_nothing_out() {
    for (_, rule, groups) in rules() {
        let s = given(&json!({"exclude": [rule]})).start();
        s.onboard(&s.cast.new).await;
        expect_calls(&s, groups, &[ASSIGN, CONNECT, PUBLISH]);
        s.expect_results(["onboarded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_rule_can_let_a_subscription_in() {
    for (rule, other, groups) in rules() {
        let s = given(&json!({"include": [other, rule]})).start();
        s.onboard(&s.cast.new).await;
        expect_calls(&s, groups, &[ASSIGN, CONNECT, PUBLISH]);
        s.expect_results(["onboarded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_no_rule_lets_in_stays_out() {
    for (_, rule, groups) in rules() {
        let s = given(&json!({"include": [rule]})).start();
        s.onboard(&s.cast.new).await;
        expect_calls(&s, groups, &[PUBLISH]);
        expect_blocked(&s, "policy.include");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_excluded_stays_out_even_where_it_is_included() {
    let cast = DemoCast::of(7);
    let s = given(&json!({"include": [{"id": cast.new}], "exclude": [{"name": "payments"}]})).start();
    s.onboard(&s.cast.new).await;
    expect_calls(&s, false, &[PUBLISH]);
    expect_blocked(&s, "policy.exclude");
}

#[tokio::test(start_paused = true)]
async fn management_groups_bound_what_may_be_onboarded_at_any_depth() {
    for (groups, inside) in [(json!(["landing-zones"]), true), (json!(["sandbox", "CORP"]), true), (json!(["online", "sandbox"]), false)] {
        let s = given(&json!({"managementGroups": groups})).start();
        s.onboard(&s.cast.new).await;
        if inside {
            expect_calls(&s, true, &[ASSIGN, CONNECT, PUBLISH]);
            s.expect_results(["onboarded"]);
        } else {
            expect_calls(&s, true, &[PUBLISH]);
            expect_blocked(&s, "policy.managementGroups");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_tenant_root_as_the_bound_needs_no_look_at_the_groups() {
    let cast = DemoCast::of(7);
    let s = given(&json!({"managementGroups": [cast.tenant]})).start();
    s.onboard(&s.cast.new).await;
    expect_calls(&s, false, &[ASSIGN, CONNECT, PUBLISH]);
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_whose_groups_cannot_be_seen_does_not_slip_past_a_rule_about_groups() {
    // The answer has an empty chain, as for an identity that has its rights at the subscription and may not see management groups.
    let none = Effect::Altered { pointer: "/value".to_owned(), value: json!([]) };
    let s = given(&json!({"exclude": [{"managementGroup": "corp"}]})).fault(Fault::new("arm.entities.list", none).after()).start();
    s.onboard(&s.cast.new).await;
    s.settle(2).await;
    let calls = s.count_calls();
    assert!(!calls.contains_key(ASSIGN), "nobody knows whether the subscription is in corp, which is excluded: {calls:?}");
    let [result] = s.expect_results(["failed authorization-failed"]);
    assert!(result["data"]["hint"].as_str().is_some_and(|words| words.contains("management groups")), "{result:#}");
}

/// The state decides where no rule does.
mod state {
    use super::*;

    async fn onboarded_in(state: &str) -> Scenario {
        let s = given(&json!({}))
            .world(|world, cast| {
                let new = world.tenant_mut(&cast.tenant).subscriptions.get_mut(&cast.new).expect("the demo has a new subscription");
                state.clone_into(&mut new.state);
            })
            .start();
        s.onboard(&s.cast.new).await;
        s
    }

    #[tokio::test(start_paused = true)]
    async fn subscriptions_that_still_run_are_onboarded() {
        for state in ["Enabled", "Warned", "PastDue"] {
            let s = onboarded_in(state).await;
            expect_calls(&s, false, &[ASSIGN, CONNECT, PUBLISH]);
            s.expect_results(["onboarded"]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn subscriptions_that_are_switched_off_are_not() {
        for state in ["Disabled", "Deleted"] {
            let s = onboarded_in(state).await;
            expect_calls(&s, false, &[PUBLISH]);
            let [result] = s.expect_results(["blocked subscription-not-active"]);
            assert!(result["data"]["message"].as_str().is_some_and(|words| words.contains(state)), "{result:#}");
            if state == "Disabled" {
                insta::assert_json_snapshot!("blocked", result, { ".data.message" => "[words]", ".data.hint" => "[words]" });
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_legacy_directory_subscription_is_not() {
        let s = given(&json!({}))
            .world(|world, cast| {
                let new = world.tenant_mut(&cast.tenant).subscriptions.get_mut(&cast.new).expect("the demo has a new subscription");
                "AAD_2015-09-01".clone_into(&mut new.quota_id);
            })
            .start();
        s.onboard(&s.cast.new).await;
        expect_calls(&s, false, &[PUBLISH]);
        expect_blocked(&s, "AAD_2015-09-01");
    }
}
