//! What is secret, and what upstream services say, is neither logged nor answered: at the finest level, by each program, with real clients
//! underneath.

use ispm_onboarder_simulator::{DemoCast, World};
use serde_json::{Value, json};

use crate::functions_host::FunctionApp;
use crate::lambda::function::{Function, settings};
use crate::lambda::records::batch;
use crate::simulator::Simulator;

/// In every answer of the simulated clouds.
const CANARY: &str = "upstream~words~of~no~use";
/// What the world's secrets have in common, as it is and in a form's encoding, where the parts of a token begin, and the canary.
const SECRETS: [&str; 7] = ["of~no~value", "of%7Eno%7Evalue", "demo-identity-header", ".eyJ", "eyJhbGci", "eyJ0eXAi", CANARY];
/// What goes wrong: at whom, and how.
const OPERATIONS: [&str; 8] = ["identity.*", "key-vault.*", "entra.*", "graph.*", "arm.*", "ispm.*", "event-grid.*", "queue.*"];

/// A world whose services have the canary in every answer.
async fn simulator() -> Simulator {
    let mut world = World::demo(7);
    world.settings.canary = Some(CANARY.to_owned());
    let mut simulator = Simulator::start_in(&world).await;
    simulator.environment.insert("RUST_LOG".to_owned(), "trace".to_owned());
    simulator
}

/// Two ways in which the calls of the operation at this position go wrong: each way comes up for several.
fn effects(position: usize) -> impl Iterator<Item = Value> {
    let all = [
        json!({ "kind": "status", "status": 403 }),
        json!({ "kind": "html", "status": 502 }),
        json!({ "kind": "invalidJson" }),
        json!({ "kind": "redirect", "status": 307, "location": "https://management.azure.com/subscriptions" }),
    ];
    (0..2).map(move |more| all[(position + more) % all.len()].clone())
}

#[track_caller]
fn assert_clean(who: &str, said: &str) {
    let Some((secret, at)) = SECRETS.into_iter().find_map(|secret| Some((secret, said.find(secret)?))) else { return };
    let around = &said[said.floor_char_boundary(at.saturating_sub(600))..said.ceil_char_boundary(at + 100)];
    panic!("{secret} is shown by {who}: …{around}…");
}

#[tokio::test]
async fn the_handler_shows_nothing() {
    let simulator = simulator().await;
    for (position, operation) in OPERATIONS.into_iter().enumerate() {
        for effect in effects(position) {
            simulator.break_with(operation, effect).await;
            let app = FunctionApp::start(&simulator.environment).await;
            let event = simulator.new_subscription().await;
            let call = json!({ "tenantId": event["data"]["tenantId"], "scope": event["data"]["scope"] });
            let coverage = format!("/api/coverage?tenant={}", call["tenantId"].as_str().unwrap());
            let answers = [
                app.deliver(&event).await,
                app.deliver_message(&event.to_string()).await,
                app.post("/api/onboard", &call).await,
                app.post("/api/offboard", &call).await,
                app.get(&coverage).await,
                app.call("Sweep", "timer", json!("{\"IsPastDue\":false}")).await,
            ];
            simulator.mend().await;
            for answer in answers {
                assert_clean("an answer", &format!("{answer:?}"));
            }
            let log = app.process.stderr();
            assert!(log.contains("\"TRACE\"") && log.contains("\"message\":\"invocation\""), "there is nothing to look through: {log}");
            assert_clean("the log", &log);
        }
    }
    let world = simulator.world().await;
    for place in ["results", "queues"] {
        assert_clean(place, &world[place].to_string());
    }
}

#[tokio::test]
async fn bootstrap_shows_nothing() {
    let simulator = simulator().await;
    let operations = ["secrets-manager.*", "sts.*", "entra.*", "graph.*", "arm.*", "ispm.*", "event-bridge.*", "sqs.*"];
    for (position, operation) in operations.into_iter().enumerate() {
        for effect in effects(position) {
            simulator.break_with(operation, effect).await;
            let function = Function::start(&settings(&simulator)).await;
            let event = simulator.new_subscription().await;
            let call = json!({ "tenantId": event["data"]["tenantId"], "scope": event["data"]["scope"] });
            let ended = [
                function.invoke(&batch(&[&event.to_string()])).await,
                function.invoke(&call).await,
                function.invoke(&json!({ "command": "sweep" })).await,
            ];
            simulator.mend().await;
            for ended in ended {
                assert_clean("an answer", &format!("{ended:?}"));
            }
            let log = function.process.stderr();
            assert!(log.contains("\"TRACE\""), "there is nothing to look through: {log}");
            assert_clean("the log", &log);
        }
    }
    // Without a fault, so that all that was looked through is known to come that far.
    let function = Function::start(&settings(&simulator)).await;
    let event = simulator.new_subscription().await;
    let ended = function.invoke(&json!({ "tenantId": event["data"]["tenantId"], "scope": event["data"]["scope"] })).await;
    assert_clean("an answer", &format!("{ended:?}"));
    let log = function.process.stderr();
    assert!(log.contains("\"outcome\":\"onboarded\""), "{log}");
    assert_clean("the log", &log);
    let world = simulator.world().await;
    for place in ["busEvents", "queues"] {
        assert_clean(place, &world[place].to_string());
    }
}

#[tokio::test]
async fn the_command_line_shows_nothing_in_a_table_as_json_or_as_a_page() {
    let simulator = simulator().await;
    let scope = DemoCast::of(7).new;
    // What is not tried again, since that takes its time.
    let effects = [
        json!({ "kind": "status", "status": 403 }),
        json!({ "kind": "invalidJson" }),
        json!({ "kind": "status", "status": 404 }),
        json!({ "kind": "redirect", "status": 307, "location": "https://management.azure.com/subscriptions" }),
    ];
    let operations = ["key-vault.*", "entra.*", "graph.*", "arm.*", "ispm.*"];
    let broken = operations
        .into_iter()
        .enumerate()
        .flat_map(|(position, operation)| [&effects[0], &effects[1 + position % 3]].map(|effect| Some((operation, effect.clone()))));
    for fault in [None].into_iter().chain(broken) {
        if let Some((operation, effect)) = &fault {
            simulator.break_with(operation, effect.clone()).await;
        }
        for arguments in [
            &["onboard", scope.as_str(), "--dry-run"][..],
            &["onboard", scope.as_str()],
            &["sweep", "--dry-run"],
            &["coverage"],
            &["offboard", scope.as_str(), "--dry-run"],
            &["profile"],
            &["doctor"],
        ] {
            let outputs: &[&str] = if arguments == ["coverage"] { &["table", "json", "html"] } else { &["table", "json"] };
            for output in outputs {
                let ran = simulator.run(&[arguments, &["--output", output]].concat());
                assert_clean(&format!("{} {fault:?}", arguments.join(" ")), &format!("{ran:?}"));
            }
        }
        simulator.mend().await;
    }
}

#[tokio::test]
async fn what_is_planted_is_found() {
    let simulator = simulator().await;
    let secret = simulator.variable("SIMULATOR_CLIENT_SECRET").to_owned();
    let found = std::panic::catch_unwind(|| assert_clean("a test", &secret));
    assert!(found.is_err());
    let answer = reqwest::Client::builder().no_proxy().build().unwrap().get(simulator.variable("IDENTITY_ENDPOINT")).send().await.unwrap();
    assert!(answer.headers().contains_key("x-ms-canary") && answer.text().await.unwrap().contains(CANARY));
}
