//! How often callers over HTTP may ask: a bound for each of them, and one for all who are not known yet.
//!
//! The bounds are of this process. A platform that runs several of them lets a caller ask as often of each; nothing is shared between them,
//! and nothing is kept when one ends. Triggers and the host's poll are not bound.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

use crate::callers::Caller;
use crate::clock::Clock;
use crate::error::{Code, Error};

/// So many calls at once, and then one more each time that this has passed.
#[derive(Clone, Copy, Debug)]
struct Rate {
    at_once: i32,
    every: Duration,
}

/// For one caller. An onboarding makes about five calls to Resource Manager, which lets an identity make 250 and then 25 a second.
const CALLER: Rate = Rate { at_once: 100, every: Duration::milliseconds(500) };
/// For all who prove nothing, together, so that whoever makes up tokens is told to stop. Who is recognised is let in all the while: to know
/// that takes a check of a signature, and no call.
const STRANGERS: Rate = Rate { at_once: 100, every: Duration::milliseconds(100) };
/// How many callers are told apart. What is more shares one bound.
const MOST_CALLERS: usize = 1000;
/// Under this name those share theirs who are more. No caller is shown so.
const THE_REST: &str = "";

/// What is left to a caller, as the time from which on all of it is.
#[derive(Clone, Copy, Debug)]
struct Bucket(OffsetDateTime);

impl Bucket {
    const fn full(now: OffsetDateTime) -> Self {
        Self(now)
    }

    /// Takes one call.
    ///
    /// # Errors
    /// How long to wait where none is left.
    fn take(&mut self, rate: Rate, now: OffsetDateTime) -> Result<(), Duration> {
        let most = rate.every * rate.at_once;
        // A clock that was set back must not lock anybody out.
        let full_at = self.0.clamp(now, now.saturating_add(most));
        let taken = full_at.saturating_add(rate.every);
        match taken - now - most {
            wait if wait.is_positive() => Err(wait),
            _ => {
                self.0 = taken;
                Ok(())
            }
        }
    }
}

/// What is left to all callers.
#[derive(Debug)]
pub struct Rates {
    clock: Clock,
    strangers: Mutex<Bucket>,
    callers: Mutex<BTreeMap<String, Bucket>>,
}

impl Rates {
    /// Nobody has asked yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, strangers: Mutex::new(Bucket::full(clock.now())), callers: Mutex::default() }
    }

    /// Counts a call of somebody who proved nothing.
    ///
    /// # Errors
    /// `TooManyCalls` where too many were made that proved nothing.
    pub(super) fn stranger(&self) -> Result<(), Error> {
        let mut bucket = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.take(STRANGERS, self.clock.now()).map_err(|wait| too_many("too many calls came from callers who are not known", wait))
    }

    /// Lets in a call of somebody who is known.
    ///
    /// # Errors
    /// `TooManyCalls` where this caller made too many.
    pub(super) fn caller(&self, caller: &Caller) -> Result<(), Error> {
        let (now, name) = (self.clock.now(), caller.counted_as());
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MOST_CALLERS && !callers.contains_key(&name) {
            // Those who have all their calls left are as new.
            callers.retain(|_, bucket| bucket.0 > now);
        }
        let is_told_apart = callers.contains_key(&name) || callers.len() < MOST_CALLERS;
        let bucket = callers.entry(if is_told_apart { name } else { THE_REST.to_owned() }).or_insert_with(|| Bucket::full(now));
        bucket.take(CALLER, now).map_err(|wait| too_many(&format!("this caller ({caller}) made too many calls"), wait))
    }
}

fn too_many(words: &str, wait: Duration) -> Error {
    let seconds = u64::try_from(wait.whole_milliseconds()).unwrap_or_default().div_ceil(1000);
    Error::new(Code::TooManyCalls, words)
        .hint("Wait as long as Retry-After says. What is to be onboarded in numbers is better sent as events, or found by the sweep.")
        .retry_after(Some(std::time::Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2126-11-22 10:00 UTC);

    #[test]
    fn so_many_at_once_and_then_one_each_time() {
        let mut bucket = Bucket::full(NOW);
        for _ in 0..CALLER.at_once {
            bucket.take(CALLER, NOW).unwrap();
        }
        assert_eq!(bucket.take(CALLER, NOW), Err(CALLER.every));
        assert_eq!(bucket.take(CALLER, NOW + CALLER.every / 2), Err(CALLER.every / 2), "what is refused takes nothing");
        bucket.take(CALLER, NOW + CALLER.every).unwrap();
        bucket.take(CALLER, NOW + CALLER.every).unwrap_err();
        let much_later = NOW + Duration::hours(1);
        let taken = (0..1000).filter(|_| bucket.take(CALLER, much_later).is_ok()).count();
        assert_eq!(i32::try_from(taken), Ok(CALLER.at_once), "what is not used does not add up");
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let mut bucket = Bucket::full(NOW);
        for _ in 0..CALLER.at_once {
            bucket.take(CALLER, NOW).unwrap();
        }
        let earlier = NOW - Duration::days(1);
        assert_eq!(bucket.take(CALLER, earlier), Err(CALLER.every));
        bucket.take(CALLER, earlier + CALLER.every).unwrap_err();
    }
}
