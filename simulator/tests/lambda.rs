//! Lambda and its event source mapping as the function sees them, under tokio's paused clock.

#![allow(clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use ispm_onboarder_simulator::{
    Clock, DemoCast, Simulator, World,
    platform::{Delivery, Fate, Function, LambdaHost},
};
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::datetime};

const START: OffsetDateTime = datetime!(2026-11-22 10:00 UTC);
const DAY: Duration = Duration::from_hours(24);

/// A function that answers what it was told, in order, and then nothing; it keeps what it was called with.
#[derive(Default)]
struct Told {
    answers: Mutex<VecDeque<Result<String, String>>>,
    calls: Mutex<Vec<Value>>,
    takes: Duration,
}

impl Told {
    fn with(answers: impl IntoIterator<Item = Result<String, String>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    fn calls(&self) -> Vec<Value> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Function for Told {
    async fn invoke(&self, payload: Bytes) -> Result<Bytes, String> {
        let payload: Value = serde_json::from_slice(&payload).expect("JSON");
        // `ID` in an answer stands for the id of the batch's first message.
        let first = payload["Records"][0]["messageId"].as_str().expect("a record").to_owned();
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(payload);
        tokio::time::sleep(self.takes).await;
        let told = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        told.unwrap_or_else(|| Ok(String::new())).map(|answer| Bytes::from(answer.replace("ID", &first)))
    }
}

struct Stage {
    simulator: Simulator,
    cast: DemoCast,
    host: LambdaHost,
}

fn stage(function: &Arc<Told>) -> Stage {
    let (cast, simulator) = (DemoCast::of(7), Simulator::new(World::demo(7), Clock::starting_at(START)));
    let host = LambdaHost::new(simulator.clone(), function.clone(), &cast.aws.queue_url);
    Stage { simulator, cast, host }
}

impl Stage {
    fn enqueue(&self, text: &str, delay: i64) -> String {
        let visible_from = START + time::Duration::seconds(delay);
        let (account, queue) = (&self.cast.aws.account, &self.cast.aws.queue);
        let sent = self.simulator.state().world.send_message(account, queue, text.to_owned(), START, visible_from);
        sent.expect("the queue is there")
    }
}

fn failing(times: usize) -> Vec<Result<String, String>> {
    vec![Err("ended without an answer".to_owned()); times]
}

/// Seconds from the start at which the calls began.
fn seconds(deliveries: &[Delivery]) -> Vec<i64> {
    deliveries.iter().map(|delivery| (delivery.at - START).whole_seconds()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_event_arrives_as_a_record() {
    let function = Told::with([]);
    let stage = stage(&function);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let event = json!({"specversion": "1.0", "id": "e-1"});
    let delivery = stage.host.deliver(event.clone()).await;
    assert_eq!((delivery.attempt, delivery.status, delivery.fate), (1, 200, Fate::Done));
    let calls = function.calls();
    let record = &calls[0]["Records"][0];
    let expected = json!({
        "messageId": record["messageId"], "receiptHandle": record["receiptHandle"], "body": event.to_string(),
        "attributes": {
            "ApproximateReceiveCount": "1", "SentTimestamp": "1795341601500", "SenderId": record["attributes"]["SenderId"],
            "ApproximateFirstReceiveTimestamp": "1795341601500",
        },
        "messageAttributes": {}, "md5OfBody": record["md5OfBody"], "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:111122223333:onboarding", "awsRegion": "eu-central-1",
    });
    assert_eq!(*record, expected);
    assert_eq!(delivery.what.to_string(), format!("message {} of queue onboarding", record["messageId"].as_str().expect("an id")));
    assert!(stage.host.settle(DAY).await.is_empty(), "a delivered message does not come back");
    assert!(stage.simulator.state().world.sqs_messages("onboarding").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failed_message_comes_back_until_it_is_put_away() {
    let function = Told::with(failing(20));
    let stage = stage(&function);
    let mut deliveries = vec![stage.host.deliver(json!({"id": "e-1"})).await];
    deliveries.extend(stage.host.settle(DAY).await);
    assert_eq!(seconds(&deliveries), [0, 360, 720, 1080, 1440]);
    assert_eq!(deliveries[0].fate, Fate::Again(START + time::Duration::seconds(360)));
    assert_eq!((deliveries[4].fate, deliveries[4].attempt, deliveries[4].status), (Fate::GivenUp, 5, 500));
    assert_eq!(deliveries[4].answer, "ended without an answer");
    let dead = stage.host.dead_letters();
    assert_eq!((dead.len(), dead[0].reason, dead[0].attempts, &dead[0].event), (1, "MaxReceiveCountExceeded", 5, &json!({"id": "e-1"})));
    assert_eq!(stage.simulator.state().world.sqs_messages("onboarding-dead-letters").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn messages_go_in_batches_and_fail_one_by_one() {
    let function = Told::with([Ok(r#"{"batchItemFailures":[{"itemIdentifier":"ID"}]}"#.to_owned())]);
    let stage = stage(&function);
    let ids: Vec<String> = (0..12).map(|number| stage.enqueue(&format!("m-{number}"), number)).collect();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let deliveries = stage.host.settle(Duration::from_mins(1)).await;
    let sizes: Vec<_> = function.calls().iter().map(|call| call["Records"].as_array().map_or(0, Vec::len)).collect();
    assert_eq!(sizes, [10, 2]);
    let failed: Vec<_> = deliveries.iter().filter(|delivery| delivery.status == 500).map(|delivery| delivery.what.to_string()).collect();
    assert_eq!(failed, [format!("message {} of queue onboarding", ids[0])]);
    let again = stage.host.settle(DAY).await;
    assert_eq!((seconds(&again), again[0].attempt, again[0].fate), (vec![380], 2, Fate::Done));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_names_no_message_of_the_batch_fails_all() {
    let (all, none) = (vec![500, 500], vec![200, 200]);
    let cases = [
        ("", &none),
        ("null", &none),
        ("{}", &none),
        (r#"{"batchItemFailures":[]}"#, &none),
        (r#"{"batchItemFailures":null}"#, &none),
        ("not JSON", &all),
        (r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, &all),
        (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, &all),
        (r#"{"batchItemFailures":[{"id":"ID"}]}"#, &all),
        (r#"{"batchItemFailures":[{"itemIdentifier":"ID"},{"itemIdentifier":"unknown"}]}"#, &all),
    ];
    for (answer, expected) in cases {
        let stage = stage(&Told::with([Ok(answer.to_owned())]));
        stage.enqueue("one", 0);
        stage.enqueue("two", 0);
        let statuses: Vec<_> = stage.host.pump().await.iter().map(|delivery| delivery.status).collect();
        assert_eq!(statuses, **expected, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_dies_in_the_call_gets_it_again() {
    let function = Arc::new(Told { takes: Duration::from_secs(5), ..Told::default() });
    let stage = stage(&function);
    stage.enqueue("one", 0);
    assert!(tokio::time::timeout(Duration::from_secs(1), stage.host.pump()).await.is_err());
    let deliveries = stage.host.settle(Duration::from_hours(1)).await;
    assert_eq!((seconds(&deliveries), deliveries[0].attempt, deliveries[0].fate), (vec![360], 2, Fate::Done));
}

#[tokio::test(start_paused = true)]
async fn an_event_on_the_bus_comes_through_its_rule() {
    let function = Told::with([]);
    let stage = stage(&function);
    let bus = &stage.cast.aws.bus;
    let entry = |kind: &str| json!({"Source": "pipeline", "DetailType": kind, "Detail": r#"{"scope":"s"}"#});
    let deliveries = stage.host.put_event(bus, &entry("dev.ispm-onboarder.onboarding.requested.v1")).await.expect("a right entry");
    assert_eq!((deliveries.len(), deliveries[0].fate), (1, Fate::Done));
    let body: Value = serde_json::from_str(function.calls()[0]["Records"][0]["body"].as_str().expect("text")).expect("JSON");
    assert_eq!(
        (&body["source"], &body["time"], &body["detail"]),
        (&json!("pipeline"), &json!("2026-11-22T10:00:00Z"), &json!({"scope": "s"}))
    );
    assert!(stage.host.put_event(bus, &entry("another")).await.expect("a right entry").is_empty());
    let error = stage.host.put_event(bus, &json!({})).await.expect_err("a wrong entry");
    assert_eq!(error.code, "InvalidArgument");
}

#[tokio::test(start_paused = true)]
async fn batch_size_and_visibility_are_the_deployments() {
    let function = Told::with(failing(2));
    let Stage { simulator, cast, .. } = stage(&function);
    let host = LambdaHost::new(simulator.clone(), function.clone(), &cast.aws.queue_url);
    let stage = Stage { host: host.with_batch_size(1).with_visibility_timeout(Duration::from_secs(30)), simulator, cast };
    stage.enqueue("one", 0);
    stage.enqueue("two", 10);
    assert_eq!(seconds(&stage.host.settle(Duration::from_hours(1)).await), [0, 10, 30, 40]);
}
