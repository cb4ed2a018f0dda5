//! The command line, read as a user reads it.

mod coverage;
mod demo;
mod doctor;
mod elevate;
mod invoke;
mod offboard;
mod onboard;
mod permissions;
mod replay;
mod simulate;
mod sweep;
mod usage;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::Value;

use crate::simulator::{COMMAND_LINE, Simulator};

/// Longer than any command takes.
const LIMIT: Duration = Duration::from_mins(1);

/// What a command left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ran {
    /// The one document on standard output.
    pub fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The texts that follow `hint:`.
    fn hints(&self) -> Vec<&str> {
        let lines = self.stdout.lines().chain(self.stderr.lines());
        lines.filter_map(|line| line.trim_start().strip_prefix("hint: ")).collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Runs a command with an empty environment.
fn run(arguments: &[&str]) -> Ran {
    run_with([], arguments, "")
}

/// Runs a command with these variables and this input, and no other.
fn run_with<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>, arguments: &[&str], input: &str) -> Ran {
    let mut command = Command::new(COMMAND_LINE);
    command.env_clear().envs(variables).args(arguments).write_stdin(input).timeout(LIMIT);
    command.output().unwrap().into()
}

/// A terminal: the end that a person sits at, and the end that a command gets.
fn terminal() -> (File, OwnedFd) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    tcsetwinsize(&controller, Winsize { ws_row: 50, ws_col: 160, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
    (File::from(controller), File::options().read(true).write(true).open(name).unwrap().into())
}

impl Simulator {
    /// Runs a command with the variables of the environment file.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_on(arguments, "")
    }

    /// The same, with standard input.
    fn run_on(&self, arguments: &[&str], input: &str) -> Ran {
        let variables = self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        run_with(variables, arguments, input)
    }
}
