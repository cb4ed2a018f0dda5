//! How the platform calls the app: Event Grid and the Functions host, as far as an app with a custom handler sees them, and Lambda with its
//! event source mapping.
//!
//! Event Grid delivers an event to a function with an `eventGridTrigger`, and delivers again when the call failed. The Functions host takes
//! messages from a Storage queue for a function with a `queueTrigger`, and puts them away after too many failures. Both call the worker
//! with the host's own envelope. All waiting is tokio's, so under a paused clock a day passes in no time.
//!
//! An attempt is entered in the books *before* the worker is called. A future dropped in the middle of a call is a crash of the app, and
//! the event or the message comes back, as it does in Azure.

mod envelope;
mod event_grid;
mod lambda;
mod queue_trigger;
mod sqs_event;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use time::OffsetDateTime;

pub use event_grid::DeadLetter;
use event_grid::{Attempt, Subscription};
pub use lambda::{Batch, Function, LambdaHost};

use crate::Simulator;
use crate::world::QueueMessage;

/// The route of the function with the `eventGridTrigger`; its binding is called `event`.
const EVENT_ROUTE: &str = "/OnOnboardingEvent";
/// The route of the function with the `queueTrigger`; its binding is called `message`.
const MESSAGE_ROUTE: &str = "/OnOnboardingMessage";

/// The app under the host: a router in memory, or a process behind a port.
#[async_trait]
pub trait Worker: Send + Sync {
    /// Posts one call and gives back the status and body. A worker that cannot be reached is a 502, as the host would record it.
    async fn post(&self, path: &str, body: Bytes) -> (u16, Bytes);
}

/// One call of the worker or the function, and what became of what was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What the worker was called with.
    pub what: Delivered,
    /// Counted from 1.
    pub attempt: u32,
    /// The status that the worker answered; for a message in a batch of Lambda's, 200 where it succeeded and 500 where it failed.
    pub status: u16,
    /// When the call began, on the simulator's clock.
    pub at: OffsetDateTime,
    /// The worker's answer; on Lambda, to the whole batch, or the function error.
    pub answer: Bytes,
    /// What became of it after the call.
    pub fate: Fate,
}

/// What was handed to the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// An event, by its id and type.
    Event {
        /// The event's `id`; empty where it has none.
        id: String,
        /// Its `type` (CloudEvents) or `eventType` (Event Grid's own schema); empty where it has neither.
        kind: String,
    },
    /// A message of a Storage queue or of an SQS queue.
    Message {
        /// The queue's name.
        queue: String,
        /// The message's `MessageId`.
        id: String,
    },
}

/// What becomes of an event or a message after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The call succeeded; it does not come back.
    Done,
    /// The call failed; it comes back then.
    Again(OffsetDateTime),
    /// The call failed for the last time: dead-lettered, or moved to the poison queue. SQS moves it when it would become visible again.
    GivenUp,
}

/// A call of the app that was entered in the books and not made yet. Dropped, before or while it is made, it is a crash of the app.
pub struct Call {
    route: &'static str,
    body: Bytes,
    at: OffsetDateTime,
    begun: Begun,
}

/// What a call is about.
enum Begun {
    Event(Attempt),
    Message { queue: String, message: QueueMessage },
}

impl Call {
    /// What the app is called with.
    #[must_use]
    pub fn what(&self) -> Delivered {
        match &self.begun {
            Begun::Event(attempt) => attempt.what(),
            Begun::Message { queue, message } => Delivered::Message { queue: queue.clone(), id: message.id.clone() },
        }
    }

    /// Counted from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        match &self.begun {
            Begun::Event(attempt) => attempt.number(),
            Begun::Message { message, .. } => message.dequeue_count,
        }
    }
}

/// The Functions host of one app, and Event Grid before it.
pub struct FunctionsHost {
    simulator: Simulator,
    worker: Arc<dyn Worker>,
    events: Mutex<Subscription>,
    /// host.json `extensions.queues.visibilityTimeout`.
    visibility_timeout: time::Duration,
}

impl FunctionsHost {
    /// A host for `worker`, with nothing to deliver yet. Failed messages come back after a minute, as host.json says.
    #[must_use]
    pub fn new(simulator: Simulator, worker: Arc<dyn Worker>) -> Self {
        Self { simulator, worker, events: Mutex::default(), visibility_timeout: time::Duration::seconds(60) }
    }

    /// The same host with another `visibilityTimeout`: how long a failed message stays hidden.
    #[must_use]
    pub fn with_visibility_timeout(self, timeout: Duration) -> Self {
        Self { visibility_timeout: length(timeout), ..self }
    }

    /// The same host under an Event Grid that departs from its schedule as the real one does: each wait is a little longer, and some
    /// attempts are passed over. The same seed departs in the same way.
    #[must_use]
    pub fn with_spread(self, seed: u64) -> Self {
        self.events().spread_by(seed);
        self
    }

    /// Publishes an event to the app's event subscription and makes the first attempt to deliver it. [`FunctionsHost::settle`] makes
    /// the others.
    pub async fn deliver(&self, event: Value) -> Delivery {
        let attempt = self.events().publish_and_begin(event, self.simulator.now());
        self.carry(self.event_call(attempt), &*self.worker).await
    }

    /// Publishes an event to the app's event subscription. Its first attempt is due at once, unless the app is on probation.
    pub fn publish(&self, event: Value) {
        self.events().publish(event, self.simulator.now());
    }

    /// When the next call of the app is due, or was.
    #[must_use]
    pub fn next_due(&self) -> Option<OffsetDateTime> {
        let event = self.events().next_due();
        [event, self.next_message().map(|message| message.due)].into_iter().flatten().min()
    }

    /// Begins the call that has been due the longest; `None` when none is due. Several may be under way at once.
    pub fn begin(&self) -> Option<Call> {
        let now = self.simulator.now();
        loop {
            let event = self.events().next_due().filter(|due| *due <= now);
            let message = self.next_message().filter(|message| message.due <= now);
            match (event, message) {
                (Some(event), message) if message.as_ref().is_none_or(|message| event <= message.due) => {
                    let attempt = self.events().begin(now)?;
                    return Some(self.event_call(attempt));
                }
                (_, Some(message)) => {
                    // One that has failed too often is put away without a call.
                    if let Some(call) = self.message_call(&message.queue, &message.id) {
                        return Some(call);
                    }
                }
                (..) => return None,
            }
        }
    }

    /// Makes a call that was begun, of this instance of the app, and enters in the books what became of it.
    pub async fn carry(&self, call: Call, worker: &dyn Worker) -> Delivery {
        let (what, number) = (call.what(), call.attempt());
        let (status, answer) = worker.post(call.route, call.body).await;
        let now = self.simulator.now();
        let fate = match &call.begun {
            Begun::Event(attempt) => self.finish_event(attempt, succeeded(status, &answer), call.at, now),
            Begun::Message { queue, message } => self.finish(queue, message, succeeded(status, &answer), now),
        };
        Delivery { what, attempt: number, status, at: call.at, answer, fate }
    }

    /// Hands every message of `queue` that is visible now to the worker, each once, in the order in which they became visible.
    pub async fn pump_queue(&self, queue: &str) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        for id in self.visible_messages(queue) {
            deliveries.extend(self.call_with_message(queue, &id).await);
        }
        deliveries
    }

    /// Delivers all that falls due before `limit` has passed, sleeping from one due time to the next.
    pub async fn settle(&self, limit: Duration) -> Vec<Delivery> {
        let deadline = self.simulator.now().saturating_add(length(limit));
        let mut deliveries = Vec::new();
        while let Some(delivery) = self.next(deadline).await {
            deliveries.push(delivery);
        }
        deliveries
    }

    /// Sleeps until the next event or message is due and delivers it; `None` when nothing falls due until `deadline`.
    pub async fn next(&self, deadline: OffsetDateTime) -> Option<Delivery> {
        loop {
            if let Some(call) = self.begin() {
                return Some(self.carry(call, &*self.worker).await);
            }
            let due = self.next_due().filter(|due| *due <= deadline)?;
            let now = self.simulator.now();
            // What was due and is not begun was put away.
            if due > now {
                tokio::time::sleep((due - now).unsigned_abs()).await;
            }
        }
    }

    /// The events that Event Grid gave up on, oldest first.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.events().dead_letters()
    }

    fn events(&self) -> MutexGuard<'_, Subscription> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the host counts a call as succeeded. The host waits for the fields of a JSON object; an empty 2xx (and `null`) leaves the call
/// open until the function times out (azure-functions-host, `DefaultHttpWorkerService.ProcessDefaultInvocationRequest`), so it is a failure.
fn succeeded(status: u16, answer: &[u8]) -> bool {
    (200..300).contains(&status) && serde_json::from_slice::<Value>(answer).is_ok_and(|answer| answer.is_object())
}

fn length(duration: Duration) -> time::Duration {
    time::Duration::try_from(duration).unwrap_or(time::Duration::MAX)
}

impl fmt::Display for Delivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { id, kind } => write!(f, "event {id} ({kind})"),
            Self::Message { queue, id } => write!(f, "message {id} of queue {queue}"),
        }
    }
}
