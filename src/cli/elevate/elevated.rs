//! Work while elevated: whatever becomes of it, the elevation ends with it.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::admin::Admin;
use super::step_down::{SteppedDown, Taken, step_down};
use super::stop::Stop;
use crate::azure::Arm;
use crate::error::{Code, Error};
use crate::net::Invocation;

/// How long the work may take: what an elevation needs to take effect, and some minutes for what is done with it.
pub(super) const WORK_TIME: Duration = Duration::from_mins(15);
/// How often the call is made whose answer is lost, which the guard does not repeat.
const ROUNDS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(5);
/// How long calls may take that belong together.
const CALLS_TIME: Duration = Duration::from_mins(1);

/// Why work did not come to its end.
#[derive(Clone, Debug)]
pub(super) enum Cut {
    /// It failed.
    Failed(Error),
    /// Somebody wished to stop, in this way.
    Stopped(&'static str),
    /// It took too long.
    TookTooLong,
    /// It panicked.
    Panicked,
}

/// What came of work that needed an elevation.
#[derive(Debug)]
pub(super) struct Ended {
    /// What came of the work.
    pub(super) work: Result<(), Cut>,
    /// What came of the call that elevates.
    pub(super) taken: Taken,
    /// What came of the elevation.
    pub(super) down: SteppedDown,
}

/// Elevates, works, and steps down.
pub(super) async fn elevated(admin: &Admin, stop: &mut impl Stop, work: impl Future<Output = Result<(), Error>>) -> Ended {
    let (taken, cut) = elevate(admin, stop).await;
    let work = match cut {
        Some(cut) => Err(cut),
        None => cut_short(stop, work).await,
    };
    match &work {
        Ok(()) => admin.say("stepping down"),
        Err(cut) => admin.say(&format!("{}; stepping down", cut.words())),
    }
    let down = undisturbed(admin, stop, step_down(admin, &taken)).await;
    Ended { work, taken, down }
}

/// Steps down, whoever wishes to stop meanwhile.
async fn undisturbed(admin: &Admin, stop: &mut impl Stop, stepping: impl Future<Output = SteppedDown>) -> SteppedDown {
    let stepping = AssertUnwindSafe(stepping).catch_unwind();
    tokio::pin!(stepping);
    let down = loop {
        tokio::select! {
            biased;
            down = &mut stepping => break down,
            signal = stop.asked() => admin.say(&format!("{signal}: first the elevation is removed, which can take some minutes")),
        }
    };
    let broken = |_| SteppedDown::Left { why: "a fault of this program".to_owned(), assignment: None };
    down.unwrap_or_else(broken)
}

/// Does work until it ends, is to stop, takes too long or panics.
pub(super) async fn cut_short(stop: &mut impl Stop, work: impl Future<Output = Result<(), Error>>) -> Result<(), Cut> {
    let work = timeout(WORK_TIME, AssertUnwindSafe(work).catch_unwind());
    tokio::select! {
        biased;
        signal = stop.asked() => Err(Cut::Stopped(signal)),
        done = work => match done {
            Ok(Ok(done)) => done.map_err(Cut::Failed),
            Ok(Err(_)) => Err(Cut::Panicked),
            Err(_) => Err(Cut::TookTooLong),
        },
    }
}

/// Elevates, unless somebody wishes to stop before.
async fn elevate(admin: &Admin, stop: &mut impl Stop) -> (Taken, Option<Cut>) {
    let since = tokio::select! {
        biased;
        signal = stop.asked() => return (Taken::No, Some(Cut::Stopped(signal))),
        since = bounded(admin.arm.time(admin.person.id)) => since,
    };
    match since.and_then(|since| Ok((since, admin.elevating_arm()?))) {
        Ok((since, arm)) => {
            AssertUnwindSafe(ask(admin, &arm, since, stop)).catch_unwind().await.unwrap_or((Taken::Perhaps { since }, Some(Cut::Panicked)))
        }
        Err(error) => (Taken::No, Some(Cut::Failed(error))),
    }
}

/// Makes the call. A lost answer is asked for again, since it changes nothing where it took effect the first time.
async fn ask(admin: &Admin, arm: &Arm, since: OffsetDateTime, stop: &mut impl Stop) -> (Taken, Option<Cut>) {
    let mut round = 1;
    let mut taken = Taken::No;
    loop {
        // Never given up midway: afterwards it is known what to undo.
        let error = match bounded(arm.elevate()).await {
            Ok(ids) => return (Taken::Yes { since, ids }, None),
            Err(error) => error,
        };
        let refused = matches!(error.code, Code::AuthorizationFailed | Code::TokenRefused | Code::CredentialRefused);
        match (refused, &taken) {
            (false, _) => taken = Taken::Perhaps { since },
            (true, Taken::No) => taken = Taken::Refused { since },
            (true, _) => {}
        }
        if refused || round == ROUNDS {
            return (taken, Some(Cut::Failed(error)));
        }
        admin.say(&format!("{}; asking again", error.message));
        tokio::select! {
            biased;
            signal = stop.asked() => return (taken, Some(Cut::Stopped(signal))),
            () = sleep(PAUSE) => {}
        }
        round += 1;
    }
}

/// Calls with an end: outside an invocation, Azure could wish to be left alone for an hour.
pub(super) async fn bounded<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let (done, _) = Invocation::new(Uuid::new_v4(), Instant::now() + CALLS_TIME).run(work).await;
    done.unwrap_or_else(|| Err(Error::new(Code::Unavailable, format!("no answer within {} s", CALLS_TIME.as_secs()))))
}

impl Cut {
    /// In words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Failed(error) => error.message.clone(),
            Self::Stopped(signal) => format!("stopped by {signal}"),
            Self::TookTooLong => format!("not done within {} minutes", WORK_TIME.as_secs() / 60),
            Self::Panicked => "a fault of this program".to_owned(),
        }
    }
}
