//! The demo's estate with a recorded answer in front of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::Request;
use azure_core::credentials::TokenCredential;
use ispm_onboarder::clock::Clock;
use ispm_onboarder::config::Config;
use ispm_onboarder::error::Error;
use ispm_onboarder::hosts::Deployment;
use ispm_onboarder::hosts::functions::router;
use ispm_onboarder::hosts::http::Readiness;
use ispm_onboarder::identity::Platform;
use ispm_onboarder::permissions::simulated;
use ispm_onboarder_simulator::platform::{FunctionsHost, Worker};
use ispm_onboarder_simulator::world::Scope;
use ispm_onboarder_simulator::{Clock as SimulatorClock, DemoCast, Simulator, World};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;
use tower::ServiceExt as _;

use crate::scripted::{Asked, Scripted, Shape};

/// Ahead of any machine's clock, since `azure_core` judges the age of cached tokens by that one.
const EPOCH: OffsetDateTime = datetime!(2126-11-22 10:00 UTC);

/// How long ago the subscription was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Within the propagation window.
    Young,
    /// Before it.
    Old,
}

/// How a delivery ends that leaves no result and a message in the queue.
pub const PUT_BACK: &str = "put back";

pub struct Stage {
    cast: DemoCast,
    simulator: Simulator,
    host: FunctionsHost,
}

impl Stage {
    /// A world in which a call is answered from a shape, `times` times; `meanwhile` happens in the world each time.
    pub fn new(asked: Asked, shape: &str, times: u32, meanwhile: fn(&mut World, &DemoCast)) -> Self {
        let cast = DemoCast::of(7);
        let mut world = World::demo(7);
        simulated::grant(&mut world, &cast);
        let simulator = Simulator::new(world, SimulatorClock::starting_at(EPOCH));
        let (world, players) = (simulator.clone(), cast.clone());
        let transport = Scripted {
            simulator: simulator.transport(),
            asked,
            shape: Shape::read(shape),
            left: AtomicU32::new(times),
            meanwhile: Arc::new(move || meanwhile(&mut world.state().world, &players)),
        };
        let settings = BTreeMap::from([
            ("ONBOARDER_SECRET_STORE", format!("https://{}.vault.azure.net", cast.vault)),
            ("ONBOARDER_RESULTS", format!("https://{}/api/events", cast.topic)),
            ("ONBOARDER_QUEUE", format!("https://{}.queue.core.windows.net/{}", cast.storage_account, cast.queue)),
        ]);
        let config = Config::read(|name| settings.get(name).cloned()).expect("the settings are valid");
        let platform = Arc::new(SimulatedIdentity(simulator.clone()));
        let deployment = Deployment::new(config, platform, Arc::new(transport), Clock::starting_at(EPOCH));
        let worker = Arc::new(InMemory(router(Readiness::ready(deployment))));
        Self { host: FunctionsHost::new(simulator.clone(), worker), cast, simulator }
    }

    /// Delivers the event of a new subscription.
    pub async fn onboard(&self, age: Age) -> String {
        let made = match age {
            Age::Young => EPOCH,
            Age::Old => EPOCH - time::Duration::days(2),
        };
        let event = json!({
            "specversion": "1.0", "id": "1", "source": "/tests", "type": "dev.ispm-onboarder.onboarding.requested.v1",
            "time": made.format(&Rfc3339).expect("a valid time"),
            "data": { "tenantId": self.cast.tenant, "scope": self.scope() },
        });
        let results = self.results().len();
        assert_eq!(self.host.deliver(event).await.status, 200, "the delivery is acknowledged");
        self.ended(results)
    }

    /// Lets the request that was put back be taken up again.
    pub async fn take_up_again(&self) -> String {
        let results = self.results().len();
        self.host.settle(std::time::Duration::from_mins(10)).await;
        self.ended(results)
    }

    /// How many assignments of Reader to the ISPM app the subscription has.
    pub fn readers(&self) -> usize {
        let all = self.simulator.state().world.role_assignments();
        all.iter().filter(|found| found.scope.to_string() == self.scope() && found.principal_id == self.cast.ispm_principal_id).count()
    }

    /// How a delivery ended after which there are more than `before` results, or a message in the queue, and never both.
    fn ended(&self, before: usize) -> String {
        let waiting = self.simulator.state().world.queue_messages(&self.cast.queue).len();
        match (&self.results()[before..], waiting) {
            ([], 1) => PUT_BACK.to_owned(),
            ([result], 0) => told(result),
            (results, waiting) => panic!("{waiting} messages wait, and there are the results {results:#?}"),
        }
    }

    fn results(&self) -> Vec<Value> {
        self.simulator.state().world.results()
    }

    fn scope(&self) -> String {
        format!("/subscriptions/{}", self.cast.new)
    }
}

/// A result in short: its kind, with the outcome of the role assignment or the code of the failure.
fn told(result: &Value) -> String {
    let text = |pointer: &str| result.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match text("/type") {
        "dev.ispm-onboarder.scope.onboarded.v1" => format!("onboarded: {}", text("/data/roleAssignment/outcome")),
        "dev.ispm-onboarder.scope.failed.v1" => {
            assert!(!text("/data/hint").is_empty(), "a failure says what to do next: {result:#}");
            format!("failed: {}", text("/data/code"))
        }
        other => panic!("{other} was not expected: {result:#}"),
    }
}

/// Someone assigns Reader to the ISPM app at the new subscription.
pub fn assign_by_hand(world: &mut World, cast: &DemoCast) {
    world.tenant_mut(&cast.tenant).assign_reader(&Scope::Subscription(cast.new.clone()), &cast.ispm_principal_id);
}

/// The router as the platform sees it.
struct InMemory(Router);

#[async_trait]
impl Worker for InMemory {
    async fn post(&self, path: &str, body: Bytes) -> (u16, Bytes) {
        let request = Request::post(path).header("content-type", "application/json").body(Body::from(body)).expect("a valid request");
        let Ok(answer) = self.0.clone().oneshot(request).await;
        let status = answer.status().as_u16();
        (status, to_bytes(answer.into_body(), usize::MAX).await.expect("answers in memory do not break"))
    }
}

/// The simulated platform's managed identity.
#[derive(Debug)]
struct SimulatedIdentity(Simulator);

impl Platform for SimulatedIdentity {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(self.0.identity())
    }
}
