//! Between any two calls: a call is held up before it takes effect, or after that and before its answer, and there the process is killed.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};

use super::assert_onboarded;
use crate::functions_host::FunctionApp;
use crate::host::Host;
use crate::lambda::function::Function;
use crate::process::until;
use crate::simulator::Simulator;

/// How many worlds are played at once: each is two processes that mostly wait for each other.
const AT_ONCE: usize = 4;
/// Longer than any test.
const FOR_GOOD: u64 = 3_600;

/// What the process knows when the delivery comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knows {
    /// Nothing: it has just been started.
    Nothing,
    /// The tenant: another of its scopes was onboarded before.
    TheTenant,
}

/// One call of a delivery, by its operation and how many of that operation came before it.
#[derive(Clone, Debug)]
struct Place {
    operation: String,
    earlier: usize,
    /// Whether the call changes the world.
    changes: bool,
}

/// A world with a process in it, at the moment before the delivery.
struct Stage<H> {
    simulator: Simulator,
    host: H,
    event: Value,
}

impl<H: Host> Stage<H> {
    async fn set(knows: Knows) -> Self {
        let simulator = Simulator::start().await;
        let host = H::start(&simulator).await;
        if knows == Knows::TheTenant {
            host.deliver(&[simulator.new_subscription().await]).await;
            for forgotten in ["results", "requests"] {
                simulator.control(Method::DELETE, forgotten, None).await;
            }
        }
        let event = simulator.new_subscription().await;
        Self { simulator, host, event }
    }
}

/// The calls of a delivery that nothing happens to.
async fn places<H: Host>(knows: Knows) -> Vec<Place> {
    let stage = Stage::<H>::set(knows).await;
    stage.host.deliver(std::slice::from_ref(&stage.event)).await;
    let mut seen = BTreeMap::<String, usize>::new();
    let place = |call: &Value| {
        let operation = call["operation"].as_str().unwrap().to_owned();
        let count = seen.entry(operation.clone()).or_default();
        *count += 1;
        Place { operation, earlier: *count - 1, changes: call["changed"] == true }
    };
    stage.simulator.calls().await.iter().map(place).collect()
}

/// Kills the process at a place of its delivery, starts another and delivers again.
async fn killed_at<H: Host>(knows: Knows, place: &Place, when: &str) {
    let Stage { simulator, mut host, event } = Stage::<H>::set(knows).await;
    let before = simulator.world().await;
    let fault = json!({
        "operation": place.operation, "skip": place.earlier, "times": 1, "when": when, "effect": { "kind": "delay", "seconds": FOR_GOOD },
    });
    simulator.control(Method::POST, "faults", Some(&fault)).await;
    let stroke = async {
        until("the call is held up", async || simulator.has_struck(&place.operation).await.then_some(())).await;
        // In the same breath: a platform that hangs up would end the work in another way.
        host.process().kill();
    };
    tokio::select! {
        biased;
        () = stroke => {}
        () = host.deliver(std::slice::from_ref(&event)) => panic!("{place:?} was never come to"),
    }
    assert_eq!(host.process_mut().ended().await.code(), None, "it ends by a signal");
    let struck = simulator.calls().await.into_iter().find(|call| !call["fault"].is_null()).unwrap();
    assert_eq!(struck["changed"], place.changes && when == "after", "{struck:#}");

    let again = H::start(&simulator).await;
    again.deliver(std::slice::from_ref(&event)).await;
    let scope = event["data"]["scope"].as_str().unwrap();
    assert_onboarded(&before, &simulator.world().await, &[scope], &H::results(&simulator).await);
}

/// Kills at each call, on both of its sides.
async fn killed_everywhere<H: Host>(knows: Knows) {
    let places = places::<H>(knows).await;
    assert!(places.iter().filter(|place| place.changes).count() > 1, "{places:#?}");
    let each = places.iter().flat_map(|place| ["before", "after"].map(|when| killed_at::<H>(knows, place, when)));
    let kills = stream::iter(each).buffer_unordered(AT_ONCE).count().await;
    println!("{}, which knows {knows:?}: {} calls, {kills} kills", H::NAME, places.len());
}

#[tokio::test]
async fn of_a_cold_handler() {
    killed_everywhere::<FunctionApp>(Knows::Nothing).await;
}

#[tokio::test]
async fn of_a_warm_handler() {
    killed_everywhere::<FunctionApp>(Knows::TheTenant).await;
}

#[tokio::test]
async fn of_a_cold_bootstrap() {
    killed_everywhere::<Function>(Knows::Nothing).await;
}

#[tokio::test]
async fn of_a_warm_bootstrap() {
    killed_everywhere::<Function>(Knows::TheTenant).await;
}
