//! Signing in with a token of another issuer.

use http::Method;
use ispm_onboarder_simulator::world::Application;
use ispm_onboarder_simulator::{Simulator, TokenKey};
use serde_json::{Value, json};

use crate::stage::{ARM, Answered, OTHER_TENANT, START, Stage};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const AUDIENCE: &str = "api://AzureADTokenExchange";

fn claims(stage: &Stage) -> Value {
    let now = START.unix_timestamp();
    json!({"iss": stage.cast.aws.issuer, "sub": stage.cast.aws.role_arn, "aud": AUDIENCE, "iat": now, "exp": now + 300, "jti": "j"})
}

async fn sign_in_at(stage: &Stage, tenant: &str, client_id: &str, assertion: &str) -> Answered {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", client_id)
        .append_pair("client_assertion_type", TYPE)
        .append_pair("client_assertion", assertion)
        .append_pair("scope", &format!("{ARM}/.default"))
        .finish();
    let url = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
    stage.send(Method::POST, &url, &[("content-type", "application/x-www-form-urlencoded")], form).await
}

async fn sign_in(stage: &Stage, assertion: &str) -> Answered {
    sign_in_at(stage, &stage.cast.tenant, &stage.cast.login_client_id, assertion).await
}

fn outcome(answered: &Answered) -> (u16, &str, u64) {
    (answered.status, answered.body["error"].as_str().unwrap_or_default(), answered.body["error_codes"][0].as_u64().unwrap_or_default())
}

fn change(stage: &Stage, act: impl FnOnce(&mut Application)) {
    act(stage.simulator.state().world.applications.get_mut(&stage.cast.login_client_id).expect("the login app"));
}

#[tokio::test(start_paused = true)]
async fn a_token_of_the_role_signs_the_app_in_wherever_it_has_a_service_principal() {
    let stage = Stage::new();
    let assertion = Simulator::sign_token(&claims(&stage), TokenKey::AwsSts);
    let answered = sign_in(&stage, &assertion).await;
    let token = answered.body["access_token"].as_str().expect("a token");
    assert_eq!(stage.get(&format!("{ARM}/subscriptions?api-version=2022-12-01"), token).await.status, 200);
    assert_eq!(sign_in_at(&stage, OTHER_TENANT, &stage.cast.login_client_id, &assertion).await.status, 200);
    let several =
        json!({"aud": ["other", AUDIENCE], "iss": claims(&stage)["iss"], "sub": claims(&stage)["sub"], "exp": claims(&stage)["exp"]});
    assert_eq!(sign_in(&stage, &Simulator::sign_token(&several, TokenKey::AwsSts)).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn what_no_credential_matches_is_refused_by_what_differs() {
    let stage = Stage::new();
    let cases = [
        ("iss", "https://another.tokens.sts.global.api.aws", 700_211, "issuer"),
        ("aud", "api://other", 700_212, "audience"),
        ("sub", "arn:aws:iam::111122223333:role/ISPM-onboarder", 700_213, "subject"),
    ];
    for (claim, value, code, word) in cases {
        let mut claims = claims(&stage);
        claims[claim] = json!(value);
        let answered = sign_in(&stage, &Simulator::sign_token(&claims, TokenKey::AwsSts)).await;
        assert_eq!(outcome(&answered), (401, "invalid_client", code));
        let words = format!("AADSTS{code}: No matching federated identity record found for presented assertion {word} '{value}'.");
        assert!(answered.text.contains(&words), "{}", answered.text);
    }
    let assertion = Simulator::sign_token(&claims(&stage), TokenKey::AwsSts);
    let without = sign_in_at(&stage, &stage.cast.tenant, &stage.cast.ispm_client_id, &assertion).await;
    assert_eq!(outcome(&without), (401, "invalid_client", 70_025));
}

#[tokio::test(start_paused = true)]
async fn a_new_credential_is_unknown_until_it_is_replicated() {
    let stage = Stage::new();
    stage.simulator.state().world.settings.replication_lag_seconds = 60;
    change(&stage, |app| app.federated_credentials[0].created_on = START);
    let assertion = Simulator::sign_token(&claims(&stage), TokenKey::AwsSts);
    let early = sign_in(&stage, &assertion).await;
    assert_eq!(outcome(&early), (400, "invalid_request", 70_021));
    assert!(early.text.contains("Assertion Subject: 'arn:aws:iam::111122223333:role/ispm-onboarder'"), "{}", early.text);
    stage.advance(60);
    assert_eq!(sign_in(&stage, &assertion).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn signature_and_time_are_checked() {
    let stage = Stage::new();
    for key in [TokenKey::Entra, TokenKey::Stranger, TokenKey::StrangerAsEntra, TokenKey::Unsigned, TokenKey::PublicKeyAsSecret] {
        let answered = sign_in(&stage, &Simulator::sign_token(&claims(&stage), key)).await;
        assert_eq!(outcome(&answered), (401, "invalid_client", 50_013), "{key:?}");
    }
    let assertion = Simulator::sign_token(&claims(&stage), TokenKey::AwsSts);
    stage.advance(300);
    let late = sign_in(&stage, &assertion).await;
    assert_eq!(outcome(&late), (401, "invalid_client", 700_024));
    assert!(late.text.contains("Current time: 2026-11-22T10:05:00Z, assertion valid from 1970-01-01T00:00:00Z"), "{}", late.text);
    assert_eq!(outcome(&sign_in(&stage, "no token").await), (400, "invalid_request", 50_027));
}

/// A token of the platform's identity for signing in as an app, whose credential for it is changed.
fn of_identity(stage: &Stage, act: impl FnOnce(&mut Application, &str, &str)) -> String {
    let identity = stage.simulator.state().world.platform.identities[0].clone();
    change(stage, |app| act(app, &identity.tenant_id, &identity.principal_id));
    stage.simulator.platform_token(AUDIENCE, None).expect("the platform has an identity").token
}

#[tokio::test(start_paused = true)]
async fn a_managed_identity_signs_in_an_app_of_its_own_tenant_wherever_it_is_consented_to() {
    let stage = Stage::new();
    let assertion = of_identity(&stage, |app, tenant, principal| {
        app.trust_identity(tenant, principal);
    });
    assert_eq!(sign_in(&stage, &assertion).await.status, 200);
    assert_eq!(sign_in_at(&stage, OTHER_TENANT, &stage.cast.login_client_id, &assertion).await.status, 200);
    let forged = Simulator::sign_token(&jwt_claims(&assertion), TokenKey::AwsSts);
    assert_eq!(outcome(&sign_in(&stage, &forged).await), (401, "invalid_client", 50_013), "another issuer's key");
    let claims = jwt_claims(&assertion);
    assert_eq!(claims["aud"], "fb60f99c-7a34-4190-8149-302f77469936");
    assert_eq!(claims["iss"], format!("https://login.microsoftonline.com/{}/v2.0", stage.cast.tenant));
    assert_eq!(claims["sub"], claims["oid"]);
}

fn jwt_claims(token: &str) -> Value {
    use base64::Engine as _;
    let middle = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(middle).expect("base64url")).expect("claims")
}

#[tokio::test(start_paused = true)]
async fn an_identity_of_another_tenant_than_the_apps_and_what_is_no_managed_identity_are_refused() {
    let stage = Stage::new();
    let assertion = of_identity(&stage, |app, tenant, principal| {
        app.trust_identity(tenant, principal);
        app.home_tenant_id = Some(OTHER_TENANT.to_owned());
    });
    let answered = sign_in(&stage, &assertion).await;
    assert_eq!(outcome(&answered), (401, "invalid_client", 700_236));
    let app = stage.cast.login_principal_id.clone();
    let mut claims = jwt_claims(&assertion);
    claims["sub"] = json!(app);
    change(&stage, |login| {
        login.trust_identity(&stage.cast.tenant, &app);
    });
    let answered = sign_in(&stage, &Simulator::sign_token(&claims, TokenKey::Entra)).await;
    assert_eq!(outcome(&answered), (401, "invalid_client", 700_226));
}

#[tokio::test(start_paused = true)]
async fn an_app_needs_a_service_principal_that_is_not_switched_off() {
    let stage = Stage::new();
    let assertion = Simulator::sign_token(&claims(&stage), TokenKey::AwsSts);
    let of_login = stage.cast.login_principal_id.clone();
    let change = |act: &dyn Fn(&mut ispm_onboarder_simulator::world::Tenant)| {
        act(stage.simulator.state().world.tenants.get_mut(&stage.cast.tenant).expect("the demo's tenant"));
    };
    change(&|tenant| tenant.service_principals.get_mut(&of_login).expect("the login's").disabled = true);
    let disabled = sign_in(&stage, &assertion).await;
    assert_eq!(outcome(&disabled), (400, "unauthorized_client", 7_000_112));
    change(&|tenant| {
        tenant.service_principals.remove(&of_login);
    });
    let missing = sign_in(&stage, &assertion).await;
    assert_eq!(outcome(&missing), (401, "invalid_client", 7_000_229));
}
