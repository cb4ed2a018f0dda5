//! The platforms that a scenario plays on: the same to a scenario, different in all that they do.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::stream::{self, StreamExt as _};
use ispm_onboarder::hosts::lambda::LambdaFunction;
use ispm_onboarder_simulator::platform::{Delivery, FunctionsHost, LambdaHost};
use ispm_onboarder_simulator::world::QueueMessage;
use ispm_onboarder_simulator::{DemoCast, Simulator};
use serde_json::Value;

use super::account::Stored;
use super::worker::{self, Answer, Worked};

/// Which platform all scenarios of a test binary play on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Azure Functions: Event Grid delivers, the queue is of Azure Storage.
    Functions,
    /// AWS Lambda: the queue is of SQS, and everything comes by it.
    Lambda,
}

/// A platform with the deployment on it.
pub enum Platform {
    Functions { host: FunctionsHost, router: Router },
    Lambda { host: LambdaHost, function: LambdaFunction },
}

impl Platform {
    /// Delivers an event for the first time.
    pub async fn deliver(&self, event: Value) -> Delivery {
        match self {
            Self::Functions { host, .. } => host.deliver(event).await,
            Self::Lambda { host, .. } => host.deliver(event).await,
        }
    }

    /// Delivers all that falls due within a time.
    pub async fn settle(&self, time: Duration) -> Vec<Delivery> {
        match self {
            Self::Functions { host, .. } => host.settle(time).await,
            Self::Lambda { host, .. } => host.settle(time).await,
        }
    }

    /// Hands over each message that is visible in the queue once: on Functions never more than so many at once, as one instance does.
    pub async fn work_through(&self, queue: &str, at_once: usize) {
        match self {
            Self::Functions { host, .. } => {
                let messages = host.visible_messages(queue);
                let calls = messages.iter().map(|id| host.call_with_message(queue, id));
                stream::iter(calls).buffer_unordered(at_once).count().await;
            }
            Self::Lambda { host, .. } => drop(host.pump().await),
        }
    }

    /// Sends a request to the deployment's HTTP face, as somebody whom the platform has let in.
    pub async fn send(&self, worked: &Worked, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        match self {
            Self::Functions { router, .. } => worker::send(router, worked, method, path, headers, body).await,
            Self::Lambda { function, .. } if path.starts_with("/On") => worker::send_as_record(function, worked, &body).await,
            Self::Lambda { function, .. } => worker::send_by_url(function, worked, method, path, headers, body, worker::IAM_CALLER).await,
        }
    }

    /// The result events, oldest first.
    pub fn results(&self, simulator: &Simulator) -> Vec<Value> {
        match self {
            Self::Functions { .. } => simulator.state().world.results(),
            Self::Lambda { .. } => simulator.state().world.bus_results(),
        }
    }

    /// The messages in the deployment's queue.
    pub fn messages(&self, simulator: &Simulator, cast: &DemoCast) -> Vec<Stored> {
        let world = &simulator.state().world;
        match self {
            Self::Functions { .. } => {
                let stored = |message: &QueueMessage| Stored { text: message.text.clone(), visible_from: message.visible_from };
                world.queue_messages(&cast.queue).into_iter().map(stored).collect()
            }
            Self::Lambda { .. } => {
                let messages = world.sqs_messages(&cast.aws.queue).into_iter();
                messages.map(|message| Stored { text: message.body.clone(), visible_from: message.visible_from }).collect()
            }
        }
    }

    /// How many inputs the platform gave up.
    pub fn given_up(&self, simulator: &Simulator, cast: &DemoCast) -> usize {
        match self {
            Self::Functions { host, .. } => {
                let poison = simulator.state().world.queue_messages(&format!("{}-poison", cast.queue)).len();
                host.dead_letters().len() + poison
            }
            Self::Lambda { .. } => simulator.state().world.sqs_messages(&cast.aws.dead_letter_queue).len(),
        }
    }
}

/// The parts that a deployment on Lambda is started with, for the scenarios of its own.
pub fn lambda(simulator: &Simulator, function: LambdaFunction, worked: &Worked, queue_url: &str) -> Platform {
    let worker = Arc::new(worker::Invoked { function: function.clone(), worked: worked.clone() });
    Platform::Lambda { host: LambdaHost::new(simulator.clone(), worker, queue_url), function }
}
