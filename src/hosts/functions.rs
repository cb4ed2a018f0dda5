//! The Azure Functions custom handler
//! (<https://learn.microsoft.com/azure/azure-functions/functions-custom-handlers>).

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::http::{MOST_CALL_BYTES, Readiness, answer_call, caller_id, invocation_id, problem, unread};
use super::take_up;
use crate::delivery::Delivery;
use crate::error::Error;
use crate::request::{Action, Envelope, parse_call, parse_value};
use crate::take_up::{Ending, TakenUp};

/// Event Grid sends at most 1 MB; as text inside JSON inside JSON it can grow fourfold.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The routes of the handler: one for each function folder, and `/`, which the host polls until something answers.
pub fn router(readiness: Readiness) -> Router {
    let calls = Router::new().route("/api/onboard", post(onboard)).layer(DefaultBodyLimit::max(MOST_CALL_BYTES));
    Router::new()
        .route("/", get(|| async { "ispm-onboarder" }))
        .route("/OnOnboardingEvent", post(on_event))
        .route("/OnOnboardingMessage", post(on_message))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .merge(calls)
        .with_state(readiness)
}

/// An Event Grid delivery.
async fn on_event(State(readiness): State<Readiness>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    on_trigger(&readiness, "OnOnboardingEvent", "event", &headers, body).await
}

/// A message of the queue: a request that was put back, or an event that Event Grid put there.
async fn on_message(State(readiness): State<Readiness>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    on_trigger(&readiness, "OnOnboardingMessage", "message", &headers, body).await
}

async fn on_trigger(
    readiness: &Readiness,
    function: &str,
    binding: &str,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unread(&rejection),
    };
    let delivery = Delivery::starting(invocation_id(headers));
    let onboarder = match readiness.onboarder().await {
        Ok(onboarder) => onboarder,
        Err(answer) => return answer,
    };
    let envelope = Envelope::read(&body);
    let value = match envelope.as_ref().map_err(Clone::clone).and_then(|envelope| envelope.binding(binding)) {
        Ok(value) => value,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error),
    };
    let mut taken = Vec::new();
    for (position, inbound) in parse_value(value).into_iter().enumerate() {
        taken.push(take_up(&onboarder, function, inbound, delivery.part(position)).await);
    }
    answer_trigger(&taken)
}

/// An ops call.
async fn onboard(State(readiness): State<Readiness>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unread(&rejection),
    };
    let delivery = Delivery::starting(invocation_id(&headers));
    let onboarder = match readiness.onboarder().await {
        Ok(onboarder) => onboarder,
        Err(answer) => return answer,
    };
    let inbound = parse_call(&body, Action::Onboard, caller_id(&headers, delivery.id));
    match &inbound.request {
        Err(refusal) => problem(StatusCode::BAD_REQUEST, &refusal.error),
        Ok(_) => answer_call(take_up(&onboarder, "Onboard", inbound, delivery).await),
    }
}

/// Answers a trigger. A non-2xx answer makes the platform deliver again, and Event Grid hold back all deliveries of this endpoint: it is
/// given only where an input could neither be finished nor put back.
fn answer_trigger(taken: &[TakenUp]) -> Response {
    let unfinished: Vec<&Error> = taken
        .iter()
        .filter_map(|taken| match &taken.ending {
            Ending::Unfinished(error) => Some(error),
            _ => None,
        })
        .collect();
    if let Some(error) = unfinished.first() {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, error);
    }
    let logs: Vec<String> = taken.iter().flat_map(lines).collect();
    Json(json!({ "Outputs": {}, "Logs": logs, "ReturnValue": null })).into_response()
}

/// What the host shows as the invocation's log: what was asked, a line for each step, and one for the end.
fn lines(taken: &TakenUp) -> Vec<String> {
    let asked = taken.request.as_ref().map(|request| format!("{} {}", request.action, request.scope));
    let mut lines: Vec<String> = asked.into_iter().chain(taken.log.iter().cloned()).collect();
    lines.push(match &taken.ending {
        Ending::Published { outcome, .. } => match &outcome.error {
            Some(error) => format!("{}: {}", outcome.kind.word(), error.message),
            None => outcome.kind.word().to_owned(),
        },
        Ending::Later { error, delay } => format!("later{}: {}", delay.map(in_seconds).unwrap_or_default(), error.message),
        Ending::Queued => "queued".to_owned(),
        Ending::Ignored(error) => format!("ignored: {}", error.message),
        Ending::Unfinished(error) => format!("unfinished: {}", error.message),
    });
    lines
}

fn in_seconds(delay: Duration) -> String {
    format!(" in {} s", delay.as_secs())
}
