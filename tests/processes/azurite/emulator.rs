//! Azurite's queue service as a process, under the name that `ONBOARDER_QUEUE` gives.

use std::process::Command;

use reqwest::{Certificate, Client, Method, Proxy, Response, Url};
use serde_json::Value;

use super::relay;
use crate::process::{Process, until};
use crate::simulator::Simulator;

/// A version of the Queue service's API that Azurite knows.
const API_VERSION: &str = "2025-11-05";

/// A running Azurite with one account, and a client with a token for it.
pub struct Azurite {
    _process: Process,
    queue: Url,
    client: Client,
    token: String,
}

impl Azurite {
    /// Starts Azurite for the simulator's queue, and leads whoever has the simulator's environment there.
    pub async fn start(simulator: &mut Simulator) -> Self {
        let program = std::env::var_os("AZURITE_QUEUE").expect("AZURITE_QUEUE names azurite-queue: run `cargo xtask real`");
        let queue: Url = simulator.variable("ONBOARDER_QUEUE").parse().unwrap();
        let host = queue.host_str().unwrap();
        let directory = simulator.directory.path().join("azurite");
        std::fs::create_dir(&directory).unwrap();
        let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
        let (certificate, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();

        let mut command = Command::new(program);
        command.args(["--queueHost", "127.0.0.1", "--queuePort", "0", "--inMemoryPersistence", "--oauth", "basic", "--disableTelemetry"]);
        command.arg("--cert").arg(&certificate).arg("--key").arg(&key).current_dir(&directory);
        // It knows the accounts it is told of; their keys are not used with tokens.
        command.env("AZURITE_ACCOUNTS", format!("{}:bm90IHVzZWQ=", host.split('.').next().unwrap()));
        let mut process = Process::start(&mut command, &directory);
        let port = until("Azurite listens", async || {
            assert_eq!(process.ending(), None, "Azurite ended: {}{}", process.stdout(), process.stderr());
            process.stdout().split_once("listens on https://127.0.0.1:")?.1.lines().next()?.trim().parse().ok()
        });
        let port = port.await;

        let own: Url = simulator.variable("SIMULATOR_URL").parse().unwrap();
        let relay = format!("http://127.0.0.1:{}", relay::start(host, port, own.port().unwrap()));
        let certificates = std::fs::read_to_string(simulator.variable("SSL_CERT_FILE")).unwrap() + &made.cert.pem();
        let bundle = directory.join("bundle.pem");
        std::fs::write(&bundle, &certificates).unwrap();
        let token = token(simulator).await;
        for (name, value) in &mut simulator.environment {
            let name = name.to_ascii_lowercase();
            if name.ends_with("_proxy") && name != "no_proxy" {
                value.clone_from(&relay);
            }
        }
        simulator.environment.insert("SSL_CERT_FILE".to_owned(), bundle.to_str().unwrap().to_owned());

        let trusted = Certificate::from_pem_bundle(certificates.as_bytes()).unwrap();
        let client = Client::builder().proxy(Proxy::all(relay).unwrap()).tls_certs_only(trusted).build().unwrap();
        Self { _process: process, queue, client, token }
    }

    /// Creates the queue, which is empty then.
    pub async fn create_queue(&self) {
        self.call(Method::PUT, self.queue.as_str()).await;
    }

    /// How many messages there are, visible or not.
    pub async fn count(&self) -> u32 {
        let answer = self.call(Method::GET, &format!("{}?comp=metadata", self.queue)).await;
        answer.headers()["x-ms-approximate-messages-count"].to_str().unwrap().parse().unwrap()
    }

    /// The text of a message that is visible, which then is not for a while.
    pub async fn receive(&self) -> Option<String> {
        let text = self.call(Method::GET, &format!("{}/messages", self.queue)).await.text().await.unwrap();
        let (text, _) = text.split_once("<MessageText>")?.1.split_once("</MessageText>")?;
        Some(text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    }

    async fn call(&self, method: Method, url: &str) -> Response {
        let request = self.client.request(method, url).bearer_auth(&self.token).header("x-ms-version", API_VERSION);
        request.send().await.unwrap().error_for_status().unwrap()
    }
}

/// A token for Storage, of the simulated platform's managed identity.
async fn token(simulator: &Simulator) -> String {
    let url = format!("{}?resource=https://storage.azure.com&api-version=2019-08-01", simulator.variable("IDENTITY_ENDPOINT"));
    let request = Client::builder().no_proxy().build().unwrap().get(url);
    let answer = request.header("x-identity-header", simulator.variable("IDENTITY_HEADER")).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}
