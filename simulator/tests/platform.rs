//! Event Grid and the Functions host as the app sees them, under tokio's paused clock.

#![allow(clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use ispm_onboarder_simulator::{
    Clock, Simulator, World,
    platform::{Delivered, Delivery, Fate, FunctionsHost, Worker},
    world::QueueMessage,
};
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::datetime};

const START: OffsetDateTime = datetime!(2026-11-22 10:00 UTC);
const DAY: Duration = Duration::from_hours(24);

/// A worker that answers what it was told, in order, and then as the host likes it; it keeps what it was sent.
#[derive(Default)]
struct Told {
    answers: Mutex<VecDeque<(u16, &'static str)>>,
    calls: Mutex<Vec<(String, Value)>>,
    takes: Duration,
}

impl Told {
    fn with(answers: impl IntoIterator<Item = (u16, &'static str)>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    fn calls(&self) -> Vec<(String, Value)> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Worker for Told {
    async fn post(&self, path: &str, body: Bytes) -> (u16, Bytes) {
        let body = serde_json::from_slice(&body).unwrap_or_else(|error| json!(error.to_string()));
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push((path.to_owned(), body));
        tokio::time::sleep(self.takes).await;
        let told = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let (status, answer) = told.unwrap_or((200, "{}"));
        (status, Bytes::from_static(answer.as_bytes()))
    }
}

fn simulator() -> Simulator {
    let mut world = World::empty();
    world.add_queue("contoso", "onboarding", "11111111-1111-4111-8111-111111111111");
    Simulator::new(world, Clock::starting_at(START))
}

fn host(worker: &Arc<Told>) -> (Simulator, FunctionsHost) {
    let simulator = simulator();
    (simulator.clone(), FunctionsHost::new(simulator, worker.clone()))
}

fn event() -> Value {
    json!({"specversion": "1.0", "id": "e-1", "type": "dev.ispm-onboarder.onboarding.requested.v1", "source": "urn:test",
        "data": {"tenantId": "t", "scope": "s"}})
}

fn enqueue(simulator: &Simulator, text: &str, delay: i64) {
    let message = QueueMessage {
        id: format!("m-{text}"),
        text: text.to_owned(),
        inserted_on: START,
        expires_on: Some(START + time::Duration::days(7)),
        visible_from: START + time::Duration::seconds(delay),
        dequeue_count: 0,
        pop_receipt: format!("first-{text}"),
    };
    let mut state = simulator.state();
    let account = state.world.storage_accounts.get_mut("contoso");
    account.and_then(|account| account.queues.get_mut("onboarding")).expect("the queue is there").push(message);
}

/// Seconds from the start at which the calls began.
fn seconds(deliveries: &[Delivery]) -> Vec<i64> {
    deliveries.iter().map(|delivery| (delivery.at - START).whole_seconds()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_event_nests_in_the_call() {
    let worker = Told::with([]);
    let (_, host) = host(&worker);
    let delivery = host.deliver(event()).await;
    assert_eq!((delivery.attempt, delivery.status, delivery.fate), (1, 200, Fate::Done));
    assert_eq!(delivery.what.to_string(), "event e-1 (dev.ispm-onboarder.onboarding.requested.v1)");
    let (path, body) = worker.calls().remove(0);
    assert_eq!(path, "/OnOnboardingEvent");
    assert_eq!(body["Data"], json!({"event": event()}));
    assert_eq!(body["Metadata"]["data"], event()["data"]);
    assert_eq!(body["Metadata"]["sys"]["MethodName"], "OnOnboardingEvent");
    assert!(host.settle(DAY).await.is_empty(), "a delivered event does not come back");
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_comes_back_on_event_grids_schedule() {
    let worker = Told::with([(500, "{}"); 20]);
    let (simulator, host) = host(&worker);
    let mut deliveries = vec![host.deliver(event()).await];
    deliveries.extend(host.settle(DAY * 2).await);
    // 10 s, 30 s, 1, 5, 10 and 30 min, 1, 3, 6 and 12 h; 12 h more would be beyond the 24 hours.
    assert_eq!(seconds(&deliveries), [0, 10, 40, 100, 400, 1000, 2800, 6400, 17200, 38800, 82000]);
    assert_eq!(deliveries.iter().map(|delivery| delivery.attempt).collect::<Vec<_>>(), (1..=11).collect::<Vec<_>>());
    assert_eq!(deliveries[0].fate, Fate::Again(START + time::Duration::seconds(10)));
    assert_eq!(deliveries[10].fate, Fate::GivenUp);
    let dead = host.dead_letters();
    assert_eq!((dead.len(), dead[0].reason, dead[0].attempts, &dead[0].event), (1, "TimeToLiveExceeded", 11, &event()));
    assert_eq!(simulator.now(), START + time::Duration::seconds(82000), "nothing was waited for after the last attempt");
}

#[tokio::test(start_paused = true)]
async fn a_later_success_ends_the_attempts() {
    let worker = Told::with([(503, ""), (404, "{}")]);
    let (_, host) = host(&worker);
    host.deliver(event()).await;
    let deliveries = host.settle(DAY).await;
    assert_eq!(seconds(&deliveries), [10, 40]);
    assert_eq!(deliveries[1].fate, Fate::Done);
    assert!(host.dead_letters().is_empty());
}

#[tokio::test(start_paused = true)]
async fn settling_stops_at_its_limit() {
    let worker = Told::with([(500, "{}"); 20]);
    let (_, host) = host(&worker);
    host.deliver(event()).await;
    assert_eq!(seconds(&host.settle(Duration::from_mins(1)).await), [10, 40]);
    assert_eq!(seconds(&host.settle(Duration::from_mins(1)).await), [100]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_the_host_cannot_read_is_a_failure() {
    for (status, answer) in [(200, ""), (204, ""), (200, "null"), (200, "ok"), (302, "{}")] {
        let worker = Told::with([(status, answer)]);
        let (_, host) = host(&worker);
        assert!(matches!(host.deliver(event()).await.fate, Fate::Again(_)), "{status} {answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_after_thirty_seconds_is_too_late_for_event_grid() {
    let worker = Arc::new(Told { takes: Duration::from_secs(31), ..Told::default() });
    let (_, host) = host(&worker);
    let delivery = host.deliver(event()).await;
    assert_eq!((delivery.status, delivery.fate), (200, Fate::Again(START + time::Duration::seconds(41))));
}

#[tokio::test(start_paused = true)]
async fn an_app_that_dies_in_the_call_gets_it_again() {
    let worker = Arc::new(Told { takes: Duration::from_secs(5), ..Told::default() });
    let (simulator, host) = host(&worker);
    enqueue(&simulator, "hello", 0);
    let second = Duration::from_secs(1);
    assert!(tokio::time::timeout(second, host.deliver(event())).await.is_err());
    assert!(tokio::time::timeout(second, host.pump_queue("onboarding")).await.is_err());
    let deliveries = host.settle(Duration::from_hours(1)).await;
    // The message was leased for ten minutes after the first second.
    assert_eq!(seconds(&deliveries), [10, 601]);
    assert!(deliveries.iter().all(|delivery| delivery.attempt == 2 && delivery.fate == Fate::Done));
}

#[tokio::test(start_paused = true)]
async fn a_message_arrives_as_stored_with_its_metadata() {
    let worker = Told::with([]);
    let (simulator, host) = host(&worker);
    let texts = [r#"{"scope":"s"}"#, "eyJzY29wZSI6InMifQ=="];
    for text in texts {
        enqueue(&simulator, text, 0);
    }
    let deliveries = host.pump_queue("onboarding").await;
    assert_eq!(deliveries.len(), 2);
    assert!(simulator.state().world.queue_messages("onboarding").is_empty(), "a success deletes the message");
    for ((path, body), text) in worker.calls().into_iter().zip(texts) {
        assert_eq!(path, "/OnOnboardingMessage");
        // JSON text inside a string, as the host writes every string.
        assert_eq!(body["Data"]["message"], json!(json!(text).to_string()));
        assert_eq!(body["Metadata"]["Id"], json!(json!(format!("m-{text}")).to_string()));
        assert_eq!(body["Metadata"]["DequeueCount"], "1");
        assert_eq!(body["Metadata"]["InsertionTime"], "2026-11-22T10:00:00+00:00");
        assert_eq!(body["Metadata"]["ExpirationTime"], "2026-11-29T10:00:00+00:00");
        assert_eq!(body["Metadata"]["NextVisibleTime"], "2026-11-22T10:10:00+00:00");
        assert!(body["Metadata"]["PopReceipt"].is_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_keeps_failing_goes_to_the_poison_queue() {
    let worker = Told::with([(500, "{}"); 20]);
    let (simulator, host) = host(&worker);
    enqueue(&simulator, "hello", 60);
    let deliveries = host.with_visibility_timeout(Duration::from_secs(5)).settle(DAY).await;
    assert_eq!(seconds(&deliveries), [60, 65, 70, 75, 80]);
    assert_eq!(deliveries[3].fate, Fate::Again(START + time::Duration::seconds(80)));
    assert_eq!(deliveries[4].fate, Fate::GivenUp);
    assert!(matches!(&deliveries[4].what, Delivered::Message { queue, id } if queue == "onboarding" && id == "m-hello"));
    let state = simulator.state();
    assert!(state.world.queue_messages("onboarding").is_empty());
    let poison: Vec<_> = state.world.queue_messages("onboarding-poison").into_iter().map(|message| message.text.as_str()).collect();
    assert_eq!(poison, ["hello"]);
}

#[tokio::test(start_paused = true)]
async fn events_and_messages_are_delivered_in_the_order_of_their_time() {
    let worker = Told::with([(500, "{}")]);
    let (simulator, host) = host(&worker);
    enqueue(&simulator, "late", 20);
    enqueue(&simulator, "early", 5);
    host.deliver(event()).await;
    let paths: Vec<_> = host.settle(DAY).await.into_iter().map(|delivery| delivery.what.to_string()).collect();
    assert_eq!(
        paths,
        [
            "message m-early of queue onboarding",
            "event e-1 (dev.ispm-onboarder.onboarding.requested.v1)",
            "message m-late of queue onboarding"
        ]
    );
}

fn numbered(number: usize) -> Value {
    let mut event = event();
    event["id"] = json!(format!("e-{number}"));
    event
}

#[tokio::test(start_paused = true)]
async fn an_app_that_fails_ten_times_in_a_row_is_left_alone_for_five_minutes_and_longer_each_time() {
    let worker = Told::with([(500, "{}"); 11]);
    let (_, host) = host(&worker);
    for number in 1..=10 {
        assert_eq!(host.deliver(numbered(number)).await.attempt, 1);
    }
    host.publish(numbered(11));
    assert_eq!(host.next_due(), Some(START + time::Duration::minutes(5)), "a new event waits too");
    let first = host.next(START + time::Duration::hours(1)).await.expect("one is due");
    assert_eq!(first.at - START, time::Duration::minutes(5));
    assert_eq!(host.next_due(), Some(START + time::Duration::minutes(15)), "ten minutes after one more failure");
    let deliveries = host.settle(DAY).await;
    assert_eq!((deliveries.len(), seconds(&deliveries)), (11, vec![900; 11]), "a success ends it for all");
    assert_eq!(host.next_due(), None);
}

#[tokio::test(start_paused = true)]
async fn a_spread_makes_waits_longer_passes_attempts_over_and_is_the_same_for_the_same_seed() {
    async fn attempts(spread: u64) -> Vec<i64> {
        let worker = Told::with([(500, "{}"); 40]);
        let host = host(&worker).1.with_spread(spread);
        host.deliver(event()).await;
        seconds(&host.settle(DAY * 2).await)
    }
    const SCHEDULE: [i64; 10] = [10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200];
    let mut passed_over = false;
    for spread in 0..20 {
        let found = attempts(spread).await;
        assert_eq!(found, attempts(spread).await, "seed {spread}");
        let waits = found.iter().zip([0].iter().chain(&found)).map(|(at, before)| at - before);
        for (wait, scheduled) in waits.zip(SCHEDULE) {
            assert!(wait >= scheduled, "seed {spread}: {found:?}");
            passed_over |= wait > scheduled + scheduled / 5;
        }
    }
    assert!(passed_over);
}

#[tokio::test(start_paused = true)]
async fn calls_that_were_begun_run_side_by_side_and_each_is_begun_once() {
    let worker = Arc::new(Told { takes: Duration::from_secs(3), ..Told::default() });
    let (simulator, host) = host(&worker);
    host.publish(numbered(1));
    enqueue(&simulator, "one", 0);
    let (event, message) = (host.begin().expect("an event is due"), host.begin().expect("a message is due"));
    assert!(host.begin().is_none(), "both are under way");
    let (event, message) = tokio::join!(host.carry(event, &*worker), host.carry(message, &*worker));
    assert_eq!((event.fate, message.fate), (Fate::Done, Fate::Done));
    assert_eq!(simulator.now() - START, time::Duration::seconds(3));
    assert!(host.settle(DAY).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_carried_is_begun_again() {
    let worker = Told::with([]);
    let (_, host) = host(&worker);
    host.publish(event());
    drop(host.begin().expect("it is due"));
    assert_eq!(seconds(&host.settle(DAY).await), [10], "as after a failed attempt");
}
