//! The call bodies of the Functions host for a custom handler.
//!
//! Source: azure-functions-host, `ScriptInvocationContextExtensions.ToHttpScriptInvocationContext`: an object nests, a date is a string,
//! and everything else (a string, a number, an array) is written as JSON text inside a string. Names that end in `trigger` are left out
//! of `Metadata`, since `Data` has the trigger's value.

use bytes::Bytes;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use super::{EVENT_ROUTE, MESSAGE_ROUTE};
use crate::world::{QueueMessage, made_up_id};

/// .NET's `DateTimeOffset` in JSON, without the fraction that its `ToString` drops on the way.
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+00:00");
/// `DateTimeOffset.MaxValue`: what the host shows for a message that does not expire.
const NEVER: &str = "9999-12-31T23:59:59+00:00";

/// The call for an event: the binding `event`, and `data` again among the metadata.
pub(super) fn event_grid_trigger(event: &Value, now: OffsetDateTime) -> Bytes {
    let seed = format!("{event}");
    let mut metadata = json!({"sys": sys(EVENT_ROUTE, &seed, now)});
    if let Some(data) = event.get("data") {
        metadata["data"] = wire(data);
    }
    call(&json!({"event": wire(event)}), &metadata)
}

/// The call for a queue message: the binding `message` with the text as it was stored (`messageEncoding` `none`).
pub(super) fn queue_trigger(message: &QueueMessage, now: OffsetDateTime) -> Bytes {
    let metadata = json!({
        "Id": wire(&json!(message.id)),
        "DequeueCount": wire(&json!(message.dequeue_count)),
        "InsertionTime": date(message.inserted_on),
        "ExpirationTime": message.expires_on.map_or_else(|| NEVER.to_owned(), date),
        "NextVisibleTime": date(message.visible_from),
        "PopReceipt": wire(&json!(message.pop_receipt)),
        "sys": sys(MESSAGE_ROUTE, &message.pop_receipt, now),
    });
    call(&json!({"message": wire(&json!(message.text))}), &metadata)
}

fn call(data: &Value, metadata: &Value) -> Bytes {
    Bytes::from(json!({"Data": data, "Metadata": metadata}).to_string())
}

fn wire(value: &Value) -> Value {
    if value.is_object() { value.clone() } else { Value::String(value.to_string()) }
}

fn sys(route: &str, seed: &str, now: OffsetDateTime) -> Value {
    let invocation = made_up_id(&format!("invocation/{route}/{}/{seed}", now.unix_timestamp_nanos()));
    json!({"MethodName": route.trim_start_matches('/'), "UtcNow": date(now), "RandGuid": invocation})
}

fn date(moment: OffsetDateTime) -> String {
    moment.to_utc().format(DATE).unwrap_or_else(|_| NEVER.to_owned())
}
