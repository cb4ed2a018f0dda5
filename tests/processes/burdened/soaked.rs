//! What a process holds does not grow with the events that it has worked on.
//!
//! `EVENTS` says how many of them there are in the long runs.

use std::time::Instant;

use reqwest::Method;
use serde_json::Value;

use super::{another, new_subscriptions};
use crate::functions_host::FunctionApp;
use crate::host::Host;
use crate::lambda::function::Function;
use crate::process::Held;
use crate::simulator::Simulator;

/// How many events `cargo test` and `cargo xtask real` work on, where nobody says.
const FEW: usize = 600;
const SOME: usize = 3_000;
/// How many scopes they are about.
const SCOPES: usize = 50;
/// After so many events the simulated world forgets, so that it is not what grows.
const ROUND: usize = 500;
/// What memory may still grow by after a tenth of the events, in KiB: pools and caches fill up late.
const SLACK: usize = 8 * 1024;

fn events() -> usize {
    std::env::var("EVENTS").map_or(SOME, |text| text.parse().expect("EVENTS is a number"))
}

/// Works on so many events, and tells what the process holds after a tenth, half and all of them.
async fn soak<H: Host>(events: usize) {
    let simulator = Simulator::start().await;
    let host = H::start(&simulator).await;
    let scopes = new_subscriptions(&simulator, SCOPES).await;
    let (started, mut done, mut held) = (Instant::now(), 0, Vec::new());
    for mark in [events / 10, events / 2, events] {
        while done < mark {
            let round: Vec<Value> = (done..mark.min(done + ROUND)).map(|number| another(&scopes[number % SCOPES])).collect();
            host.work_on(&round, |_| ()).await;
            let results = H::results(&simulator).await;
            assert_eq!(results.len(), round.len(), "each event has its result");
            assert!(results.iter().all(|result| result["type"] == "dev.ispm-onboarder.scope.onboarded.v1"), "{results:?}");
            for forgotten in ["results", "requests"] {
                simulator.control(Method::DELETE, forgotten, None).await;
            }
            done += round.len();
        }
        held.push(host.process().held());
    }
    let seconds = started.elapsed().as_secs_f64();
    let [Held { resident: tenth, .. }, Held { resident: half, .. }, Held { resident: all, peak, .. }] = held[..] else { panic!() };
    let files: Vec<usize> = held.iter().map(|held| held.files).collect();
    #[allow(clippy::cast_precision_loss, reason = "a rate that people read")]
    let rate = events as f64 / seconds;
    println!(
        "{}: {events} events, {rate:.0}/s; after 10 %, 50 %, 100 %: resident {tenth}, {half}, {all} KiB (peak {peak}), open files {files:?}",
        H::NAME
    );
    assert!(all <= tenth + tenth / 5 + SLACK, "memory grows with events: {held:?}");
    assert!(files[2] <= files[0] + H::AT_ONCE, "open files grow with events: {held:?}");
    let world = simulator.world().await;
    let assigned = world["roleAssignments"].as_array().unwrap().iter().filter(|found| found["description"].is_string()).count();
    assert_eq!(assigned, SCOPES, "each scope has one assignment");
}

#[tokio::test]
async fn the_handler_holds_no_more_after_hundreds_of_events() {
    soak::<FunctionApp>(FEW).await;
}

#[tokio::test]
async fn bootstrap_holds_no_more_after_hundreds_of_events() {
    soak::<Function>(FEW).await;
}

#[tokio::test]
#[ignore = "takes long; `cargo xtask real` does it with some thousands, `cargo xtask soak` with a hundred thousand"]
async fn the_handler_holds_no_more_after_many_events() {
    soak::<FunctionApp>(events()).await;
}

#[tokio::test]
#[ignore = "takes long; `cargo xtask real` does it with some thousands, `cargo xtask soak` with a hundred thousand"]
async fn bootstrap_holds_no_more_after_many_events() {
    soak::<Function>(events()).await;
}
