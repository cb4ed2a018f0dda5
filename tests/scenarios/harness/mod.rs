//! What scenarios are told with.

mod account;
mod calls;
mod events;
mod given;
mod worker;

use std::cell::Cell;
use std::time::Duration;

use axum::Router;
use ispm_onboarder_simulator::platform::{Delivery, FunctionsHost};
use ispm_onboarder_simulator::world::{AssignmentView, QueueMessage};
use ispm_onboarder_simulator::{DemoCast, Fault, Simulator, World};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

pub use account::{COLD_START, SECRETS};
pub use calls::{ASSIGN, CONNECT, PUBLISH, PUT_BACK, cold, warm};
pub use events::{PIPELINE, event_grid_event, logs, requested};
pub use given::Given;
pub use worker::{Answer, Worked};

/// When every scenario begins. It lies far ahead of any machine's clock, since `azure_core` judges the age of cached tokens by that one: so
/// none of them ever looks expired to it, and only the simulated services refuse what is too old by the simulated time.
pub const EPOCH: OffsetDateTime = datetime!(2126-11-22 10:00 UTC);

/// The id of a scenario's event, where it has only one.
pub const EVENT: &str = "event-1";

/// A simulated world, and the deployment in it.
pub struct Scenario {
    /// Who plays which part.
    pub cast: DemoCast,
    simulator: Simulator,
    host: FunctionsHost,
    router: Router,
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
        worker::send(&self.router, &self.worked, "POST", path, headers, body.into()).await
    }

    /// Gets a route of the handler.
    pub async fn get(&self, path: &str) -> Answer {
        worker::send(&self.router, &self.worked, "GET", path, &[], Vec::new()).await
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
        self.change(|world, cast| {
            let message = QueueMessage {
                id: world.new_id().to_string(),
                text: text.into(),
                inserted_on: now,
                expires_on: None,
                visible_from: now,
                dequeue_count: 0,
                pop_receipt: world.new_id().to_string(),
            };
            let account = world.storage_accounts.get_mut(&cast.storage_account).expect("the demo has a storage account");
            account.queues.get_mut(&cast.queue).expect("the demo has a queue").push(message);
        });
    }

    /// Puts a tenant record into the vault, over the one that is there.
    pub fn put_record(&self, record: &Value) {
        self.change(|world, cast| {
            world.set_secret(&cast.vault, &given::record_name(cast), &record.to_string());
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
