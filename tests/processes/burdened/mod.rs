//! Processes under burdens: very many events, all of them at once, the same one a thousand times, senders that are slow or send too much,
//! and a stop in the middle.

mod duplicated;
mod sent_slowly;
mod soaked;
mod stopped;
mod too_much;

use ispm_onboarder::clock::Clock;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::simulator::Simulator;

/// The event about a scope again, as another one: with an id of its own, and now.
fn another(event: &Value) -> Value {
    let mut event = event.clone();
    event["id"] = json!(Uuid::new_v4());
    event["time"] = json!(Clock::System.now().format(&Rfc3339).unwrap());
    event
}

/// Events about new subscriptions.
async fn new_subscriptions(simulator: &Simulator, count: usize) -> Vec<Value> {
    let mut events = Vec::new();
    for _ in 0..count {
        events.push(simulator.new_subscription().await);
    }
    events
}
