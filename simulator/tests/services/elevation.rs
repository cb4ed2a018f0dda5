use http::Method;
use serde_json::Value;

use crate::stage::{ARM, Answered, Stage};

const ELEVATE: &str = "https://management.azure.com/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01";
const USER_ACCESS_ADMINISTRATOR: &str = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";

async fn elevate(stage: &Stage, token: &str) -> Answered {
    stage.call(Method::POST, ELEVATE, token, Value::Null).await
}

#[tokio::test(start_paused = true)]
async fn the_caller_becomes_user_access_administrator_at_the_root_until_it_steps_down() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    for _ in 0..2 {
        let answered = elevate(&stage, &token).await;
        assert_eq!((answered.status, answered.text.as_str()), (200, ""));
    }
    let principal = &stage.cast.login_principal_id;
    let url =
        format!("{ARM}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=principalId%20eq%20'{principal}'");
    let listed = stage.get(&url, &token).await;
    let at_root = listed.body["value"].as_array().expect("a list").iter().filter(|found| found["properties"]["scope"] == "/");
    let at_root: Vec<&Value> = at_root.collect();
    assert_eq!(at_root.len(), 1, "elevated once: {}", listed.text);
    let role = at_root[0]["properties"]["roleDefinitionId"].as_str().expect("a role");
    assert!(role.ends_with(USER_ACCESS_ADMINISTRATOR), "{role}");
    let id = at_root[0]["id"].as_str().expect("an id");
    let removed = stage.call(Method::DELETE, &format!("{ARM}{id}?api-version=2022-04-01"), &token, Value::Null).await;
    assert_eq!(removed.status, 200);
    let changed: Vec<bool> = stage.recorded("arm.elevate-access").iter().map(|call| call.changed).collect();
    assert_eq!(changed, [true, false]);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_kept_from_it_is_refused() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let principal = stage.cast.login_principal_id.clone();
    stage.simulator.state().world.tenant_mut(&stage.cast.tenant).deny(&principal, "Microsoft.Authorization/elevateAccess/action");
    assert_eq!(elevate(&stage, &token).await.outcome(), (403, "AuthorizationFailed"));
    assert_eq!(elevate(&stage, "").await.outcome(), (401, "AuthenticationFailed"));
    let below = format!("{ARM}/subscriptions/{}/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01", stage.cast.new);
    assert_eq!(stage.call(Method::POST, &below, &token, Value::Null).await.outcome(), (501, "NotModelled"));
}
