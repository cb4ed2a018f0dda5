//! Slowing down before ARM refuses.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use azure_core::http::headers::HeaderName;

use super::quota::WINDOW;
use crate::error::Error;
use crate::net::{Answer, Invocation};

/// How many calls ARM still takes from this principal: of the tenant's reads, and of Resource Graph's queries
/// (<https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling#remaining-requests>).
const TENANT_READS: HeaderName = HeaderName::from_static("x-ms-ratelimit-remaining-tenant-reads");
/// Below this many, calls wait for what flows back: 25 in a second.
const FEW: u64 = 50;
const FLOWS_BACK_AFTER: Duration = Duration::from_millis(40);

/// Waits for as long as the service wanted that refused a call for asking too often. `false` where the invocation's time is over before: then
/// the refusal stands, and nobody sleeps for it.
pub(super) async fn wait_out(refusal: &Error) -> bool {
    let wanted = refusal.retry_after.unwrap_or(WINDOW);
    let fits = Invocation::time_left().is_none_or(|left| left > wanted);
    if fits {
        tokio::time::sleep(wanted).await;
    }
    fits
}

/// The wait before the next call, as the last answer's headers want it. It is shared by the calls of one tenant, which share ARM's bucket.
#[derive(Debug, Default)]
pub(super) struct Pace {
    milliseconds: AtomicU64,
}

impl Pace {
    /// Waits as long as is wanted now.
    pub async fn wait(&self) {
        let wanted = Duration::from_millis(self.milliseconds.load(Ordering::Relaxed));
        if !wanted.is_zero() {
            tokio::time::sleep(wanted).await;
        }
    }

    /// Notes what an answer says is left: the fewer, the longer the next call waits. An answer that does not say leaves all as it is.
    pub fn note(&self, answer: Option<&Answer>) {
        let left = answer.and_then(|answer| answer.header(&TENANT_READS)).and_then(|left| left.parse::<u64>().ok());
        if let Some(left) = left {
            let lacking = u32::try_from(FEW.saturating_sub(left)).unwrap_or_default();
            let wanted = FLOWS_BACK_AFTER * lacking;
            self.milliseconds.store(u64::try_from(wanted.as_millis()).unwrap_or_default(), Ordering::Relaxed);
        }
    }
}
