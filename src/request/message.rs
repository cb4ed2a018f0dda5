//! The message that this program puts into its own queue: the normalised request and what it has been through, nothing else.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Action, Cause, History, Inbound, Kept, NoTenant, Refusal, Request, SHAPES, is_plain, refused, time_of};
use crate::error::{Code, Error};
use crate::scope::{Guid, Scope};

/// The newest version of [`Message`] that this program reads. It is written only where version 1 cannot say what is to be said, so that a
/// program which knows no other keeps the rest of the work.
const NEWEST: u64 = 2;

/// A request in the queue. Version 2 may leave out the tenant and may be unconfirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Message {
    version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant_id: Option<Guid>,
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
    /// Whether the subscription's id may be a management group's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unconfirmed: bool,
}

impl Message {
    /// The request as it goes back into the queue, at `now`.
    #[must_use]
    pub fn put_back<T: Copy + Into<Option<Guid>>>(request: &Request<T>, now: OffsetDateTime) -> Self {
        Self { attempts: request.history.attempts.saturating_add(1), ..Self::handed_on(request, now) }
    }

    /// The request as it goes into the queue at `now` without having been tried.
    #[must_use]
    pub fn handed_on<T: Copy + Into<Option<Guid>>>(request: &Request<T>, now: OffsetDateTime) -> Self {
        let tenant_id: Option<Guid> = request.tenant.into();
        Self {
            version: if tenant_id.is_none() || request.unconfirmed { NEWEST } else { 1 },
            tenant_id,
            scope: request.scope.clone(),
            action: request.action,
            cause: request.cause.clone(),
            caused_at: request.caused_at,
            first_seen: request.history.first_seen.unwrap_or(now),
            attempts: request.history.attempts,
            unconfirmed: request.unconfirmed,
        }
    }

    /// Whether this program wrote it: version 1 always has a tenant, and is about a scope whose kind is known.
    fn is_ours(&self) -> bool {
        let Cause { source, id, kind } = &self.cause;
        let is_whole = match self.version {
            1 => self.tenant_id.is_some() && !self.unconfirmed,
            version => version == NEWEST,
        };
        is_whole && [source, id, kind].into_iter().all(|text| !text.is_empty() && is_plain(text))
    }

    fn request(self) -> Result<Request, Box<Refusal>> {
        let history = History { first_seen: Some(self.first_seen), attempts: self.attempts };
        let Self { tenant_id, scope, action, cause, caused_at, unconfirmed, .. } = self;
        let request = Request { history, unconfirmed, ..Request::new(NoTenant, scope, action, cause, caused_at) };
        match tenant_id {
            Some(tenant) => Ok(request.of(tenant)),
            None => Err(request.into()),
        }
    }
}

impl fmt::Display for Message {
    /// As it stands in the queue.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", json!(self))
    }
}

/// JSON without the two characters that it may hold and XML, in which messages travel, may not (<https://www.w3.org/TR/xml/#charsets>).
fn storable(json: &str) -> String {
    json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
}

pub(super) fn parse(value: &Value) -> Inbound {
    let bytes = value.to_string();
    let is_newer = value.get("version").and_then(Value::as_u64).is_some_and(|version| version > NEWEST);
    // Every version says since when it waits; what does not would wait for ever.
    if let Some(first_seen) = time_of(value.get("firstSeen")).filter(|_| is_newer) {
        let error = Error::new(Code::MessageNewer, "the message was written by a newer version of ispm-onboarder")
            .hint("Finish the roll-out; until then the message waits in the queue.");
        let kept = Kept { first_seen, text: storable(&bytes) };
        return refused(bytes.as_bytes(), Refusal { kept: Some(kept), ..Refusal::from(error) });
    }
    match Message::deserialize(value) {
        Ok(message) if message.is_ours() => Inbound { cause: message.cause.clone(), request: message.request() },
        _ => {
            let error = Error::new(Code::InvalidEvent, "the message is not one that ispm-onboarder wrote").hint(SHAPES);
            refused(bytes.as_bytes(), error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newer(first_seen: &str) -> Box<Refusal> {
        let message = json!({ "version": 9, "firstSeen": first_seen, "words": "\u{fffe}" });
        parse(&message).request.expect_err("of a newer version")
    }

    #[test]
    fn a_newer_message_is_kept_where_it_says_since_when() {
        let kept = newer("2026-11-22T10:00:00Z").kept.expect("it waits");
        assert_eq!(kept.text, r#"{"firstSeen":"2026-11-22T10:00:00Z","version":9,"words":"\ufffe"}"#);
        assert_eq!(newer("yesterday").error.code, Code::InvalidEvent);
    }
}
