//! Logs: one wide line per invocation, in JSON, on standard error.
//!
//! The Functions host makes an Error of a line that holds `error`, `fail` or `severe` anywhere, and a Warning of one with `warn`
//! (`ParseErrorMessageAndLog` in
//! <https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script/Workers/ProcessManagement/WorkerProcess.cs>). So no field's
//! name holds these: the line of an onboarded scope stays Information.

use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::error::{Disposition, Error};
use crate::scope::Guid;
use crate::sweep::Swept;
use crate::take_up::{Ending, TakenUp};

/// Starts logging for a host. `RUST_LOG` changes what is logged; by default our own lines and the warnings of others.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,ispm_onboarder=info"));
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter_fn(may_be_logged))).with(filter);
    // A second start in one process (tests) keeps the first.
    let _ = subscriber.try_init();
}

/// Libraries that below warnings log whole requests and answers, with tokens, keys and secrets in them.
const TALKATIVE: [&str; 3] = ["aws_", "lambda_http", "lambda_runtime"];

/// Whether something may be logged, whatever `RUST_LOG` says.
#[must_use]
pub fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::WARN || !TALKATIVE.iter().any(|library| metadata.target().starts_with(library))
}

/// Logs one input that was taken up.
pub fn log(function: &str, invocation: &str, taken: &TakenUp, took: Duration) {
    let request = taken.request.as_ref();
    let tenant = request.map(|request| request.tenant.to_string());
    let scope = request.map(|request| request.scope.to_string());
    let cause = request.map(|request| request.cause.id.clone());
    let caller = request.and_then(|request| request.caller).map(|caller| caller.to_string());
    let attempts = request.map_or(0, |request| request.history.attempts);
    let waited_seconds = taken.waited.whole_seconds().max(0);
    let about_tenant = matches!(&taken.ending, Ending::Later { error, .. } if error.disposition(false) == Disposition::TenantLater);
    let (outcome, error, result_id) = ended(&taken.ending);
    let code = error.map(|error| error.code.as_str());
    let message = error.map(|error| error.message.clone());
    let hint = error.and_then(|error| error.hint.clone());
    let calls = taken.calls.len();
    let made = taken.calls.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    macro_rules! wide {
        ($level:ident) => {
            tracing::$level!(
                function,
                invocation,
                tenant,
                scope,
                cause,
                caller,
                attempts,
                waited_seconds,
                outcome,
                about_tenant,
                code,
                reason = message,
                hint,
                result_id,
                calls,
                made,
                duration_ms,
                "invocation"
            )
        };
    }
    if matches!(taken.ending, Ending::Unfinished(_)) {
        wide!(error);
    } else {
        wide!(info);
    }
}

/// Logs a tenant's sweep. `missed_by_events` is what the alert looks at.
pub fn log_sweep(invocation: &str, tenant: Guid, result: &Result<Swept, Error>, took: Duration) {
    let (tenant, duration_ms) = (tenant.to_string(), u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    let swept = match result {
        Ok(swept) => swept,
        Err(error) => {
            let (code, reason, hint) = (error.code.as_str(), &error.message, error.hint.as_deref());
            tracing::error!(function = "Sweep", invocation, tenant, code, reason, hint, duration_ms, "not swept");
            return;
        }
    };
    let totals = swept.coverage.report.totals;
    let left: Vec<String> = swept.left.iter().map(ToString::to_string).collect();
    tracing::info!(
        function = "Sweep",
        invocation,
        tenant,
        subscriptions = swept.coverage.report.scopes.len(),
        covered = totals.covered,
        pending = totals.pending,
        missing = totals.missing,
        not_connected = totals.failed,
        excluded = totals.excluded,
        orphans = swept.coverage.report.orphans.len(),
        expiring_secrets = swept.coverage.report.expiring_secrets.len(),
        found = swept.found(),
        missed_by_events = swept.missed_by_events(),
        enqueued = swept.enqueued,
        changes = swept.changes.len(),
        left = left.join("; "),
        calls = swept.calls,
        duration_ms,
        "swept"
    );
}

/// Logs that entries of a log were not for this project, all in one line with the first one's reason.
pub fn log_ignored(function: &str, invocation: &str, entries: usize, first: &Error) {
    let code = first.code.as_str();
    tracing::info!(function, invocation, outcome = "ignored", entries, code, reason = first.message, "invocation");
}

fn ended(ending: &Ending) -> (&'static str, Option<&Error>, Option<String>) {
    match ending {
        Ending::Published { outcome, .. } => (outcome.kind.word(), outcome.error.as_ref(), Some(outcome.id().to_string())),
        Ending::Later { error, .. } => ("later", Some(error), None),
        Ending::Queued => ("queued", None, None),
        Ending::Ignored(error) => ("ignored", Some(error), None),
        Ending::Unfinished(error) => ("unfinished", Some(error), None),
    }
}
