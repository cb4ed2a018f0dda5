//! `doctor`: a healthy deployment has nothing but ticks, each trouble its own cross, and nothing is ever changed.

use std::collections::BTreeMap;

use ispm_onboarder::doctor::{Check, OF_DEPLOYMENT, OF_TENANT, Status};
use ispm_onboarder::permissions::Place;
use ispm_onboarder::permissions::simulated::Without;
use ispm_onboarder::scope::Guid;
use ispm_onboarder_simulator::world::{RoleAssignment, Scope};
use ispm_onboarder_simulator::{DemoCast, Fault, World};
use serde_json::json;
use time::Duration;

use crate::HOST;
use crate::harness::{ASSIGN, CONNECT, EPOCH, GET_SECRET, Given, Host, LIST_SECRETS, PUBLISH, PUT_BACK, Scenario, heard, listen, shown};
use crate::logins::{certificate, given_certificate, use_certificate};

const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const USER_ACCESS_ADMINISTRATOR: &str = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";
const ROLE_ADMINISTRATOR: &str = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";
const SECRETS_USER: &str = "4633458b-17de-408a-b874-0445c86b69e6";
const STRANGER: &str = "99999999-9999-4999-8999-999999999999";

const READ_RIGHTS: &str = "Microsoft.Authorization/permissions/read";
const ASSIGN_ROLES: &str = "Microsoft.Authorization/roleAssignments/write";
const REMOVE_ROLES: &str = "Microsoft.Authorization/roleAssignments/delete";

/// The tenant's root management group.
fn root(cast: &DemoCast) -> Scope {
    Scope::ManagementGroup(cast.tenant.clone())
}

/// The login's role assignments.
fn of_login<'a>(world: &'a mut World, cast: &DemoCast) -> impl Iterator<Item = &'a mut RoleAssignment> {
    let login = cast.login_principal_id.clone();
    world.tenant_mut(&cast.tenant).role_assignments.values_mut().filter(move |assignment| assignment.is_of(&login))
}

fn without(action: &str) -> Given {
    healthy().without(Without::Action(action.to_owned()))
}

/// A deployment that has all it needs, and secrets that last.
fn healthy() -> Given {
    Given::demo().world(|world, cast| expire_all(world, cast, 200))
}

/// Lets every secret of the vault expire after so many days.
fn expire_all(world: &mut World, cast: &DemoCast, days: i64) {
    let secrets = world.vaults.get_mut(&cast.vault).unwrap().secrets.values_mut();
    secrets.flatten().for_each(|version| version.expires_on = Some(EPOCH + Duration::days(days)));
}

/// The checks by their ids, with the calls accounted for: none of them writes, and the world is as it was.
async fn examine(s: &Scenario) -> BTreeMap<&'static str, Check> {
    examine_with(s, Duration::ZERO).await
}

async fn examine_with(s: &Scenario, ahead: Duration) -> BTreeMap<&'static str, Check> {
    s.count_calls();
    let before = s.world();
    let checks = s.doctor(ahead).examine(None).await;
    let calls = s.unread_calls();
    assert!(!calls.iter().any(|call| call.changed), "{calls:#?}");
    let reads = [GET_SECRET, LIST_SECRETS, "identity.token", "entra.token", "entra.openid-configuration"];
    for call in &calls {
        let is_read = reads.contains(&call.operation.as_str()) || matches!(call.operation.rsplit('.').next(), Some("get" | "list"));
        assert!(is_read || call.operation == "queue.properties", "{} is no read", call.operation);
        assert!(![ASSIGN, CONNECT, PUBLISH, PUT_BACK].contains(&call.operation.as_str()));
    }
    assert!(s.world() == before, "the world was changed");
    let told = format!("{checks:?}");
    assert_eq!(shown(&told), None, "{told}");
    let number = checks.len();
    let checks: BTreeMap<&'static str, Check> = checks.into_iter().map(|check| (check.id, check)).collect();
    assert_eq!(checks.len(), number, "each check is told once for the one tenant");
    checks
}

/// The one check that is not as it should be, in a world where the others are.
#[track_caller]
fn assert_only(checks: &BTreeMap<&'static str, Check>, id: &str, status: Status, words: &[&str]) {
    for (own, check) in checks {
        let expected = if *own == id { status } else { Status::Ok };
        let is_fine = check.status == expected || (*own != id && check.status == Status::Skipped);
        assert!(is_fine, "{own}: {check:#?}");
        let needs_a_hint = matches!(check.status, Status::Failed | Status::Warning);
        assert!(check.hint.is_some() || !needs_a_hint, "{check:#?}");
    }
    let told = format!("{} {}", checks[id].detail, checks[id].hint.as_deref().unwrap_or_default());
    for word in words {
        assert!(told.contains(word), "{word} in {told}");
    }
}

async fn started(given: Given) -> Scenario {
    let s = given.start();
    s.warm_up().await;
    s
}

#[tokio::test(start_paused = true)]
async fn a_healthy_deployment_has_nothing_but_ticks() {
    let s = started(healthy()).await;
    let checks = examine(&s).await;
    let expected: Vec<&str> = OF_DEPLOYMENT.iter().skip(1).chain(&OF_TENANT).map(|about| about.id).collect();
    assert_eq!(checks.len(), expected.len(), "{checks:#?}");
    for id in expected {
        // A bus tells of its rights by events alone, and AWS knows no expiry.
        let unseen = HOST == Host::Lambda && ["results", "secret-expiry"].contains(&id);
        assert_eq!(checks[id].status, if unseen { Status::Skipped } else { Status::Ok }, "{:#?}", checks[id]);
    }
    if HOST == Host::Lambda {
        let told = checks["results"].hint.as_deref().unwrap_or_default();
        assert!(told.contains(&format!("aws events describe-event-bus --name {}", s.cast.aws.bus)), "{:?}", checks["results"]);
    }
    let who = match HOST {
        Host::Functions => s.cast.function_principal_id.clone(),
        Host::Lambda => "arn:aws:sts::".to_owned(),
    };
    assert!(checks["identity"].detail.contains(&who), "{:?}", checks["identity"]);
    assert!(checks["login"].detail.contains(&s.cast.login_principal_id), "{:?}", checks["login"]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off_is_told_with_how_far() {
    let s = started(healthy()).await;
    assert_only(&examine_with(&s, Duration::seconds(59)).await, "clock", Status::Ok, &["59 seconds ahead"]);
    assert_only(&examine_with(&s, Duration::seconds(-90)).await, "clock", Status::Warning, &["90 seconds behind", "NTP"]);
    // On AWS everything else is refused then.
    if HOST == Host::Functions {
        assert_only(&examine_with(&s, Duration::seconds(301)).await, "clock", Status::Failed, &["301 seconds ahead", "NTP"]);
    }
}

/// What stands between may answer anything, and its clock is another.
#[tokio::test(start_paused = true)]
async fn an_answer_that_need_not_be_of_the_service_proves_nothing() {
    let s = started(healthy()).await;
    s.fault(Fault::status("entra.openid-configuration", 403));
    assert_only(&examine(&s).await, "clock", Status::Skipped, &["403", "need not be Entra's"]);
    s.mend();
    if HOST == Host::Functions {
        s.fault(Fault::status("event-grid.health.get", 403));
        assert_only(&examine(&s).await, "results", Status::Warning, &["403", "not the topic that answers", "ONBOARDER_RESULTS"]);
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_are_spoken_of_from_sixty_days_before_they_expire() {
    if HOST == Host::Lambda {
        return;
    }
    for (days, status, words) in [(61, Status::Ok, "expires on"), (60, Status::Warning, "expires on"), (-1, Status::Failed, "expired on")] {
        let s = started(healthy().world(|world, cast| expire_all(world, cast, days))).await;
        let more: &[&str] =
            if status == Status::Ok { &[words] } else { &[words, "contoso-login-secret", "the login's secret", "Make a new one"] };
        assert_only(&examine(&s).await, "secret-expiry", status, more);
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_leaves_the_deployment_to_be_looked_at() {
    let s = healthy().record(|record| record["app"]["clientId"] = json!("contoso")).start();
    let checks = examine(&s).await;
    assert_only(&checks, "record", Status::Failed, &["app.clientId", "docs/tenant-record.md"]);
    assert_eq!(checks["rights"].detail, "there is no record to go by");
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_of_the_login_hides_nothing_of_ispm() {
    let s = healthy().record(|record| record["login"]["secretName"] = json!("nowhere")).start();
    let checks = examine(&s).await;
    assert_eq!((checks["secrets"].status, checks["ispm"].status), (Status::Failed, Status::Ok), "{checks:#?}");
    assert!(checks["secrets"].detail.contains("nowhere") && checks["login"].status == Status::Skipped);
    let s = healthy().record(|record| record["ispm"]["tokenSecretName"] = json!("nowhere")).start();
    let checks = examine(&s).await;
    assert_eq!((checks["secrets"].status, checks["rights"].status), (Status::Failed, Status::Ok), "{checks:#?}");
    assert_eq!(checks["ispm"].status, Status::Skipped);
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_no_missing_right() {
    let s = healthy().world(|world, cast| world.applications.get_mut(&cast.login_client_id).unwrap().rotate_secret("another")).start();
    let checks = examine(&s).await;
    assert!(checks["login"].detail.contains("AADSTS7000215"), "{:?}", checks["login"]);
    assert_eq!((checks["login"].status, checks["login"].may_pass), (Status::Failed, false));
    assert_eq!(checks["rights"].detail, "the login does not sign in");
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_named_with_the_command_that_prints_it() {
    let s = without(ASSIGN_ROLES).start();
    let command = format!(
        "ispm-onboarder permissions --scope mg:{} --app {} --principal {} --login {}`",
        s.cast.tenant, s.cast.ispm_client_id, s.cast.ispm_principal_id, s.cast.login_principal_id
    );
    let checks = examine(&s).await;
    assert_eq!(checks["rights"].status, Status::Failed);
    assert!(checks["rights"].detail.contains("roleAssignments/write") && !checks["rights"].detail.contains("descendants"));
    assert!(checks["rights"].hint.as_ref().unwrap().contains(&command), "{:?}", checks["rights"]);
    assert!(checks["condition"].detail.contains("it may assign no role"), "{:?}", checks["condition"]);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_to_be_assigned_the_right_to_it_is_too_much() {
    let s = healthy().start();
    let mut record = s.record();
    record["policy"]["assign"] = json!("never");
    s.put_record(&record);
    let checks = examine(&s).await;
    assert_eq!(checks["rights"].status, Status::Warning, "{:?}", checks["rights"]);
    assert!(checks["rights"].detail.contains("over-privileged") && checks["rights"].detail.contains("roleAssignments/write"));
}

#[tokio::test(start_paused = true)]
async fn offboarding_by_policy_needs_the_right_to_remove() {
    let asked = |given: Given| given.record(|record| record["policy"]["offboard"] = json!("excluded-or-gone"));
    let s = started(asked(without(REMOVE_ROLES))).await;
    assert_only(&examine(&s).await, "rights", Status::Failed, &["roleAssignments/delete", "--allow-offboarding"]);
    let s = started(asked(healthy())).await;
    assert_only(&examine(&s).await, "rights", Status::Ok, &["all that is needed"]);
}

#[tokio::test(start_paused = true)]
async fn an_owner_is_over_privileged_by_name() {
    let s = started(healthy()).await;
    s.change(|world, cast| drop(world.tenant_mut(&cast.tenant).assign(&root(cast), OWNER, &cast.login_principal_id).clone()));
    let checks = examine(&s).await;
    assert_eq!((checks["rights"].status, checks["condition"].status), (Status::Warning, Status::Warning), "{checks:#?}");
    assert!(checks["rights"].detail.contains("(it is Owner)"), "{:?}", checks["rights"]);
    assert!(
        checks["condition"].detail.contains("Owner at") && checks["condition"].hint.as_ref().unwrap().contains("az role assignment delete")
    );
}

#[tokio::test(start_paused = true)]
async fn a_right_to_assign_without_a_condition_is_told() {
    let s = started(healthy()).await;
    s.change(|world, cast| of_login(world, cast).for_each(|assignment| assignment.condition = None));
    assert_only(&examine(&s).await, "condition", Status::Warning, &["may assign roles", "no condition says which and whose"]);
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_allows_more_is_told() {
    for (more, beside, words) in [(STRANGER, None, "others than the ISPM app"), (OWNER, Some(READER), "other roles than Reader")] {
        let s = started(healthy()).await;
        s.change(|world, cast| {
            let beside = beside.unwrap_or(&cast.ispm_principal_id);
            let held = of_login(world, cast).filter_map(|assignment| assignment.condition.as_mut());
            held.for_each(|condition| *condition = condition.replace(beside, &format!("{beside}, {more}")));
        });
        assert_only(&examine(&s).await, "condition", Status::Warning, &[words, more]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_held_role_once_more_without_its_condition_is_told() {
    let s = started(healthy()).await;
    s.change(|world, cast| {
        let (login, tenant) = (cast.login_principal_id.clone(), world.tenant_mut(&cast.tenant));
        let held = tenant.role_assignments.values().find(|own| own.is_of(&login) && own.condition.is_some()).unwrap();
        let role = held.role.clone();
        tenant.custom_roles.get_mut(&role).unwrap().assignable_scopes.push(Scope::Tenant);
        tenant.assign(&Scope::Tenant, &role, &login);
    });
    let words =
        ["/providers/Microsoft.Authorization/roleAssignments/", "gives without a condition the role that", "az role assignment delete"];
    assert_only(&examine(&s).await, "condition", Status::Warning, &words);
}

#[tokio::test(start_paused = true)]
async fn another_role_that_assigns_is_told_beside_one_that_is_held() {
    let s = started(healthy()).await;
    s.change(|world, cast| {
        let login = cast.login_principal_id.clone();
        world.tenant_mut(&cast.tenant).assign_custom(&root(cast), "Our own", &[ASSIGN_ROLES], &login);
    });
    assert_only(&examine(&s).await, "condition", Status::Warning, &["may assign roles", "no condition says which and whose"]);
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_is_joined_or_compared_otherwise_is_not_judged() {
    for (from, to) in [(" AND ", " OR "), ("GuidEquals", "GuidNotEquals"), ("((!(", "((!!(")] {
        let s = started(healthy()).await;
        s.change(|world, cast| {
            let held = of_login(world, cast).filter_map(|assignment| assignment.condition.as_mut());
            held.for_each(|condition| *condition = condition.replacen(from, to, 1));
        });
        let words = ["is not one of this program's, and cannot be judged here", "ispm-onboarder permissions"];
        assert_only(&examine(&s).await, "condition", Status::Warning, &words);
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_for_data_at_the_group_is_too_much() {
    let s = started(healthy()).await;
    s.change(|world, cast| {
        world.tenant_mut(&cast.tenant).assign(&root(cast), SECRETS_USER, &cast.login_principal_id);
    });
    let words = ["over-privileged", "Microsoft.KeyVault/vaults/secrets/getSecret/action"];
    assert_only(&examine(&s).await, "rights", Status::Warning, &words);
}

/// The app was deleted and made anew: the condition and the record name the former principal, whose Reader is left.
#[tokio::test(start_paused = true)]
async fn an_app_that_was_made_anew_is_told_by_the_three_who_name_it() {
    let s = healthy()
        .world(|world, cast| {
            let tenant = world.tenant_mut(&cast.tenant);
            tenant.assign_reader(&root(cast), STRANGER);
            tenant.service_principals.get_mut(&cast.login_principal_id).unwrap().grant_in_graph("Application.Read.All");
        })
        .record(|record| record["app"]["principalId"] = json!(STRANGER))
        .start();
    let checks = examine(&s).await;
    let principal = &checks["principal"];
    assert_eq!(principal.status, Status::Failed, "{principal:#?}");
    let told = format!("{} {}", principal.detail, principal.hint.as_deref().unwrap());
    for words in [
        &format!("the record names {STRANGER}"),
        &format!("Graph knows the app {} as {}", s.cast.ispm_client_id, s.cast.ispm_principal_id),
        "the condition of ",
        "a former principal of the app still has Reader",
        &format!("Set app.principalId in the tenant record to {}", s.cast.ispm_principal_id),
        "ispm-onboarder permissions --scope mg:",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
}

#[tokio::test(start_paused = true)]
async fn elevated_access_that_was_left_behind_is_a_cross_with_whose_it_is() {
    let s = started(healthy()).await;
    s.change(|world, cast| drop(world.tenant_mut(&cast.tenant).assign(&Scope::Tenant, USER_ACCESS_ADMINISTRATOR, STRANGER).clone()));
    let id = "az role assignment delete --ids /providers/Microsoft.Authorization/roleAssignments/";
    assert_only(&examine(&s).await, "elevation", Status::Failed, &[STRANGER, id]);
}

#[tokio::test(start_paused = true)]
async fn who_else_can_assign_roles_at_the_top_is_worth_a_look() {
    for (role, name) in [(OWNER, "Owner"), (ROLE_ADMINISTRATOR, "Role Based Access Control Administrator")] {
        let s = started(healthy()).await;
        s.change(|world, cast| drop(world.tenant_mut(&cast.tenant).assign(&Scope::Tenant, role, STRANGER).clone()));
        let words = [STRANGER, name, "at `/`", "az role assignment delete --ids /providers/Microsoft.Authorization/roleAssignments/"];
        assert_only(&examine(&s).await, "elevation", Status::Warning, &words);
    }
    let s = started(healthy()).await;
    assert_only(&examine(&s).await, "elevation", Status::Ok, &["as far as the login sees"]);
}

#[tokio::test(start_paused = true)]
async fn ispms_trouble_is_told_with_what_to_do() {
    let s = started(healthy()).await;
    s.fault(Fault::status("ispm.*", 401));
    let checks = examine(&s).await;
    assert_eq!((checks["ispm"].status, checks["connection"].status, checks["rights"].status), (Status::Failed, Status::Failed, Status::Ok));
    assert!(checks["ispm"].hint.as_ref().unwrap().contains("ispm.tokenSecretName") && !checks["ispm"].may_pass);
    s.mend();
    let s = healthy().record(|record| record["ispm"]["entraSource"] = json!("Nobody's")).start();
    let checks = examine(&s).await;
    assert_eq!(checks["ispm"].status, Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_told_so_and_hides_nothing() {
    let s = started(healthy()).await;
    s.fault(Fault::status("arm.permissions.list", 503));
    s.fault(Fault::status(if HOST == Host::Functions { "queue.properties" } else { "sqs.attributes.get" }, 503));
    let checks = examine(&s).await;
    for id in ["rights", "queue"] {
        assert_eq!((checks[id].status, checks[id].may_pass), (Status::Failed, true), "{:?}", checks[id]);
        assert!(checks[id].hint.as_ref().unwrap().contains("Try again"));
    }
    assert_eq!(checks["elevation"].status, Status::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_may_see_nothing_is_told_what_it_needs() {
    let s = started(without(READ_RIGHTS)).await;
    let checks = examine(&s).await;
    assert!(checks["rights"].status == Status::Failed && checks["rights"].detail.contains("may not even ask"), "{:?}", checks["rights"]);
    assert_eq!(checks["elevation"].status, Status::Ok, "what does not ask for it is told");
    let s = healthy().start();
    s.change(|world, cast| {
        let login = cast.login_principal_id.clone();
        world.tenant_mut(&cast.tenant).role_assignments.retain(|_, assignment| !assignment.is_of(&login));
    });
    let checks = examine(&s).await;
    assert!(checks["rights"].detail.contains("may not even ask"), "{:?}", checks["rights"]);
    assert_eq!((checks["elevation"].status, checks["condition"].status), (Status::Skipped, Status::Skipped));
    assert_eq!(checks["login"].status, Status::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_not_listed_or_has_no_record_is_told() {
    let s = healthy().setting("ONBOARDER_TENANTS", STRANGER).start();
    let checks = s.doctor(Duration::ZERO).examine(None).await;
    s.count_calls();
    let record = checks.iter().find(|check| check.id == "record").unwrap();
    assert!(record.status == Status::Failed && record.detail.contains(STRANGER), "{record:?}");
    let checks = s.doctor(Duration::ZERO).examine(Guid::parse(&s.cast.tenant).ok()).await;
    s.count_calls();
    let record = checks.iter().find(|check| check.id == "record").unwrap();
    assert!(record.detail.contains("ONBOARDER_TENANTS does not list"), "{record:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sweep_tells_of_secrets_that_expire_too() {
    if HOST == Host::Lambda {
        return;
    }
    for (days, told) in [(61, false), (60, true)] {
        let s = healthy().world(|world, cast| expire_all(world, cast, days)).start();
        s.sweep().await;
        let report = s.report().await;
        assert_eq!(report["expiringSecrets"].is_array(), told, "{report:#}");
        if told {
            let secret = json!({ "name": "contoso-login-secret", "purpose": "the login's secret", "expires": "2127-01-21T10:00:00Z" });
            assert_eq!(report["expiringSecrets"][0], secret);
            let note = "The secret contoso-login-secret (the login's secret) expires on 2127-01-21. Make a new one";
            assert!(report["notes"].to_string().contains(note), "{}", report["notes"]);
            let page = s.get(&format!("/api/coverage?tenant={}&format=html", s.cast.tenant)).await.body;
            assert!(page.contains("The secret contoso-login-secret"), "the page tells it");
        }
        s.count_calls();
        s.forgive_what_waits();
    }
}

/// A certificate says itself when it ends, whatever its store knows.
#[tokio::test(start_paused = true)]
async fn a_certificate_that_ends_soon_is_told_by_the_sweep_too() {
    let given = |days| {
        let given = given_certificate().world(|world, cast| expire_all(world, cast, 200));
        given.world(move |world, cast| use_certificate(world, cast, &certificate(EPOCH + Duration::days(days))))
    };
    for (days, status, words) in [(61, None, "expires on 2127-01-22"), (60, Some(Status::Warning), "expires on 2127-01-21")] {
        let s = given(days).start();
        let checks = examine(&s).await;
        let expiry = &checks["secret-expiry"];
        assert!(expiry.status == status.unwrap_or(expiry.status) && expiry.detail.contains(words), "{expiry:#?}");
        assert_eq!(expiry.status == Status::Warning, status.is_some(), "{expiry:#?}");
        assert_eq!(checks["login"].status, Status::Ok, "{:#?}", checks["login"]);
        listen();
        s.sweep().await;
        let report = s.report().await;
        let told = json!([{ "name": "contoso-login-secret", "purpose": "the login's certificate", "expires": "2127-01-21T10:00:00Z" }]);
        assert_eq!(report.get("expiringSecrets"), status.map(|_| &told), "{report:#}");
        let logged = format!("\"expiring_secrets\":{}", u8::from(status.is_some()));
        assert!(heard().contains(&logged), "the alert looks at {logged}");
        s.count_calls();
        s.forgive_what_waits();
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_whose_length_may_not_be_read_is_a_cross() {
    if HOST == Host::Lambda {
        return;
    }
    let s = started(healthy().without(Without::Role("Storage Queue Data Reader".to_owned(), Place::Queue))).await;
    assert_only(&examine(&s).await, "queue", Status::Failed, &["Storage Queue Data Reader"]);
}

#[tokio::test(start_paused = true)]
async fn where_the_record_names_the_principal_graph_need_not_be_asked() {
    let s = started(healthy().record(|record| record["app"]["principalId"] = json!(DemoCast::of(7).ispm_principal_id))).await;
    let checks = examine(&s).await;
    assert_eq!((checks["principal"].status, checks["rights"].status), (Status::Skipped, Status::Ok), "{checks:#?}");
    assert!(checks["principal"].detail.contains("may not ask Graph"), "{:?}", checks["principal"]);
}
