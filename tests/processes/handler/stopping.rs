//! A stop loses nothing.

use reqwest::StatusCode;
use serde_json::json;

use crate::functions_host::FunctionApp;
use crate::process::until;
use crate::simulator::Simulator;

#[tokio::test]
async fn a_delivery_that_is_under_way_is_finished_before_the_handler_stops() {
    let simulator = Simulator::start().await;
    let mut app = FunctionApp::start(&simulator.environment).await;
    let event = simulator.new_subscription().await;
    simulator.break_with("arm.subscription.get", json!({ "kind": "delay", "seconds": 4 })).await;
    let stop = async {
        until("the delivery is held up", async || simulator.has_struck("arm.subscription.get").await.then_some(())).await;
        app.process.terminate();
        until("the port is closed", async || (!app.polled().await).then_some(())).await;
        simulator.results().await
    };
    let (answer, results_at_stop) = tokio::join!(app.deliver(&event), stop);
    assert!(results_at_stop.is_empty(), "the stop came while the delivery was under way");
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(simulator.results().await.len(), 1);
    assert_eq!(app.process.ended().await.code(), Some(0), "{}", app.process.stderr());
}

#[tokio::test]
async fn an_idle_handler_stops_at_once() {
    let simulator = Simulator::start().await;
    let mut app = FunctionApp::start(&simulator.environment).await;
    app.process.terminate();
    assert_eq!(app.process.ended().await.code(), Some(0));
}
