//! The tools that the project brings itself, each at one version, under `target/tools`. An installed one is left as it is; a new version
//! is a new folder.

pub mod debian;

use std::env;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::step::{Done, Step, at, project};

const CARGO_DENY: &str = "0.20.2";
const CARGO_FUZZ: &str = "0.13.2";
const CARGO_MACHETE: &str = "0.9.2";
const CARGO_MUTANTS: &str = "27.1.0";
const CARGO_ZIGBUILD: &str = "0.24.0";
const UV: &str = "0.13.9";
const PYTHON_REQUESTS: &str = "2.34.2";
const CYCLONEDX: &str = "11.12.0";
const AZURITE: &str = "3.37.0";
const AWS_SAM_CLI: &str = "1.170.0";
/// Zig, whose C compiler and linker make what is deployed.
pub const ZIG: &str = "0.17.1";

fn folder(name: &str, version: &str) -> PathBuf {
    project().join("target/tools").join(format!("{name}-{version}"))
}

/// The PATH with a folder before all others.
///
/// # Errors
/// Where the folder's name cannot stand in a PATH.
pub fn path_with(first: &Path) -> Done<OsString> {
    let others = env::var_os("PATH").unwrap_or_default();
    env::join_paths([first.to_path_buf()].into_iter().chain(env::split_paths(&others))).map_err(|error| format!("PATH: {error}"))
}

/// cargo-deny, which checks what comes in through the lock file.
pub fn cargo_deny() -> Done<PathBuf> {
    crate_of("cargo-deny", CARGO_DENY)
}

/// cargo-fuzz, which builds for libFuzzer and runs it.
pub fn cargo_fuzz() -> Done<PathBuf> {
    crate_of("cargo-fuzz", CARGO_FUZZ)
}

/// cargo-machete, which finds dependencies that nothing uses.
pub fn cargo_machete() -> Done<PathBuf> {
    crate_of("cargo-machete", CARGO_MACHETE)
}

/// cargo-mutants, which breaks the code to see whether a test fails.
pub fn cargo_mutants() -> Done<PathBuf> {
    crate_of("cargo-mutants", CARGO_MUTANTS)
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

/// A folder with a `python3` that has requests.
pub fn python_with_requests() -> Done<PathBuf> {
    python_with("python-requests", PYTHON_REQUESTS, &[&format!("requests=={PYTHON_REQUESTS}")])
}

/// A folder with a `python3` that has `CycloneDX`'s own library, which judges bills of materials.
pub fn python_with_cyclonedx() -> Done<PathBuf> {
    python_with("python-cyclonedx", CYCLONEDX, &[&format!("cyclonedx-python-lib[json-validation]=={CYCLONEDX}")])
}

/// A folder with cargo-zigbuild, and with the `python3` through which it finds Zig.
pub fn cargo_zigbuild() -> Done<PathBuf> {
    let version = format!("{CARGO_ZIGBUILD}-zig-{ZIG}");
    python_with("cargo-zigbuild", &version, &[&format!("cargo-zigbuild=={CARGO_ZIGBUILD}"), &format!("ziglang=={ZIG}")])
}

/// A Python environment's folder of programs. uv is far quicker than pip.
fn python_with(name: &str, version: &str, packages: &[&str]) -> Done<PathBuf> {
    let root = folder(name, version);
    let bin = root.join("bin");
    // Written last, so that a half-made environment is made again.
    let whole = root.join("whole");
    if !whole.exists() {
        Step::new("python3", &["-m", "venv", "--clear", &root.to_string_lossy()]).run()?;
        Step::new(bin.join("python3"), &["-m", "pip", "install", "--quiet", &format!("uv=={UV}")]).run()?;
        let python = bin.join("python3");
        let python = python.to_string_lossy();
        let install: Vec<&str> = ["pip", "install", "--quiet", "--python", &python].iter().chain(packages).copied().collect();
        Step::new(bin.join("uv"), &install).run()?;
        fs::write(&whole, "").map_err(at(&whole))?;
    }
    Ok(bin)
}

/// Azurite's queue service, Microsoft's own emulator of Storage.
pub fn azurite() -> Done<PathBuf> {
    let root = folder("azurite", AZURITE);
    let program = root.join("node_modules/.bin/azurite");
    if !program.exists() {
        let prefix = root.to_string_lossy();
        Step::new("npm", &["install", "--prefix", &prefix, "--no-audit", "--no-fund", "--silent", &format!("azurite@{AZURITE}")]).run()?;
    }
    Ok(program)
}

/// AWS's own emulator of Lambda's runtime interface, for x86-64. It is a part of the SAM command line, whose other parts are not needed.
pub fn lambda_emulator() -> Done<PathBuf> {
    let root = folder("aws-sam-cli", AWS_SAM_CLI);
    let parts = root.join("parts");
    let program = parts.join("samcli/local/rapid/aws-lambda-rie-x86_64");
    if !program.exists() {
        Step::new("python3", &["-m", "venv", "--clear", &root.to_string_lossy()]).run()?;
        let package = format!("aws-sam-cli=={AWS_SAM_CLI}");
        let install = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", &parts.to_string_lossy(), &package];
        Step::new(root.join("bin/python3"), &install).run()?;
    }
    // A wheel has no modes for what is no script.
    fs::set_permissions(&program, Permissions::from_mode(0o755)).map_err(at(&program))?;
    Ok(program)
}
