use aws_sdk_sts::Client;
use aws_sdk_sts::operation::get_web_identity_token::GetWebIdentityTokenError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ispm_onboarder_simulator::Fault;
use serde_json::{Value, json};
use time::Duration;

use super::client::{config, refused};
use crate::stage::{START, Stage};

const AUDIENCE: &str = "api://AzureADTokenExchange";

/// A token of the demo's role.
async fn token(stage: &Stage) -> String {
    let asked = Client::new(&config(stage)).get_web_identity_token().audience(AUDIENCE).signing_algorithm("RS256").send().await;
    asked.expect("an answer").web_identity_token.expect("a token")
}

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).expect("three parts");
    serde_json::from_slice(&BASE64.decode(part).expect("base64url")).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn issues_a_token_about_the_callers_role() {
    let stage = Stage::new();
    let client = Client::new(&config(&stage));
    let asked = client.get_web_identity_token().audience(AUDIENCE).audience("other").signing_algorithm("RS256").duration_seconds(3600);
    let answered = asked.send().await.expect("an answer");
    let token = answered.web_identity_token().expect("a token");
    let claims = part(token, 1);
    let expected = json!({
        "iss": stage.cast.aws.issuer, "sub": "arn:aws:iam::111122223333:role/ispm-onboarder", "aud": [AUDIENCE, "other"],
        "iat": START.unix_timestamp(), "exp": START.unix_timestamp() + 3600, "jti": claims["jti"],
        "https://sts.amazonaws.com/": {"aws_account": "111122223333", "source_region": "eu-central-1"},
    });
    assert_eq!(claims, expected);
    assert_eq!(answered.expiration().map(aws_smithy_types::DateTime::secs), Some(START.unix_timestamp() + 3600));
}

#[tokio::test(start_paused = true)]
async fn the_issuer_publishes_what_its_tokens_are_verified_by() {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
    let stage = Stage::new();
    let token = token(&stage).await;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!((&claims["aud"], claims["exp"].as_i64()), (&json!(AUDIENCE), Some(START.unix_timestamp() + 300)));
    let issuer = claims["iss"].as_str().expect("an issuer");
    let configuration = stage.get(&format!("{issuer}/.well-known/openid-configuration"), "").await;
    assert_eq!(configuration.body["issuer"], issuer);
    let keys = stage.get(configuration.body["jwks_uri"].as_str().expect("a URL"), "").await;
    let key = &keys.body["keys"][0];
    assert_eq!((&header["kid"], &header["alg"]), (&key["kid"], &json!("RS256")));
    let number = |name: &str| BASE64.decode(key[name].as_str().expect("a number")).expect("base64url");
    let (text, signature) = token.rsplit_once('.').expect("a signature");
    let public = RsaPublicKeyComponents { n: number("n"), e: number("e") };
    public.verify(&RSA_PKCS1_2048_8192_SHA256, text.as_bytes(), &BASE64.decode(signature).expect("base64url")).expect("a right signature");
}

#[tokio::test(start_paused = true)]
async fn refuses_in_the_words_of_sts() {
    let stage = Stage::new();
    let client = Client::new(&config(&stage));
    let ask = |seconds: i32| client.get_web_identity_token().audience(AUDIENCE).signing_algorithm("RS256").duration_seconds(seconds).send();
    for seconds in [59, 3601] {
        let error = ask(seconds).await.expect_err("a wrong duration");
        assert_eq!((refused(&error).0, refused(&error).1), (400, "ValidationError"));
    }
    let algorithm =
        client.get_web_identity_token().audience(AUDIENCE).signing_algorithm("HS256").send().await.expect_err("no such algorithm");
    assert_eq!(refused(&algorithm).1, "ValidationError");
    let account = |act: &dyn Fn(&mut ispm_onboarder_simulator::world::aws::Account)| {
        act(stage.simulator.state().world.aws_mut(&stage.cast.aws.account, ""));
    };
    account(&|own| own.access_keys.values_mut().for_each(|key| key.expires_on = Some(START + Duration::minutes(30))));
    let beyond = ask(1801).await.expect_err("beyond the session");
    assert!(beyond.as_service_error().is_some_and(GetWebIdentityTokenError::is_session_duration_escalation_exception));
    account(&|own| own.federation.enabled = false);
    let disabled = ask(60).await.expect_err("disabled");
    assert!(disabled.as_service_error().is_some_and(GetWebIdentityTokenError::is_outbound_web_identity_federation_disabled_exception));
    assert_eq!(refused(&disabled).0, 403);
    account(&|own| own.deny(&stage.cast.aws.role_arn, "sts:*"));
    let denied = ask(60).await.expect_err("denied");
    assert_eq!((refused(&denied).0, refused(&denied).1), (403, "AccessDenied"));
    for (status, code) in [(429, "Throttling"), (500, "InternalFailure")] {
        stage.simulator.state().faults.push(Fault::status("sts.*", status).times(1));
        let struck = ask(60).await.expect_err("a fault");
        assert_eq!((refused(&struck).0, refused(&struck).1), (status, code));
    }
    let other = client.get_session_token().send().await.expect_err("not modelled");
    assert_eq!(other.raw_response().map(|response| response.status().as_u16()), Some(501));
}

#[tokio::test(start_paused = true)]
async fn whoever_has_a_key_may_ask_who_it_is() {
    let stage = Stage::new();
    stage.simulator.state().world.aws_mut(&stage.cast.aws.account, "").deny(&stage.cast.aws.role_arn, "sts:*");
    let told = Client::new(&config(&stage)).get_caller_identity().send().await.expect("an answer");
    assert_eq!(told.arn(), Some("arn:aws:sts::111122223333:assumed-role/ispm-onboarder/ispm-onboarder"));
    assert_eq!(told.account(), Some(stage.cast.aws.account.as_str()));
}
