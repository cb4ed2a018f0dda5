//! The tenant's policy as the sweep keeps it: by the same rules as for an event, and each row says which rule kept it out.

use ispm_onboarder_simulator::DemoCast;
use ispm_onboarder_simulator::world::Subscription;
use serde_json::{Value, json};

use crate::harness::{Given, Scenario, subscription};
use crate::sweep::{given, requests, row};

/// `new` is called payments, is Enabled, pays as it goes, and sits in landing-zones / corp / finance.
fn with_policy(policy: &Value) -> Given {
    given().record(|record| record["policy"] = policy.clone()).world(|world, cast| {
        let tenant = world.tenant_mut(&cast.tenant);
        tenant.role_assignments.clear();
        tenant.add_management_group("finance", "corp");
        let new = tenant.subscriptions.get_mut(&cast.new).expect("the demo has a new subscription");
        "finance".clone_into(&mut new.parent);
    })
}

/// Each kind of rule, matching `new` and not matching it.
fn rules() -> [(Value, Value); 5] {
    let cast = DemoCast::of(7);
    [
        (json!({"id": cast.new}), json!({"id": "00000000-0000-4000-8000-000000000000"})),
        (json!({"managementGroup": "corp"}), json!({"managementGroup": "online"})),
        (json!({"name": "PAY*"}), json!({"name": "pay"})),
        (json!({"state": "enabled"}), json!({"state": "Warned"})),
        (json!({"offer": "PayAsYouGo_*"}), json!({"offer": "MSDN_*"})),
    ]
}

/// Sweeps, and answers the verdict on `new`, why, and whether it is asked for.
async fn swept(given: Given) -> (String, String, bool) {
    let s = given.start();
    s.sweep().await;
    let asked = is_asked_for(&s, &s.cast.new);
    let report = s.report().await;
    s.count_calls();
    let text = |name: &str| row(&report, &s.cast.new)[name].as_str().unwrap_or_default().to_owned();
    (text("verdict"), text("why"), asked)
}

fn is_asked_for(s: &Scenario, id: &str) -> bool {
    requests(s).contains(&format!("onboard {}", subscription(id)))
}

fn excluded(why: &str) -> (String, String, bool) {
    ("excluded".to_owned(), why.to_owned(), false)
}

fn wanted() -> (String, String, bool) {
    ("missing".to_owned(), "Reader is missing".to_owned(), true)
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_rule_keeps_out_what_it_matches_and_is_named() {
    for (rule, other) in rules() {
        let (kind, value) = rule.as_object().and_then(|rule| rule.iter().next()).unwrap();
        let why = format!("policy.exclude {{\"{kind}\": {value}}}");
        assert_eq!(swept(with_policy(&json!({"exclude": [other, rule]}))).await, excluded(&why));
        assert_eq!(swept(with_policy(&json!({"exclude": [other]}))).await, wanted(), "{other}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_rule_lets_in_what_it_matches_and_nothing_else() {
    for (rule, other) in rules() {
        assert_eq!(swept(with_policy(&json!({"include": [other, rule]}))).await, wanted(), "{rule}");
        assert_eq!(swept(with_policy(&json!({"include": [other]}))).await, excluded("no rule of policy.include matches"), "{other}");
    }
    let both = json!({"include": [{"name": "pay*"}], "exclude": [{"name": "*ments"}]});
    assert_eq!(swept(with_policy(&both)).await, excluded("policy.exclude {\"name\": \"*ments\"}"), "what is excluded stays out");
}

#[tokio::test(start_paused = true)]
async fn the_allowed_groups_bound_what_is_asked_for_at_any_depth() {
    for groups in [json!(["landing-zones"]), json!(["sandbox", "CORP"]), json!([DemoCast::of(7).tenant])] {
        assert_eq!(swept(with_policy(&json!({"managementGroups": groups}))).await, wanted(), "{groups}");
    }
    let elsewhere = with_policy(&json!({"managementGroups": ["online", "sandbox"]}));
    assert_eq!(swept(elsewhere).await, excluded("it is not below any group in policy.managementGroups"));
}

/// Sweeps with `new` made another, under a policy that says nothing.
async fn swept_with(change: impl FnOnce(&mut Subscription)) -> (String, String, bool) {
    let given = with_policy(&json!({})).world(|world, cast| {
        change(world.tenant_mut(&cast.tenant).subscriptions.get_mut(&cast.new).expect("the demo has a new subscription"));
    });
    swept(given).await
}

#[tokio::test(start_paused = true)]
async fn what_is_switched_off_or_holds_nothing_is_left_out_without_a_rule() {
    for state in ["Disabled", "Deleted", "Expired"] {
        assert_eq!(swept_with(|new| state.clone_into(&mut new.state)).await, excluded(&format!("is {state}")));
    }
    let legacy = swept_with(|new| "AAD_2015-09-01".clone_into(&mut new.quota_id)).await;
    assert_eq!(legacy, excluded("its offer AAD_2015-09-01 holds no resources"));
    for state in ["Warned", "PastDue"] {
        assert_eq!(swept_with(|new| state.clone_into(&mut new.state)).await, wanted(), "{state}");
    }
}
