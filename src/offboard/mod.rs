//! The way back: what this program made for a scope is taken away again, and nothing else is.
//!
//! It takes a person's word, or a state of the scope that is read now and a policy that lets it count. An event alone never removes
//! anything.

mod observe;
mod plan;

use std::sync::Arc;

use crate::Onboarder;
use crate::apply::{Progress, carry_out};
use crate::azure::{assignment_id, assignment_name};
use crate::error::{Code, Error};
use crate::outcome::Outcome;
use crate::plan::{Plan, RoleFound};
use crate::request::{Authority, Request};
use crate::result_event::{ConnectionResult, RoleResult, RoleState};
use crate::scope::AssignedAt;
use crate::session::Session;

use observe::observe;
pub use observe::{Presence, Standing};
pub use plan::{permit, plan};

/// What is known before the first step.
pub(crate) struct Prepared {
    session: Arc<Session>,
    standing: Standing,
    /// What is to be done.
    pub plan: Plan,
}

impl Onboarder {
    /// The straight line of the way back. Doing it twice, at once, or half and then again ends in the same state.
    pub(crate) async fn offboard(&self, request: &Request, progress: &mut Progress) -> Result<Outcome, Error> {
        let Prepared { session, standing, plan } = self.plan_offboarding(request).await?;
        let line = async {
            *progress = found(request, &plan, &standing);
            carry_out(&session, request, &plan.steps, progress).await?;
            // The role does not wait for ISPM: who leaves may have no token there any more.
            standing.connection.map_err(|error| Error { message: format!("Reader is done with; {}", error.message), ..error })?;
            Ok(Outcome::offboarded(request, plan.role.as_ref().map(|role| remains(request, role)), progress))
        };
        self.looked_after(&session, request, line).await
    }

    /// Decides, and changes nothing. What nobody asked for and cannot be justified is no failure.
    pub(crate) async fn plan_offboarding(&self, request: &Request) -> Result<Prepared, Error> {
        let young = self.is_young(request);
        let preparing = async {
            if request.authority == Authority::Event {
                // What justifies it has to be the policy of now, and not that of some minutes ago.
                self.sessions.forget(request.tenant);
            }
            let session = self.sessions.open(request.tenant).await?;
            let judging = async {
                permit(request, &session.record.policy)?;
                let standing = observe(&session, request, young).await?;
                let plan = plan(request, &session.record.policy, &standing)?;
                Ok((standing, plan))
            };
            let (standing, plan) = self.looked_after(&session, request, judging).await?;
            Ok(Prepared { session, standing, plan })
        };
        preparing.await.map_err(|error: Error| {
            let is_unjustified = matches!(error.code, Code::OffboardingByEvent | Code::OffboardingNotJustified);
            if is_unjustified && !request.asked() { Error { code: Code::Irrelevant, ..error } } else { error }
        })
    }
}

/// What was there before the first step.
fn found(request: &Request, plan: &Plan, standing: &Standing) -> Progress {
    let name = assignment_name(&request.scope, standing.principal);
    let absent = || RoleResult {
        id: assignment_id(&request.scope, name),
        outcome: RoleState::Absent,
        scope: AssignedAt::Scope(request.scope.clone()),
    };
    let role = plan.role.as_ref().map_or_else(absent, |role| RoleResult {
        id: role.id.clone(),
        outcome: if role.inherited { RoleState::Inherited } else { RoleState::NotOurs },
        scope: role.scope.clone(),
    });
    let connection = standing.connection.as_ref().ok().and_then(|found| found.connection.as_ref()).map(ConnectionResult::from);
    Progress { role: Some(role), connection, ..Progress::default() }
}

/// Why ISPM may still see the scope.
fn remains(request: &Request, role: &RoleFound) -> Error {
    let RoleFound { id, scope, inherited } = role;
    if *inherited {
        let words = format!("what was assigned here at {} is gone; the ISPM app has Reader at {scope}, above it", request.scope);
        return Error::new(Code::ReaderRemains, words)
            .hint(format!("It is left as it is. If nothing below should be seen any more, offboard {scope}, or remove {id} there."));
    }
    Error::new(Code::ReaderRemains, format!("Reader of the ISPM app at {} was not assigned by this program: {id}", request.scope))
        .hint(format!("It is left as it is. Whoever assigned it removes it: az role assignment delete --ids {id}"))
}
