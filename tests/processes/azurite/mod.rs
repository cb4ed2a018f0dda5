//! Queues and blobs on Azurite, Microsoft's own emulator of Storage, with the rest of the world simulated.
//!
//! The program is what it always is: it calls Storage by its official names, over TLS, with a bearer token.

mod emulator;
mod relay;

use ispm_onboarder::config::ContainerUrl;
use ispm_onboarder::error::Code;
use ispm_onboarder::storage::Container;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::functions_host::FunctionApp;
use crate::process::until;
use crate::simulator::Simulator;
use crate::storage::Storage;
use emulator::Azurite;

#[tokio::test]
#[ignore = "needs Azurite; `cargo xtask real` brings it"]
async fn a_request_waits_in_a_real_queue_and_is_taken_up_from_there() {
    let mut simulator = Simulator::start().await;
    let _azurite = Azurite::start(&mut simulator).await;
    let (storage, queue) = (Storage::of(&simulator).await, simulator.variable("ONBOARDER_QUEUE").to_owned());
    storage.create_queue(&queue).await;
    let app = FunctionApp::start(&simulator.environment).await;
    let event = simulator.new_subscription().await;
    simulator.break_with("ispm.*", json!({ "kind": "status", "status": 503 })).await;
    let put_back = app.deliver(&event).await;
    assert_eq!(put_back.status, StatusCode::OK, "{put_back:?} {:?}", app.log());
    assert!(simulator.messages().await.is_empty(), "the simulator's own queue is not used");
    assert_eq!(storage.count_messages(&queue).await, 1);
    assert_eq!(storage.receive(&queue).await, None, "it is not visible before its delay is over");

    simulator.mend().await;
    let message = until("the message becomes visible", async || storage.receive(&queue).await).await;
    let taken_up = app.deliver_message(&message).await;
    assert_eq!(taken_up.status, StatusCode::OK, "{taken_up:?}");
    let results = simulator.results().await;
    assert_eq!(results.len(), 1, "{taken_up:?}");
    assert_eq!(results[0]["data"]["cause"]["id"], event["id"]);
}

#[tokio::test]
#[ignore = "needs Azurite; `cargo xtask real` brings it"]
async fn dead_letters_are_replayed_from_a_real_container_and_a_real_poison_queue() {
    let mut simulator = Simulator::start().await;
    let _azurite = Azurite::start(&mut simulator).await;
    let (storage, container) = (Storage::of(&simulator).await, simulator.variable("ONBOARDER_DEAD_LETTERS").to_owned());
    storage.create_container(&container).await;
    let (mut first, second) = (simulator.new_subscription().await, simulator.new_subscription().await);
    first["deadletterreason"] = json!("MaxDeliveryAttemptsExceeded");
    first["deliveryattempts"] = json!(30);
    storage.put_blob(&container, "topic/SUBSCRIPTION/2026/11/20/10/a%20b.json", json!([first]).to_string()).await;
    storage.put_blob(&container, "garbage", "garbage").await;

    let arguments = ["invoke", "--from-dead-letter", "--output", "json"];
    let listed = simulator.run(&arguments).document();
    assert_eq!(listed["deadLetters"][1]["id"], "topic/SUBSCRIPTION/2026/11/20/10/a b.json", "{listed}");
    assert_eq!(listed["deadLetters"][1]["reason"], "MaxDeliveryAttemptsExceeded");
    assert!(listed["deadLetters"][1]["since"].is_string(), "{listed}");
    let ran = simulator.run(&[&arguments[..], &["--all"]].concat());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(storage.blobs(&container).await, ["garbage"]);

    let queue = format!("{}-poison", simulator.variable("ONBOARDER_QUEUE"));
    storage.create_queue(&queue).await;
    let message = json!({
        "version": 1, "tenantId": second["data"]["tenantId"], "scope": second["data"]["scope"], "action": "onboard",
        "cause": {"source": second["source"], "id": second["id"], "type": second["type"]},
        "firstSeen": "2020-01-01T00:00:00Z", "attempts": 60,
    });
    let id = storage.put_message(&queue, &message.to_string()).await;
    simulator.environment.insert("ONBOARDER_DEAD_LETTERS".to_owned(), queue.clone());
    let listed = simulator.run(&arguments).document();
    assert_eq!(listed["deadLetters"][0]["id"], json!(id), "{listed}");
    let ran = simulator.run(&[&arguments[..], &["--id", &id]].concat());
    assert_eq!(ran.code, Some(0), "what the list showed is visible again: {ran:?}");
    assert_eq!(storage.count_messages(&queue).await, 0);
    let causes: Vec<Value> = simulator.results().await.iter().map(|result| result["data"]["cause"]["id"].clone()).collect();
    assert_eq!(causes, [first["id"].clone(), second["id"].clone()]);
}

#[tokio::test]
#[ignore = "needs Azurite; `cargo xtask real` brings it"]
async fn a_document_is_held_in_a_real_container() {
    let mut simulator = Simulator::start().await;
    let _azurite = Azurite::start(&mut simulator).await;
    let (storage, url) = (Storage::of(&simulator).await, simulator.variable("ONBOARDER_REPORT").to_owned());
    let container = Container::open(&ContainerUrl::Blob(url.parse().unwrap()), &storage.identity(), &storage.transport());
    assert_eq!(container.get("a.json").await.unwrap_err().code, Code::ReportRefused, "there is no container yet");
    storage.create_container(&url).await;
    assert_eq!(container.get("a.json").await.unwrap(), None);
    let large = "0123456".repeat(1_000_000).into_bytes();
    for (name, bytes) in [("b c.json", b"{}".to_vec()), ("a.json", large.clone()), ("a.json", large.clone()), ("empty", vec![])] {
        container.put(name, "application/json", bytes).await.unwrap();
    }
    assert_eq!(container.get("a.json").await.unwrap().unwrap(), large);
    assert_eq!(container.get("empty").await.unwrap().unwrap(), b"");
    assert_eq!(storage.blob(&url, "b%20c.json").await, "{}");
    let names: Vec<String> = container.list("").await.unwrap().into_iter().map(|item| item.name).collect();
    assert_eq!(names, ["a.json", "b c.json", "empty"]);
    assert_eq!(container.list("b").await.unwrap().len(), 1);
    for _ in 0..2 {
        container.delete("a.json").await.unwrap();
    }
    assert_eq!(storage.blobs(&url).await, ["b c.json", "empty"]);
}
