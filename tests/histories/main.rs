//! Whole histories in memory: the platforms with their schedules, the app with its instances, the clouds with their troubles, and other
//! people, all on one clock and all drawn from a seed. After each history, and at each step where that is when it shows, what must be true
//! is judged (`invariant.rs`). A seed is a history, bit for bit; one that fails is shrunk and told.
//!
//! `cargo xtask histories` plays 10,000 and the whole matrix, optimised; `SEEDS=1000000` before it plays as many. `SEED=17` plays one and
//! tells it. Plain `cargo test` plays a few.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod administrator;
mod app;
mod draw;
mod estate;
mod history;
mod invariant;
mod judge;
mod log;
mod matrix;
mod mortal;
mod play;
mod record;
mod run;
mod shrink;
mod watch;

use std::collections::BTreeSet;

use history::{Deed, History, Host, Place};
use invariant::Invariant;

/// How many histories plain `cargo test` plays, and each how manieth cell of the matrix.
const A_FEW: usize = 200;
const ONE_CELL_IN: usize = 23;

/// A run of more histories than this goes on after one has failed, up to so many, since it takes long to get there.
const LONG: usize = 100_000;
const ENOUGH: usize = 50;

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

fn seeds() -> Option<usize> {
    number("SEEDS").map(|seeds| usize::try_from(seeds).expect("a number of histories"))
}

#[test]
fn histories_keep_what_must_be_true() {
    if let Some(seed) = number("SEED") {
        let ran = run::run(&History::of(seed), true);
        let violations = ran.violations.iter().map(|violation| format!("VIOLATION: {violation}"));
        let story: Vec<String> = ran.story.iter().cloned().chain(violations).collect();
        println!("{}", story.join("\n"));
        assert!(ran.violations.is_empty(), "seed {seed} breaks what must be true");
        return;
    }
    let (first, count) = (number("FIRST").unwrap_or(0), seeds().unwrap_or(A_FEW));
    let history = |index: usize| History::of(first + index as u64);
    let totals = play::all(count, if count > LONG { ENOUGH } else { 1 }, history);
    println!(
        "{} histories in {} s, {} a second: {} deliveries, {} calls, {} kills, {} results, {} violations",
        totals.histories,
        totals.took.as_secs(),
        totals.per_second(),
        totals.deliveries,
        totals.calls,
        totals.kills,
        totals.results,
        totals.violations
    );
    for (index, violation) in &totals.failed {
        println!("seed {}: {violation}", history(*index).seed);
    }
    if let Some((index, violation)) = totals.failed.first_key_value() {
        panic!("{}", play::told(&history(*index), violation));
    }
    record::histories(&totals);
}

#[test]
fn each_fault_of_each_call_on_each_side_and_host_keeps_it_too() {
    if number("SEED").is_some() {
        return;
    }
    let all = [Host::Functions, Host::Lambda].into_iter().flat_map(matrix::cells);
    let whole = seeds().is_some();
    let cells: Vec<_> = all.enumerate().filter(|(index, _)| whole || index % ONE_CELL_IN == 0).map(|(_, cell)| cell).collect();
    let totals = play::all(cells.len(), 1, |index| cells[index].history.clone());
    println!("{} cells of the matrix in {} s, {} violations", totals.histories, totals.took.as_secs(), totals.violations);
    if let Some((index, violation)) = totals.failed.first_key_value() {
        panic!("{}{}", cells[*index].fault, play::told(&cells[*index].history, violation));
    }
    let struck: BTreeSet<(&str, String)> = totals.struck.keys().map(|(operation, fault)| (operation.as_str(), fault.clone())).collect();
    let missed = cells.iter().filter(|cell| !struck.contains(&(cell.operation.as_str(), cell.fault.effect.to_string())));
    let missed: Vec<String> = missed.map(|cell| cell.fault.to_string()).collect();
    assert!(missed.is_empty(), "these never struck: {missed:#?}");
    if whole {
        record::matrix(&cells, &totals);
    }
}

#[test]
fn a_seed_is_a_history_bit_for_bit() {
    for seed in 0..24 {
        let history = History::of(seed);
        assert_eq!(history, History::of(seed));
        let digest = run::run(&history, false).digest;
        let elsewhere = std::thread::spawn(move || run::run(&History::of(seed), true).digest);
        assert_eq!(digest, elsewhere.join().expect("a history does not panic"), "{}: seed {seed}", Invariant::Deterministic);
    }
}

#[test]
fn what_fails_is_shrunk_to_what_it_takes() {
    let asks_for_theirs =
        |history: &History| history.steps.iter().any(|step| matches!(&step.deed, Deed::Publish { ask, .. } if ask.place == Place::Theirs));
    let seed = (0..10_000).find(|seed| History::of(*seed).steps.len() > 8 && asks_for_theirs(&History::of(*seed))).expect("a seed");
    let smallest = shrink::shrink(&History::of(seed), asks_for_theirs);
    assert_eq!(smallest.steps.len(), 1, "{smallest:#?}");
    assert_eq!(smallest.weather, history::Weather::default());
}
