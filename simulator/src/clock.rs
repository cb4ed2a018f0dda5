//! The time in the simulated clouds.

use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};
use tokio::time::Instant;

/// A clock that starts at a chosen moment, runs with tokio's time (so a paused runtime moves it only by sleeping) and can be advanced.
///
/// Clones tell the same time. Make it inside the runtime whose time it shall follow.
#[derive(Clone, Debug)]
pub struct Clock {
    start: OffsetDateTime,
    origin: Instant,
    advanced: Arc<Mutex<Duration>>,
}

impl Clock {
    /// A clock that shows `start` now.
    #[must_use]
    pub fn starting_at(start: OffsetDateTime) -> Self {
        Self { start, origin: Instant::now(), advanced: Arc::default() }
    }

    /// The moment at which this clock started.
    #[must_use]
    pub fn start(&self) -> OffsetDateTime {
        self.start
    }

    /// The time now: the start, plus tokio's time since, plus every advance. Never before the start.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        let advanced = *self.advanced.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = Duration::try_from(self.origin.elapsed()).unwrap_or(Duration::MAX);
        self.start.saturating_add(elapsed).saturating_add(advanced)
    }

    /// Moves the clock forward without sleeping. Timers of tokio do not notice: a request that sleeps sleeps on.
    ///
    /// A negative `by` is ignored, since clouds do not go back in time.
    pub fn advance(&self, by: Duration) {
        let mut advanced = self.advanced.lock().unwrap_or_else(PoisonError::into_inner);
        *advanced = advanced.saturating_add(by.max(Duration::ZERO));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const START: OffsetDateTime = datetime!(2026-11-22 10:00 UTC);

    #[tokio::test(start_paused = true)]
    async fn follows_tokio_time_and_advances() {
        let clock = Clock::starting_at(START);
        tokio::time::sleep(std::time::Duration::from_secs(90)).await;
        clock.clone().advance(Duration::minutes(10));
        assert_eq!(clock.now(), datetime!(2026-11-22 10:11:30 UTC));
    }

    #[tokio::test(start_paused = true)]
    async fn never_goes_back() {
        let clock = Clock::starting_at(START);
        clock.advance(Duration::days(-1));
        assert_eq!(clock.now(), START);
    }
}
