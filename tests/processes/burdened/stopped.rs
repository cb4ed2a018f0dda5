//! A stop under load: what was taken is finished and answered, and the rest was never taken.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::new_subscriptions;
use crate::functions_host::FunctionApp;
use crate::host::Host;
use crate::killed::assert_onboarded;
use crate::lambda::function::{Function, settings};
use crate::lambda::records::{all_done, batch, results};
use crate::process::until;
use crate::simulator::Simulator;

const SCOPES: usize = 60;
/// How long each call takes: an onboarding is about a second's work then.
const LATENCY: u64 = 60;

async fn slow_world() -> (Simulator, Vec<Value>) {
    let simulator = Simulator::start().await;
    simulator.control(Method::PATCH, "settings", Some(&json!({ "latencyMilliseconds": LATENCY }))).await;
    let events = new_subscriptions(&simulator, SCOPES).await;
    (simulator, events)
}

#[tokio::test]
async fn the_handler_answers_what_it_has_taken() {
    let (simulator, events) = slow_world().await;
    let before = simulator.world().await;
    let mut app = FunctionApp::start(&simulator.environment).await;
    // One after the other, so that the stop comes before the last ones do.
    let pace = Duration::from_millis(20);
    let deliveries = join_all((0u32..).zip(&events).map(async |(number, event)| {
        sleep(pace * number).await;
        app.try_to_deliver(event).await
    }));
    let stop = async {
        sleep(pace * u32::try_from(SCOPES / 2).unwrap()).await;
        app.process.terminate();
    };
    let (answers, ()) = tokio::join!(deliveries, stop);
    let taken: Vec<&str> = events.iter().zip(&answers).filter_map(|(event, answer)| answer.as_ref().map(|_| scope(event))).collect();
    println!("{} of {SCOPES} deliveries were answered", taken.len());
    assert!((SCOPES / 4..SCOPES).contains(&taken.len()), "the stop came in the middle: {}", taken.len());
    for answer in answers.iter().flatten() {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert!(answer.body["Logs"].to_string().contains("onboarded"), "{answer:?}");
    }
    assert_eq!(app.process.ended().await.code(), Some(0), "{}", app.process.stderr());
    // Nothing is there of a delivery that was not answered.
    assert_onboarded(&before, &simulator.world().await, &taken, &FunctionApp::results(&simulator).await);
}

#[tokio::test]
async fn bootstrap_answers_the_batch_that_it_has_and_asks_for_no_other() {
    let (simulator, events) = slow_world().await;
    let before = simulator.world().await;
    let mut function = Function::start(&settings(&simulator)).await;
    let texts: Vec<String> = events.iter().map(Value::to_string).collect();
    let half = SCOPES / 2;
    let batches: Vec<Value> = texts.chunks(half).map(|texts| batch(&texts.iter().map(String::as_str).collect::<Vec<_>>())).collect();
    let stop = async {
        until("the first result is there", async || (!results(&simulator).await.is_empty()).then_some(())).await;
        function.process.terminate();
    };
    // The second waits behind the first, as a message that is not received yet.
    let (first, second, ()) = tokio::join!(
        function.invoke(&batches[0]),
        async { tokio::time::timeout(Duration::from_secs(5), function.invoke(&batches[1])).await },
        stop
    );
    assert_eq!(first, all_done());
    assert!(second.is_err(), "it was told to stop: {second:?}");
    assert_eq!(function.process.ended().await.code(), Some(0), "{}", function.process.stderr());
    let taken: Vec<&str> = events[..half].iter().map(scope).collect();
    assert_onboarded(&before, &simulator.world().await, &taken, &results(&simulator).await);
}

fn scope(event: &Value) -> &str {
    event["data"]["scope"].as_str().unwrap()
}
