//! A wrong configuration is told where someone looks, and the function stays there to tell it.

use std::collections::BTreeMap;

use serde_json::json;

use super::function::{Function, settings};
use super::records::batch;
use super::runtime_api::Ended;
use crate::simulator::Simulator;

#[tokio::test]
async fn a_wrong_configuration_is_told_whole_to_callers_and_in_the_log() {
    let settings = [
        ("ONBOARDER_SECRET_STORE", "aws-secretsmanager:a b"),
        ("ONBOARDER_RESULTS", "eventbridge:"),
        ("ONBOARDER_QUEUE", "https://example.com/onboarding"),
        ("ONBOARDER_TENANTS", "contoso"),
    ];
    let settings: BTreeMap<_, _> = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut function = Function::start(&settings).await;
    let call =
        json!({ "tenantId": "11111111-2222-4333-8444-555555555555", "scope": "/subscriptions/11111111-2222-4333-8444-555555555555" });
    for payload in [batch(&["{}"]), call] {
        let Ended::Error(error) = function.invoke(&payload).await else { panic!("{payload:#} is no success") };
        let words = error["errorMessage"].as_str().unwrap();
        assert!(settings.keys().all(|name| words.contains(name.as_str())), "{words}");
    }
    let lines = function.log();
    let reason = lines.iter().find_map(|line| line["reason"].as_str()).unwrap_or_default();
    assert!(settings.keys().all(|name| reason.contains(name.as_str())), "{lines:#?}");
    assert_eq!(function.process.ending(), None, "it is not started again and again");
    assert!(function.api.failed_to_start().is_empty());
}

#[tokio::test]
async fn a_missing_queue_is_a_wrong_configuration() {
    let simulator = Simulator::start().await;
    let mut settings = settings(&simulator);
    settings.remove("ONBOARDER_QUEUE");
    let function = Function::start(&settings).await;
    let Ended::Error(error) = function.invoke(&batch(&[&simulator.new_subscription().await.to_string()])).await else {
        panic!("it is no success")
    };
    assert!(error["errorMessage"].as_str().is_some_and(|words| words.contains("ONBOARDER_QUEUE")), "{error:#}");
}
