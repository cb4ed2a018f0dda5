//! `ispm-onboarder demo`: the whole job on the embedded simulator, through the same router as the function app's handler.

mod story;
mod worker;

use std::sync::Arc;

use clap::Args;
use ispm_onboarder_simulator::platform::{Delivery, Fate, FunctionsHost};
use ispm_onboarder_simulator::{Clock as SimulatorClock, DemoCast, Simulator, World};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::coverage::{print_rows, totals};
use super::show::table;
use super::{Output, Tally, Wrong};
use crate::Onboarder;
use crate::clock::Clock;
use crate::hosts::Deployment;
use crate::hosts::functions::router;
use crate::hosts::http::Readiness;
use crate::permissions::simulated;
use crate::report::Report;
use story::Story;
use worker::{InMemory, SimulatedIdentity};

/// Show the whole job on the embedded simulator: no account, no network.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// How many subscriptions the estate has, at least 7.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(7..=5_000))]
    subscriptions: u32,
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// One pass: everything delivered, until nothing is due any more.
struct Pass {
    results: Vec<Value>,
    writes: usize,
    calls: usize,
}

impl Demo {
    pub(super) fn run(self) -> Result<Tally, Wrong> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.map_err(|error| Wrong::new(format!("no runtime can be started: {error}")))?.block_on(self.play())
    }

    async fn play(self) -> Result<Tally, Wrong> {
        let stage = Stage::set(self.subscriptions as usize)?;
        let table = self.output == Output::Table;
        let say = |line: String| {
            if table {
                println!("{line}");
            }
        };
        say(format!(
            "Contoso: {} subscriptions in 6 management groups, simulated in memory. An event announces each; time runs as fast as it can.\n",
            self.subscriptions
        ));
        say("Events are delivered:".to_owned());
        let first = stage.pass(&say).await;
        say(format!("{} results, {} changes, {} calls.\n", first.results.len(), first.writes, first.calls));
        if table {
            stage.print_results(&first.results);
        }
        let coverage = stage.coverage(&first.results).await?;
        if table {
            print_rows(&coverage, &coverage.scopes);
            println!("\n{}", totals(&coverage));
        }
        say("\nEverything is delivered again:".to_owned());
        let second = stage.pass(&|_| {}).await;
        let same = ids(&first.results) == ids(&second.results);
        say(format!(
            "{} results, {}, {} changes, {} calls.",
            second.results.len(),
            if same { "with the same ids" } else { "with OTHER ids" },
            second.writes,
            second.calls
        ));
        if !table {
            let pass = |pass: &Pass| json!({ "results": pass.results, "writes": pass.writes });
            println!("{}", json!({ "passes": [pass(&first), pass(&second)], "coverage": coverage }));
        }
        Ok(Tally { failed: !same || second.writes > 0, later: false })
    }
}

/// The simulator, the function app on it, and what will be told.
struct Stage {
    simulator: Simulator,
    host: FunctionsHost,
    onboarder: Arc<Onboarder>,
    story: Story,
    started: OffsetDateTime,
}

impl Stage {
    fn set(subscriptions: usize) -> Result<Self, Wrong> {
        let started = Clock::System.now();
        let mut world = World::demo(subscriptions);
        simulated::grant(&mut world, &DemoCast::of(subscriptions));
        let simulator = Simulator::new(world, SimulatorClock::starting_at(started));
        let story = Story::of(subscriptions)?;
        let config = story.config().map_err(|error| Wrong::new(error.to_string()))?;
        let platform = Arc::new(SimulatedIdentity(simulator.clone()));
        let deployment = Deployment::new(config, platform, simulator.transport(), Clock::starting_at(started));
        let onboarder = deployment.onboarder.clone();
        let worker = Arc::new(InMemory(router(Readiness::ready(deployment))));
        let host = FunctionsHost::new(simulator.clone(), worker);
        Ok(Self { simulator, host, onboarder, story, started })
    }

    async fn pass(&self, say: &impl Fn(String)) -> Pass {
        let (results, calls) = {
            let state = self.simulator.state();
            (state.world.results().len(), state.requests.len())
        };
        let telling = self.story.telling(self.started);
        for event in self.story.events() {
            say(telling.line(&self.host.deliver(event).await));
        }
        // A day is longer than any request waits.
        let deadline = self.simulator.now() + time::Duration::days(2);
        while let Some(delivery) = self.host.next(deadline).await {
            say(telling.line(&delivery));
        }
        let state = self.simulator.state();
        let mut results = state.world.results().split_off(results);
        results.sort_by_key(|event| self.story.position(event));
        let made = &state.requests[calls..];
        let writes = made.iter().filter(|call| call.changed && is_write(&call.operation)).count();
        Pass { results, writes, calls: made.len() }
    }

    fn print_results(&self, results: &[Value]) {
        let text = |event: &Value, pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
        let mut rows = table(&["RESULT", "NAME", "ROLE", "CONNECTION", "WHY"]);
        let mut hints = Vec::new();
        for event in results {
            let kind = text(event, "/type");
            let word = kind.trim_end_matches(".v1").rsplit('.').next().unwrap_or_default().to_owned();
            let why = text(event, "/data/message");
            rows.add_row([
                word,
                self.story.name(event),
                text(event, "/data/roleAssignment/outcome"),
                text(event, "/data/connection/status"),
                why,
            ]);
            let hint = event.pointer("/data/hint").and_then(Value::as_str);
            hints.extend(hint.map(|hint| format!("hint: {}: {hint}", self.story.name(event))));
        }
        println!("{rows}\n{}\n", hints.join("\n"));
    }

    /// What is covered, read live through the onboarder. A scope whose onboarding failed says why.
    async fn coverage(&self, results: &[Value]) -> Result<Report, Wrong> {
        let mut report = self.onboarder.coverage(self.story.tenant()).await?.report;
        for row in &mut report.scopes {
            let subject = row.scope.path();
            let failed = results
                .iter()
                .find(|event| event["subject"] == subject.as_str() && event["type"] == crate::result_event::Kind::Failed.event_type());
            if let Some(message) = failed.and_then(|event| event.pointer("/data/message")?.as_str()) {
                row.why = Some(message.to_owned());
            }
        }
        Ok(report)
    }
}

/// Whether a call is one that changes an assignment or a connection.
fn is_write(operation: &str) -> bool {
    matches!(
        operation,
        "arm.role-assignments.create" | "arm.role-assignments.delete" | "ispm.connections.create" | "ispm.connections.delete"
    )
}

fn ids(results: &[Value]) -> Vec<&str> {
    results.iter().filter_map(|event| event["id"].as_str()).collect()
}

/// What the host logged for a delivery: a line for each step, the last for the end.
fn log_lines(delivery: &Delivery) -> Vec<String> {
    let answer: Value = serde_json::from_slice(&delivery.answer).unwrap_or_default();
    let lines = answer.get("Logs").and_then(Value::as_array);
    let lines: Vec<String> = lines.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    match delivery.fate {
        Fate::Done => lines,
        Fate::Again(_) => vec![format!("answered {}, comes back", delivery.status)],
        Fate::GivenUp => vec![format!("answered {}, given up by the platform", delivery.status)],
    }
}
