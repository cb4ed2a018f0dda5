//! The Functions host's side: it starts the handler with a port, polls until anything answers, and posts calls.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::process::{Process, until};

/// Ports that another process took in the moment between choosing and listening.
const UNLUCKY_PORTS: usize = 5;

/// A running handler.
pub struct FunctionApp {
    /// The process itself.
    pub process: Process,
    port: u16,
    client: Client,
    _directory: TempDir,
}

/// What the handler answered to a call.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
    /// The id under which the host made the call.
    pub invocation: Uuid,
}

/// The handler under test: `HANDLER_BIN`, else the one that was just built.
pub fn handler() -> PathBuf {
    std::env::var_os("HANDLER_BIN").map_or_else(|| env!("CARGO_BIN_EXE_handler").into(), PathBuf::from)
}

impl FunctionApp {
    /// Starts a handler with these app settings and no other variable, and waits until it answers.
    pub async fn start(settings: &BTreeMap<String, String>) -> Self {
        Self::start_with(settings, || Command::new(handler())).await
    }

    /// Starts what the `host.json` in a deployed folder names, in that folder.
    pub async fn start_in(folder: &Path, settings: &BTreeMap<String, String>) -> Self {
        let host: Value = serde_json::from_slice(&std::fs::read(folder.join("host.json")).unwrap()).unwrap();
        let program = folder.join(host["customHandler"]["description"]["defaultExecutablePath"].as_str().unwrap());
        let command = || {
            let mut command = Command::new(&program);
            command.current_dir(folder);
            command
        };
        Self::start_with(settings, command).await
    }

    async fn start_with(settings: &BTreeMap<String, String>, command: impl Fn() -> Command) -> Self {
        for _ in 0..UNLUCKY_PORTS {
            let mut app = Self::launch(settings, command());
            let answers = until("the handler answers or ends", async || match app.process.ending() {
                Some(_) => Some(false),
                None => app.polled().await.then_some(true),
            });
            if answers.await {
                return app;
            }
            let log = app.process.stderr();
            assert!(log.contains("could not listen"), "the handler ended: {log}");
        }
        panic!("{UNLUCKY_PORTS} free ports in a row were taken by others");
    }

    fn launch(settings: &BTreeMap<String, String>, mut command: Command) -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let directory = tempfile::tempdir().unwrap();
        command.env_clear().envs(settings).env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string());
        let process = Process::start(&mut command, directory.path());
        Self { process, port, client: Client::builder().no_proxy().build().unwrap(), _directory: directory }
    }

    /// Whether anything answers at `/`.
    pub async fn polled(&self) -> bool {
        self.client.get(self.url("/")).send().await.is_ok()
    }

    /// Calls a function that is not an HTTP one, with the value of its trigger's binding.
    pub async fn call(&self, function: &str, binding: &str, value: Value) -> Answer {
        let now = "2026-11-22T10:00:00+00:00";
        let metadata = json!({ "sys": { "MethodName": function, "UtcNow": now, "RandGuid": Uuid::new_v4() } });
        self.post(&format!("/{function}"), &json!({ "Data": { binding: value }, "Metadata": metadata })).await
    }

    /// Delivers an event as an Event Grid trigger does.
    pub async fn deliver(&self, event: &Value) -> Answer {
        self.call("OnOnboardingEvent", "event", event.clone()).await
    }

    /// Delivers an event to a handler that may not be there any more, or not take it.
    pub async fn try_to_deliver(&self, event: &Value) -> Option<Answer> {
        let call = json!({ "Data": { "event": event }, "Metadata": {} });
        Self::attempt(self.client.post(self.url("/OnOnboardingEvent")).json(&call)).await.ok()
    }

    /// Delivers a queue message as a queue trigger does: its text is JSON text inside a string.
    pub async fn deliver_message(&self, text: &str) -> Answer {
        self.call("OnOnboardingMessage", "message", Value::String(json!(text).to_string())).await
    }

    /// Posts a call as the host does.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Self::answer(self.client.post(self.url(path)).json(body)).await
    }

    /// Passes on a call without a body.
    pub async fn get(&self, path: &str) -> Answer {
        Self::answer(self.client.get(self.url(path))).await
    }

    async fn answer(request: RequestBuilder) -> Answer {
        Self::attempt(request).await.unwrap()
    }

    async fn attempt(request: RequestBuilder) -> reqwest::Result<Answer> {
        let invocation = Uuid::new_v4();
        let answer = request.header("x-azure-functions-invocationid", invocation.to_string()).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        assert!(!text.is_empty(), "an empty answer can hang a call: {status}");
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)), invocation })
    }

    /// The lines that the handler has logged, each of them JSON.
    pub fn log(&self) -> Vec<Value> {
        let text = self.process.stderr();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))).collect()
    }

    /// The log lines of one invocation.
    pub fn log_of(&self, answer: &Answer) -> Vec<Value> {
        let invocation = answer.invocation.to_string();
        self.log().into_iter().filter(|line| line["invocation"] == invocation.as_str()).collect()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}
