//! `ispm-onboarder simulate`

use std::process::Command;

use serde_json::Value;

use super::run;
use crate::process::{Process, until};
use crate::simulator::{COMMAND_LINE, Simulator};

#[tokio::test]
async fn a_shell_that_reads_the_environment_file_has_every_variable() {
    let simulator = Simulator::start().await;
    let names = [
        "HTTPS_PROXY",
        "ALL_PROXY",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "IDENTITY_ENDPOINT",
        "IDENTITY_HEADER",
        "ONBOARDER_SECRET_STORE",
        "ONBOARDER_RESULTS",
        "ONBOARDER_QUEUE",
        "ONBOARDER_REPORT",
        "ONBOARDER_DEAD_LETTERS",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "SIMULATOR_AWS_SECRET_STORE",
        "SIMULATOR_AWS_RESULTS",
        "SIMULATOR_AWS_QUEUE",
        "SIMULATOR_AWS_REPORT",
        "SIMULATOR_AWS_REPLAYER_KEY_ID",
        "SIMULATOR_AWS_REPLAYER_KEY",
        "SIMULATOR_TENANT_ID",
        "SIMULATOR_SUBSCRIPTION_ID",
        "SIMULATOR_MANAGEMENT_GROUP",
        "SIMULATOR_CLIENT_ID",
        "SIMULATOR_CLIENT_SECRET",
        "SIMULATOR_ADMINISTRATOR_ID",
    ];
    for name in names {
        assert!(!simulator.variable(name).is_empty(), "{name}");
    }
    let printed = simulator.process.stdout();
    assert!(printed.lines().all(|line| line.starts_with("export ")), "{printed}");
    let file = std::fs::read_to_string(simulator.directory.path().join("sim.env")).unwrap();
    assert_eq!(printed, file, "what is printed is what is written");
    assert!(simulator.process.stderr().contains("/_simulator/world"), "it says where to look");
}

#[tokio::test]
async fn programs_read_the_environment_as_one_document() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(COMMAND_LINE);
    command.args(["simulate", "--port", "0", "--output", "json"]).env_clear();
    let process = Process::start(&mut command, directory.path());
    let document = until("the document is whole", async || serde_json::from_str::<Value>(&process.stdout()).ok()).await;
    assert_eq!(document["environment"]["SIMULATOR_URL"], document["url"]);
    assert!(document["environment"]["SIMULATOR_TENANT_ID"].is_string(), "{document:#}");
}

#[tokio::test]
async fn a_stop_is_exit_0() {
    let mut simulator = Simulator::start().await;
    simulator.world().await;
    simulator.process.terminate();
    assert_eq!(simulator.process.ended().await.code(), Some(0), "{}", simulator.process.stderr());
}

#[tokio::test]
async fn a_port_that_is_taken_is_exit_2_with_a_way_out() {
    let simulator = Simulator::start().await;
    let (_, port) = simulator.variable("SIMULATOR_URL").rsplit_once(':').unwrap();
    let refused = run(&["simulate", "--port", port]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.hints().iter().any(|hint| hint.contains("--port")), "{refused:?}");
}

#[test]
fn a_file_that_is_no_world_is_exit_2() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("world.json");
    std::fs::write(&file, r#"{"moons": 2}"#).unwrap();
    let refused = run(&["simulate", "--port", "0", "--world", file.to_str().unwrap()]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("moons"), "{refused:?}");
}
