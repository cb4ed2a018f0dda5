//! The calls of a delivery, by the simulator's names.

use super::{COLD_START, Host};
use crate::HOST;

/// Assigning Reader.
pub const ASSIGN: &str = "arm.role-assignments.create";
/// Creating the connection.
pub const CONNECT: &str = "ispm.connections.create";
/// Publishing a result.
pub const PUBLISH: &str = match HOST {
    Host::Functions => "event-grid.publish",
    Host::Lambda => "event-bridge.publish",
};
/// Putting a request back into the queue.
pub const PUT_BACK: &str = match HOST {
    Host::Functions => "queue.enqueue",
    Host::Lambda => "sqs.enqueue",
};
/// All calls of the secret store.
pub const SECRET_STORE: &str = match HOST {
    Host::Functions => "key-vault.*",
    Host::Lambda => "secrets-manager.*",
};
/// Listing the names of the secrets.
pub const LIST_SECRETS: &str = match HOST {
    Host::Functions => "key-vault.secrets.list",
    Host::Lambda => "secrets-manager.secrets.list",
};
/// Reading a secret.
pub const GET_SECRET: &str = match HOST {
    Host::Functions => "key-vault.secret.get",
    Host::Lambda => "secrets-manager.secret.get",
};

/// What is read about a subscription when the tenant's session is open.
const READS: [&str; 3] = ["arm.subscription.get", "arm.role-assignments.list", "ispm.connections.list"];
/// What is read in addition by the first delivery of a session.
const FIRST_READS: [&str; 3] = [COLD_START, "graph.service-principal.get", "ispm.sources.list"];

/// The calls of the first delivery of a session, about a subscription, with these after its reads.
pub fn cold<const N: usize>(more: [&'static str; N]) -> Vec<&'static str> {
    [&FIRST_READS[..], &READS[..], &more[..]].concat()
}

/// The calls of a later delivery, about a subscription, with these after its reads.
pub fn warm<const N: usize>(more: [&'static str; N]) -> Vec<&'static str> {
    [&READS[..], &more[..]].concat()
}
