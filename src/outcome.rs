//! What came of a request, and the result event that says so.

use time::OffsetDateTime;
use uuid::{Uuid, uuid};

use crate::apply::Progress;
use crate::error::{Code, Error};
use crate::event::{CallerId, Cause, Specversion};
use crate::request::Request;
use crate::result_event::{ConnectionResult, ConnectionStatus, Kind, ResultData, ResultEvent, RoleResult};
use crate::scope::{Guid, Scope};

/// The namespace of result ids: a repeat of the same outcome has the same id.
const RESULT_NAMESPACE: Uuid = uuid!("7c3f1a52-5d0b-4c76-9f0e-6b5b0c0f5d11");

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
    /// Who called, where that is known.
    pub caller: Option<CallerId>,
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
    /// `ConnectionPending` and `ConnectionFailed` while they may pass.
    pub fn of(request: &Request, entra_source: &str, progress: &Progress, young: bool) -> Result<Self, Error> {
        let done = Self {
            kind: Kind::Onboarded,
            tenant: Some(request.tenant),
            scope: Some(request.scope.clone()),
            cause: request.cause.clone(),
            caller: request.caller,
            role: progress.role.clone(),
            connection: progress.connection.clone(),
            error: None,
            id_parts: None,
        };
        let Some(connection) = &progress.connection else { return Ok(done) };
        match connection.status {
            ConnectionStatus::Connected | ConnectionStatus::Removed => Ok(done),
            ConnectionStatus::Pending => {
                let error = Error::new(Code::ConnectionPending, "ISPM has not tested the connection yet")
                    .hint("Nothing to do now: ISPM tests each source daily. If it stays so, look at the source in the ISPM console.");
                if young { Err(error) } else { Ok(Self { kind: Kind::Pending, error: Some(error), ..done }) }
            }
            ConnectionStatus::Failed => {
                let cause = connection.cause.map_or_else(|| "no cause given".to_owned(), |cause| cause.to_string());
                let error = Error::new(Code::ConnectionFailed, format!("ISPM's test of the connection failed: {cause}"))
                    .hint("Look at the Azure source and its Entra source in the ISPM console: credentials, permissions, configuration.");
                if young { Err(error) } else { Ok(Self { kind: Kind::Failed, error: Some(error), ..done }) }
            }
            ConnectionStatus::AwaitingConsole => {
                let error = Error::new(
                    Code::AwaitingConsole,
                    "the role is assigned; a person has to add the connection in the ISPM console",
                )
                .hint(format!(
                    "In the ISPM console: Azure Cloud, Connect, Related AAD \"{entra_source}\", Source name \"{}\", Add Azure connection.",
                    connection.name
                ));
                let id_parts = Some(vec![request.tenant.to_string(), entra_source.to_owned()]);
                Ok(Self { kind: Kind::Pending, error: Some(error), id_parts, ..done })
            }
        }
    }

    /// The outcome of a scope whose own things are gone. `remains` is what others assigned, and what is not touched.
    #[must_use]
    pub fn offboarded(request: &Request, remains: Option<Error>, progress: &Progress) -> Self {
        Self {
            kind: Kind::Offboarded,
            tenant: Some(request.tenant),
            scope: Some(request.scope.clone()),
            cause: request.cause.clone(),
            caller: request.caller,
            role: progress.role.clone(),
            connection: progress.connection.clone(),
            error: remains,
            id_parts: None,
        }
    }

    /// The outcome of a request that cannot be carried out, with what was done before that showed.
    #[must_use]
    pub fn refused(request: &Request, error: Error, progress: Progress) -> Self {
        let kind = match error.code {
            Code::ExcludedByPolicy | Code::SubscriptionNotActive | Code::RoleMissing | Code::OffboardingNotJustified => Kind::Blocked,
            // The window ended between the outcome and its end.
            Code::ConnectionPending => Kind::Pending,
            _ => Kind::Failed,
        };
        let tenant = (error.code != Code::TenantNotServed).then_some(request.tenant);
        let Progress { role, connection, .. } = progress;
        Self {
            kind,
            tenant,
            scope: Some(request.scope.clone()),
            caller: request.caller,
            role,
            connection,
            id_parts: None,
            ..Self::unreadable(request.cause.clone(), None, error)
        }
    }

    /// The outcome of an input that asks for nothing that can be understood; `tenant` is the one it names, if that is served.
    #[must_use]
    pub fn unreadable(cause: Cause, tenant: Option<Guid>, error: Error) -> Self {
        // Its id must not depend on whether its tenant could be looked up.
        let id_parts = Some(vec![cause.source.clone(), cause.id.clone()]);
        Self { kind: Kind::Failed, tenant, scope: None, cause, caller: None, role: None, connection: None, error: Some(error), id_parts }
    }

    /// The outcome for a whole tenant: one a day, by its id.
    #[must_use]
    pub fn tenant_failed(request: &Request, error: Error, now: OffsetDateTime) -> Self {
        let id_parts = Some(vec![request.tenant.to_string(), now.date().to_string()]);
        Self { kind: Kind::TenantFailed, id_parts, ..Self::unreadable(request.cause.clone(), Some(request.tenant), error) }
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
    pub fn event(&self, now: OffsetDateTime) -> ResultEvent {
        let subject = match (self.kind, &self.scope) {
            (Kind::TenantFailed, _) => self.tenant.map(|tenant| tenant.to_string()),
            (_, scope) => scope.as_ref().map(Scope::path),
        };
        ResultEvent {
            specversion: Specversion::V1,
            id: self.id(),
            source: self.tenant.map_or_else(|| "urn:ispm-onboarder:unserved".to_owned(), |tenant| format!("urn:ispm-onboarder:{tenant}")),
            kind: self.kind,
            subject,
            time: now,
            datacontenttype: "application/json",
            data: ResultData {
                tenant_id: self.tenant,
                scope: self.scope.clone(),
                cause: self.cause.clone(),
                caller: self.caller,
                role_assignment: self.role.clone(),
                connection: self.connection.clone(),
                code: self.error.as_ref().map(|error| error.code),
                message: self.error.as_ref().map(|error| error.message.clone()),
                hint: self.error.as_ref().and_then(|error| error.hint.clone()),
            },
        }
    }
}

#[cfg(test)]
mod tests;
