use ispm_onboarder_simulator::world::Scope;
use serde_json::json;

use crate::stage::{ARM, Answered, START, Stage};

async fn permissions(stage: &Stage, token: &str, scope: &str, version: &str) -> Answered {
    stage.get(&format!("{ARM}{scope}/providers/Microsoft.Authorization/permissions?api-version={version}"), token).await
}

#[tokio::test(start_paused = true)]
async fn tells_what_the_caller_may_do_at_a_scope() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    {
        let mut state = stage.simulator.state();
        state.world.settings.propagation_seconds = 60;
        let tenant = state.world.tenant_mut(&stage.cast.tenant);
        let corp = Scope::ManagementGroup("corp".to_owned());
        tenant.assign_custom(&corp, "Late", &["Microsoft.Support/*"], &stage.cast.login_principal_id).created_on = START;
        tenant.assign_reader(&corp, &stage.cast.function_principal_id);
    }
    let owner = json!({"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []});
    let own = json!({"actions": ["Microsoft.Support/*"], "notActions": [], "dataActions": [], "notDataActions": []});
    let inherited = format!("/subscriptions/{}", stage.cast.inherited);
    assert_eq!(permissions(&stage, &token, &inherited, "2022-04-01").await.body, json!({"value": [owner]}));
    stage.advance(60);
    assert_eq!(permissions(&stage, &token, &inherited, "2022-04-01").await.body, json!({"value": [own, owner]}));
    let new = format!("/subscriptions/{}", stage.cast.new);
    assert_eq!(permissions(&stage, &token, &new, "2022-04-01").await.body, json!({"value": [owner]}));
    let function = permissions(&stage, &stage.token_of_function(ARM), &inherited, "2015-07-01").await;
    assert_eq!(function.body["value"][0]["actions"], json!(["*/read"]));
}

#[tokio::test(start_paused = true)]
async fn refuses_whoever_may_not_even_read_that() {
    let stage = Stage::new();
    let (token, function) = (stage.token(ARM).await, stage.token_of_function(ARM));
    let scope = format!("/subscriptions/{}", stage.cast.new);
    assert_eq!(permissions(&stage, &function, &scope, "2022-04-01").await.outcome(), (403, "AuthorizationFailed"));
    assert_eq!(permissions(&stage, &token, "", "2022-04-01").await.outcome(), (403, "AuthorizationFailed"));
    assert_eq!(permissions(&stage, &token, &scope, "1999-01-01").await.outcome(), (404, "InvalidResourceType"));
    assert_eq!(permissions(&stage, "", &scope, "2022-04-01").await.outcome(), (401, "AuthenticationFailed"));
}
