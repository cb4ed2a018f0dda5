//! The message that this program puts into its own queue: the normalised request and what it has been through, nothing else.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Action, Cause, History, Inbound, Kept, Refusal, Request, SHAPES, is_plain, refused, time_of};
use crate::error::{Code, Error};
use crate::scope::{Guid, Scope};

/// The version of [`Message`] that this program writes.
const VERSION: u64 = 1;

/// A request in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Message {
    version: u64,
    tenant_id: Guid,
    scope: Scope,
    action: Action,
    cause: Cause,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "cli", schemars(with = "Option<String>", extend("format" = "date-time")))]
    caused_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "cli", schemars(with = "String", extend("format" = "date-time")))]
    first_seen: OffsetDateTime,
    attempts: u32,
}

impl Message {
    /// The request as it goes back into the queue, at `now`.
    #[must_use]
    pub fn put_back(request: &Request, now: OffsetDateTime) -> Self {
        Self { attempts: request.history.attempts.saturating_add(1), ..Self::handed_on(request, now) }
    }

    /// The request as it goes into the queue at `now` without having been tried.
    #[must_use]
    pub fn handed_on(request: &Request, now: OffsetDateTime) -> Self {
        Self {
            version: VERSION,
            tenant_id: request.tenant,
            scope: request.scope.clone(),
            action: request.action,
            cause: request.cause.clone(),
            caused_at: request.caused_at,
            first_seen: request.history.first_seen.unwrap_or(now),
            attempts: request.history.attempts,
        }
    }
}

impl fmt::Display for Message {
    /// As it stands in the queue.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", json!(self))
    }
}

pub(super) fn parse(value: &Value) -> Inbound {
    let bytes = value.to_string();
    if value.get("version").and_then(Value::as_u64).is_some_and(|version| version > VERSION) {
        let error = Error::new(Code::MessageNewer, "the message was written by a newer version of ispm-onboarder")
            .hint("Finish the roll-out; until then the message waits in the queue.");
        let kept = Kept { first_seen: time_of(value.get("firstSeen")), text: bytes.clone() };
        return refused(bytes.as_bytes(), Refusal { kept: Some(kept), ..Refusal::from(error) });
    }
    let plain = |cause: &Cause| [&cause.source, &cause.id, &cause.kind].into_iter().all(|text| is_plain(text));
    match Message::deserialize(value) {
        Ok(message) if plain(&message.cause) => {
            let history = History { first_seen: Some(message.first_seen), attempts: message.attempts };
            let Message { tenant_id: tenant, scope, action, cause, caused_at, .. } = message;
            Inbound { request: Ok(Request { tenant, scope, action, cause: cause.clone(), caused_at, history }), cause }
        }
        _ => {
            let error = Error::new(Code::InvalidEvent, "the message is not one that ispm-onboarder wrote").hint(SHAPES);
            refused(bytes.as_bytes(), error)
        }
    }
}
