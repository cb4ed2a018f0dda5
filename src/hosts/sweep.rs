//! A sweep as the hosts run it: every tenant, until the invocation's time is over, with one line logged for each.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::Onboarder;
use crate::error::Error;
use crate::sweep::Swept;
use crate::telemetry;

/// Sweeps every tenant, and tells how each went in a line for people.
///
/// # Errors
/// Where it cannot be told which tenants there are. A tenant's own trouble is in its line.
pub(super) async fn sweep(onboarder: &Onboarder, id: Uuid, time: Duration) -> Result<Vec<String>, Error> {
    let tell = |tenant, result: &Result<Swept, Error>, took| {
        telemetry::log_sweep(&id.to_string(), tenant, result, took);
        match result {
            Ok(swept) => format!(
                "tenant {tenant}: {} subscriptions, {} covered, {} found of which events missed {}, {} in the queue, {} connections changed",
                swept.coverage.report.scopes.len(),
                swept.coverage.report.totals.covered,
                swept.found(),
                swept.missed_by_events(),
                swept.enqueued,
                swept.changes.len(),
            ),
            Err(error) => format!("tenant {tenant}: {error}"),
        }
    };
    onboarder.sweep_all(id, Instant::now() + time, tell).await
}
