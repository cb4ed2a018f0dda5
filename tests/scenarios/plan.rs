//! The decision alone, over plain data: no world, no calls.

use ispm_onboarder::azure::{Assignment, READER};
use ispm_onboarder::config::Config;
use ispm_onboarder::error::Code;
use ispm_onboarder::ispm::Found;
use ispm_onboarder::observe::{Observed, ScopeFacts};
use ispm_onboarder::plan::{Plan, plan};
use ispm_onboarder::request::{Action, Inbound, Request};
use ispm_onboarder::scope::{AssignedAt, GroupName, Guid, Scope};
use ispm_onboarder::tenant::TenantRecord;
use serde_json::{Value, json};

const TENANT: &str = "11111111-1111-4111-8111-111111111111";
const PRINCIPAL: &str = "22222222-2222-4222-8222-222222222222";
const SUBSCRIPTION: &str = "/subscriptions/33333333-3333-4333-8333-333333333333";
const CORP: &str = "/providers/Microsoft.Management/managementGroups/corp";

fn guid(text: &str) -> Guid {
    Guid::parse(text).unwrap()
}

fn record(change: impl FnOnce(&mut Value)) -> TenantRecord {
    let mut record = json!({
        "schemaVersion": 1, "tenantId": TENANT,
        "app": {"clientId": "44444444-4444-4444-8444-444444444444"},
        "login": {"method": "managed-identity"},
        "ispm": {"url": "https://contoso.spera-app.com", "tokenSecretName": "token", "entraSource": "Contoso"},
    });
    change(&mut record);
    let settings = |name: &str| match name {
        "ONBOARDER_SECRET_STORE" => Some("file:/secrets".to_owned()),
        "ONBOARDER_RESULTS" => Some("stdout:".to_owned()),
        _ => None,
    };
    let config = Config::read(settings).unwrap();
    TenantRecord::read(&record.to_string(), guid(TENANT), &config.ispm_hosts).unwrap()
}

fn request() -> Request {
    Inbound::by_hand(guid(TENANT), Scope::parse(SUBSCRIPTION).unwrap(), Action::Onboard, "call").request.unwrap()
}

/// Reader or another role at a scope.
fn assignment(scope: &str, role: &str, conditional: bool) -> Assignment {
    Assignment {
        created_on: None,
        id: format!("{scope}/…/{role}"),
        scope: AssignedAt::parse(scope),
        role: role.to_owned(),
        principal: PRINCIPAL.to_owned(),
        conditional,
        marked: false,
    }
}

fn observed(assignments: Vec<Assignment>) -> Observed {
    Observed {
        principal: guid(PRINCIPAL),
        scope: ScopeFacts {
            display_name: "payments".to_owned(),
            state: Some("Enabled".to_owned()),
            offer: None,
            ancestors: vec![GroupName::parse(TENANT).unwrap(), GroupName::parse("corp").unwrap()],
            excluded_below: vec![],
        },
        assignments,
        connection: Ok(Found::default()),
        connection_name: Some("azure-contoso".to_owned()),
    }
}

fn steps(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(ToString::to_string).collect()
}

#[test]
fn a_plan_prints_what_will_be_done() {
    let plan = plan(&request(), &record(|_| {}), &observed(vec![])).unwrap();
    insta::assert_snapshot!(steps(&plan).join("\n"));
}

#[test]
fn the_same_input_gives_the_same_plan() {
    let (request, record, observed) = (request(), record(|_| {}), observed(vec![]));
    assert_eq!(plan(&request, &record, &observed).unwrap(), plan(&request, &record, &observed).unwrap());
}

#[test]
fn reader_at_the_scope_itself_is_preferred_to_one_above_it() {
    let reader = READER.to_string();
    let found = observed(vec![assignment(CORP, &reader, false), assignment(SUBSCRIPTION, &reader, false)]);
    let plan = plan(&request(), &record(|_| {}), &found).unwrap();
    let role = plan.role.unwrap();
    assert_eq!((role.scope.to_string().as_str(), role.inherited), (SUBSCRIPTION, false));
}

#[test]
fn a_role_definitions_id_is_compared_without_regard_to_case() {
    let found = observed(vec![assignment(SUBSCRIPTION, &READER.to_string().to_uppercase(), false)]);
    assert!(plan(&request(), &record(|_| {}), &found).unwrap().role.is_some());
}

#[test]
fn reader_at_the_directorys_very_root_is_inherited_and_one_at_a_resource_group_is_nothing() {
    let role_of = |scope: &str| {
        let found = observed(vec![assignment(scope, &READER.to_string(), false)]);
        plan(&request(), &record(|_| {}), &found).unwrap().role
    };
    assert!(role_of("/").is_some_and(|role| role.inherited));
    assert!(role_of(&format!("{SUBSCRIPTION}/resourceGroups/web")).is_none());
}

#[test]
fn a_policy_that_forbids_assigning_plans_no_assignment_whatever_else_is_missing() {
    let never = record(|record| record["policy"] = json!({"assign": "never"}));
    let error = plan(&request(), &never, &observed(vec![])).unwrap_err();
    assert_eq!(error.code, Code::RoleMissing);
}

#[test]
fn console_mode_asks_and_does_not_create() {
    let console = record(|record| record["ispm"]["connect"] = json!({"mode": "console"}));
    let plan = plan(&request(), &console, &Observed { connection_name: None, ..observed(vec![]) }).unwrap();
    let steps = steps(&plan);
    assert!(steps.len() == 2 && steps[1].contains("console") && steps[1].contains("Contoso"), "{steps:?}");
}

/// The decision of the way back.
mod back {
    use ispm_onboarder::azure::assignment_name;
    use ispm_onboarder::ispm::{Connection, Status};
    use ispm_onboarder::offboard::{self, Presence, Standing};
    use ispm_onboarder::request::Authority;
    use ispm_onboarder::tenant::Offboard;

    use super::*;

    fn ours() -> Assignment {
        let name = assignment_name(&Scope::parse(SUBSCRIPTION).unwrap(), guid(PRINCIPAL));
        let id = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/{name}");
        Assignment { id, marked: true, ..assignment(SUBSCRIPTION, &READER.to_string(), false) }
    }

    fn standing(presence: Presence) -> Standing {
        let connection =
            Connection { id: Some("c1".to_owned()), name: "azure-contoso".to_owned(), status: Status::Connected, created_on: None };
        Standing {
            principal: guid(PRINCIPAL),
            presence,
            assignments: vec![ours()],
            connection: Ok(Found { connection: Some(connection), ours: true, surplus: vec!["c2".to_owned()] }),
            connection_needed: false,
        }
    }

    fn asked(authority: Authority) -> Request {
        Request { action: Action::Offboard, authority, ..request() }
    }

    #[test]
    fn a_plan_prints_what_will_be_removed() {
        let plan = offboard::plan(&asked(Authority::Person), &record(|_| {}).policy, &standing(Presence::Here(None))).unwrap();
        insta::assert_snapshot!(steps(&plan).join("\n"));
    }

    #[test]
    fn an_event_needs_the_policy_and_a_state_and_a_person_neither() {
        let policy = |offboard| ispm_onboarder::tenant::Policy { offboard, ..record(|_| {}).policy };
        let here = || Presence::Here(Some(observed(vec![]).scope));
        for (authority, allowed, presence, expected) in [
            (Authority::Person, Offboard::Never, Presence::Here(None), None),
            (Authority::Event, Offboard::Never, Presence::Gone, Some(Code::OffboardingByEvent)),
            (Authority::Event, Offboard::ExcludedOrGone, here(), Some(Code::OffboardingNotJustified)),
            // Nothing that was not read justifies anything.
            (Authority::Event, Offboard::ExcludedOrGone, Presence::Here(None), Some(Code::OffboardingNotJustified)),
            (Authority::Event, Offboard::ExcludedOrGone, Presence::Gone, None),
            (Authority::Event, Offboard::ExcludedOrGone, Presence::Elsewhere, None),
        ] {
            let shown = format!("{authority:?} {allowed:?} {presence:?}");
            let plan = offboard::plan(&asked(authority), &policy(allowed), &standing(presence));
            assert_eq!(plan.err().map(|error| error.code), expected, "{shown}");
        }
    }

    #[test]
    fn only_what_is_ours_is_planned_and_a_needed_connection_stays() {
        let policy = record(|_| {}).policy;
        let scope = Scope::parse(SUBSCRIPTION).unwrap();
        for other in [
            Assignment { marked: false, ..ours() },
            Assignment { id: format!("{SUBSCRIPTION}/…/{PRINCIPAL}"), ..ours() },
            Assignment { scope: AssignedAt::parse(CORP), ..ours() },
        ] {
            assert!(!other.is_ours(&scope, guid(PRINCIPAL)));
            let standing = Standing { assignments: vec![other], connection_needed: true, ..standing(Presence::Here(None)) };
            let plan = offboard::plan(&asked(Authority::Person), &policy, &standing).unwrap();
            assert!(plan.steps.is_empty() && plan.role.is_some(), "{plan:?}");
        }
    }
}
