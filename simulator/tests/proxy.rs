//! The socket face as clients see it: official names through the proxy, the control surface, the identity endpoint, the environment file.

use std::{error::Error, process::Command};

use ispm_onboarder_simulator::{Clock, DemoCast, Effect, Fault, Simulator, World, environment::Environment, proxy::Proxy, world::Scope};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use time::macros::datetime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::{JoinSet, spawn_blocking},
};

type Outcome = Result<(), Box<dyn Error>>;

const TENANT: &str = "11111111-1111-4111-8111-111111111111";
const APP: &str = "22222222-2222-4222-8222-222222222222";
const PRINCIPAL: &str = "33333333-3333-4333-8333-333333333333";
const IDENTITY: &str = "44444444-4444-4444-8444-444444444444";
const COVERED: &str = "50000000-0000-4000-8000-000000000001";
const NEW: &str = "50000000-0000-4000-8000-000000000002";
const SECRET: &str = "it's $HOME `here`, \"quoted\" \\ and #5";

/// A running proxy and a client that goes through it.
struct Running {
    simulator: Simulator,
    environment: Environment,
    port: u16,
    client: Client,
    direct: Client,
    stop: oneshot::Sender<()>,
    served: JoinSet<std::io::Result<()>>,
    directory: tempfile::TempDir,
}

fn world() -> World {
    let mut world = World::empty();
    let tenant = world.tenant_mut(TENANT);
    tenant.add_management_group("corp", TENANT);
    tenant.add_management_group("online", TENANT);
    tenant.add_subscription(COVERED, "Covered", "corp");
    tenant.add_subscription(NEW, "New", "online");
    world.add_app(TENANT, APP, PRINCIPAL, Some(SECRET));
    world.tenant_mut(TENANT).assign_reader(&Scope::ManagementGroup("corp".to_owned()), PRINCIPAL);
    world.add_system_identity(TENANT, IDENTITY, "55555555-5555-4555-8555-555555555555");
    world.platform.identity_header = "header-of-this-process".into();
    world.add_vault("contoso", TENANT);
    world.add_topic("results.westeurope-1.eventgrid.azure.net", TENANT);
    world.add_queue("contosoqueues", "onboarding", TENANT);
    world.make_operator(TENANT, PRINCIPAL);
    world.add_entra_source("contoso.spera-app.com", "an ISPM token", "Contoso", TENANT, APP);
    world
}

fn start() -> Result<Running, Box<dyn Error>> {
    start_in(world())
}

fn start_in(world: World) -> Result<Running, Box<dyn Error>> {
    let simulator = Simulator::new(world, Clock::starting_at(datetime!(2026-11-22 10:00 UTC)));
    let proxy = Proxy::bind(simulator.clone(), 0)?;
    let directory = tempfile::tempdir()?;
    let environment = Environment::of(&proxy, Some(&directory.path().join("it's sim.env")))?;
    let certificate = reqwest::Certificate::from_pem(proxy.certificate_pem().as_bytes())?;
    let client = Client::builder().proxy(reqwest::Proxy::all(proxy.url())?).tls_certs_only([certificate]).build()?;
    let direct = Client::builder().no_proxy().build()?;
    let port = proxy.port();
    let (stop, stopped) = oneshot::channel();
    let mut served = JoinSet::new();
    served.spawn(proxy.serve(stopped));
    Ok(Running { simulator, environment, port, client, direct, stop, served, directory })
}

impl Running {
    fn here(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    async fn get(&self, path: &str) -> reqwest::Result<Value> {
        self.direct.get(self.here(path)).send().await?.json().await
    }

    async fn token(&self) -> Result<String, Box<dyn Error>> {
        let body = format!(
            "grant_type=client_credentials&client_id={APP}&client_secret={}&scope=https%3A%2F%2Fmanagement.azure.com%2F.default",
            url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect::<String>()
        );
        let request = self.client.post(format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token")).body(body);
        let answer: Value = request.header("content-type", "application/x-www-form-urlencoded").send().await?.json().await?;
        Ok(answer["access_token"].as_str().ok_or_else(|| answer.to_string())?.to_owned())
    }

    async fn subscription(&self) -> Result<reqwest::Result<Response>, Box<dyn Error>> {
        let url = format!("https://management.azure.com/subscriptions/{NEW}?api-version=2022-12-01");
        Ok(self.client.get(url).bearer_auth(self.token().await?).send().await)
    }

    /// What comes back for these bytes, to the end of the connection.
    async fn raw(&self, request: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

#[tokio::test]
async fn official_names_are_reached_through_tls() -> Outcome {
    let running = start()?;
    let response = running.subscription().await??;
    assert_eq!(response.status(), StatusCode::OK);
    let operations: Vec<_> = running.simulator.state().requests.iter().map(|call| call.operation.clone()).collect();
    assert_eq!(operations, ["entra.token", "arm.subscription.get"]);
    Ok(())
}

#[tokio::test]
async fn a_client_without_the_certificate_refuses() -> Outcome {
    let running = start()?;
    let other = Proxy::bind(running.simulator.clone(), 0)?;
    let stranger = reqwest::Certificate::from_pem(other.certificate_pem().as_bytes())?;
    let client = Client::builder().proxy(reqwest::Proxy::all(running.here(""))?).tls_certs_only([stranger]).build()?;
    let refused = client.get("https://management.azure.com/subscriptions").send().await;
    assert!(refused.is_err_and(|error| error.is_connect()));
    Ok(())
}

#[tokio::test]
async fn a_host_the_world_does_not_know_is_a_502_that_says_so() -> Outcome {
    let running = start()?;
    let tunnel = running.client.get("https://example.com/").send().await;
    assert!(tunnel.is_err_and(|error| error.is_connect()));
    for target in ["example.com:443", "10.0.0.1:443", "other.vault.azure.net:443"] {
        let answer = running.raw(&format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\nconnection: close\r\n\r\n")).await?;
        assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
        assert!(answer.contains("UnknownHost") && answer.contains(target.trim_end_matches(":443")), "{answer}");
    }
    let answer = running.raw("CONNECT management.azure.com:8443 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await?;
    assert!(answer.starts_with("HTTP/1.1 502") && answer.contains("port 443 only"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn plain_http_is_forwarded_nowhere() -> Outcome {
    let running = start()?;
    let other_port = format!("http://127.0.0.1:{}/", running.port ^ 1);
    for url in ["http://169.254.169.254/metadata/instance", "http://management.azure.com/subscriptions", &other_port] {
        let response = running.client.get(url).send().await?;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY, "{url}");
        assert!(response.text().await?.contains("NotForwarded"));
    }
    assert!(running.simulator.state().requests.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_tunnel_takes_requests_for_its_own_host_only() -> Outcome {
    let running = start()?;
    let misled = running.client.get("https://management.azure.com/subscriptions").header("host", "graph.microsoft.com").send().await?;
    assert_eq!(misled.status(), StatusCode::MISDIRECTED_REQUEST);
    let large = running.client.put("https://management.azure.com/subscriptions").body(vec![b' '; (64 << 20) + 1]).send().await;
    assert!(large.is_err() || large.is_ok_and(|response| response.status() == StatusCode::PAYLOAD_TOO_LARGE));
    assert!(running.simulator.state().requests.is_empty());
    Ok(())
}

#[tokio::test]
async fn the_identity_endpoint_answers_with_and_without_the_proxy() -> Outcome {
    let running = start()?;
    let endpoint = running.environment.get("IDENTITY_ENDPOINT").ok_or("no endpoint")?;
    let header = running.environment.get("IDENTITY_HEADER").ok_or("no header")?;
    let url = format!("{endpoint}?resource=https://vault.azure.net&api-version=2019-08-01");
    for client in [&running.client, &running.direct] {
        let token: Value = client.get(&url).header("x-identity-header", header).send().await?.json().await?;
        assert_eq!(token["client_id"], IDENTITY);
        assert_eq!(client.get(&url).send().await?.status(), StatusCode::UNAUTHORIZED);
    }
    Ok(())
}

#[tokio::test]
async fn a_reset_is_a_connection_that_ends_without_an_answer() -> Outcome {
    let running = start()?;
    running.simulator.state().faults.push(Fault::new("arm.*", Effect::Reset).times(1));
    let broken = running.subscription().await?;
    assert!(broken.is_err_and(|error| error.is_request() && error.status().is_none()));
    assert_eq!(running.subscription().await??.status(), StatusCode::OK);
    Ok(())
}

/// What a client learns of a connection that could not be made: nothing was sent, so that it may do even a POST again.
#[tokio::test]
async fn a_connection_that_is_not_made_is_one_to_reqwest_and_to_the_sdk() -> Outcome {
    let running = start()?;
    let token = running.token().await?;
    let url = format!("https://management.azure.com/subscriptions/{NEW}?api-version=2022-12-01");
    for effect in [Effect::Unresolved, Effect::Handshake] {
        let fault = Fault::new("arm.subscription.get", effect.clone()).times(2);
        running.simulator.state().faults.push(fault);
        let broken = running.client.get(&url).bearer_auth(&token).send().await;
        assert!(broken.is_err_and(|error| error.is_connect()), "{effect}");
        let request = azure_core::http::Request::new(url.parse()?, azure_core::http::Method::Get);
        let broken = azure_core::http::HttpClient::execute_request(&running.client, &request).await.err().ok_or("an answer")?;
        assert_eq!(broken.kind(), &azure_core::error::ErrorKind::Connection, "{effect}");
    }
    assert_eq!(running.subscription().await??.status(), StatusCode::OK);
    let record: Vec<_> = running.simulator.state().requests.iter().map(|call| (call.operation.clone(), call.fault.clone())).collect();
    let (no_address, no_handshake) = ("finds no address for its host", "fails in the TLS handshake");
    let expected = [
        ("entra.token", None),
        ("arm.connect", Some(no_address)),
        ("arm.connect", Some(no_address)),
        ("arm.connect", Some(no_handshake)),
        ("arm.connect", Some(no_handshake)),
        ("entra.token", None),
        ("arm.subscription.get", None),
    ];
    assert_eq!(record, expected.map(|(operation, fault)| (operation.to_owned(), fault.map(str::to_owned))));
    // Over the connection that is open now, there is nothing left to resolve.
    running.simulator.state().faults.push(Fault::new("arm.subscription.get", Effect::Unresolved));
    assert_eq!(running.client.get(&url).bearer_auth(&token).send().await?.status(), StatusCode::OK);
    Ok(())
}

#[tokio::test]
async fn an_answer_comes_under_another_media_type() -> Outcome {
    let running = start()?;
    let effect = Effect::ContentType { value: "text/plain".to_owned() };
    running.simulator.state().faults.push(Fault::new("arm.*", effect).times(1).after());
    let response = running.subscription().await??;
    assert_eq!((response.status(), &response.headers()["content-type"]), (StatusCode::OK, &"text/plain".parse()?));
    assert_eq!(response.json::<Value>().await?["subscriptionId"], NEW);
    Ok(())
}

#[tokio::test]
async fn a_truncated_answer_has_fewer_bytes_than_announced() -> Outcome {
    let running = start()?;
    running.simulator.state().faults.push(Fault::new("arm.*", Effect::Truncated).times(1));
    let mut response = running.subscription().await??;
    assert_eq!(response.status(), StatusCode::OK);
    let announced = response.content_length().ok_or("no length")?;
    let mut received = 0;
    let error = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => received += chunk.len() as u64,
            Ok(None) => return Err("the body ended as if it were whole".into()),
            Err(error) => break error,
        }
    };
    assert_eq!(received, announced / 2);
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn only_loopback_names_reach_the_control_surface() -> Outcome {
    let running = start()?;
    let ask = async |headers: &str| running.raw(&format!("GET /_simulator/world HTTP/1.1\r\n{headers}\r\nconnection: close\r\n\r\n")).await;
    assert!(ask("host: localhost:7171").await?.starts_with("HTTP/1.1 200"));
    assert!(ask("host: 127.0.0.1\r\norigin: http://localhost:3000").await?.starts_with("HTTP/1.1 200"));
    assert!(ask("host: rebound.example").await?.starts_with("HTTP/1.1 403"));
    assert!(ask("host: 127.0.0.1\r\norigin: https://rebound.example").await?.starts_with("HTTP/1.1 403"));
    assert!(ask("x-no: host").await?.starts_with("HTTP/1.1 403"));
    Ok(())
}

#[tokio::test]
async fn the_world_is_shown_without_its_secrets() -> Outcome {
    let running = start()?;
    running.subscription().await??;
    let world = running.get("/_simulator/world").await?;
    for member in ["roleAssignments", "connections", "results", "queues", "subscriptions", "managementGroups"] {
        assert!(!world[member].is_null(), "{member} is missing in {world}");
    }
    for path in ["world", "requests", "faults", "clock", "settings"] {
        let shown = running.get(&format!("/_simulator/{path}")).await?.to_string();
        for secret in ["#5", "an ISPM token", "header-of-this-process"] {
            assert!(!shown.contains(secret), "{path} shows {secret}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn requests_are_filtered_and_forgotten() -> Outcome {
    let running = start()?;
    running.subscription().await??;
    let count = async |path: &str| running.get(path).await.map(|calls| calls.as_array().map(Vec::len));
    assert_eq!(count("/_simulator/requests").await?, Some(2));
    assert_eq!(count("/_simulator/requests?operation=entra.token").await?, Some(1));
    assert_eq!(count("/_simulator/requests?operation=arm.*").await?, Some(1));
    assert_eq!(count("/_simulator/requests?operation=arm").await?, Some(0));
    let refused = running.get("/_simulator/requests?op=arm").await?;
    assert!(refused["error"]["message"].as_str().is_some_and(|message| message.contains("operation")));
    assert_eq!(running.direct.delete(running.here("/_simulator/requests")).send().await?.status(), StatusCode::NO_CONTENT);
    assert_eq!(count("/_simulator/requests").await?, Some(0));
    Ok(())
}

#[tokio::test]
async fn faults_are_added_shown_and_taken_back() -> Outcome {
    let running = start()?;
    let faults = running.here("/_simulator/faults");
    let post = async |body: &Value| running.direct.post(&faults).json(body).send().await;
    let busy = json!({"operation": "arm.*", "times": 1, "effect": {"kind": "status", "status": 503}});
    assert_eq!(post(&busy).await?.status(), StatusCode::CREATED);
    assert_eq!(post(&json!([busy, busy])).await?.status(), StatusCode::CREATED);
    assert_eq!(running.get("/_simulator/faults").await?.as_array().map(Vec::len), Some(3));
    assert_eq!(running.subscription().await??.status(), StatusCode::SERVICE_UNAVAILABLE);
    let wrong = post(&json!([busy, {"operation": "arm.*", "effect": {"kind": "explode"}}])).await?;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let message = wrong.text().await?;
    assert!(message.contains("explode") && message.contains("truncated"), "{message}");
    assert_eq!(running.simulator.state().faults.len(), 2, "a list with a wrong fault adds none");
    assert_eq!(running.direct.delete(&faults).send().await?.status(), StatusCode::NO_CONTENT);
    assert!(running.simulator.state().faults.is_empty());
    Ok(())
}

#[tokio::test]
async fn the_clock_moves_forward_only() -> Outcome {
    let running = start()?;
    let post = async |body: Value| running.direct.post(running.here("/_simulator/clock")).json(&body).send().await;
    assert_eq!(post(json!({"advanceSeconds": 7200})).await?.status(), StatusCode::OK);
    assert!(running.simulator.now() >= datetime!(2026-11-22 12:00 UTC));
    assert_eq!(post(json!({"now": "2026-11-23T00:00:00Z"})).await?.status(), StatusCode::OK);
    assert!(running.simulator.now() >= datetime!(2026-11-23 0:00 UTC));
    for wrong in [json!({"now": "2020-01-01T00:00:00Z"}), json!({"advanceSeconds": -5}), json!({}), json!({"set": 1})] {
        assert_eq!(post(wrong.clone()).await?.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
    Ok(())
}

#[tokio::test]
async fn settings_change_one_by_one() -> Outcome {
    let running = start()?;
    let patch = async |body: Value| running.direct.patch(running.here("/_simulator/settings")).json(&body).send().await;
    running.simulator.state().world.settings.page_size = 3;
    assert_eq!(patch(json!({"replicationLagSeconds": 30})).await?.status(), StatusCode::OK);
    let settings = running.simulator.state().world.settings.clone();
    assert_eq!((settings.replication_lag_seconds, settings.page_size), (30, 3));
    let wrong = patch(json!({"lag": 1, "pageSize": 9})).await?;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    assert!(wrong.text().await?.contains("replicationLagSeconds"), "the refusal lists what there is");
    assert_eq!(running.simulator.state().world.settings, settings);
    Ok(())
}

#[tokio::test]
async fn a_new_subscription_comes_with_its_event() -> Outcome {
    let running = start()?;
    let post = async |body: &str| running.direct.post(running.here("/_simulator/subscriptions")).body(body.to_owned()).send().await;
    let created: Value = post(r#"{"name":"Payments","managementGroup":"CORP"}"#).await?.json().await?;
    let id = created["subscriptionId"].as_str().ok_or("no id")?;
    assert_eq!(created["event"]["type"], "dev.ispm-onboarder.onboarding.requested.v1");
    assert_eq!(created["event"]["data"], json!({"tenantId": TENANT, "scope": format!("/subscriptions/{id}")}));
    {
        let state = running.simulator.state();
        let subscription = state.world.tenants[TENANT].subscriptions.get(id).ok_or("not in the world")?;
        assert_eq!((subscription.display_name.as_str(), subscription.parent.as_str()), ("Payments", "corp"));
    }
    let another: Value = post("").await?.json().await?;
    assert_ne!(another["event"]["id"], created["event"]["id"]);
    let wrong = post(r#"{"managementGroup":"nowhere"}"#).await?;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    assert!(wrong.text().await?.contains("online"), "the refusal lists the groups there are");
    Ok(())
}

#[tokio::test]
async fn a_subscription_is_cancelled_moved_and_deleted() -> Outcome {
    let running = start()?;
    let own = running.here(&format!("/_simulator/subscriptions/{}", NEW.to_uppercase()));
    let patch = async |body: Value| running.direct.patch(&own).json(&body).send().await;
    assert_eq!(patch(json!({"state": "Warned", "managementGroup": "CORP"})).await?.status(), StatusCode::OK);
    {
        let state = running.simulator.state();
        let subscription = &state.world.tenants[TENANT].subscriptions[NEW];
        assert_eq!((subscription.state.as_str(), subscription.parent.as_str()), ("Warned", "corp"));
    }
    for wrong in [json!({"state": "Gone"}), json!({"tenantId": "nowhere"}), json!({"managementGroup": "nowhere"}), json!({"name": "x"})] {
        assert_eq!(patch(wrong.clone()).await?.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
    assert_eq!(running.direct.delete(&own).send().await?.status(), StatusCode::NO_CONTENT);
    assert!(!running.simulator.state().world.tenants[TENANT].subscriptions.contains_key(NEW));
    assert_eq!(running.direct.delete(&own).send().await?.status(), StatusCode::NOT_FOUND);
    assert_eq!(running.direct.get(&own).send().await?.status(), StatusCode::METHOD_NOT_ALLOWED);
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_says_what_is() -> Outcome {
    let running = start()?;
    for path in ["/", "/favicon.ico", "/_simulator/wrold"] {
        let response = running.direct.get(running.here(path)).send().await?;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(response.text().await?.contains("/_simulator/world"));
    }
    let response = running.direct.put(running.here("/_simulator/world")).send().await?;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    Ok(())
}

#[tokio::test]
async fn a_stop_lets_the_open_request_end_and_closes_the_idle_ones() -> Outcome {
    let mut running = start()?;
    running.subscription().await??;
    let mut idle = TcpStream::connect(("127.0.0.1", running.port)).await?;
    let token = running.token().await?;
    running.simulator.state().faults.push(Fault::new("arm.*", Effect::Delay { seconds: 1 }));
    let url = format!("https://management.azure.com/subscriptions/{NEW}?api-version=2022-12-01");
    let open = running.client.get(url).bearer_auth(token).send();
    let stop = async {
        while running.simulator.state().requests.iter().all(|call| call.fault.is_none()) {
            tokio::task::yield_now().await;
        }
        running.stop.send(())
    };
    let (answer, stopped) = tokio::join!(open, stop);
    assert_eq!((answer?.status(), stopped), (StatusCode::OK, Ok(())));
    assert_eq!(idle.read(&mut [0; 1]).await?, 0, "the idle connection is closed");
    running.served.join_next().await.ok_or("nothing was served")???;
    assert!(TcpStream::connect(("127.0.0.1", running.port)).await.is_err());
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_shell_reads_the_environment_file_as_it_was_meant() -> Outcome {
    let running = start()?;
    let file = running.environment.certificate.with_extension("");
    running.environment.write(&file)?;
    running.environment.write(&file)?;
    assert_eq!(std::fs::read_dir(running.directory.path())?.count(), 2, "the file and its certificate, nothing left over");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file)?.permissions());
    assert_eq!(mode & 0o777, 0o600, "only the owner may read a client secret");
    for (name, value) in &running.environment.pairs {
        let mut shell = Command::new("sh");
        shell.env_clear().args(["-c", ". \"$1\" && printenv \"$2\"", "sh"]).arg(&file).arg(name);
        let printed = String::from_utf8(shell.output()?.stdout)?;
        assert_eq!(printed, format!("{value}\n"), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn the_environment_names_what_waits_to_be_onboarded() -> Outcome {
    let running = start()?;
    let expected = [
        ("ONBOARDER_SECRET_STORE", "https://contoso.vault.azure.net"),
        ("ONBOARDER_RESULTS", "https://results.westeurope-1.eventgrid.azure.net/api/events"),
        ("ONBOARDER_QUEUE", "https://contosoqueues.queue.core.windows.net/onboarding"),
        ("SIMULATOR_TENANT_ID", TENANT),
        ("SIMULATOR_SUBSCRIPTION_ID", NEW),
        ("SIMULATOR_MANAGEMENT_GROUP", "online"),
        ("SIMULATOR_CLIENT_ID", APP),
        ("SIMULATOR_CLIENT_SECRET", SECRET),
    ];
    for (name, value) in expected {
        assert_eq!(running.environment.get(name), Some(value), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn the_demo_worlds_environment_names_its_new_ones() -> Outcome {
    let simulator = Simulator::new(World::demo(9), Clock::starting_at(datetime!(2026-11-22 10:00 UTC)));
    let (cast, directory) = (DemoCast::of(9), tempfile::tempdir()?);
    let environment = Environment::of(&Proxy::bind(simulator, 0)?, Some(&directory.path().join("sim.env")))?;
    let expected = [
        ("SIMULATOR_SUBSCRIPTION_ID", cast.new.as_str()),
        ("SIMULATOR_MANAGEMENT_GROUP", &cast.management_group),
        ("SIMULATOR_ADMINISTRATOR_ID", &cast.administrator),
        ("SIMULATOR_CLIENT_ID", &cast.operator_client_id),
        ("SIMULATOR_CLIENT_SECRET", cast.operator_secret.reveal()),
    ];
    for (name, value) in expected {
        assert_eq!(environment.get(name), Some(value), "{name}");
    }
    Ok(())
}

/// Runs a program of another make with the environment file and nothing else, and gives back what it printed.
async fn with_environment(running: &Running, program: &'static str, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let mut command = Command::new(program);
    command.args(arguments).envs(running.environment.pairs.iter().map(|(name, value)| (name, value)));
    let output = spawn_blocking(move || command.output()).await??;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test]
#[ignore = "needs curl on the machine"]
async fn curl_takes_the_environment() -> Outcome {
    let running = start()?;
    let bearer = format!("authorization: Bearer {}", running.token().await?);
    let url = format!("https://management.azure.com/subscriptions/{NEW}?api-version=2022-12-01");
    let printed = with_environment(&running, "curl", &["--silent", "--show-error", "--fail", "--header", &bearer, &url]).await?;
    assert!(printed.contains(NEW), "{printed}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs Python with requests on the machine"]
async fn python_requests_takes_the_environment() -> Outcome {
    const SCRIPT: &str = r#"
import os, requests
secret = dict(grant_type="client_credentials", client_id=os.environ["SIMULATOR_CLIENT_ID"],
              client_secret=os.environ["SIMULATOR_CLIENT_SECRET"], scope="https://management.azure.com/.default")
token = requests.post(f"https://login.microsoftonline.com/{os.environ['SIMULATOR_TENANT_ID']}/oauth2/v2.0/token", data=secret).json()
arm = requests.get(f"https://management.azure.com/subscriptions/{os.environ['SIMULATOR_SUBSCRIPTION_ID']}",
                   params={"api-version": "2022-12-01"}, headers={"authorization": "Bearer " + token["access_token"]})
asked = dict(params={"resource": "https://vault.azure.net", "api-version": "2019-08-01"}, headers={"x-identity-header": os.environ["IDENTITY_HEADER"]})
direct = requests.get(os.environ["IDENTITY_ENDPOINT"], **asked)
del os.environ["NO_PROXY"], os.environ["no_proxy"]
proxied = requests.get(os.environ["IDENTITY_ENDPOINT"], **asked)
print(arm.status_code, direct.status_code, proxied.status_code)
"#;
    let running = start()?;
    let printed = with_environment(&running, "python3", &["-c", SCRIPT]).await?;
    assert_eq!(printed.trim(), "200 200 200");
    Ok(())
}

#[tokio::test]
async fn aws_is_reached_through_tls_and_named_in_the_environment() -> Outcome {
    let cast = DemoCast::of(7);
    let running = start_in(World::demo(7))?;
    let expected = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", &cast.aws.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", cast.aws.secret_access_key.reveal()),
        ("SIMULATOR_AWS_SECRET_STORE", "aws-secretsmanager:"),
        ("SIMULATOR_AWS_RESULTS", "eventbridge:ispm-onboarder"),
        ("SIMULATOR_AWS_QUEUE", "https://sqs.eu-central-1.amazonaws.com/111122223333/onboarding"),
        // Apps that came with AWS do not stand before the one that has always been named.
        ("SIMULATOR_ADMINISTRATOR_ID", &cast.administrator),
        ("SIMULATOR_CLIENT_ID", &cast.operator_client_id),
    ];
    for (name, value) in expected {
        assert_eq!(running.environment.get(name), Some(value), "{name}");
    }
    let keys: Value = running.client.get(format!("{}/.well-known/jwks.json", cast.aws.issuer)).send().await?.json().await?;
    assert_eq!(keys["keys"][0]["kty"], "RSA");
    for service in ["secretsmanager", "sqs", "events", "sts"] {
        let answer = running.client.post(format!("https://{service}.eu-central-1.amazonaws.com/")).send().await?;
        assert_eq!(answer.status(), StatusCode::NOT_IMPLEMENTED, "{service} names no operation");
    }
    let other = running.client.post("https://sqs.us-east-1.amazonaws.com/").send().await;
    assert!(other.is_err(), "another region is no host of this world");
    Ok(())
}
