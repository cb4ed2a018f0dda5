//! `ispm-onboarder sweep`

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::coverage::{print_notes, totals};
use super::inputs::progress;
use super::show::{Show, table};
use super::{Output, Tally, Wrong, compose};
use crate::Onboarder;
use crate::coverage::{Coverage, request};
use crate::delivery::Delivery;
use crate::error::{Code, Error};
use crate::report::{Orphan, Row};
use crate::request::{Action, Inbound};
use crate::scope::{Guid, Scope, inert, printable};
use crate::take_up::{Ending, TakenUp};

/// How many scopes are worked on at once.
const AT_ONCE: usize = 8;
/// How often a scope is taken up that may succeed later, as where Azure says that it is asked too often.
const MOST_ROUNDS: u32 = 4;
/// The longest wait between two of them.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// How long reading one tenant's estate may take.
const TO_READ: Duration = Duration::from_mins(30);

/// Find what no event announced, and onboard it.
///
/// The plan is made from sets: subscriptions, roles and connections. What it names is then worked on one by one, here, or through the queue.
#[derive(Debug, Args)]
pub(super) struct Sweep {
    /// The tenant's id; without it, every tenant that this deployment serves.
    #[arg(long)]
    tenant: Option<String>,
    /// Show what would be done, and do nothing.
    #[arg(long, conflicts_with = "enqueue")]
    dry_run: bool,
    /// Put what is found into the queue, for the functions to work on.
    #[arg(long)]
    enqueue: bool,
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// A tenant, and what its sweep came to.
struct Done {
    tenant: Guid,
    result: Result<Coverage, Error>,
    enqueued: usize,
    left: Vec<Error>,
    show: Show,
}

impl Sweep {
    pub(super) fn run(self) -> Result<Tally, Wrong> {
        let config = compose::config()?;
        if self.enqueue {
            config.required_queue().map_err(|error| Wrong::new(error.to_string()))?;
        }
        let named = self.tenant.as_deref().map(|named| compose::tenant(Some(named), &config)).transpose()?;
        let onboarder = if self.enqueue { compose::enqueuing_onboarder(config)? } else { compose::onboarder(config)? };
        compose::block_on(async {
            let tenants = match named {
                Some(tenant) => vec![tenant],
                None => onboarder.tenants().await?,
            };
            let mut tally = Tally::default();
            let mut documents = Vec::new();
            for tenant in tenants {
                let done = self.sweep(&onboarder, tenant).await;
                tally = tally.and(done.tally());
                match self.output {
                    Output::Json => documents.push(done.document()),
                    Output::Table => self.print(&done),
                }
            }
            if self.output == Output::Json {
                println!("{}", json!({ "tenants": documents }));
            }
            Ok(tally)
        })?
    }

    async fn sweep(&self, onboarder: &Onboarder, tenant: Guid) -> Done {
        let nothing = |result| Done { tenant, result, enqueued: 0, left: vec![], show: Show::default() };
        if self.dry_run {
            return nothing(onboarder.coverage(tenant).await);
        }
        let swept = match onboarder.sweep(tenant, Uuid::new_v4(), Instant::now() + TO_READ).await {
            Ok(swept) => swept,
            Err(error) => return nothing(Err(error)),
        };
        let show = if self.enqueue { Show::default() } else { work_here(onboarder, &swept.coverage).await };
        Done { tenant, result: Ok(swept.coverage), enqueued: swept.enqueued, left: swept.left, show }
    }

    fn print(&self, done: &Done) {
        let coverage = match &done.result {
            Ok(coverage) => coverage,
            Err(error) => {
                println!("tenant {}: {error}", done.tenant);
                error.hint.iter().for_each(|hint| println!("hint: {hint}"));
                return;
            }
        };
        println!("tenant {}: found {}", done.tenant, totals(&coverage.report));
        if self.dry_run {
            print_plan(coverage);
        } else if self.enqueue {
            println!("{} requests are in the queue", done.enqueued);
        } else {
            done.show.print_briefly();
        }
        done.left.iter().for_each(|error| println!("not done: {error}"));
        print_notes(&coverage.report);
    }
}

/// Works on what is wanted, several at once; what may succeed later is taken up again a few times.
async fn work_here(onboarder: &Onboarder, coverage: &Coverage) -> Show {
    let (tenant, now) = (coverage.report.tenant_id, onboarder.now());
    let mut waiting: Vec<Inbound> = coverage
        .wanted
        .iter()
        .map(|(scope, wanted)| request(tenant, scope, *wanted, now))
        .map(|request| Inbound { cause: request.cause.clone(), request: Ok(request) })
        .collect();
    let bar = progress(waiting.len());
    let mut show = Show::default();
    for round in 1..=MOST_ROUNDS {
        let mut taken = stream::iter(std::mem::take(&mut waiting))
            .map(|inbound| onboarder.take_up(inbound, Delivery::starting(Uuid::new_v4()).by_hand()))
            .buffer_unordered(AT_ONCE);
        let mut wait = Duration::ZERO;
        let mut later = Vec::new();
        while let Some(taken) = taken.next().await {
            match (again(&taken), round < MOST_ROUNDS) {
                (Some((inbound, wish)), true) => {
                    wait = wait.max(wish);
                    later.push(inbound);
                }
                _ => {
                    show.add(taken);
                    bar.inc(1);
                }
            }
        }
        drop(taken);
        if later.is_empty() {
            break;
        }
        waiting = later;
        tokio::time::sleep(wait.clamp(Duration::from_secs(2), LONGEST_WAIT)).await;
    }
    bar.finish_and_clear();
    show
}

/// What may succeed soon, with the service's wish for when.
fn again(taken: &TakenUp) -> Option<(Inbound, Duration)> {
    let (Ending::Later { error, .. }, Some(request)) = (&taken.ending, &taken.request) else { return None };
    let passes = matches!(error.code, Code::Throttled | Code::Unavailable | Code::DeadlineReached);
    let inbound = Inbound { cause: request.cause.clone(), request: Ok(request.clone()) };
    passes.then(|| (inbound, error.retry_after.unwrap_or_default()))
}

fn print_plan(coverage: &Coverage) {
    if coverage.wanted.is_empty() {
        println!("nothing to do");
        return;
    }
    let mut plan = table(&["WOULD", "SCOPE", "NAME", "WHY"]);
    let rows: BTreeMap<&Scope, &Row> = coverage.report.scopes.iter().map(|row| (&row.scope, row)).collect();
    // What is gone has no row any more, only what it left.
    let left: BTreeMap<&Scope, &Orphan> =
        coverage.report.orphans.iter().filter_map(|orphan| Some((orphan.scope.as_ref()?, orphan))).collect();
    for (scope, wanted) in &coverage.wanted {
        let name = rows.get(scope).map(|row| printable(&row.name)).unwrap_or_default();
        let why = rows.get(scope).map_or_else(|| left.get(scope).map(|orphan| orphan.why.as_str()), |row| row.why.as_deref());
        plan.add_row([wanted.action.to_string(), scope.to_string(), name, inert(why.unwrap_or_default())]);
    }
    println!("{plan}");
    println!("would onboard {} and offboard {}", coverage.count(Action::Onboard), coverage.count(Action::Offboard));
}

impl Done {
    fn tally(&self) -> Tally {
        let left = Tally { failed: false, later: !self.left.is_empty() };
        match &self.result {
            Ok(_) => self.show.tally().and(left),
            Err(error) => Tally::of_error(error),
        }
    }

    fn document(&self) -> Value {
        match &self.result {
            Err(error) => json!({ "tenantId": self.tenant, "code": error.code, "message": error.message, "hint": error.hint }),
            Ok(coverage) => {
                let wanted: Vec<Value> =
                    coverage.wanted.iter().map(|(scope, wanted)| json!({ "scope": scope, "action": wanted.action })).collect();
                let report = &coverage.report;
                let mut document = self.show.document();
                document["tenantId"] = json!(self.tenant);
                document["totals"] = json!(report.totals);
                document["wanted"] = json!(wanted);
                document["enqueued"] = json!(self.enqueued);
                document["orphans"] = json!(report.orphans);
                document["notes"] = json!(report.notes);
                document["notDone"] = json!(self.left.iter().map(ToString::to_string).collect::<Vec<_>>());
                document
            }
        }
    }
}
