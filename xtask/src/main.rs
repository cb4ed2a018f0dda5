//! The project's task runner: `cargo xtask check`, `cargo xtask real`, `cargo xtask package`.
//!
//! Tools that the project chooses are installed by it, pinned, into `target/tools`. What a machine has to bring (npm, Python, curl, git) is
//! asked for by name where it is missing; nothing is skipped.

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
    /// The package that is deployed: a zip, its checksum, and a list of what is in it.
    Package {
        /// Where it is deployed.
        platform: package::Platform,
        /// The folder that the package is put into.
        #[arg(long, value_name = "DIR", default_value = "target/package")]
        out: PathBuf,
    },
    /// The tests of the package, and those against parts that are real: curl, Python, Azurite, Microsoft's specifications, Azure's clients.
    Real,
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Check => check::run(),
        Task::Package { platform, out } => package::run(platform, &out),
        Task::Real => real::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("error: {words}");
            ExitCode::FAILURE
        }
    }
}
