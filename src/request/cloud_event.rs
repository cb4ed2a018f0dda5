//! CloudEvents 1.0 in JSON (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::{Cause, Inbound, LONGEST_ATTRIBUTE, Refusal, Request, SHAPES, asked_by, attribute, refused, signals, time_of, wanted};
use crate::error::{Code, Error};
use crate::event::Specversion;
use crate::scope::{Guid, Scope};

/// The event type by which a pipeline asks for a scope to be onboarded.
pub const ONBOARDING_REQUESTED: &str = "dev.ispm-onboarder.onboarding.requested.v1";
/// The event type by which a pipeline asks for a scope to be offboarded.
pub const OFFBOARDING_REQUESTED: &str = "dev.ispm-onboarder.offboarding.requested.v1";

/// The event by which a pipeline asks, as this program's own commands and documents write it. Of `data` only the members named here are
/// read; further ones have no effect.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub struct RequestedEvent {
    /// Always 1.0.
    pub specversion: Specversion,
    /// The sender's id of this event: a repeat has the same.
    pub id: String,
    /// Who sends it.
    pub source: String,
    /// What is asked.
    #[serde(rename = "type")]
    pub kind: Requested,
    /// When its cause came about; the propagation window counts from here.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "cli", schemars(with = "String", extend("format" = "date-time")))]
    pub time: OffsetDateTime,
    /// What is to be onboarded.
    pub data: RequestedData,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub enum Requested {
    /// Onboarding.
    #[serde(rename = "dev.ispm-onboarder.onboarding.requested.v1")]
    Onboarding,
    /// Offboarding.
    #[serde(rename = "dev.ispm-onboarder.offboarding.requested.v1")]
    Offboarding,
}

/// The `data` of a requested event.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RequestedData {
    /// The Entra tenant.
    pub tenant_id: Guid,
    /// The subscription or management group.
    pub scope: Scope,
}

impl RequestedEvent {
    /// Asks for a scope to be onboarded.
    #[must_use]
    pub fn onboarding(id: &str, source: &str, time: OffsetDateTime, tenant_id: Guid, scope: &Scope) -> Self {
        let data = RequestedData { tenant_id, scope: scope.clone() };
        let (specversion, kind) = (Specversion::V1, Requested::Onboarding);
        Self { specversion, id: id.to_owned(), source: source.to_owned(), kind, time, data }
    }
}

/// The event's data. Where its sender had bytes at hand, the JSON stands in `data_base64`
/// (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#31-handling-of-data>).
fn data(value: &Value) -> Value {
    let decoded = || serde_json::from_slice(&STANDARD.decode(value.get("data_base64")?.as_str()?).ok()?).ok();
    value.get("data").cloned().or_else(decoded).unwrap_or_default()
}

/// The attributes that the specification requires, with `specversion`.
const REQUIRED: [&str; 3] = ["source", "id", "type"];

pub(super) fn parse(value: &Value) -> Inbound {
    let unreadable = |name: &str| {
        let words = format!(
            "the CloudEvents attribute {name} is missing, empty, not a string, longer than {LONGEST_ATTRIBUTE} bytes or has forbidden characters"
        );
        refused(value.to_string().as_bytes(), Error::new(Code::InvalidEvent, words).hint(SHAPES))
    };
    if let Some(missing) = REQUIRED.into_iter().find(|name| attribute(value, name).is_none()) {
        return unreadable(missing);
    }
    if attribute(value, "specversion") != Some("1.0") {
        let error = Error::new(Code::InvalidEvent, "the CloudEvents attribute specversion is missing or not \"1.0\"").hint(SHAPES);
        return refused(value.to_string().as_bytes(), error);
    }
    let text = |name: &str| attribute(value, name).unwrap_or_default().to_owned();
    let cause = Cause { source: text("source"), id: text("id"), kind: text("type") };
    Inbound { request: read(value, &cause), cause }
}

fn read(value: &Value, cause: &Cause) -> Result<Request, Box<Refusal>> {
    let data = data(value);
    let caused_at = time_of(value.get("time"));
    match asked_by(&cause.kind) {
        Some(action) => wanted(&data).map(|(tenant, scope)| Request::new(tenant, scope, action, cause.clone(), caused_at)),
        None => signals::read(cause, attribute(value, "subject"), &data, caused_at),
    }
}
