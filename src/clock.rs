//! The one source of time for ages, lifetimes and result times.

use time::OffsetDateTime;
use tokio::time::Instant;

/// Tells the time. Event ages and cache lifetimes must survive a frozen process, so they are measured in wall-clock time; tests run on
/// tokio's clock, which can be paused, from an epoch of their own.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The system's clock.
    System,
    /// A fixed start plus the time that tokio's clock has run since.
    Tokio {
        /// What the clock showed at `started`.
        epoch: OffsetDateTime,
        /// When the clock was started.
        started: Instant,
    },
}

impl Clock {
    /// A clock that shows `epoch` now and runs on tokio's time. Must be called inside a tokio runtime.
    #[must_use]
    pub fn starting_at(epoch: OffsetDateTime) -> Self {
        Self::Tokio { epoch, started: Instant::now() }
    }

    /// The time now, in UTC.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may ask the system")]
    pub fn now(&self) -> OffsetDateTime {
        match self {
            Self::System => OffsetDateTime::now_utc(),
            Self::Tokio { epoch, started } => *epoch + started.elapsed(),
        }
    }
}
