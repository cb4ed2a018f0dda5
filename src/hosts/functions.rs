//! The Azure Functions custom handler
//! (<https://learn.microsoft.com/azure/azure-functions/functions-custom-handlers>).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::coverage::Query;
use super::http::{MOST_CALL_BYTES, Readiness, answering_all, invocation_id, problem, unread};
use super::ops::{Call, LetIn};
use super::sweep::sweep;
use super::{Deployment, hand_on_entries, take_up};
use crate::Onboarder;
use crate::delivery::Delivery;
use crate::error::Error;
use crate::request::{Envelope, Inbound, parse_value};
use crate::take_up::{Ending, TakenUp};

/// How long a sweep may take: less than `functionTimeout` in host.json.
const TO_SWEEP: Duration = Duration::from_secs(570);
/// Event Grid sends at most 1 MB; as text inside JSON inside JSON it can grow fourfold.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// An event of Event Hubs holds at most 1 MB, and host.json has the host hand on ten at once; as text inside JSON they grow, seldom
/// twofold.
const MOST_LOG_BYTES: usize = 32 * 1024 * 1024;

/// The routes of the handler: one for each function folder, and `/`, which the host polls until something answers.
pub fn router(readiness: Readiness) -> Router {
    let calls = Router::new()
        .route("/api/onboard", post(onboard))
        .route("/api/coverage", get(coverage))
        .route("/api/offboard", post(offboard))
        .layer(DefaultBodyLimit::max(MOST_CALL_BYTES));
    let all = Router::new()
        .route("/", get(|| async { "ispm-onboarder" }))
        .route("/OnOnboardingEvent", post(on_event))
        .route("/OnOnboardingMessage", post(on_message))
        .route("/Sweep", post(on_timer))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .merge(Router::new().route("/OnActivityLog", post(on_activity_log)).layer(DefaultBodyLimit::max(MOST_LOG_BYTES)))
        .merge(calls);
    answering_all(all).with_state(readiness)
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
    let (onboarder, delivery, inputs) = match received(readiness, binding, headers, body).await {
        Ok(received) => received,
        Err(answer) => return answer,
    };
    let mut taken = Vec::new();
    for (position, inbound) in inputs.into_iter().enumerate() {
        taken.push(take_up(&onboarder, function, inbound, delivery.part(position)).await);
    }
    answer_trigger(&taken, 0)
}

/// Entries of the management groups' activity log. They are only put into the queue: an event hub has no time for the work, and brings
/// again a whole batch or nothing.
async fn on_activity_log(State(readiness): State<Readiness>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    let (onboarder, delivery, entries) = match received(&readiness, "records", &headers, body).await {
        Ok(received) => received,
        Err(answer) => return answer,
    };
    let (taken, ignored) = hand_on_entries(&onboarder, "OnActivityLog", entries, delivery).await;
    answer_trigger(&taken, ignored)
}

/// What a call of the host brings in a binding, and who is to work on it; or the answer to a call that cannot be read.
async fn received(
    readiness: &Readiness,
    binding: &str,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(Arc<Onboarder>, Delivery, Vec<Inbound>), Response> {
    let body = body.map_err(|rejection| unread(&rejection))?;
    let delivery = Delivery::starting(invocation_id(headers));
    let onboarder = readiness.deployment().await?.onboarder;
    let envelope = Envelope::read(&body);
    let value = envelope.as_ref().map_err(Clone::clone).and_then(|envelope| envelope.binding(binding));
    let value = value.map_err(|error| problem(StatusCode::BAD_REQUEST, &error))?;
    Ok((onboarder, delivery, parse_value(value)))
}

/// The timer of the sweep.
async fn on_timer(State(readiness): State<Readiness>, headers: HeaderMap) -> Response {
    let onboarder = match readiness.deployment().await {
        Ok(deployment) => deployment.onboarder,
        Err(answer) => return answer,
    };
    match sweep(&onboarder, invocation_id(&headers), TO_SWEEP).await {
        Ok(logs) => Json(json!({ "Outputs": {}, "Logs": logs, "ReturnValue": null })).into_response(),
        Err(error) => {
            tracing::error!(function = "Sweep", code = error.code.as_str(), reason = error.message, hint = error.hint, "not swept");
            problem(StatusCode::INTERNAL_SERVER_ERROR, &error)
        }
    }
}

/// What the last sweep left of a tenant.
async fn coverage(State(readiness): State<Readiness>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    match readiness.deployment().await {
        Ok(deployment) => call(&deployment, &headers).coverage(&Query::of(&query.unwrap_or_default())).await,
        Err(answer) => answer,
    }
}

/// An ops call.
async fn onboard(State(readiness): State<Readiness>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    match readiness.deployment().await {
        Ok(deployment) => call(&deployment, &headers).onboard(body).await,
        Err(answer) => answer,
    }
}

/// An ops call that takes back.
async fn offboard(State(readiness): State<Readiness>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    match readiness.deployment().await {
        Ok(deployment) => call(&deployment, &headers).offboard(body).await,
        Err(answer) => answer,
    }
}

/// A call of an ops route, whose key the host has checked: `authLevel` in its function.json.
fn call<'a>(deployment: &'a Deployment, headers: &'a HeaderMap) -> Call<'a> {
    Call { deployment, let_in: LetIn::ByKey, headers, delivery: Delivery::starting(invocation_id(headers)) }
}

/// Answers a trigger. A non-2xx answer makes the platform deliver again, and Event Grid hold back all deliveries of this endpoint: it is
/// given only where an input could neither be finished nor put back. `ignored` counts what was not for this project and is not among them.
fn answer_trigger(taken: &[TakenUp], ignored: usize) -> Response {
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
    let ignored = (ignored > 0).then(|| format!("ignored: {ignored} entries"));
    let logs: Vec<String> = taken.iter().flat_map(lines).chain(ignored).collect();
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
