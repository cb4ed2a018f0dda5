//! The decision what to take back: synchronous, over plain data.

use super::{Presence, Standing};
use crate::azure::{Assignment, assignment_name};
use crate::error::{Code, Error};
use crate::plan::{Plan, RoleFound, Step, judge};
use crate::request::{Authority, Request};
use crate::scope::AssignedAt;
use crate::tenant::{Assign, Offboard, Policy};

const BY_A_PERSON: &str = "Nothing was removed. A person offboards it with `ispm-onboarder offboard`, or with POST /api/offboard and the app \
                           role Onboarder.Offboard";

/// Makes sure that who asks may ask at all, before anything is read of the scope.
///
/// # Errors
/// `OffboardingByEvent`.
pub fn permit(request: &Request, policy: &Policy) -> Result<(), Error> {
    match (request.authority, policy.offboard) {
        (Authority::Person, _) | (Authority::Event, Offboard::ExcludedOrGone) => Ok(()),
        (Authority::Event, Offboard::Never) => {
            Err(Error::new(Code::OffboardingByEvent, format!("offboarding {} by event is off", request.scope))
                .hint(format!("{BY_A_PERSON}; or set policy.offboard to \"excluded-or-gone\".")))
        }
    }
}

/// Decides what to do: what is ours at the scope itself, then the connection, where nothing else needs it. `role` of the plan is a Reader
/// that others assigned, or that lies above, and stays.
///
/// # Errors
/// `OffboardingNotJustified`, and that of [`permit`].
pub fn plan(request: &Request, policy: &Policy, standing: &Standing) -> Result<Plan, Error> {
    permit(request, policy)?;
    justify(request, policy, &standing.presence)?;
    let (scope, principal) = (&request.scope, standing.principal);
    let mut steps = Vec::new();
    if standing.assignments.iter().any(|found| found.is_ours(scope, principal)) {
        steps.push(Step::RemoveRole { scope: scope.clone(), name: assignment_name(scope, principal), principal });
    }
    if let (Ok(found), true) = (&standing.connection, !standing.connection_needed && may_end_the_connection(request, policy)) {
        steps.extend(found.surplus.iter().map(|id| Step::RemoveConnection { id: id.clone(), surplus: true }));
        let ours = found.connection.as_ref().filter(|_| found.ours).and_then(|connection| connection.id.clone());
        steps.extend(ours.map(|id| Step::RemoveConnection { id, surplus: false }));
    }
    Ok(Plan { role: reader_of_others(request, standing), steps })
}

/// Where others give the app Reader, only they know whether they still do: through a group, for example, which no list of the app's own
/// assignments shows. An event is no reason to end what all of them rely on. Where this program assigns, a sweep finds what lacks a connection.
fn may_end_the_connection(request: &Request, policy: &Policy) -> bool {
    request.authority == Authority::Person || policy.assign == Assign::Always
}

/// An event counts only where the scope's state, read now, says the same.
fn justify(request: &Request, policy: &Policy, presence: &Presence) -> Result<(), Error> {
    let is_justified = match (request.authority, presence) {
        (Authority::Person, _) | (Authority::Event, Presence::Gone | Presence::Elsewhere) => true,
        (Authority::Event, Presence::Here(None)) => false,
        (Authority::Event, Presence::Here(Some(facts))) => match judge(request, policy, facts) {
            Err(error) if error.code == Code::ExcludedByPolicy => true,
            _ => facts.state.as_deref() == Some("Deleted"),
        },
    };
    if is_justified {
        return Ok(());
    }
    let words = format!("{} is neither excluded by the policy nor gone, so that an event alone does not offboard it", request.scope);
    Err(Error::new(Code::OffboardingNotJustified, words).hint(format!("{BY_A_PERSON}; or exclude it in the tenant record's policy.")))
}

/// A Reader of the app that was not assigned here: at the scope itself, else above it.
fn reader_of_others(request: &Request, standing: &Standing) -> Option<RoleFound> {
    let others = standing.assignments.iter().filter(|found| found.is_reader() && !found.is_ours(&request.scope, standing.principal));
    let found: Vec<RoleFound> = others.filter_map(|assignment| reader(request, assignment)).collect();
    found.iter().find(|role| !role.inherited).or_else(|| found.first()).cloned()
}

fn reader(request: &Request, assignment: &Assignment) -> Option<RoleFound> {
    let inherited = match &assignment.scope {
        AssignedAt::Scope(scope) => *scope != request.scope,
        AssignedAt::Directory => true,
        AssignedAt::Elsewhere(_) => return None,
    };
    Some(RoleFound { id: assignment.id.clone(), scope: assignment.scope.clone(), inherited })
}
