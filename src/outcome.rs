//! What came of a request, and the result event that says so.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::{Uuid, uuid};

use crate::error::{Code, Error};
use crate::ispm::{Connection, Status};
use crate::request::{Cause, Request};
use crate::scope::{Guid, Scope};

/// The namespace of result ids: a repeat of the same outcome has the same id.
const RESULT_NAMESPACE: Uuid = uuid!("7c3f1a52-5d0b-4c76-9f0e-6b5b0c0f5d11");

/// The kinds of result event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reader and the connection are there.
    Onboarded,
    /// All is done that this program can do; ISPM or a person has to follow.
    Pending,
    /// Kept out by policy or state.
    Blocked,
    /// Cannot succeed without a change; the hint says which.
    Failed,
    /// Nothing of this tenant can succeed until someone mends it.
    TenantFailed,
}

impl Kind {
    /// The CloudEvents `type`.
    #[must_use]
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Onboarded => "dev.ispm-onboarder.scope.onboarded.v1",
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
            Self::Pending => "pending",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::TenantFailed => "tenant failed",
        }
    }
}

/// How Reader came to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleState {
    /// Assigned now.
    Created,
    /// Assigned before, at the scope itself.
    AlreadyAssigned,
    /// Assigned before, at a management group above.
    Inherited,
}

impl fmt::Display for RoleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::AlreadyAssigned => "already assigned",
            Self::Inherited => "inherited",
        })
    }
}

/// Reader, in a result.
#[derive(Clone, Debug, Serialize)]
pub struct RoleResult {
    /// The assignment's id.
    pub id: String,
    /// How it came to be there.
    pub outcome: RoleState,
    /// Where it sits.
    pub scope: Scope,
}

/// The connection, in a result.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectionResult {
    /// ISPM's id, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The source name.
    pub name: String,
    /// `connected`, `pending`, `failed` or `awaiting-console`.
    pub status: &'static str,
    /// Why ISPM's test failed.
    #[serde(skip)]
    pub cause: Option<String>,
}

impl ConnectionResult {
    /// A connection that a person has to make.
    #[must_use]
    pub fn awaiting_console(name: &str) -> Self {
        Self { id: None, name: name.to_owned(), status: "awaiting-console", cause: None }
    }
}

impl From<&Connection> for ConnectionResult {
    fn from(connection: &Connection) -> Self {
        let status = match connection.status {
            Status::Connected => "connected",
            Status::Pending => "pending",
            Status::Failed => "failed",
        };
        Self { id: Some(connection.id.clone()), name: connection.name.clone(), status, cause: connection.cause.clone() }
    }
}

/// What came of a request.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which kind of result.
    pub kind: Kind,
    /// The tenant, where the input named one that this deployment serves.
    pub tenant: Option<Guid>,
    /// The scope, where the input named one.
    pub scope: Option<Scope>,
    /// What caused it.
    pub cause: Cause,
    /// Reader.
    pub role: Option<RoleResult>,
    /// The connection.
    pub connection: Option<ConnectionResult>,
    /// Why it is not simply onboarded.
    pub error: Option<Error>,
    /// What the id is made of, where that is not the cause and the scope.
    id_parts: Option<Vec<String>>,
}

impl Outcome {
    /// The outcome of a request that was carried out, by the state of its connection. `young` says whether a connection that is not
    /// connected yet may still become so.
    ///
    /// # Errors
    /// `ConnectionPending` and `ConnectionFailed` while they may pass, and `ConnectionFailed` for good afterwards.
    pub fn applied(request: &Request, entra_source: &str, applied: crate::apply::Applied, young: bool) -> Result<Self, Error> {
        let status = applied.connection.as_ref().map_or("connected", |connection| connection.status);
        let cause = applied.connection.as_ref().and_then(|connection| connection.cause.clone());
        let base = Self {
            kind: Kind::Onboarded,
            tenant: Some(request.tenant),
            scope: Some(request.scope.clone()),
            cause: request.cause.clone(),
            role: applied.role,
            connection: applied.connection,
            error: None,
            id_parts: None,
        };
        match status {
            "pending" => {
                let error = Error::new(Code::ConnectionPending, "ISPM has not tested the connection yet")
                    .hint("Nothing to do now: ISPM tests each source daily. If it stays so, look at the source in the ISPM console.");
                if young { Err(error) } else { Ok(Self { kind: Kind::Pending, error: Some(error), ..base }) }
            }
            "failed" => {
                let cause = cause.unwrap_or_else(|| "no cause given".to_owned());
                Err(Error::new(Code::ConnectionFailed, format!("ISPM's test of the connection failed: {cause}"))
                    .hint("Look at the Azure source and its Entra source in the ISPM console: credentials, permissions, configuration."))
            }
            "awaiting-console" => {
                let name = base.connection.as_ref().map(|connection| connection.name.clone()).unwrap_or_default();
                let error = Error::new(Code::AwaitingConsole, "the role is assigned; a person has to add the connection in the ISPM console")
                    .hint(format!("In the ISPM console: Azure Cloud, Connect, Related AAD \"{entra_source}\", Source name \"{name}\", Add Azure connection."));
                let id_parts = Some(vec![request.tenant.to_string(), entra_source.to_owned()]);
                Ok(Self { kind: Kind::Pending, error: Some(error), id_parts, ..base })
            }
            _ => Ok(base),
        }
    }

    /// The outcome of a request that cannot be carried out.
    #[must_use]
    pub fn refused(request: &Request, error: Error) -> Self {
        let kind = match error.code {
            Code::ExcludedByPolicy | Code::SubscriptionNotActive | Code::RoleMissing => Kind::Blocked,
            _ => Kind::Failed,
        };
        let tenant = (error.code != Code::TenantNotServed).then_some(request.tenant);
        Self { kind, tenant, scope: Some(request.scope.clone()), ..Self::unreadable(request.cause.clone(), error) }
    }

    /// The outcome of an input that asks for nothing that can be understood.
    #[must_use]
    pub fn unreadable(cause: Cause, error: Error) -> Self {
        Self { kind: Kind::Failed, tenant: None, scope: None, cause, role: None, connection: None, error: Some(error), id_parts: None }
    }

    /// The outcome for a whole tenant: one a day, by its id.
    #[must_use]
    pub fn tenant_failed(request: &Request, error: Error, now: OffsetDateTime) -> Self {
        let id_parts = Some(vec![request.tenant.to_string(), now.date().to_string()]);
        Self { kind: Kind::TenantFailed, tenant: Some(request.tenant), id_parts, ..Self::unreadable(request.cause.clone(), error) }
    }

    /// The event's id: the same for the same outcome of the same cause, whatever happened the second time.
    #[must_use]
    pub fn id(&self) -> Uuid {
        let text = |part: Option<String>| part.unwrap_or_default();
        let mut parts = self.id_parts.clone().unwrap_or_else(|| {
            let tenant = text(self.tenant.map(|tenant| tenant.to_string()));
            let scope = text(self.scope.as_ref().map(Scope::path));
            vec![self.cause.source.clone(), self.cause.id.clone(), tenant, scope]
        });
        parts.push(self.kind.event_type().to_owned());
        // Each part is preceded by its length, so that no two lists of parts make the same bytes.
        let bytes: Vec<u8> = parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes(), part.as_bytes()].concat()).collect();
        Uuid::new_v5(&RESULT_NAMESPACE, &bytes)
    }

    /// The CloudEvents 1.0 event that is published.
    #[must_use]
    pub fn event(&self, now: OffsetDateTime) -> Value {
        let source = self.tenant.map_or_else(|| "urn:ispm-onboarder:unserved".to_owned(), |tenant| format!("urn:ispm-onboarder:{tenant}"));
        let subject = match (self.kind, &self.scope) {
            (Kind::TenantFailed, _) => self.tenant.map(|tenant| tenant.to_string()),
            (_, Some(scope)) => Some(scope.path()),
            (_, None) => None,
        };
        let mut data = json!({ "cause": self.cause });
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                data[key] = value;
            }
        };
        put("tenantId", self.tenant.map(|tenant| json!(tenant)));
        put("scope", self.scope.as_ref().map(|scope| json!(scope)));
        put("roleAssignment", self.role.as_ref().map(|role| json!(role)));
        put("connection", self.connection.as_ref().map(|connection| json!(connection)));
        if let Some(error) = &self.error {
            put("code", Some(json!(error.code)));
            put("message", Some(json!(error.message)));
            put("hint", error.hint.as_ref().map(|hint| json!(hint)));
        }
        let mut event = json!({
            "specversion": "1.0",
            "id": self.id(),
            "source": source,
            "type": self.kind.event_type(),
            "time": now.format(&Rfc3339).unwrap_or_default(),
            "datacontenttype": "application/json",
            "data": data,
        });
        if let Some(subject) = subject {
            event["subject"] = json!(subject);
        }
        event
    }
}
