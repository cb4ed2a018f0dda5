//! One event, a thousand times at once.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::StatusCode;

use crate::functions_host::FunctionApp;
use crate::host::Host;
use crate::killed::assert_onboarded;
use crate::lambda::function::Function;
use crate::lambda::records::{all_done, batch};
use crate::process::allow_open_files;
use crate::simulator::Simulator;

const DUPLICATES: usize = 1_000;
/// What a batch holds at most where it is gathered for a while (Lambda developer guide, "Using Lambda with Amazon SQS"); here half of the
/// duplicates come in each of two batches.
const RECORDS: usize = 500;
/// What Event Grid waits for an answer.
const IN_TIME: Duration = Duration::from_secs(30);
/// The open files that a process may have on Lambda (Lambda developer guide, "Lambda quotas"), and on many a system where nobody says.
const OPEN_FILES: u64 = 1_024;
/// What a process may hold at most, in KiB: less than half of what the smallest instance has.
const MOST_RESIDENT: usize = 200 * 1024;

/// Delivers in a way of the host's and looks at what is left.
async fn delivered<H: Host>(deliver: impl AsyncFnOnce(&H, &serde_json::Value)) {
    allow_open_files();
    let simulator = Simulator::start().await;
    let host = H::start(&simulator).await;
    host.process().allow_files(OPEN_FILES);
    let event = simulator.new_subscription().await;
    let (before, started) = (simulator.world().await, Instant::now());
    deliver(&host, &event).await;
    let (took, held) = (started.elapsed(), host.process().held());
    let results = H::results(&simulator).await;
    println!("{}: {DUPLICATES} duplicates in {took:?}, {} calls, {held:?}", H::NAME, simulator.calls().await.len());
    assert!(took < IN_TIME, "{took:?}");
    assert!(held.peak < MOST_RESIDENT, "{held:?}");
    assert_eq!(results.len(), DUPLICATES, "each is answered with the result");
    assert_onboarded(&before, &simulator.world().await, &[event["data"]["scope"].as_str().unwrap()], &results);
}

#[tokio::test]
async fn the_handler_makes_one_assignment_and_refuses_none() {
    delivered::<FunctionApp>(async |app, event| {
        for answer in join_all((0..DUPLICATES).map(|_| app.deliver(event))).await {
            assert_eq!(answer.status, StatusCode::OK, "Event Grid would hold back what comes after: {answer:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn bootstrap_makes_one_assignment_and_gives_none_back() {
    delivered::<Function>(async |function, event| {
        let text = event.to_string();
        for _ in 0..DUPLICATES / RECORDS {
            assert_eq!(function.invoke(&batch(&vec![text.as_str(); RECORDS])).await, all_done());
        }
    })
    .await;
}
