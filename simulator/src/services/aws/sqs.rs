//! SQS over JSON 1.0 (API reference, `SendMessage`, `ReceiveMessage`, `GetQueueAttributes`, `DeleteMessage`, `ChangeMessageVisibility`).

use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

use super::{Caller, Outcome, Refusal, Wish};
use crate::services::Call;
use crate::world::aws::{Message, Queue};

/// The longest message, in bytes.
const LIMIT_BYTES: usize = 1_048_576;
const LONGEST_DELAY_SECONDS: i64 = 900;
const MOST_AT_ONCE: i64 = 10;
/// The default of a queue's `VisibilityTimeout`, and the longest.
const HIDDEN_SECONDS: i64 = 30;
const LONGEST_HIDDEN_SECONDS: i64 = 43_200;
const LONGEST_WAIT_SECONDS: i64 = 20;

/// A queue that the caller may do something with.
struct Place {
    owner: String,
    queue: String,
}

pub(super) fn send_message(call: &mut Call<'_>, caller: &Caller, input: &Value) -> Outcome<Value> {
    let url = needed(input, "QueueUrl")?;
    let body = needed(input, "MessageBody")?;
    let Place { owner, queue } = place(call, caller, "sqs:sendmessage", url)?;
    check_text(body)?;
    let delay = number(input, "DelaySeconds", 0, (0, LONGEST_DELAY_SECONDS), "DelaySeconds must be >= 0 and <= 900.")?;
    let visible_from = call.now.saturating_add(Duration::seconds(delay));
    let sent = call.world.send_message(&owner, &queue, body.to_owned(), call.now, visible_from);
    let id = sent.ok_or_else(no_such_queue)?;
    call.changed = true;
    let md5 = Message::new(String::new(), body.to_owned(), call.now, visible_from).md5_of_body();
    Ok(json!({"MessageId": id, "MD5OfMessageBody": md5}))
}

/// Answers at once, however long the caller would wait: nothing comes while the simulator's clock stands still.
pub(super) fn receive_message(call: &mut Call<'_>, caller: &Caller, input: &Value) -> Outcome<Value> {
    let place = place(call, caller, "sqs:receivemessage", needed(input, "QueueUrl")?)?;
    let most = number(input, "MaxNumberOfMessages", 1, (1, MOST_AT_ONCE), "Must be between 1 and 10, if provided.")?;
    let hidden =
        number(input, "VisibilityTimeout", HIDDEN_SECONDS, (0, LONGEST_HIDDEN_SECONDS), "Must be between 0 and 43200, if provided.")?;
    number(input, "WaitTimeSeconds", 0, (0, LONGEST_WAIT_SECONDS), "Must be >= 0 and <= 20, if provided.")?;
    let handles = (0..most).map(|_| call.world.new_id().simple().to_string()).collect();
    let now = call.now;
    let received = queue(call, &place)?.receive(handles, now, Duration::seconds(hidden), |_| true);
    if received.is_empty() {
        return Ok(json!({}));
    }
    call.changed = true;
    let shown = |message: &Message| {
        json!({
            "MessageId": message.id,
            "ReceiptHandle": message.receipt_handle,
            "MD5OfBody": message.md5_of_body(),
            "Body": message.body,
        })
    };
    Ok(json!({"Messages": received.iter().map(shown).collect::<Vec<_>>()}))
}

/// Only how many messages can be received.
pub(super) fn get_queue_attributes(call: &mut Call<'_>, caller: &Caller, input: &Value) -> Outcome<Value> {
    let place = place(call, caller, "sqs:getqueueattributes", needed(input, "QueueUrl")?)?;
    if input["AttributeNames"] != json!(["ApproximateNumberOfMessages"]) {
        return Err(Refusal::new(400, "InvalidAttributeName", "Only ApproximateNumberOfMessages is modelled."));
    }
    let now = call.now;
    let visible = queue(call, &place)?.messages.iter().filter(|message| message.visible_from <= now).count();
    Ok(json!({"Attributes": {"ApproximateNumberOfMessages": visible.to_string()}}))
}

/// With a handle of an earlier receipt the call succeeds and the message stays; one that is gone is gone.
pub(super) fn delete_message(call: &mut Call<'_>, caller: &Caller, input: &Value) -> Outcome<Value> {
    let place = place(call, caller, "sqs:deletemessage", needed(input, "QueueUrl")?)?;
    let handle = handle(input)?;
    let messages = &mut queue(call, &place)?.messages;
    let before = messages.len();
    messages.retain(|message| message.receipt_handle != handle);
    call.changed = messages.len() != before;
    Ok(json!({}))
}

/// Only of a message that is hidden since this receipt.
pub(super) fn change_message_visibility(call: &mut Call<'_>, caller: &Caller, input: &Value) -> Outcome<Value> {
    let place = place(call, caller, "sqs:changemessagevisibility", needed(input, "QueueUrl")?)?;
    let handle = handle(input)?;
    let hidden = number(input, "VisibilityTimeout", -1, (0, LONGEST_HIDDEN_SECONDS), "Must be between 0 and 43200, if provided.")?;
    if hidden < 0 {
        return Err(missing("VisibilityTimeout"));
    }
    let now = call.now;
    let mut messages = queue(call, &place)?.messages.iter_mut();
    let message = messages.find(|message| message.receipt_handle == handle && !message.is_visible(now)).ok_or_else(|| {
        let message = format!(
            "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility \
             timeout change."
        );
        Refusal::bad_request("MessageNotInflight", message)
    })?;
    message.visible_from = now.saturating_add(Duration::seconds(hidden));
    call.changed = true;
    Ok(json!({}))
}

fn handle(input: &Value) -> Outcome<&str> {
    let handle = needed(input, "ReceiptHandle")?;
    let is_one = Uuid::try_parse(handle).is_ok();
    is_one.then_some(handle).ok_or_else(|| Refusal::bad_request("ReceiptHandleIsInvalid", "The input receipt handle is invalid."))
}

fn needed<'a>(input: &'a Value, name: &str) -> Outcome<&'a str> {
    input[name].as_str().filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Refusal {
    Refusal::bad_request("MissingParameter", format!("The request must contain the parameter {name}."))
}

fn number(input: &Value, name: &str, usual: i64, (least, most): (i64, i64), reason: &str) -> Outcome<i64> {
    let given = &input[name];
    if given.is_null() {
        return Ok(usual);
    }
    given.as_i64().filter(|number| (least..=most).contains(number)).ok_or_else(|| {
        let message = format!("Value {given} for parameter {name} is invalid. Reason: {reason}");
        Refusal::bad_request("InvalidParameterValue", message)
    })
}

/// The queue of this URL, which the caller may do `action` with. SQS names the action in its refusals in lower case.
fn place(call: &Call<'_>, caller: &Caller, action: &str, url: &str) -> Outcome<Place> {
    let (owner, queue) = names(url).ok_or_else(no_such_queue)?;
    let resource = caller.account(call)?.arn(&owner, "sqs", &queue);
    caller.may(call, 403, Wish::new(action, resource))?;
    if owner != caller.account_id || !caller.account(call)?.queues.contains_key(&queue) {
        return Err(no_such_queue());
    }
    Ok(Place { owner, queue })
}

fn queue<'a>(call: &'a mut Call<'_>, place: &Place) -> Outcome<&'a mut Queue> {
    let account = call.world.aws.get_mut(&place.owner);
    account.and_then(|account| account.queues.get_mut(&place.queue)).ok_or_else(no_such_queue)
}

/// The account and the name in a queue's URL. SQS goes by the path; the host is where the request went already.
fn names(url: &str) -> Option<(String, String)> {
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
