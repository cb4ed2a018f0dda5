//! Moments in a world that does not know yet when it will start.

use serde::{Deserialize, Serialize};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

/// When something begins: in a file, a number of seconds after the simulator's start or an RFC 3339 date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Moment {
    /// Seconds after the simulator's start.
    AfterStart(u32),
    /// A date and time.
    At(#[serde(with = "time::serde::rfc3339")] OffsetDateTime),
}

impl Moment {
    /// Whether the moment has come, for a simulator that started at `start`.
    #[must_use]
    pub fn has_come(self, start: OffsetDateTime, now: OffsetDateTime) -> bool {
        match self {
            Self::AfterStart(seconds) => now >= start.saturating_add(Duration::seconds(seconds.into())),
            Self::At(moment) => now >= moment,
        }
    }
}

/// When things were made that a world file gives no time for: long before any run.
pub(super) fn long_ago() -> OffsetDateTime {
    datetime!(2024-01-01 00:00 UTC)
}

/// Whether `seconds` have passed since `since`.
pub(crate) fn has_passed(seconds: u64, since: OffsetDateTime, now: OffsetDateTime) -> bool {
    let wait = Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX));
    now >= since.saturating_add(wait)
}
