//! One tenant's trouble neither slows nor fails another's events.

use std::time::Duration;

use ispm_onboarder_simulator::{Effect, Fault};
use serde_json::json;

use super::{Customer, calls_for, serving, timed, two};
use crate::harness::{Given, Scenario, store_secret};

const SLOW_NETWORK: u64 = 20;

fn given() -> (Given, Customer, Customer) {
    let (ill, well) = two();
    let given = serving(&[ill.clone(), well.clone()]).world(|world, _| world.settings.latency_milliseconds = SLOW_NETWORK);
    (given, ill, well)
}

/// Delivers many events of one tenant and one of another at once. The other's is done as if it were alone: with the same calls, in the same
/// time.
async fn stays_apart(trouble: impl Fn(Given, &Customer) -> Given) -> Scenario {
    let (given, ill, well) = self::given();
    let alone = given.start();
    let usual_time = timed(&alone, well.event(&alone, "alone")).await;
    let usual_calls = calls_for(&well, &alone.unread_calls());
    alone.expect_results(["onboarded"]);

    let (given, ..) = self::given();
    let s = trouble(given, &ill).start();
    let ills = (0..10).map(|number| s.deliver(ill.event(&s, &format!("ill {number}"))));
    let (_, time) = tokio::join!(futures_util::future::join_all(ills), timed(&s, well.event(&s, "well")));
    assert!(well.is_onboarded(&s), "the other tenant's event is done");
    assert!(!ill.is_onboarded(&s), "this tenant has trouble");
    assert_eq!(calls_for(&well, &s.unread_calls()), usual_calls);
    assert!(time <= usual_time + Duration::from_millis(SLOW_NETWORK), "{time:?}, and alone {usual_time:?}");
    let results = s.distinct_results();
    assert_eq!(results.values().filter(|told| *told == "onboarded").count(), 1, "{results:?}");
    s.forgive_what_waits();
    s
}

#[tokio::test(start_paused = true)]
async fn throttled_by_resource_manager() {
    let throttled = Effect::Status { status: 429, code: None, retry_after: Some("17".to_owned()) };
    stays_apart(|given, ill| given.fault(Fault::new("arm.*", throttled.clone()).about(&ill.tenant))).await;
}

#[tokio::test(start_paused = true)]
async fn with_an_ispm_that_hangs() {
    stays_apart(|given, ill| given.fault(Fault::new("ispm.*", Effect::Delay { seconds: 600 }).about(&ill.ispm_host))).await;
}

#[tokio::test(start_paused = true)]
async fn with_a_resource_manager_that_is_down() {
    stays_apart(|given, ill| given.fault(Fault::new("arm.*", Effect::Reset).about(&ill.tenant))).await;
}

#[tokio::test(start_paused = true)]
async fn with_an_entra_that_hangs() {
    stays_apart(|given, ill| given.fault(Fault::new("entra.token", Effect::Delay { seconds: 600 }).about(&ill.tenant))).await;
}

#[tokio::test(start_paused = true)]
async fn with_a_secret_that_is_refused() {
    stays_apart(|given, ill| {
        let name = ill.login_secret_name.clone();
        given.world(move |world, cast| store_secret(world, cast, &name, "another~of~no~value"))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn with_a_record_that_is_broken() {
    stays_apart(|given, ill| {
        let ill = ill.clone();
        given.world(move |world, cast| ill.store(world, cast, &json!({ "schemaVersion": 1 })))
    })
    .await;
}
