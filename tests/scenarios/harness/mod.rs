//! What scenarios are told with.

mod account;
mod calls;
mod events;
mod given;
mod host;
mod worker;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use azure_core::http::HttpClient;
use ispm_onboarder::hosts::lambda::LambdaFunction;
use ispm_onboarder_simulator::platform::Delivery;
use ispm_onboarder_simulator::world::AssignmentView;
use ispm_onboarder_simulator::{DemoCast, Fault, Simulator, World};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

pub use account::{COLD_START, SECRETS};
pub use calls::{ASSIGN, CONNECT, GET_SECRET, LIST_SECRETS, PUBLISH, PUT_BACK, SECRET_STORE, cold, warm};
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
    simulator: Simulator,
    host: Platform,
    worked: Worked,
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
        let answer = self.get(&format!("/api/coverage?tenant={}&format=json", self.cast.tenant)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
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

    /// Puts a tenant record into the vault, over the one that is there.
    pub fn put_record(&self, record: &Value) {
        self.change(|world, cast| {
            store_secret(world, cast, &given::record_name(cast), &record.to_string());
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
