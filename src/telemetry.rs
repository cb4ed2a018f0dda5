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

fn ended(ending: &Ending) -> (&'static str, Option<&Error>, Option<String>) {
    match ending {
        Ending::Published { outcome, .. } => (outcome.kind.word(), outcome.error.as_ref(), Some(outcome.id().to_string())),
        Ending::Later { error, .. } => ("later", Some(error), None),
        Ending::Queued => ("queued", None, None),
        Ending::Ignored(error) => ("ignored", Some(error), None),
        Ending::Unfinished(error) => ("unfinished", Some(error), None),
    }
}
