//! What is judged when a delivery is acknowledged, and when a history is over.

use std::collections::BTreeMap;

use ispm_onboarder_simulator::world::{AssignmentView, Scope};
use serde_json::Value;
use time::OffsetDateTime;

use crate::estate::MARK;
use crate::history::{Act, Place, Policy};
use crate::invariant::Invariant;
use crate::run::{Asked, Run};
use crate::watch::Work;

/// How long after somebody else did something its traces show: sessions of ten minutes, the queue's longest waits, what is young.
const TRACES: time::Duration = time::Duration::hours(3);
/// The same for a secret that is rotated in its store, too: whoever is refused reads it anew and goes on.
const NOTICED: time::Duration = time::Duration::minutes(2);
/// How long works that open a session together may lie apart.
const TOGETHER: time::Duration = time::Duration::minutes(1);
/// How long a request is put back before it is given up.
const GIVEN_UP: time::Duration = time::Duration::hours(24);
/// How long a cause is young.
const WINDOW: u64 = 3600;

/// What is acknowledged was published, or is still with the platform.
pub fn acknowledged(run: &Run<'_>, cause: &str) {
    if run.asked.get(cause).is_some_and(|asked| asked.is_accepted) && !is_kept(run, cause) {
        run.watch.violated(Invariant::NothingLost, format!("{cause} is acknowledged, neither published nor put back"));
    }
}

/// No elevation is left when the command is over; where one is told to be left, something has kept it from stepping down.
pub fn stepped_down(run: &mut Run<'_>, left: bool, work: &Work) {
    run.left |= left;
    let is_elevated = run.simulator.state().world.role_assignments().iter().any(|found| found.scope == Scope::Tenant);
    let faults: Vec<String> = work.seen().faults.iter().map(|(_, fault)| fault.clone()).collect();
    let kept_from_it = left && !faults.is_empty();
    // Refused by somebody in between, and not to be seen yet: after each true refusal it would take ten minutes to be sure.
    let weather = &run.history.weather;
    let hides = weather.list_lag > 0 || weather.propagation > 0;
    let lied_to = hides && faults.iter().any(|fault| ["answered 401", "answered 403"].iter().any(|words| fault.contains(words)));
    run.left |= lied_to && is_elevated;
    if is_elevated && !kept_from_it && !lied_to {
        run.watch.violated(Invariant::NoElevation, "the command is over, and the administrator is still elevated".to_owned());
    }
}

fn is_kept(run: &Run<'_>, cause: &str) -> bool {
    let quoted = format!("\"{cause}\"");
    let is_about = |result: &Value| result["data"]["cause"]["id"] == cause && result["type"] != "dev.ispm-onboarder.tenant.failed.v1";
    run.results().iter().any(is_about) || run.kept_by_platform().iter().any(|text| text.contains(&quoted))
}

/// What must be true of a world in which all has been well for days.
pub fn in_the_end(run: &Run<'_>, swept: bool) {
    let violated = |invariant, words| run.watch.violated(invariant, words);
    for (cause, _) in run.asked.iter().filter(|(_, asked)| asked.is_accepted) {
        if !is_kept(run, cause) {
            violated(Invariant::NothingLost, format!("{cause} has no result, and the platform does not have it"));
        }
    }
    one_of_each(run);
    equal_ids(run);
    alarms(run);
    let cast = &run.estate.cast;
    let (assignments, waiting) = {
        let state = run.simulator.state();
        let world = &state.world;
        let waiting = world.queue_messages(&cast.queue).len() + world.sqs_messages(&cast.aws.queue).len();
        (world.role_assignments(), waiting)
    };
    for missing in missing(run, swept) {
        violated(Invariant::AllOnboarded, missing);
    }
    if waiting > 0 {
        violated(Invariant::ComesToAnEnd, format!("{waiting} messages still wait"));
    }
    if let Some(left) = assignments.iter().find(|found| found.scope == Scope::Tenant && !run.left) {
        violated(Invariant::NoElevation, format!("{} is elevated", left.principal_id));
    }
}

/// The scopes that should be onboarded and are not: after a sweep all of the estate, else what was asked for and told.
pub fn missing(run: &Run<'_>, swept: bool) -> Vec<String> {
    let policy = run.history.policy;
    let mut wanted = run.estate.eligible(&run.simulator.state().world, policy);
    wanted.retain(|(_, scope)| swept || run.is_promised(scope));
    let state = run.simulator.state();
    let missing = wanted.into_iter().filter_map(|(tenant, scope)| {
        let has = run.estate.has_reader(&state.world, &tenant, &scope, policy);
        let connected = run.estate.is_connected(&state.world, &tenant, policy);
        (!has || !connected).then(|| format!("{scope} of {tenant}: Reader {has}, connected {connected}"))
    });
    missing.collect()
}

fn one_of_each(run: &Run<'_>) {
    let state = run.simulator.state();
    let mut ours: BTreeMap<String, usize> = BTreeMap::new();
    let is_ours = |found: &AssignmentView| found.description.as_deref().is_some_and(|words| words.starts_with(MARK));
    for found in state.world.role_assignments().into_iter().filter(is_ours) {
        *ours.entry(found.scope.to_string()).or_default() += 1;
    }
    let mut connections: BTreeMap<String, usize> = BTreeMap::new();
    for connection in state.world.connections() {
        *connections.entry(format!("{} at {}", connection["relatedSource"], connection["host"])).or_default() += 1;
    }
    drop(state);
    for (scope, count) in ours.into_iter().filter(|(_, count)| *count > 1) {
        run.watch.violated(Invariant::OneAssignment, format!("{count} at {scope}"));
    }
    for (key, count) in connections.into_iter().filter(|(_, count)| *count > 1) {
        run.watch.violated(Invariant::OneConnection, format!("{count} for {key}"));
    }
}

/// An outcome, by what its id is made of; nothing for those that stand for a whole tenant.
fn outcome(result: &Value) -> Option<String> {
    let (data, kind) = (&result["data"], result["type"].as_str()?);
    if kind.ends_with("tenant.failed.v1") || data["code"] == "awaiting-console" {
        return None;
    }
    let unread = data["scope"].is_null();
    let tenant = if unread { &Value::Null } else { &data["tenantId"] };
    Some(format!("{} {} {tenant} {} {kind}", data["cause"]["source"], data["cause"]["id"], data["scope"]))
}

fn equal_ids(run: &Run<'_>) {
    let (mut by_outcome, mut by_id) = (BTreeMap::new(), BTreeMap::new());
    for result in run.results() {
        let Some(outcome) = outcome(&result) else { continue };
        let id = result["id"].to_string();
        if by_outcome.entry(outcome.clone()).or_insert_with(|| id.clone()) != &id {
            run.watch.violated(Invariant::EqualIds, format!("two ids for {outcome}"));
        }
        if by_id.entry(id.clone()).or_insert_with(|| outcome.clone()) != &outcome {
            run.watch.violated(Invariant::EqualIds, format!("one id, {id}, for two outcomes"));
        }
    }
}

/// Whether a fault may leave a request refused for good: it looks like an answer that means it.
fn looks_final(fault: &str) -> bool {
    let passes = [
        "answered 408",
        "answered 429",
        "answered 500",
        "answered 502",
        "answered 503",
        "answered 504",
        "loses",
        "waits",
        "half an answer",
    ];
    fault.split(", then ").any(|fault| !passes.iter().any(|words| fault.contains(words)) || fault.contains("HTML"))
}

/// Every failure that is told has a cause in the world, or in a fault that looked like one.
fn alarms(run: &Run<'_>) {
    for result in run.results() {
        let kind = result["type"].as_str().unwrap_or_default().trim_start_matches("dev.ispm-onboarder.").trim_end_matches(".v1").to_owned();
        let at = result["time"].as_str().and_then(|at| OffsetDateTime::parse(at, &time::format_description::well_known::Rfc3339).ok());
        // EventBridge has whole seconds.
        let Some(at) = at.map(|at| at + time::Duration::SECOND).filter(|_| !["scope.onboarded", "scope.offboarded"].contains(&&*kind))
        else {
            continue;
        };
        let acted = run.watch.kept().acted.iter().any(|(act, what)| *act <= at && may_explain(*what, at - *act));
        if acted || explained(run, &kind, &result, at) {
            continue;
        }
        let data = &result["data"];
        run.watch.violated(
            Invariant::NoFalseAlarm,
            format!("{kind} {} for {} of {}: {}", data["code"], data["scope"], data["cause"]["id"], data["message"]),
        );
    }
}

fn explained(run: &Run<'_>, kind: &str, result: &Value, at: OffsetDateTime) -> bool {
    let cause = result["data"]["cause"]["id"].as_str().unwrap_or_default();
    let code = result["data"]["code"].as_str().unwrap_or_default();
    let is_of = |causes: &[String]| kind == "tenant.failed" || causes.is_empty() || causes.iter().any(|own| own == cause);
    // What another's work met just before may be what this one was told: they open one session together.
    let concerns = |(_, (when, fault)): &(bool, (OffsetDateTime, String))| *when <= at && looks_final(fault);
    let works = run.works.iter().flat_map(|(work, causes)| {
        let own = is_of(causes);
        work.seen().faults.clone().into_iter().map(move |fault| (own, fault))
    });
    if works.filter(concerns).any(|(own, (when, _))| own || at - when <= TOGETHER) {
        return true;
    }
    let weather = &run.history.weather;
    if run.commands.contains(cause) {
        return true;
    }
    let Some(Asked { ask, at: since, .. }) = run.asked.get(cause) else {
        // A sweep asks for what is there, which can be blocked for what Azure alone knows; and tells what ISPM says of a connection.
        return code == "role-assignment-limit-exceeded" || code.starts_with("connection-") || explained_by_policy(run, code);
    };
    let given_up = at - *since >= GIVEN_UP;
    match kind {
        "scope.failed" if ask.offboard => true,
        "scope.failed" => match ask.place {
            Place::Unserved => code == "tenant-not-served",
            Place::Foreign => ["foreign-scope", "scope-not-found", "authorization-failed"].contains(&code),
            Place::AtLimit => code == "role-assignment-limit-exceeded",
            _ => given_up,
        },
        "scope.blocked" => ask.offboard || ask.place == Place::Disabled || explained_by_policy(run, code),
        "scope.pending" => code == "awaiting-console" && run.history.policy == Policy::Console || weather.connection_test >= WINDOW,
        _ => false,
    }
}

/// Whether what somebody else did so long ago may be why something failed. That Reader was given never is.
fn may_explain(act: Act, ago: time::Duration) -> bool {
    match act {
        Act::Assigns(_) => false,
        Act::RotatesLoginFirst { .. } => ago <= TRACES,
        Act::RotatesLogin | Act::StoresLogin | Act::RotatesToken => ago <= NOTICED,
        Act::Removes(_) | Act::Moves(_) | Act::Cancels(_) | Act::Revives(_) | Act::RemovesConnection => true,
    }
}

fn explained_by_policy(run: &Run<'_>, code: &str) -> bool {
    match run.history.policy {
        Policy::ReadOnly => code == "role-missing",
        Policy::LeavesOutGroup => code == "excluded-by-policy",
        Policy::Console => code == "awaiting-console",
        Policy::Usual | Policy::Direct => false,
    }
}
