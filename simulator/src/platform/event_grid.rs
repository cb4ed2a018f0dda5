//! Event Grid's push delivery: attempts, their schedule, and the dead-letter list.
//!
//! Source: Microsoft Learn, "Event Grid message delivery and retry". A failed function call reaches Event Grid as a 500, whatever the
//! worker answered, so the statuses that are never retried do not occur here.

use std::collections::BTreeMap;

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::{Delivered, Delivery, EVENT_ROUTE, Fate, FunctionsHost, envelope, succeeded};

/// The delays after the first failures; the last one repeats.
const DELAYS: [Duration; 10] = [
    Duration::seconds(10),
    Duration::seconds(30),
    Duration::minutes(1),
    Duration::minutes(5),
    Duration::minutes(10),
    Duration::minutes(30),
    Duration::hours(1),
    Duration::hours(3),
    Duration::hours(6),
    Duration::hours(12),
];
/// The subscription's default time to live: 1440 minutes.
const TIME_TO_LIVE: Duration = Duration::hours(24);
/// The subscription's default maximum of attempts.
const MAX_ATTEMPTS: u32 = 30;
/// An answer that takes longer counts as none.
const ANSWER_WITHIN: Duration = Duration::seconds(30);

/// The app's event subscription.
#[derive(Debug, Default)]
pub(super) struct Subscription {
    published: u64,
    /// Not yet delivered, by order of publication.
    pending: BTreeMap<u64, Pending>,
    dead: Vec<DeadLetter>,
}

#[derive(Debug)]
struct Pending {
    event: Value,
    published: OffsetDateTime,
    attempts: u32,
    due: OffsetDateTime,
}

/// An event that Event Grid gave up on, or a message that was received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event as it was published.
    pub event: Value,
    /// `MaxDeliveryAttemptsExceeded` or `TimeToLiveExceeded`, as the dead-letter blob says it; for a message, `MaxReceiveCountExceeded`.
    pub reason: &'static str,
    /// How often it was delivered in vain.
    pub attempts: u32,
}

/// One attempt that has begun.
pub(super) struct Attempt {
    key: u64,
    event: Value,
    number: u32,
}

impl Subscription {
    /// Takes an event in and begins its first attempt.
    pub(super) fn publish(&mut self, event: Value, now: OffsetDateTime) -> Attempt {
        let key = self.published;
        self.published += 1;
        let pending = Pending { event: event.clone(), published: now, attempts: 1, due: now + delay(1) };
        self.pending.insert(key, pending);
        Attempt { key, event, number: 1 }
    }

    /// When the next attempt is due.
    pub(super) fn next_due(&mut self) -> Option<OffsetDateTime> {
        self.bury();
        self.pending.values().map(|pending| pending.due).min()
    }

    /// Begins the attempt that has been due the longest.
    pub(super) fn begin(&mut self, now: OffsetDateTime) -> Option<Attempt> {
        let (key, pending) = self.pending.iter_mut().filter(|(_, pending)| pending.due <= now).min_by_key(|(_, pending)| pending.due)?;
        pending.attempts += 1;
        // Entered as failed already, so that an app that dies in the call gets the event again.
        pending.due = now + delay(pending.attempts);
        Some(Attempt { key: *key, event: pending.event.clone(), number: pending.attempts })
    }

    pub(super) fn dead_letters(&self) -> Vec<DeadLetter> {
        self.dead.clone()
    }

    fn finish(&mut self, attempt: &Attempt, delivered: bool, now: OffsetDateTime) -> Fate {
        if delivered {
            self.pending.remove(&attempt.key);
            return Fate::Done;
        }
        let Some(pending) = self.pending.get_mut(&attempt.key) else { return Fate::GivenUp };
        // A later attempt has begun while this one hung; that one's due time stands.
        if pending.attempts == attempt.number {
            pending.due = now + delay(attempt.number);
        }
        let due = pending.due;
        self.bury();
        if self.pending.contains_key(&attempt.key) { Fate::Again(due) } else { Fate::GivenUp }
    }

    /// Dead-letters what has no attempt left.
    fn bury(&mut self) {
        for (_, pending) in self.pending.extract_if(.., |_, pending| pending.verdict().is_some()) {
            let reason = pending.verdict().unwrap_or_default();
            self.dead.push(DeadLetter { event: pending.event, reason, attempts: pending.attempts });
        }
    }
}

impl Pending {
    fn verdict(&self) -> Option<&'static str> {
        if self.attempts >= MAX_ATTEMPTS {
            return Some("MaxDeliveryAttemptsExceeded");
        }
        (self.due > self.published + TIME_TO_LIVE).then_some("TimeToLiveExceeded")
    }
}

impl FunctionsHost {
    pub(super) async fn call_with_event(&self, attempt: Attempt, at: OffsetDateTime) -> Delivery {
        let call = envelope::event_grid_trigger(&attempt.event, at);
        let (status, answer) = self.worker.post(EVENT_ROUTE, call).await;
        let now = self.simulator.now();
        let delivered = succeeded(status, &answer) && now - at <= ANSWER_WITHIN;
        let fate = self.events().finish(&attempt, delivered, now);
        let text = |name: &str| attempt.event.get(name).and_then(Value::as_str).map(str::to_owned);
        let kind = text("type").or_else(|| text("eventType")).unwrap_or_default();
        let what = Delivered::Event { id: text("id").unwrap_or_default(), kind };
        Delivery { what, attempt: attempt.number, status, at, answer, fate }
    }
}

/// The wait after attempt number `failed`, counted from 1.
fn delay(failed: u32) -> Duration {
    let index = (failed.saturating_sub(1) as usize).min(DELAYS.len() - 1);
    DELAYS[index]
}
