use serde_json::{Value, json};

use super::*;
use crate::azure::READER;
use crate::ispm::Found;
use crate::request::{Action, Cause};

const TENANT: &str = "519aadd0-caeb-5ef8-b1b9-046051535bc3";
const PRINCIPAL: &str = "11111111-2222-4333-8444-555555555555";
const SUBSCRIPTION: &str = "/subscriptions/23ea0b12-4ef0-5a35-b45b-39f28c454059";
const GROUP: &str = "/providers/Microsoft.Management/managementGroups/corp";

fn guid(text: &str) -> Guid {
    Guid::parse(text).unwrap()
}

fn request(scope: &str) -> Request {
    let cause = Cause { source: "/pipeline".to_owned(), id: "1".to_owned(), kind: "call".to_owned() };
    Request::new(guid(TENANT), Scope::parse(scope).unwrap(), Action::Onboard, cause, None)
}

fn record(policy: &Value) -> TenantRecord {
    serde_json::from_value(json!({
        "schemaVersion": 1, "tenantId": TENANT, "app": {"clientId": PRINCIPAL},
        "login": {"method": "managed-identity"},
        "ispm": {"url": "https://contoso.spera-app.com", "entraSource": "contoso", "connect": {"mode": "console"}}, "policy": policy,
    }))
    .unwrap()
}

fn reader(scope: &str) -> Assignment {
    Assignment {
        created_on: None,
        id: format!("{scope}/providers/Microsoft.Authorization/roleAssignments/1"),
        scope: AssignedAt::parse(scope),
        role: READER.to_string(),
        principal: PRINCIPAL.to_owned(),
        conditional: false,
        marked: false,
    }
}

fn observed(assignments: &[Assignment]) -> Observed {
    let scope = ScopeFacts { state: Some("Enabled".to_owned()), ..ScopeFacts::default() };
    let assignments = assignments.to_vec();
    Observed { principal: guid(PRINCIPAL), scope, assignments, connection: Ok(Found::default()), connection_name: None }
}

/// What is judged of a subscription with these facts under a policy.
fn judged(policy: &Value, scope: &str, facts: &ScopeFacts) -> Result<(), String> {
    judge(&request(scope), &record(policy).policy, facts).map_err(|error| format!("{}: {error}", error.code.as_str()))
}

fn below(groups: &[&str]) -> ScopeFacts {
    ScopeFacts { ancestors: groups.iter().map(|group| GroupName::parse(group).unwrap()).collect(), ..ScopeFacts::default() }
}

#[test]
fn only_the_principals_own_reader_with_a_condition_at_the_very_scope_is_in_the_way() {
    let narrow = Assignment { conditional: true, ..reader(SUBSCRIPTION) };
    let others = |principal: &str| Assignment { principal: principal.to_owned(), ..narrow.clone() };
    let with_role = |role: &str| Assignment { role: role.to_owned(), ..narrow.clone() };
    let code = |found: &Assignment| {
        let planned = plan(&request(SUBSCRIPTION), &record(&json!({})), &observed(std::slice::from_ref(found)));
        planned.map(|plan| plan.steps.iter().any(|step| matches!(step, Step::AssignReader { .. }))).map_err(|error| error.code)
    };
    assert_eq!(code(&narrow), Err(Code::RoleAssignmentConflict));
    assert_eq!(code(&others(&PRINCIPAL.to_uppercase())), Err(Code::RoleAssignmentConflict), "ids come in any case");
    let contributor = with_role("b24988ac-6180-42a0-ab88-20f7382dd24c");
    for harmless in [
        others(TENANT),
        contributor.clone(),
        Assignment { conditional: false, ..contributor },
        Assignment { conditional: true, ..reader(GROUP) },
    ] {
        assert_eq!(code(&harmless), Ok(true), "{harmless:?}");
    }
    assert_eq!(code(&reader(SUBSCRIPTION)), Ok(false), "nothing is to be assigned");
}

#[test]
fn reader_is_found_at_the_scope_before_above_it_and_above_it_only_where_that_counts() {
    let found = |policy: &Value, assignments: &[Assignment]| {
        let role = find_reader(&request(SUBSCRIPTION), &record(policy).policy, &observed(assignments));
        role.map(|role| (role.id, role.inherited))
    };
    let (here, above) = (reader(SUBSCRIPTION), reader(GROUP));
    let (any, own) = (json!({}), json!({"acceptInherited": false}));
    assert_eq!(found(&any, &[above.clone(), here.clone()]), Some((here.id.clone(), false)));
    assert_eq!(found(&any, std::slice::from_ref(&above)), Some((above.id.clone(), true)));
    assert_eq!(found(&any, &[reader("/")]).map(|(_, inherited)| inherited), Some(true));
    assert_eq!(found(&any, &[reader(&format!("{SUBSCRIPTION}/resourceGroups/rg"))]), None, "below it is not at it");
    assert_eq!(found(&any, &[Assignment { conditional: true, ..here.clone() }]), None);
    assert_eq!(found(&any, &[Assignment { role: TENANT.to_owned(), ..here.clone() }]), None);
    assert_eq!(found(&own, std::slice::from_ref(&above)), None);
    assert_eq!(found(&own, &[above, here.clone()]), Some((here.id, false)));
}

#[test]
fn without_a_policy_that_assigns_a_missing_reader_is_told() {
    let refused = plan(&request(SUBSCRIPTION), &record(&json!({"assign": "never"})), &observed(&[])).unwrap_err();
    assert_eq!(refused.code, Code::RoleMissing);
    let planned = plan(&request(SUBSCRIPTION), &record(&json!({})), &observed(&[])).unwrap();
    assert!(matches!(planned.steps[..], [Step::AssignReader { .. }, Step::AskForConnection { .. }]), "{planned:?}");
}

#[test]
fn the_groups_of_a_policy_bound_it_unless_the_root_is_among_them() {
    let corp = json!({"managementGroups": ["corp"]});
    let excluded = "excluded-by-policy: ";
    assert_eq!(judged(&json!({}), SUBSCRIPTION, &below(&[])), Ok(()));
    assert_eq!(judged(&json!({"managementGroups": [TENANT, "corp"]}), SUBSCRIPTION, &below(&[])), Ok(()), "the root is anywhere");
    assert_eq!(judged(&corp, SUBSCRIPTION, &below(&["finance", "corp"])), Ok(()));
    assert_eq!(judged(&corp, GROUP, &below(&[])), Ok(()), "a group is in itself");
    let out = judged(&corp, SUBSCRIPTION, &below(&["finance"])).unwrap_err();
    assert!(out.starts_with(excluded) && out.ends_with("it is not below any group in policy.managementGroups"), "{out}");
}

#[test]
fn each_kind_of_rule_keeps_out_and_lets_in_by_its_own_words() {
    let facts = || ScopeFacts {
        display_name: "Payments".to_owned(),
        state: Some("Enabled".to_owned()),
        offer: Some("PayAsYouGo_2014-09-01".to_owned()),
        ..below(&["corp"])
    };
    for (matching, other) in [
        (json!({"id": &SUBSCRIPTION[15..]}), json!({"id": TENANT})),
        (json!({"managementGroup": "corp"}), json!({"managementGroup": "finance"})),
        (json!({"name": "pay*"}), json!({"name": "pay"})),
        (json!({"state": "enabled"}), json!({"state": "Warned"})),
        (json!({"offer": "payasyougo_*"}), json!({"offer": "MSDN_*"})),
    ] {
        let told = |policy: &Value| judged(policy, SUBSCRIPTION, &facts());
        let rule: Rule = serde_json::from_value(matching.clone()).unwrap();
        let out = told(&json!({"exclude": [other.clone(), matching.clone()]})).unwrap_err();
        assert_eq!(out, format!("excluded-by-policy: {SUBSCRIPTION} is kept out: policy.exclude {rule}"));
        assert!(rule.to_string().contains(&matching.as_object().unwrap().keys().next().unwrap()[..]), "{rule}");
        assert_eq!(told(&json!({"exclude": [other.clone()]})), Ok(()));
        assert_eq!(told(&json!({"include": [other.clone(), matching]})), Ok(()));
        assert!(told(&json!({"include": [other]})).unwrap_err().ends_with("no rule of policy.include matches"));
    }
    let rule = serde_json::from_value(json!({"managementGroup": "x"})).unwrap();
    let above_it = ScopeFacts { excluded_below: vec![rule], ..below(&[]) };
    assert!(judged(&json!({}), GROUP, &above_it).unwrap_err().contains("lies below it"));
}

#[test]
fn only_subscriptions_that_run_and_hold_resources_are_onboarded() {
    let with = |state: &str, offer: &str| {
        let facts = ScopeFacts { state: Some(state.to_owned()), offer: Some(offer.to_owned()), ..ScopeFacts::default() };
        judge(&request(SUBSCRIPTION), &Policy::default(), &facts).map_err(|error| error.code)
    };
    for state in ["Enabled", "Warned", "PastDue"] {
        assert_eq!(with(state, "Internal_2014-09-01"), Ok(()), "{state}");
    }
    for state in ["Disabled", "Deleted", "Expired", ""] {
        assert_eq!(with(state, "Internal_2014-09-01"), Err(Code::SubscriptionNotActive), "{state}");
    }
    assert_eq!(with("Enabled", LEGACY_DIRECTORY_OFFER), Err(Code::ExcludedByPolicy));
}

#[test]
fn steps_tell_what_they_do() {
    let (scope, name, principal) = (Scope::parse(SUBSCRIPTION).unwrap(), guid(TENANT), guid(PRINCIPAL));
    let assign = Step::AssignReader { scope, name, principal };
    assert_eq!(assign.to_string(), format!("assign Reader at {SUBSCRIPTION} to service principal {PRINCIPAL} (assignment {TENANT})"));
    let remove = |surplus| Step::RemoveConnection { id: "7".to_owned(), surplus }.to_string();
    assert_eq!(remove(true), "remove the ISPM connection 7, made here beside an older one");
    assert_eq!(remove(false), "remove the ISPM connection 7, made here");
}

#[test]
fn patterns_match_as_people_expect() {
    for (pattern, text, expected) in [
        ("sandbox-*", "Sandbox-7", true),
        ("*", "", true),
        ("a*b*c", "aXbYc", true),
        ("a*b*c", "acb", false),
        ("ab*b", "ab", false),
        ("*ab*b", "ab", false),
        ("prod", "production", false),
        ("*prod*", "my-PROD-1", true),
        ("**x", "x", true),
    ] {
        assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
    }
}
