//! Working through a list of inputs, one after the other.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use uuid::Uuid;

use super::show::{Row, Show};
use super::{Output, Tally, Wrong, compose};
use crate::Onboarder;
use crate::delivery::Delivery;
use crate::error::Disposition;
use crate::request::Inbound;
use crate::result_event::Kind;
use crate::take_up::Ending;

/// Takes up each input, or only shows what would be done, and prints what came of it.
pub(super) fn work_through(onboarder: &Onboarder, inputs: Vec<Inbound>, dry_run: bool, output: Output) -> Result<Tally, Wrong> {
    compose::block_on(async {
        if dry_run { show_plans(onboarder, inputs, output).await } else { take_up_all(onboarder, inputs, output).await }
    })
}

async fn take_up_all(onboarder: &Onboarder, inputs: Vec<Inbound>, output: Output) -> Tally {
    let progress = progress(inputs.len());
    let mut show = Show::default();
    for input in inputs {
        if let Ok(request) = &input.request {
            progress.set_message(request.scope.to_string());
        }
        let taken = onboarder.take_up(input, Delivery::starting(Uuid::new_v4())).await;
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
    let mut tally = Tally::default();
    let mut plans = Vec::new();
    for input in inputs {
        let (scope, plan) = match input.request {
            Ok(request) => (Some(request.scope.to_string()), onboarder.dry_run(&request).await),
            Err(refusal) => (None, Err(refusal.error)),
        };
        if let Err(error) = &plan {
            let passes = matches!(error.disposition(false), Disposition::Later | Disposition::TenantLater);
            tally.later |= passes;
            tally.failed |= !passes;
        }
        plans.push((scope, plan));
    }
    if output == Output::Json {
        let plans: Vec<_> = plans
            .iter()
            .map(|(scope, plan)| match plan {
                Ok(plan) => json!({ "scope": scope, "steps": plan.steps.iter().map(ToString::to_string).collect::<Vec<_>>() }),
                Err(error) => json!({ "scope": scope, "steps": [], "code": error.code, "message": error.message, "hint": error.hint }),
            })
            .collect();
        println!("{}", json!({ "plans": plans }));
        return tally;
    }
    for (scope, plan) in plans {
        println!("{}", scope.as_deref().unwrap_or("(unreadable input)"));
        match plan {
            Ok(plan) if plan.steps.is_empty() => println!("  nothing to do"),
            Ok(plan) => plan.steps.iter().for_each(|step| println!("  would {step}")),
            Err(error) => {
                println!("  would not: {error}");
                error.hint.iter().for_each(|hint| println!("  hint: {hint}"));
            }
        }
    }
    tally
}

/// A progress bar on a terminal, for more than one input.
fn progress(inputs: usize) -> ProgressBar {
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
                    good: outcome.kind == Kind::Onboarded,
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
