//! The project's task runner: `cargo xtask check`, `cargo xtask real`.
//!
//! Tools that the project chooses are installed by it, pinned, into `target/tools`. What a machine has to bring (npm, Python, curl) is
//! asked for by name where it is missing; nothing is skipped.

mod check;
mod real;
mod step;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's tasks.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Clone, Copy, Subcommand)]
enum Task {
    /// What is to be right before a change is kept: format, lints, documentation, dependencies, function folders.
    Check,
    /// The tests against parts that are real: curl, Python, the Azurite emulator, Microsoft's specifications, Azure's own clients.
    Real,
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Check => check::run(),
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
