//! AWS's own Runtime Interface Emulator, with the packaged `bootstrap` in it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::package::unpacked::Unpacked;
use crate::process::{Process, until};

/// A running emulator. It starts the function with the first invocation, and again after a timeout.
pub struct Emulator {
    /// The emulator's process. Its output is its own and the function's.
    pub process: Process,
    bootstrap: PathBuf,
    address: String,
    client: Client,
    _package: Unpacked,
    _directory: TempDir,
}

impl Emulator {
    /// Starts the emulator with these settings and Lambda's own, and waits until it listens.
    pub async fn start(settings: &BTreeMap<String, String>, timeout: Duration) -> Self {
        let program = std::env::var_os("LAMBDA_RIE").expect("LAMBDA_RIE names AWS's emulator: run `cargo xtask real`");
        let (package, directory) = (Unpacked::named_by("LAMBDA_PACKAGE_X86_64"), tempfile::tempdir().unwrap());
        let bootstrap = package.folder().join("bootstrap");
        let [address, runtime_api] = free_addresses();
        let mut command = Command::new(program);
        command.args(["--runtime-interface-emulator-address", &address, "--runtime-api-address", &runtime_api]).arg(&bootstrap);
        command.current_dir(package.folder()).env_clear().envs(settings).env("AWS_LAMBDA_FUNCTION_NAME", "ispm-onboarder");
        command.env("AWS_LAMBDA_FUNCTION_TIMEOUT", timeout.as_secs().to_string()).env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256");
        let mut process = Process::start(&mut command, directory.path());
        until("the emulator listens", async || {
            assert_eq!(process.ending(), None, "the emulator ended: {}{}", process.stdout(), process.stderr());
            std::net::TcpStream::connect(&address).ok()
        })
        .await;
        let client = Client::builder().no_proxy().build().unwrap();
        Self { process, bootstrap, address, client, _package: package, _directory: directory }
    }

    /// Invokes the function, and answers what the emulator does: the function's answer, its error, or words.
    pub async fn invoke(&self, payload: &Value) -> Value {
        let url = format!("http://{}/2015-03-31/functions/function/invocations", self.address);
        let answer = self.client.post(url).json(payload).send().await.unwrap();
        let text = answer.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    /// How long each initialisation of the function took, in milliseconds, as the emulator says.
    pub fn initialisations(&self) -> Vec<f64> {
        let said = self.said();
        let parts = said.split("INIT REPORT(durationMs: ").skip(1);
        parts.map(|rest| rest.split_once(')').unwrap().0.parse().unwrap()).collect()
    }

    /// What the emulator and the function have written.
    pub fn said(&self) -> String {
        self.process.stdout() + &self.process.stderr()
    }

    /// The function's process, if it runs.
    pub fn function(&self) -> Option<Pid> {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let runs_it = |process: &Path| std::fs::read_link(process.join("exe")).is_ok_and(|program| program == self.bootstrap);
        let found = processes.map(|process| process.path()).find(|process| runs_it(process))?;
        Pid::from_raw(found.file_name()?.to_str()?.parse().ok()?)
    }

    /// Sends the function a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.function().expect("the function runs"), signal).unwrap();
    }

    /// The most memory that the function has had resident, in KiB.
    pub fn peak_memory(&self) -> u64 {
        let id = self.function().expect("the function runs").as_raw_nonzero();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // The emulator would take it along only if it had the time to.
        if let Some(function) = self.function() {
            let _ = kill_process(function, Signal::KILL);
        }
    }
}

/// Two addresses that were free a moment ago.
fn free_addresses() -> [String; 2] {
    let listeners = [(), ()].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().to_string())
}
