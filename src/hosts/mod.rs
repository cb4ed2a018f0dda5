//! The hosts: how platforms carry events to the straight line.

mod arrival;
mod coverage;
mod deployment;
pub mod functions;
pub mod http;
#[cfg(feature = "aws")]
pub mod lambda;
mod ops;
mod rate;
pub mod serve;
mod sweep;

pub use deployment::Deployment;

use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use tokio::time::Instant;

use crate::Onboarder;
use crate::delivery::Delivery;
use crate::error::Code;
use crate::request::Inbound;
use crate::take_up::TakenUp;
use crate::telemetry;

/// Takes up one input and logs how it ended.
async fn take_up(onboarder: &Arc<Onboarder>, function: &str, inbound: Inbound, delivery: Delivery) -> TakenUp {
    let started = Instant::now();
    let taken = onboarder.take_up(inbound, delivery).await;
    telemetry::log(function, &delivery.id.to_string(), &taken, started.elapsed());
    taken
}

/// How many inputs are put into the queue at once: a full batch, of some thousand small ones, has to be done within seconds.
const SIDE_BY_SIDE: usize = 16;

/// Puts the entries of a log into the queue, and answers also how many of them are not for this project. Most are not, so that these share
/// one line of the log.
async fn hand_on_entries(onboarder: &Arc<Onboarder>, function: &str, entries: Vec<Inbound>, delivery: Delivery) -> (Vec<TakenUp>, usize) {
    let (mut relevant, mut ignored) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry.request {
            Err(refusal) if refusal.error.code == Code::Irrelevant => ignored.push(refusal.error),
            request => relevant.push(Inbound { request, ..entry }),
        }
    }
    if let Some(error) = ignored.first() {
        telemetry::log_ignored(function, &delivery.id.to_string(), ignored.len(), error);
    }
    let each = relevant.into_iter().enumerate();
    let handing_on = each.map(|(position, entry)| hand_on(onboarder, function, entry, delivery.part(position)));
    (stream::iter(handing_on).buffer_unordered(SIDE_BY_SIDE).collect().await, ignored.len())
}

/// Puts one input into the queue and logs that.
async fn hand_on(onboarder: &Arc<Onboarder>, function: &str, inbound: Inbound, delivery: Delivery) -> TakenUp {
    let started = Instant::now();
    let taken = onboarder.hand_on(inbound, delivery).await;
    telemetry::log(function, &delivery.id.to_string(), &taken, started.elapsed());
    taken
}
