//! Resource Graph's quota: no query is sent that would only be refused
//! (<https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests#understand-throttling-headers>).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azure_core::http::headers::HeaderName;
use tokio::time::Instant;

use crate::net::Answer;

/// The quota's window, where an answer does not say when it ends.
pub(super) const WINDOW: Duration = Duration::from_secs(5);
/// Windows' ends are told in whole seconds.
const A_SECOND: Duration = Duration::from_secs(1);
const LEFT: HeaderName = HeaderName::from_static("x-ms-user-quota-remaining");
const RESETS_AFTER: HeaderName = HeaderName::from_static("x-ms-user-quota-resets-after");

/// What is left of the current window, as far as answers told. It is shared by the queries of one tenant, which share the quota.
#[derive(Debug, Default)]
pub(super) struct Quota {
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    /// How many queries may be sent still, and when the window ends; absent where no answer has told.
    left: Option<(u32, Instant)>,
    /// How many are under way. An answer may have been made before them, and then does not count them.
    under_way: u32,
}

/// A query's place in the quota, until it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a>(&'a Quota);

impl Quota {
    /// Waits until a query may be sent.
    pub async fn place(&self) -> Place<'_> {
        while let Some(end) = self.take() {
            tokio::time::sleep_until(end).await;
        }
        Place(self)
    }

    /// Takes one of the queries that are left; the end of the window where there is none.
    fn take(&self) -> Option<Instant> {
        let mut window = self.window();
        let left = window.left.filter(|(_, end)| *end > Instant::now());
        match left {
            Some((0, end)) => return Some(end),
            left => window.left = left.map(|(left, end)| (left - 1, end)),
        }
        window.under_way += 1;
        None
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Notes what an answer says is left. An answer that does not say leaves all as it is.
    pub fn note(&self, answer: &Answer) {
        let Some(left) = answer.header(&LEFT).and_then(|left| left.parse::<u32>().ok()) else { return };
        let resets_after = answer.header(&RESETS_AFTER).and_then(hours_minutes_seconds).unwrap_or(WINDOW);
        let mut window = self.0.window();
        let (left, end) = (left.saturating_sub(window.under_way.saturating_sub(1)), Instant::now() + resets_after);
        // Answers overtake each other: within a window the one that leaves least is right.
        window.left = match window.left {
            Some((known, known_end)) if end <= known_end + A_SECOND => Some((left.min(known), end.max(known_end))),
            _ => Some((left, end)),
        };
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut window = self.0.window();
        window.under_way = window.under_way.saturating_sub(1);
    }
}

fn hours_minutes_seconds(text: &str) -> Option<Duration> {
    let mut parts = text.split(':').map(|part| part.parse::<u64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    Some(
        Duration::from_secs(hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)?)
            .min(Duration::from_mins(1)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_and_bounded() {
        assert_eq!(hours_minutes_seconds("00:00:03"), Some(Duration::from_secs(3)));
        assert_eq!(hours_minutes_seconds("05:00:00"), Some(Duration::from_mins(1)));
        for wrong in ["", "3", "00:03", "a:b:c", "99999999999999999999:0:0", "18446744073709551615:0:0"] {
            assert_eq!(hours_minutes_seconds(wrong), None, "{wrong}");
        }
    }
}
