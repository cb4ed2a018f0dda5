//! HTTP, from a function URL or API Gateway: the ops routes and Event Grid's webhook. None is open.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::{options, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::webhook;
use crate::Onboarder;
use crate::callers::{Callers, Role};
use crate::delivery::Delivery;
use crate::error::{Code, Error};
use crate::hosts::http::{MOST_CALL_BYTES, answer_call, caller_id, problem, unread};
use crate::hosts::take_up;
use crate::request::{Action, parse_call};

/// What the HTTP routes share.
#[derive(Clone, Debug)]
pub(super) struct Face {
    pub onboarder: Arc<Onboarder>,
    pub callers: Arc<Callers>,
}

/// Where an HTTP request came from, as the platform says it.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// Its time and id.
    pub delivery: Delivery,
    /// The ARN of a caller whose signature AWS has checked.
    pub iam: Option<String>,
}

/// The routes.
pub(super) fn router(face: Face) -> Router {
    let events = Router::new()
        .route("/api/events", post(webhook::deliver).merge(options(webhook::handshake)))
        .layer(DefaultBodyLimit::max(webhook::MOST_BYTES));
    Router::new().route("/api/onboard", post(onboard)).layer(DefaultBodyLimit::max(MOST_CALL_BYTES)).merge(events).with_state(face)
}

/// The longest path that is looked at. The longest that there is has 11 letters.
const LONGEST_PATH: usize = 1024;

/// A request with what the routes read, and not with what a stranger may put there to no purpose: `lambda_http` panics on addresses that
/// cannot be, and no route asks for host or query. It panics on a body that is not the base64 it is said to be, too.
///
/// # Errors
/// The answer to a body that cannot be decoded.
pub(super) fn tame(payload: &Value) -> Result<String, Error> {
    let mut payload = payload.clone();
    if let Some(members) = payload.as_object_mut() {
        members.retain(|name, _| !matches!(name.as_str(), "queryStringParameters" | "multiValueQueryStringParameters" | "rawQueryString"));
        for name in ["path", "rawPath"] {
            if let Some(path) = members.get_mut(name).filter(|path| !path.as_str().is_some_and(is_path)) {
                *path = json!("/");
            }
        }
        for name in ["headers", "multiValueHeaders"] {
            if let Some(headers) = members.get_mut(name).and_then(Value::as_object_mut) {
                headers.retain(|name, _| !name.eq_ignore_ascii_case("host") && !name.eq_ignore_ascii_case("x-forwarded-proto"));
            }
        }
        let body = members.get("body").and_then(Value::as_str).unwrap_or_default();
        if members.get("isBase64Encoded") == Some(&json!(true)) && STANDARD.decode(body).is_err() {
            return Err(Error::new(Code::InvalidEvent, "the body is not the base64 that it is said to be"));
        }
        if let Some(context) = members.get_mut("requestContext").and_then(Value::as_object_mut) {
            context.retain(|name, _| name != "domainName");
        }
    }
    Ok(payload.to_string())
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && text.len() <= LONGEST_PATH
}

/// Answers a request by the routes.
pub(super) async fn answer(router: Router, request: lambda_http::Request, delivery: Delivery) -> Value {
    let context = request.extensions().get::<RequestContext>();
    let (iam, path) = (context.and_then(iam_caller), path_of(request.uri().path(), context.and_then(stage)));
    let mut request = request.map(Body::new);
    *request.uri_mut() = Uri::try_from(path).unwrap_or_default();
    request.extensions_mut().insert(Origin { delivery, iam });
    let Ok(response) = router.oneshot(request).await;
    outgoing(response).await
}

/// The answer of a function that is not set up.
pub(super) async fn unavailable(error: &Error) -> Value {
    outgoing(refusal(error)).await
}

/// The answer to a request that no route can read.
pub(super) async fn unreadable(error: &Error) -> Value {
    outgoing(problem(StatusCode::BAD_REQUEST, error)).await
}

/// The path without the stage, which API Gateway puts before it, but for the one called `$default`
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html>).
fn path_of(path: &str, stage: Option<&str>) -> String {
    let below = stage.and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage)).filter(|below| below.starts_with("/api/"));
    below.unwrap_or(path).to_owned()
}

fn stage(context: &RequestContext) -> Option<&str> {
    match context {
        RequestContext::ApiGatewayV2(context) => context.stage.as_deref(),
        RequestContext::ApiGatewayV1(context) => context.stage.as_deref(),
        _ => None,
    }
}

/// The caller whose signature AWS has checked, where the URL or route asks for that.
fn iam_caller(context: &RequestContext) -> Option<String> {
    match context {
        RequestContext::ApiGatewayV2(context) => context.authorizer.as_ref()?.iam.as_ref()?.user_arn.clone(),
        RequestContext::ApiGatewayV1(context) => context.identity.user_arn.clone(),
        _ => None,
    }
}

/// An HTTP answer as function URLs and API Gateway take it
/// (<https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>).
async fn outgoing(response: Response) -> Value {
    let (parts, body) = response.into_parts();
    let text = to_bytes(body, usize::MAX).await.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let headers: serde_json::Map<String, Value> =
        parts.headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), json!(value.to_str().ok()?)))).collect();
    json!({ "statusCode": parts.status.as_u16(), "headers": headers, "body": text, "isBase64Encoded": false })
}

/// An ops call over HTTP.
async fn onboard(
    State(face): State<Face>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unread(&rejection),
    };
    let caller = match origin.delivery.run(face.callers.of_call(origin.iam.as_deref(), &headers, &[Role::Onboard])).await {
        Ok(caller) => caller,
        Err(error) => return refusal(&error),
    };
    let inbound = parse_call(&body, Action::Onboard, caller_id(&headers, origin.delivery.id));
    match &inbound.request {
        Err(refusal) => problem(StatusCode::BAD_REQUEST, &refusal.error),
        Ok(request) => match caller.may_name(request.tenant) {
            Err(error) => refusal(&error),
            Ok(()) => {
                tracing::info!(%caller, tenant = %request.tenant, scope = %request.scope, "called");
                answer_call(take_up(&face.onboarder, "Onboard", inbound, origin.delivery).await)
            }
        },
    }
}

/// Answers a caller who is not known, not permitted, or cannot be checked now: that is 503, so that a delivery comes again. What is the
/// matter then is for the log, since whoever asks is not known yet.
pub(super) fn refusal(error: &Error) -> Response {
    let status = match error.code {
        Code::NotAuthenticated => StatusCode::UNAUTHORIZED,
        Code::NotPermitted => StatusCode::FORBIDDEN,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    tracing::warn!(status = status.as_u16(), code = error.code.as_str(), reason = error.message, hint = error.hint, "caller refused");
    let words = "the caller cannot be checked now, and nothing was done";
    let unchecked = Error::new(error.code, words).hint("Try again later; the function's log has the reason.");
    let mut response = problem(status, if status == StatusCode::SERVICE_UNAVAILABLE { &unchecked } else { error });
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(after) = error.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs()));
    }
    response
}
