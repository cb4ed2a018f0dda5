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

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use azure_core::http::HttpClient;
use uuid::Uuid;

use self::admin::{Admin, AzureCliOf};
use self::elevated::{cut_short, elevated};
use self::grant::Parties;
use self::job::{Done, Job, Needs};
use self::report::{Report, by_hand, remark, steps};
use self::say::Terminal;
pub use self::say::Voice;
use self::stop::Signals;
pub use self::stop::Stop;
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
pub struct Elevate {
    /// This call's id: by it the result is told from that of another call.
    pub call: Uuid,
    /// The cloud that the tenant is in.
    pub cloud: Cloud,
    /// The tenant.
    pub tenant: Guid,
    /// Whom to give the roles that a deployment works by, by object id.
    pub grant: Option<Guid>,
    /// Whether nobody is asked.
    pub yes: bool,
    /// Whether it is only shown what would be done.
    pub dry_run: bool,
    /// How it is printed.
    pub output: Output,
}

/// What the command came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarriedOut {
    /// What the exit code tells.
    pub tally: Tally,
    /// Whether it was said that somebody may still be elevated by this.
    pub left: bool,
}

/// Why the command does not go on.
#[derive(Debug)]
pub enum Stopped {
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
        match compose::block_on(self.carry_out(onboarder, transport, who, Arc::new(Terminal), listen))? {
            Ok(done) => Ok(done.tally),
            Err(Stopped::Wrong(wrong)) => Err(wrong),
            Err(Stopped::Failed(error)) => {
                Terminal.say(&format!("error: {}", error.message));
                if let Some(hint) = &error.hint {
                    Terminal.say(&format!("hint: {hint}"));
                }
                Ok(Tally::of_error(&error))
            }
        }
    }

    /// Does it as `who`. `listen` is called when something is about to be done: from then on the wish to stop is obeyed by stepping down.
    ///
    /// # Errors
    /// What keeps it from being begun. What fails later is said, and told by what comes of it.
    pub async fn carry_out<S: Stop>(
        self,
        onboarder: &Onboarder,
        transport: &Arc<dyn HttpClient>,
        who: Arc<dyn Platform>,
        voice: Arc<dyn Voice>,
        listen: impl FnOnce() -> Result<S, Wrong>,
    ) -> Result<CarriedOut, Stopped> {
        let admin = Admin::signed_in(who, transport, self.cloud, self.tenant, voice.clone()).await?;
        let permissions = Permissions::shipped()
            .map_err(|error| Wrong::new(format!("this program was built with a broken list of permissions: {error}")))?;
        let session = onboarder.sessions.open_as(self.tenant, &admin.sign_in()).await?;
        let principal = session.principal().await?;
        let root = Scope::ManagementGroup(GroupName::root_of(self.tenant));
        let inbound = Inbound::by_hand(self.tenant, root, Action::Onboard, &self.call.to_string());
        let request = inbound.request.clone().map_err(|refusal| refusal.error)?;
        let grant = self.grant.map(|to| Parties { to, reader: principal });
        let job = Job { onboarder, admin: &admin, call: self.call, session, request, permissions: &permissions, grant };
        let needs = job.needs().await?;
        let (steps, remark) = (steps(&job, &needs, &principal.to_string()), remark(&job, &needs));
        if self.dry_run {
            voice.print(&self.shown(&job, &needs, &steps, remark.as_deref()));
            return Ok(CarriedOut::default());
        }
        announce(&job, &needs, &steps, remark.as_deref());
        if !needs.nothing() && !self.yes && !agreed() {
            voice.say("nothing was done");
            return Ok(CarriedOut::default());
        }
        let mut stop = listen()?;
        let mut done = Done::default();
        let (ended, cut) = do_it(&job, &needs, &mut done, &mut stop).await;
        let report =
            Report { tenant: self.tenant, person: &admin.person, needs: &needs, done: &done, ended: ended.as_ref(), cut: cut.as_ref() };
        for line in report.lines() {
            voice.say(&line);
        }
        let mut shown = Show::default();
        let mut tally = report.tally();
        let goes_on = cut.is_none() && !report.is_left();
        if goes_on {
            tally = tally.and(afterwards::onboard(&job, inbound, &done, &mut stop, &mut shown).await);
        }
        match self.output {
            Output::Json => voice.print(&with(shown.document(), report.document()).to_string()),
            Output::Table if goes_on => voice.print(&shown.words()),
            Output::Table => {}
        }
        Ok(CarriedOut { tally: tally.and(shown.tally()), left: report.is_left() })
    }

    /// What would be done, as it is printed.
    fn shown(self, job: &Job<'_>, needs: &Needs, steps: &[String], remark: Option<&str>) -> String {
        match self.output {
            Output::Json => {
                let plan = serde_json::json!({ "scope": job.request.scope, "steps": steps });
                let before = needs.before.as_ref().map(|before| before.id.as_str());
                let undo = by_hand(self.tenant, &job.admin.person, before);
                serde_json::json!({ "plans": [plan], "remark": remark, "toUndo": undo }).to_string()
            }
            Output::Table => {
                let steps = steps.iter().map(|step| format!("  would {step}"));
                let lines = [job.request.scope.to_string()].into_iter().chain(steps).chain(remark.map(str::to_owned));
                lines.collect::<Vec<_>>().join("\n")
            }
        }
    }
}

/// Says what will be done, and how it is undone by hand.
fn announce(job: &Job<'_>, needs: &Needs, steps: &[String], remark: Option<&str>) {
    let person = &job.admin.person;
    job.admin
        .say(&format!("{} ({}) is signed in, Global Administrator of tenant {}. This will", person.name, person.id, job.request.tenant));
    for step in steps {
        job.admin.say(&format!("  {step}"));
    }
    match remark {
        Some(remark) => job.admin.say(remark),
        None if !needs.may => {
            job.admin.say("Should this machine stop in between, end the elevation by hand:");
            for command in by_hand(job.request.tenant, person, None) {
                job.admin.say(&format!("  {command}"));
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
