//! A sweep of a large estate: its calls grow with pages, and those who are asked too often never have to say so.

use std::collections::{BTreeMap, BTreeSet};

use ispm_onboarder_simulator::EstateCast;
use serde_json::Value;

use crate::harness::{COLD_START, Given, PUT_BACK, Scenario, subscription};

const SUBSCRIPTIONS: usize = 2_000;
const GROUPS: usize = 20;
const COVERED_PERCENT: usize = 40;
/// Small enough that Resource Graph's quota is used up on the way.
const PAGE: usize = 25;
/// The subscriptions that one query of Resource Graph names.
const BATCH: usize = 1_000;

/// The calls of a sweep that read Azure and ISPM, computed from the estate's numbers alone.
fn reads(covered: &[String], all: &[&String]) -> BTreeMap<String, usize> {
    let covered: BTreeSet<&String> = covered.iter().collect();
    let rows = |batch: &[&String]| batch.iter().filter(|id| covered.contains(**id)).count();
    let queries: usize = all.chunks(BATCH).map(|batch| rows(batch).div_ceil(PAGE).max(1)).sum();
    let counts = [
        ("arm.management-group.get", 1),
        ("arm.subscriptions.list", SUBSCRIPTIONS.div_ceil(PAGE)),
        ("arm.descendants.list", (SUBSCRIPTIONS + GROUPS).div_ceil(PAGE)),
        ("arm.resource-graph.query", queries),
        ("graph.service-principal.get", 1),
        ("ispm.sources.list", 1),
        ("ispm.connections.list", 1),
    ];
    counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

/// Accounts for a sweep's calls: those of the deployment's own services are left out, and none was refused as one too many.
fn read_calls(s: &Scenario) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in s.unread_calls() {
        assert_ne!(call.status, Some(429), "{call:?}");
        if ["arm.", "graph.", "ispm."].iter().any(|service| call.operation.starts_with(service)) {
            *counts.entry(call.operation).or_default() += 1;
        }
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn reads_grow_with_pages_and_what_is_missing_is_in_the_queue_once() {
    let cast = EstateCast::of(SUBSCRIPTIONS, GROUPS, COVERED_PERCENT);
    let s = Given::estate(SUBSCRIPTIONS, GROUPS, COVERED_PERCENT)
        .world(|world, _| {
            world.settings.throttle = true;
            world.settings.page_size = PAGE;
        })
        .start();
    let answer = s.sweep().await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut all: Vec<&String> = cast.covered.iter().chain(&cast.missing).chain(&cast.disabled).collect();
    all.sort();
    assert_eq!(read_calls(&s), reads(&cast.covered, &all));
    let scope = |text: &String| serde_json::from_str::<Value>(text).map(|message| message["scope"].clone());
    let mut asked: Vec<Value> = s.waiting_texts().iter().map(scope).collect::<Result<_, _>>().expect("the queue holds JSON");
    let mut missing: Vec<Value> = cast.missing.iter().map(|id| Value::from(subscription(id))).collect();
    asked.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
    missing.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
    assert_eq!(asked, missing);
    let report = s.report().await;
    assert_eq!(report["totals"]["covered"], cast.covered.len());
    assert_eq!(report["totals"]["missing"], cast.missing.len());
    assert_eq!(report["totals"]["excluded"], cast.disabled.len());
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn where_all_is_covered_a_sweep_makes_no_call_for_a_subscription() {
    let s = Given::estate(SUBSCRIPTIONS, GROUPS, 100).world(|world, _| world.settings.throttle = true).start();
    s.sweep().await;
    let calls = s.count_calls();
    assert!(!calls.contains_key(PUT_BACK), "{calls:?}");
    let arm = ["arm.subscriptions.list", "arm.descendants.list", "arm.resource-graph.query"].map(|name| calls[name]);
    assert_eq!(arm, [1, 3, 2], "one page, three of 1,000, and one for each 1,000 subscriptions: {calls:?}");
    assert!(calls.contains_key(COLD_START), "{calls:?}");
    assert_eq!(s.report().await["totals"]["missing"], 0);
    s.count_calls();
}
