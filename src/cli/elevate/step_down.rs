//! Stepping down: the elevation is removed, and then read until it is gone.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use super::admin::Admin;
use super::elevated::bounded;
use crate::azure::{Arm, CallIds, Elevation};
use crate::error::{Code, Error};
use crate::scope::Guid;

/// How long is tried. An assignment takes up to ten minutes to take effect, and before that nobody may remove it
/// (<https://learn.microsoft.com/azure/role-based-access-control/troubleshooting>, "Role assignment changes are not being detected").
const TIME: Duration = Duration::from_mins(15);
/// How long an assignment may take to take effect, and its removal: before that, that rights are missing proves nothing.
const EFFECT: Duration = Duration::from_mins(10);
/// How long it has to be missing where ARM did not say itself that it removed it: a list may be behind.
const LIST_LAG: Duration = Duration::from_mins(2);
/// How many reads in a row have to show that it is gone.
const READS: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// By how much an elevation may seem older than the call that made it: both times are Azure's, of several machines.
const OLDER: time::Duration = time::Duration::seconds(30);

/// What is known of the call that elevates. `since` is ARM's time before it was made first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Azure said so.
    Yes { since: OffsetDateTime, ids: CallIds },
    /// The answer was lost: it may have taken effect.
    Perhaps { since: OffsetDateTime },
    /// Azure refused.
    Refused { since: OffsetDateTime },
    /// Nothing was sent.
    No,
}

/// How stepping down ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SteppedDown {
    /// Nothing is left. Where there was something to remove: which, and the call that did.
    Gone(Option<(Elevation, CallIds)>),
    /// The elevation that is there was there before, and stays.
    NotOurs(Elevation),
    /// It is still there, or nobody knows: why, and which, where it was seen.
    Left {
        /// The last trouble.
        why: String,
        /// The assignment's id.
        assignment: Option<String>,
    },
}

/// Removes what the call made, and proves that it is gone.
pub(super) async fn step_down(admin: &Admin, taken: &Taken) -> SteppedDown {
    let since = match taken {
        Taken::Yes { since, .. } | Taken::Perhaps { since } => *since,
        // One look, for what was there before, and for what took effect all the same: a refusal may be of somebody in between.
        Taken::Refused { since } => match look(admin).await {
            Some(found) if is_of_call(*since, &found) => *since,
            found => return found.map_or(SteppedDown::Gone(None), SteppedDown::NotOurs),
        },
        Taken::No => return look(admin).await.map_or(SteppedDown::Gone(None), SteppedDown::NotOurs),
    };
    let began = Instant::now();
    let sure = matches!(taken, Taken::Yes { .. });
    let (user, worked) = (admin.person.id, admin.rights_worked());
    let mut state = State { user, since, sure, worked, began, seen: None, removed: None, unanswered: false, missing: None };
    let (mut pause, mut fresh) = (FIRST_PAUSE, None);
    loop {
        let arm = fresh.as_ref().unwrap_or(&admin.arm);
        let trouble = match bounded(state.turn(arm)).await {
            Ok(Some(ended)) => return ended,
            Ok(None) => None,
            Err(error) => {
                state.missing = None;
                Some(error)
            }
        };
        if trouble.as_ref().is_some_and(|error| matches!(error.code, Code::TokenRefused | Code::CredentialRefused)) {
            fresh = admin.fresh_arm().ok();
        }
        if began.elapsed() >= TIME {
            let why = trouble.map_or_else(|| state.doubt().to_owned(), |error| error.message);
            return SteppedDown::Left { why, assignment: state.seen.map(|seen| seen.id) };
        }
        if pause == LONGEST_PAUSE {
            let why = trouble.map(|error| format!(": {}", error.message)).unwrap_or_default();
            admin.say(&format!("still stepping down{why}"));
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The elevation that is there, as far as it may be seen.
async fn look(admin: &Admin) -> Option<Elevation> {
    bounded(admin.arm.elevations(admin.person.id)).await.unwrap_or_default().into_iter().next()
}

/// Whether an elevation can be of the call: one that is older, and could not be seen before, is somebody's own.
fn is_of_call(since: OffsetDateTime, found: &Elevation) -> bool {
    found.created_on.is_none_or(|made| since - made <= OLDER)
}

/// What is known of the elevation while stepping down.
struct State {
    user: Guid,
    since: OffsetDateTime,
    /// Whether Azure said that it elevated.
    sure: bool,
    /// Whether the rights were seen to work: that they are missing says something then.
    worked: bool,
    began: Instant,
    seen: Option<Elevation>,
    /// Which ARM said that it removed, and the call.
    removed: Option<(Elevation, CallIds)>,
    /// Whether it may have been removed, and nobody said so.
    unanswered: bool,
    /// Reads in a row without it, since when, and whether one of them was a refusal.
    missing: Option<(u32, Instant, bool)>,
}

impl State {
    /// Looks, and removes what is there; an end where there is one.
    async fn turn(&mut self, arm: &Arm) -> Result<Option<SteppedDown>, Error> {
        let refused = match arm.elevations(self.user).await {
            Ok(found) => {
                let (own, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| is_of_call(self.since, found));
                if let Some(own) = own.into_iter().next() {
                    (self.missing, self.worked) = (None, true);
                    self.seen = Some(own.clone());
                    self.remove(arm, own).await?;
                    return Ok(None);
                }
                if let Some(other) = others.into_iter().next() {
                    return Ok(Some(SteppedDown::NotOurs(other)));
                }
                false
            }
            // With the elevation the right to look goes, but before it works there is none yet either.
            Err(error) if error.code == Code::AuthorizationFailed && self.refusals_tell() => true,
            Err(error) => return Err(error),
        };
        let (reads, since, before) = self.missing.unwrap_or((0, Instant::now(), false));
        self.missing = Some((reads + 1, since, before || refused));
        if self.is_proven() {
            let removed = self.removed.take().or_else(|| self.seen.take().map(|seen| (seen, CallIds::default())));
            return Ok(Some(SteppedDown::Gone(removed)));
        }
        if let (None, Some(seen)) = (&self.removed, self.seen.clone()) {
            // ARM may not have known it when it did not find it; that rights are missing for this is no news.
            match self.remove(arm, seen).await {
                Err(error) if error.code != Code::AuthorizationFailed => return Err(error),
                _ => {}
            }
        }
        Ok(None)
    }

    async fn remove(&mut self, arm: &Arm, own: Elevation) -> Result<(), Error> {
        // Also where this is given up midway.
        let before = std::mem::replace(&mut self.unanswered, true);
        match arm.end_elevation(own.name).await {
            Ok(ids) => {
                self.removed = ids.map(|ids| (own, ids)).or(self.removed.take());
                Ok(())
            }
            Err(error) => {
                let refused = matches!(error.code, Code::AuthorizationFailed | Code::TokenRefused | Code::CredentialRefused);
                self.unanswered = before || !refused;
                Err(error)
            }
        }
    }

    /// Whether a refused read says that the elevation is gone: where ARM said that it removed it; else only when every machine of Azure must
    /// have known the rights by now.
    fn refusals_tell(&self) -> bool {
        self.removed.is_some() || (self.worked || self.unanswered) && self.began.elapsed() >= EFFECT
    }

    fn is_proven(&self) -> bool {
        let Some((reads, since, refused)) = self.missing else { return false };
        match (&self.removed, &self.seen) {
            (Some(_), _) => reads >= READS,
            (None, Some(_)) => reads >= READS && since.elapsed() >= LIST_LAG,
            // Never seen: rights that had worked and are gone say it. Where Azure said that it elevated, an empty list never does.
            (None, None) if refused => reads >= READS && since.elapsed() >= LIST_LAG,
            (None, None) => !self.sure && since.elapsed() >= EFFECT,
        }
    }

    const fn doubt(&self) -> &'static str {
        match (&self.seen, self.sure) {
            (Some(_), _) => "it is not sure that it is gone",
            (None, true) => "Azure said that it elevated, and it cannot be seen",
            (None, false) => "nobody knows whether Azure elevated",
        }
    }
}
