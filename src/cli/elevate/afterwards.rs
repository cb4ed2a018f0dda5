//! The ordinary onboarding, once the rights that were lent are gone.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::job::{Done, Job, assigns, is_unseen};
use super::stop::Stop;
use crate::cli::Tally;
use crate::cli::show::Show;
use crate::delivery::Delivery;
use crate::error::Code;
use crate::request::Inbound;
use crate::result_event::RoleState;
use crate::take_up::TakenUp;

/// How long what was just given may take to show to the record's login: a role as long as any, Reader as long as lists are behind.
const ROLES: Duration = Duration::from_mins(10);
const READER: Duration = Duration::from_mins(2);
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Onboards the tenant root as the record's login, when that sees what was given. Nothing is written before: a plan is read.
pub(super) async fn onboard(job: &Job<'_>, inbound: Inbound, done: &Done, stop: &mut impl Stop, shown: &mut Show) -> Tally {
    // Boxed, since the whole command's future would else be nested too deeply for the compiler.
    let work = async {
        Box::pin(settle(job, done)).await;
        let taking_up: Pin<Box<dyn Future<Output = TakenUp>>> =
            Box::pin(job.onboarder.take_up(inbound, Delivery::starting(Uuid::new_v5(&job.call, b"afterwards")).by_hand()));
        taking_up.await
    };
    tokio::select! {
        biased;
        signal = stop.asked() => {
            job.admin.say(&format!("stopped by {signal}: nobody is elevated by this, and what was given stays. `ispm-onboarder onboard tenant-root` does the rest."));
            Tally { failed: false, later: true }
        }
        taken = work => {
            shown.add(taken);
            Tally::default()
        }
    }
}

/// Waits while the record's login does not see yet what was given to it or for it.
async fn settle(job: &Job<'_>, done: &Done) {
    let gave_roles = done.granted.iter().any(|granted| granted.outcome == "granted");
    let assigned = done.progress.role.as_ref().is_some_and(|role| role.outcome == RoleState::Created);
    let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let patience = match job.onboarder.dry_run(&job.request).await {
            Ok(plan) if assigned && !assigns(&plan).is_empty() => READER,
            Err(error) if assigned && error.code == Code::RoleMissing => READER,
            Err(error) if gave_roles && is_unseen(&error) => ROLES,
            _ => return,
        };
        if began.elapsed() >= patience {
            return;
        }
        // What was refused may be due to what is remembered with the session: tokens.
        job.onboarder.sessions.forget(job.request.tenant);
        job.admin.say(&format!("waiting until the record's login sees what was given ({} s so far)", began.elapsed().as_secs()));
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
