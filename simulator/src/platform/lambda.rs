//! Lambda's event source mapping of an SQS queue: messages taken in batches, deleted after a success, left to come back after a failure.
//!
//! Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" and "Handling errors for an SQS event source in Lambda". Lambda asks
//! the queue all the time, so a message is handed over when it becomes visible, and moves to the dead-letter queue when its next receipt
//! would be one too many.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{DeadLetter, Delivered, Delivery, Fate, length, sqs_event};
use crate::Simulator;
use crate::world::aws::{Entry, EntryError, Message, Queue};

/// `VisibilityTimeout` of the queue: six times a function's timeout of a minute, as Lambda's guide advises.
const VISIBILITY_TIMEOUT: time::Duration = time::Duration::seconds(360);
/// The event source mapping's default `BatchSize`.
const BATCH_SIZE: usize = 10;

/// The function under Lambda: code in memory, or a process behind a port.
#[async_trait]
pub trait Function: Send + Sync {
    /// Invokes the function and gives back its answer.
    ///
    /// # Errors
    /// A function error: what the function reported instead of an answer, or that it ended without one.
    async fn invoke(&self, payload: Bytes) -> Result<Bytes, String>;
}

/// Messages that were received for one invocation, which was not made yet. Dropped, before or while it is made, it is a crash of the
/// function: the messages come back when their visibility timeout ends.
pub struct Batch {
    messages: Vec<Message>,
    at: OffsetDateTime,
}

impl Batch {
    /// What the function is invoked with, each with the number of its receipt.
    pub fn what(&self) -> impl Iterator<Item = (&str, u32)> {
        self.messages.iter().map(|message| (message.id.as_str(), message.receive_count))
    }
}

/// Lambda with one function and its event source mapping of one queue.
pub struct LambdaHost {
    simulator: Simulator,
    function: Arc<dyn Function>,
    /// The account and the name of the queue.
    place: (String, String),
    batch_size: usize,
    visibility_timeout: time::Duration,
    /// Deliveries of the last batch that nobody has asked for yet.
    delivered: Mutex<VecDeque<Delivery>>,
}

impl LambdaHost {
    /// A host that hands the messages of a queue to `function`. The queue is given by its URL.
    #[must_use]
    pub fn new(simulator: Simulator, function: Arc<dyn Function>, queue_url: &str) -> Self {
        let mut segments = queue_url.rsplit('/').map(str::to_owned);
        let queue = segments.next().unwrap_or_default();
        let place = (segments.next().unwrap_or_default(), queue);
        Self { simulator, function, place, batch_size: BATCH_SIZE, visibility_timeout: VISIBILITY_TIMEOUT, delivered: Mutex::default() }
    }

    /// The same host with another `VisibilityTimeout`: how long a message stays hidden once it was received.
    #[must_use]
    pub fn with_visibility_timeout(self, timeout: Duration) -> Self {
        Self { visibility_timeout: length(timeout), ..self }
    }

    /// The same host with another `BatchSize`: the most messages in one invocation.
    #[must_use]
    pub fn with_batch_size(self, size: usize) -> Self {
        Self { batch_size: size.max(1), ..self }
    }

    /// Puts an event's text into the queue and hands it over at once, alone. [`LambdaHost::settle`] makes further attempts.
    pub async fn deliver(&self, event: Value) -> Delivery {
        let now = self.simulator.now();
        let (account, queue) = &self.place;
        let sent = self.simulator.state().world.send_message(account, queue, event.to_string(), now, now);
        let batch = self.receive(|message| Some(&message.id) == sent.as_ref(), 1);
        let delivered = self.carry(Batch { messages: batch, at: now }, &*self.function).await.pop();
        // Without the queue the message went nowhere; that is a failure without a call.
        let what = Delivered::Message { queue: queue.clone(), id: sent.unwrap_or_default() };
        delivered.unwrap_or(Delivery { what, attempt: 0, status: 500, at: now, answer: Bytes::new(), fate: Fate::GivenUp })
    }

    /// Puts an entry of `PutEvents` on a bus of the account and hands over, each alone, the messages that the bus's rules make of it in this
    /// queue.
    ///
    /// # Errors
    /// What EventBridge says is wrong with the entry.
    pub async fn put_event(&self, bus: &str, entry: &Value) -> Result<Vec<Delivery>, EntryError> {
        let now = self.simulator.now();
        let (account, queue) = &self.place;
        let (_, sent) = self.simulator.state().world.put_event(account, bus, Entry::of(entry)?, now);
        let mut deliveries = Vec::new();
        for (_, id) in sent.iter().filter(|(target, _)| target == queue) {
            let batch = self.receive(|message| message.id == *id, 1);
            deliveries.extend(self.carry(Batch { messages: batch, at: now }, &*self.function).await);
        }
        Ok(deliveries)
    }

    /// Hands every message that is visible now to the function, each once, in batches.
    pub async fn pump(&self) -> Vec<Delivery> {
        let visible: BTreeSet<String> = self.visible().into_iter().collect();
        let mut deliveries = Vec::new();
        loop {
            let now = self.simulator.now();
            let left = |message: &Message| visible.contains(&message.id) && !is_among(&deliveries, &message.id);
            let batch = self.receive(left, self.batch_size);
            if batch.is_empty() {
                return deliveries;
            }
            deliveries.extend(self.carry(Batch { messages: batch, at: now }, &*self.function).await);
        }
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

    /// The next message's delivery; sleeps until one is due. `None` when nothing falls due until `deadline`.
    ///
    /// A batch is handed over at once, and its deliveries come out one by one.
    pub async fn next(&self, deadline: OffsetDateTime) -> Option<Delivery> {
        loop {
            let ready = self.delivered().pop_front();
            if ready.is_some() {
                return ready;
            }
            if let Some(batch) = self.begin() {
                let deliveries = self.carry(batch, &*self.function).await;
                self.delivered().extend(deliveries);
                continue;
            }
            let due = self.next_due().filter(|due| *due <= deadline)?;
            tokio::time::sleep((due - self.simulator.now()).unsigned_abs()).await;
        }
    }

    /// When the next message can be received, or could.
    #[must_use]
    pub fn next_due(&self) -> Option<OffsetDateTime> {
        self.with_queue(|queue| queue.messages.iter().map(|message| message.visible_from).min()).flatten()
    }

    /// Receives a batch of what is visible; `None` when nothing is. Several may be under way at once.
    pub fn begin(&self) -> Option<Batch> {
        let at = self.simulator.now();
        let messages = self.receive(|_| true, self.batch_size);
        (!messages.is_empty()).then_some(Batch { messages, at })
    }

    /// Invokes this instance of the function with a batch, and settles each of its messages.
    pub async fn carry(&self, batch: Batch, function: &dyn Function) -> Vec<Delivery> {
        let Batch { messages: batch, at } = batch;
        let Some(payload) = self.payload(&batch) else { return Vec::new() };
        let answered = function.invoke(payload).await;
        let failed = match &answered {
            Ok(answer) => sqs_event::failures(answer, &batch),
            Err(_) => sqs_event::ids(&batch),
        };
        let answer = answered.unwrap_or_else(Bytes::from);
        let deliveries = batch.into_iter().map(|message| {
            let is_done = !failed.contains(&message.id);
            let fate = self.finish(&message, is_done);
            let what = Delivered::Message { queue: self.place.1.clone(), id: message.id };
            let status = if is_done { 200 } else { 500 };
            Delivery { what, attempt: message.receive_count, status, at, answer: answer.clone(), fate }
        });
        deliveries.collect()
    }

    /// What is in the dead-letter queue of the queue, oldest first: the text as JSON where it is some.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        let state = self.simulator.state();
        let account = state.world.aws.get(&self.place.0);
        let redrive = account.and_then(|account| account.queues.get(&self.place.1)?.redrive.as_ref());
        let queue = redrive.and_then(|redrive| account?.queues.get(&redrive.dead_letter_queue));
        let messages = queue.into_iter().flat_map(|queue| &queue.messages);
        let letters = messages.map(|message| DeadLetter {
            event: serde_json::from_str(&message.body).unwrap_or_else(|_| json!(message.body)),
            reason: "MaxReceiveCountExceeded",
            attempts: message.receive_count,
        });
        letters.collect()
    }

    fn delivered(&self) -> MutexGuard<'_, VecDeque<Delivery>> {
        self.delivered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_queue<T>(&self, act: impl FnOnce(&mut Queue) -> T) -> Option<T> {
        let mut state = self.simulator.state();
        state.world.aws.get_mut(&self.place.0)?.queues.get_mut(&self.place.1).map(act)
    }

    fn visible(&self) -> Vec<String> {
        let now = self.simulator.now();
        let ids = |queue: &mut Queue| queue.messages.iter().filter(|own| own.is_visible(now)).map(|own| own.id.clone()).collect();
        self.with_queue(ids).unwrap_or_default()
    }

    /// Receives visible messages, those that became so first, and hides them for the visibility timeout: a function that dies with the
    /// call gets them again.
    fn receive(&self, wanted: impl Fn(&Message) -> bool, most: usize) -> Vec<Message> {
        let now = self.simulator.now();
        let handles: Vec<String> = {
            let mut state = self.simulator.state();
            (0..most).map(|_| state.world.new_id().simple().to_string()).collect()
        };
        let received = self.with_queue(|queue| queue.receive(handles, now, self.visibility_timeout, wanted));
        received.unwrap_or_default()
    }

    /// The event for a batch; `None` where there is nothing to call with.
    fn payload(&self, batch: &[Message]) -> Option<Bytes> {
        let state = self.simulator.state();
        let (account_id, queue) = &self.place;
        let account = state.world.aws.get(account_id).filter(|_| !batch.is_empty())?;
        let arn = account.arn(account_id, "sqs", queue);
        Some(sqs_event::of(batch, &arn, &account.region))
    }

    /// Deletes a message after a success. After a failure Lambda does nothing: the message comes back by itself.
    fn finish(&self, message: &Message, is_done: bool) -> Fate {
        let fate = self.with_queue(|queue| {
            if is_done {
                queue.messages.retain(|own| own.receipt_handle != message.receipt_handle);
                return Fate::Done;
            }
            match &queue.redrive {
                Some(redrive) if message.receive_count >= redrive.max_receive_count => Fate::GivenUp,
                _ => Fate::Again(message.visible_from),
            }
        });
        fate.unwrap_or(Fate::GivenUp)
    }
}

fn is_among(deliveries: &[Delivery], id: &str) -> bool {
    deliveries.iter().any(|delivery| matches!(&delivery.what, Delivered::Message { id: own, .. } if own == id))
}
