//! Resource Manager's token buckets (documentation, "Understand how Azure Resource Manager throttles requests").

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::super::answer::{error, with_header};
use crate::Response;
use crate::token::Claims;
use crate::world::Scope;

/// A kind of operation; each has buckets of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Read,
    Write,
    Delete,
}

impl Kind {
    /// Calls that a full bucket allows at once.
    pub const fn capacity(self) -> u32 {
        match self {
            Self::Read => 250,
            Self::Write | Self::Delete => 200,
        }
    }

    /// Calls that flow back in each second.
    const fn refill_per_second(self) -> u32 {
        match self {
            Self::Read => 25,
            Self::Write | Self::Delete => 10,
        }
    }

    /// The header that tells how many calls are left.
    pub const fn remaining_header(self, scope: &Scope) -> &'static str {
        match (scope, self) {
            (Scope::Subscription(_), Self::Read) => "x-ms-ratelimit-remaining-subscription-reads",
            (Scope::Subscription(_), Self::Write) => "x-ms-ratelimit-remaining-subscription-writes",
            (Scope::Subscription(_), Self::Delete) => "x-ms-ratelimit-remaining-subscription-deletes",
            (_, Self::Read) => "x-ms-ratelimit-remaining-tenant-reads",
            (_, Self::Write) => "x-ms-ratelimit-remaining-tenant-writes",
            (_, Self::Delete) => "x-ms-ratelimit-remaining-tenant-deletes",
        }
    }
}

/// The buckets in use, by subscription (or the whole tenant), principal and kind.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    buckets: BTreeMap<(String, String, Kind), Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// Thousandths of calls, so that refilling by the millisecond loses nothing.
    thousandths: i64,
    filled: OffsetDateTime,
}

impl Throttle {
    /// Takes one call from its bucket; the number of calls left, or 429.
    pub fn take(&mut self, caller: &Claims, kind: Kind, scope: &Scope, now: OffsetDateTime) -> Result<u32, Box<Response>> {
        let place = match scope {
            Scope::Subscription(id) => id.as_str(),
            _ => caller.tid.as_str(),
        };
        let full = i64::from(kind.capacity()) * 1000;
        let key = (place.to_owned(), caller.oid.clone(), kind);
        let bucket = self.buckets.entry(key).or_insert(Bucket { thousandths: full, filled: now });
        let milliseconds = i64::try_from((now - bucket.filled).whole_milliseconds()).unwrap_or(i64::MAX);
        let refill = milliseconds.saturating_mul(kind.refill_per_second().into());
        bucket.thousandths = bucket.thousandths.saturating_add(refill).min(full);
        bucket.filled = now;
        if bucket.thousandths < 1000 {
            return Err(throttled(scope, kind, 1000 - bucket.thousandths));
        }
        bucket.thousandths -= 1000;
        Ok(u32::try_from(bucket.thousandths / 1000).unwrap_or(0))
    }
}

fn throttled(scope: &Scope, kind: Kind, lacking: i64) -> Box<Response> {
    let per_second = i64::from(kind.refill_per_second()) * 1000;
    let seconds = (lacking + per_second - 1) / per_second;
    let refusal = match scope {
        Scope::Subscription(id) => {
            let message =
                format!("Number of requests for subscription '{id}' exceeded the limit. Please try again after '{seconds}' seconds.");
            error(429, "SubscriptionRequestsThrottled", &message)
        }
        _ => error(429, "TooManyRequests", "The request is being throttled as the limit has been reached for operation type."),
    };
    Box::new(with_header(*refusal, "retry-after", &seconds.to_string()))
}
