//! The handler binds first and sets up after, and a wrong configuration is told where someone looks.

use std::collections::BTreeMap;
use std::process::Command;

use reqwest::StatusCode;
use serde_json::json;

use crate::functions_host::FunctionApp;
use crate::simulator::Simulator;

#[tokio::test]
async fn the_port_answers_before_set_up_ends_and_calls_wait_for_it() {
    let mut simulator = Simulator::start().await;
    let event = simulator.new_subscription().await;
    // Set-up reads the certificates, and stays with a pipe until someone writes them into it.
    let pipe = simulator.directory.path().join("certificates");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let setting = simulator.environment.get_mut("SSL_CERT_FILE").unwrap();
    let certificates = std::fs::read(std::mem::replace(setting, pipe.to_str().unwrap().to_owned())).unwrap();
    let app = FunctionApp::start(&simulator.environment).await;
    let mut call = std::pin::pin!(app.deliver(&event));
    for _ in 0..20 {
        tokio::select! {
            biased;
            answer = &mut call => panic!("answered before set-up had ended: {answer:?}"),
            answers = app.polled() => assert!(answers, "the host polls for as long as set-up lasts"),
        }
    }
    let writer = std::thread::spawn(move || std::fs::write(pipe, certificates));
    let answer = call.await;
    writer.join().unwrap().unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(simulator.results().await.len(), 1);
}

#[tokio::test]
async fn a_wrong_configuration_is_told_whole_to_callers_and_in_the_log() {
    let settings = [
        ("ONBOARDER_SECRET_STORE", "http://contoso.vault.azure.net"),
        ("ONBOARDER_QUEUE", "https://example.com/onboarding"),
        ("ONBOARDER_TENANTS", "contoso"),
    ];
    let settings: BTreeMap<_, _> = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut app = FunctionApp::start(&settings).await;
    let faulty = ["ONBOARDER_SECRET_STORE", "ONBOARDER_RESULTS", "ONBOARDER_QUEUE", "ONBOARDER_TENANTS"];
    for path in ["/OnOnboardingEvent", "/OnOnboardingMessage", "/OnActivityLog", "/api/onboard"] {
        let answer = app.post(path, &json!({ "Data": { "event": {} }, "Metadata": {} })).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(faulty.iter().all(|name| detail.contains(name)), "{detail}");
        assert!(answer.body["hint"].is_string(), "{answer:?}");
    }
    assert!(app.polled().await, "the host still finds it alive, so that it is not restarted again and again");
    assert_eq!(app.process.ending(), None);
    let log = app.log();
    assert!(
        log.iter().any(|line| faulty.iter().all(|name| line["reason"].as_str().is_some_and(|reason| reason.contains(name)))),
        "{log:?}"
    );
}

#[tokio::test]
async fn a_missing_queue_is_a_wrong_configuration_where_events_are_received() {
    let mut simulator = Simulator::start().await;
    simulator.environment.remove("ONBOARDER_QUEUE");
    let app = FunctionApp::start(&simulator.environment).await;
    let answer = app.deliver(&simulator.new_subscription().await).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body["detail"].as_str().is_some_and(|detail| detail.contains("ONBOARDER_QUEUE")), "{answer:?}");
}
