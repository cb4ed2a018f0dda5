//! What Lambda calls a function with for messages of a queue, and what the function's answer says about each.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::world::aws::Message;

/// Who the messages are from, since a queue does not keep it: the id of a role and the name of its session.
const SENDER: &str = "AROASIMULATEDROLE0000:ispm-onboarder";

/// The event for a batch of messages of the queue with this ARN.
pub(super) fn of(batch: &[Message], arn: &str, region: &str) -> Bytes {
    let records: Vec<Value> = batch.iter().map(|message| record(message, arn, region)).collect();
    Bytes::from(json!({"Records": records}).to_string())
}

/// The ids of all messages of a batch.
pub(super) fn ids(batch: &[Message]) -> BTreeSet<String> {
    batch.iter().map(|message| message.id.clone()).collect()
}

/// A message as Lambda hands it over (aws-lambda-events, `SqsMessage`).
fn record(message: &Message, arn: &str, region: &str) -> Value {
    let milliseconds = |moment: OffsetDateTime| (moment.unix_timestamp_nanos() / 1_000_000).to_string();
    json!({
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": message.receive_count.to_string(),
            "SentTimestamp": milliseconds(message.sent_on),
            "SenderId": SENDER,
            "ApproximateFirstReceiveTimestamp": milliseconds(message.first_received_on.unwrap_or(message.sent_on)),
        },
        "messageAttributes": {},
        "md5OfBody": message.md5_of_body(),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": region,
    })
}

/// The messages of a batch that failed, with `ReportBatchItemFailures` on (Lambda's guide, "Success and failure conditions"): none where
/// the answer is empty or has no list, the listed ones, and all where the answer is no JSON or one of them cannot be told.
pub(super) fn failures(answer: &[u8], batch: &[Message]) -> BTreeSet<String> {
    let all = ids(batch);
    let answer = if answer.trim_ascii().is_empty() { Ok(Value::Null) } else { serde_json::from_slice::<Value>(answer) };
    let Ok(answer) = answer else { return all };
    let Some(listed) = answer.get("batchItemFailures").filter(|listed| !listed.is_null()) else { return BTreeSet::new() };
    let Some(listed) = listed.as_array() else { return all };
    let told: Option<BTreeSet<String>> = listed.iter().map(|item| item["itemIdentifier"].as_str().map(str::to_owned)).collect();
    told.filter(|told| told.is_subset(&all)).unwrap_or(all)
}
