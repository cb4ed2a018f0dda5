//! What is already true, read with as few round trips as the decision needs.

use crate::azure::Assignment;
use crate::error::{Code, Error};
use crate::ispm::Connection;
use crate::request::Request;
use crate::scope::{GroupName, Guid, Scope};
use crate::session::Session;
use crate::tenant::{Policy, Rule};

/// What was read about a scope.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The object id of the ISPM app's service principal.
    pub principal: Guid,
    /// The scope's own facts.
    pub scope: ScopeFacts,
    /// The principal's role assignments at the scope and above it.
    pub assignments: Vec<Assignment>,
    /// The connection of the tenant's Entra source; absent in console mode and where there is none.
    pub connection: Option<Connection>,
    /// The name that a connection made now would have; absent in console mode.
    pub connection_name: Option<String>,
}

/// What ARM says of a scope.
#[derive(Clone, Debug, Default)]
pub struct ScopeFacts {
    /// What people call it.
    pub display_name: String,
    /// A subscription's state.
    pub state: Option<String>,
    /// A subscription's offer (`quotaId`).
    pub offer: Option<String>,
    /// The management groups above it, as far as visible; empty where the policy does not ask.
    pub ancestors: Vec<GroupName>,
}

/// Reads what the decision needs, side by side where independent.
///
/// # Errors
/// Those of the reads, those of ARM first: whatever else is wrong, a scope that cannot be read cannot be decided on.
pub async fn observe(session: &Session, request: &Request) -> Result<Observed, Error> {
    let assignments = async {
        let principal = session.principal().await?;
        session.arm.assignments(&request.scope, principal).await.map(|found| (principal, found))
    };
    let connection = async {
        let Some(ispm) = &session.ispm else { return Ok(None) };
        let (source, connection) = tokio::join!(session.check_source(ispm), ispm.find(&request.scope));
        source?;
        connection
    };
    let (scope, assignments, connection) = tokio::join!(scope_facts(session, request), assignments, connection);
    let scope = scope?;
    let (principal, assignments) = assignments?;
    let connection_name = session.ispm.as_ref().map(|ispm| ispm.connection_name(&request.scope));
    Ok(Observed { principal, scope, assignments, connection: connection?, connection_name })
}

async fn scope_facts(session: &Session, request: &Request) -> Result<ScopeFacts, Error> {
    let root = GroupName::root_of(request.tenant);
    let asks = asks_for_groups(&session.record.policy, &root);
    let facts = match &request.scope {
        Scope::Subscription(id) => {
            let ancestors = async { if asks { session.arm.ancestors(*id).await } else { Ok(Vec::new()) } };
            let (subscription, ancestors) = tokio::join!(session.arm.subscription(*id), ancestors);
            let subscription = subscription?;
            same_tenant(subscription.tenant_id, request)?;
            let offer = subscription.quota_id().map(str::to_owned);
            ScopeFacts { display_name: subscription.display_name, state: Some(subscription.state), offer, ancestors: ancestors? }
        }
        Scope::ManagementGroup(name) => {
            let group = session.arm.management_group(name).await?;
            same_tenant(group.tenant_id, request)?;
            ScopeFacts { display_name: group.display_name, ancestors: group.ancestors, ..ScopeFacts::default() }
        }
    };
    // Every scope but the root has a group above it. Where none can be seen, no rule about groups can be judged, least of all one that
    // excludes.
    if asks && facts.ancestors.is_empty() && request.scope != Scope::ManagementGroup(root) {
        let words = format!("the management groups above {} cannot be seen, and the policy names groups", request.scope);
        return Err(Error::new(Code::AuthorizationFailed, words).hint(
            "Give the login app or managed identity the right to read management groups (Microsoft.Management/managementGroups/read) at the root group.",
        ));
    }
    Ok(facts)
}

/// Whether the policy names management groups other than the root, so that a subscription's place has to be known.
fn asks_for_groups(policy: &Policy, root: &GroupName) -> bool {
    let rules = policy.include.iter().chain(&policy.exclude);
    !(policy.management_groups.is_empty() || policy.management_groups.contains(root))
        || rules.into_iter().any(|rule| matches!(rule, Rule::ManagementGroup(_)))
}

fn same_tenant(found: Guid, request: &Request) -> Result<(), Error> {
    if found == request.tenant {
        return Ok(());
    }
    Err(Error::new(Code::ForeignScope, format!("{} belongs to tenant {found}, not to {}", request.scope, request.tenant))
        .hint("Send the event with the scope's own tenant id; that tenant needs a record of its own."))
}
