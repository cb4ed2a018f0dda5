//! The package for x86-64 in AWS's own emulator of Lambda.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use super::emulator::Emulator;
use super::function::settings;
use super::records::{batch, messages, results};
use crate::process::until;
use crate::simulator::Simulator;

/// The timeout of the template's function.
const USUAL: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_secs(3);

#[tokio::test]
#[ignore = "needs the package and AWS's emulator; `cargo xtask real` brings them"]
async fn success_later_and_error_are_what_the_emulator_says_they_are() {
    let simulator = Simulator::start().await;
    let emulator = Emulator::start(&settings(&simulator), USUAL).await;
    let event = simulator.new_subscription().await;
    let done = json!({ "batchItemFailures": [] });
    assert_eq!(emulator.invoke(&batch(&[&event.to_string()])).await, done, "{}", emulator.said());
    assert_eq!(results(&simulator).await.len(), 1);
    assert_eq!(simulator.assignments_at(event["data"]["scope"].as_str().unwrap()).await.len(), 1);

    simulator.break_with("ispm.*", json!({ "kind": "status", "status": 503 })).await;
    let later = simulator.new_subscription().await;
    assert_eq!(emulator.invoke(&batch(&[&later.to_string()])).await, done, "{}", emulator.said());
    let waiting = messages(&simulator).await;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    simulator.mend().await;
    assert_eq!(emulator.invoke(&batch(&[&waiting[0]])).await, done, "{}", emulator.said());
    assert_eq!(results(&simulator).await.len(), 2);

    let error = emulator.invoke(&json!({ "hello": "world" })).await;
    assert_eq!(error["errorType"], "invalid-event", "{error:#}");
    let initialisations = emulator.initialisations();
    assert_eq!(initialisations.len(), 1, "an error is no reason to start again: {}", emulator.said());
    println!("measured: bootstrap in AWS's emulator: init {:.1} ms, at most {} KiB resident", initialisations[0], emulator.peak_memory());
}

#[tokio::test]
#[ignore = "needs the package and AWS's emulator; `cargo xtask real` brings them"]
async fn a_function_that_hangs_is_ended_at_its_timeout_and_initialised_again() {
    let simulator = Simulator::start().await;
    let emulator = Emulator::start(&settings(&simulator), SHORT).await;
    let event = batch(&[&simulator.new_subscription().await.to_string()]);
    let done = json!({ "batchItemFailures": [] });
    assert_eq!(emulator.invoke(&event).await, done, "{}", emulator.said());
    let first = emulator.function();

    emulator.signal(Signal::STOP);
    assert_eq!(emulator.invoke(&event).await, json!("Task timed out after 3.00 seconds"), "{}", emulator.said());
    assert_eq!(emulator.invoke(&event).await, done, "{}", emulator.said());
    assert_ne!(emulator.function(), first);
    let initialisations = emulator.initialisations();
    assert_eq!(initialisations.len(), 2, "{}", emulator.said());
    println!("measured: bootstrap in AWS's emulator: init after a timeout {:.1} ms", initialisations[1]);
}

#[tokio::test]
#[ignore = "needs the package and AWS's emulator; `cargo xtask real` brings them"]
async fn work_that_takes_too_long_is_put_back_before_the_timeout() {
    let simulator = Simulator::start().await;
    let emulator = Emulator::start(&settings(&simulator), SHORT).await;
    let event = simulator.new_subscription().await;
    simulator.break_with("arm.subscription.get", json!({ "kind": "delay", "seconds": 20 })).await;
    assert_eq!(emulator.invoke(&batch(&[&event.to_string()])).await, json!({ "batchItemFailures": [] }), "{}", emulator.said());
    let waiting = messages(&simulator).await;
    assert_eq!(waiting.len(), 1, "{}", emulator.said());
    assert_eq!(emulator.initialisations().len(), 1, "it answered by itself: {}", emulator.said());
}

#[tokio::test]
#[ignore = "needs the package and AWS's emulator; `cargo xtask real` brings them"]
async fn a_stop_lets_the_invocation_be_answered_and_the_next_one_starts_anew() {
    let simulator = Simulator::start().await;
    let mut emulator = Emulator::start(&settings(&simulator), USUAL).await;
    let event = batch(&[&simulator.new_subscription().await.to_string()]);
    let done = json!({ "batchItemFailures": [] });
    simulator.break_with("arm.subscription.get", json!({ "kind": "delay", "seconds": 4 })).await;
    let stop = async {
        until("the invocation is held up", async || simulator.has_struck("arm.subscription.get").await.then_some(())).await;
        emulator.signal(Signal::TERM);
    };
    let (answer, ()) = tokio::join!(emulator.invoke(&event), stop);
    assert_eq!(answer, done, "{}", emulator.said());
    assert_eq!(results(&simulator).await.len(), 1);
    until("the function has stopped", async || emulator.function().is_none().then_some(())).await;
    simulator.mend().await;
    // The emulator notes that the function has exited, since it asked for no other invocation; what it answered counts all the same.
    assert_eq!(emulator.invoke(&event).await, done, "{}", emulator.said());
    assert_eq!(emulator.initialisations().len(), 2, "{}", emulator.said());
    emulator.process.terminate();
    emulator.process.ended().await;
}
