use http::Method;
use serde_json::{Value, json};

use crate::stage::{ARM, Answered, OTHER_TENANT, Stage};

const ELEVATE: &str = "https://management.azure.com/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01";
const USER_ACCESS_ADMINISTRATOR: &str = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";

async fn elevate(stage: &Stage, token: &str) -> Answered {
    stage.call(Method::POST, ELEVATE, token, Value::Null).await
}

/// The assignments of a principal as they are seen from `/`.
async fn assignments(stage: &Stage, token: &str, principal: &str) -> Answered {
    let url =
        format!("{ARM}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=principalId%20eq%20'{principal}'");
    stage.get(&url, token).await
}

#[tokio::test(start_paused = true)]
async fn a_global_administrator_becomes_user_access_administrator_at_the_root_and_steps_down() {
    let stage = Stage::new();
    let person = stage.cast.administrator.clone();
    let token = stage.user_token(ARM, &person);
    for _ in 0..2 {
        let answered = elevate(&stage, &token).await;
        assert_eq!((answered.status, answered.text.as_str()), (200, ""));
    }
    let listed = assignments(&stage, &token, &person).await;
    let [elevated] = listed.body["value"].as_array().expect("a list").as_slice() else { panic!("elevated once: {}", listed.text) };
    let properties = &elevated["properties"];
    assert_eq!((&properties["scope"], &properties["principalType"]), (&json!("/"), &json!("User")));
    let role = properties["roleDefinitionId"].as_str().expect("a role");
    assert!(role.ends_with(USER_ACCESS_ADMINISTRATOR), "{role}");
    let id = elevated["id"].as_str().expect("an id");
    let removed = stage.call(Method::DELETE, &format!("{ARM}{id}?api-version=2022-04-01"), &token, Value::Null).await;
    assert_eq!(removed.status, 200);
    let changed: Vec<bool> = stage.recorded("arm.elevate-access").iter().map(|call| call.changed).collect();
    assert_eq!(changed, [true, false]);
}

#[tokio::test(start_paused = true)]
async fn nobody_else_is_elevated() {
    let stage = Stage::new();
    let (person, other) = (stage.cast.administrator.clone(), "eeeeeeee-0000-4000-8000-000000000001");
    stage.simulator.state().world.tenant_mut(&stage.cast.tenant).add_user(other, "sam@contoso.example");
    let answered = elevate(&stage, &stage.user_token(ARM, other)).await;
    assert_eq!(answered.outcome(), (403, "AuthorizationFailed"));
    let message = format!(
        "The client 'sam@contoso.example' with object id '{other}' does not have authorization to perform action \
         'Microsoft.Authorization/elevateAccess/action' over scope '/providers/Microsoft.Authorization' or the scope is invalid. If access \
         was recently granted, please refresh your credentials."
    );
    assert_eq!(answered.body["error"]["message"], message);
    let token = stage.user_token(ARM, &person);
    {
        let mut state = stage.simulator.state();
        let tenant = state.world.tenant_mut(&stage.cast.tenant);
        tenant.users.get_mut(&person).expect("the administrator").global_administrator = false;
    }
    assert_eq!(elevate(&stage, &token).await.outcome(), (403, "AuthorizationFailed"), "what the token says of roles is of yesterday");
    assert_eq!(elevate(&stage, "").await.outcome(), (401, "AuthenticationFailed"));
    let below = format!("{ARM}/subscriptions/{}/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01", stage.cast.new);
    assert_eq!(stage.call(Method::POST, &below, &token, Value::Null).await.outcome(), (501, "NotModelled"));
    assert!(stage.recorded("arm.elevate-access").iter().all(|call| !call.changed));
}

#[tokio::test(start_paused = true)]
async fn an_app_is_not_elevated_whatever_its_roles() {
    let stage = Stage::new();
    assert_eq!(elevate(&stage, &stage.token(ARM).await).await.outcome(), (403, "AuthorizationFailed"));
}

#[tokio::test(start_paused = true)]
async fn a_persons_token_is_good_for_its_resource_tenant_and_hour() {
    let stage = Stage::new();
    let person = stage.cast.administrator.clone();
    let vault = stage.user_token("https://vault.azure.net", &person);
    assert_eq!(elevate(&stage, &vault).await.outcome(), (401, "InvalidAuthenticationTokenAudience"));
    let foreign = "eeeeeeee-0000-4000-8000-000000000002";
    stage.simulator.state().world.tenant_mut(OTHER_TENANT).add_user(foreign, "kim@other.example").global_administrator = true;
    let foreign_token = stage.user_token(ARM, foreign);
    assert_eq!(elevate(&stage, &foreign_token).await.status, 200);
    let subscription = format!("{ARM}/subscriptions/{}?api-version=2022-12-01", stage.cast.new);
    let refused = stage.get(&subscription, &foreign_token).await;
    assert_eq!(refused.outcome(), (401, "InvalidAuthenticationTokenTenant"), "elevated in one's own tenant only");
    let token = stage.user_token(ARM, &person);
    stage.advance(3600);
    assert_eq!(elevate(&stage, &token).await.outcome(), (401, "ExpiredAuthenticationToken"));
    assert!(stage.simulator.user_token(ARM, "nobody").is_none());
}
