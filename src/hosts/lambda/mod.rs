//! The AWS Lambda function.
//!
//! One function takes all that comes: batches of the queue, where events are worked on; calls by hand, which are worked on at once, since
//! somebody waits for the answer; and HTTP from a function URL or API Gateway. They are told apart by what they are. Events that nobody waits
//! for and that arrive in another way than by the queue are put there first, since only the queue keeps what could not be finished.

mod batch;
mod http;
mod runtime;
mod webhook;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use super::http::{answer_call, not_configured};
use super::sweep::sweep;
use super::{Deployment, hand_on_entries, take_up};
use crate::Onboarder;
use crate::callers::WebhookKeys;
use crate::delivery::Delivery;
use crate::error::{Code, Error};
use crate::request::{Action, Inbound, parse_call, parse_value};
use crate::take_up::Ending;
use http::Face;

pub use runtime::serve;

/// What has to be left of the invocation's time when everything has ended, for the answer to reach the platform.
const ROOM_TO_ANSWER: Duration = Duration::from_secs(1);
const SHAPES: &str = "Expected a batch of SQS records, an HTTP request of a function URL or API Gateway, an EventBridge event, \
                      a requested event, {\"command\": \"sweep\"}, or {\"tenantId\": \"…\", \"scope\": \"…\"}; see docs/events.md.";

/// An invocation that failed: the platform records it as a function error, and delivers again where it does that.
#[derive(Debug)]
pub struct FunctionError(pub Error);

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = self.0.hint.as_deref().map(|hint| format!(" {hint}")).unwrap_or_default();
        write!(f, "{}{hint}", self.0.message)
    }
}

/// The function, set up once for each execution environment; or why it is not.
#[derive(Clone, Debug)]
pub struct LambdaFunction(Result<Ready, Error>);

#[derive(Clone, Debug)]
struct Ready {
    onboarder: Arc<Onboarder>,
    router: Router,
}

impl LambdaFunction {
    /// A function that serves this deployment, and takes deliveries over HTTP with these keys.
    #[must_use]
    pub fn new(deployment: Deployment, keys: WebhookKeys) -> Self {
        let onboarder = deployment.onboarder.clone();
        let face = Face { deployment, keys: Arc::new(keys) };
        Self(Ok(Ready { onboarder, router: http::router(face) }))
    }

    /// A function whose configuration is wrong: it answers each invocation with what is.
    #[must_use]
    pub fn not_set_up(words: String) -> Self {
        Self(Err(not_configured(words)))
    }

    /// Answers one invocation.
    ///
    /// # Errors
    /// [`FunctionError`] where nothing could be finished or kept, or where the payload is of no known shape.
    pub async fn invoke(&self, payload: &Value, request_id: &str, time: Duration) -> Result<Value, FunctionError> {
        let id = Uuid::try_parse(request_id).unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, request_id.as_bytes()));
        let delivery = Delivery::within(id, time.saturating_sub(ROOM_TO_ANSWER));
        if payload.get("requestContext").is_some_and(Value::is_object) {
            return self.http(payload, delivery).await;
        }
        let onboarder = match &self.0 {
            Ok(ready) => &ready.onboarder,
            Err(error) => return Err(FunctionError(error.clone())),
        };
        if let Some(records) = payload.get("Records").and_then(Value::as_array) {
            return batch::work_on(onboarder, records, delivery).await;
        }
        if payload.get("command").is_some_and(|command| command == "sweep") {
            let told = sweep(onboarder, id, time.saturating_sub(ROOM_TO_ANSWER)).await.map_err(FunctionError)?;
            return Ok(json!({ "swept": told }));
        }
        if payload.get("records").is_some() {
            return enqueue(onboarder, "ActivityLog", payload, delivery).await;
        }
        match payload.get("detail-type") {
            Some(_) => enqueue(onboarder, "EventBridge", payload, delivery).await,
            None => by_hand(onboarder, payload, delivery).await,
        }
    }

    async fn http(&self, payload: &Value, delivery: Delivery) -> Result<Value, FunctionError> {
        let unreadable =
            |_| FunctionError(Error::new(Code::InvalidEvent, "the payload is no HTTP request that is known here").hint(SHAPES));
        let tamed = match http::tame(payload) {
            Ok(tamed) => tamed,
            Err(error) => return Ok(http::unreadable(&error).await),
        };
        let request = lambda_http::request::from_str(&tamed).map_err(unreadable)?;
        match &self.0 {
            Ok(ready) => Ok(http::answer(ready.router.clone(), request, delivery, http::query(payload)).await),
            Err(error) => Ok(http::unavailable(error).await),
        }
    }
}

/// Events that nobody waits for and that would be dropped after three tries: EventBridge's, and entries of the activity log.
async fn enqueue(onboarder: &Arc<Onboarder>, function: &str, events: &Value, delivery: Delivery) -> Result<Value, FunctionError> {
    let (taken, _) = hand_on_entries(onboarder, function, parse_value(events), delivery).await;
    let mut queued = 0;
    for taken in taken {
        match taken.ending {
            Ending::Unfinished(error) => return Err(FunctionError(error)),
            Ending::Queued => queued += 1,
            _ => {}
        }
    }
    Ok(json!({ "queued": queued }))
}

/// A call by hand: `aws lambda invoke`. IAM decides who may; the answer is that of `POST /api/onboard`, without the status line.
async fn by_hand(onboarder: &Arc<Onboarder>, payload: &Value, delivery: Delivery) -> Result<Value, FunctionError> {
    let inbound = inbound_by_hand(payload, delivery.id)?;
    let taken = take_up(onboarder, "Invoke", inbound, delivery.by_hand()).await;
    if let Ending::Unfinished(error) = taken.ending {
        return Err(FunctionError(error));
    }
    let body = to_bytes(answer_call(taken).into_body(), usize::MAX).await.unwrap_or_default();
    serde_json::from_slice(&body).map_err(|_| FunctionError(Error::new(Code::Unavailable, "the answer cannot be written")))
}

/// A call's body, or one event or message as it would stand in the queue.
fn inbound_by_hand(payload: &Value, id: Uuid) -> Result<Inbound, FunctionError> {
    let unknown = || FunctionError(Error::new(Code::InvalidEvent, "the payload has none of the shapes known here").hint(SHAPES));
    let has = |key: &str| payload.get(key).is_some();
    if has("specversion") || has("eventType") || has("firstSeen") {
        return parse_value(payload).into_iter().next().ok_or_else(unknown);
    }
    if !has("tenantId") && !has("scope") {
        return Err(unknown());
    }
    let inbound = parse_call(payload.to_string().as_bytes(), Action::Onboard, id.to_string());
    match inbound.request {
        Err(refusal) => Err(FunctionError(refusal.error)),
        request @ Ok(_) => Ok(Inbound { request, ..inbound }),
    }
}
