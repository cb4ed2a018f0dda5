//! The function as a process, between the Runtime API and the simulated world.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use super::runtime_api::{Ended, RuntimeApi};
use crate::process::{Process, until};
use crate::simulator::Simulator;

/// A running function.
pub struct Function {
    /// The process itself.
    pub process: Process,
    /// What hands it invocations.
    pub api: RuntimeApi,
    _directory: TempDir,
}

/// The `bootstrap` under test: `BOOTSTRAP_BIN`, else the one that was just built.
pub fn bootstrap() -> PathBuf {
    std::env::var_os("BOOTSTRAP_BIN").map_or_else(|| env!("CARGO_BIN_EXE_bootstrap").into(), PathBuf::from)
}

/// The variables of a deployment on AWS in the simulator's world. Of Azure's platform there is nothing.
pub fn settings(simulator: &Simulator) -> BTreeMap<String, String> {
    let mut settings = simulator.environment.clone();
    for name in ["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_CLIENT_ID", "ONBOARDER_DEAD_LETTERS"] {
        settings.remove(name);
    }
    for name in ["SECRET_STORE", "RESULTS", "QUEUE", "REPORT"] {
        let value = simulator.variable(&format!("SIMULATOR_AWS_{name}")).to_owned();
        settings.insert(format!("ONBOARDER_{name}"), value);
    }
    settings
}

impl Function {
    /// Starts the `bootstrap` under test and waits until it asks for its first invocation.
    pub async fn start(settings: &BTreeMap<String, String>) -> Self {
        Self::start_with(settings, Command::new(bootstrap())).await
    }

    /// Starts a command as Lambda starts `bootstrap`: with these settings, Lambda's own variables, and no other.
    pub async fn start_with(settings: &BTreeMap<String, String>, mut command: Command) -> Self {
        let (api, directory) = (RuntimeApi::start(), tempfile::tempdir().unwrap());
        command.env_clear().envs(settings).envs(of_lambda()).env("AWS_LAMBDA_RUNTIME_API", api.address.to_string());
        let mut process = Process::start(&mut command, directory.path());
        let ended = until("the function ends instead of asking for an invocation", async || process.ending());
        tokio::select! {
            biased;
            () = api.asked() => {}
            status = ended => panic!("{status}: {}{:?}", process.stderr(), api.failed_to_start()),
        }
        Self { process, api, _directory: directory }
    }

    /// Invokes it.
    pub async fn invoke(&self, payload: &Value) -> Ended {
        self.api.invoke(Uuid::new_v4(), payload).await
    }

    /// The lines that it has logged, each of them JSON.
    pub fn log(&self) -> Vec<Value> {
        let text = self.process.stderr();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))).collect()
    }
}

/// What Lambda tells every function (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>).
fn of_lambda() -> [(&'static str, &'static str); 6] {
    [
        ("AWS_LAMBDA_FUNCTION_NAME", "ispm-onboarder"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/ispm-onboarder"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]1"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ]
}
