//! What is true of a scope that is to be offboarded.

use crate::azure::Assignment;
use crate::error::{Code, Error};
use crate::ispm::Found;
use crate::observe::{ScopeFacts, same_tenant, scope_facts};
use crate::request::{Authority, Request};
use crate::scope::{Guid, Scope};
use crate::session::Session;

/// What was read.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The object id of the ISPM app's service principal.
    pub principal: Guid,
    /// Where the scope is.
    pub presence: Presence,
    /// The principal's role assignments at the scope and above it; none where it is not here.
    pub assignments: Vec<Assignment>,
    /// The connection that serves the scope; nothing in console mode. ISPM's trouble does not keep the role from being removed.
    pub connection: Result<Found, Error>,
    /// Whether the connection serves something else too.
    pub connection_needed: bool,
}

/// Where a scope is, by ARM's word.
#[derive(Clone, Debug)]
pub enum Presence {
    /// In the tenant. A person's word needs no facts, and none are read for it.
    Here(Option<ScopeFacts>),
    /// In another tenant. Its role assignments did not go there with it
    /// (<https://learn.microsoft.com/azure/role-based-access-control/transfer-subscription>).
    Elsewhere,
    /// Nowhere.
    Gone,
}

/// Reads what the decision needs. `young` says whether a subscription that is not there may only not be there yet.
pub(super) async fn observe(session: &Session, request: &Request, young: bool) -> Result<Standing, Error> {
    let (principal, presence) = tokio::join!(session.principal(), presence(session, request, young));
    let (presence, principal) = (presence?, principal?);
    let assignments = match presence {
        Presence::Here(_) => session.arm.assignments(&request.scope, principal).await?,
        Presence::Elsewhere | Presence::Gone => Vec::new(),
    };
    let connection = connection(session, request, &assignments, principal).await;
    let (connection, connection_needed) = match connection {
        Ok((found, needed)) => (Ok(found), needed),
        Err(error) => (Err(error), true),
    };
    Ok(Standing { principal, presence, assignments, connection, connection_needed })
}

async fn presence(session: &Session, request: &Request, young: bool) -> Result<Presence, Error> {
    let read = match request.authority {
        Authority::Event => scope_facts(session, request).await.map(Some),
        Authority::Person => is_here(session, request).await.map(|()| None),
    };
    match (read, &request.scope) {
        (Ok(facts), _) => Ok(Presence::Here(facts)),
        (Err(error), _) if error.code == Code::ForeignScope => Ok(Presence::Elsewhere),
        (Err(error), Scope::Subscription(id)) if error.code == Code::ScopeNotFound && !young => {
            if session.arm.is_gone(*id).await? {
                Ok(Presence::Gone)
            } else {
                Err(error)
            }
        }
        (Err(error), _) => Err(error),
    }
}

async fn is_here(session: &Session, request: &Request) -> Result<(), Error> {
    let tenant = match &request.scope {
        Scope::Subscription(id) => session.arm.subscription(*id).await?.tenant_id,
        Scope::ManagementGroup(name) => session.arm.management_group(name).await?.tenant_id,
    };
    same_tenant(tenant, request)
}

/// The connection, and whether something else needs it. Where there is one for all, that is asked only where it could be removed.
async fn connection(session: &Session, request: &Request, assignments: &[Assignment], principal: Guid) -> Result<(Found, bool), Error> {
    let Some(ispm) = &session.ispm else { return Ok((Found::default(), false)) };
    let found = ispm.find(&request.scope).await?;
    let removable = found.ours || !found.surplus.is_empty();
    if ispm.is_per_scope() || !removable {
        return Ok((found, false));
    }
    let is_other = |found: &Assignment| found.is_reader() && !found.is_ours(&request.scope, principal);
    let needed = assignments.iter().any(is_other) || session.arm.has_reader_beside(&request.scope, principal, request.tenant).await?;
    Ok((found, needed))
}
