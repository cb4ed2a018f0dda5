//! What the HTTP faces of all hosts share: readiness, ids, answers.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::SetOnce;
use uuid::Uuid;

use super::Deployment;
use crate::callers::bearer;
use crate::error::{Code, Error};
use crate::result_event::Kind;
use crate::take_up::{Ending, TakenUp};

/// The largest body of an ops call.
pub(super) const MOST_CALL_BYTES: usize = 64 * 1024;

/// When a caller may ask again for what could neither be done nor put back, where the service that failed does not say.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// The deployment, once it is set up; until then its routes wait. The port answers before that.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<SetOnce<Result<Deployment, String>>>);

impl Readiness {
    /// A host that is ready at once.
    #[must_use]
    pub fn ready(deployment: Deployment) -> Self {
        let readiness = Self::default();
        readiness.set(Ok(deployment));
        readiness
    }

    /// Ends the waiting; only the first call counts.
    pub fn set(&self, result: Result<Deployment, String>) {
        let _ = self.0.set(result);
    }

    /// The deployment, or the answer that says what is wrong with the configuration.
    pub(super) async fn deployment(&self) -> Result<Deployment, Response> {
        self.0.wait().await.clone().map_err(|words| problem(StatusCode::SERVICE_UNAVAILABLE, &not_configured(words)))
    }
}

/// What a function with a wrong configuration answers.
pub(super) fn not_configured(words: String) -> Error {
    Error::new(Code::NotConfigured, words).hint("Correct the function's settings and restart it; docs/configuration.md lists them.")
}

/// The invocation's id as the Functions host gives it, else a new one.
pub(super) fn invocation_id(headers: &HeaderMap) -> Uuid {
    text(headers, "x-azure-functions-invocationid").and_then(|id| Uuid::try_parse(id).ok()).unwrap_or_else(Uuid::new_v4)
}

/// The id by which a caller knows its call, else the invocation's.
pub(super) fn caller_id(headers: &HeaderMap, invocation: Uuid) -> String {
    let given = text(headers, "x-ms-client-request-id").filter(|id| !id.is_empty() && id.len() <= 128);
    given.map_or_else(|| invocation.to_string(), str::to_owned)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Answers an ops call: 200 with the result event, 202 when it is queued for later, else a problem document.
pub(super) fn answer_call(taken: TakenUp) -> Response {
    match taken.ending {
        Ending::Published { outcome, event } => match (outcome.kind, &outcome.error) {
            (Kind::Blocked, Some(error)) => problem(StatusCode::CONFLICT, error),
            (Kind::Failed | Kind::TenantFailed, Some(error)) => problem(refusal(error.code), error),
            _ => (StatusCode::OK, [(header::CONTENT_TYPE, "application/cloudevents+json; charset=utf-8")], json!(event).to_string())
                .into_response(),
        },
        Ending::Later { error, delay: Some(delay) } => {
            let seconds = delay.as_secs();
            let body =
                json!({ "status": "later", "code": error.code, "message": error.message, "hint": error.hint, "retryInSeconds": seconds });
            (StatusCode::ACCEPTED, [(header::RETRY_AFTER, seconds.to_string())], Json(body)).into_response()
        }
        Ending::Queued => (StatusCode::ACCEPTED, Json(json!({ "status": "queued" }))).into_response(),
        Ending::Later { error, delay: None } | Ending::Unfinished(error) => {
            let after = error.retry_after.unwrap_or(ASK_AGAIN_AFTER).as_secs();
            let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, &error);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after));
            response
        }
        Ending::Ignored(error) => problem(StatusCode::BAD_REQUEST, &error),
    }
}

/// Answers a caller who is not known, not permitted, asks too often, or cannot be checked now: that is 503, so that a delivery comes again.
/// What is the matter then is for the log, since whoever asks is not known yet. 401 says whether the token that came was of no use
/// (RFC 6750, section 3).
pub(super) fn caller_refused(error: &Error, headers: &HeaderMap) -> Response {
    let status = match error.code {
        Code::NotAuthenticated => StatusCode::UNAUTHORIZED,
        Code::NotPermitted => StatusCode::FORBIDDEN,
        Code::TooManyCalls => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    tracing::warn!(status = status.as_u16(), code = error.code.as_str(), reason = error.message, hint = error.hint, "caller refused");
    let mut response = match status {
        StatusCode::SERVICE_UNAVAILABLE => not_now(error.code, "the caller cannot be checked now, and nothing was done"),
        _ => problem(status, error),
    };
    if status == StatusCode::UNAUTHORIZED {
        let challenge = if bearer(headers).is_some() { r#"Bearer error="invalid_token""# } else { "Bearer" };
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if let Some(after) = error.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs()));
    }
    response
}

/// Answers whoever need not know what is the matter with this deployment: that, with its hint, is for the log.
pub(super) fn not_now(code: Code, words: &str) -> Response {
    let told = Error::new(code, words).hint("Try again later; the function's log has the reason.");
    problem(StatusCode::SERVICE_UNAVAILABLE, &told)
}

/// A body that was not read to its end: too large, broken off, or too slow.
pub(super) fn unread(rejection: &BytesRejection) -> Response {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let hint = "Send less at once; docs/operate.md says how much is taken.";
            refused(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the body is larger than what is taken here", hint)
        }
        status => refused(status, "body-unread", "the body broke off before its end, or took too long", "Send it again."),
    }
}

/// Answers what no route takes, too, with a problem document. A wrong method's answer has `Allow`.
pub(super) fn answering_all<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    let not_found = || async {
        let hint = "docs/operate.md lists the routes.";
        refused(StatusCode::NOT_FOUND, "not-found", "there is nothing at this address", hint)
    };
    let not_allowed = || async {
        let hint = "The Allow header has the methods that are taken here.";
        refused(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this address does not take this method", hint)
    };
    router.fallback(not_found).method_not_allowed_fallback(not_allowed)
}

const fn refusal(code: Code) -> StatusCode {
    match code {
        Code::InvalidEvent | Code::InvalidScope => StatusCode::BAD_REQUEST,
        Code::TenantNotServed | Code::ForeignScope => StatusCode::FORBIDDEN,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// A problem document (RFC 9457) about a failure.
pub(super) fn problem(status: StatusCode, error: &Error) -> Response {
    as_problem(status, &document(status, &error.code.as_str(), &error.message, error.hint.as_deref()))
}

/// A problem document about what HTTP itself has a status for.
fn refused(status: StatusCode, code: &str, words: &str, hint: &str) -> Response {
    as_problem(status, &document(status, code, words, Some(hint)))
}

/// The members of a problem document.
pub(super) fn document(status: StatusCode, code: &str, detail: &str, hint: Option<&str>) -> Value {
    let mut body = json!({
        "type": format!("urn:ispm-onboarder:problem:{code}"),
        "title": code.replace('-', " "),
        "status": status.as_u16(),
        "detail": detail,
        "code": code,
    });
    if let Some(hint) = hint {
        body["hint"] = json!(hint);
    }
    body
}

fn as_problem(status: StatusCode, document: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/problem+json")], document.to_string()).into_response()
}
