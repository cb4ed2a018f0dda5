//! What role assignments allow, where and when, and what conditions leave of it.

use http::Method;
use ispm_onboarder_simulator::world::{CustomRole, Scope, Tenant};
use serde_json::{Value, json};

use crate::stage::{ARM, Answered, OWNER, READER, START, Stage};

const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
const DELETE: &str = "Microsoft.Authorization/roleAssignments/delete";
const READ_SUBSCRIPTIONS: &str = "Microsoft.Resources/subscriptions/read";
const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";
const NAME: &str = "7b082443-c50f-4a2a-87a6-d8385d2edfe3";

/// The login app, and what it may do.
struct Caller {
    stage: Stage,
    token: String,
}

impl Caller {
    async fn new(grant: impl FnOnce(&mut Tenant, &str)) -> Self {
        let stage = Stage::without_rights();
        let token = stage.token(ARM).await;
        let caller = Self { stage, token };
        caller.change(grant);
        caller
    }

    fn change(&self, change: impl FnOnce(&mut Tenant, &str)) {
        let cast = &self.stage.cast;
        change(self.stage.simulator.state().world.tenant_mut(&cast.tenant), &cast.login_principal_id);
    }

    async fn get(&self, path: &str) -> Answered {
        self.stage.get(&format!("{ARM}{path}"), &self.token).await
    }

    /// Whether a subscription can be read.
    async fn reads(&self, id: &str) -> bool {
        let answered = self.get(&format!("/subscriptions/{id}?api-version=2022-12-01")).await;
        match answered.outcome() {
            (200, "") => true,
            (403, "AuthorizationFailed") => false,
            other => panic!("{other:?}"),
        }
    }

    async fn assign(&self, id: &str, role: &str, principal: &str) -> (u16, String) {
        let url = assignment(&format!("/subscriptions/{id}"), NAME);
        let body = json!({"properties": {
            "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{role}"), "principalId": principal,
        }});
        let answered = self.stage.call(Method::PUT, &url, &self.token, body).await;
        let (status, code) = answered.outcome();
        (status, code.to_owned())
    }

    async fn remove(&self, id: &str, name: &str) -> (u16, String) {
        let url = assignment(&format!("/subscriptions/{id}"), name);
        let answered = self.stage.call(Method::DELETE, &url, &self.token, Value::Null).await;
        let (status, code) = answered.outcome();
        (status, code.to_owned())
    }
}

fn assignment(scope: &str, name: &str) -> String {
    format!("{ARM}{scope}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version=2022-04-01")
}

fn group(name: &str) -> Scope {
    Scope::ManagementGroup(name.to_owned())
}

fn forbidden() -> (u16, String) {
    (403, "AuthorizationFailed".to_owned())
}

/// Only this role and only for this principal.
fn clause(action: &str, source: &str, role: &str, principal: &str) -> String {
    let attribute = |name: &str, value: &str| {
        format!("@{source}[Microsoft.Authorization/roleAssignments:{name}] ForAnyOfAnyValues:GuidEquals {{{value}}}")
    };
    let (role, principal) = (attribute("RoleDefinitionId", role), attribute("PrincipalId", principal));
    format!("((!(ActionMatches{{'{action}'}})) OR ({role} AND {principal}))")
}

#[tokio::test(start_paused = true)]
async fn nothing_is_allowed_that_no_role_allows() {
    let caller = Caller::new(|_, _| {}).await;
    let (stage, token) = (&caller.stage, &caller.token);
    let (new, root) = (&stage.cast.new, &stage.cast.tenant);
    let authorization = |scope: &str, rest: &str| format!("{scope}/providers/Microsoft.Authorization/{rest}?api-version=2022-04-01");
    let (subscription, corp) = (format!("/subscriptions/{new}"), "/providers/Microsoft.Management/managementGroups/corp");
    let management = "Microsoft.Management/managementGroups";
    let cases = [
        (Method::GET, format!("{subscription}?api-version=2022-12-01"), READ_SUBSCRIPTIONS),
        (Method::GET, format!("{corp}?api-version=2023-04-01"), "Microsoft.Management/managementGroups/read"),
        (
            Method::GET,
            format!("/providers/{management}/{root}/descendants?api-version=2023-04-01"),
            "Microsoft.Management/managementGroups/descendants/read",
        ),
        (Method::GET, authorization(&subscription, "roleAssignments"), "Microsoft.Authorization/roleAssignments/read"),
        (Method::GET, authorization("", "roleAssignments"), "Microsoft.Authorization/roleAssignments/read"),
        (Method::GET, authorization(corp, &format!("roleAssignments/{NAME}")), "Microsoft.Authorization/roleAssignments/read"),
        (Method::PUT, authorization(corp, &format!("roleAssignments/{NAME}")), WRITE),
        (Method::DELETE, authorization(corp, &format!("roleAssignments/{NAME}")), DELETE),
        (Method::GET, authorization(&subscription, "roleDefinitions"), "Microsoft.Authorization/roleDefinitions/read"),
        (Method::PUT, authorization(corp, &format!("roleDefinitions/{NAME}")), "Microsoft.Authorization/roleDefinitions/write"),
        (Method::DELETE, authorization(corp, &format!("roleDefinitions/{NAME}")), "Microsoft.Authorization/roleDefinitions/write"),
        (Method::GET, authorization(corp, "permissions"), "Microsoft.Authorization/permissions/read"),
        (
            Method::GET,
            format!("{subscription}/providers/Microsoft.Management?api-version=2024-11-01"),
            "Microsoft.Resources/subscriptions/providers/read",
        ),
        (
            Method::POST,
            format!("{subscription}/providers/Microsoft.Management/register?api-version=2024-11-01"),
            "Microsoft.Management/register/action",
        ),
    ];
    for (method, path, action) in cases {
        let answered = stage.call(method, &format!("{ARM}{path}"), token, Value::Null).await;
        assert_eq!(answered.outcome(), (403, "AuthorizationFailed"), "{path}");
        assert!(answered.text.contains(&format!("action '{action}' over scope '/")), "{path}: {}", answered.text);
    }
    for list in ["/subscriptions?api-version=2022-12-01", "/providers/Microsoft.Management/managementGroups?api-version=2020-05-01"] {
        let shown = caller.get(list).await;
        let others = shown.body["value"].as_array().expect("a list").iter().filter(|item| item["subscriptionId"] != *stage.cast.at_limit);
        assert_eq!((shown.status, others.count()), (200, 0), "{list}: who may read nothing is shown nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_holds_where_it_is_given_and_below_and_nowhere_else() {
    let caller = Caller::new(|tenant, login| {
        tenant.assign_reader(&group("LANDING-zones"), login);
    })
    .await;
    let cast = &caller.stage.cast;
    for (id, expected) in [(&cast.new, true), (&cast.inherited, true), (&cast.by_hand, false), (&cast.disabled, false)] {
        assert_eq!(caller.reads(id).await, expected, "{id}");
    }
    let listed = caller.get("/subscriptions?api-version=2022-12-01").await;
    let mut ids: Vec<&str> =
        listed.body["value"].as_array().expect("a list").iter().filter_map(|own| own["subscriptionId"].as_str()).collect();
    ids.sort_unstable();
    let mut expected = [cast.new.as_str(), &cast.inherited, &cast.at_limit];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    let groups = caller.get("/providers/Microsoft.Management/managementGroups?api-version=2020-05-01").await;
    let names: Vec<&str> = groups.body["value"].as_array().expect("a list").iter().filter_map(|group| group["name"].as_str()).collect();
    assert_eq!(names, ["corp", "landing-zones", "online"]);
    assert_eq!(caller.get("/providers/Microsoft.Management/managementGroups/sandbox?api-version=2020-05-01").await.status, 403);
    for (id, found) in [(&cast.new, 1), (&cast.by_hand, 0)] {
        let url = format!("{ARM}/providers/Microsoft.Management/getEntities?api-version=2020-05-01&$filter=name%20eq%20%27{id}%27");
        let answered = caller.stage.call(Method::POST, &url, &caller.token, Value::Null).await;
        assert_eq!((answered.status, answered.body["value"].as_array().map(Vec::len)), (200, Some(0)), "Reader has no actions");
        caller.change(|tenant, login| {
            tenant.assign_custom(&group("landing-zones"), "Entities", &["Microsoft.Management/getEntities/action"], login);
        });
        let answered = caller.stage.call(Method::POST, &url, &caller.token, Value::Null).await;
        assert_eq!(answered.body["value"].as_array().map(Vec::len), Some(found));
        caller.change(|tenant, _| tenant.custom_roles.clear());
    }
    caller.change(|tenant, login| {
        tenant.assign_reader(&Scope::Tenant, login);
    });
    assert!(caller.reads(&cast.disabled).await, "what is given at / holds everywhere");
    caller.change(|tenant, login| {
        tenant.role_assignments.retain(|_, assignment| !assignment.is_of(login));
        tenant.assign_reader(&Scope::Subscription(cast.disabled.clone()), login);
    });
    assert!(caller.reads(&cast.disabled).await && !caller.reads(&cast.new).await);
}

#[tokio::test(start_paused = true)]
async fn not_actions_take_out_and_another_role_gives_back() {
    let caller = Caller::new(|tenant, login| {
        tenant.assign(&group("landing-zones"), CONTRIBUTOR, login);
    })
    .await;
    let cast = &caller.stage.cast;
    assert!(caller.reads(&cast.new).await);
    assert_eq!(caller.assign(&cast.new, READER, &cast.ispm_principal_id).await, forbidden());
    caller.change(|tenant, login| {
        tenant.assign_custom(&group("landing-zones"), "Writer", &["Microsoft.*/write"], login);
    });
    assert_eq!(caller.assign(&cast.new, READER, &cast.ispm_principal_id).await.0, 201);
    assert_eq!(caller.remove(&cast.new, NAME).await, forbidden());
    caller.change(|tenant, login| tenant.deny(login, WRITE));
    assert_eq!(caller.assign(&cast.new, READER, &cast.ispm_principal_id).await, forbidden(), "a denial stands above every role");
}

#[tokio::test(start_paused = true)]
async fn a_custom_role_counts_within_its_assignable_scopes() {
    let caller = Caller::new(|tenant, login| {
        let role = CustomRole {
            role_name: "Reads".to_owned(),
            actions: vec!["*/read".to_owned()],
            assignable_scopes: vec![group("corp")],
            ..CustomRole::default()
        };
        tenant.custom_roles.insert(NAME.to_owned(), role);
        tenant.assign(&group("landing-zones"), NAME, login);
    })
    .await;
    let cast = &caller.stage.cast;
    assert!(!caller.reads(&cast.inherited).await, "given above what it may be given at");
    caller.change(|tenant, login| {
        tenant.assign(&group("corp"), &NAME.to_uppercase(), login);
    });
    assert!(caller.reads(&cast.inherited).await);
    caller.change(|tenant, login| {
        tenant.assign(&group("landing-zones"), OWNER, login);
    });
    assert_eq!(caller.assign(&cast.new, NAME, &cast.ispm_principal_id).await, (404, "RoleDefinitionDoesNotExist".to_owned()));
    caller.change(|tenant, _| tenant.custom_roles.clear());
    caller.change(|tenant, login| tenant.role_assignments.retain(|_, own| !own.is_of(login) || own.role.eq_ignore_ascii_case(NAME)));
    assert!(!caller.reads(&cast.inherited).await, "a role that is gone allows nothing");
}

#[tokio::test(start_paused = true)]
async fn takes_effect_late_and_ends_at_once() {
    let caller = Caller::new(|tenant, login| tenant.assign_reader(&group("corp"), login).created_on = START).await;
    caller.stage.simulator.state().world.settings.propagation_seconds = 300;
    let id = &caller.stage.cast.inherited;
    assert!(!caller.reads(id).await);
    caller.stage.advance(299);
    assert!(!caller.reads(id).await);
    caller.stage.advance(1);
    assert!(caller.reads(id).await);
    caller.change(|tenant, login| tenant.role_assignments.retain(|_, assignment| !assignment.is_of(login)));
    assert!(!caller.reads(id).await);
}

#[tokio::test(start_paused = true)]
async fn a_condition_leaves_one_role_for_one_principal() {
    let caller = Caller::new(|_, _| {}).await;
    let cast = &caller.stage.cast;
    let (new, ispm) = (&cast.new, cast.ispm_principal_id.clone());
    caller.change(|tenant, login| {
        let assign = tenant.assign_custom(&group("landing-zones"), "Assign", &[WRITE], login);
        assign.condition = Some(clause(WRITE, "Request", READER, &ispm));
        assign.condition_version = Some("2.0".to_owned());
    });
    for (role, principal) in [(OWNER, &ispm), (READER, &cast.function_principal_id), (OWNER, &cast.login_principal_id)] {
        assert_eq!(caller.assign(new, role, principal).await, forbidden(), "{role} {principal}");
    }
    assert_eq!(caller.assign(&cast.disabled, READER, &ispm).await, forbidden(), "outside of the group");
    assert_eq!(caller.assign(new, READER, &ispm).await.0, 201);
    assert_eq!(caller.remove(new, NAME).await, forbidden(), "no removal without a role for it");
    assert_eq!(caller.remove(new, OWNER).await, forbidden());
    caller.change(|tenant, login| {
        let remove = tenant.assign_custom(&group("landing-zones"), "Remove", &[DELETE], login);
        remove.condition = Some(clause(DELETE, "Resource", READER, &ispm));
        tenant.assign(&Scope::Subscription(new.clone()), OWNER, "eeeeeeee-0000-4000-8000-000000000001");
    });
    let name_of = |role: &str| {
        let state = caller.stage.simulator.state();
        let tenant = &state.world.tenants[&cast.tenant];
        let found = tenant.role_assignments.iter().find(|(_, own)| own.role == role && own.scope == Scope::Subscription(new.clone()));
        found.expect("an assignment").0.clone()
    };
    assert_eq!(caller.remove(new, &name_of(OWNER)).await, forbidden(), "another's role is not removed");
    assert_eq!(caller.remove(new, &name_of(READER)).await.0, 200);
    assert_eq!(caller.remove(new, NAME).await.0, 204, "and there is nothing more to remove");
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_cannot_be_read_allows_nothing() {
    let caller = Caller::new(|tenant, login| {
        tenant.assign(&group("landing-zones"), OWNER, login).condition = Some("(".to_owned());
    })
    .await;
    let cast = &caller.stage.cast;
    assert!(!caller.reads(&cast.new).await);
    assert_eq!(caller.assign(&cast.new, READER, &cast.ispm_principal_id).await, forbidden());
    for (condition, version, expected) in [
        (clause(WRITE, "Request", READER, &cast.ispm_principal_id), "1.0", false),
        (clause(WRITE, "Request", READER, &cast.ispm_principal_id), "2.0", true),
    ] {
        caller.change(|tenant, login| {
            let owner = tenant.assign(&group("landing-zones"), OWNER, login);
            (owner.condition, owner.condition_version) = (Some(condition), Some(version.to_owned()));
        });
        assert_eq!(caller.reads(&cast.new).await, expected, "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_elevated_person_gives_roles_below_and_loses_it_again() {
    let stage = Stage::without_rights();
    let (person, cast) = (stage.cast.administrator.clone(), &stage.cast);
    let token = stage.user_token(ARM, &person);
    let root = format!("/providers/Microsoft.Management/managementGroups/{}", cast.tenant);
    let body = json!({"properties": {
        "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{READER}"), "principalId": cast.ispm_principal_id,
    }});
    let put = async || stage.call(Method::PUT, &assignment(&root, NAME), &token, body.clone()).await;
    assert_eq!(put().await.outcome(), (403, "AuthorizationFailed"), "an administrator of the directory has no role in Azure");
    stage.simulator.state().world.settings.propagation_seconds = 60;
    let elevate = format!("{ARM}/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01");
    assert_eq!(stage.call(Method::POST, &elevate, &token, Value::Null).await.status, 200);
    assert_eq!(put().await.outcome(), (403, "AuthorizationFailed"), "not yet");
    stage.advance(60);
    assert_eq!(put().await.status, 201);
    let name = {
        let state = stage.simulator.state();
        let tenant = &state.world.tenants[&cast.tenant];
        let (name, _) = tenant.role_assignments.at(&Scope::Tenant).next().expect("elevated");
        name.to_owned()
    };
    let own = assignment("", &name);
    assert_eq!(stage.call(Method::DELETE, &own, &token, Value::Null).await.status, 200);
    assert_eq!(stage.get(&assignment(&root, NAME), &token).await.outcome(), (403, "AuthorizationFailed"));
    assert_eq!(stage.get(&own, &token).await.outcome(), (403, "AuthorizationFailed"));
}
