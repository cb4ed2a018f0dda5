//! Tokens for apps as resources, which others verify with the published keys.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ispm_onboarder_simulator::world::AccessTokenVersion;
use serde_json::{Value, json};

use crate::stage::{Answered, START, Stage};

const ROLES: [&str; 4] = ["Onboarder.Offboard", "Onboarder.Onboard", "Onboarder.Read", "Onboarder.Send"];

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).expect("three parts");
    serde_json::from_slice(&BASE64.decode(part).expect("base64url")).expect("JSON")
}

async fn ask(stage: &Stage, resource: &str) -> Answered {
    let api = &stage.cast.api;
    stage.ask_token(&stage.cast.tenant, &api.caller_client_id, api.caller_secret.reveal(), &format!("{resource}/.default")).await
}

async fn token(stage: &Stage, resource: &str) -> String {
    ask(stage, resource).await.body["access_token"].as_str().expect("a token").to_owned()
}

#[tokio::test(start_paused = true)]
async fn the_version_decides_the_claims() {
    let stage = Stage::new();
    let (cast, api) = (&stage.cast, &stage.cast.api);
    let claims = part(&token(&stage, &api.app_id_uri).await, 1);
    let expected = json!({
        "aud": api.app_id_uri, "iss": format!("https://sts.windows.net/{}/", cast.tenant),
        "iat": START.unix_timestamp(), "nbf": START.unix_timestamp(), "exp": START.unix_timestamp() + 3599,
        "appid": api.caller_client_id, "appidacr": "1", "idp": format!("https://sts.windows.net/{}/", cast.tenant),
        "oid": api.caller_principal_id, "sub": api.caller_principal_id, "tid": cast.tenant, "roles": ROLES, "ver": "1.0",
        "uti": claims["uti"],
    });
    assert_eq!(claims, expected);
    assert_eq!(part(&token(&stage, &api.client_id).await, 1)["aud"], *api.client_id, "version 1.0 says what was asked for");
    stage.simulator.state().world.applications.get_mut(&api.client_id).expect("the API").access_token_version = AccessTokenVersion::V2;
    let claims = part(&token(&stage, &api.app_id_uri).await, 1);
    assert_eq!((&claims["aud"], &claims["azp"], &claims["appid"]), (&json!(api.client_id), &json!(api.caller_client_id), &Value::Null));
    assert_eq!(claims["iss"], format!("https://login.microsoftonline.com/{}/v2.0", cast.tenant));
}

#[tokio::test(start_paused = true)]
async fn the_published_key_verifies_them() {
    let stage = Stage::new();
    let token = token(&stage, &stage.cast.api.app_id_uri).await;
    let keys = stage.get(&format!("https://login.microsoftonline.com/{}/discovery/v2.0/keys", stage.cast.tenant), "").await;
    let key = &keys.body["keys"][0];
    assert_eq!(part(&token, 0), json!({"typ": "JWT", "alg": "RS256", "kid": key["kid"]}));
    let number = |name: &str| BASE64.decode(key[name].as_str().expect("a number")).expect("base64url");
    let (text, signature) = token.rsplit_once('.').expect("a signature");
    let public = RsaPublicKeyComponents { n: number("n"), e: number("e") };
    public.verify(&RSA_PKCS1_2048_8192_SHA256, text.as_bytes(), &BASE64.decode(signature).expect("base64url")).expect("a right signature");
    assert_eq!(stage.get("https://login.microsoftonline.com/common/discovery/v2.0/keys", "").await.status, 200);
    let nobody = "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/discovery/v2.0/keys";
    assert_eq!(stage.get(nobody, "").await.body["error_codes"][0], 90_002);
}

#[tokio::test(start_paused = true)]
async fn whoever_has_no_role_gets_a_token_without_roles() {
    let stage = Stage::new();
    let (cast, api) = (&stage.cast, &stage.cast.api);
    let login =
        stage.ask_token(&cast.tenant, &cast.login_client_id, cast.login_secret.reveal(), &format!("{}/.default", api.app_id_uri)).await;
    let claims = part(login.body["access_token"].as_str().expect("a token"), 1);
    assert_eq!((&claims["appid"], &claims["roles"]), (&json!(cast.login_client_id), &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn an_app_without_a_service_principal_in_the_tenant_is_no_resource() {
    let stage = Stage::new();
    {
        let mut state = stage.simulator.state();
        let tenant = state.world.tenant_mut(&stage.cast.tenant);
        tenant.service_principals.retain(|_, principal| principal.app_id != stage.cast.api.client_id);
    }
    let answered = ask(&stage, &stage.cast.api.app_id_uri).await;
    assert_eq!((answered.status, &answered.body["error_codes"][0]), (400, &500_011.into()));
}
