//! The one list of permissions, by what happens: under all of it nothing is refused, each of it is missed where it is not given, and the
//! login can do nothing beyond it.

use std::collections::BTreeSet;

use ispm_onboarder::permissions::simulated::Without;
use ispm_onboarder::permissions::{Holder, Permissions, Place};
use ispm_onboarder_simulator::{DemoCast, TokenKey, World};
use serde_json::{Value, json};
use time::Duration;

use crate::harness::{EVENT, Given, Scenario, bearer, group, subscription};
use crate::offboarding::{claims, given, offboard};
use crate::sweep::calm;

const ARM: &str = "https://management.azure.com";
const ROLES: &str = "providers/Microsoft.Authorization/roleDefinitions";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";

/// A deployment whose record asks for all that the list can give, before an estate in which nothing is refused for another reason.
fn deployment() -> Given {
    given().world(calm).record(|record| {
        record["policy"]["exclude"] = json!([{ "managementGroup": "platform" }, { "state": "Disabled" }]);
        record["policy"]["offboard"] = json!("excluded-or-gone");
    })
}

/// What Azure refuses without an action besides that action's own calls: all below a management group only who may read the group is shown.
const REFUSED_TOO: [(&str, &str); 1] = [("Microsoft.Management/managementGroups/read", "arm.descendants.list")];

/// The operations that were refused for a right since the calls were last read.
fn refusals(s: &Scenario) -> BTreeSet<String> {
    let calls = s.unread_calls().into_iter();
    // Key Vault's first 401 asks who calls; Event Grid's says that the caller may not.
    let refused = calls.filter(|call| call.status == Some(403) || (call.status == Some(401) && call.operation == "event-grid.publish"));
    refused.map(|call| call.operation).collect()
}

/// What a deployment does all day: events of a subscription, a management group and a subscription that others gave Reader, sweeps with what
/// they find, the report, a person who offboards, and a doctor. Answers what was refused, and what the last report says of each scope.
async fn a_day(given: Given) -> (BTreeSet<String>, Vec<(Value, Value)>) {
    let s = given.start();
    s.onboard(&s.cast.new).await;
    s.deliver(s.event("group", &group(&s.cast.management_group))).await;
    s.deliver(s.event("inherited", &subscription(&s.cast.inherited))).await;
    s.settle(2).await;
    s.sweep().await;
    s.settle(2).await;
    s.sweep().await;
    let mut reader = claims(&s);
    reader["roles"] = json!(["Onboarder.Read"]);
    let headers = [("authorization", &*bearer(&reader, TokenKey::Entra))];
    let report = s.get_with(&format!("/api/coverage?tenant={}&format=json", s.cast.tenant), &headers).await;
    let report: Value = serde_json::from_str(&report.body).unwrap_or_default();
    offboard(&s, &subscription(&s.cast.new)).await;
    s.settle(2).await;
    s.doctor(Duration::ZERO).examine(None).await;
    s.distinct_results();
    s.forgive_what_waits();
    let rows = report["scopes"].as_array().into_iter().flatten();
    (refusals(&s), rows.map(|row| (row["scope"].clone(), row["role"].clone())).collect())
}

#[tokio::test(start_paused = true)]
async fn under_the_whole_list_nothing_is_refused() {
    let (refused, rows) = a_day(deployment()).await;
    assert_eq!(refused, BTreeSet::new());
    assert!(rows.len() > 3, "{rows:?}");
}

#[tokio::test(start_paused = true)]
async fn each_permission_is_missed_by_its_own_calls_and_by_no_other() {
    let permissions = Permissions::shipped().unwrap();
    let custom = permissions.custom_roles.iter().flat_map(|role| &role.permissions);
    let custom = custom.map(|permission| (Without::Action(permission.action.clone()), &permission.calls));
    let built_in = permissions.built_in_roles.iter().filter(|role| role.holder == Holder::Function && !role.calls.is_empty());
    let built_in = built_in.map(|role| (Without::Role(role.role.clone(), role.on), &role.calls));
    let graph = permissions.graph.iter().map(|graph| (Without::Graph(graph.permission.clone()), &graph.calls));
    let (_, usual) = a_day(deployment()).await;
    for (without, calls) in custom.chain(built_in).chain(graph) {
        let (refused, rows) = a_day(deployment().without(without.clone())).await;
        assert!(!refused.is_empty() || rows != usual, "nobody misses {without:?}");
        let is_refused_too =
            |call: &str| REFUSED_TOO.iter().any(|(action, other)| without == Without::Action((*action).to_owned()) && *other == call);
        // Resource Graph answers by what may be read of the resources themselves.
        let is_others = |call: &&String| !calls.contains(call) && *call != "arm.resource-graph.query" && !is_refused_too(call);
        let others: Vec<&String> = refused.iter().filter(is_others).collect();
        assert_eq!(others, Vec::<&String>::new(), "refused without {without:?}, which is for {calls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_record_needs_less_less_is_given() {
    let unneeded = |world: &World, cast: &DemoCast| {
        let tenant = &world.tenants[&cast.tenant];
        let actions: BTreeSet<String> = tenant.custom_roles.values().flat_map(|role| role.actions.clone()).collect();
        let graph = !tenant.service_principals[&cast.login_principal_id].app_roles.is_empty();
        (["write", "delete"].map(|end| actions.contains(&format!("Microsoft.Authorization/roleAssignments/{end}"))), graph)
    };
    let by_hand = |record: &mut Value| record["policy"]["assign"] = json!("never");
    let principal = DemoCast::of(7).ispm_principal_id;
    let known = |record: &mut Value| record["app"]["principalId"] = json!(principal);
    let s = Given::demo().record(by_hand).record(known).start();
    s.change(|world, cast| assert_eq!(unneeded(world, cast), ([false, false], false)));
    s.onboard(&s.cast.inherited).await;
    assert_eq!(refusals(&s), BTreeSet::new());
    s.expect_results(["onboarded"]);
    let s = Given::demo().start();
    s.change(|world, cast| assert_eq!(unneeded(world, cast), ([true, false], true)));
}

/// Whoever holds the login's secret, and calls Resource Manager past this program.
struct Thief<'a> {
    s: &'a Scenario,
    token: String,
}

impl<'a> Thief<'a> {
    async fn of(s: &'a Scenario) -> Self {
        Self { s, token: s.login_token(ARM).await }
    }

    async fn call(&self, method: &str, path: &str, body: String) -> (u16, String) {
        let authorization = format!("Bearer {}", self.token);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let version = if path.ends_with("/elevateAccess") { "2016-07-01" } else { "2022-04-01" };
        let (status, answer) = self.s.exchange(method, &format!("{ARM}{path}?api-version={version}"), &headers, body).await;
        (status, answer["error"]["code"].as_str().unwrap_or_default().to_owned())
    }

    async fn assign(&self, scope: &str, role: &str, principal: &str) -> (u16, String) {
        let name = format!("{:08x}-0000-4000-8000-000000000000", self.s.unread_calls().len() + 1);
        let role = format!("{scope}/{ROLES}/{role}");
        let body = json!({ "properties": { "roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal" } });
        self.call("PUT", &format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"), body.to_string()).await
    }

    async fn delete(&self, id: &str) -> (u16, String) {
        self.call("DELETE", id, String::new()).await
    }
}

/// The ids of a principal's assignments at a scope.
fn ids(s: &Scenario, scope: &str, principal: &str) -> Vec<String> {
    let mut ids = Vec::new();
    s.change(|world, _| {
        let found =
            world.role_assignments().into_iter().filter(|found| found.principal_id == principal && found.scope.to_string() == scope);
        ids = found.map(|found| found.id).collect();
    });
    ids
}

#[tokio::test(start_paused = true)]
async fn a_stolen_login_assigns_reader_to_the_ispm_app_and_nothing_else() {
    const FOREIGN: &str = "66666666-0000-4000-8000-000000000001";
    let s = Given::demo()
        .world(|world, cast| {
            let other = "66666666-6666-4666-8666-666666666666";
            world.tenant_mut(other).add_subscription(FOREIGN, "theirs", other);
            let tenant = world.tenant_mut(&cast.tenant);
            let scope = ispm_onboarder_simulator::world::Scope::Subscription(cast.new.clone());
            tenant.assign_reader(&scope, &cast.operator_principal_id);
        })
        .start();
    let (thief, cast) = (Thief::of(&s).await, &s.cast);
    let refused = (403, "AuthorizationFailed".to_owned());
    let new = subscription(&cast.new);
    for scope in [&new, &group(&cast.tenant), &group("corp")] {
        for (role, principal) in [
            (OWNER, &cast.ispm_principal_id),
            (OWNER, &cast.login_principal_id),
            (READER, &cast.login_principal_id),
            (READER, &cast.function_principal_id),
            (READER, &cast.operator_principal_id),
        ] {
            assert_eq!(thief.assign(scope, role, principal).await, refused, "{role} for {principal} at {scope}");
        }
    }
    for scope in ["", &subscription(FOREIGN), &group("66666666-6666-4666-8666-666666666666")] {
        let (status, code) = thief.assign(scope, READER, &cast.ispm_principal_id).await;
        assert!([401, 403, 404].contains(&status), "outside the group at {scope:?}: {status} {code}");
    }
    let definition = json!({ "properties": { "roleName": "mine", "permissions": [{ "actions": ["*"] }], "assignableScopes": [new] } });
    let path = format!("{new}/{ROLES}/77777777-0000-4000-8000-000000000001");
    assert_eq!(thief.call("PUT", &path, definition.to_string()).await.0, 403, "no role of its own");
    let path = "/providers/Microsoft.Authorization/elevateAccess";
    assert_eq!(thief.call("POST", path, String::new()).await.0, 403, "no elevation");

    assert_eq!(thief.assign(&new, READER, &cast.ispm_principal_id).await.0, 201);
    let [ours] = <[String; 1]>::try_from(ids(&s, &new, &cast.ispm_principal_id)).unwrap();
    assert_eq!(thief.delete(&ours).await, refused, "without the second grant nothing is removed");
    s.unread_calls();
}

#[tokio::test(start_paused = true)]
async fn with_the_right_to_remove_it_removes_the_ispm_apps_reader_alone() {
    let s = Given::demo()
        .people_offboard()
        .world(|world, cast| {
            let scope = ispm_onboarder_simulator::world::Scope::Subscription(cast.new.clone());
            let tenant = world.tenant_mut(&cast.tenant);
            tenant.assign_reader(&scope, &cast.operator_principal_id);
            tenant.assign_reader(&scope, &cast.ispm_principal_id);
            tenant.assign(&scope, OWNER, &cast.ispm_principal_id);
        })
        .start();
    let (thief, cast) = (Thief::of(&s).await, &s.cast);
    let new = subscription(&cast.new);
    let of_others = [ids(&s, &new, &cast.operator_principal_id), ids(&s, &group(&cast.tenant), &cast.operator_principal_id)].concat();
    let own = ids(&s, &group(&cast.tenant), &cast.login_principal_id);
    assert_eq!((of_others.len(), own.len()), (2, 3));
    for id in of_others.iter().chain(&own) {
        assert_eq!(thief.delete(id).await, (403, "AuthorizationFailed".to_owned()), "{id}");
    }
    let mut statuses = Vec::new();
    for id in ids(&s, &new, &cast.ispm_principal_id) {
        statuses.push(thief.delete(&id).await.0);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403], "its Reader, and not its Owner");
    s.unread_calls();
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_told_with_the_role_that_gives_it() {
    let action = |name: &str| Without::Action(name.to_owned());
    let role = |name: &str, on: Place| Without::Role(name.to_owned(), on);
    for (without, result, named) in [
        (action("Microsoft.Resources/subscriptions/read"), "failed authorization-failed", "ISPM onboarder: read"),
        (action("Microsoft.Authorization/roleAssignments/read"), "failed authorization-failed", "ISPM onboarder: read"),
        (action("Microsoft.Management/getEntities/action"), "failed authorization-failed", "ISPM onboarder: read"),
        (action("Microsoft.Authorization/roleAssignments/write"), "failed authorization-failed", "ISPM onboarder: assign Reader"),
        (Without::Graph("Application.Read.All".to_owned()), "tenant.failed graph-refused", "Application.Read.All"),
        (role("Key Vault Secrets User", Place::Vault), "tenant.failed secret-store-refused", "Key Vault Secrets User"),
    ] {
        let s = deployment().without(without.clone()).start();
        s.deliver(s.event(EVENT, &subscription(&s.cast.new))).await;
        s.settle(3).await;
        let [told] = s.expect_results([result]);
        let hint = told["data"]["hint"].as_str().unwrap_or_default();
        assert!(hint.contains(named), "{named} is not in the hint without {without:?}: {hint}");
        let roles: BTreeSet<String> = Permissions::shipped().unwrap().rows().into_iter().map(|row| row.permission).collect();
        let of_ours = Permissions::shipped().unwrap().custom_roles.into_iter().any(|role| role.name == named);
        assert!(of_ours || roles.contains(named), "{named} is a name of the list's");
        s.count_calls();
        s.forgive_what_waits();
    }
    let s = deployment().without(role("EventGrid Data Sender", Place::ResultsTopic)).start();
    s.onboard(&s.cast.new).await;
    assert_eq!(refusals(&s), BTreeSet::from(["event-grid.publish".to_owned()]));
    s.expect_waiting();
}
