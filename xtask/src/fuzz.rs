//! `cargo xtask fuzz`

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use crate::step::{Done, Step, at, project};
use crate::tools;

/// The fuzz targets, each named as its inputs in `tests/fixtures/fuzz` and its check in `tests/fuzzed`.
const TARGETS: [&str; 5] = ["inbound", "tenant_record", "connect_profile", "ispm_answers", "dead_letters"];
/// How the program is built. Its own code has no `unsafe`, so that a sanitizer would only make it slow.
const BUILT: [&str; 4] = ["--sanitizer", "none", "--codegen-units", "16"];
/// The compiler that can build for libFuzzer.
const NIGHTLY: &str = "+nightly";

/// What is fuzzed, and for how long.
#[derive(Debug, clap::Args)]
pub struct Fuzz {
    /// The one target. Without it there are all of them, two at once where there are two processors.
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
    /// How long each target runs.
    #[arg(long, value_name = "N", default_value_t = 600)]
    seconds: u32,
}

/// Looks for inputs that do not pass. What is found stays in `fuzz/artifacts`, and what led there in `fuzz/corpus`.
///
/// # Errors
/// Where there is no nightly compiler, and where an input was found.
pub fn run(fuzz: &Fuzz) -> Done {
    let cargo_fuzz = tools::cargo_fuzz()?;
    let path = tools::path_with(cargo_fuzz.parent().unwrap_or(Path::new(".")))?;
    let cargo = |arguments: &[&str]| Step::new("cargo", arguments).with("PATH", &path);
    let missing = |words| format!("{words}\nfuzzing needs a nightly compiler: `rustup toolchain install nightly --profile minimal`");
    cargo(&[NIGHTLY, "--version"]).run().map_err(missing)?;
    cargo(&[&[NIGHTLY, "fuzz", "build"], &BUILT[..]].concat()).run()?;
    let targets: Vec<&str> = TARGETS.into_iter().filter(|name| fuzz.target.as_deref().is_none_or(|target| target == *name)).collect();
    let at_once = thread::available_parallelism().map_or(1, |processors| processors.get().min(2));
    let seconds = format!("-max_total_time={}", fuzz.seconds);
    let one = |target: &str| {
        let corpus = folder("corpus", target)?;
        let kept = project().join("tests/fixtures/fuzz").join(target);
        let folders = [corpus.to_string_lossy(), kept.to_string_lossy()];
        let run = [&[NIGHTLY, "fuzz", "run"], &BUILT[..], &[target, &folders[0], &folders[1], "--"]].concat();
        // Inputs are documents: beyond this size they say nothing new. One that takes ten seconds is a fault too.
        let limits = [&seconds, "-max_len=16384", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1"];
        let log = folder("logs", "")?.join(format!("{target}.txt"));
        cargo(&[&run[..], &limits].concat()).into_file(&log)?.run().map_err(|words| told(target, &words, &log))?;
        summary(target, &log)
    };
    let mut failed = Vec::new();
    for together in targets.chunks(at_once) {
        let done: Vec<Done> = thread::scope(|scope| {
            let running: Vec<_> = together.iter().map(|target| scope.spawn(|| one(target))).collect();
            running.into_iter().map(|one| one.join().unwrap_or_else(|_| Err("the run broke off".to_owned()))).collect()
        });
        failed.extend(done.into_iter().filter_map(Result::err));
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn folder(kind: &str, target: &str) -> Done<PathBuf> {
    let folder = project().join("fuzz").join(kind).join(target);
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    Ok(folder)
}

/// What libFuzzer said last of its coverage and its work.
fn summary(target: &str, log: &Path) -> Done {
    let text = fs::read_to_string(log).map_err(at(log))?;
    let coverage = text.lines().rfind(|line| line.starts_with('#') && line.contains(" cov: ")).unwrap_or_default();
    let executed = text.lines().rfind(|line| line.contains("number_of_executed_units")).unwrap_or_default();
    println!("{target}: {} executions; {coverage}", executed.rsplit(' ').next().unwrap_or_default());
    Ok(())
}

/// What to do about an input that was found.
fn told(target: &str, words: &str, log: &Path) -> String {
    format!(
        "{target}: {words}\n{} says why. Put the input from fuzz/artifacts/{target} into tests/fixtures/fuzz/{target} under a telling name, \
         and mend what it shows; `cargo test --test fuzzed` replays it.",
        log.display()
    )
}
