//! The result events, as they go out: CloudEvents 1.0 in structured mode.

use std::fmt;

use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::Code;
use crate::event::{CallerId, Cause, Specversion};
use crate::ispm::{Cause as FailureCause, Connection, Status};

use crate::scope::{AssignedAt, Guid, Scope};

/// A result event.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub struct ResultEvent {
    /// Always 1.0.
    pub specversion: Specversion,
    /// The same for the same outcome of the same cause, whatever happened the second time.
    pub id: Uuid,
    /// `urn:ispm-onboarder:{tenant id}`, or `urn:ispm-onboarder:unserved` where the input named no tenant that is served.
    pub source: String,
    /// What came of it.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The scope; for a tenant's trouble, the tenant's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it was published.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "cli", schemars(with = "String", extend("format" = "date-time")))]
    pub time: OffsetDateTime,
    /// Always `application/json`.
    pub datacontenttype: &'static str,
    /// The result.
    pub data: ResultData,
}

/// The `data` of a result event.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResultData {
    /// The tenant, where the input named one that is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<Guid>,
    /// The scope, where the input named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// What caused it.
    pub cause: Cause,
    /// Who called, where it was a call with an Entra token that was answered at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<CallerId>,
    /// Reader of the ISPM app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_assignment: Option<RoleResult>,
    /// The connection in ISPM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionResult>,
    /// Why it is not simply onboarded, by the name under which docs/operate.md explains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// What happened, to which id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The kinds of result event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub enum Kind {
    /// Reader and the connection are there.
    #[serde(rename = "dev.ispm-onboarder.scope.onboarded.v1")]
    Onboarded,
    /// All that this program made for the scope is gone.
    #[serde(rename = "dev.ispm-onboarder.scope.offboarded.v1")]
    Offboarded,
    /// All is done that this program can do; ISPM or a person has to follow.
    #[serde(rename = "dev.ispm-onboarder.scope.pending.v1")]
    Pending,
    /// Kept out by policy or state.
    #[serde(rename = "dev.ispm-onboarder.scope.blocked.v1")]
    Blocked,
    /// Cannot succeed without a change; the hint says which.
    #[serde(rename = "dev.ispm-onboarder.scope.failed.v1")]
    Failed,
    /// Nothing of this tenant can succeed until someone mends it.
    #[serde(rename = "dev.ispm-onboarder.tenant.failed.v1")]
    TenantFailed,
}

impl Kind {
    /// The CloudEvents `type`.
    #[must_use]
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Onboarded => "dev.ispm-onboarder.scope.onboarded.v1",
            Self::Offboarded => "dev.ispm-onboarder.scope.offboarded.v1",
            Self::Pending => "dev.ispm-onboarder.scope.pending.v1",
            Self::Blocked => "dev.ispm-onboarder.scope.blocked.v1",
            Self::Failed => "dev.ispm-onboarder.scope.failed.v1",
            Self::TenantFailed => "dev.ispm-onboarder.tenant.failed.v1",
        }
    }

    /// The word for tables and logs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Onboarded => "onboarded",
            Self::Offboarded => "offboarded",
            Self::Pending => "pending",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::TenantFailed => "tenant failed",
        }
    }
}

/// How Reader came to be there, or came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RoleState {
    /// Assigned now.
    Created,
    /// Assigned before, at the scope itself.
    AlreadyAssigned,
    /// Assigned before, at a management group above.
    Inherited,
    /// Removed now.
    Removed,
    /// Not there.
    Absent,
    /// At the scope itself, and not assigned here: it is left as it is.
    NotOurs,
}

impl fmt::Display for RoleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::AlreadyAssigned => "already assigned",
            Self::Inherited => "inherited",
            Self::Removed => "removed",
            Self::Absent => "absent",
            Self::NotOurs => "not ours",
        })
    }
}

/// Reader, in a result.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub struct RoleResult {
    /// The assignment's id.
    pub id: String,
    /// How it came to be there.
    pub outcome: RoleState,
    /// Where it sits: a subscription, a management group, or `/`.
    pub scope: AssignedAt,
}

/// The state of a connection, in a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionStatus {
    /// ISPM reads through it.
    Connected,
    /// ISPM has not tested it yet.
    Pending,
    /// ISPM's test failed.
    Failed,
    /// A person has to make it.
    AwaitingConsole,
    /// Removed now.
    Removed,
}

impl fmt::Display for ConnectionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connected => "connected",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::AwaitingConsole => "awaiting console",
            Self::Removed => "removed",
        })
    }
}

/// The connection, in a result.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub struct ConnectionResult {
    /// ISPM's id, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The source name.
    pub name: String,
    /// Its state.
    pub status: ConnectionStatus,
    /// Why ISPM's test failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<FailureCause>,
}

impl ConnectionResult {
    /// The connection, once it is removed.
    #[must_use]
    pub fn removed(self) -> Self {
        Self { status: ConnectionStatus::Removed, cause: None, ..self }
    }

    /// A connection that a person has to make.
    #[must_use]
    pub fn awaiting_console(name: &str) -> Self {
        Self { id: None, name: name.to_owned(), status: ConnectionStatus::AwaitingConsole, cause: None }
    }
}

impl From<&Connection> for ConnectionResult {
    fn from(connection: &Connection) -> Self {
        let (status, cause) = match connection.status {
            Status::Connected => (ConnectionStatus::Connected, None),
            Status::Pending => (ConnectionStatus::Pending, None),
            Status::Failed(cause) => (ConnectionStatus::Failed, cause),
        };
        Self { id: connection.id.clone(), name: connection.name.clone(), status, cause }
    }
}
