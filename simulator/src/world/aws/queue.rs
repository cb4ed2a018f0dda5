//! SQS queues (Amazon SQS Developer Guide, "Visibility timeout" and "Using dead-letter queues").

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::Account;

/// The default of `MessageRetentionPeriod`: four days.
const RETENTION_SECONDS: u64 = 345_600;

/// A standard queue, stored under its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Queue {
    /// Its messages, oldest first, visible or not.
    pub messages: Vec<Message>,
    /// Where messages go that are received in vain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redrive: Option<Redrive>,
    /// How long a message is kept, in seconds.
    pub message_retention_seconds: u64,
}

impl Default for Queue {
    fn default() -> Self {
        Self { messages: Vec::new(), redrive: None, message_retention_seconds: RETENTION_SECONDS }
    }
}

/// A queue's redrive policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Redrive {
    /// The name of the dead-letter queue, in the same account.
    pub dead_letter_queue: String,
    /// How often a message is received; the next receipt moves it instead.
    pub max_receive_count: u32,
}

/// A message in a queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Message {
    /// The message's id, which it keeps in the dead-letter queue.
    pub id: String,
    /// The text as it was sent.
    pub body: String,
    /// When it was sent; its retention counts from then, in the dead-letter queue too.
    #[serde(with = "time::serde::rfc3339")]
    pub sent_on: OffsetDateTime,
    /// From when it can be received.
    #[serde(with = "time::serde::rfc3339")]
    pub visible_from: OffsetDateTime,
    /// When it was received for the first time.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub first_received_on: Option<OffsetDateTime>,
    /// How often it was received.
    pub receive_count: u32,
    /// What deletes it; new at every receipt.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub receipt_handle: String,
}

impl Message {
    /// A message that can be received from `visible_from` on.
    #[must_use]
    pub fn new(id: String, body: String, sent_on: OffsetDateTime, visible_from: OffsetDateTime) -> Self {
        Self { id, body, sent_on, visible_from, first_received_on: None, receive_count: 0, receipt_handle: String::new() }
    }

    /// Whether it can be received now.
    #[must_use]
    pub fn is_visible(&self, now: OffsetDateTime) -> bool {
        now >= self.visible_from
    }

    /// The MD5 digest of the body in hexadecimal digits, by which SQS proves what it stored.
    #[must_use]
    pub fn md5_of_body(&self) -> String {
        Md5::digest(self.body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Queue {
    /// Receives as many visible and `wanted` messages as there are handles, those that became visible first, and hides them for a time.
    pub(crate) fn receive(
        &mut self,
        handles: Vec<String>,
        now: OffsetDateTime,
        hidden: Duration,
        wanted: impl Fn(&Message) -> bool,
    ) -> Vec<Message> {
        let mut visible: Vec<_> = self.messages.iter_mut().filter(|message| message.is_visible(now) && wanted(message)).collect();
        visible.sort_by_key(|message| message.visible_from);
        let taken = visible.into_iter().zip(handles).map(|(message, handle)| {
            message.receive_count += 1;
            message.first_received_on.get_or_insert(now);
            message.visible_from = now.saturating_add(hidden);
            message.receipt_handle = handle;
            message.clone()
        });
        taken.collect()
    }
}

impl Account {
    /// Forgets messages beyond their retention and moves those that were received too often. SQS moves one at its next receipt, and
    /// whoever reads a queue asks all the time.
    pub(in crate::world) fn settle_queues(&mut self, now: OffsetDateTime) {
        let mut dead = Vec::new();
        for queue in self.queues.values_mut() {
            let kept = Duration::seconds(i64::try_from(queue.message_retention_seconds).unwrap_or(i64::MAX));
            queue.messages.retain(|message| now < message.sent_on.saturating_add(kept));
            let Some(Redrive { dead_letter_queue, max_receive_count }) = &queue.redrive else { continue };
            let exhausted = |message: &mut Message| message.receive_count >= *max_receive_count && message.is_visible(now);
            dead.extend(queue.messages.extract_if(.., exhausted).map(|message| (dead_letter_queue.clone(), message)));
        }
        for (name, message) in dead {
            self.queues.entry(name).or_default().messages.push(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-22 10:00 UTC);

    #[test]
    fn a_message_that_was_received_too_often_moves_when_it_is_visible_again() {
        let mut account = Account::default();
        account.add_queue_with_dead_letters("work", "dead", 2);
        let mut message = Message::new("m".to_owned(), "text".to_owned(), NOW, NOW + Duration::minutes(1));
        message.receive_count = 2;
        account.add_queue("work").messages.push(message);
        account.settle_queues(NOW);
        assert_eq!((account.queues["work"].messages.len(), account.queues["dead"].messages.len()), (1, 0));
        account.settle_queues(NOW + Duration::minutes(1));
        assert_eq!((account.queues["work"].messages.len(), account.queues["dead"].messages.len()), (0, 1));
        account.settle_queues(NOW + Duration::days(4));
        assert!(account.queues["dead"].messages.is_empty(), "its retention counts from the first sending");
    }

    #[test]
    fn digests_as_rfc_1321_does() {
        let message = Message::new(String::new(), "message digest".to_owned(), NOW, NOW);
        assert_eq!(message.md5_of_body(), "f96b697d7cb7938d525a2f31aaf161d0");
    }
}
