//! What scenarios are told with.

mod account;
mod callers;
mod calls;
mod canary;
mod events;
mod given;
mod host;
mod worker;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use azure_core::http::HttpClient;
use ispm_onboarder::clock::Clock;
use ispm_onboarder::config::Config;
use ispm_onboarder::doctor::Doctor;
use ispm_onboarder::hosts::lambda::LambdaFunction;
use ispm_onboarder::session::Sessions;
use ispm_onboarder_simulator::platform::Delivery;
use ispm_onboarder_simulator::world::AssignmentView;
use ispm_onboarder_simulator::{DemoCast, Fault, Simulator, World};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

pub use account::COLD_START;
pub use callers::{bearer, claims, taking_tokens};
pub use calls::{ASSIGN, CONNECT, GET_SECRET, LIST_SECRETS, PUBLISH, PUT_BACK, SECRET_STORE, cold, warm};
pub use canary::{CANARY, heard, listen, shown};
#[allow(unused_imports, reason = "the log is Functions' alone")]
pub use events::logs;
pub use events::{PIPELINE, event_grid_event, requested};
pub use given::{Given, store_secret, stored_secret};
pub use host::{Host, Platform};
#[allow(unused_imports, reason = "on Lambda nothing needs a managed identity by itself")]
pub use worker::SimulatedIdentity;
pub use worker::{Answer, Worked};

use crate::HOST;

/// When every scenario begins. It lies far ahead of any machine's clock, since `azure_core` judges the age of cached tokens by that one: so
/// none of them ever looks expired to it, and only the simulated services refuse what is too old by the simulated time.
pub const EPOCH: OffsetDateTime = datetime!(2126-11-22 10:00 UTC);

/// Within this time a delivery that failed is made again.
pub const NEXT_DELIVERY: Duration = match HOST {
    Host::Functions => Duration::from_mins(2),
    Host::Lambda => Duration::from_mins(7),
};
/// The longest that a queue holds a message back.
pub const LONGEST_DELAY: time::Duration = match HOST {
    Host::Functions => time::Duration::days(7),
    Host::Lambda => time::Duration::minutes(15),
};

/// The id of a scenario's event, where it has only one.
pub const EVENT: &str = "event-1";

/// A simulated world, and the deployment in it.
pub struct Scenario {
    /// Who plays which part.
    pub cast: DemoCast,
    config: Config,
    simulator: Simulator,
    host: Platform,
    worked: Worked,
    /// How the deployment shows itself to `Debug`.
    face: String,
    calls_read: Cell<usize>,
    results_read: Cell<usize>,
    waiting: Cell<usize>,
    given_up: Cell<usize>,
}

impl Scenario {
    /// Delivers an event through Event Grid and the Functions host.
    pub async fn deliver(&self, event: Value) -> Delivery {
        self.host.deliver(event).await
    }

    /// Delivers the event that asks for a subscription, under the id [`EVENT`].
    pub async fn onboard(&self, subscription: &str) -> Delivery {
        self.deliver(self.asking_for(subscription)).await
    }

    /// The event that asks for a subscription, under the id [`EVENT`], raised now.
    pub fn asking_for(&self, subscription: &str) -> Value {
        self.event(EVENT, &format!("/subscriptions/{subscription}"))
    }

    /// The event that asks for a scope, raised now.
    pub fn event(&self, id: &str, scope: &str) -> Value {
        requested(id, self.now(), &json!({ "tenantId": self.cast.tenant, "scope": scope }))
    }

    /// Onboards another subscription, so that the tenant's session is open and the connection there, and accounts for it.
    pub async fn warm_up(&self) {
        self.deliver(self.event("warming up", &subscription(&self.cast.more[0]))).await;
        self.count_calls();
        self.expect_results(["onboarded"]);
    }

    /// Lets time pass, with all that falls due in it.
    pub async fn settle(&self, hours: u64) -> Vec<Delivery> {
        self.settle_for(Duration::from_hours(hours)).await
    }

    /// As [`Scenario::settle`], for times that are not whole hours.
    pub async fn settle_for(&self, time: Duration) -> Vec<Delivery> {
        self.waiting.set(0);
        let begin = self.now();
        let deliveries = self.host.settle(time).await;
        let rest = (begin + time - self.now()).max(time::Duration::ZERO).unsigned_abs();
        tokio::time::sleep(rest).await;
        deliveries
    }

    /// Works on each message that is visible in the queue once: on Functions never on more than so many at once.
    pub async fn work_through_queue(&self, at_once: usize) {
        self.host.work_through(&self.cast.queue, at_once).await;
    }

    /// Posts to a route of the handler, past the platform.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        self.host.send(&self.worked, "POST", path, headers, body.into()).await
    }

    /// Gets a route of the handler.
    pub async fn get(&self, path: &str) -> Answer {
        self.host.send(&self.worked, "GET", path, &[], Vec::new()).await
    }

    /// Gets a route with these headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.host.send(&self.worked, "GET", path, headers, Vec::new()).await
    }

    /// Gets a route with these headers alone: on Lambda, AWS has not signed the caller in.
    pub async fn get_by_headers(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        match &self.host {
            Platform::Functions { .. } => self.get_with(path, headers).await,
            Platform::Lambda { .. } => self.send_by_url("GET", path, headers, Vec::new()).await,
        }
    }

    /// Posts to a route with these headers alone: on Lambda, AWS has not signed the caller in.
    pub async fn post_by_headers(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        match &self.host {
            Platform::Functions { .. } => self.post(path, headers, body).await,
            Platform::Lambda { .. } => self.send_by_url("POST", path, headers, body).await,
        }
    }

    /// Runs the sweep, as the platform's timer does. The answer's lines tell each tenant.
    pub async fn sweep(&self) -> Answer {
        match &self.host {
            Platform::Functions { .. } => {
                let call = json!({ "Data": { "timer": "{\"IsPastDue\":false}" }, "Metadata": { "sys": { "MethodName": "Sweep" } } });
                self.post("/Sweep", &[], call.to_string()).await
            }
            Platform::Lambda { function, .. } => {
                let swept = worker::invoke(function, &self.worked, "sweep", &json!({ "command": "sweep" })).await;
                Answer::of("sweep", swept)
            }
        }
    }

    /// The report that the last sweep left, as the deployment serves it.
    pub async fn report(&self) -> Value {
        self.get(&self.report_path()).await.done().json()
    }

    /// The same for a caller with a token.
    pub async fn report_with(&self, authorization: &str) -> Value {
        self.get_by_headers(&self.report_path(), &[("authorization", authorization)]).await.done().json()
    }

    fn report_path(&self) -> String {
        format!("/api/coverage?tenant={}&format=json", self.cast.tenant)
    }

    /// Invokes the function on Lambda with a payload, past the platform; a function error is told in its words.
    pub async fn invoke(&self, payload: &Value) -> Result<Value, String> {
        worker::invoke(self.function(), &self.worked, "invoke", payload).await
    }

    /// Invokes the function on Lambda with a batch of the queue, and answers the ids of the records that come back.
    pub async fn invoke_with_batch(&self, bodies: &[String]) -> Vec<String> {
        let records: Vec<Value> = bodies.iter().enumerate().map(|(position, body)| worker::record(&position.to_string(), body)).collect();
        let answer = self.invoke(&json!({ "Records": records })).await.expect("a batch is no function error");
        let failures = answer["batchItemFailures"].as_array().expect("the answer lists failures").iter();
        failures.map(|failure| failure["itemIdentifier"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Sends a request to the function's URL without being signed in by AWS.
    pub async fn send_by_url(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        worker::send_by_url(self.function(), &self.worked, method, path, headers, body.into(), None).await
    }

    /// Puts an event onto the bus, and delivers what its rules put into the queue.
    pub async fn put_event(&self, entry: Value) -> Vec<Delivery> {
        let Platform::Lambda { host, .. } = &self.host else { panic!("this scenario is of Lambda") };
        host.put_event(&self.cast.aws.bus, &entry).await.expect("the bus takes it")
    }

    /// The function's role on AWS, for scenarios about one service.
    pub fn aws_platform(&self) -> Arc<dyn ispm_onboarder::identity::Platform> {
        given::aws_role(&self.simulator, &self.cast)
    }

    /// The role of whoever replays dead letters on AWS.
    pub fn aws_replayer(&self) -> Arc<dyn ispm_onboarder::identity::Platform> {
        given::aws_replayer(&self.simulator, &self.cast)
    }

    /// A doctor for this deployment, on a machine whose clock is this much ahead.
    pub fn doctor(&self, ahead: time::Duration) -> Doctor {
        let platform = given::platform(&self.simulator, &self.cast);
        Doctor::new(self.config.clone(), platform, self.transport(), Clock::starting_at(self.now() + ahead))
    }

    /// All that is true in this world.
    pub fn world(&self) -> World {
        self.simulator.state().world.clone()
    }

    /// Sessions of this deployment, none of them open yet.
    pub fn sessions(&self) -> Sessions {
        let platform = given::platform(&self.simulator, &self.cast);
        Sessions::new(self.config.clone(), platform, self.transport(), Clock::starting_at(self.now()))
    }

    /// The router of the handler, for requests of a test's own.
    pub fn router(&self) -> Option<Router> {
        match &self.host {
            Platform::Functions { router, .. } => Some(router.clone()),
            Platform::Lambda { .. } => None,
        }
    }

    /// A token of the tenant's login for a resource, as it signs in with its client secret.
    pub async fn login_token(&self, resource: &str) -> String {
        let (cast, scope) = (&self.cast, format!("{resource}/.default"));
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &cast.login_client_id)
            .append_pair("client_secret", cast.login_secret.reveal())
            .append_pair("scope", &scope)
            .finish();
        let url = format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", cast.tenant);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let (_, answer) = self.exchange("POST", &url, &headers, form).await;
        answer["access_token"].as_str().expect("the login signs in").to_owned()
    }

    /// Sends a request into this world past the deployment, and answers status and body.
    pub async fn exchange(&self, method: &str, url: &str, headers: &[(&str, &str)], body: String) -> (u16, Value) {
        let mut request = axum::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).expect("scenarios send valid requests");
        let answer = self.simulator.exchange(request).await.expect("the world answers");
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
    }

    /// The way into this world.
    pub fn transport(&self) -> Arc<dyn HttpClient> {
        self.simulator.transport()
    }

    fn function(&self) -> &LambdaFunction {
        let Platform::Lambda { function, .. } = &self.host else { panic!("this scenario is of Lambda") };
        function
    }

    /// Makes something go wrong from now on.
    pub fn fault(&self, fault: Fault) {
        self.simulator.state().faults.push(fault);
    }

    /// Mends all that was made to go wrong.
    pub fn mend(&self) {
        self.simulator.state().faults.clear();
    }

    /// Changes the world.
    pub fn change(&self, change: impl FnOnce(&mut World, &DemoCast)) {
        change(&mut self.simulator.state().world, &self.cast);
    }

    /// Puts text into the deployment's queue, as another sender would.
    pub fn enqueue(&self, text: impl Into<String>) {
        let now = self.now();
        self.change(|world, cast| given::enqueue(world, cast, text.into(), now));
    }

    /// Takes everything out of the deployment's queue.
    pub fn empty_queue(&self) {
        self.change(|world, cast| {
            world
                .storage_accounts
                .get_mut(&cast.storage_account)
                .into_iter()
                .for_each(|account| account.queues.values_mut().for_each(Vec::clear));
            let account = world.aws_mut(&cast.aws.account, &cast.aws.region);
            account.queues.values_mut().for_each(|queue| queue.messages.clear());
        });
    }

    /// Puts a tenant record into the vault, over the one that is there, and gives the login what the record asks for in addition.
    pub fn put_record(&self, record: &Value) {
        self.change(|world, cast| {
            store_secret(world, cast, &given::record_name(cast), &record.to_string());
            given::grant(world, cast);
        });
    }

    /// The tenant record as it is.
    pub fn record(&self) -> Value {
        given::record_in(&self.simulator.state().world, &self.cast)
    }

    /// The time in this world.
    pub fn now(&self) -> OffsetDateTime {
        self.simulator.now()
    }

    /// The ISPM app's role assignments at a scope.
    pub fn assignments_at(&self, scope: &str) -> Vec<AssignmentView> {
        let all = self.simulator.state().world.role_assignments();
        let here = |found: &AssignmentView| found.scope.to_string() == scope && found.principal_id == self.cast.ispm_principal_id;
        all.into_iter().filter(here).collect()
    }

    /// The connections in ISPM.
    pub fn connections(&self) -> Vec<Value> {
        self.simulator.state().world.connections()
    }
}

/// The path of a subscription.
pub fn subscription(id: &str) -> String {
    format!("/subscriptions/{id}")
}

/// The path of a management group.
pub fn group(name: &str) -> String {
    format!("/providers/Microsoft.Management/managementGroups/{name}")
}
