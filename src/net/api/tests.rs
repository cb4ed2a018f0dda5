use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use azure_core::http::headers::{Headers, RETRY_AFTER};
use azure_core::http::{AsyncRawResponse, HttpClient, Method};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::net::{Invocation, Posts, pipeline};

/// A service that answers always the same, and counts.
#[derive(Debug)]
struct Service {
    status: u16,
    headers: Headers,
    body: String,
    calls: AtomicUsize,
}

#[async_trait]
impl HttpClient for Service {
    async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(AsyncRawResponse::from_bytes(StatusCode::from(self.status), self.headers.clone(), self.body.clone()))
    }
}

fn service(status: u16, body: &str) -> Service {
    let mut headers = Headers::new();
    headers.insert(REQUEST_ID, "b1b5");
    headers.insert(RETRY_AFTER, "7");
    Service { status, headers, body: body.to_owned(), calls: AtomicUsize::default() }
}

fn refusal(code: &str) -> String {
    json!({"error": {"code": code, "message": "hunter2"}}).to_string()
}

async fn sent(name: &'static str, method: Method, service: &Arc<Service>) -> Result<Answer, Error> {
    let transport: Arc<dyn HttpClient> = service.clone();
    let request = Request::new("https://management.azure.com/".parse().unwrap(), method);
    Api::new(pipeline(&transport, Posts::Create, None)).send(name, request).await
}

async fn get(status: u16, body: &str) -> Result<Answer, Error> {
    sent("arm.subscription.get", Method::Get, &Arc::new(service(status, body))).await
}

#[tokio::test(start_paused = true)]
async fn every_status_is_an_answer_except_those_that_may_pass() {
    for status in [200, 301, 400, 404, 409] {
        let answer = get(status, "{\"a\": 1}").await.unwrap();
        assert_eq!((answer.status(), answer.header(&REQUEST_ID), answer.header(&RETRY_AFTER)), (status, Some("b1b5"), Some("7")));
        assert_eq!(answer.json::<Value>().unwrap(), json!({"a": 1}));
        let shown = format!("{answer:?}");
        assert!(shown.contains("arm.subscription.get") && !shown.contains("b1b5") && !shown.contains("\"a\""), "{shown}");
    }
    let broken = get(200, "<html>").await.unwrap().json::<Value>().unwrap_err();
    assert_eq!((broken.code, &*broken.message), (Code::Unavailable, "arm.subscription.get answered 200 with a body that cannot be read"));
    for (status, code, words) in [
        (503, Code::Unavailable, "arm.subscription.get did not work (503 ServerBusy, request id b1b5)"),
        (408, Code::Unavailable, "arm.subscription.get was refused (408 ServerBusy, request id b1b5)"),
        (429, Code::Throttled, "arm.subscription.get was throttled (429 ServerBusy, request id b1b5)"),
    ] {
        let failure = get(status, &refusal("ServerBusy")).await.unwrap_err();
        assert_eq!((failure.code, &*failure.message, failure.retry_after), (code, words, Some(std::time::Duration::from_secs(7))));
    }
}

#[tokio::test(start_paused = true)]
async fn our_guard_repeats_and_counts_and_nothing_else_does() {
    for (method, calls) in [(Method::Get, 3), (Method::Post, 1)] {
        let service = Arc::new(service(503, ""));
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(25);
        let (done, noted) = Invocation::new(Uuid::nil(), deadline).run(sent("arm.subscription.get", method, &service)).await;
        assert!(done.unwrap().is_err());
        assert_eq!((service.calls.load(Ordering::Relaxed), noted.len()), (calls, calls), "{method:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_shows_azures_word_and_id_and_no_text_of_anybody() {
    let answer = get(403, &refusal("AuthorizationFailed")).await.unwrap();
    assert_eq!(answer.error_code().as_deref(), Some("AuthorizationFailed"));
    let shown = answer.refusal(Code::AuthorizationFailed, "reading was denied");
    assert_eq!((shown.code, &*shown.message), (Code::AuthorizationFailed, "reading was denied (403 AuthorizationFailed, request id b1b5)"));
    assert_eq!(
        answer.failure(Code::UnexpectedAnswer).message,
        "arm.subscription.get was refused (403 AuthorizationFailed, request id b1b5)"
    );
    for wordless in [refusal("two words"), refusal(""), "{}".to_owned(), "<html>".to_owned()] {
        assert_eq!(get(403, &wordless).await.unwrap().error_code(), None, "{wordless}");
    }
    let of_ispm = sent("ispm.connections.list", Method::Get, &Arc::new(service(403, &refusal("eyJ0eXAi")))).await.unwrap();
    assert_eq!(of_ispm.failure(Code::IspmRefused).message, "ispm.connections.list was refused (403)");
}

#[test]
fn a_plain_word_is_short_and_of_the_characters_of_codes() {
    let longest = "x".repeat(64);
    for word in ["AuthorizationFailed", "a.b_c-9", &longest] {
        assert_eq!(plain_word(word), Some(word));
    }
    for other in ["", "two words", "<b>", "é", "a/b", &format!("{longest}x")] {
        assert_eq!(plain_word(other), None, "{other}");
    }
}

/// What is told of a failure of the SDK.
fn told(error: &SdkError) -> (Code, String) {
    let told = from_sdk(error, "key-vault.secret.get");
    (told.code, told.message)
}

fn answered(status: u16, error_code: Option<&str>) -> ErrorKind {
    let error_code = error_code.map(str::to_owned);
    ErrorKind::HttpResponse { status: StatusCode::from(status), error_code, raw_response: None }
}

#[test]
fn failures_of_the_sdk_are_told_by_their_kind() {
    let plain = |kind| told(&SdkError::with_message(kind, "hunter2"));
    for (kind, code, words) in [
        (ErrorKind::Connection, Code::Unavailable, ": no connection"),
        (ErrorKind::Io, Code::Unavailable, ": the connection broke before the answer was complete"),
        (ErrorKind::Credential, Code::Unavailable, ": no token could be had"),
        (ErrorKind::DataConversion, Code::Unavailable, ": an answer that cannot be read"),
        (answered(429, None), Code::Throttled, " answered 429"),
        (answered(503, None), Code::Unavailable, " answered 503"),
        (answered(403, Some("Forbidden")), Code::UnexpectedAnswer, " answered 403"),
    ] {
        assert_eq!(plain(kind), (code, format!("key-vault.secret.get{words}")));
    }
}

#[test]
fn a_token_that_could_not_be_had_is_told_by_what_lies_below() {
    let below = |inner: SdkError| told(&SdkError::new(ErrorKind::Credential, inner));
    let refused = |status, numbers| below(SdkError::with_message(answered(status, numbers), "hunter2"));
    let name = "key-vault.secret.get";
    let words = format!("{name}: the token request was answered 401 AADSTS7000215, AADSTS50012");
    assert_eq!(refused(401, Some("7000215,50012")), (Code::CredentialRefused, words));
    assert_eq!(refused(401, Some("<b>, x y")), (Code::CredentialRefused, format!("{name}: the token request was answered 401")));
    assert_eq!(refused(401, None), (Code::CredentialRefused, format!("{name}: the token request was answered 401")));
    assert_eq!(refused(503, None), (Code::Unavailable, format!("{name}: the token request was answered 503")));
    // Only an answer tells that the credential was refused.
    let broken = SdkError::with_message(ErrorKind::Io, "hunter2");
    assert_eq!(below(broken), (Code::Unavailable, format!("{name}: no token could be had")));
    let own = SdkError::new(ErrorKind::Credential, Error::new(Code::SecretMissing, "our own words"));
    assert_eq!(below(own), (Code::SecretMissing, "our own words".to_owned()));
}
