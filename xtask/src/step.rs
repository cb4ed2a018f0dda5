//! One command of a task.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// A task ends at its first failure, which says what failed in words for a person.
pub type Done<T = ()> = Result<T, String>;

/// The workspace's folder.
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The words for a failure at a file.
pub fn at(path: &Path) -> impl FnOnce(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

/// A command to be run in the workspace's folder.
pub struct Step {
    command: Command,
    shown: String,
}

impl Step {
    /// A program with its arguments.
    pub fn new(program: impl AsRef<OsStr>, arguments: &[&str]) -> Self {
        let program = program.as_ref();
        let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy();
        let shown = format!("{name} {}", arguments.join(" "));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(project());
        Self { command, shown }
    }

    /// The cargo that runs this task.
    pub fn cargo(arguments: &[&str]) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self::new(cargo, arguments)
    }

    /// Sets a variable for the command.
    pub fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Writes what the command prints into a file instead of showing it.
    ///
    /// # Errors
    /// Where the file cannot be made.
    pub fn into_file(mut self, path: &Path) -> Done<Self> {
        let file = File::create(path).map_err(at(path))?;
        self.command.stdout(file.try_clone().map_err(at(path))?).stderr(file);
        Ok(self)
    }

    /// Runs it in another folder than the workspace's.
    pub fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it, showing what it prints.
    ///
    /// # Errors
    /// Where the program is not there, or ends with anything but success.
    pub fn run(mut self) -> Done {
        eprintln!("> {}", self.shown);
        let status = self.command.status();
        self.judge(status)
    }

    /// Runs it, showing what it prints, for the code that it ends with, which has to be one of these.
    ///
    /// # Errors
    /// Those of [`Step::run`], but for these codes.
    pub fn code(mut self, accepted: &[i32]) -> Done<i32> {
        eprintln!("> {}", self.shown);
        let status = self.command.status();
        match status.as_ref().ok().and_then(ExitStatus::code).filter(|code| accepted.contains(code)) {
            Some(code) => Ok(code),
            None => self.judge(status).map(|()| 0),
        }
    }

    /// Runs it for what it prints on standard output.
    ///
    /// # Errors
    /// Those of [`Step::run`], and where it prints what is no text.
    pub fn text(mut self) -> Done<String> {
        self.command.stderr(std::process::Stdio::inherit());
        let (status, printed) = match self.command.output() {
            Ok(output) => (Ok(output.status), output.stdout),
            Err(error) => (Err(error), vec![]),
        };
        let text = String::from_utf8(printed).map_err(|error| format!("`{}` printed what is no text: {error}", self.shown))?;
        self.judge(status).map(|()| text)
    }

    /// Runs it for what it prints on standard output and for whether it ends with success, where both are answers.
    ///
    /// # Errors
    /// Where the program is not there, and where it prints what is no text.
    pub fn outcome(mut self) -> Done<(bool, String)> {
        self.command.stderr(std::process::Stdio::inherit());
        match self.command.output() {
            Ok(output) => match String::from_utf8(output.stdout) {
                Ok(text) => Ok((output.status.success(), text)),
                Err(error) => Err(format!("`{}` printed what is no text: {error}", self.shown)),
            },
            Err(error) => self.judge(Err(error)).map(|()| (false, String::new())),
        }
    }

    fn judge(self, status: io::Result<ExitStatus>) -> Done {
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("`{}` failed ({status})", self.shown)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(format!("`{}` cannot be run: the program is not on this machine's PATH; install it", self.shown))
            }
            Err(error) => Err(format!("`{}` cannot be run: {error}", self.shown)),
        }
    }
}
