//! The tools that the project brings itself, each at one version, under `target/tools`. An installed one is left as it is; a new version
//! is a new folder.

use std::path::PathBuf;

use crate::step::{Done, Step, project};

const CARGO_DENY: &str = "0.20.2";
const CARGO_MACHETE: &str = "0.9.2";
const UV: &str = "0.13.9";
const PYTHON_REQUESTS: &str = "2.34.2";
const AZURITE: &str = "3.37.0";

fn folder(name: &str, version: &str) -> PathBuf {
    project().join("target/tools").join(format!("{name}-{version}"))
}

/// cargo-deny, which checks what comes in through the lock file.
pub fn cargo_deny() -> Done<PathBuf> {
    crate_of("cargo-deny", CARGO_DENY)
}

/// cargo-machete, which finds dependencies that nothing uses.
pub fn cargo_machete() -> Done<PathBuf> {
    crate_of("cargo-machete", CARGO_MACHETE)
}

/// A program from a crate. Unoptimised: it is built more slowly than it runs.
fn crate_of(name: &str, version: &str) -> Done<PathBuf> {
    let root = folder(name, version);
    let program = root.join("bin").join(name);
    if !program.exists() {
        let root = root.to_string_lossy();
        Step::cargo(&["install", name, "--version", version, "--locked", "--debug", "--no-track", "--root", &root]).run()?;
    }
    Ok(program)
}

/// A folder with a `python3` that has requests. uv is far quicker than pip.
pub fn python_with_requests() -> Done<PathBuf> {
    let root = folder("python-requests", PYTHON_REQUESTS);
    let bin = root.join("bin");
    // Written last, so that a half-made environment is made again.
    let whole = root.join("whole");
    if !whole.exists() {
        Step::new("python3", &["-m", "venv", "--clear", &root.to_string_lossy()]).run()?;
        Step::new(bin.join("python3"), &["-m", "pip", "install", "--quiet", &format!("uv=={UV}")]).run()?;
        let python = bin.join("python3");
        let arguments = ["pip", "install", "--quiet", "--python", &python.to_string_lossy(), &format!("requests=={PYTHON_REQUESTS}")];
        Step::new(bin.join("uv"), &arguments).run()?;
        std::fs::write(&whole, "").map_err(|error| format!("{}: {error}", whole.display()))?;
    }
    Ok(bin)
}

/// Azurite's queue service, Microsoft's own emulator of Storage.
pub fn azurite_queue() -> Done<PathBuf> {
    let root = folder("azurite", AZURITE);
    let program = root.join("node_modules/.bin/azurite-queue");
    if !program.exists() {
        let prefix = root.to_string_lossy();
        Step::new("npm", &["install", "--prefix", &prefix, "--no-audit", "--no-fund", "--silent", &format!("azurite@{AZURITE}")]).run()?;
    }
    Ok(program)
}
