//! The simulated clouds with another vendor's API in ISPM's place, told answer by answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, Bytes, to_bytes};
use azure_core::credentials::TokenCredential;
use azure_core::http::headers::Headers;
use azure_core::http::request::Body as RequestBody;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, StatusCode};
use ispm_onboarder::Onboarder;
use ispm_onboarder::clock::Clock;
use ispm_onboarder::config::Config;
use ispm_onboarder::error::Error;
use ispm_onboarder::hosts::{Deployment, functions::router, http::Readiness};
use ispm_onboarder::identity::Platform;
use ispm_onboarder::permissions::simulated;
use ispm_onboarder_simulator::platform::{FunctionsHost, Worker};
use ispm_onboarder_simulator::{Clock as SimulatorClock, DemoCast, Simulator, World};
use serde_json::{Value, json};
use time::macros::datetime;
use tower::ServiceExt as _;

/// An answer that waits for its request.
#[derive(Debug)]
struct Told {
    /// The beginning of the request line that it answers.
    line: String,
    status: u16,
    body: Value,
    /// Whether the scenario may end without it.
    spare: bool,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    pub line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn body(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Debug, Default)]
struct Vendor {
    told: VecDeque<Told>,
    asked: Vec<Asked>,
}

#[derive(Clone, Debug)]
struct Clouds {
    clouds: Arc<dyn HttpClient>,
    host: String,
    vendor: Arc<Mutex<Vendor>>,
}

#[async_trait]
impl HttpClient for Clouds {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        if request.url().host_str() != Some(&self.host) {
            return self.clouds.execute_request(request).await;
        }
        let path = &request.url()[url::Position::BeforePath..];
        let line = format!("{} {path}", request.method());
        let headers = request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), value.as_str().to_owned())).collect();
        let body = match request.body() {
            RequestBody::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            RequestBody::SeekableStream(_) => String::new(),
        };
        let mut vendor = locked(&self.vendor);
        vendor.asked.push(Asked { line: line.clone(), headers, body });
        let position = vendor.told.iter().position(|told| line.starts_with(&told.line));
        let told = position
            .and_then(|position| vendor.told.remove(position))
            .unwrap_or_else(|| panic!("nobody told the vendor how to answer {line}"));
        let body = if told.body.is_null() { String::new() } else { told.body.to_string() };
        Ok(AsyncRawResponse::from_bytes(StatusCode::from(told.status), Headers::new(), body))
    }
}

#[derive(Debug)]
struct Identity(Simulator);

impl Platform for Identity {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(self.0.identity())
    }
}

struct App(axum::Router);

#[async_trait]
impl Worker for App {
    async fn post(&self, path: &str, body: Bytes) -> (u16, Bytes) {
        let request = axum::http::Request::post(path).body(Body::from(body)).unwrap();
        let Ok(answer) = self.0.clone().oneshot(request).await;
        (answer.status().as_u16(), to_bytes(answer.into_body(), usize::MAX).await.unwrap())
    }
}

/// A result event.
pub struct ResultEvent(Value);

impl ResultEvent {
    /// `onboarded`, `pending`, `failed` …
    pub fn kind(&self) -> &str {
        self.at("/type").trim_end_matches(".v1").rsplit('.').next().unwrap()
    }

    pub fn at(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or("")
    }
}

pub struct Stage {
    simulator: Simulator,
    host: FunctionsHost,
    onboarder: Arc<Onboarder>,
    cast: DemoCast,
    vendor: Arc<Mutex<Vendor>>,
}

impl Stage {
    /// A deployment whose tenant record names this profile.
    pub fn with_profile(profile: &str) -> Self {
        let epoch = datetime!(2126-11-22 10:00 UTC);
        let (mut world, cast) = (World::demo(7), DemoCast::of(7));
        let record_name = format!("ispm-onboarder-{}", cast.tenant);
        let record = world.vaults[&cast.vault].secret(&record_name, None).unwrap().value.reveal().to_owned();
        let mut record: Value = serde_json::from_str(&record).unwrap();
        record["ispm"]["connect"] = json!({ "mode": "profile", "name": "vendor" });
        let token = record["ispm"]["tokenSecretName"].as_str().unwrap().to_owned();
        world.set_secret(&cast.vault, &record_name, &record.to_string());
        world.set_secret(&cast.vault, &token, "token-of-no-value");
        world.set_secret(&cast.vault, "ispm-onboarder-profile-vendor", profile);
        simulated::grant(&mut world, &cast);
        let simulator = Simulator::new(world, SimulatorClock::starting_at(epoch));
        let vendor = Arc::new(Mutex::new(Vendor::default()));
        let transport = Arc::new(Clouds { clouds: simulator.transport(), host: cast.ispm_host.clone(), vendor: vendor.clone() });
        let config = Config::read(|name| match name {
            "ONBOARDER_SECRET_STORE" => Some(format!("https://{}.vault.azure.net", cast.vault)),
            "ONBOARDER_RESULTS" => Some(format!("https://{}", cast.topic)),
            "ONBOARDER_QUEUE" => Some(format!("https://{}.queue.core.windows.net/{}", cast.storage_account, cast.queue)),
            _ => None,
        });
        let platform = Arc::new(Identity(simulator.clone()));
        let deployment = Deployment::new(config.unwrap(), platform, transport, Clock::starting_at(epoch));
        let onboarder = deployment.onboarder.clone();
        let host = FunctionsHost::new(simulator.clone(), Arc::new(App(router(Readiness::ready(deployment)))));
        Self { simulator, host, onboarder, cast, vendor }
    }

    pub fn tenant(&self) -> &str {
        &self.cast.tenant
    }

    pub fn new_subscription(&self) -> String {
        format!("/subscriptions/{}", self.cast.new)
    }

    /// The vendor's next answer to requests that begin so; it has to be asked for.
    pub fn answer(&self, line: &str, status: u16, body: Value) {
        locked(&self.vendor).told.push_back(Told { line: line.to_owned(), status, body, spare: false });
    }

    /// As [`Stage::answer`], for answers that need not be asked for.
    pub fn spare(&self, line: &str, status: u16, body: Value) {
        locked(&self.vendor).told.push_back(Told { line: line.to_owned(), status, body, spare: true });
    }

    pub fn asked(&self) -> Vec<Asked> {
        locked(&self.vendor).asked.clone()
    }

    /// Delivers the event that asks for a scope; a result is published.
    pub async fn deliver(&self, id: &str, scope: &str) -> ResultEvent {
        self.send(id, scope).await;
        self.result_of(id).unwrap_or_else(|| panic!("no result for {id}"))
    }

    /// Delivers the event that asks for a scope; no result is published for the scope, and the code says why.
    pub async fn refusal(&self, id: &str, scope: &str) -> String {
        let inbound = ispm_onboarder::request::parse(self.event(id, scope).to_string().as_bytes()).remove(0);
        let error = self.onboarder.take_up(inbound, ispm_onboarder::delivery::Delivery::starting(uuid::Uuid::nil())).await;
        match error.ending {
            ispm_onboarder::take_up::Ending::Later { error, .. } => error.code.as_str(),
            ispm_onboarder::take_up::Ending::Published { outcome, .. } => {
                outcome.error.map(|error| error.code.as_str()).unwrap_or_default()
            }
            other => panic!("{other:?}"),
        }
    }

    /// Lets a day pass; then there is a result.
    pub async fn settled(&self, id: &str) -> ResultEvent {
        self.host.settle(Duration::from_hours(25)).await;
        self.result_of(id).unwrap_or_else(|| panic!("no result for {id}"))
    }

    pub fn tenant_failed(&self) -> ResultEvent {
        let results = self.simulator.state().world.results();
        ResultEvent(results.into_iter().find(|event| event["type"] == "dev.ispm-onboarder.tenant.failed.v1").unwrap())
    }

    fn event(&self, id: &str, scope: &str) -> Value {
        let time = self.simulator.now().format(&time::format_description::well_known::Rfc3339).unwrap();
        json!({
            "specversion": "1.0", "id": id, "source": "/pipeline", "type": "dev.ispm-onboarder.onboarding.requested.v1", "time": time,
            "data": { "tenantId": self.cast.tenant, "scope": scope },
        })
    }

    async fn send(&self, id: &str, scope: &str) {
        let delivery = self.host.deliver(self.event(id, scope)).await;
        assert_eq!(delivery.status, 200, "{:?}", delivery.answer);
    }

    fn result_of(&self, id: &str) -> Option<ResultEvent> {
        let results = self.simulator.state().world.results();
        results
            .into_iter()
            .find(|event| event.pointer("/data/cause/id").and_then(Value::as_str) == Some(id) && event.get("subject").is_some())
            .map(ResultEvent)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let unasked: Vec<String> = locked(&self.vendor).told.iter().filter(|told| !told.spare).map(|told| told.line.clone()).collect();
        assert!(std::thread::panicking() || unasked.is_empty(), "never asked for: {unasked:?}");
    }
}

/// A failed scenario has told its reason already; the lock it poisoned adds nothing.
fn locked(vendor: &Mutex<Vendor>) -> MutexGuard<'_, Vendor> {
    vendor.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A page of accounts.
pub fn page(items: &[Value]) -> Value {
    json!({ "resources": items, "meta": { "pagination": {} } })
}
