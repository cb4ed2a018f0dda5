//! `cargo xtask broken`

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use crate::step::{Done, Step, at, project};

/// What is broken on purpose has to be caught within so many histories.
const HISTORIES: u64 = 10_000;
/// One patch for each thing that is broken; its first line says what.
const PATCHES: &str = "tests/broken";
const FIGURES: &str = "docs/reliability/broken.json";
/// The copy that is broken, and what is built of it. Nothing of it is shared with the project's own: Cargo names what it builds by a package's
/// place within its workspace, so that one would be taken for the other.
const TREE: &str = "target/broken/tree";
const PROGRAMS: &str = "target/broken/programs";
/// As quick as the histories need it, and the dependencies are those of every other test.
const OPTIMISED: [&str; 4] =
    ["--config", "profile.dev.package.ispm-onboarder.opt-level=1", "--config", "profile.dev.package.ispm-onboarder-simulator.opt-level=1"];

/// One thing that is broken on purpose.
struct Breakage {
    name: String,
    patch: PathBuf,
    /// What it breaks, in a sentence.
    says: String,
}

/// How it was caught.
struct Caught {
    seed: u64,
    invariant: String,
    words: String,
}

/// Breaks a copy of the project by one patch after the other, all of them or those named, and has the histories find each. What they found is
/// written into the figures of `docs/reliability.md`.
///
/// # Errors
/// Where a patch does not apply or does not build, and where what is broken is not caught.
pub fn run(names: &[String]) -> Done {
    let breakages = breakages(names)?;
    let tree = project().join(TREE);
    copy(&tree)?;
    // Else whatever fails by itself would seem to be caught.
    if let Some(Caught { seed, invariant, words }) = play(&tree)? {
        return Err(format!("with nothing broken, seed {seed} fails: {invariant}: {words}"));
    }
    let mut uncaught = Vec::new();
    for breakage in &breakages {
        eprintln!("{}: {}", breakage.name, breakage.says);
        apply(&tree, &breakage.patch, false)?;
        let began = Instant::now();
        let caught = play(&tree);
        apply(&tree, &breakage.patch, true)?;
        match caught? {
            Some(caught) => {
                let seconds = began.elapsed().as_secs();
                println!("{}: caught by seed {}, {}: {}", breakage.name, caught.seed, caught.invariant, caught.words);
                note(breakage, &caught, seconds)?;
            }
            None => uncaught.push(breakage.name.clone()),
        }
    }
    if uncaught.is_empty() { Ok(()) } else { Err(format!("{HISTORIES} histories do not catch: {}", uncaught.join(", "))) }
}

/// Checks that each patch still fits the project, which `cargo xtask broken` would find only after minutes.
///
/// # Errors
/// Where one does not.
pub fn apply_all() -> Done {
    for Breakage { patch, .. } in breakages(&[])? {
        Step::new("git", &["apply", "--check", &patch.to_string_lossy()]).run()?;
    }
    Ok(())
}

/// The patches, all of them or those named.
fn breakages(names: &[String]) -> Done<Vec<Breakage>> {
    let folder = project().join(PATCHES);
    let mut all = Vec::new();
    for entry in fs::read_dir(&folder).map_err(at(&folder))? {
        let patch = entry.map_err(at(&folder))?.path();
        let text = fs::read_to_string(&patch).map_err(at(&patch))?;
        let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        all.push(Breakage { name, says: text.lines().next().unwrap_or_default().to_owned(), patch });
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|breakage| breakage.name != **name)) {
        return Err(format!("{PATCHES} has no {unknown}.patch"));
    }
    all.retain(|breakage| names.is_empty() || names.contains(&breakage.name));
    Ok(all)
}

/// Makes the copy what the project is. Files that are the same stay as they are, so that only what differs is built again.
fn copy(tree: &Path) -> Done {
    let listed = Step::new("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).text()?;
    for path in listed.split_terminator('\0') {
        let (from, to) = (project().join(path), tree.join(path));
        // One that is deleted here is still listed until that is committed.
        if !from.exists() {
            continue;
        }
        let wanted = fs::read(&from).map_err(at(&from))?;
        if fs::read(&to).is_ok_and(|there| there == wanted) {
            continue;
        }
        let folder = to.parent().unwrap_or(tree);
        fs::create_dir_all(folder).map_err(at(folder))?;
        fs::write(&to, wanted).map_err(at(&to))?;
    }
    Ok(())
}

/// Applies a patch to the copy, or takes it back.
fn apply(tree: &Path, patch: &Path, back: bool) -> Done {
    let patch = patch.to_string_lossy();
    let arguments: &[&str] = if back { &["apply", "--reverse", &patch] } else { &["apply", &patch] };
    // The copy is within the project's repository, and is not to be taken for a part of it.
    Step::new("git", arguments).within(tree).with("GIT_CEILING_DIRECTORIES", tree.parent().unwrap_or(tree)).run()
}

/// Builds the copy and plays its histories, up to the first that fails.
fn play(tree: &Path) -> Done<Option<Caught>> {
    test(tree, &["--no-run"]).run()?;
    let (well, printed) = test(tree, &["histories_keep_what_must_be_true"]).with("SEEDS", HISTORIES.to_string()).outcome()?;
    if well {
        return Ok(None);
    }
    let found = printed.lines().find_map(caught);
    found.map(Some).ok_or_else(|| format!("the histories failed, and do not say by which seed:\n{printed}"))
}

fn test(tree: &Path, arguments: &[&str]) -> Step {
    let arguments = [&["test", "--test", "histories"], &OPTIMISED[..], arguments].concat();
    let step = Step::cargo(&arguments).within(tree).with("CARGO_TARGET_DIR", project().join(PROGRAMS));
    step.with("CARGO_INCREMENTAL", "0").with("RUST_BACKTRACE", "0")
}

/// Reads `seed 17: nothing lost: order-1. has no result`.
fn caught(line: &str) -> Option<Caught> {
    let (seed, violation) = line.strip_prefix("seed ")?.split_once(": ")?;
    let (invariant, words) = violation.split_once(": ")?;
    Some(Caught { seed: seed.parse().ok()?, invariant: invariant.to_owned(), words: words.to_owned() })
}

/// Writes down how one was caught, beside the others that still have a patch.
fn note(breakage: &Breakage, caught: &Caught, seconds: u64) -> Done {
    let path = project().join(FIGURES);
    let known = fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str::<BTreeMap<String, Value>>(&text).ok());
    let mut figures = known.unwrap_or_default();
    figures.retain(|name, _| project().join(PATCHES).join(format!("{name}.patch")).exists());
    let figure = json!({
        "breaks": breakage.says, "seed": caught.seed, "invariant": caught.invariant, "words": caught.words, "histories": caught.seed + 1,
        "seconds": seconds,
    });
    figures.insert(breakage.name.clone(), figure);
    let text = serde_json::to_string_pretty(&figures).map_err(|error| format!("{FIGURES}: {error}"))? + "\n";
    let folder = path.parent().unwrap_or(&path);
    fs::create_dir_all(folder).map_err(at(folder))?;
    fs::write(&path, text).map_err(at(&path))
}
