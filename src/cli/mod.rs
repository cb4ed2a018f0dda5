//! The command line: one file per command.

mod compose;
mod coverage;
mod dead_letters;
#[cfg(feature = "simulator")]
mod demo;
mod doctor;
pub mod elevate;
mod inputs;
mod invoke;
mod offboard;
mod onboard;
mod permissions;
mod plans;
mod profile;
mod show;
#[cfg(feature = "simulator")]
mod simulate;
mod sweep;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::error::{Disposition, Error};

/// Connects Azure subscriptions and management groups to Okta Identity Security Posture Management.
///
/// Exit codes: 0 all done or nothing to do; 1 something was blocked or failed for good; 2 the command or the configuration is wrong;
/// 3 something may succeed later.
#[derive(Debug, Parser)]
#[command(name = "ispm-onboarder", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the whole job on the embedded simulator: no account, no network.
    #[cfg(feature = "simulator")]
    Demo(demo::Demo),
    /// Run the simulator as a proxy that any program can be pointed at.
    #[cfg(feature = "simulator")]
    Simulate(simulate::Simulate),
    /// Take up an inbound event, call body or dead-letter file, as the functions would.
    Invoke(invoke::Invoke),
    /// Onboard scopes by hand.
    Onboard(onboard::Onboard),
    /// Find what no event announced, and onboard it.
    Sweep(sweep::Sweep),
    /// Show for each subscription whether ISPM reads it, and why not.
    Coverage(coverage::ShowCoverage),
    /// Check whether a deployment can do its work, and say what to mend.
    Doctor(doctor::Examine),
    /// Take back what was made here for scopes: the role assignment, and the connection where nothing else needs it.
    ///
    /// The plan is shown first, and a person has to agree. The next sweep onboards a scope again, unless the tenant record's policy keeps it out.
    Offboard(offboard::OffboardScopes),
    /// List what has to be permitted to whom, and the commands that permit it.
    ///
    /// Nothing is called and nothing is changed. What is not given stands in the commands in capitals, with the way to find it.
    Permissions(permissions::ListPermissions),
    /// Check a connect profile, or print the one that ships.
    Profile(profile::CheckProfile),
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A table for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
}

/// A command that cannot be run: what is wrong, and what to do about it.
#[derive(Debug)]
pub struct Wrong {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Wrong {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Self {
        Self { message: error.message, hint: error.hint }
    }
}

/// What a command came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Something was blocked or failed for good.
    pub failed: bool,
    /// Something may succeed later.
    pub later: bool,
}

impl Tally {
    /// That of a failure: whether it may pass.
    fn of_error(error: &Error) -> Self {
        let later = matches!(error.disposition(false), Disposition::Later | Disposition::TenantLater);
        Self { failed: !later, later }
    }

    /// Both together.
    const fn and(self, other: Self) -> Self {
        Self { failed: self.failed || other.failed, later: self.later || other.later }
    }
}

impl From<Tally> for ExitCode {
    fn from(tally: Tally) -> Self {
        Self::from(if tally.failed {
            1
        } else if tally.later {
            3
        } else {
            0
        })
    }
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let done = match Cli::parse().command {
        #[cfg(feature = "simulator")]
        Command::Demo(demo) => demo.run(),
        #[cfg(feature = "simulator")]
        Command::Simulate(simulate) => simulate.run(),
        Command::Invoke(invoke) => invoke.run(),
        Command::Onboard(onboard) => onboard.run(),
        Command::Sweep(sweep) => sweep.run(),
        Command::Coverage(coverage) => coverage.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Offboard(offboard) => offboard.run(),
        Command::Permissions(permissions) => permissions.run(),
        Command::Profile(profile) => profile.run(),
    };
    match done {
        Ok(tally) => tally.into(),
        Err(wrong) => {
            eprintln!("error: {}", wrong.message);
            if let Some(hint) = wrong.hint {
                eprintln!("hint: {hint}");
            }
            ExitCode::from(2)
        }
    }
}
