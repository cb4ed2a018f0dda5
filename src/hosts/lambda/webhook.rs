//! Event Grid's webhook (<https://learn.microsoft.com/azure/event-grid/webhook-event-delivery>): both handshakes, both schemas.
//!
//! A delivery is checked, put into the queue, and answered; the work is done from there. 400, 401, 403 and 413 are never delivered again,
//! so that they are answered only for what can never be taken.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::http::{Face, Origin};
use crate::Onboarder;
use crate::callers::Caller;
use crate::delivery::Delivery;
use crate::error::{Code, Error};
use crate::hosts::http::{caller_refused, not_now, problem, unread};
use crate::hosts::{SIDE_BY_SIDE, hand_on};
use crate::request::{History, Inbound, Refusal, Request, parse};
use crate::scope::Guid;
use crate::take_up::Ending;

/// The largest body that is taken. Event Grid sends at most 1 MB (<https://learn.microsoft.com/azure/event-grid/quotas-limits>).
pub(super) const MOST_BYTES: usize = 1024 * 1024 + 64 * 1024;
/// Who asks whether CloudEvents may be sent here
/// (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md#41-validation-request>).
const REQUEST_ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
/// The longest validation code that is repeated. Event Grid's are GUIDs.
const LONGEST_CODE: usize = 128;

/// `OPTIONS`: the handshake of CloudEvents. It allows nobody anything: each delivery is checked for itself.
pub(super) async fn handshake(State(face): State<Face>, headers: HeaderMap) -> Response {
    let event_grid = face.deployment.cloud.event_grid_suffix();
    let asked = headers.get(&REQUEST_ORIGIN).and_then(|origin| origin.to_str().ok());
    if asked.is_none_or(|origin| origin != event_grid) {
        let error = Error::new(Code::NotPermitted, "only Event Grid's deliveries are taken here").hint("Deliver through Event Grid.");
        return problem(StatusCode::FORBIDDEN, &error);
    }
    (StatusCode::OK, [("webhook-allowed-origin", event_grid), ("webhook-allowed-rate", "*")]).into_response()
}

/// `POST`: a delivery, or the handshake of Event Grid's own schema.
pub(super) async fn deliver(
    State(face): State<Face>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unread(&rejection),
    };
    if headers.get("aeg-event-type").is_some_and(|kind| kind == "SubscriptionValidation") {
        return validation(&body);
    }
    let recognising = face.deployment.callers.of_delivery(&face.keys, origin.iam.as_deref(), &headers);
    let caller = match origin.delivery.run(recognising).await {
        Ok(caller) => caller,
        Err(error) => return caller_refused(&error, &headers),
    };
    take_in(&face.deployment.onboarder, &caller, origin.delivery, &body).await
}

/// The handshake repeats the code. The address that comes with it, at which anybody could confirm by hand, is not called.
fn validation(body: &[u8]) -> Response {
    let events: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = events.pointer("/0/data/validationCode").and_then(Value::as_str);
    match code.filter(|code| !code.is_empty() && code.len() <= LONGEST_CODE && code.chars().all(|c| c.is_ascii_graphic())) {
        Some(code) => Json(json!({ "validationResponse": code })).into_response(),
        None => problem(StatusCode::BAD_REQUEST, &Error::new(Code::InvalidEvent, "the subscription validation has no validation code")),
    }
}

/// Puts each event into the queue. One that its sender may not send is refused, and does not keep the others out.
async fn take_in(onboarder: &Arc<Onboarder>, caller: &Caller, delivery: Delivery, body: &[u8]) -> Response {
    let (mut allowed, mut refused) = (Vec::new(), None);
    for (position, inbound) in events(body).enumerate() {
        match tenant(&inbound).map(|tenant| caller.may_name(tenant)) {
            Some(Err(error)) => {
                tracing::warn!(caller = %caller, cause = inbound.cause.id, reason = error.message, "delivery refused");
                refused = Some(error);
            }
            _ => allowed.push(hand_on(onboarder, "Events", inbound, delivery.part(position))),
        }
    }
    let endings: Vec<Ending> = stream::iter(allowed).buffer_unordered(SIDE_BY_SIDE).map(|taken| taken.ending).collect().await;
    let queued = endings.iter().filter(|ending| matches!(ending, Ending::Queued)).count();
    let unfinished = endings.into_iter().find_map(|ending| match ending {
        Ending::Unfinished(error) => Some(error),
        _ => None,
    });
    match (unfinished, refused) {
        (Some(error), _) => not_now(error.code, "not all of the delivery could be put into the queue"),
        (None, Some(error)) => problem(StatusCode::FORBIDDEN, &error),
        (None, None) => Json(json!({ "queued": queued })).into_response(),
    }
}

/// The tenant that an event names, also where the rest of it cannot be read: a failure is published under that tenant's name.
fn tenant(inbound: &Inbound) -> Option<Guid> {
    match &inbound.request {
        Ok(request) => Some(request.tenant),
        Err(refusal) => refusal.tenant,
    }
}

/// The events of a body, each as new: what a sender says of earlier tries has no effect.
fn events(body: &[u8]) -> impl Iterator<Item = Inbound> {
    let as_new = |request| Request { history: History::default(), ..request };
    // What waits for a newer version of this program is put there by this program alone.
    let as_read_now = |refusal: Box<Refusal>| match (&refusal.kept, &refusal.nameless) {
        (Some(_), _) => Error::new(Code::InvalidEvent, "the event is a message of this program's own, of another version").into(),
        // Whom its sender may speak for cannot be judged, whichever tenant is the only one here.
        (None, Some(_)) => refusal.error.into(),
        (None, None) => refusal,
    };
    parse(body).into_iter().map(move |inbound| Inbound { request: inbound.request.map(as_new).map_err(as_read_now), ..inbound })
}
