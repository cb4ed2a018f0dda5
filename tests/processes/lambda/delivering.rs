//! What is invoked changes the world once, and says what comes back.

use serde_json::{Value, json};
use uuid::Uuid;

use super::function::{Function, settings};
use super::records::{all_done, batch, messages, results};
use super::runtime_api::Ended;
use crate::simulator::Simulator;

#[tokio::test]
async fn a_batch_with_an_event_twice_leaves_one_assignment_and_one_connection() {
    let simulator = Simulator::start().await;
    let function = Function::start(&settings(&simulator)).await;
    let event = simulator.new_subscription().await;
    let text = event.to_string();
    assert_eq!(function.invoke(&batch(&[&text, &text])).await, all_done(), "{:?}", function.log());
    assert_eq!(function.invoke(&batch(&[&text])).await, all_done());

    let scope = event["data"]["scope"].as_str().unwrap();
    assert_eq!(simulator.assignments_at(scope).await.len(), 1);
    let world = simulator.world().await;
    assert_eq!(world["connections"].as_array().map(Vec::len), Some(1));
    let results = results(&simulator).await;
    assert_eq!(results.len(), 3);
    assert!(results.iter().all(|result| result["id"] == results[0]["id"]), "a repeat is recognised by its id: {results:?}");
    assert!(results.iter().all(|result| result["type"] == "dev.ispm-onboarder.scope.onboarded.v1" && result["subject"] == scope));
    assert!(simulator.results().await.is_empty(), "nothing goes to Azure's topic");
}

#[tokio::test]
async fn what_has_to_wait_is_put_into_the_queue_and_taken_up_from_there() {
    let simulator = Simulator::start().await;
    let function = Function::start(&settings(&simulator)).await;
    let event = simulator.new_subscription().await;
    simulator.break_with("ispm.*", json!({ "kind": "status", "status": 503 })).await;
    assert_eq!(function.invoke(&batch(&[&event.to_string()])).await, all_done(), "its new message takes the record's place");
    let waiting = messages(&simulator).await;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert!(results(&simulator).await.is_empty(), "Later publishes nothing");

    simulator.mend().await;
    assert_eq!(function.invoke(&batch(&[&waiting[0]])).await, all_done());
    let results = results(&simulator).await;
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["data"]["cause"]["id"], event["id"], "the message remembers what caused it");
    assert_eq!(simulator.assignments_at(event["data"]["scope"].as_str().unwrap()).await.len(), 1);
}

#[tokio::test]
async fn only_a_record_that_could_not_be_put_back_comes_again() {
    let simulator = Simulator::start().await;
    let function = Function::start(&settings(&simulator)).await;
    let event = simulator.new_subscription().await;
    simulator.break_with("ispm.*", json!({ "kind": "status", "status": 503 })).await;
    simulator.break_with("sqs.enqueue", json!({ "kind": "status", "status": 503 })).await;
    let ended = function.invoke(&batch(&["no event", &event.to_string()])).await;
    assert_eq!(ended, Ended::Response(json!({ "batchItemFailures": [{ "itemIdentifier": "record-2" }] })), "{:?}", function.log());
    let results = results(&simulator).await;
    assert_eq!(results.len(), 1, "what cannot be read is published as that, and is done: {results:?}");
}

#[tokio::test]
async fn an_invocation_by_hand_is_answered_with_its_result_and_an_unknown_one_with_what_is_known() {
    let simulator = Simulator::start().await;
    let function = Function::start(&settings(&simulator)).await;
    let asked = simulator.new_subscription().await["data"].take();
    let call = json!({ "tenantId": asked["tenantId"], "scope": asked["scope"] });
    let Ended::Response(result) = function.invoke(&call).await else { panic!("{:?}", function.log()) };
    assert_eq!(result["subject"], asked["scope"], "{result:#}");

    let Ended::Error(error) = function.invoke(&json!({ "hello": "world" })).await else { panic!("it is no success") };
    let words = error["errorMessage"].as_str().unwrap();
    assert!(["SQS", "EventBridge", "tenantId"].iter().all(|shape| words.contains(shape)), "{words}");
    assert_eq!(error["errorType"], "invalid-event");
}

#[tokio::test]
async fn each_record_logs_one_line_and_no_secret() {
    let simulator = Simulator::start().await;
    let function = Function::start(&settings(&simulator)).await;
    let events = [simulator.new_subscription().await, simulator.new_subscription().await];
    let id = Uuid::new_v4();
    function.api.invoke(id, &batch(&[&events[0].to_string(), &events[1].to_string()])).await;
    let lines: Vec<Value> = function.log();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    for event in &events {
        let line = lines.iter().find(|line| line["cause"] == event["id"]).expect("each record has its line");
        assert_eq!((&line["outcome"], &line["scope"]), (&json!("onboarded"), &event["data"]["scope"]), "{line:#}");
    }
    let log = function.process.stderr();
    for name in ["AWS_SECRET_ACCESS_KEY", "SIMULATOR_CLIENT_SECRET"] {
        assert!(!log.contains(simulator.variable(name)), "the log holds {name}");
    }
    assert!(function.process.stdout().is_empty());
}
