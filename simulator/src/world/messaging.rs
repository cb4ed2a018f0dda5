//! Event Grid topics and Storage accounts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::DataGrant;

/// An Event Grid topic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Topic {
    /// The tenant whose tokens it takes.
    pub tenant_id: String,
    /// Who may publish.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<DataGrant>,
}

/// A CloudEvent that a topic accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Published {
    /// The topic's host name.
    pub topic: String,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The event as it was sent.
    pub event: serde_json::Value,
}

/// A Storage account with its queues and containers by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StorageAccount {
    /// The tenant whose tokens it takes.
    pub tenant_id: String,
    /// Messages by the queue's name, oldest first.
    #[serde(default)]
    pub queues: BTreeMap<String, Vec<QueueMessage>>,
    /// Blobs by the container's name.
    #[serde(default)]
    pub containers: BTreeMap<String, Container>,
    /// Who may do what in all of them, or in one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<DataGrant>,
}

/// The blobs of a container by name.
pub type Container = BTreeMap<String, Blob>;

/// A block blob that holds text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Blob {
    /// What it holds.
    pub text: String,
    /// Its media type.
    #[serde(default)]
    pub content_type: String,
    /// When it was written.
    #[serde(with = "time::serde::rfc3339")]
    pub modified_on: OffsetDateTime,
    /// What names this writing of it, in quotes.
    #[serde(default)]
    pub etag: String,
}

/// A message in a Storage queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueueMessage {
    /// The message's id.
    pub id: String,
    /// The text as it was stored: the service neither encodes nor decodes.
    pub text: String,
    /// When it was sent.
    #[serde(with = "time::serde::rfc3339")]
    pub inserted_on: OffsetDateTime,
    /// Without it, the message does not expire.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expires_on: Option<OffsetDateTime>,
    /// From when it can be received.
    #[serde(with = "time::serde::rfc3339")]
    pub visible_from: OffsetDateTime,
    /// How often it was received.
    pub dequeue_count: u32,
    /// What deletes it; new at every receipt.
    pub pop_receipt: String,
}

impl QueueMessage {
    /// Whether its time to live is over.
    #[must_use]
    pub fn has_expired(&self, now: OffsetDateTime) -> bool {
        self.expires_on.is_some_and(|expires| now >= expires)
    }

    /// Whether it can be received now.
    #[must_use]
    pub fn is_visible(&self, now: OffsetDateTime) -> bool {
        now >= self.visible_from
    }
}
