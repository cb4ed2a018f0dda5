use crate::stage::{START, Stage};
use serde_json::json;

const GRAPH: &str = "https://graph.microsoft.com";

#[tokio::test(start_paused = true)]
async fn finds_a_service_principal_by_its_app() {
    let stage = Stage::new();
    let token = stage.token(GRAPH).await;
    let url = format!("{GRAPH}/v1.0/servicePrincipals(appId='{}')?$select=id,appId", stage.cast.ispm_client_id);
    let answered = stage.get(&url, &token).await;
    let expected = json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#servicePrincipals/$entity",
        "id": stage.cast.ispm_principal_id, "appId": stage.cast.ispm_client_id,
    });
    assert_eq!((answered.status, answered.body), (200, expected));
}

#[tokio::test(start_paused = true)]
async fn does_not_find_one_that_is_not_replicated_yet() {
    let stage = Stage::new();
    {
        let mut state = stage.simulator.state();
        state.world.settings.replication_lag_seconds = 30;
        let tenant = state.world.tenants.get_mut(&stage.cast.tenant).expect("Contoso");
        tenant.add_service_principal("new-app", "cccccccc-0000-4000-8000-000000000001").created_on = START;
    }
    let token = stage.token(GRAPH).await;
    let url = format!("{GRAPH}/v1.0/servicePrincipals(appId='new-app')");
    stage.advance(29);
    assert_eq!(stage.get(&url, &token).await.outcome(), (404, "Request_ResourceNotFound"));
    stage.advance(1);
    assert_eq!(stage.get(&url, &token).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn refuses_bad_tokens_and_other_tenants_apps() {
    let stage = Stage::new();
    let url = format!("{GRAPH}/v1.0/servicePrincipals(appId='{}')", stage.cast.ispm_client_id);
    for (kind, token) in stage.bad_tokens(GRAPH).await {
        let answered = stage.get(&url, &token).await;
        let expected = match kind {
            // Graph's directory is the token's own tenant, where this app is not.
            "tenant" => (404, "Request_ResourceNotFound"),
            _ => (401, "InvalidAuthenticationToken"),
        };
        assert_eq!(answered.outcome(), expected, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn guesses_at_nothing_else() {
    let stage = Stage::new();
    let token = stage.token(GRAPH).await;
    for rest in
        ["v1.0/users", "v1.0/servicePrincipals", "beta/servicePrincipals(appId='x')", "v1.0/servicePrincipals(appId='x')?$expand=owners"]
    {
        let answered = stage.get(&format!("{GRAPH}/{rest}"), &token).await;
        assert_eq!(answered.outcome(), (501, "NotModelled"), "{rest}");
    }
}
