//! EventBridge over JSON 1.1 (API reference, `PutEvents`; user guide, "Sending events with `PutEvents`").

use serde_json::{Value, json};

use super::{Caller, Outcome, Refusal, Wish};
use crate::services::Call;
use crate::world::aws::{Entry, EntryError};

const ACTION: &str = "events:PutEvents";
const MOST_ENTRIES: usize = 10;
/// The largest request, all entries together, in bytes (API reference: "less than 1 MB").
const LIMIT_BYTES: usize = 1024 * 1024;
/// What `Time` counts for in an entry's size.
const TIME_BYTES: usize = 14;
const DEFAULT_BUS: &str = "default";

pub(super) fn put_events(call: &mut Call<'_>, caller: &Caller, input: &Value) -> Outcome<Value> {
    let entries = input["Entries"].as_array().map_or(&[][..], Vec::as_slice);
    check_number(entries)?;
    if entries.iter().map(size).sum::<usize>() > LIMIT_BYTES {
        return Err(Refusal::bad_request("ValidationException", "Total size of the entries in the request is over the limit."));
    }
    for entry in entries {
        let resource = caller.account(call)?.arn(&caller.account_id, "events", &format!("event-bus/{}", bus(entry)));
        caller.may(call, 400, Wish::new(ACTION, resource))?;
    }
    let results: Vec<Value> = entries.iter().map(|entry| put(call, caller, entry)).collect();
    let failed = results.iter().filter(|result| result["ErrorCode"].is_string()).count();
    Ok(json!({"FailedEntryCount": failed, "Entries": results}))
}

fn check_number(entries: &[Value]) -> Outcome<()> {
    let bound = match entries.len() {
        0 => "greater than or equal to 1",
        number if number > MOST_ENTRIES => "less than or equal to 10",
        _ => return Ok(()),
    };
    let message = format!(
        "1 validation error detected: Value '[PutEventsRequestEntry]' at 'entries' failed to satisfy constraint: Member must have length {bound}"
    );
    Err(Refusal::bad_request("ValidationException", message))
}

/// One entry's result. It says so itself where it fails; the call succeeds all the same.
fn put(call: &mut Call<'_>, caller: &Caller, entry: &Value) -> Value {
    let bus = bus(entry);
    let failing = call.world.aws.get_mut(&caller.account_id).and_then(|account| account.buses.get_mut(bus));
    let failing = failing.map(|bus| &mut bus.failing_entries).filter(|left| **left > 0);
    let taken = match failing {
        Some(left) => {
            *left -= 1;
            Err(EntryError {
                code: "InternalFailure",
                message: "The request processing has failed because of an unknown error, exception or failure.",
            })
        }
        None => Entry::of(entry),
    };
    match taken {
        Ok(entry) => {
            let (id, _) = call.world.put_event(&caller.account_id, bus, entry, call.now);
            call.changed = true;
            json!({"EventId": id})
        }
        Err(EntryError { code, message }) => json!({"ErrorCode": code, "ErrorMessage": message}),
    }
}

/// The bus that an entry is for, by name; it may be given by ARN.
fn bus(entry: &Value) -> &str {
    let named = entry["EventBusName"].as_str().filter(|name| !name.is_empty()).unwrap_or(DEFAULT_BUS);
    named.rsplit("event-bus/").next().unwrap_or(named)
}

/// An entry's size as EventBridge counts it (user guide, "Calculating `PutEvents` event entry size").
fn size(entry: &Value) -> usize {
    let text = |value: &Value| value.as_str().map_or(0, str::len);
    let resources: usize = entry["Resources"].as_array().into_iter().flatten().map(text).sum();
    let time = if entry["Time"].is_null() { 0 } else { TIME_BYTES };
    time + text(&entry["Source"]) + text(&entry["DetailType"]) + text(&entry["Detail"]) + resources
}
