//! The table of role assignment answers.

use http::Method;
use ispm_onboarder_simulator::World;
use ispm_onboarder_simulator::world::Scope;
use serde_json::{Value, json};

use crate::stage::{ARM, Answered, OWNER, READER, START, Stage};

const NAME: &str = "7b082443-c50f-4a2a-87a6-d8385d2edfe3";
const OTHER_NAME: &str = "7b082443-c50f-4a2a-87a6-d8385d2edfe4";
const CONDITION: &str = "!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})";

fn url(scope: &str, name: &str) -> String {
    format!("{ARM}{scope}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version=2022-04-01")
}

fn reader_for(principal: &str) -> Value {
    json!({"properties": {
        "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{READER}"),
        "principalId": principal, "principalType": "ServicePrincipal", "description": "ispm-onboarder/1",
    }})
}

/// A stage with a token and the scope of the new subscription.
async fn ready() -> (Stage, String, String) {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let scope = format!("/subscriptions/{}", stage.cast.new);
    (stage, token, scope)
}

async fn put(stage: &Stage, token: &str, scope: &str, name: &str, body: Value) -> Answered {
    stage.call(Method::PUT, &url(scope, name), token, body).await
}

fn count(world: &World) -> usize {
    world.role_assignments().len()
}

#[tokio::test(start_paused = true)]
async fn is_created_once_and_then_already_there() {
    let (stage, token, scope) = ready().await;
    let body = reader_for(&stage.cast.ispm_principal_id);
    let created = put(&stage, &token, &scope, &NAME.to_uppercase(), body.clone()).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.body["name"], NAME);
    assert_eq!(created.body["id"], format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{NAME}"));
    assert_eq!(created.body["properties"]["scope"], scope);
    assert_eq!(created.body["properties"]["description"], "ispm-onboarder/1");
    assert_eq!(created.body["properties"]["createdOn"], "2026-11-22T10:00:00Z");
    assert_eq!(created.body["properties"]["createdBy"], *stage.cast.login_principal_id);
    stage.advance(60);
    let again = put(&stage, &token, &scope, NAME, body).await;
    assert_eq!((again.status, &again.body), (200, &created.body));
    let changed: Vec<bool> = stage.recorded("arm.role-assignments.create").iter().map(|call| call.changed).collect();
    assert_eq!(changed, [true, false]);
}

#[tokio::test(start_paused = true)]
async fn takes_a_new_description_under_the_same_name() {
    let (stage, token, scope) = ready().await;
    let mut body = reader_for(&stage.cast.ispm_principal_id);
    put(&stage, &token, &scope, NAME, body.clone()).await;
    stage.advance(60);
    body["properties"]["description"] = json!("another");
    body["properties"]["condition"] = json!(CONDITION);
    let answered = put(&stage, &token, &scope, NAME, body).await;
    assert_eq!((answered.status, &answered.body["properties"]["description"]), (200, &"another".into()));
    let properties = &answered.body["properties"];
    assert_eq!((&properties["condition"], &properties["conditionVersion"]), (&json!(CONDITION), &json!("2.0")));
    assert_eq!(answered.body["properties"]["createdOn"], "2026-11-22T10:00:00Z");
    assert_eq!(answered.body["properties"]["updatedOn"], "2026-11-22T10:01:00Z");
}

#[tokio::test(start_paused = true)]
async fn is_refused_when_it_is_there_under_another_name() {
    let (stage, token, scope) = ready().await;
    let body = reader_for(&stage.cast.ispm_principal_id);
    put(&stage, &token, &scope, NAME, body.clone()).await;
    let twin = put(&stage, &token, &scope, OTHER_NAME, body.clone()).await;
    assert_eq!(twin.outcome(), (409, "RoleAssignmentExists"));
    let id = NAME.replace('-', "");
    let message = format!("The role assignment already exists. The ID of the existing role assignment is {id}.");
    assert_eq!(twin.body["error"]["message"], message);
    stage.simulator.state().world.settings.old_conflict_message = true;
    let twin = put(&stage, &token, &scope, OTHER_NAME, body).await;
    assert_eq!(twin.body["error"]["message"], "The role assignment already exists.");
}

#[tokio::test(start_paused = true)]
async fn keeps_its_scope_and_principal_and_its_name_to_itself() {
    let (stage, token, scope) = ready().await;
    let cast = &stage.cast;
    put(&stage, &token, &scope, NAME, reader_for(&cast.ispm_principal_id)).await;
    let elsewhere = format!("/subscriptions/{}", cast.disabled);
    for (scope, principal) in [(&scope, &cast.function_principal_id), (&elsewhere, &cast.ispm_principal_id)] {
        let answered = put(&stage, &token, scope, NAME, reader_for(principal)).await;
        assert_eq!(answered.outcome(), (400, "RoleAssignmentUpdateNotPermitted"));
    }
    let at_the_other = stage.get(&url(&elsewhere, NAME), &token).await;
    assert_eq!(at_the_other.outcome(), (404, "RoleAssignmentNotFound"));
}

#[tokio::test(start_paused = true)]
async fn needs_a_principal_that_is_replicated_and_of_the_type_said() {
    let (stage, token, scope) = ready().await;
    let fresh = "cccccccc-0000-4000-8000-000000000001";
    let unknown = put(&stage, &token, &scope, NAME, reader_for(fresh)).await;
    assert_eq!(unknown.outcome(), (400, "PrincipalNotFound"));
    {
        let mut state = stage.simulator.state();
        state.world.settings.replication_lag_seconds = 30;
        state.world.tenant_mut(&stage.cast.tenant).add_service_principal("fresh-app", fresh).created_on = START;
    }
    assert_eq!(put(&stage, &token, &scope, NAME, reader_for(fresh)).await.outcome(), (400, "PrincipalNotFound"));
    stage.advance(30);
    let mut user = reader_for(fresh);
    user["properties"]["principalType"] = json!("User");
    assert_eq!(put(&stage, &token, &scope, NAME, user).await.outcome(), (400, "UnmatchedPrincipalType"));
    assert_eq!(put(&stage, &token, &scope, NAME, reader_for(fresh)).await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn looks_up_a_type_of_principal_that_is_not_said() {
    let (stage, token, scope) = ready().await;
    let mut untyped = reader_for(&stage.cast.ispm_principal_id);
    untyped["properties"].as_object_mut().expect("properties").remove("principalType");
    let created = put(&stage, &token, &scope, NAME, untyped).await;
    assert_eq!((created.status, &created.body["properties"]["principalType"]), (201, &"ServicePrincipal".into()));
}

#[tokio::test(start_paused = true)]
async fn stops_at_the_limit_of_its_scope() {
    let (stage, token, _) = ready().await;
    let scope = format!("/subscriptions/{}", stage.cast.at_limit);
    let full = put(&stage, &token, &scope, NAME, reader_for(&stage.cast.ispm_principal_id)).await;
    assert_eq!(full.outcome(), (400, "RoleAssignmentLimitExceeded"));
    stage.simulator.state().world.tenant_mut(&stage.cast.tenant).role_assignment_limits.insert(scope.clone(), 2);
    assert_eq!(put(&stage, &token, &scope, NAME, reader_for(&stage.cast.ispm_principal_id)).await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn is_refused_when_malformed_and_changes_nothing() {
    let (stage, token, scope) = ready().await;
    let before = count(&stage.simulator.state().world);
    let principal = stage.cast.ispm_principal_id.clone();
    let with = |field: &str, value: &str| {
        let mut body = reader_for(&principal);
        body["properties"][field] = json!(value);
        body
    };
    let mut of_version_one = with("condition", CONDITION);
    of_version_one["properties"]["conditionVersion"] = json!("1.0");
    let missing_role = "/providers/Microsoft.Authorization/roleDefinitions/dddddddd-0000-4000-8000-000000000001";
    let cases = [
        (NAME, with("roleDefinitionId", missing_role), 404, "RoleDefinitionDoesNotExist"),
        (NAME, with("roleDefinitionId", "Reader"), 400, "InvalidRoleDefinition"),
        (NAME, with("principalId", "someone"), 400, "InvalidPrincipalId"),
        (NAME, json!({"principalId": principal}), 400, "InvalidRequestContent"),
        (NAME, with("condition", "@Request[x] StringEquals 'y'"), 400, "InvalidRoleAssignmentCondition"),
        (NAME, with("condition", &format!("{CONDITION}{}", " ".repeat(8192))), 400, "InvalidRoleAssignmentCondition"),
        (NAME, of_version_one, 400, "InvalidRoleAssignmentCondition"),
        (NAME, with("condition", "Exists @Request[Microsoft.Authorization/roleAssignments:PrincipalId]"), 501, "NotModelled"),
        ("not-a-guid", reader_for(&principal), 400, "InvalidRoleAssignmentId"),
    ];
    for (name, body, status, code) in cases {
        assert_eq!(put(&stage, &token, &scope, name, body).await.outcome(), (status, code));
    }
    assert_eq!(count(&stage.simulator.state().world), before);
}

#[tokio::test(start_paused = true)]
async fn is_made_at_management_groups_and_at_the_root_too() {
    let (stage, token, _) = ready().await;
    let body = reader_for(&stage.cast.ispm_principal_id);
    assert_eq!(put(&stage, &token, "", OTHER_NAME, body.clone()).await.outcome(), (403, "AuthorizationFailed"), "Owner below / only");
    stage.simulator.state().world.tenant_mut(&stage.cast.tenant).assign(&Scope::Tenant, OWNER, &stage.cast.login_principal_id);
    let group = put(&stage, &token, "/providers/Microsoft.Management/managementGroups/ONLINE", NAME, body.clone()).await;
    assert_eq!(group.status, 201);
    let root = put(&stage, &token, "", OTHER_NAME, body).await;
    assert_eq!((root.status, &root.body["properties"]["scope"]), (201, &"/".into()));
    assert_eq!(root.body["id"], format!("/providers/Microsoft.Authorization/roleAssignments/{OTHER_NAME}"));
}

#[tokio::test(start_paused = true)]
async fn is_removed_once() {
    let (stage, token, scope) = ready().await;
    let created = put(&stage, &token, &scope, NAME, reader_for(&stage.cast.ispm_principal_id)).await;
    let removed = stage.call(Method::DELETE, &url(&scope, NAME), &token, Value::Null).await;
    assert_eq!((removed.status, &removed.body), (200, &created.body));
    assert_eq!(stage.call(Method::DELETE, &url(&scope, NAME), &token, Value::Null).await.status, 204);
    assert_eq!(stage.get(&url(&scope, NAME), &token).await.outcome(), (404, "RoleAssignmentNotFound"));
}

#[tokio::test(start_paused = true)]
async fn needs_the_right_where_it_is_denied() {
    let (stage, token, scope) = ready().await;
    {
        let mut state = stage.simulator.state();
        let tenant = state.world.tenant_mut(&stage.cast.tenant);
        tenant.deny(&stage.cast.login_principal_id, "Microsoft.Authorization/roleAssignments/*");
    }
    let answered = put(&stage, &token, &scope, NAME, reader_for(&stage.cast.ispm_principal_id)).await;
    assert_eq!(answered.outcome(), (403, "AuthorizationFailed"));
    let message = answered.body["error"]["message"].as_str().expect("a message");
    assert!(
        message.contains("or an ABAC condition not fulfilled to perform action 'Microsoft.Authorization/roleAssignments/write'"),
        "{message}"
    );
    let readable = stage.get(&format!("{ARM}{scope}?api-version=2022-12-01"), &token).await;
    assert_eq!(readable.status, 200, "only what is denied is denied");
}

#[tokio::test(start_paused = true)]
async fn a_scope_path_is_read_from_a_world_file() {
    for (path, scope) in [
        ("/", Scope::Tenant),
        ("/subscriptions/BBBBBBBB-0000-4000-8000-000000000001", Scope::Subscription("bbbbbbbb-0000-4000-8000-000000000001".to_owned())),
        ("/providers/microsoft.management/managementGroups/Corp", Scope::ManagementGroup("Corp".to_owned())),
    ] {
        assert_eq!(Scope::try_from(path.to_owned()), Ok(scope));
    }
    for path in ["", "/subscriptions/x", "/subscriptions/bbbbbbbb-0000-4000-8000-000000000001/resourceGroups/g"] {
        assert!(Scope::try_from(path.to_owned()).is_err(), "{path}");
    }
}
