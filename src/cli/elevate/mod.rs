//! `ispm-onboarder onboard tenant-root --elevate`: a Global Administrator lends its rights over the whole tenant for as long as it takes to
//! assign Reader at the root group, and gets rid of them again whatever happened.
//!
//! Whoever is signed in does only what needs its rights: Reader, and with `--grant` the roles by which a deployment works. All else is the
//! ordinary onboarding, as the record's login, when the elevation is gone.

mod admin;
mod afterwards;
mod elevated;
mod grant;
mod job;
mod report;
mod say;
mod step_down;
mod stop;
#[cfg(test)]
#[cfg(feature = "simulator")]
mod tests;

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;

use azure_core::http::HttpClient;
use uuid::Uuid;

use self::admin::{Admin, AzureCliOf};
use self::elevated::{cut_short, elevated};
use self::grant::Parties;
use self::job::{Done, Job, Needs};
use self::report::{Report, by_hand, remark, steps};
use self::say::say;
use self::stop::{Signals, Stop};
use super::offboard::agreed;
use super::show::Show;
use super::{Output, Tally, Wrong, compose};
use crate::Onboarder;
use crate::cloud::Cloud;
use crate::error::Error;
use crate::identity::Platform;
use crate::permissions::Permissions;
use crate::request::{Action, Inbound};
use crate::scope::{GroupName, Guid, Scope};

/// What was typed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elevate {
    pub(super) cloud: Cloud,
    pub(super) tenant: Guid,
    pub(super) grant: Option<Guid>,
    pub(super) yes: bool,
    pub(super) dry_run: bool,
    pub(super) output: Output,
}

/// Why the command does not go on.
#[derive(Debug)]
enum Stopped {
    /// The command cannot be run like this.
    Wrong(Wrong),
    /// Something failed.
    Failed(Error),
}

impl From<Wrong> for Stopped {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Whether there is somebody to ask, where somebody has to be asked.
pub(super) fn check_terminal(yes: bool, dry_run: bool) -> Result<(), Wrong> {
    if yes || dry_run || io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Wrong::new("elevating has to be confirmed, and there is no terminal to ask at").hint("Look at it with --dry-run, then add --yes."))
}

impl Elevate {
    pub(super) fn run(self, onboarder: &Onboarder, transport: &Arc<dyn HttpClient>) -> Result<Tally, Wrong> {
        let who = Arc::new(AzureCliOf(self.tenant));
        let listen = || Signals::listen().map_err(|error| Wrong::new(format!("signals cannot be listened to: {error}")));
        match compose::block_on(self.carry_out(onboarder, transport, who, listen))? {
            Ok(tally) => Ok(tally),
            Err(Stopped::Wrong(wrong)) => Err(wrong),
            Err(Stopped::Failed(error)) => {
                say(&format!("error: {}", error.message));
                if let Some(hint) = &error.hint {
                    say(&format!("hint: {hint}"));
                }
                Ok(Tally::of_error(&error))
            }
        }
    }

    async fn carry_out<S: Stop>(
        self,
        onboarder: &Onboarder,
        transport: &Arc<dyn HttpClient>,
        who: Arc<dyn Platform>,
        listen: impl FnOnce() -> Result<S, Wrong>,
    ) -> Result<Tally, Stopped> {
        let admin = Admin::signed_in(who, transport, self.cloud, self.tenant).await?;
        let permissions = Permissions::shipped()
            .map_err(|error| Wrong::new(format!("this program was built with a broken list of permissions: {error}")))?;
        let session = onboarder.sessions.open_as(self.tenant, &admin.sign_in()).await?;
        let principal = session.principal().await?;
        let root = Scope::ManagementGroup(GroupName::root_of(self.tenant));
        let inbound = Inbound::by_hand(self.tenant, root, Action::Onboard, &Uuid::new_v4().to_string());
        let request = inbound.request.clone().map_err(|refusal| refusal.error)?;
        let grant = self.grant.map(|to| Parties { to, reader: principal });
        let job = Job { onboarder, admin: &admin, session, request, permissions: &permissions, grant };
        let needs = job.needs().await?;
        let (steps, remark) = (steps(&job, &needs, &principal.to_string()), remark(&job, &needs));
        if self.dry_run {
            self.show(&job, &needs, &steps, remark.as_deref());
            return Ok(Tally::default());
        }
        announce(&job, &needs, &steps, remark.as_deref());
        if !needs.nothing() && !self.yes && !agreed() {
            say("nothing was done");
            return Ok(Tally::default());
        }
        let mut stop = listen()?;
        let mut done = Done::default();
        let (ended, cut) = do_it(&job, &needs, &mut done, &mut stop).await;
        let report =
            Report { tenant: self.tenant, person: &admin.person, needs: &needs, done: &done, ended: ended.as_ref(), cut: cut.as_ref() };
        for line in report.lines() {
            say(&line);
        }
        let mut shown = Show::default();
        let mut tally = report.tally();
        let goes_on = cut.is_none() && !report.is_left();
        if goes_on {
            tally = tally.and(afterwards::onboard(&job, inbound, &done, &mut stop, &mut shown).await);
        }
        match self.output {
            Output::Json => drop(writeln!(io::stdout(), "{}", with(shown.document(), report.document()))),
            Output::Table if goes_on => shown.print(),
            Output::Table => {}
        }
        Ok(tally.and(shown.tally()))
    }

    /// What would be done, on standard output.
    fn show(self, job: &Job<'_>, needs: &Needs, steps: &[String], remark: Option<&str>) {
        match self.output {
            Output::Json => {
                let plan = serde_json::json!({ "scope": job.request.scope, "steps": steps });
                println!(
                    "{}",
                    serde_json::json!({ "plans": [plan], "remark": remark, "toUndo": by_hand(self.tenant, &job.admin.person, needs.before.as_ref().map(|before| before.id.as_str())) })
                );
            }
            Output::Table => {
                println!("{}", job.request.scope);
                for step in steps {
                    println!("  would {step}");
                }
                if let Some(remark) = remark {
                    println!("{remark}");
                }
            }
        }
    }
}

/// Says what will be done, and how it is undone by hand, on standard error.
fn announce(job: &Job<'_>, needs: &Needs, steps: &[String], remark: Option<&str>) {
    let person = &job.admin.person;
    say(&format!("{} ({}) is signed in, Global Administrator of tenant {}. This will", person.name, person.id, job.request.tenant));
    for step in steps {
        say(&format!("  {step}"));
    }
    match remark {
        Some(remark) => say(remark),
        None if !needs.may => {
            say("Should this machine stop in between, end the elevation by hand:");
            for command in by_hand(job.request.tenant, person, None) {
                say(&format!("  {command}"));
            }
        }
        None => {}
    }
}

/// Does what needs rights, elevated where that is needed and nobody was before.
async fn do_it(job: &Job<'_>, needs: &Needs, done: &mut Done, stop: &mut impl Stop) -> (Option<elevated::Ended>, Option<elevated::Cut>) {
    if needs.nothing() {
        return (None, None);
    }
    if needs.may || needs.before.is_some() {
        return (None, cut_short(stop, job.work(done)).await.err());
    }
    let ended = elevated(job.admin, stop, job.work(done)).await;
    let cut = ended.work.clone().err();
    (Some(ended), cut)
}

/// Two documents as one.
fn with(mut document: serde_json::Value, more: serde_json::Value) -> serde_json::Value {
    if let (Some(all), serde_json::Value::Object(more)) = (document.as_object_mut(), more) {
        all.extend(more);
    }
    document
}
