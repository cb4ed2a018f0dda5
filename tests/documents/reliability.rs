//! The figures of docs/reliability.md, from the files that the commands write.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use super::project;

/// A file of figures; nothing where its command has not run yet.
fn figures(name: &str) -> Option<Value> {
    let text = fs::read_to_string(project(&format!("docs/reliability/{name}.json"))).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("docs/reliability/{name}.json: {error}")))
}

pub fn parts() -> Vec<(&'static str, String)> {
    vec![("figures", all()), ("matrix", matrix())]
}

/// A number with its thousands apart.
fn grouped(number: &Value) -> String {
    let digits = number.to_string();
    let from_the_end: Vec<char> = digits.chars().rev().collect();
    let groups: Vec<String> = from_the_end.chunks(3).map(|group| group.iter().collect()).collect();
    groups.join(",").chars().rev().collect()
}

fn all() -> String {
    let mut text = String::new();
    for (title, found) in [("Histories", "histories"), ("The long run", "long")].map(|(title, name)| (title, figures(name))) {
        let Some(found) = found else { continue };
        let number = |name: &str| grouped(&found[name]);
        let _ = writeln!(
            text,
            "**{title}**: {} in {} s, {} a second on two processors; {} calls, {} of them struck by a fault, {} deliveries, {} kills, {} results, \
             **{} violations**.\n",
            number("histories"),
            number("seconds"),
            number("perSecond"),
            number("calls"),
            number("faults"),
            number("deliveries"),
            number("kills"),
            number("results"),
            number("violations")
        );
    }
    if let Some(found) = figures("matrix") {
        let number = |name: &str| grouped(&found[name]);
        let _ =
            writeln!(text, "**Matrix**: {} cells in {} s, **{} violations**.\n", number("cells"), number("seconds"), number("violations"));
    }
    if let Some(found) = figures("broken") {
        text.push_str("| what is broken on purpose | found by seed | as |\n|---|--:|---|\n");
        for one in found.as_object().into_iter().flat_map(|found| found.values()) {
            let word = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            let _ = writeln!(text, "| {} | {} | {} |", word("breaks"), one["seed"], word("invariant"));
        }
        text.push('\n');
    }
    if let Some(found) = figures("mutants") {
        text.push_str("| mutants of | all | caught | timed out | do not build | explained | missed |\n|---|--:|--:|--:|--:|--:|--:|\n");
        for (module, of) in found.as_object().into_iter().flatten() {
            let number = |name: &str| grouped(&of[name]);
            let names = ["mutants", "caught", "timeout", "unviable", "explained", "missed"].map(number);
            let _ = writeln!(text, "| {module} | {} |", names.join(" | "));
        }
    }
    text
}

fn matrix() -> String {
    let Some(found) = figures("matrix") else { return String::new() };
    let mut rows: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let mut faults = BTreeSet::new();
    for (host, calls) in found["calls"].as_object().into_iter().flatten() {
        for (call, struck) in calls.as_object().into_iter().flatten() {
            for (fault, sides) in struck.as_object().into_iter().flatten() {
                faults.insert(fault.clone());
                rows.entry(format!("{call} ({host})")).or_default().insert(fault.clone(), sides.as_u64().unwrap_or(0));
            }
        }
    }
    let mut text = format!("| call | {} |\n|---|{}\n", faults.iter().cloned().collect::<Vec<_>>().join(" | "), "---|".repeat(faults.len()));
    for (call, struck) in rows {
        let sides = faults.iter().map(|fault| match struck.get(fault).map(|sides| (sides % 100 > 0, sides / 100 > 0)) {
            Some((true, true)) => "b a",
            Some((true, false)) => "b",
            Some((false, true)) => "a",
            _ => "",
        });
        let _ = writeln!(text, "| {call} | {} |", sides.collect::<Vec<_>>().join(" | "));
    }
    text
}
