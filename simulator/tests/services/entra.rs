use http::Method;
use serde_json::Value;
use time::Duration;

use crate::stage::{ARM, START, Stage};

#[tokio::test(start_paused = true)]
async fn issues_a_token_with_the_apps_claims() {
    let stage = Stage::new();
    let (client_id, secret) = (&stage.cast.login_client_id, stage.cast.login_secret.reveal());
    let answered = stage.ask_token(&stage.cast.tenant, client_id, secret, &format!("{ARM}/.default")).await;
    assert_eq!((answered.status, &answered.body["expires_in"], &answered.body["token_type"]), (200, &3599.into(), &"Bearer".into()));
    let token = answered.body["access_token"].as_str().expect("a token");
    let claims = claims(token);
    assert_eq!(claims["aud"], ARM);
    assert_eq!(claims["tid"], *stage.cast.tenant);
    assert_eq!(claims["appid"], **client_id);
    assert_eq!(claims["oid"], *stage.cast.login_principal_id);
    assert_eq!(claims["exp"], START.unix_timestamp() + 3599);
    assert_eq!(stage.recorded("entra.token").len(), 1);
}

fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let middle = token.split('.').nth(1).expect("three parts");
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(middle).expect("base64url");
    serde_json::from_slice(&text).expect("claims")
}

#[tokio::test(start_paused = true)]
async fn refuses_in_entras_words() {
    let stage = Stage::new();
    let cast = &stage.cast;
    let (app, secret, scope) = (cast.login_client_id.as_str(), cast.login_secret.reveal(), "https://management.azure.com/.default");
    let unknown = "11111111-2222-4333-8444-555555555555";
    let cases = [
        (cast.tenant.as_str(), app, "wrong", scope, 401, "invalid_client", 7_000_215),
        (&cast.tenant, app, "", scope, 401, "invalid_client", 7_000_218),
        (&cast.tenant, unknown, secret, scope, 400, "unauthorized_client", 700_016),
        (unknown, app, secret, scope, 400, "invalid_request", 90_002),
        ("not-a-guid", app, secret, scope, 400, "invalid_request", 900_023),
        (&cast.tenant, app, secret, "https://management.azure.com/", 400, "invalid_scope", 70_011),
        (&cast.tenant, app, secret, "https://example.com/.default", 400, "invalid_resource", 500_011),
    ];
    for (tenant, app, secret, scope, status, error, code) in cases {
        let answered = stage.ask_token(tenant, app, secret, scope).await;
        assert_eq!((answered.status, &answered.body["error"]), (status, &error.into()), "{code}");
        assert_eq!(answered.body["error_codes"][0], code);
        let description = answered.body["error_description"].as_str().expect("a description");
        assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
        assert!(description.ends_with("Timestamp: 2026-11-22 10:00:00Z"), "{description}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_expires_and_is_rotated_while_tokens_live_on() {
    let stage = Stage::new();
    let (client_id, old) = (stage.cast.login_client_id.clone(), stage.cast.login_secret.reveal());
    let scope = format!("{ARM}/.default");
    let token = stage.token(ARM).await;
    {
        let mut state = stage.simulator.state();
        let app = state.world.applications.get_mut(&client_id).expect("the login app");
        app.secrets[0].expires_on = Some(START + Duration::hours(1));
    }
    stage.advance(3600);
    let expired = stage.ask_token(&stage.cast.tenant, &client_id, old, &scope).await;
    assert_eq!(expired.body["error_codes"][0], 7_000_222);
    stage.simulator.state().world.applications.get_mut(&client_id).expect("the login app").rotate_secret("new");
    let rotated = stage.ask_token(&stage.cast.tenant, &client_id, "new", &scope).await;
    assert_eq!(rotated.status, 200);
    let refused = stage.get(&format!("{ARM}/subscriptions?api-version=2022-12-01"), &token).await;
    assert_eq!(refused.outcome(), (401, "ExpiredAuthenticationToken"), "its lifetime ends it, not the rotation");
}

#[tokio::test(start_paused = true)]
async fn tokens_differ_within_one_second_and_agree_between_runs() {
    let (one, other) = (Stage::new(), Stage::new());
    let first = one.token(ARM).await;
    assert_ne!(first, one.token(ARM).await);
    assert_eq!(first, other.token(ARM).await);
}

#[tokio::test(start_paused = true)]
async fn answers_discovery_and_nothing_else() {
    let stage = Stage::new();
    let base = "https://login.microsoftonline.com";
    let tenant = &stage.cast.tenant;
    let configuration = stage.get(&format!("{base}/{tenant}/v2.0/.well-known/openid-configuration"), "").await;
    assert_eq!(configuration.body["token_endpoint"], format!("{base}/{tenant}/oauth2/v2.0/token"));
    let instance = format!("{base}/common/discovery/instance?api-version=1.1&authorization_endpoint={base}/{tenant}/oauth2/v2.0/authorize");
    let instance = stage.get(&instance, "").await;
    assert_eq!(instance.body["tenant_discovery_endpoint"], format!("{base}/{tenant}/v2.0/.well-known/openid-configuration"));
    assert_eq!(stage.get(&format!("{base}/{tenant}/oauth2/token"), "").await.outcome(), (501, "NotModelled"));
    let saml =
        format!("grant_type=client_credentials&client_id={}&client_assertion=y&client_assertion_type=saml", stage.cast.login_client_id);
    let saml = stage.send(Method::POST, &format!("{base}/{tenant}/oauth2/v2.0/token"), &[], saml).await;
    assert_eq!(saml.outcome(), (501, "NotModelled"));
}
