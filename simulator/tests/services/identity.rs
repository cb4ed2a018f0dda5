use bytes::Bytes;
use ispm_onboarder_simulator::{Effect, Fault, IdentityRefusal};
use serde_json::Value;
use time::Duration;

use crate::stage::{START, Stage};

const VAULT: &str = "https://vault.azure.net";

async fn ask(stage: &Stage, query: &str, header: Option<&str>) -> (u16, Value) {
    let mut request = http::Request::get(format!("/msi/token?{query}"));
    if let Some(value) = header {
        request = request.header("X-IDENTITY-HEADER", value);
    }
    let response = stage.simulator.identity_endpoint(request.body(Bytes::new()).expect("a request")).await;
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or(Value::Null))
}

#[tokio::test(start_paused = true)]
async fn answers_as_app_service_does() {
    let stage = Stage::new();
    let header = Some("demo-identity-header");
    let (status, body) = ask(&stage, "resource=https://vault.azure.net&api-version=2019-08-01", header).await;
    assert_eq!(status, 200);
    let expires = (START.unix_timestamp() + 3599).to_string();
    assert_eq!(body["expires_on"], *expires, "a string of epoch seconds");
    assert_eq!(body["client_id"], *stage.cast.function_client_id);
    let url = format!("https://{}.vault.azure.net/secrets/contoso-ispm-token?api-version=7.4", stage.cast.vault);
    let token = body["access_token"].as_str().expect("a token");
    assert_eq!(stage.get(&url, token).await.status, 200, "the token opens the vault");
}

#[tokio::test(start_paused = true)]
async fn refuses_strangers_versions_and_unknown_identities() {
    let stage = Stage::new();
    let header = Some("demo-identity-header");
    let good = "resource=https://vault.azure.net&api-version=2019-08-01";
    assert_eq!(ask(&stage, good, None).await.0, 401);
    assert_eq!(ask(&stage, good, Some("guess")).await.0, 401);
    assert_eq!(ask(&stage, "resource=https://vault.azure.net", header).await.0, 400);
    assert_eq!(ask(&stage, "resource=https://vault.azure.net&api-version=2018-02-01", header).await.0, 400);
    assert_eq!(ask(&stage, "api-version=2019-08-01", header).await.0, 400);
    assert_eq!(ask(&stage, &format!("{good}&client_id=nobody"), header).await.0, 400);
    let own = format!("{good}&client_id={}", stage.cast.function_client_id);
    assert_eq!(ask(&stage, &own, header).await.0, 200);
    let refused = stage.simulator.platform_token(VAULT, Some("nobody")).map(|token| token.client_id);
    assert_eq!(refused, Err(IdentityRefusal { client_id: Some("nobody".to_owned()) }));
}

#[tokio::test(start_paused = true)]
async fn the_credential_in_memory_takes_the_same_way() {
    let stage = Stage::new();
    let credential = stage.simulator.identity();
    let token = credential.get_token(&["https://vault.azure.net/.default"], None).await.expect("a token");
    assert_eq!(token.expires_on, START + Duration::seconds(3599));
    stage.simulator.state().faults.push(Fault::new("identity.token", Effect::Reset).times(1));
    assert!(credential.get_token(&["https://vault.azure.net/.default"], None).await.is_err());
    let statuses: Vec<Option<u16>> = stage.recorded("identity.token").iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Some(200), None]);
}
