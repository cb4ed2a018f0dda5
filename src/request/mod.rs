//! From bytes to a [`Request`]: every wire shape that may arrive ends here, or is refused by name.

mod activity_log;
mod cloud_event;
mod envelope;
mod event_bridge;
mod event_grid;
mod message;
mod refusal;
mod replay;
mod signals;

use std::fmt;

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

pub use cloud_event::{OFFBOARDING_REQUESTED, ONBOARDING_REQUESTED, RequestedEvent};
pub use envelope::Envelope;
pub use message::Message;
pub use refusal::{Kept, Refusal};
pub use replay::{reason, replay};

pub use crate::event::{CallerId, Cause};

use crate::error::{Code, Error};
use crate::scope::{Guid, Scope};

/// What is asked for a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Give ISPM its view of the scope.
    Onboard,
    /// Take it back.
    Offboard,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Onboard => "onboard",
            Self::Offboard => "offboard",
        })
    }
}

/// One thing to do, as far as an event may say it: tenant, scope, action and cause. Nothing else is read from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<T = Guid> {
    /// The Entra tenant, or [`NoTenant`] where the event names none.
    pub tenant: T,
    /// Where Reader is wanted.
    pub scope: Scope,
    /// What is asked.
    pub action: Action,
    /// What caused it.
    pub cause: Cause,
    /// When the cause came about, where it says so.
    pub caused_at: Option<OffsetDateTime>,
    /// When this deployment first took it up, and how often since.
    pub history: History,
    /// On whose word it is asked.
    pub authority: Authority,
    /// Who asks, where a call's token says so. It is never written into a message, which lies in a queue for others to read.
    pub caller: Option<CallerId>,
    /// Whether the subscription's id may be a management group's: the management groups' activity log tells of both in the same words, and
    /// only a read tells them apart.
    pub unconfirmed: bool,
}

/// On whose word something is asked. It is never written down: what comes from a queue, an event or a file is an event's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authority {
    /// An event's: whoever may send to this deployment may have sent it.
    #[default]
    Event,
    /// A person's, who was recognised with the right app role, or confirmed it at the command line.
    Person,
}

/// Stands for the tenant of a request that names none. The management groups' activity log may leave it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTenant;

impl From<NoTenant> for Option<Guid> {
    fn from(_: NoTenant) -> Self {
        None
    }
}

impl<T> Request<T> {
    /// A request that nobody has taken up yet, about a scope whose kind is known.
    #[must_use]
    pub fn new(tenant: T, scope: Scope, action: Action, cause: Cause, caused_at: Option<OffsetDateTime>) -> Self {
        let (history, authority) = (History::default(), Authority::Event);
        Self { tenant, scope, action, cause, caused_at, history, authority, caller: None, unconfirmed: false }
    }

    /// The same for a tenant.
    #[must_use]
    pub fn of<U>(self, tenant: U) -> Request<U> {
        let Self { tenant: _, scope, action, cause, caused_at, history, authority, caller, unconfirmed } = self;
        Request { tenant, scope, action, cause, caused_at, history, authority, caller, unconfirmed }
    }

    /// Whether somebody asked for this very action, by an event of this project's own or by a call. Else something happened in Azure, or the
    /// sweep found it, and nobody waits for an answer.
    #[must_use]
    pub fn asked(&self) -> bool {
        self.cause.kind == CALL || asked_by(&self.cause.kind).is_some()
    }
}

/// What a request has been through before this delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// When it was first put back; absent at the first delivery.
    pub first_seen: Option<OffsetDateTime>,
    /// How often it was put back.
    pub attempts: u32,
}

/// One input that could be told apart from its neighbours.
#[derive(Debug)]
pub struct Inbound {
    /// What it asks for, or why it asks for nothing.
    pub request: Result<Request, Box<Refusal>>,
    /// Its cause, as far as it could be read: a failed input is reported under it.
    pub cause: Cause,
}

impl Inbound {
    /// What a person asks for at the command line; `call` is the id of the call.
    #[must_use]
    pub fn by_hand(tenant: Guid, scope: Scope, action: Action, call: &str) -> Self {
        let cause = Cause { source: "urn:ispm-onboarder:command-line".to_owned(), id: call.to_owned(), kind: CALL.to_owned() };
        let request = Ok(Request::new(tenant, scope, action, cause.clone(), None));
        Self { request, cause }.of_person()
    }

    /// The same, asked by this caller.
    #[must_use]
    pub fn of_caller(self, caller: Option<CallerId>) -> Self {
        Self { request: self.request.map(|request| Request { caller, ..request }), ..self }
    }

    /// The same on a person's word. Its cause is as old as can be: a person wants to hear at once that a scope is not there, and not that it
    /// may still appear.
    #[must_use]
    pub fn of_person(self) -> Self {
        let caused_at = Some(OffsetDateTime::UNIX_EPOCH);
        Self { request: self.request.map(|request| Request { authority: Authority::Person, caused_at, ..request }), ..self }
    }
}

/// Reads a document as it arrives from Event Grid, Event Hubs, a queue or a file: one event or message, an array of them, in any of the
/// shapes known here, as JSON or as JSON text inside JSON strings.
#[must_use]
pub fn parse(bytes: &[u8]) -> Vec<Inbound> {
    match serde_json::from_slice(bytes) {
        Ok(value) => parse_value(&value),
        Err(_) => vec![refused(bytes, Error::new(Code::InvalidEvent, "the input is not JSON").hint(SHAPES))],
    }
}

/// As [`parse`], for a document that was decoded already.
#[must_use]
pub fn parse_value(value: &Value) -> Vec<Inbound> {
    match envelope::unwrap_text(value).as_ref() {
        Value::Array(items) if items.is_empty() => {
            vec![refused(b"[]", Error::new(Code::Irrelevant, "an empty array of events"))]
        }
        Value::Array(items) => items.iter().flat_map(|item| parse_single(&envelope::unwrap_text(item))).collect(),
        single => parse_single(single),
    }
}

/// One event or message, or a batch of entries of the activity log.
fn parse_single(value: &Value) -> Vec<Inbound> {
    let records = value.get("records").map(envelope::unwrap_text);
    match records.as_deref() {
        Some(Value::Array(entries)) if entries.is_empty() => {
            vec![refused(b"[]", Error::new(Code::Irrelevant, "no entries of the activity log"))]
        }
        Some(Value::Array(entries)) => entries.iter().map(|entry| activity_log::parse(&envelope::unwrap_text(entry))).collect(),
        _ => vec![parse_item(value)],
    }
}

/// The longest id, source or type that is taken: a cause goes into results and queue messages, which have to stay small.
const LONGEST_ATTRIBUTE: usize = 1024;
const DATA: &str = "Send data as {\"tenantId\": \"<tenant id>\", \"scope\": \"/subscriptions/<id>\"}.";
const SHAPES: &str = "Expected a CloudEvents 1.0 event, an Event Grid or EventBridge event, entries of Azure's activity log, or a message of \
                      this program's own; see docs/events.md.";
/// The type of a cause that is a call.
const CALL: &str = "call";

fn parse_item(value: &Value) -> Inbound {
    let has = |key: &str| value.get(key).is_some();
    if has("specversion") || (has("source") && has("type")) {
        cloud_event::parse(value)
    } else if has("detail-type") {
        event_bridge::parse(value)
    } else if has("eventType") {
        event_grid::parse(value)
    } else if has("firstSeen") {
        message::parse(value)
    } else if has("operationName") {
        activity_log::parse(value)
    } else {
        let error = Error::new(Code::InvalidEvent, "the input has none of the shapes known here").hint(SHAPES);
        refused(value.to_string().as_bytes(), error)
    }
}

/// A text member that is there, not empty and plain.
fn attribute<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str().filter(|text| !text.is_empty() && is_plain(text))
}

/// Text that fits into a result and a queue message: short, and without the characters that CloudEvents forbids and XML cannot hold
/// (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#type-system>, String).
fn is_plain(text: &str) -> bool {
    let forbidden = |c: char| c.is_control() || u32::from(c) & 0xFFFE == 0xFFFE || ('\u{FDD0}'..='\u{FDEF}').contains(&c);
    text.len() <= LONGEST_ATTRIBUTE && !text.chars().any(forbidden)
}

/// An input without a readable cause gets one made of its bytes, so that its repeat is recognised.
fn refused(bytes: &[u8], refusal: impl Into<Box<Refusal>>) -> Inbound {
    let cause = Cause {
        source: "urn:ispm-onboarder:input".to_owned(),
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, bytes).to_string(),
        kind: "unreadable".to_owned(),
    };
    Inbound { request: Err(refusal.into()), cause }
}

/// Reads tenant and scope; whatever else stands there has no effect.
fn wanted(data: &Value) -> Result<(Guid, Scope), Box<Refusal>> {
    let text = |key: &str| {
        data.get(key)
            .and_then(Value::as_str)
            .ok_or_else(|| Error::new(Code::InvalidEvent, format!("data.{key} is missing or not a string")).hint(DATA))
    };
    let tenant =
        Guid::parse(text("tenantId")?).map_err(|error| Error::new(Code::InvalidEvent, format!("data.tenantId: {error}")).hint(DATA))?;
    let scope = text("scope").and_then(|text| {
        Scope::parse(text).map_err(|error| {
            Error::new(Code::InvalidScope, format!("data.scope: {error}"))
                .hint("Send /subscriptions/{id} or /providers/Microsoft.Management/managementGroups/{name}.")
        })
    });
    match scope {
        Ok(scope) => Ok((tenant, scope)),
        Err(error) => Err(Box::new(Refusal { tenant: Some(tenant), ..Refusal::from(error) })),
    }
}

/// Reads the body of `POST /api/onboard` or `/api/offboard`: `{"tenantId","scope"}`, called by a person or a pipeline.
///
/// # Errors
/// `InvalidEvent` or `InvalidScope`, naming the member.
#[must_use]
pub fn parse_call(body: &[u8], action: Action, id: String) -> Inbound {
    let cause = Cause { source: "urn:ispm-onboarder:call".to_owned(), id, kind: CALL.to_owned() };
    let request = serde_json::from_slice(body)
        .map_err(|_| Error::new(Code::InvalidEvent, "the body is not JSON").hint("Send {\"tenantId\": \"…\", \"scope\": \"…\"}."))
        .map_err(Box::<Refusal>::from)
        .and_then(|data: Value| wanted(&data))
        .map(|(tenant, scope)| Request::new(tenant, scope, action, cause.clone(), None));
    Inbound { request, cause }
}

fn time_of(value: Option<&Value>) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(value?.as_str()?, &time::format_description::well_known::Rfc3339).ok()
}

fn asked_by(kind: &str) -> Option<Action> {
    match kind {
        ONBOARDING_REQUESTED => Some(Action::Onboard),
        OFFBOARDING_REQUESTED => Some(Action::Offboard),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
