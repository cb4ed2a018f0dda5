//! The decision: a synchronous function over plain data.

use std::fmt;

use crate::azure::{Assignment, assignment_name};
use crate::error::{Code, Error};
use crate::observe::{Observed, ScopeFacts};
use crate::request::Request;
use crate::scope::{AssignedAt, GroupName, Guid, Scope};
use crate::tenant::{Assign, Connect, Policy, Rule, TenantRecord};

/// The offer of the legacy "Access to Azure Active Directory" subscription, which holds no resources.
const LEGACY_DIRECTORY_OFFER: &str = "AAD_2015-09-01";

/// What is to be done for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Reader as it was found, where it was.
    pub role: Option<RoleFound>,
    /// What is to be done, in this order.
    pub steps: Vec<Step>,
}

/// Reader that was there before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleFound {
    /// The assignment's id, as ARM spells it.
    pub id: String,
    /// Where it sits.
    pub scope: AssignedAt,
    /// Whether that is above the scope.
    pub inherited: bool,
}

/// One step. Each is idempotent by construction, and prints itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Assign Reader to the ISPM app's service principal.
    AssignReader {
        /// Where.
        scope: Scope,
        /// Under which name.
        name: Guid,
        /// To whom.
        principal: Guid,
    },
    /// Create the connection of the tenant's Entra source.
    CreateConnection {
        /// The source name.
        name: String,
        /// The Related AAD.
        entra_source: String,
    },
    /// Remove a connection that was made here.
    RemoveConnection {
        /// ISPM's id.
        id: String,
        /// Whether it stands beside an older one, where ISPM does not refuse a second.
        surplus: bool,
    },
    /// Remove Reader from the ISPM app's service principal, where this program assigned it.
    RemoveRole {
        /// Where.
        scope: Scope,
        /// Under which name.
        name: Guid,
        /// From whom.
        principal: Guid,
    },
    /// Ask a person to create the connection in the ISPM console.
    AskForConnection {
        /// The source name.
        name: String,
        /// The Related AAD.
        entra_source: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AssignReader { scope, name, principal } => {
                write!(f, "assign Reader at {scope} to service principal {principal} (assignment {name})")
            }
            Self::CreateConnection { name, entra_source } => {
                write!(f, "create the ISPM connection \"{name}\" for the Related AAD \"{entra_source}\"")
            }
            Self::RemoveConnection { id, surplus: true } => write!(f, "remove the ISPM connection {id}, made here beside an older one"),
            Self::RemoveConnection { id, surplus: false } => write!(f, "remove the ISPM connection {id}, made here"),
            Self::RemoveRole { scope, name, principal } => {
                write!(f, "remove Reader at {scope} from service principal {principal} (assignment {name})")
            }
            Self::AskForConnection { name, entra_source } => {
                write!(f, "ask for the connection in the ISPM console: Azure Cloud, Related AAD \"{entra_source}\", Source name \"{name}\"")
            }
        }
    }
}

/// Decides what to do. The scope is judged before what was read of role and connection, so that a scope that is kept out is kept out
/// whatever else is wrong.
///
/// # Errors
/// What keeps the scope from being onboarded: `ExcludedByPolicy`, `SubscriptionNotActive`, `RoleMissing`, `RoleAssignmentConflict`.
pub fn plan(request: &Request, record: &TenantRecord, observed: &Observed) -> Result<Plan, Error> {
    judge(request, &record.policy, &observed.scope)?;
    let found = observed.connection.as_ref().map_err(Clone::clone)?;
    let role = find_reader(request, &record.policy, observed);
    let mut steps = Vec::new();
    if role.is_none() {
        if record.policy.assign == Assign::Never {
            return Err(Error::new(
                Code::RoleMissing,
                format!("Reader is missing at {} and the policy forbids assigning it", request.scope),
            )
            .hint(format!(
                "Assign Reader to service principal {} at {} or at a management group above it, then send the event again.",
                observed.principal, request.scope
            )));
        }
        // Assigning would take the condition off where it has our name, and be refused where it has another.
        if let Some(narrow) = observed.assignments.iter().find(|found| is_narrow_reader(found, &request.scope, observed.principal)) {
            return Err(Error::new(Code::RoleAssignmentConflict, format!("Reader at {} has a condition: {}", request.scope, narrow.id))
                .hint("ISPM needs Reader without a condition: remove the condition or the assignment, then send the event again."));
        }
        let name = assignment_name(&request.scope, observed.principal);
        steps.push(Step::AssignReader { scope: request.scope.clone(), name, principal: observed.principal });
    }
    let entra_source = record.ispm.entra_source.clone();
    match (&record.ispm.connect, &found.connection) {
        (Connect::Console {}, _) => steps.push(Step::AskForConnection { name: format!("azure-{}", record.tenant_id), entra_source }),
        (_, None) => steps.push(Step::CreateConnection { name: observed.connection_name.clone().unwrap_or_default(), entra_source }),
        (_, Some(_)) => {}
    }
    steps.extend(found.surplus.iter().map(|id| Step::RemoveConnection { id: id.clone(), surplus: true }));
    Ok(Plan { role, steps })
}

/// The principal's own Reader at the scope, narrowed by a condition. A group's is no hindrance.
fn is_narrow_reader(assignment: &Assignment, scope: &Scope, principal: Guid) -> bool {
    let own = assignment.principal.eq_ignore_ascii_case(&principal.to_string());
    own && assignment.conditional && assignment.is_reader() && assignment.scope == AssignedAt::Scope(scope.clone())
}

/// Reader of the app, without a condition: at the scope itself, else, where the policy accepts it, the one found above.
pub(crate) fn find_reader(request: &Request, policy: &Policy, observed: &Observed) -> Option<RoleFound> {
    let readers = observed.assignments.iter().filter(|assignment| assignment.is_reader() && !assignment.conditional);
    let found: Vec<RoleFound> = readers
        .filter_map(|assignment| {
            let inherited = match &assignment.scope {
                AssignedAt::Scope(scope) => *scope != request.scope,
                AssignedAt::Directory => true,
                AssignedAt::Elsewhere(_) => return None,
            };
            Some(RoleFound { id: assignment.id.clone(), scope: assignment.scope.clone(), inherited })
        })
        .filter(|role| !role.inherited || policy.accept_inherited)
        .collect();
    found.iter().find(|role| !role.inherited).or_else(|| found.first()).cloned()
}

/// Judges a scope by the tenant's policy; each refusal says which rule did it.
pub(crate) fn judge(request: &Request, policy: &Policy, facts: &ScopeFacts) -> Result<(), Error> {
    let within = within(&request.scope, facts);
    let root = GroupName::root_of(request.tenant);
    let anywhere = policy.management_groups.is_empty() || policy.management_groups.contains(&root);
    if !anywhere && !policy.management_groups.iter().any(|group| within.contains(group)) {
        return Err(excluded(request, "it is not below any group in policy.managementGroups"));
    }
    if let Some(rule) = policy.exclude.iter().find(|rule| rule_matches(rule, request, &within, facts)) {
        return Err(excluded(request, &format!("policy.exclude {rule}")));
    }
    if let Some(rule) = facts.excluded_below.first() {
        return Err(excluded(request, &format!("policy.exclude {rule} lies below it, and Reader here would reach it")));
    }
    if !policy.include.is_empty() && !policy.include.iter().any(|rule| rule_matches(rule, request, &within, facts)) {
        return Err(excluded(request, "no rule of policy.include matches"));
    }
    match (facts.state.as_deref(), facts.offer.as_deref()) {
        (Some(state), _) if !matches!(state, "Enabled" | "Warned" | "PastDue") => {
            Err(Error::new(Code::SubscriptionNotActive, format!("{} is {state}", request.scope))
                .hint("Reactivate the subscription and send the event again, or leave it: it is not onboarded in this state."))
        }
        (_, Some(LEGACY_DIRECTORY_OFFER)) => Err(excluded(request, "its offer AAD_2015-09-01 holds no resources")),
        _ => Ok(()),
    }
}

fn excluded(request: &Request, rule: &str) -> Error {
    Error::new(Code::ExcludedByPolicy, format!("{} is kept out: {rule}", request.scope))
        .hint("If it should be onboarded, change the policy in the tenant record and send the event again.")
}

/// The groups that a scope counts as being in: those above it, and a group itself.
fn within(scope: &Scope, facts: &ScopeFacts) -> Vec<GroupName> {
    let itself = match scope {
        Scope::ManagementGroup(name) => Some(name.clone()),
        Scope::Subscription(_) => None,
    };
    facts.ancestors.iter().cloned().chain(itself).collect()
}

fn rule_matches(rule: &Rule, request: &Request, within: &[GroupName], facts: &ScopeFacts) -> bool {
    match rule {
        Rule::Id(id) => request.scope == Scope::Subscription(*id),
        Rule::ManagementGroup(group) => within.contains(group),
        Rule::Name(pattern) => glob(pattern, &facts.display_name),
        Rule::State(state) => facts.state.as_deref().is_some_and(|found| found.eq_ignore_ascii_case(state)),
        Rule::Offer(pattern) => facts.offer.as_deref().is_some_and(|offer| glob(pattern, offer)),
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{{\"id\": \"{id}\"}}"),
            Self::ManagementGroup(group) => write!(f, "{{\"managementGroup\": \"{group}\"}}"),
            Self::Name(pattern) => write!(f, "{{\"name\": \"{pattern}\"}}"),
            Self::State(state) => write!(f, "{{\"state\": \"{state}\"}}"),
            Self::Offer(pattern) => write!(f, "{{\"offer\": \"{pattern}\"}}"),
        }
    }
}

/// Whether a text matches a pattern in which `*` stands for any text; case does not count.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let pieces: Vec<&str> = rest.split('*').collect();
    let Some((last, middle)) = pieces.split_last() else { return true };
    for piece in middle {
        match text.find(piece) {
            Some(at) => text = &text[at + piece.len()..],
            None => return false,
        }
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests;
