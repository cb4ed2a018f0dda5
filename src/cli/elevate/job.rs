//! What there is to do at the tenant root, and doing it with the rights of whoever is signed in.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::admin::Admin;
use super::grant::{self, Granted, Parties, Standing};
use crate::Onboarder;
use crate::apply::{Progress, carry_out};
use crate::azure::{Elevation, Grant, SIGN_IN};
use crate::error::{Code, Disposition, Error};
use crate::observe::observe;
use crate::permissions::Permissions;
use crate::plan::{Plan, Step, plan};
use crate::request::Request;
use crate::session::Session;
use crate::tenant::Assign;

/// How long rights that were just given may take (<https://learn.microsoft.com/azure/role-based-access-control/troubleshooting>).
const PROPAGATION: Duration = Duration::from_mins(10);
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often the work is begun again that failed with something that may pass.
const MOST_TRIES: u32 = 5;

/// What is to be done, and with what.
pub(super) struct Job<'a> {
    pub(super) onboarder: &'a Onboarder,
    pub(super) admin: &'a Admin,
    /// This call's id.
    pub(super) call: Uuid,
    /// The tenant's record and ISPM, and Azure as whoever is signed in sees it.
    pub(super) session: Arc<Session>,
    /// Onboarding the tenant root.
    pub(super) request: Request,
    pub(super) permissions: &'a Permissions,
    /// Who is given roles, and for whom.
    pub(super) grant: Option<Parties>,
}

/// What has to be done, as far as it can be seen.
#[derive(Debug)]
pub(super) struct Needs {
    /// Reader, unless it is known to be there.
    pub(super) reader: bool,
    /// The roles to give, by name, unless they are known to be there.
    pub(super) roles: Vec<String>,
    /// Whether whoever is signed in may do it without being elevated.
    pub(super) may: bool,
    /// The elevation that is there before.
    pub(super) before: Option<Elevation>,
}

impl Needs {
    pub(super) fn nothing(&self) -> bool {
        !self.reader && self.roles.is_empty()
    }
}

/// What was done so far.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Reader.
    pub(super) progress: Progress,
    /// The roles that were given or found.
    pub(super) granted: Vec<Granted>,
}

impl Job<'_> {
    /// Finds out what has to be done, and whether it can be done without being elevated.
    ///
    /// # Errors
    /// What would keep the tenant root from being onboarded with all rights, too: the policy, a Reader with a condition, ISPM.
    pub(super) async fn needs(&self) -> Result<Needs, Error> {
        let reader = match self.seen().await {
            Ok(plan) => !assigns(&plan).is_empty(),
            Err(error) if is_unseen(&error) => match self.onboarder.dry_run(&self.request).await {
                Ok(plan) => !assigns(&plan).is_empty(),
                Err(error) if is_unseen(&error) => true,
                Err(error) => return Err(error),
            },
            Err(error) => return Err(error),
        };
        let mut roles = Vec::new();
        for (parties, role) in self.roles() {
            match grant::look(&self.admin.arm, &self.request.scope, parties, role).await {
                Ok(Standing::There { .. }) => {}
                Ok(Standing::Differs { why }) => {
                    return Err(Error::new(Code::RoleAssignmentConflict, why).hint(
                        "What is there is not changed: compare it with what `ispm-onboarder permissions` prints, and mend it by hand.",
                    ));
                }
                Ok(Standing::Missing { .. }) => roles.push(role.name.clone()),
                Err(error) if is_unseen(&error) => roles.push(role.name.clone()),
                Err(error) => return Err(error),
            }
        }
        let may = match self.may().await {
            Ok(may) => may,
            Err(error) if is_unseen(&error) => false,
            Err(error) => return Err(error),
        };
        let before = match self.admin.arm.elevations(self.admin.person.id).await {
            Ok(found) => found.into_iter().next(),
            // Whoever is elevated may look here.
            Err(error) if error.code == Code::AuthorizationFailed => None,
            Err(error) => return Err(error),
        };
        Ok(Needs { reader, roles, may, before })
    }

    /// Waits until the rights are there, then assigns and gives. What was done stands in `done`, also where it fails midway.
    ///
    /// # Errors
    /// What kept it from being done.
    pub(super) async fn work(&self, done: &mut Done) -> Result<(), Error> {
        self.wait().await?;
        let mut pause = FIRST_PAUSE;
        for _ in 1..MOST_TRIES {
            match self.work_once(done).await {
                // A front end of ARM may not know the rights yet that another has.
                Err(error) if matches!(error.disposition(true), Disposition::Later) => {
                    self.admin.say(&format!("{}; trying again", error.message));
                }
                ended => return ended,
            }
            sleep(pause).await;
            pause *= 2;
        }
        self.work_once(done).await
    }

    async fn work_once(&self, done: &mut Done) -> Result<(), Error> {
        let plan = self.seen().await?;
        let role = plan.role.as_ref();
        done.progress.log.extend(role.map(|role| format!("Reader found at {}", role.scope)));
        carry_out(&self.session, &self.request, &assigns(&plan), &mut done.progress).await?;
        for (parties, role) in self.roles() {
            if !done.granted.iter().any(|granted| granted.role == role.name) {
                done.granted.push(grant::give(&self.admin.arm, &self.request.scope, parties, role).await?);
            }
        }
        Ok(())
    }

    /// Asks again and again whether the rights are there.
    async fn wait(&self) -> Result<(), Error> {
        let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            let trouble = match self.may().await {
                Ok(true) => {
                    self.admin.rights_work();
                    return Ok(());
                }
                Ok(false) => None,
                Err(error) if matches!(error.disposition(true), Disposition::Later) => Some(error),
                Err(error) => return Err(error),
            };
            let waited = began.elapsed();
            if waited >= PROPAGATION {
                let words = format!("the rights at {} do not show after {} minutes", self.request.scope, waited.as_secs() / 60);
                return Err(trouble.unwrap_or_else(|| Error::new(Code::AuthorizationFailed, words)).hint(SIGN_IN));
            }
            self.admin
                .say(&format!("waiting until the rights at the root group show ({} s so far; it can take 10 minutes)", waited.as_secs()));
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Whether whoever is signed in may do all of it, as ARM sees its rights. What is held by a condition is not counted on: the condition may
    /// allow other roles, or others to have them. So somebody is elevated, at worst, who need not be.
    async fn may(&self) -> Result<bool, Error> {
        let mut actions = vec!["Microsoft.Authorization/roleAssignments/read", "Microsoft.Authorization/roleAssignments/write"];
        actions.push("Microsoft.Management/managementGroups/read");
        if self.grant.is_some() {
            actions.push("Microsoft.Authorization/roleDefinitions/write");
        }
        let rights = self.admin.arm.rights(&self.request.scope).await?;
        if !actions.iter().all(|action| rights.allow(action)) {
            return Ok(false);
        }
        // ARM tells rights without the conditions of the assignments that give them.
        let grants = self.admin.arm.grants(&self.request.scope, Some(self.admin.person.id)).await?;
        Ok(!grants.iter().any(Grant::is_held) || grants.iter().any(Grant::assigns_any))
    }

    /// The plan, by what whoever is signed in can see.
    async fn seen(&self) -> Result<Plan, Error> {
        let observed = observe(&self.session, &self.request).await?;
        plan(&self.request, &self.session.record, &observed)
    }

    fn roles(&self) -> impl Iterator<Item = (Parties, &crate::permissions::CustomRole)> {
        let assigns = self.session.record.policy.assign != Assign::Never;
        self.grant.into_iter().flat_map(move |parties| grant::wanted(self.permissions, assigns).map(move |role| (parties, role)))
    }
}

/// The steps of a plan that need rights in Azure.
pub(super) fn assigns(plan: &Plan) -> Vec<Step> {
    plan.steps.iter().filter(|step| matches!(step, Step::AssignReader { .. })).cloned().collect()
}

/// Whether a failure only says that something may not be seen with these rights.
pub(super) fn is_unseen(error: &Error) -> bool {
    matches!(error.code, Code::AuthorizationFailed | Code::ScopeNotFound | Code::GraphRefused)
}
