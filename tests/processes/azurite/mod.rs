//! The queue on Azurite, Microsoft's own emulator of Storage, with the rest of the world simulated.
//!
//! The handler is what it always is: it calls the queue by its official name, over TLS, with a bearer token.

mod emulator;
mod relay;

use reqwest::StatusCode;
use serde_json::json;

use crate::functions_host::FunctionApp;
use crate::process::until;
use crate::simulator::Simulator;
use emulator::Azurite;

#[tokio::test]
#[ignore = "needs Azurite; `cargo xtask real` brings it"]
async fn a_request_waits_in_a_real_queue_and_is_taken_up_from_there() {
    let mut simulator = Simulator::start().await;
    let azurite = Azurite::start(&mut simulator).await;
    azurite.create_queue().await;
    let app = FunctionApp::start(&simulator.environment).await;
    let event = simulator.new_subscription().await;
    simulator.break_with("ispm.*", json!({ "kind": "status", "status": 503 })).await;
    let put_back = app.deliver(&event).await;
    assert_eq!(put_back.status, StatusCode::OK, "{put_back:?} {:?}", app.log());
    assert!(simulator.messages().await.is_empty(), "the simulator's own queue is not used");
    assert_eq!(azurite.count().await, 1);
    assert_eq!(azurite.receive().await, None, "it is not visible before its delay is over");

    simulator.mend().await;
    let message = until("the message becomes visible", async || azurite.receive().await).await;
    let taken_up = app.deliver_message(&message).await;
    assert_eq!(taken_up.status, StatusCode::OK, "{taken_up:?}");
    let results = simulator.results().await;
    assert_eq!(results.len(), 1, "{taken_up:?}");
    assert_eq!(results[0]["data"]["cause"]["id"], event["id"]);
}
