//! What fuzzing asks of whatever comes in, with the inputs that are kept and with some made of them. The search for others is long, and
//! `cargo xtask fuzz` does it.

#![allow(clippy::expect_used, clippy::panic, reason = "a check fails by panicking")]

mod bodies;
mod round_trips;

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use bodies::mutation::{Dice, Vocabulary, mutated};
use bodies::{CHECKS, Check};

/// Where the inputs are kept, in a folder for each kind.
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/fuzz");
/// How many inputs of each kind are made: what fits into a second or two.
const MADE: u64 = 1000;

/// The inputs of a kind that are kept, by name.
fn kept(kind: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(FIXTURES).join(kind);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut all: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("the folder can be read").path();
            let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(), bytes)
        })
        .collect();
    all.sort();
    all
}

/// Whether an input passes; one that does not is shown.
fn passes(check: Check, name: &str, bytes: &[u8]) -> bool {
    let passes = panic::catch_unwind(AssertUnwindSafe(|| check(bytes))).is_ok();
    if !passes {
        eprintln!("{name} does not pass:\n{}\n", String::from_utf8_lossy(bytes));
    }
    passes
}

#[test]
fn every_input_that_is_kept_passes() {
    let mut failed = Vec::new();
    for (kind, check) in CHECKS {
        let kept = kept(kind);
        assert!(!kept.is_empty(), "nothing is kept of {kind}");
        let names = kept.iter().map(|(name, bytes)| (format!("{kind}/{name}"), bytes));
        failed.extend(names.filter(|(name, bytes)| !passes(check, name, bytes)).map(|(name, _)| name));
    }
    assert_eq!(failed, [""; 0], "these do not pass");
}

#[test]
fn inputs_made_of_those_pass_too() {
    let mut failed = Vec::new();
    for (kind, check) in CHECKS {
        let kept = kept(kind);
        let words = Vocabulary::of(kept.iter().map(|(_, bytes)| bytes.as_slice()));
        for number in 0..MADE {
            let mut dice = Dice::new(number);
            let (name, bytes) = &kept[dice.below(kept.len())];
            let name = format!("{kind}: number {number}, of {name}");
            if mutated(bytes, &words, &mut dice).is_some_and(|made| !passes(check, &name, &made)) {
                failed.push(name);
            }
        }
    }
    assert_eq!(failed, [""; 0], "these do not pass");
}
