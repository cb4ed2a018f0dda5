//! SQS over JSON 1.0 (API reference, `SendMessage`).

use serde_json::{Value, json};
use time::Duration;

use super::{Caller, Outcome, Refusal};
use crate::services::Call;
use crate::world::aws::Message;

/// As SQS names it in its refusals, in lower case.
const ACTION: &str = "sqs:sendmessage";
/// The longest message, in bytes.
const LIMIT_BYTES: usize = 1_048_576;
const LONGEST_DELAY_SECONDS: i64 = 900;

pub(super) fn send_message(call: &mut Call<'_>, caller: &Caller, input: &Value) -> Outcome<Value> {
    let text = |name: &str| input[name].as_str().filter(|text| !text.is_empty());
    let missing = |name: &str| Refusal::bad_request("MissingParameter", format!("The request must contain the parameter {name}."));
    let url = text("QueueUrl").ok_or_else(|| missing("QueueUrl"))?;
    let body = text("MessageBody").ok_or_else(|| missing("MessageBody"))?;
    let (owner, queue) = place(url).ok_or_else(no_such_queue)?;
    let resource = caller.account(call)?.arn(&owner, "sqs", &queue);
    caller.may(call, 403, ACTION, &resource)?;
    if owner != caller.account_id || !caller.account(call)?.queues.contains_key(&queue) {
        return Err(no_such_queue());
    }
    check_text(body)?;
    let delay = match &input["DelaySeconds"] {
        Value::Null => 0,
        given => given.as_i64().filter(|delay| (0..=LONGEST_DELAY_SECONDS).contains(delay)).ok_or_else(|| {
            let message = format!("Value {given} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.");
            Refusal::bad_request("InvalidParameterValue", message)
        })?,
    };
    let visible_from = call.now.saturating_add(Duration::seconds(delay));
    let sent = call.world.send_message(&owner, &queue, body.to_owned(), call.now, visible_from);
    let id = sent.ok_or_else(no_such_queue)?;
    call.changed = true;
    let md5 = Message::new(String::new(), body.to_owned(), call.now, visible_from).md5_of_body();
    Ok(json!({"MessageId": id, "MD5OfMessageBody": md5}))
}

/// The account and the name in a queue's URL. SQS goes by the path; the host is where the request went already.
fn place(url: &str) -> Option<(String, String)> {
    let (_, path) = url.strip_prefix("https://")?.split_once('/')?;
    let (account, queue) = path.split_once('/')?;
    Some((account.to_owned(), queue.to_owned()))
}

fn check_text(body: &str) -> Outcome<()> {
    if body.len() > LIMIT_BYTES {
        let message = "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.";
        return Err(Refusal::bad_request("InvalidParameterValue", message));
    }
    match body.chars().all(is_allowed) {
        true => Ok(()),
        false => Err(Refusal::bad_request(
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        )),
    }
}

/// What XML 1.0 allows.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn no_such_queue() -> Refusal {
    Refusal::bad_request("QueueDoesNotExist", "The specified queue does not exist.")
}
