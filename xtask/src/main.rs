//! The project's task runner: `cargo xtask check`, `cargo xtask real`, `cargo xtask package`, `cargo xtask bench`,
//! `cargo xtask soak`, `cargo xtask mutants`, `cargo xtask fuzz`, `cargo xtask broken`,
//! `cargo xtask histories`.
//!
//! Tools that the project chooses are installed by it, pinned, into `target/tools`. What a machine has to bring (npm, Python, curl, git) is
//! asked for by name where it is missing; nothing is skipped.

mod bench;
mod broken;
mod check;
mod fuzz;
mod histories;
mod mutants;
mod package;
mod real;
mod soak;
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
    /// Whether memory and open files stay as they are over very many events. The variable EVENTS says how many: 100,000
    /// without it, which take some ten minutes.
    Soak,
    /// Whole histories in memory, drawn from seeds, and each fault of each call. The variable SEEDS says how many histories: 10,000 without
    /// it. SEED plays that one and tells it.
    Histories,
    /// Whether the tests see it when the code that decides is broken. It takes hours.
    Mutants(mutants::Mutants),
    /// The search for inputs that do not pass what has to hold of them. It takes its time, and needs a nightly compiler.
    Fuzz(fuzz::Fuzz),
    /// Whether the histories find what is broken on purpose: each patch of `tests/broken` in a copy of the project, which takes
    /// minutes for each.
    Broken {
        /// The patches, by their names without `.patch`; all of them without any.
        names: Vec<String>,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Check => check::run(),
        Task::Package { platform, machine, out } => package::run(platform, machine, &out),
        Task::Real => real::run(),
        Task::Bench(bench) => bench::run(&bench),
        Task::Soak => soak::run(),
        Task::Histories => histories::run(),
        Task::Mutants(mutants) => mutants::run(&mutants),
        Task::Fuzz(fuzz) => fuzz::run(&fuzz),
        Task::Broken { names } => broken::run(&names),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("error: {words}");
            ExitCode::FAILURE
        }
    }
}
