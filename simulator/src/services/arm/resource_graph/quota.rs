//! Resource Graph's own quota (documentation, "Guidance for throttled requests in Azure Resource Graph").

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};

/// Queries that a principal may send in one window.
pub(super) const QUERIES: u32 = 15;
const WINDOW: Duration = Duration::seconds(5);

/// The windows that have begun, by tenant and principal.
#[derive(Debug, Default)]
pub(super) struct Quota {
    windows: BTreeMap<(String, String), Window>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    since: OffsetDateTime,
    used: u32,
}

/// What is left to a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// Queries until the window ends.
    pub queries: u32,
    /// Whole seconds until then, at least 1.
    pub seconds: i64,
    /// Whether this query was one too many.
    pub exceeded: bool,
}

impl Left {
    /// A whole window.
    pub const ALL: Self = Self { queries: QUERIES, seconds: WINDOW.whole_seconds(), exceeded: false };
}

impl Quota {
    /// Takes one query from the principal's window; the first one begins it.
    pub fn take(&mut self, tenant_id: &str, principal_id: &str, now: OffsetDateTime) -> Left {
        let window = self.windows.entry((tenant_id.to_owned(), principal_id.to_owned())).or_insert(Window { since: now, used: 0 });
        if now >= window.since + WINDOW {
            *window = Window { since: now, used: 0 };
        }
        let exceeded = window.used >= QUERIES;
        window.used += u32::from(!exceeded);
        let milliseconds = (window.since + WINDOW - now).whole_milliseconds();
        let seconds = i64::try_from((milliseconds + 999) / 1000).unwrap_or(1).max(1);
        Left { queries: QUERIES - window.used, seconds, exceeded }
    }
}
