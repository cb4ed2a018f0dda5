//! `cargo xtask mutants`

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::step::{Done, Step, at, project};
use crate::tools;

/// Where the figures stand, for docs/reliability.md.
const SUMMARY: &str = "docs/reliability/mutants.json";
/// Mutants were missed, or ran into the time-out (<https://mutants.rs/exit-codes.html>): a result, and no failure of the tool.
const RESULTS: [i32; 3] = [0, 2, 3];
/// Unit tests that take seconds and are about none of these modules.
const SLOW: [&str; 5] = ["--", "--", "--skip=cli::elevate::", "--skip=kept::", "--skip=resting::"];

/// Breaks the code, one small thing at a time, and looks whether a test fails. The unit tests, which are quick, judge first; what they
/// miss is for the scenarios. What changes nothing that anyone could see is left out by `.cargo/mutants.toml`, which says why.
#[derive(Debug, clap::Args)]
pub struct Mutants {
    /// The modules whose code is broken. Without any, all of them.
    modules: Vec<Module>,
    /// Only count what the last runs found.
    #[arg(long)]
    summary: bool,
    /// More arguments for cargo-mutants, such as `--re glob`. The figures are then not those of whole modules, and not written.
    #[arg(last = true)]
    more: Vec<String>,
}

/// A module that decides something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Module {
    Plan,
    Request,
    Error,
    Net,
    Outcome,
}

/// What a run found of each mutant, by its name.
type Found = BTreeMap<String, String>;

impl Module {
    const fn files(self) -> &'static str {
        match self {
            Self::Plan => "src/plan.rs",
            Self::Request => "src/request/**",
            Self::Error => "src/error.rs",
            Self::Net => "src/net/**",
            Self::Outcome => "src/outcome.rs",
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn folder(self) -> PathBuf {
        project().join("target/mutants").join(self.name())
    }

    /// The runs' results, the later ones last.
    fn results(self) -> [PathBuf; 2] {
        ["units.json", "scenarios.json"].map(|name| self.folder().join(name))
    }

    /// The arguments of every use of cargo-mutants for this module.
    fn arguments(self) -> [&'static str; 3] {
        ["mutants", "--file", self.files()]
    }
}

/// Runs what is asked for, and writes the figures.
///
/// # Errors
/// Where a mutant was missed by every test.
pub fn run(mutants: &Mutants) -> Done {
    let modules = if mutants.modules.is_empty() { Module::value_variants() } else { &mutants.modules };
    let mut missed = Vec::new();
    for module in modules {
        if !mutants.summary {
            judge(*module, &mutants.more)?;
        }
        let found = found(*module)?;
        missed.extend(found.iter().filter(|(_, summary)| *summary == "MissedMutant").map(|(name, _)| name.clone()));
        if mutants.more.is_empty() {
            write(*module, &found)?;
        }
    }
    if missed.is_empty() { Ok(()) } else { Err(format!("no test fails for:\n{}", missed.join("\n"))) }
}

/// Both runs of a module. The second is one of the mutants that the first did not kill.
fn judge(module: Module, more: &[String]) -> Done {
    let [units, scenarios] = module.results();
    fs::create_dir_all(module.folder()).map_err(at(&module.folder()))?;
    if scenarios.exists() {
        fs::remove_file(&scenarios).map_err(at(&scenarios))?;
    }
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    if cargo_mutants(module, &[&["--cargo-arg=--lib"], &more[..], &SLOW].concat(), &units)? {
        return Ok(());
    }
    let whole = ["--iterate", "--cargo-arg=--test=scenarios", "--cargo-arg=--test=scenarios_on_lambda"];
    cargo_mutants(module, &[&whole, &more[..]].concat(), &scenarios).map(drop)
}

/// One run, whose results are kept; whether every mutant was killed.
fn cargo_mutants(module: Module, arguments: &[&str], results: &Path) -> Done<bool> {
    let folder = module.folder();
    let out = folder.to_string_lossy();
    let code = Step::new(tools::cargo_mutants()?, &[&module.arguments()[..], &["--output", &out], arguments].concat())
        // The others' crates are built once, and not for each run anew.
        .with("CARGO_TARGET_DIR", project().join("target/mutants/build"))
        .with("CARGO_PROFILE_DEV_DEBUG", "none")
        .with("INSTA_UPDATE", "no")
        .code(&RESULTS)?;
    let outcomes = folder.join("mutants.out/outcomes.json");
    fs::copy(&outcomes, results).map_err(at(&outcomes))?;
    Ok(code == 0)
}

/// What the runs found; a later one counts.
fn found(module: Module) -> Done<Found> {
    let mut found = Found::new();
    for results in module.results().into_iter().filter(|results| results.exists()) {
        let text = fs::read_to_string(&results).map_err(at(&results))?;
        found.extend(summaries(&text).ok_or_else(|| format!("{}: not what cargo-mutants writes", results.display()))?);
    }
    if found.is_empty() { Err(format!("no run of {} has left results", module.name())) } else { Ok(found) }
}

/// Each mutant of a run with what was found, from cargo-mutants' outcomes.json.
fn summaries(text: &str) -> Option<Found> {
    let outcomes: Value = serde_json::from_str(text).ok()?;
    let each = outcomes.get("outcomes")?.as_array()?.iter().filter_map(|outcome| {
        let name = outcome.pointer("/scenario/Mutant/name")?.as_str()?;
        Some((name.to_owned(), outcome.get("summary")?.as_str()?.to_owned()))
    });
    Some(each.collect())
}

/// The names of a module's mutants: all of them, or without those that the configuration leaves out.
fn listed(module: Module, all: bool) -> Done<BTreeSet<String>> {
    let list: &[&str] = if all { &["--list", "--json", "--no-config"] } else { &["--list", "--json"] };
    let text = Step::new(tools::cargo_mutants()?, &[&module.arguments()[..], list].concat()).text()?;
    let mutants: Vec<Value> = serde_json::from_str(&text).map_err(|error| format!("the list of mutants: {error}"))?;
    Ok(mutants.iter().filter_map(|mutant| mutant.get("name")?.as_str().map(str::to_owned)).collect())
}

fn write(module: Module, found: &Found) -> Done {
    let (all, examined) = (listed(module, true)?, listed(module, false)?);
    let row = row(module, all.len(), all.difference(&examined).count(), found);
    eprintln!("{row}");
    let path = project().join(SUMMARY);
    let before: Value = fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let others = |other: &Module| before.get(other.name()).cloned();
    let rows = Module::value_variants().iter().filter_map(|one| {
        let figures = if *one == module { Some(row.clone()) } else { others(one) };
        Some((one.name(), figures?))
    });
    let text = serde_json::to_string_pretty(&Value::Object(rows.collect())).map_err(|error| error.to_string())?;
    fs::create_dir_all(path.with_file_name("")).map_err(at(&path))?;
    fs::write(&path, text + "\n").map_err(at(&path))
}

/// A module's figures.
fn row(module: Module, mutants: usize, explained: usize, found: &Found) -> Value {
    let count = |summary: &str| found.values().filter(|found| *found == summary).count();
    json!({
        "files": module.files(), "mutants": mutants, "caught": count("CaughtMutant"), "timeout": count("Timeout"),
        "unviable": count("Unviable"), "missed": count("MissedMutant"), "explained": explained,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(each: &[(&str, &str)]) -> String {
        let mutants = each.iter().map(|(name, summary)| json!({"scenario": {"Mutant": {"name": name}}, "summary": summary}));
        let baseline = [json!({"scenario": "Baseline", "summary": "Success"})];
        json!({"outcomes": baseline.into_iter().chain(mutants).collect::<Vec<_>>(), "total_mutants": each.len()}).to_string()
    }

    #[test]
    fn figures_are_those_of_the_later_run() {
        let mut found =
            summaries(&outcomes(&[("a", "CaughtMutant"), ("b", "MissedMutant"), ("c", "Unviable"), ("d", "MissedMutant")])).unwrap();
        found.extend(summaries(&outcomes(&[("b", "CaughtMutant"), ("d", "Timeout")])).unwrap());
        let row = row(Module::Plan, 5, 1, &found);
        let figures = json!({
            "files": "src/plan.rs", "mutants": 5, "caught": 2, "timeout": 1, "unviable": 1, "missed": 0, "explained": 1,
        });
        assert_eq!(row, figures);
        assert_eq!(summaries("{}"), None);
    }
}
