//! A stop loses nothing, and is quick where there is nothing to lose.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::function::{Function, bootstrap, settings};
use super::records::{all_done, batch, results};
use crate::deployable::assert_no_simulator;
use crate::process::until;
use crate::simulator::Simulator;

/// What Lambda gives a function to stop in (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>).
const SHUTDOWN: Duration = Duration::from_secs(2);

#[tokio::test]
async fn an_idle_function_stops_at_once() {
    let simulator = Simulator::start().await;
    let mut function = Function::start(&settings(&simulator)).await;
    let asked = Instant::now();
    function.process.terminate();
    assert_eq!(function.process.ended().await.code(), Some(0), "{}", function.process.stderr());
    assert!(asked.elapsed() < SHUTDOWN, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn an_invocation_that_is_under_way_is_answered_before_the_function_stops() {
    let simulator = Simulator::start().await;
    let mut function = Function::start(&settings(&simulator)).await;
    let work = batch(&[&simulator.new_subscription().await.to_string()]);
    simulator.break_with("arm.subscription.get", json!({ "kind": "delay", "seconds": 4 })).await;
    let stop = async {
        until("the invocation is held up", async || simulator.has_struck("arm.subscription.get").await.then_some(())).await;
        function.process.terminate();
        sleep(Duration::from_millis(100)).await;
        results(&simulator).await
    };
    let (ended, results_at_stop) = tokio::join!(function.invoke(&work), stop);
    assert!(results_at_stop.is_empty(), "the stop came while the invocation was under way");
    assert_eq!(ended, all_done());
    assert_eq!(results(&simulator).await.len(), 1);
    assert_eq!(function.process.ended().await.code(), Some(0), "{}", function.process.stderr());
}

#[test]
fn the_function_to_deploy_holds_no_simulator() {
    // The one that `cargo test` builds has the command line's features, and may hold anything.
    if std::env::var_os("BOOTSTRAP_BIN").is_some() {
        assert_no_simulator(&bootstrap());
    }
}
