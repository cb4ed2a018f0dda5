//! What is already true, read with as few round trips as the decision needs.

use crate::azure::{Assignment, Subscription};
use crate::error::{Code, Error};
use crate::ispm::Found;
use crate::request::Request;
use crate::scope::{GroupName, Guid, Scope};
use crate::session::Session;
use crate::tenant::{Policy, Rule};

const SEE_GROUPS: &str = "Give the login app or managed identity the role \"ISPM onboarder: read\" at the root group, so that it sees management groups; `ispm-onboarder permissions` prints the commands.";

/// What was read about a scope.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The object id of the ISPM app's service principal.
    pub principal: Guid,
    /// The scope's own facts.
    pub scope: ScopeFacts,
    /// The principal's role assignments at the scope and above it.
    pub assignments: Vec<Assignment>,
    /// The connection that serves the scope; nothing in console mode. ISPM's trouble is kept until the scope is judged.
    pub connection: Result<Found, Error>,
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
    /// Rules of `policy.exclude` about a subscription or group that lies below this group.
    pub excluded_below: Vec<Rule>,
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
        let Some(ispm) = &session.ispm else { return Ok(Found::default()) };
        let (source, connection) = tokio::join!(session.check_source(ispm), ispm.find(&request.scope));
        source?;
        connection
    };
    let (scope, assignments, connection) = tokio::join!(scope_facts(session, request), assignments, connection);
    let scope = scope?;
    let (principal, assignments) = assignments?;
    let connection_name = session.ispm.as_ref().map(|ispm| ispm.connection_name(&request.scope));
    Ok(Observed { principal, scope, assignments, connection, connection_name })
}

pub(crate) async fn scope_facts(session: &Session, request: &Request) -> Result<ScopeFacts, Error> {
    let root = GroupName::root_of(request.tenant);
    let asks = asks_for_groups(&session.record.policy, &root);
    let facts = match &request.scope {
        Scope::Subscription(id) => {
            let ancestors = async { if asks { session.arm.ancestors(*id).await } else { Ok(Vec::new()) } };
            let (subscription, ancestors) = tokio::join!(subscription(session, request, *id), ancestors);
            let subscription = subscription?;
            same_tenant(subscription.tenant_id, request)?;
            let offer = subscription.quota_id().map(str::to_owned);
            ScopeFacts {
                display_name: subscription.display_name,
                state: Some(subscription.state),
                offer,
                ancestors: ancestors?,
                excluded_below: Vec::new(),
            }
        }
        Scope::ManagementGroup(name) => {
            let group = session.arm.management_group(name).await?;
            same_tenant(group.tenant_id, request)?;
            let excluded_below = excluded_below(session, request, name).await?;
            ScopeFacts { display_name: group.display_name, ancestors: group.ancestors, excluded_below, ..ScopeFacts::default() }
        }
    };
    check_visible(request, &session.record.policy, &facts.ancestors)?;
    Ok(facts)
}

/// Reads a subscription. An id that may be a management group's, and is one, asks for nothing: each subscription below a group has an event
/// of its own.
async fn subscription(session: &Session, request: &Request, id: Guid) -> Result<Subscription, Error> {
    let is_unseen = |error: &Error| matches!(error.code, Code::ScopeNotFound | Code::AuthorizationFailed);
    let unseen = match session.arm.subscription(id).await {
        Err(error) if request.unconfirmed && is_unseen(&error) => error,
        read => return read,
    };
    match session.arm.management_group(&id.into()).await {
        Ok(_) => Err(Error::new(Code::Irrelevant, format!("{id} is a management group, which is not onboarded by itself"))),
        Err(error) if is_unseen(&error) => Err(unseen),
        Err(error) => Err(error),
    }
}

/// Every scope but the root has the root above it. Where no group can be seen, no rule about groups can be judged; and one that excludes
/// cannot be ruled out before the whole way up can be seen.
pub(crate) fn check_visible(request: &Request, policy: &Policy, ancestors: &[GroupName]) -> Result<(), Error> {
    let root = GroupName::root_of(request.tenant);
    let asks = asks_for_groups(policy, &root);
    let excludes = policy.exclude.iter().any(|rule| matches!(rule, Rule::ManagementGroup(_)));
    let enough = if excludes { ancestors.contains(&root) } else { !ancestors.is_empty() };
    if !asks || enough || request.scope == Scope::ManagementGroup(root) {
        return Ok(());
    }
    let words = format!("the management groups above {} cannot be seen up to the root, and the policy names groups", request.scope);
    Err(Error::new(Code::AuthorizationFailed, words).hint(SEE_GROUPS))
}

/// The rules that exclude something below a group: assigning Reader at the group would reach it. Rules about names, states and offers are
/// about the scope that is asked for, not about what is below it.
async fn excluded_below(session: &Session, request: &Request, group: &GroupName) -> Result<Vec<Rule>, Error> {
    let root = GroupName::root_of(request.tenant);
    let mut below = Vec::new();
    for rule in &session.record.policy.exclude {
        let unjudged = |error: Error| {
            let message = format!("policy.exclude {rule} cannot be judged for what is below {}: {}", request.scope, error.message);
            Error { message, ..error }
        };
        let Some(above) = groups_above(session, rule, group, &root).await.map_err(unjudged)? else { continue };
        if above.contains(group) {
            below.push(rule.clone());
        } else if !above.contains(&root) {
            return Err(unjudged(
                Error::new(Code::AuthorizationFailed, "the groups above it cannot be seen up to the root").hint(SEE_GROUPS),
            ));
        }
    }
    Ok(below)
}

/// The groups above what a rule excludes, as far as visible; `None` where that is not there, or cannot be below the group.
async fn groups_above(session: &Session, rule: &Rule, group: &GroupName, root: &GroupName) -> Result<Option<Vec<GroupName>>, Error> {
    let found = match rule {
        Rule::Id(id) => match session.arm.ancestors(*id).await {
            // An empty answer may mean that it is not there, or that it cannot be seen.
            Ok(above) if above.is_empty() => session.arm.subscription(*id).await.map(|_| above),
            above => above,
        },
        Rule::ManagementGroup(name) if name == group || name == root => return Ok(None),
        Rule::ManagementGroup(name) => session.arm.management_group(name).await.map(|found| found.ancestors),
        Rule::Name(_) | Rule::State(_) | Rule::Offer(_) => return Ok(None),
    };
    match found {
        Err(error) if error.code == Code::ScopeNotFound => Ok(None),
        found => found.map(Some),
    }
}

/// Whether the policy names management groups other than the root, so that a subscription's place has to be known.
fn asks_for_groups(policy: &Policy, root: &GroupName) -> bool {
    let rules = policy.include.iter().chain(&policy.exclude);
    !(policy.management_groups.is_empty() || policy.management_groups.contains(root))
        || rules.into_iter().any(|rule| matches!(rule, Rule::ManagementGroup(_)))
}

pub(crate) fn same_tenant(found: Guid, request: &Request) -> Result<(), Error> {
    if found == request.tenant {
        return Ok(());
    }
    Err(Error::new(Code::ForeignScope, format!("{} belongs to tenant {found}, not to {}", request.scope, request.tenant))
        .hint("Send the event with the scope's own tenant id; that tenant needs a record of its own."))
}
