//! The figures that `docs/reliability.md` shows, written where `UPDATE_DOCS` is set.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ispm_onboarder_simulator::When;
use serde_json::{Value, json};

use crate::history::Host;
use crate::matrix::{Cell, effects};
use crate::play::Totals;

fn write(name: &str, figures: &Value) {
    if std::env::var_os("UPDATE_DOCS").is_none() {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability");
    let text = serde_json::to_string_pretty(figures).expect("figures are JSON") + "\n";
    fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join(name), text)).expect("the figures can be written");
}

/// From so many histories on, a run is the long one.
const MANY: u64 = 1_000_000;

/// What random histories came to.
pub fn histories(totals: &Totals) {
    let mut struck: BTreeMap<&str, u64> = BTreeMap::new();
    for ((operation, _), count) in &totals.struck {
        *struck.entry(operation).or_default() += count;
    }
    let figures = json!({
        "histories": totals.histories, "seconds": totals.took.as_secs(), "perSecond": totals.per_second(), "violations": totals.violations,
        "calls": totals.calls, "deliveries": totals.deliveries, "kills": totals.kills, "results": totals.results,
        "faults": totals.struck.values().sum::<u64>(), "callsStruck": struck,
    });
    write(if totals.histories < MANY { "histories.json" } else { "long.json" }, &figures);
}

/// Which call was struck by which fault, on which side, how often.
pub fn matrix(cells: &[Cell], totals: &Totals) {
    let mut calls: BTreeMap<&str, BTreeMap<&str, BTreeMap<&str, u64>>> = BTreeMap::new();
    for cell in cells {
        let host = if cell.history.host == Host::Functions { "functions" } else { "lambda" };
        let (name, _) = effects().into_iter().find(|(_, effect)| *effect == cell.fault.effect).expect("the fault is of the list");
        let side = if cell.fault.side() == When::Before { "before" } else { "after" };
        let by_fault = calls.entry(host).or_default();
        *by_fault.entry(&cell.operation).or_default().entry(name).or_default() +=
            u64::from(side == "before") + 100 * u64::from(side == "after");
    }
    let figures = json!({ "cells": cells.len(), "seconds": totals.took.as_secs(), "violations": totals.violations, "calls": calls });
    write("matrix.json", &figures);
}
