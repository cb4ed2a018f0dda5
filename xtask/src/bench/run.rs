//! The processes that are measured, and those that they are measured with.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::step::{Done, Step, at};

const PROGRAMS: &str = "target/release";
/// What the host sends when the timer fires.
const TIMER: &str = r#"{"Data":{"timer":"{\"IsPastDue\":false}"},"Metadata":{"sys":{"MethodName":"Sweep"}}}"#;

/// A process that ends with this value at the latest.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Either fails only for a process that has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `ispm-onboarder simulate`.
pub struct Simulator {
    environment: Map<String, Value>,
    _process: Process,
}

impl Simulator {
    pub fn start(project: &Path, options: &[&str]) -> Done<Self> {
        let program = project.join(PROGRAMS).join("ispm-onboarder");
        let mut command = Command::new(&program);
        command.args(["simulate", "--port", "0", "--output", "json", "--throttle"]).args(options).env_clear();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(at(&program))?;
        let mut line = String::new();
        let printed = child.stdout.take().ok_or("the simulator has no output")?;
        let process = Process(child);
        BufReader::new(printed).read_line(&mut line).map_err(at(&program))?;
        let mut document: Value = serde_json::from_str(&line).map_err(|error| format!("the simulator did not start: {error}"))?;
        let Value::Object(environment) = document["environment"].take() else { return Err("the simulator has no environment".to_owned()) };
        Ok(Self { environment, _process: process })
    }

    /// A variable of its environment.
    pub fn variable(&self, name: &str) -> &str {
        self.environment.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The calls since they were forgotten last.
    pub fn calls(&self) -> Done<Vec<Value>> {
        serde_json::from_str(&curl(&[&self.requests()])?).map_err(|error| format!("the simulator's record of calls: {error}"))
    }

    pub fn forget_calls(&self) -> Done {
        curl(&["--request", "DELETE", &self.requests()]).map(drop)
    }

    fn requests(&self) -> String {
        format!("{}/_simulator/requests", self.variable("SIMULATOR_URL"))
    }
}

/// The handler of the function app.
pub struct Handler {
    process: Process,
    port: u16,
    log: PathBuf,
}

impl Handler {
    /// Starts it, and waits until it answers.
    pub fn start(project: &Path, simulator: &Simulator) -> Done<Self> {
        let program = project.join(PROGRAMS).join("handler");
        let folder = project.join("target/bench");
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        let log = folder.join("handler.log");
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).map_err(at(&program))?.port();
        let mut command = Command::new(&program);
        let variables = simulator.environment.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
        command.env_clear().envs(variables).env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string());
        let output = File::create(&log).map_err(at(&log))?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output).spawn().map_err(at(&program))?;
        let handler = Self { process: Process(child), port, log };
        // Each refused try would be told as a warning.
        curl(&["--no-show-error", "--retry", "30", "--retry-connrefused", "--retry-delay", "1", &handler.url("/")])?;
        Ok(handler)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Calls the function as the host does when the timer fires.
    pub fn sweep(&self) -> Done {
        let invocation = format!("x-azure-functions-invocationid: {}", Uuid::from_u128(u128::from(self.process.0.id())));
        curl(&["--header", &invocation, "--header", "content-type: application/json", "--data", TIMER, &self.url("/Sweep")]).map(drop)
    }

    /// The line about the last sweep.
    ///
    /// # Errors
    /// Where the tenant was not swept, with what was logged.
    pub fn last_swept(&self) -> Done<Value> {
        let log = fs::read_to_string(&self.log).map_err(at(&self.log))?;
        let line = log.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok()).unwrap_or_default();
        if line["message"] == "swept" { Ok(line) } else { Err(format!("the tenant was not swept: {line}")) }
    }

    /// The most memory that the process has had so far.
    pub fn peak_mib(&self) -> Done<f64> {
        let file = PathBuf::from(format!("/proc/{}/status", self.process.0.id()));
        let status = fs::read_to_string(&file).map_err(at(&file))?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        kib.map(|kib| kib / 1024.0).ok_or_else(|| format!("{} tells no VmHWM", file.display()))
    }
}

/// What a server on this machine answers.
pub fn curl(arguments: &[&str]) -> Done<String> {
    Step::new("curl", &[&["--silent", "--show-error", "--fail", "--noproxy", "*"], arguments].concat()).text()
}
