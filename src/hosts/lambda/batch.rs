//! Batches of the queue.

use std::sync::Arc;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;
use uuid::Uuid;

use super::{FunctionError, SHAPES};
use crate::Onboarder;
use crate::delivery::Delivery;
use crate::error::{Code, Error};
use crate::hosts::take_up;
use crate::request::parse_value;
use crate::scope::printable;
use crate::take_up::Ending;

/// How many inputs of one record are worked on at once, where it holds several.
const SIDE_BY_SIDE: usize = 8;

/// A batch of the queue: each record by itself, side by side. Only those come back that could neither be finished nor put back.
pub(super) async fn work_on(onboarder: &Arc<Onboarder>, records: &[Value], delivery: Delivery) -> Result<Value, FunctionError> {
    let unreadable = |_| FunctionError(Error::new(Code::InvalidEvent, "the payload has Records that are not those of SQS").hint(SHAPES));
    let records: Vec<SqsMessage> = serde_json::from_value(Value::Array(records.to_vec())).map_err(unreadable)?;
    if let Some(other) = records.iter().find(|record| record.event_source.as_deref() != Some("aws:sqs")) {
        let source = printable(other.event_source.as_deref().unwrap_or("nowhere"));
        return Err(FunctionError(Error::new(Code::InvalidEvent, format!("records of {source} are not taken here")).hint(SHAPES)));
    }
    let failed = join_all(records.iter().map(|record| failed(onboarder, record, delivery))).await;
    let mut answer = SqsBatchResponse::default();
    answer.batch_item_failures = failed.into_iter().flatten().map(item_failure).collect();
    serde_json::to_value(answer).map_err(|_| FunctionError(Error::new(Code::Unavailable, "the answer cannot be written")))
}

fn item_failure(message_id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message_id;
    failure
}

/// Works on one record, and answers its id where it has to come back. One without an id fails its whole batch, as an empty id does.
async fn failed(onboarder: &Arc<Onboarder>, record: &SqsMessage, delivery: Delivery) -> Option<String> {
    let message_id = record.message_id.clone().unwrap_or_default();
    let delivery = Delivery { id: Uuid::new_v5(&delivery.id, message_id.as_bytes()), ..delivery }.in_batch();
    let body = Value::String(record.body.clone().unwrap_or_default());
    let inputs = parse_value(&body).into_iter().enumerate();
    let working = inputs.map(|(position, inbound)| take_up(onboarder, "Queue", inbound, delivery.part(position)));
    let comes_back = stream::iter(working)
        .buffer_unordered(SIDE_BY_SIDE)
        .fold(false, async |comes_back, taken| comes_back || !is_over(&taken.ending))
        .await;
    comes_back.then_some(message_id)
}

/// Whether the platform may forget the record: it was finished, or put back.
const fn is_over(ending: &Ending) -> bool {
    !matches!(ending, Ending::Unfinished(_) | Ending::Later { delay: None, .. })
}
