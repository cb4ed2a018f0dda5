//! `ispm-onboarder simulate` as a process, and its control surface.

use std::collections::BTreeMap;
use std::process::Command;

use ispm_onboarder::permissions::{simulated, simulated_aws};
use ispm_onboarder_simulator::{DemoCast, World};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, until};

const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

/// The command line that was just built.
pub const COMMAND_LINE: &str = env!("CARGO_BIN_EXE_ispm-onboarder");

/// A running simulator with a world of its own.
pub struct Simulator {
    /// Exactly the variables of its environment file, as a shell reads them.
    pub environment: BTreeMap<String, String>,
    /// Where its environment file lies, and where tests may put theirs.
    pub directory: TempDir,
    /// The process itself.
    pub process: Process,
    client: Client,
}

impl Simulator {
    /// Starts one at a free port and waits for its environment file.
    pub async fn start() -> Self {
        Self::start_with(tempfile::tempdir().unwrap(), &[]).await
    }

    /// The same with a world of the test's own, in which the deployment is given what the list of permissions says.
    pub async fn start_in(world: &World) -> Self {
        let mut world = world.clone();
        simulated::grant(&mut world, &DemoCast::of(7));
        simulated_aws::grant(&mut world, &DemoCast::of(7));
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("world.json");
        std::fs::write(&file, serde_json::to_string(&world).unwrap()).unwrap();
        Self::start_with(directory, &["--world", file.to_str().unwrap()]).await
    }

    /// The same with an estate of this size.
    pub async fn start_of(subscriptions: usize) -> Self {
        Self::start_with(tempfile::tempdir().unwrap(), &["--subscriptions", &subscriptions.to_string()]).await
    }

    /// The same in Azure US Government.
    pub async fn start_in_us_government() -> Self {
        Self::start_with(tempfile::tempdir().unwrap(), &["--cloud", "usgovernment"]).await
    }

    async fn start_with(directory: TempDir, arguments: &[&str]) -> Self {
        let file = directory.path().join("sim.env");
        let mut command = Command::new(COMMAND_LINE);
        command.args(["simulate", "--port", "0", "--env-file"]).arg(&file).args(arguments).env_clear();
        let mut process = Process::start(&mut command, directory.path());
        // The file is moved into its place when it is whole.
        let environment = until("the environment file is there", async || {
            assert_eq!(process.ending(), None, "the simulator ended: {}", process.stderr());
            file.exists().then(|| sourced(&file))
        });
        let environment = environment.await;
        Self { environment, directory, process, client: Client::builder().no_proxy().build().unwrap() }
    }

    /// One variable of the environment file.
    pub fn variable(&self, name: &str) -> &str {
        self.environment.get(name).unwrap_or_else(|| panic!("{name} is not in the environment file"))
    }

    /// Calls the control surface.
    pub async fn control(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}/_simulator/{path}", self.variable("SIMULATOR_URL"));
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// What is true in the world.
    pub async fn world(&self) -> Value {
        self.control(Method::GET, "world", None).await
    }

    /// The assignments of Reader at one scope.
    pub async fn assignments_at(&self, scope: &str) -> Vec<Value> {
        let world = self.world().await;
        let all = world["roleAssignments"].as_array().unwrap();
        let here = |found: &&Value| found["role"] == READER && found["id"].as_str().is_some_and(|id| id.starts_with(scope));
        all.iter().filter(here).cloned().collect()
    }

    /// The result events published so far.
    pub async fn results(&self) -> Vec<Value> {
        self.world().await["results"].as_array().unwrap().clone()
    }

    /// The messages in the queue that `ONBOARDER_QUEUE` names.
    pub async fn messages(&self) -> Vec<Value> {
        let world = self.world().await;
        let queues = world["queues"].as_object().unwrap();
        let (_, messages) = queues.iter().find(|(name, _)| name.ends_with("/onboarding")).expect("the queue is there");
        messages.as_array().unwrap().clone()
    }

    /// Makes every call of an operation fail in a way, until `mend`.
    pub async fn break_with(&self, operation: &str, effect: Value) {
        self.control(Method::POST, "faults", Some(&json!({ "operation": operation, "effect": effect }))).await;
    }

    /// Takes every fault back.
    pub async fn mend(&self) {
        self.control(Method::DELETE, "faults", None).await;
    }

    /// The calls that arrived since they were forgotten last, oldest first.
    pub async fn calls(&self) -> Vec<Value> {
        self.control(Method::GET, "requests", None).await.as_array().unwrap().clone()
    }

    /// Whether a call has met a fault: it is held up in it, or was ended by it.
    pub async fn has_struck(&self, operation: &str) -> bool {
        let calls = self.control(Method::GET, &format!("requests?operation={operation}"), None).await;
        calls.as_array().unwrap().iter().any(|call| !call["fault"].is_null())
    }

    /// Creates a subscription, and gives back the event that a pipeline would send about it.
    pub async fn new_subscription(&self) -> Value {
        self.control(Method::POST, "subscriptions", Some(&json!({}))).await["event"].take()
    }
}

/// The variables that a shell has after reading the file, without those that it has anyway.
fn sourced(file: &std::path::Path) -> BTreeMap<String, String> {
    let read = |script: &str| {
        let printed = Command::new("/bin/sh").env_clear().args(["-c", script, "sh"]).arg(file).output().unwrap();
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        let text = String::from_utf8(printed.stdout).unwrap();
        text.split_terminator('\0')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    let own: BTreeMap<String, String> = read("env -0");
    let mut all: BTreeMap<String, String> = read(". \"$1\" && env -0");
    all.retain(|name, _| !own.contains_key(name));
    all
}
