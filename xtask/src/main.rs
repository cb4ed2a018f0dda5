//! The project's task runner: `cargo xtask check`, `cargo xtask real`, `cargo xtask package`, `cargo xtask bench`.
//!
//! Tools that the project chooses are installed by it, pinned, into `target/tools`. What a machine has to bring (npm, Python, curl, git) is
//! asked for by name where it is missing; nothing is skipped.

mod bench;
mod check;
mod package;
mod real;
mod step;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's tasks.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// What is to be right before a change is kept: format, lints, documentation, dependencies, function folders.
    Check,
    /// The packages that are deployed: a zip for each machine, its checksum, and a list of what is in it.
    Package {
        /// Where they are deployed.
        platform: package::Platform,
        /// The one processor that a package is made for. Without it there is one for each that the platform offers.
        #[arg(long, value_name = "PROCESSOR")]
        machine: Option<package::Processor>,
        /// The folder that the packages are put into.
        #[arg(long, value_name = "DIR", default_value = "target/package")]
        out: PathBuf,
    },
    /// The tests of the packages, and those against parts that are real: curl, Python, Azurite, Microsoft's specifications, Azure's clients,
    /// AWS's emulator of Lambda, Chromium.
    Real,
    /// How calls, time and memory of a sweep grow with the estate.
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Check => check::run(),
        Task::Package { platform, machine, out } => package::run(platform, machine, &out),
        Task::Real => real::run(),
        Task::Bench(bench) => bench::run(&bench),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("error: {words}");
            ExitCode::FAILURE
        }
    }
}
