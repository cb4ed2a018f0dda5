//! Azure US Government, by the one setting that the environment file has: handler and command line, over sockets.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};

use crate::functions_host::FunctionApp;
use crate::simulator::Simulator;

/// What no call may lead to.
const PUBLIC: [&str; 6] = [
    "management.azure.com",
    "graph.microsoft.com",
    "login.microsoftonline.com",
    "vault.azure.net",
    "core.windows.net",
    "eventgrid.azure.net",
];

#[tokio::test]
async fn the_handler_and_the_command_line_work_there_and_call_no_public_name() {
    let mut simulator = Simulator::start_in_us_government().await;
    assert_eq!(simulator.variable("ONBOARDER_CLOUD"), "usgovernment");
    let app = FunctionApp::start(&simulator.environment).await;
    let event = simulator.new_subscription().await;
    let answer = app.deliver(&event).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let onboarded = simulator.results().await;
    assert_eq!(onboarded[0]["type"], "dev.ispm-onboarder.scope.onboarded.v1", "{onboarded:?}");
    assert_eq!(simulator.assignments_at(event["data"]["scope"].as_str().unwrap()).await.len(), 1);

    let scope = simulator.variable("SIMULATOR_SUBSCRIPTION_ID").to_owned();
    for arguments in
        [&["doctor"][..], &["onboard", &scope], &["coverage"], &["sweep", "--dry-run"], &["offboard", &scope, "--dry-run"], &["doctor"]]
    {
        let ran = simulator.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
    }
    let calls = simulator.control(Method::GET, "requests", None).await;
    let urls = calls.as_array().unwrap().iter().map(|call| call["url"].as_str().unwrap());
    let hosts: BTreeSet<&str> = urls.filter_map(|url| url.split(['/', ':']).next()).collect();
    for host in &hosts {
        assert!(!PUBLIC.iter().any(|public| host.ends_with(public)), "{host}");
    }
    let there =
        ["management.usgovcloudapi.net", "graph.microsoft.us", "login.microsoftonline.us", "vault.usgovcloudapi.net", "eventgrid.azure.us"];
    for expected in there {
        assert!(hosts.iter().any(|host| host.ends_with(expected)), "{expected} in {hosts:?}");
    }

    simulator.environment.remove("ONBOARDER_CLOUD");
    let ran = simulator.run(&["coverage"]);
    assert_eq!(ran.code, Some(2), "without the setting the addresses are of another cloud: {ran:?}");
}
