//! Signing in with a certificate.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use ispm_onboarder_simulator::ClientCertificate;
use serde_json::{Value, json};
use time::Duration;

use crate::stage::{ARM, Answered, START, Stage};

const YEAR: Duration = Duration::days(365);

fn certificate() -> ClientCertificate {
    ClientCertificate::made(START - YEAR, START + YEAR).expect("a certificate")
}

fn thumbprint(certificate: &ClientCertificate) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, &STANDARD.decode(&certificate.credential.key).expect("base64")))
}

fn claims(stage: &Stage) -> Value {
    let (client, now) = (&stage.cast.login_client_id, START.unix_timestamp());
    let endpoint = format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", stage.cast.tenant);
    json!({"aud": endpoint, "iss": client, "sub": client, "jti": "j", "nbf": now, "exp": now + 300})
}

fn signed(certificate: &ClientCertificate, header: &Value, claims: &Value) -> String {
    let encoding: &'static dyn RsaEncoding = if header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
    let pem: String = certificate.key.reveal().lines().filter(|line| !line.starts_with('-')).collect();
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(pem).expect("base64")).expect("a key");
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(encoding, &SystemRandom::new(), text.as_bytes(), &mut signature).expect("a signature");
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn sign_in(stage: &Stage, assertion: &str) -> Answered {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &stage.cast.login_client_id)
        .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        .append_pair("client_assertion", assertion)
        .append_pair("scope", &format!("{ARM}/.default"))
        .finish();
    let url = format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", stage.cast.tenant);
    stage.send(Method::POST, &url, &[("content-type", "application/x-www-form-urlencoded")], form).await
}

fn register(stage: &Stage, certificate: &ClientCertificate) {
    let mut state = stage.simulator.state();
    let app = state.world.applications.get_mut(&stage.cast.login_client_id).expect("the login app");
    app.certificates = vec![certificate.credential.clone()];
}

#[tokio::test(start_paused = true)]
async fn a_registered_certificate_signs_in_by_either_thumbprint_and_padding() {
    let (stage, own) = (Stage::new(), certificate());
    register(&stage, &own);
    let sha_1 = URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &STANDARD.decode(&own.credential.key).expect("base64")));
    for header in [json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint(&own)}), json!({"alg": "RS256", "typ": "JWT", "x5t": sha_1})]
    {
        let answered = sign_in(&stage, &signed(&own, &header, &claims(&stage))).await;
        assert_eq!(answered.status, 200, "{}", answered.text);
    }
    assert_eq!(own.pem(), certificate().pem(), "the same times give the same certificate");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_refused_in_entras_words() {
    let (stage, own) = (Stage::new(), certificate());
    let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint(&own)});
    let assertion = signed(&own, &header, &claims(&stage));
    let refused = async |assertion: &str| {
        let answered = sign_in(&stage, assertion).await;
        (answered.status, answered.body["error_codes"][0].as_u64().unwrap_or_default(), answered.text)
    };
    let told = refused(&assertion).await;
    assert!((told.0, told.1) == (401, 700_027) && told.2.contains("is not registered on application. [Reason - The key was not found."));

    register(&stage, &own);
    let told = refused(&signed(&own, &json!({"alg": "PS256"}), &claims(&stage))).await;
    assert_eq!((told.0, told.1), (400, 50_027), "no thumbprint");
    let stranger = ClientCertificate::of_a_stranger(START - YEAR, START + YEAR).expect("a certificate");
    let told = refused(&signed(&stranger, &header, &claims(&stage))).await;
    assert!((told.0, told.1) == (401, 700_027) && told.2.contains("failed signature validation"), "{told:?}");
    let mut elsewhere = claims(&stage);
    elsewhere["aud"] = json!("https://login.microsoftonline.com/common/oauth2/v2.0/token");
    assert_eq!(refused(&signed(&own, &header, &elsewhere)).await.1, 700_023);

    stage.advance(300);
    assert_eq!(refused(&assertion).await.1, 700_024);
    let ended = ClientCertificate::made(START - YEAR, START).expect("a certificate");
    register(&stage, &ended);
    let header = json!({"alg": "PS256", "x5t#S256": thumbprint(&ended)});
    let told = refused(&signed(&ended, &header, &claims(&stage))).await;
    assert!((told.0, told.1) == (401, 700_027) && told.2.contains("The key used is expired."), "{told:?}");
}
