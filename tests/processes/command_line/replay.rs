use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Ran;
use crate::simulator::Simulator;
use crate::storage::Storage;

/// A simulator, its storage, and the container of dead letters.
struct Stage {
    simulator: Simulator,
    storage: Storage,
    container: String,
}

impl Stage {
    async fn start() -> Self {
        let simulator = as_operator().await;
        let (storage, container) = (Storage::of(&simulator).await, simulator.variable("ONBOARDER_DEAD_LETTERS").to_owned());
        Self { simulator, storage, container }
    }

    /// With a queue of dead letters in place of the container.
    async fn with_queue() -> (Self, String) {
        let mut stage = Self::start().await;
        let queue = format!("{}-poison", stage.simulator.variable("ONBOARDER_QUEUE"));
        stage.storage.create_queue(&queue).await;
        stage.simulator.environment.insert("ONBOARDER_DEAD_LETTERS".to_owned(), queue.clone());
        (stage, queue)
    }

    async fn put(&self, name: &str, content: &Value) {
        self.storage.put_blob(&self.container, name, content.to_string()).await;
    }

    async fn names(&self) -> Vec<String> {
        self.storage.blobs(&self.container).await
    }

    fn replay(&self, arguments: &[&str]) -> Ran {
        self.simulator.run(&[&["invoke", "--from-dead-letter", "--output", "json"], arguments].concat())
    }

    async fn scopes_with_results(&self) -> Vec<String> {
        let results = self.simulator.results().await;
        results.iter().map(|result| result["data"]["scope"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// A simulator whose environment signs in as the operator: to take dead letters out is no right of the function's, and a person does it.
async fn as_operator() -> Simulator {
    let mut simulator = Simulator::start().await;
    let operator = simulator.variable("SIMULATOR_CLIENT_ID").to_owned();
    simulator.environment.insert("AZURE_CLIENT_ID".to_owned(), operator);
    simulator
}

/// The event as Event Grid dead-letters it.
fn dead(mut event: Value) -> Value {
    event["deadletterreason"] = json!("MaxDeliveryAttemptsExceeded");
    event["deliveryattempts"] = json!(30);
    event["lastdeliveryoutcome"] = json!("TimedOut");
    event["publishtime"] = json!("2026-11-20T10:00:00Z");
    event
}

/// The message by which the request of an event waited for two days.
fn poisoned(event: &Value) -> Value {
    json!({
        "version": 1, "tenantId": event["data"]["tenantId"], "scope": event["data"]["scope"], "action": "onboard",
        "cause": {"source": event["source"], "id": event["id"], "type": event["type"]},
        "causedAt": "2020-01-01T00:00:00Z", "firstSeen": "2020-01-01T00:00:00Z", "attempts": 60,
    })
}

/// What became of each letter, by its id: where it is now, and the results of what stands in it.
fn told(ran: &Ran) -> Vec<(String, String, Vec<String>)> {
    let document = ran.document();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let letters = document["deadLetters"].as_array().unwrap().iter();
    let results = |letter: &Value| letter["inputs"].as_array().unwrap().iter().map(|input| text(&input["result"])).collect();
    letters.map(|letter| (text(&letter["id"]), text(&letter["fate"]), results(letter))).collect()
}

fn row(id: &str, fate: &str, results: &[&str]) -> (String, String, Vec<String>) {
    (id.to_owned(), fate.to_owned(), results.iter().map(|&one| one.to_owned()).collect())
}

#[tokio::test]
async fn without_a_choice_dead_letters_are_listed_and_nothing_is_done() {
    let stage = Stage::start().await;
    let event = stage.simulator.new_subscription().await;
    stage.put("topic/2026/11/20/a.json", &json!([dead(event.clone())])).await;
    stage.storage.put_blob(&stage.container, "b.txt", "garbage").await;

    let ran = stage.replay(&[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let letters = &ran.document()["deadLetters"];
    assert_eq!(letters[0]["inputs"][0]["result"], "unreadable", "{letters}");
    assert_eq!((&letters[1]["id"], &letters[1]["reason"]), (&json!("topic/2026/11/20/a.json"), &json!("MaxDeliveryAttemptsExceeded")));
    assert_eq!(letters[1]["inputs"][0]["scope"], event["data"]["scope"]);
    assert!(letters[1]["since"].is_string());
    let table = stage.simulator.run(&["invoke", "--from-dead-letter"]);
    assert!(table.stdout.trim_start().starts_with("DEAD LETTER"), "{table:?}");
    assert!(table.hints().iter().any(|hint| hint.contains("--all")), "{table:?}");
    assert_eq!((stage.names().await.len(), stage.simulator.results().await.len()), (2, 0));
}

#[tokio::test]
async fn all_are_replayed_and_only_what_ended_is_deleted() {
    let stage = Stage::start().await;
    let (first, second) = (stage.simulator.new_subscription().await, stage.simulator.new_subscription().await);
    let mut other = first.clone();
    other["type"] = json!("com.example.something.else");
    stage.put("1-event-grid.json", &json!([dead(first.clone())])).await;
    stage.put("2-result.json", &failed_result(&second)).await;
    stage.put("3-irrelevant.json", &other).await;
    stage.storage.put_blob(&stage.container, "4-garbage", "garbage").await;

    let ran = stage.replay(&["--all"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let expected = [
        row("1-event-grid.json", "deleted", &["onboarded"]),
        row("2-result.json", "deleted", &["onboarded"]),
        row("3-irrelevant.json", "deleted", &["ignored"]),
        row("4-garbage", "kept", &["unreadable"]),
    ];
    assert_eq!(told(&ran), expected);
    assert_eq!(stage.names().await, ["4-garbage"]);
    assert_eq!(stage.scopes_with_results().await, [&first, &second].map(|event| event["data"]["scope"].as_str().unwrap().to_owned()));
    let causes: Vec<Value> = stage.simulator.results().await.iter().map(|result| result["data"]["cause"]["id"].clone()).collect();
    assert_eq!(causes, [first["id"].clone(), second["id"].clone()], "the cause is the first one, not the replay");
}

fn failed_result(event: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": "0b1f6471-1bf0-4dda-aec3-111122223333", "source": "urn:ispm-onboarder:x",
        "type": "dev.ispm-onboarder.scope.failed.v1", "data": {
            "tenantId": event["data"]["tenantId"], "scope": event["data"]["scope"], "code": "unavailable", "message": "Given up after 24 hours.",
            "cause": {"source": event["source"], "id": event["id"], "type": event["type"]},
        },
    })
}

#[tokio::test]
async fn a_batch_stays_until_all_of_it_has_ended() {
    let stage = Stage::start().await;
    let (first, second) = (stage.simulator.new_subscription().await, stage.simulator.new_subscription().await);
    stage.put("batch.json", &json!([dead(first), dead(second.clone())])).await;
    let scope = second["data"]["scope"].as_str().unwrap().trim_start_matches("/subscriptions/").to_owned();
    let fault = json!({"operation": "arm.subscription.get", "effect": {"kind": "status", "status": 503}, "skip": 1});
    stage.simulator.control(reqwest::Method::POST, "faults", Some(&fault)).await;

    let ran = stage.replay(&["--all"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(told(&ran), [row("batch.json", "kept", &["onboarded", "later"])], "{scope}");
    assert!(stage.simulator.messages().await.is_empty(), "the command line never enqueues");
    stage.simulator.mend().await;
    let ran = stage.replay(&["--all"]);
    assert_eq!((ran.code, told(&ran)), (Some(0), vec![row("batch.json", "deleted", &["onboarded", "onboarded"])]));
    assert!(stage.names().await.is_empty());
    assert_eq!(stage.simulator.run(&["invoke", "--from-dead-letter", "--all"]).stdout, "no dead letters\n");
}

#[tokio::test]
async fn one_is_chosen_by_its_name_and_a_dry_run_changes_nothing() {
    let stage = Stage::start().await;
    let (first, second) = (stage.simulator.new_subscription().await, stage.simulator.new_subscription().await);
    stage.put("a.json", &dead(first)).await;
    stage.put("b.json", &dead(second.clone())).await;

    let dry = stage.replay(&["--all", "--dry-run"]);
    assert_eq!((dry.code, told(&dry)), (Some(0), vec![row("a.json", "kept", &["would"]), row("b.json", "kept", &["would"])]));
    assert_eq!((stage.names().await.len(), stage.simulator.results().await.len()), (2, 0));
    let ran = stage.replay(&["--id", "b.json", "--id", "c.json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(told(&ran), [row("b.json", "deleted", &["onboarded"]), row("c.json", "not there", &[])]);
    assert_eq!(stage.names().await, ["a.json"]);
    assert_eq!(stage.scopes_with_results().await, [second["data"]["scope"].as_str().unwrap()]);
}

#[tokio::test]
async fn messages_of_a_poison_queue_start_afresh_and_what_is_not_chosen_stays_visible() {
    let (stage, queue) = Stage::with_queue().await;
    let (first, second) = (stage.simulator.new_subscription().await, stage.simulator.new_subscription().await);
    let plain = stage.storage.put_message(&queue, &poisoned(&first).to_string()).await;
    let encoded = stage.storage.put_message(&queue, &STANDARD.encode(poisoned(&second).to_string())).await;

    assert_eq!(told(&stage.replay(&[])), [row(&plain, "kept", &["-"]), row(&encoded, "kept", &["-"])]);
    let ran = stage.replay(&["--id", &encoded]);
    assert_eq!((ran.code, told(&ran)), (Some(0), vec![row(&encoded, "deleted", &["onboarded"])]));
    assert_eq!(stage.storage.count_messages(&queue).await, 1);

    stage.simulator.break_with("ispm.*", json!({ "kind": "status", "status": 503 })).await;
    let ran = stage.replay(&["--all"]);
    assert_eq!((ran.code, told(&ran)), (Some(3), vec![row(&plain, "kept", &["later"])]), "not given up for its age");
    stage.simulator.mend().await;
    let ran = stage.replay(&["--all"]);
    assert_eq!((ran.code, told(&ran)), (Some(0), vec![row(&plain, "deleted", &["onboarded"])]));
    assert_eq!(stage.storage.count_messages(&queue).await, 0);
}

#[tokio::test]
async fn the_rate_is_bounded() {
    let stage = Stage::start().await;
    for number in 0..3 {
        let mut event = stage.simulator.new_subscription().await;
        event["type"] = json!("com.example.something.else");
        stage.put(&number.to_string(), &event).await;
    }
    let started = Instant::now();
    let ran = stage.replay(&["--all", "--rate", "1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(started.elapsed() >= Duration::from_secs(2), "three within {:?}", started.elapsed());
}

#[tokio::test]
async fn where_dead_letters_lie_has_to_be_said_and_to_be_there() {
    let mut simulator = as_operator().await;
    let name = "ONBOARDER_DEAD_LETTERS";
    let elsewhere = simulator.variable(name).replace("dead-letters", "nowhere");
    simulator.environment.insert(name.to_owned(), elsewhere);
    let missing = simulator.run(&["invoke", "--from-dead-letter"]);
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.hints().iter().any(|hint| hint.contains("Create the container")), "{missing:?}");
    simulator.environment.remove(name);
    let unset = simulator.run(&["invoke", "--from-dead-letter", "--all"]);
    assert!(unset.code == Some(2) && unset.stderr.contains("ONBOARDER_DEAD_LETTERS is not set"), "{unset:?}");
    let both = simulator.run(&["invoke", "event.json", "--from-dead-letter"]);
    assert_eq!(both.code, Some(2), "{both:?}");
    let neither = simulator.run(&["invoke", "--all"]);
    assert_eq!(neither.code, Some(2), "{neither:?}");
}

#[tokio::test]
async fn a_file_may_hold_what_was_saved_of_either() {
    let simulator = Simulator::start().await;
    let (first, second) = (simulator.new_subscription().await, simulator.new_subscription().await);
    let encoded = STANDARD.encode(poisoned(&first).to_string());
    for input in [encoded, failed_result(&second).to_string()] {
        let ran = simulator.run_on(&["invoke", "-", "--output", "json"], &input);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    assert_eq!(simulator.results().await.len(), 2);
}
