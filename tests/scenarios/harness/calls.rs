//! The calls of a delivery, by the simulator's names.

use super::COLD_START;

/// Assigning Reader.
pub const ASSIGN: &str = "arm.role-assignments.create";
/// Creating the connection.
pub const CONNECT: &str = "ispm.connections.create";
/// Publishing a result.
pub const PUBLISH: &str = "event-grid.publish";
/// Putting a request back into the queue.
pub const PUT_BACK: &str = "queue.enqueue";

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
