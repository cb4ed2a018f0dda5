//! `ispm-onboarder invoke`

use serde_json::{Value, json};

use super::Ran;
use crate::simulator::Simulator;

impl Simulator {
    fn invoke(&self, input: &Value, arguments: &[&str]) -> Ran {
        let file = self.directory.path().join("input.json");
        std::fs::write(&file, input.to_string()).unwrap();
        self.run(&[&["invoke", file.to_str().unwrap()], arguments].concat())
    }
}

/// An event as Event Grid's dead-letter blobs hold it.
fn dead_letter(event: &Value) -> Value {
    let mut letter = event.clone();
    for (name, value) in [
        ("deadletterreason", json!("MaxDeliveryAttemptsExceeded")),
        ("deliveryattempts", json!(30)),
        ("lastdeliveryoutcome", json!("GenericError")),
        ("publishtime", json!("2026-11-21T10:00:00Z")),
        ("lastdeliveryattempttime", json!("2026-11-22T10:00:00Z")),
    ] {
        letter[name] = value;
    }
    json!([letter])
}

#[tokio::test]
async fn every_form_of_an_event_does_the_same_and_only_once() {
    let simulator = Simulator::start().await;
    let event = simulator.new_subscription().await;
    let call = json!({ "Data": { "event": event }, "Metadata": { "sys": { "MethodName": "OnOnboardingEvent" } } });
    let mut ids = Vec::new();
    for input in [event.clone(), json!([event]), call, dead_letter(&event), Value::String(event.to_string())] {
        let ran = simulator.invoke(&input, &["--output", "json"]);
        assert_eq!(ran.code, Some(0), "{input}: {ran:?}");
        ids.push(ran.document()["results"][0]["id"].clone());
    }
    let ran = simulator.run_on(&["invoke", "-", "--output", "json"], &event.to_string());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ids.push(ran.document()["results"][0]["id"].clone());
    assert!(ids[0].is_string() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(simulator.assignments_at(event["data"]["scope"].as_str().unwrap()).await.len(), 1);
    assert_eq!(simulator.world().await["connections"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let simulator = Simulator::start().await;
    let event = simulator.new_subscription().await;
    let before = simulator.world().await;
    let ran = simulator.invoke(&event, &["--dry-run"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("would assign Reader"), "{}", ran.stdout);
    assert_eq!(simulator.world().await, before);
}

#[tokio::test]
async fn several_events_are_all_told_and_the_worst_decides_the_exit_code() {
    let simulator = Simulator::start().await;
    let (good, mut unknown) = (simulator.new_subscription().await, simulator.new_subscription().await);
    unknown["data"]["tenantId"] = json!("99999999-9999-4999-8999-999999999999");
    let ran = simulator.invoke(&json!([good, unknown, { "no": "event" }]), &["--output", "json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let document = ran.document();
    let types: Vec<_> = document["results"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    let [onboarded, failed] = ["dev.ispm-onboarder.scope.onboarded.v1", "dev.ispm-onboarder.scope.failed.v1"];
    assert_eq!(types, [onboarded, failed, failed]);
    let table = simulator.invoke(&json!([good, unknown]), &[]);
    assert_eq!(table.code, Some(1));
    assert!(!table.hints().is_empty(), "{table:?}");
}

#[tokio::test]
async fn what_may_pass_is_exit_3_and_what_is_not_for_us_exit_0() {
    let simulator = Simulator::start().await;
    let mut event = simulator.new_subscription().await;
    simulator.break_with("ispm.*", json!({ "kind": "status", "status": 503 })).await;
    let later = simulator.invoke(&event, &["--output", "json"]);
    assert_eq!(later.code, Some(3), "{later:?}");
    assert_eq!(later.document()["later"].as_array().map(Vec::len), Some(1));
    assert!(simulator.messages().await.is_empty(), "the command line never enqueues");
    event["type"] = json!("com.example.something.else");
    let ignored = simulator.invoke(&event, &["--output", "json"]);
    assert_eq!(ignored.code, Some(0), "{ignored:?}");
    assert_eq!(ignored.document()["ignored"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_exit_2() {
    let simulator = Simulator::start().await;
    let ran = simulator.run(&["invoke", "/nowhere/event.json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("/nowhere/event.json"), "{ran:?}");
}

#[tokio::test]
async fn results_for_standard_output_stand_only_in_the_document() {
    let mut simulator = Simulator::start().await;
    simulator.environment.insert("ONBOARDER_RESULTS".to_owned(), "stdout:".to_owned());
    let event = simulator.new_subscription().await;
    let ran = simulator.invoke(&event, &["--output", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.document()["results"].as_array().map(Vec::len), Some(1));
}

/// Whoever types does not have to say which tenant an entry is about, where only one has a record.
#[tokio::test]
async fn entries_of_the_activity_log_are_planned_and_done() {
    let simulator = Simulator::start().await;
    let event = simulator.new_subscription().await;
    let scope = event["data"]["scope"].as_str().unwrap();
    let entry = |id: &str| {
        json!({
            "time": event["time"], "operationName": "Microsoft.Management", "resultType": "Succeeded", "correlationId": "c-1",
            "resourceId": "/providers/Microsoft.Management/managementGroups/corp",
            "properties": { "message": format!("Entity {id} is created with parent entity corp") },
        })
    };
    let entries = json!({ "records": [entry(scope.rsplit('/').next().unwrap())] });
    let planned = simulator.invoke(&entries, &["--dry-run", "--output", "json"]);
    assert_eq!(planned.document()["plans"][0]["scope"], scope, "{planned:?}");
    let done = simulator.invoke(&entries, &["--output", "json"]);
    assert_eq!((done.code, &done.document()["results"][0]["subject"]), (Some(0), &event["data"]["scope"]), "{done:?}");
}
