//! Runs a plan's steps in order.

use time::OffsetDateTime;

use crate::azure::{Assigned, Assignment, assignment_id};
use crate::error::{Code, Error};
use crate::ispm::Connection;
use crate::observe::Observed;
use crate::plan::{Plan, Step};
use crate::request::Request;
use crate::result_event::{ConnectionResult, RoleResult, RoleState};
use crate::scope::{AssignedAt, Guid, Scope};
use crate::session::Session;

/// What is true so far of a request that is being carried out.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Reader.
    pub role: Option<RoleResult>,
    /// When Reader was assigned, where that can be read: it takes a while to count.
    pub role_since: Option<OffsetDateTime>,
    /// The connection.
    pub connection: Option<ConnectionResult>,
    /// When the connection was made, where that can be read: ISPM takes a while to test it.
    pub connection_since: Option<OffsetDateTime>,
    /// What was done, step by step, for people.
    pub log: Vec<String>,
}

/// Does what the plan says, and notes each thing as soon as it is true. Whatever happens midway, applying a new plan for the same request
/// ends in the same state.
///
/// # Errors
/// Those of the writes.
pub async fn apply(session: &Session, request: &Request, plan: &Plan, observed: &Observed, progress: &mut Progress) -> Result<(), Error> {
    *progress = found(plan, observed);
    carry_out(session, request, &plan.steps, progress).await
}

/// Does steps in order, and notes each thing as soon as it is true.
pub(crate) async fn carry_out(session: &Session, request: &Request, steps: &[Step], progress: &mut Progress) -> Result<(), Error> {
    for step in steps {
        match step {
            Step::AssignReader { scope, name, principal } => {
                let (role, since) = assign(session, scope, *name, *principal).await?;
                progress.log.push(format!("{step}: {}", role.outcome));
                (progress.role, progress.role_since) = (Some(role), since);
            }
            Step::CreateConnection { .. } => {
                let (connection, created) = create(session, &request.scope).await?;
                progress.log.push(format!("{step}: {}", if created { "created" } else { "already there" }));
                (progress.connection, progress.connection_since) = (Some(ConnectionResult::from(&connection)), connection.created_on);
            }
            Step::RemoveConnection { id, surplus } => {
                if let Some(ispm) = &session.ispm {
                    ispm.remove(id, &request.scope).await?;
                }
                progress.log.push(format!("{step}: removed"));
                if !surplus {
                    progress.connection = progress.connection.take().map(ConnectionResult::removed);
                }
            }
            Step::RemoveRole { scope, name, principal } => {
                let role = remove(session, scope, *name, *principal).await?;
                progress.log.push(format!("{step}: {}", role.outcome));
                progress.role = Some(role);
            }
            Step::AskForConnection { name, .. } => {
                progress.log.push(step.to_string());
                progress.connection = Some(ConnectionResult::awaiting_console(name));
            }
        }
    }
    Ok(())
}

/// What was there before the first step.
fn found(plan: &Plan, observed: &Observed) -> Progress {
    let role = plan.role.as_ref().map(|role| RoleResult {
        id: role.id.clone(),
        outcome: if role.inherited { RoleState::Inherited } else { RoleState::AlreadyAssigned },
        scope: role.scope.clone(),
    });
    let assignment = plan.role.as_ref().and_then(|role| observed.assignments.iter().find(|found| found.id == role.id));
    let role_since = assignment.and_then(|found| found.created_on);
    let connection = observed.connection.as_ref().ok().and_then(|found| found.connection.as_ref());
    let (connection, connection_since) = (connection.map(ConnectionResult::from), connection.and_then(|found| found.created_on));
    let log = role.iter().map(|role| format!("Reader found at {} ({})", role.scope, role.outcome)).collect();
    Progress { role, role_since, connection, connection_since, log }
}

/// Assigns Reader, and answers since when it is there.
async fn assign(session: &Session, scope: &Scope, name: Guid, principal: Guid) -> Result<(RoleResult, Option<OffsetDateTime>), Error> {
    let result = |assignment: Assignment, outcome| {
        let since = assignment.created_on;
        (RoleResult { id: assignment.id, outcome, scope: AssignedAt::Scope(scope.clone()) }, since)
    };
    match session.arm.assign_reader(scope, name, principal).await? {
        Assigned::Created(assignment) => Ok(result(assignment, RoleState::Created)),
        Assigned::Unchanged(assignment) => Ok(result(assignment, RoleState::AlreadyAssigned)),
        Assigned::UnderAnotherName => confirm(session, scope, principal).await.map(|found| result(found, RoleState::AlreadyAssigned)),
    }
}

/// ARM said that the same assignment exists under another name: done, once a read shows it without a condition.
async fn confirm(session: &Session, scope: &Scope, principal: Guid) -> Result<Assignment, Error> {
    let assignments = session.arm.assignments(scope, principal).await?;
    let mut here =
        assignments.into_iter().filter(|found| found.is_reader() && found.scope == AssignedAt::Scope(scope.clone()) && !found.conditional);
    let unseen = || Error::new(Code::Unavailable, format!("Reader at {scope} exists under another name, but cannot be read yet"));
    here.next().ok_or_else(unseen)
}

/// Reads the assignment once more, since a name is all that Azure removes by, and somebody may have put another in its place.
async fn remove(session: &Session, scope: &Scope, name: Guid, principal: Guid) -> Result<RoleResult, Error> {
    let found = session.arm.assignment(scope, name).await?;
    let outcome = match &found {
        None => RoleState::Absent,
        Some(found) if !found.is_ours(scope, principal) => RoleState::NotOurs,
        Some(_) => {
            session.arm.remove_assignment(scope, name).await?;
            RoleState::Removed
        }
    };
    let id = found.map_or_else(|| assignment_id(scope, name), |found| found.id);
    Ok(RoleResult { id, outcome, scope: AssignedAt::Scope(scope.clone()) })
}

async fn create(session: &Session, scope: &Scope) -> Result<(Connection, bool), Error> {
    match &session.ispm {
        Some(ispm) => ispm.create(scope).await,
        None => Err(Error::new(Code::ProfileInvalid, "the tenant record has no connect profile")),
    }
}
