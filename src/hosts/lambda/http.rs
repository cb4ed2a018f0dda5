//! HTTP, from a function URL or API Gateway: the ops routes and Event Grid's webhook. None is open.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::{get, options, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::webhook;
use crate::callers::WebhookKeys;
use crate::delivery::Delivery;
use crate::error::{Code, Error};
use crate::hosts::Deployment;
use crate::hosts::coverage::Query;
use crate::hosts::http::{MOST_CALL_BYTES, answering_all, caller_refused, document, problem};
use crate::hosts::ops::{Call, LetIn};

/// What the HTTP routes share.
#[derive(Clone, Debug)]
pub(super) struct Face {
    pub deployment: Deployment,
    pub keys: Arc<WebhookKeys>,
}

/// Where an HTTP request came from, as the platform says it.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// Its time and id.
    pub delivery: Delivery,
    /// The ARN of a caller whose signature AWS has checked.
    pub iam: Option<String>,
    /// What the query asks for.
    pub query: Query,
}

/// The routes.
pub(super) fn router(face: Face) -> Router {
    let events = Router::new()
        .route("/api/events", post(webhook::deliver).merge(options(webhook::handshake)))
        .layer(DefaultBodyLimit::max(webhook::MOST_BYTES));
    let calls =
        Router::new().route("/api/onboard", post(onboard)).route("/api/offboard", post(offboard)).route("/api/coverage", get(coverage));
    answering_all(calls.layer(DefaultBodyLimit::max(MOST_CALL_BYTES)).merge(events)).with_state(face)
}

/// The longest path that is looked at. The longest that there is has 11 letters.
const LONGEST_PATH: usize = 1024;

/// What a request's query asks for, as the platform has read it. Several values of one name come with commas between them, and from a REST
/// API in a member of their own, beside one of them
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).
pub(super) fn query(payload: &Value) -> Query {
    let value = |name: &str| {
        let several = payload.pointer(&format!("/multiValueQueryStringParameters/{name}")).and_then(Value::as_array);
        let several = several.map(|values| values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","));
        let one = payload.pointer(&format!("/queryStringParameters/{name}")).and_then(Value::as_str).map(str::to_owned);
        several.or(one)
    };
    Query { tenant: value("tenant"), format: value("format") }
}

/// A request with what the routes read, and not with what a stranger may put there to no purpose: `lambda_http` panics on addresses that
/// cannot be; no route asks for the host, and queries are read by [`query`]. It panics on a body that is not the base64 it is said to be, too.
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

/// Whether a path says what it means: `lambda_http` resolves `..`, and `%2e%2e`, so that a route would be reached under another's name.
fn is_path(text: &str) -> bool {
    let is_plain = !text.contains('%') && !text.split('/').any(|segment| matches!(segment, "." | ".."));
    text.starts_with('/') && text.len() <= LONGEST_PATH && is_plain
}

/// Answers a request by the routes.
pub(super) async fn answer(router: Router, request: lambda_http::Request, delivery: Delivery, query: Query) -> Value {
    let context = request.extensions().get::<RequestContext>();
    let (iam, path) = (context.and_then(iam_caller), path_of(request.uri().path(), context.and_then(stage)));
    let mut request = request.map(Body::new);
    *request.uri_mut() = Uri::try_from(path).unwrap_or_default();
    request.extensions_mut().insert(Origin { delivery, iam, query });
    let Ok(response) = router.oneshot(request).await;
    outgoing(response).await
}

/// The answer of a function that is not set up.
pub(super) async fn unavailable(error: &Error) -> Value {
    outgoing(caller_refused(error, &HeaderMap::new())).await
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
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let (text, is_base64) = match parts.headers.contains_key(header::CONTENT_ENCODING) {
        true => (STANDARD.encode(&bytes), true),
        false => (String::from_utf8_lossy(&bytes).into_owned(), false),
    };
    if text.len() > MOST_ANSWERED {
        return too_large();
    }
    let headers: serde_json::Map<String, Value> =
        parts.headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), json!(value.to_str().ok()?)))).collect();
    json!({ "statusCode": parts.status.as_u16(), "headers": headers, "body": text, "isBase64Encoded": is_base64 })
}

/// Lambda hands on answers of up to 6 MB, as JSON in JSON
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const MOST_ANSWERED: usize = 4 * 1024 * 1024;

fn too_large() -> Value {
    let hint = "Send Accept-Encoding: gzip (`curl --compressed`), or read the report from its bucket.";
    let body = document(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the answer is larger than Lambda hands on", Some(hint));
    json!({
        "statusCode": 413, "headers": { "content-type": "application/problem+json" }, "body": body.to_string(), "isBase64Encoded": false,
    })
}

/// What the last sweep left of a tenant.
async fn coverage(State(face): State<Face>, Extension(origin): Extension<Origin>, headers: HeaderMap) -> Response {
    call(&face, &origin, &headers).coverage(&origin.query).await
}

/// An ops call over HTTP.
async fn onboard(
    State(face): State<Face>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    call(&face, &origin, &headers).onboard(body).await
}

/// An ops call that takes back. Being signed in by AWS is not enough for it.
async fn offboard(
    State(face): State<Face>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    call(&face, &origin, &headers).offboard(body).await
}

/// A call of an ops route.
fn call<'a>(face: &'a Face, origin: &Origin, headers: &'a HeaderMap) -> Call<'a> {
    Call { deployment: &face.deployment, let_in: LetIn::ByAws(origin.iam.clone()), headers, delivery: origin.delivery }
}
