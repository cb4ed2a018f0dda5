//! The check of signatures, judged by AWS's own signer.

use aws_sdk_sqs::config::Credentials;
use http::Method;
use ispm_onboarder_simulator::Clock;
use time::Duration;

use super::client::{config, credentials, refused, with, with_clock};
use crate::stage::{START, Stage};

/// What each service answers to a call made with this configuration.
async fn codes(stage: &Stage, config: &aws_config::SdkConfig) -> [(u16, String); 4] {
    let own = |(status, code, _): (u16, &str, &str)| (status, code.to_owned());
    let secret = aws_sdk_secretsmanager::Client::new(config).get_secret_value().secret_id("contoso-login-secret").send().await;
    let queue = aws_sdk_sqs::Client::new(config).send_message().queue_url(&stage.cast.aws.queue_url).message_body("text").send().await;
    let entry = aws_sdk_eventbridge::types::PutEventsRequestEntry::builder().source("s").detail_type("d").detail("{}").build();
    let bus = aws_sdk_eventbridge::Client::new(config).put_events().entries(entry).send().await;
    let token = aws_sdk_sts::Client::new(config).get_web_identity_token().audience("a").signing_algorithm("RS256").send().await;
    [
        secret.map_or_else(|error| own(refused(&error)), |_| (200, String::new())),
        queue.map_or_else(|error| own(refused(&error)), |_| (200, String::new())),
        bus.map_or_else(|error| own(refused(&error)), |_| (200, String::new())),
        token.map_or_else(|error| own(refused(&error)), |_| (200, String::new())),
    ]
}

fn expected(json: &str, query: &str) -> [(u16, String); 4] {
    [(400, json.to_owned()), (403, query.to_owned()), (400, json.to_owned()), (403, query.to_owned())]
}

#[tokio::test(start_paused = true)]
async fn takes_what_the_sdk_signs() {
    let stage = Stage::new();
    assert_eq!(codes(&stage, &config(&stage)).await.map(|(status, _)| status), [200; 4]);
}

#[tokio::test(start_paused = true)]
async fn refuses_unknown_keys_and_wrong_secrets() {
    let stage = Stage::new();
    let (aws, region) = (&stage.cast.aws, &stage.cast.aws.region);
    let unknown = with(&stage, Credentials::new("AKIANOBODY", "secret", None, None, "test"), region);
    assert_eq!(codes(&stage, &unknown).await, expected("UnrecognizedClientException", "InvalidClientTokenId"));
    let wrong = with(&stage, Credentials::new(&aws.access_key_id, "secret", None, None, "test"), region);
    assert_eq!(codes(&stage, &wrong).await, expected("InvalidSignatureException", "SignatureDoesNotMatch"));
}

#[tokio::test(start_paused = true)]
async fn temporary_credentials_need_their_token_until_they_expire() {
    let stage = Stage::new();
    let (aws, region) = (&stage.cast.aws, &stage.cast.aws.region);
    {
        let mut state = stage.simulator.state();
        let key = state.world.aws_mut(&aws.account, "").access_keys.get_mut(&aws.access_key_id).expect("the demo's key");
        key.session_token = Some("token of the session".into());
        key.expires_on = Some(START + Duration::hours(1));
    }
    let session = |token: Option<&str>| {
        let token = token.map(str::to_owned);
        with(&stage, Credentials::new(&aws.access_key_id, aws.secret_access_key.reveal(), token, None, "test"), region)
    };
    assert_eq!(codes(&stage, &session(None)).await, expected("UnrecognizedClientException", "InvalidClientTokenId"));
    assert_eq!(codes(&stage, &session(Some("another"))).await, expected("UnrecognizedClientException", "InvalidClientTokenId"));
    let right = session(Some("token of the session"));
    assert_eq!(codes(&stage, &right).await.map(|(status, _)| status), [200; 4]);
    stage.advance(3600);
    assert_eq!(codes(&stage, &right).await, expected("ExpiredTokenException", "ExpiredToken"));
}

#[tokio::test(start_paused = true)]
async fn a_clock_may_be_five_minutes_off() {
    let stage = Stage::new();
    for (minutes, taken) in [(-5, true), (5, true), (-6, false), (6, false)] {
        let clock = Clock::starting_at(START + Duration::minutes(minutes));
        let codes = codes(&stage, &with_clock(&stage, credentials(&stage), &stage.cast.aws.region, clock)).await;
        let refused = expected("InvalidSignatureException", "SignatureDoesNotMatch");
        assert_eq!(codes[0].0 == 200, taken, "{minutes}");
        assert!(taken || codes == refused, "{minutes}: {codes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_or_unsigned_request_is_refused() {
    let stage = Stage::new();
    let url = "https://secretsmanager.eu-central-1.amazonaws.com/";
    let target = ("x-amz-target", "secretsmanager.GetSecretValue");
    let kind = ("content-type", "application/x-amz-json-1.1");
    let body = r#"{"SecretId":"contoso-login-secret"}"#;
    let unsigned = stage.send(Method::POST, url, &[target, kind], body).await;
    assert_eq!((unsigned.status, &unsigned.body["__type"]), (400, &"MissingAuthenticationTokenException".into()));
    assert_eq!(unsigned.header("x-amzn-errortype"), "MissingAuthenticationTokenException");
    let key = &stage.cast.aws.access_key_id;
    let scope = |region: &str, service: &str| {
        format!("AWS4-HMAC-SHA256 Credential={key}/20261122/{region}/{service}/aws4_request, SignedHeaders=host;x-amz-date, Signature=00")
    };
    let cases = [
        ("AWS4-HMAC-SHA256 Credential=".to_owned() + key, "IncompleteSignatureException", "Credential must have exactly 5"),
        ("Bearer token".to_owned(), "IncompleteSignatureException", "Authorization header requires 'Credential'"),
        (scope("us-east-1", "secretsmanager"), "InvalidSignatureException", "valid region, not 'us-east-1'"),
        (scope("eu-central-1", "sqs"), "InvalidSignatureException", "correct service: 'secretsmanager'"),
        (scope("eu-central-1", "secretsmanager"), "InvalidSignatureException", "does not match the signature you provided"),
    ];
    for (authorization, code, words) in cases {
        let headers = [target, kind, ("authorization", authorization.as_str()), ("x-amz-date", "20261122T100000Z")];
        let answered = stage.send(Method::POST, url, &headers, body).await;
        assert_eq!((answered.status, answered.body["__type"].as_str()), (400, Some(code)), "{authorization}");
        assert!(answered.text.contains(words), "{}", answered.text);
    }
}

#[tokio::test(start_paused = true)]
async fn other_regions_and_operations_are_not_there() {
    let stage = Stage::new();
    assert!(!stage.simulator.serves("sqs.us-east-1.amazonaws.com") && !stage.simulator.serves("dynamodb.eu-central-1.amazonaws.com"));
    let listed = aws_sdk_sqs::Client::new(&config(&stage)).list_queues().send().await.expect_err("not modelled");
    assert_eq!(listed.raw_response().map(|response| response.status().as_u16()), Some(501));
}
