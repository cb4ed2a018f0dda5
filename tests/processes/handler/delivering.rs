//! Deliveries through the handler change the world once.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::functions_host::{Answer, FunctionApp};
use crate::simulator::Simulator;

fn logs(answer: &Answer) -> String {
    answer.body["Logs"].to_string()
}

#[tokio::test]
async fn two_deliveries_of_an_event_leave_one_assignment_and_one_connection() {
    let simulator = Simulator::start().await;
    let app = FunctionApp::start(&simulator.environment).await;
    let event = simulator.new_subscription().await;
    let scope = event["data"]["scope"].as_str().unwrap();
    for delivery in 1..=2 {
        let answer = app.deliver(&event).await;
        assert_eq!(answer.status, StatusCode::OK, "delivery {delivery}: {answer:?}");
        assert_eq!(answer.body["ReturnValue"], Value::Null);
        assert!(logs(&answer).contains("onboarded"), "{answer:?}");
    }
    assert_eq!(simulator.assignments_at(scope).await.len(), 1);
    let world = simulator.world().await;
    assert_eq!(world["connections"].as_array().map(Vec::len), Some(1));
    let results = simulator.results().await;
    assert_eq!(results.len(), 2);
    assert_eq!(results[0]["id"], results[1]["id"], "a repeat is recognised by its id");
    assert!(results.iter().all(|result| result["type"] == "dev.ispm-onboarder.scope.onboarded.v1" && result["subject"] == scope));
}

#[tokio::test]
async fn what_has_to_wait_is_put_into_the_queue_and_taken_up_from_there() {
    let simulator = Simulator::start().await;
    let app = FunctionApp::start(&simulator.environment).await;
    let event = simulator.new_subscription().await;
    simulator.break_with("ispm.*", json!({ "kind": "status", "status": 503 })).await;
    let put_back = app.deliver(&event).await;
    assert_eq!(put_back.status, StatusCode::OK, "a fault that may pass is acknowledged: {put_back:?}");
    assert!(logs(&put_back).contains("later in"), "{put_back:?}");
    let messages = simulator.messages().await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(simulator.results().await.is_empty(), "Later publishes nothing");

    simulator.mend().await;
    let taken_up = app.deliver_message(messages[0]["text"].as_str().unwrap()).await;
    assert_eq!(taken_up.status, StatusCode::OK, "{taken_up:?}");
    let results = simulator.results().await;
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["data"]["cause"]["id"], event["id"], "the message remembers what caused it");
    assert_eq!(simulator.assignments_at(event["data"]["scope"].as_str().unwrap()).await.len(), 1);
}

#[tokio::test]
async fn an_invocation_logs_one_line_that_says_all() {
    let simulator = Simulator::start().await;
    let app = FunctionApp::start(&simulator.environment).await;
    let event = simulator.new_subscription().await;
    let answers = [app.deliver(&event).await, app.deliver(&event).await, app.deliver(&json!({ "no": "event" })).await];
    for (answer, outcome) in answers.iter().zip(["onboarded", "onboarded", "failed"]) {
        let lines = app.log_of(answer);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["outcome"], outcome);
        assert_eq!(lines[0]["function"], "OnOnboardingEvent");
        assert!(lines[0]["calls"].as_u64().is_some_and(|calls| calls > 0), "{lines:?}");
        assert!(lines[0]["duration_ms"].is_u64(), "{lines:?}");
        assert!(lines[0]["result_id"].is_string(), "{lines:?}");
    }
    let first = &app.log_of(&answers[0])[0];
    let first_as_written = app.process.stderr().lines().next().unwrap().to_lowercase();
    for raises_severity in ["warn", "error", "fail", "severe"] {
        assert!(!first_as_written.contains(raises_severity), "the Functions host would not take it as information: {first_as_written}");
    }
    assert_eq!(first["tenant"], event["data"]["tenantId"]);
    assert_eq!(first["scope"], event["data"]["scope"]);
    assert_eq!(first["cause"], event["id"]);
    let results = simulator.results().await;
    assert_eq!(first["result_id"], results[0]["id"]);
    assert_eq!(app.log().len(), answers.len(), "and nothing else is logged: {:?}", app.log());
    let secret = simulator.variable("SIMULATOR_CLIENT_SECRET");
    assert!(!app.process.stderr().contains(secret) && app.process.stdout().is_empty());
}

#[tokio::test]
async fn a_line_tells_how_long_its_request_has_waited_and_whether_it_is_about_the_tenant() {
    let simulator = Simulator::start().await;
    let app = FunctionApp::start(&simulator.environment).await;
    simulator.break_with("ispm.*", json!({ "kind": "status", "status": 401 })).await;
    let refused = app.deliver(&simulator.new_subscription().await).await;
    let line = &app.log_of(&refused)[0];
    assert_eq!((&line["outcome"], &line["code"]), (&json!("later"), &json!("ispm-refused")), "{line:#}");
    assert_eq!((&line["about_tenant"], &line["waited_seconds"]), (&json!(true), &json!(0)), "{line:#}");
    assert_eq!(simulator.results().await[0]["type"], "dev.ispm-onboarder.tenant.failed.v1");

    simulator.mend().await;
    let mut message: Value = serde_json::from_str(simulator.messages().await[0]["text"].as_str().unwrap()).unwrap();
    let first_seen = OffsetDateTime::parse(message["firstSeen"].as_str().unwrap(), &Rfc3339).unwrap();
    message["firstSeen"] = json!((first_seen - Duration::hours(5)).format(&Rfc3339).unwrap());
    let taken_up = app.deliver_message(&message.to_string()).await;
    let line = &app.log_of(&taken_up)[0];
    assert_eq!((&line["outcome"], &line["about_tenant"]), (&json!("onboarded"), &json!(false)), "{line:#}");
    assert!(line["waited_seconds"].as_u64().is_some_and(|waited| (18_000..18_060).contains(&waited)), "{line:#}");
}

#[tokio::test]
async fn the_queries_of_the_alerts_ask_for_what_a_line_says() {
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/infra/azure/app/queries/invocations.kql")).unwrap();
    let queries: String = file.lines().filter(|line| !line.starts_with("//")).collect();
    let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let asked: BTreeSet<String> = queries.replace("line[\"", "line.").split("line.").skip(1).map(name).collect();
    assert!(asked.len() > 10, "{asked:?}");
    let simulator = Simulator::start().await;
    let app = FunctionApp::start(&simulator.environment).await;
    let event = simulator.new_subscription().await;
    simulator.break_with("ispm.*", json!({ "kind": "status", "status": 401 })).await;
    app.deliver(&event).await;
    simulator.mend().await;
    app.deliver(&event).await;
    let lines = app.log();
    let said: BTreeSet<String> = lines.iter().flat_map(|line| line.as_object().unwrap().keys().cloned()).collect();
    assert_eq!(asked.difference(&said).collect::<Vec<_>>(), Vec::<&String>::new(), "{lines:#?}");
    for line in &lines {
        for field in ["target", "message"] {
            assert!(queries.contains(&format!("tostring(line.{field}) == {}", line[field])), "{field}: {line:#}");
        }
    }
}

#[tokio::test]
async fn a_call_is_answered_with_its_result() {
    let simulator = Simulator::start().await;
    let app = FunctionApp::start(&simulator.environment).await;
    let tenant = simulator.variable("SIMULATOR_TENANT_ID");
    let scope = format!("/subscriptions/{}", simulator.variable("SIMULATOR_SUBSCRIPTION_ID"));
    let done = app.post("/api/onboard", &json!({ "tenantId": tenant, "scope": scope })).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert_eq!(done.body, simulator.results().await[0]);
    let refused = app.post("/api/onboard", &json!({ "tenantId": tenant, "scope": "/subscriptions/x" })).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body["hint"].is_string(), "{refused:?}");
}
