use crate::stage::{START, Stage};
use http::Method;
use serde_json::{Value, json};

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
    for rest in [
        "v1.0/users",
        "v1.0/servicePrincipals?$filter=displayName%20eq%20'x'",
        "v1.0/servicePrincipals?$top=1",
        "beta/servicePrincipals(appId='x')",
        "v1.0/servicePrincipals(appId='x')?$expand=owners",
    ] {
        let answered = stage.get(&format!("{GRAPH}/{rest}"), &token).await;
        assert_eq!(answered.outcome(), (501, "NotModelled"), "{rest}");
    }
    assert_eq!(stage.get(&format!("{GRAPH}/v9.9/servicePrincipals"), &token).await.outcome(), (400, "BadRequest"));
}

#[tokio::test(start_paused = true)]
async fn finds_service_principals_by_name_and_by_object_id() {
    let stage = Stage::new();
    let token = stage.token(GRAPH).await;
    let (app, object) = (&stage.cast.ispm_client_id, &stage.cast.ispm_principal_id);
    for filter in [format!("servicePrincipalNames/any(c:c eq '{app}')"), format!("appId eq '{}'", app.to_uppercase())] {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let answered =
            stage.get(&format!("{GRAPH}/v1.0/servicePrincipals?$filter={filter}&$select=id,servicePrincipalNames"), &token).await;
        assert_eq!(answered.body["value"], json!([{"id": object, "servicePrincipalNames": [app]}]));
    }
    assert_eq!(stage.get(&format!("{GRAPH}/v1.0/servicePrincipals/{object}"), &token).await.body["appId"], **app);
    let missing = stage.get(&format!("{GRAPH}/v1.0/servicePrincipals/{app}"), &token).await;
    assert_eq!(missing.outcome(), (404, "Request_ResourceNotFound"));
}

#[tokio::test(start_paused = true)]
async fn finds_directory_objects_by_their_ids() {
    let stage = Stage::new();
    let token = stage.token(GRAPH).await;
    let object = stage.cast.ispm_principal_id.as_str();
    let url = format!("{GRAPH}/v1.0/directoryObjects/getByIds");
    let ask = async |body: Value| stage.call(Method::POST, &url, &token, body).await;
    let found = ask(json!({"ids": [object, stage.cast.tenant], "types": ["user", "servicePrincipal"]})).await;
    assert_eq!(found.body["value"].as_array().map(Vec::len), Some(1), "{}", found.text);
    assert_eq!(found.body["value"][0]["@odata.type"], "#microsoft.graph.servicePrincipal");
    assert_eq!(ask(json!({"ids": [object], "types": ["user"]})).await.body["value"], json!([]));
    for refused in [json!({"ids": ["not-a-guid"]}), json!({"ids": []}), json!({"types": []})] {
        assert_eq!(ask(refused.clone()).await.outcome(), (400, "Request_BadRequest"), "{refused}");
    }
}
