//! The queue trigger: messages leased from a Storage queue, deleted after a success, put away after too many failures.
//!
//! Source: azure-sdk-for-net, the `WebJobs` extension for Storage queues (`QueueListener`, `QueueProcessor`). Text goes to the worker as it
//! is stored, because host.json sets `messageEncoding` to `none`.

use time::{Duration, OffsetDateTime};

use super::{Begun, Call, Delivery, Fate, FunctionsHost, MESSAGE_ROUTE, envelope};
use crate::world::{QueueMessage, World};

/// How long a message is hidden while a call about it is open. Only an app that dies with the call waits it out.
const LEASE: Duration = Duration::minutes(10);
/// host.json `extensions.queues.maxDequeueCount`, at its default.
const MAX_DEQUEUE_COUNT: u32 = 5;
/// The time to live of a message put away, which is the queue service's default.
const POISON_TIME_TO_LIVE: Duration = Duration::days(7);
/// What the name of a queue for messages put away ends in. No function listens to those here.
const POISON: &str = "-poison";

/// The message that becomes visible first.
pub(super) struct NextMessage {
    pub(super) queue: String,
    pub(super) id: String,
    pub(super) due: OffsetDateTime,
}

impl FunctionsHost {
    /// The ids of the messages that are visible, in the order in which they became so.
    #[must_use]
    pub fn visible_messages(&self, queue: &str) -> Vec<String> {
        let now = self.simulator.now();
        let state = self.simulator.state();
        let mut visible: Vec<_> = state.world.queue_messages(queue).into_iter().filter(|message| message.is_visible(now)).collect();
        visible.sort_by_key(|message| message.visible_from);
        visible.into_iter().map(|message| message.id.clone()).collect()
    }

    /// The first message of any queue to become visible.
    pub(super) fn next_message(&self) -> Option<NextMessage> {
        let state = self.simulator.state();
        let queues = state.world.storage_accounts.values().flat_map(|account| &account.queues);
        let messages =
            queues.filter(|(name, _)| !name.ends_with(POISON)).flat_map(|(name, queue)| queue.iter().map(move |message| (name, message)));
        let (queue, message) = messages.min_by_key(|(_, message)| message.visible_from)?;
        Some(NextMessage { queue: queue.clone(), id: message.id.clone(), due: message.visible_from })
    }

    /// Calls the worker with one message; `None` when the message is gone or is put away without a call.
    pub async fn call_with_message(&self, queue: &str, id: &str) -> Option<Delivery> {
        let call = self.message_call(queue, id)?;
        Some(self.carry(call, &*self.worker).await)
    }

    /// Leases a message for a call; `None` when the message is gone or is put away.
    pub(super) fn message_call(&self, queue: &str, id: &str) -> Option<Call> {
        let at = self.simulator.now();
        let message = self.simulator.state().world.lease(queue, id, at)?;
        if message.dequeue_count > MAX_DEQUEUE_COUNT {
            self.simulator.state().world.put_away(queue, &message, at);
            return None;
        }
        let body = envelope::queue_trigger(&message, at);
        Some(Call { route: MESSAGE_ROUTE, body, at, begun: Begun::Message { queue: queue.to_owned(), message } })
    }

    pub(super) fn finish(&self, queue: &str, message: &QueueMessage, delivered: bool, now: OffsetDateTime) -> Fate {
        let mut state = self.simulator.state();
        if delivered {
            state.world.take(queue, message);
            return Fate::Done;
        }
        if message.dequeue_count >= MAX_DEQUEUE_COUNT {
            state.world.put_away(queue, message, now);
            return Fate::GivenUp;
        }
        let visible_from = now.saturating_add(self.visibility_timeout);
        if let Some(leased) = state.world.leased(queue, message) {
            leased.visible_from = visible_from;
        }
        Fate::Again(visible_from)
    }
}

impl World {
    /// Receives a message for the length of a call; `None` when there is no visible message of this id.
    fn lease(&mut self, queue: &str, id: &str, now: OffsetDateTime) -> Option<QueueMessage> {
        let receipt = self.new_id().to_string();
        let messages = self.storage_accounts.values_mut().filter_map(|account| account.queues.get_mut(queue)).flatten();
        let message = messages.into_iter().find(|message| message.id == id && message.is_visible(now))?;
        message.dequeue_count += 1;
        message.visible_from = now + LEASE;
        message.pop_receipt = receipt;
        Some(message.clone())
    }

    /// The message, as long as the lease is the newest one.
    fn leased(&mut self, queue: &str, message: &QueueMessage) -> Option<&mut QueueMessage> {
        let messages = self.storage_accounts.values_mut().filter_map(|account| account.queues.get_mut(queue)).flatten();
        messages.into_iter().find(|own| own.pop_receipt == message.pop_receipt)
    }

    /// Deletes a leased message.
    fn take(&mut self, queue: &str, message: &QueueMessage) {
        for messages in self.storage_accounts.values_mut().filter_map(|account| account.queues.get_mut(queue)) {
            messages.retain(|own| own.pop_receipt != message.pop_receipt);
        }
    }

    /// Moves a leased message to the poison queue of its own account, which is made when it is missing.
    fn put_away(&mut self, queue: &str, message: &QueueMessage, now: OffsetDateTime) {
        let (id, pop_receipt) = (self.new_id().to_string(), self.new_id().to_string());
        for account in self.storage_accounts.values_mut() {
            let Some(messages) = account.queues.get_mut(queue) else { continue };
            let Some(position) = messages.iter().position(|own| own.pop_receipt == message.pop_receipt) else { continue };
            let poisoned = QueueMessage {
                id,
                text: messages.remove(position).text,
                inserted_on: now,
                expires_on: Some(now + POISON_TIME_TO_LIVE),
                visible_from: now,
                dequeue_count: 0,
                pop_receipt,
            };
            account.queues.entry(format!("{queue}{POISON}")).or_default().push(poisoned);
            return;
        }
    }
}
