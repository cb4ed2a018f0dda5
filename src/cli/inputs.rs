//! Working through a list of inputs, one after the other.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use uuid::Uuid;

use super::plans::Plans;
use super::show::{Row, Show};
use super::{Output, Tally, Wrong, compose};
use crate::Onboarder;
use crate::delivery::Delivery;
use crate::error::Error;
use crate::plan::Plan;
use crate::request::Inbound;
use crate::result_event::Kind;
use crate::take_up::Ending;

/// Takes up each input, or only shows what would be done, and prints what came of it.
pub(super) fn work_through(onboarder: &Onboarder, inputs: Vec<Inbound>, dry_run: bool, output: Output) -> Result<Tally, Wrong> {
    compose::block_on(async {
        if dry_run { show_plans(onboarder, inputs, output).await } else { take_up_all(onboarder, inputs, output).await }
    })
}

pub(super) async fn take_up_all(onboarder: &Onboarder, inputs: Vec<Inbound>, output: Output) -> Tally {
    let progress = progress(inputs.len());
    let mut show = Show::default();
    for input in inputs {
        if let Ok(request) = &input.request {
            progress.set_message(request.scope.to_string());
        }
        let taken = onboarder.take_up(input, Delivery::starting(Uuid::new_v4()).by_hand()).await;
        show.add(taken);
        progress.inc(1);
    }
    progress.finish_and_clear();
    match output {
        Output::Json => println!("{}", show.document()),
        Output::Table => show.print(),
    }
    show.tally()
}

async fn show_plans(onboarder: &Onboarder, inputs: Vec<Inbound>, output: Output) -> Tally {
    let mut plans = Plans::default();
    for input in inputs {
        let (scope, plan, _) = plan(onboarder, input).await;
        plans.add(scope, plan);
    }
    match output {
        Output::Json => println!("{}", plans.document()),
        Output::Table => print!("{}", plans.text()),
    }
    plans.tally
}

/// What would be done for an input, by its scope.
async fn plan(onboarder: &Onboarder, input: Inbound) -> (Option<String>, Result<Plan, Error>, Tally) {
    let (request, _) = onboarder.with_tenant(input.request, Delivery::starting(Uuid::new_v4())).await;
    let (scope, plan) = match request {
        Ok(request) => (Some(request.scope.to_string()), onboarder.dry_run(&request).await),
        Err(refusal) => (None, Err(refusal.error)),
    };
    let tally = plan.as_ref().err().map(Tally::of_error);
    (scope, plan, tally.unwrap_or_default())
}

/// What would be done for an input, as a row of a table.
pub(super) async fn planned(onboarder: &Onboarder, input: Inbound) -> (Row, Tally) {
    let (scope, plan, tally) = plan(onboarder, input).await;
    let scope = scope.unwrap_or_else(|| "(unreadable input)".to_owned());
    let row = match plan {
        Ok(plan) if plan.steps.is_empty() => Row { result: "nothing to do".to_owned(), scope, ..Row::default() },
        Ok(plan) => {
            let steps: Vec<_> = plan.steps.iter().map(ToString::to_string).collect();
            Row { result: "would".to_owned(), scope, why: steps.join("; "), ..Row::default() }
        }
        Err(error) => Row { result: "would not".to_owned(), scope, why: error.message, hint: error.hint, ..Row::default() },
    };
    (row, tally)
}

/// A progress bar on a terminal, for more than one input.
pub(super) fn progress(inputs: usize) -> ProgressBar {
    if inputs < 2 {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(inputs as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

impl Row {
    /// A table row for an ending.
    pub(super) fn of(ending: &Ending, scope: Option<String>) -> Self {
        let scope = scope.unwrap_or_else(|| "(unreadable input)".to_owned());
        let (result, error) = match ending {
            Ending::Published { outcome, .. } => {
                let role = outcome.role.as_ref().map_or_else(|| "-".to_owned(), |role| role.outcome.to_string());
                let connection = outcome.connection.as_ref().map_or_else(|| "-".to_owned(), |connection| connection.status.to_string());
                let error = outcome.error.as_ref();
                return Self {
                    result: outcome.kind.word().to_owned(),
                    good: matches!(outcome.kind, Kind::Onboarded | Kind::Offboarded),
                    scope,
                    role,
                    connection,
                    why: error.map(|error| error.message.clone()).unwrap_or_default(),
                    hint: error.and_then(|error| error.hint.clone()),
                };
            }
            Ending::Later { error, .. } => ("later", Some(error)),
            Ending::Queued => ("queued", None),
            Ending::Ignored(error) => ("ignored", Some(error)),
            Ending::Unfinished(error) => ("unfinished", Some(error)),
        };
        let dash = || "-".to_owned();
        Self {
            result: result.to_owned(),
            good: false,
            scope,
            role: dash(),
            connection: dash(),
            why: error.map(|error| error.message.clone()).unwrap_or_default(),
            hint: error.and_then(|error| error.hint.clone()),
        }
    }
}
