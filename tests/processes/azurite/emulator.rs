//! Azurite's queue and blob services as a process, under the names that the simulator's environment gives.

use std::process::Command;

use reqwest::Url;

use super::relay;
use crate::process::{Process, until};
use crate::simulator::Simulator;

/// A running Azurite with one account.
pub struct Azurite {
    _process: Process,
}

impl Azurite {
    /// Starts Azurite for the simulator's Storage account, and leads whoever has the simulator's environment there.
    pub async fn start(simulator: &mut Simulator) -> Self {
        let program = std::env::var_os("AZURITE").expect("AZURITE names azurite: run `cargo xtask real`");
        let hosts = ["ONBOARDER_QUEUE", "ONBOARDER_REPORT"].map(|name| {
            let url: Url = simulator.variable(name).parse().unwrap();
            url.host_str().unwrap().to_owned()
        });
        let directory = simulator.directory.path().join("azurite");
        std::fs::create_dir(&directory).unwrap();
        let made = rcgen::generate_simple_self_signed(hosts.to_vec()).unwrap();
        let (certificate, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();

        let mut command = Command::new(program);
        command.args(["--queueHost", "127.0.0.1", "--queuePort", "0", "--blobHost", "127.0.0.1", "--blobPort", "0"]);
        command.args(["--tableHost", "127.0.0.1", "--tablePort", "0", "--inMemoryPersistence", "--oauth", "basic", "--disableTelemetry"]);
        command.arg("--cert").arg(&certificate).arg("--key").arg(&key).current_dir(&directory);
        // It knows the accounts it is told of; their keys are not used with tokens.
        command.env("AZURITE_ACCOUNTS", format!("{}:bm90IHVzZWQ=", hosts[0].split('.').next().unwrap()));
        let mut process = Process::start(&mut command, &directory);
        let mut ports = Vec::new();
        for service in ["Queue", "Blob"] {
            let port = until("Azurite listens", async || {
                assert_eq!(process.ending(), None, "Azurite ended: {}{}", process.stdout(), process.stderr());
                let stdout = process.stdout();
                let (_, rest) = stdout.split_once(&format!("{service} service is successfully listening at https://127.0.0.1:"))?;
                rest.lines().next()?.trim().parse::<u16>().ok()
            });
            ports.push(port.await);
        }

        let own: Url = simulator.variable("SIMULATOR_URL").parse().unwrap();
        let names = hosts.into_iter().zip(ports).collect();
        let relay = format!("http://127.0.0.1:{}", relay::start(names, own.port().unwrap()));
        let certificates = std::fs::read_to_string(simulator.variable("SSL_CERT_FILE")).unwrap() + &made.cert.pem();
        let bundle = directory.join("bundle.pem");
        std::fs::write(&bundle, &certificates).unwrap();
        for (name, value) in &mut simulator.environment {
            let name = name.to_ascii_lowercase();
            if name.ends_with("_proxy") && name != "no_proxy" {
                value.clone_from(&relay);
            }
        }
        simulator.environment.insert("SSL_CERT_FILE".to_owned(), bundle.to_str().unwrap().to_owned());
        Self { _process: process }
    }
}
