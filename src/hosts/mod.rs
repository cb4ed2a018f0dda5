//! The hosts: how platforms carry events to the straight line.

pub mod functions;
pub mod http;
#[cfg(feature = "aws")]
pub mod lambda;
pub mod serve;

use std::sync::Arc;

use tokio::time::Instant;

use crate::Onboarder;
use crate::delivery::Delivery;
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

/// Puts one input into the queue and logs that.
#[cfg(feature = "aws")]
async fn hand_on(onboarder: &Arc<Onboarder>, function: &str, inbound: Inbound, delivery: Delivery) -> TakenUp {
    let started = Instant::now();
    let taken = onboarder.hand_on(inbound, delivery).await;
    telemetry::log(function, &delivery.id.to_string(), &taken, started.elapsed());
    taken
}
