//! EventBridge buses and what is put on them (EventBridge API reference, `PutEvents`; user guide, "AWS service event metadata").

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::Message;
use crate::World;

/// A date in an event's envelope: to the second, in UTC.
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");

/// An event bus, stored under its name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Bus {
    /// What leads events on, by name.
    pub rules: BTreeMap<String, Rule>,
    /// Every event that it took, oldest first.
    pub events: Vec<PutEvent>,
    /// How many of the next entries fail with `InternalFailure`, although their call succeeds.
    pub failing_entries: u32,
}

/// A rule with a queue as its target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// The pattern: the `detail-type`s that it matches.
    pub detail_types: BTreeSet<String>,
    /// The name of the queue, in the same account, that matching events are sent to.
    pub queue: String,
}

/// An event that a bus took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutEvent {
    /// The id that EventBridge gave it.
    pub id: String,
    /// When it was taken.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// `Source`.
    pub source: String,
    /// `DetailType`.
    pub detail_type: String,
    /// `Detail` as it was sent: the text of a JSON object.
    pub detail: String,
    /// `Resources`.
    #[serde(default)]
    pub resources: Vec<String>,
    /// `Time`, or else when it was taken.
    #[serde(with = "time::serde::rfc3339")]
    pub time: OffsetDateTime,
}

/// An entry of `PutEvents` that may be put on a bus.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    source: String,
    detail_type: String,
    detail: String,
    resources: Vec<String>,
    time: Option<OffsetDateTime>,
}

/// Why one entry of `PutEvents` fails; the others and the call itself do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryError {
    /// `ErrorCode`.
    pub code: &'static str,
    /// `ErrorMessage`.
    pub message: &'static str,
}

impl Entry {
    /// Reads an entry in the form of `PutEvents`: `{"Source", "DetailType", "Detail", "Resources"?, "Time"?}`.
    ///
    /// # Errors
    /// What EventBridge answers for this entry alone.
    pub fn of(entry: &Value) -> Result<Self, EntryError> {
        let text = |name: &str| entry[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let missing = |message| EntryError { code: "InvalidArgument", message };
        let source = text("Source").ok_or(missing("Parameter Source is not valid. Reason: Source is a required argument."))?;
        let detail_type =
            text("DetailType").ok_or(missing("Parameter DetailType is not valid. Reason: DetailType is a required argument."))?;
        let detail = text("Detail").ok_or(missing("Parameter Detail is not valid. Reason: Detail is a required argument."))?;
        if source.starts_with("aws.") {
            return Err(EntryError { code: "NotAuthorizedForSourceException", message: "Not authorized for the source." });
        }
        if !serde_json::from_str::<Value>(&detail).is_ok_and(|detail| detail.is_object()) {
            return Err(EntryError { code: "MalformedDetail", message: "Detail is malformed." });
        }
        let resources = entry["Resources"].as_array().into_iter().flatten();
        Ok(Self {
            source,
            detail_type,
            detail,
            resources: resources.filter_map(Value::as_str).map(str::to_owned).collect(),
            time: entry["Time"].as_f64().and_then(moment),
        })
    }
}

/// A moment in seconds since 1970, which the protocol writes as a number with decimals.
fn moment(seconds: f64) -> Option<OffsetDateTime> {
    OffsetDateTime::UNIX_EPOCH.checked_add(Duration::checked_seconds_f64(seconds)?)
}

impl PutEvent {
    /// The event as rules send it on, in EventBridge's envelope.
    #[must_use]
    pub fn envelope(&self, account_id: &str, region: &str) -> Value {
        json!({
            "version": "0",
            "id": self.id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": account_id,
            "time": self.time.to_utc().format(DATE).unwrap_or_default(),
            "region": region,
            "resources": self.resources,
            "detail": self.detail_value(),
        })
    }

    /// The result that the event carries, in the form of the `CloudEvent` that a topic would have got; `None` for any event without an
    /// `eventId` among its details.
    #[must_use]
    pub fn result(&self) -> Option<Value> {
        let mut data = self.detail_value();
        let id = data.as_object_mut()?.remove("eventId")?;
        let time = self.time.format(&Rfc3339).unwrap_or_default();
        let mut event = json!({"id": id, "source": self.source, "type": self.detail_type, "time": time, "data": data});
        if let Some(subject) = self.resources.first() {
            event["subject"] = json!(subject);
        }
        Some(event)
    }

    fn detail_value(&self) -> Value {
        serde_json::from_str(&self.detail).unwrap_or_default()
    }
}

impl World {
    /// Puts an event on a bus and sends it on by the bus's rules. Answers its id, and the queues with the ids of the messages that it became.
    ///
    /// A bus that does not exist takes the event and loses it, as EventBridge does (aws-cli, issue 9186).
    pub fn put_event(&mut self, account_id: &str, bus: &str, entry: Entry, now: OffsetDateTime) -> (String, Vec<(String, String)>) {
        let id = self.new_id().to_string();
        let Entry { source, detail_type, detail, resources, time } = entry;
        let event = PutEvent { id: id.clone(), at: now, source, detail_type, detail, resources, time: time.unwrap_or(now) };
        let Some(account) = self.aws.get_mut(account_id) else { return (id, Vec::new()) };
        let Some(found) = account.buses.get_mut(bus) else { return (id, Vec::new()) };
        let matching = found.rules.values().filter(|rule| rule.detail_types.contains(&event.detail_type));
        let queues: Vec<String> = matching.map(|rule| rule.queue.clone()).collect();
        let body = event.envelope(account_id, &account.region).to_string();
        found.events.push(event);
        let sent = queues.into_iter().filter_map(|queue| {
            let message = self.send_message(account_id, &queue, body.clone(), now, now)?;
            Some((queue, message))
        });
        (id, sent.collect())
    }

    /// Puts a message into a queue and answers its id; `None` when there is no such queue.
    pub fn send_message(
        &mut self,
        account_id: &str,
        queue: &str,
        body: String,
        now: OffsetDateTime,
        visible_from: OffsetDateTime,
    ) -> Option<String> {
        let id = self.new_id().to_string();
        let queue = self.aws.get_mut(account_id)?.queues.get_mut(queue)?;
        queue.messages.push(Message::new(id.clone(), body, now, visible_from));
        Some(id)
    }
}
