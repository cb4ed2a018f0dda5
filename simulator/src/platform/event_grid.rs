//! Event Grid's push delivery: attempts, their schedule, and the dead-letter list.
//!
//! Source: Microsoft Learn, "Event Grid message delivery and retry". A failed function call reaches Event Grid as a 500, whatever the
//! worker answered, so the statuses that are never retried do not occur here. That page says of an endpoint in trouble ("Delayed delivery")
//! that after ten or so failures retries and new deliveries wait for some time, up to several hours; how long, it does not say.

use std::collections::BTreeMap;

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::{Begun, Call, Delivered, EVENT_ROUTE, Fate, FunctionsHost, envelope};
use crate::world::made_up_id;

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

/// From so many failures in a row on, the endpoint is on probation.
const FAILURES_TO_PROBATION: u32 = 10;
/// How long nothing is delivered then; each further failure doubles it.
const FIRST_PROBATION: Duration = Duration::minutes(5);
const LONGEST_PROBATION: Duration = Duration::hours(4);
/// One in so many attempts is passed over, where Event Grid departs from its schedule.
const ONE_PASSED_OVER_IN: u8 = 8;

/// The app's event subscription.
#[derive(Debug, Default)]
pub(super) struct Subscription {
    published: u64,
    /// Not yet delivered, by order of publication.
    pending: BTreeMap<u64, Pending>,
    dead: Vec<DeadLetter>,
    failures_in_a_row: u32,
    /// Until then nothing is delivered.
    probation: Option<OffsetDateTime>,
    /// How it departs from its schedule; without it, it does not.
    spread: Option<u64>,
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

impl Attempt {
    pub(super) fn what(&self) -> Delivered {
        let text = |name: &str| self.event.get(name).and_then(Value::as_str).map(str::to_owned);
        let kind = text("type").or_else(|| text("eventType")).unwrap_or_default();
        Delivered::Event { id: text("id").unwrap_or_default(), kind }
    }

    pub(super) const fn number(&self) -> u32 {
        self.number
    }
}

impl Subscription {
    pub(super) const fn spread_by(&mut self, seed: u64) {
        self.spread = Some(seed);
    }

    /// Takes an event in, whose first attempt is due at once.
    pub(super) fn publish(&mut self, event: Value, now: OffsetDateTime) -> u64 {
        let key = self.published;
        self.published += 1;
        self.pending.insert(key, Pending { event, published: now, attempts: 0, due: now });
        key
    }

    /// Takes an event in and begins its first attempt, whatever else waits.
    pub(super) fn publish_and_begin(&mut self, event: Value, now: OffsetDateTime) -> Attempt {
        let key = self.publish(event.clone(), now);
        self.enter(key, now).unwrap_or(Attempt { key, event, number: 1 })
    }

    /// When the next attempt is due.
    pub(super) fn next_due(&mut self) -> Option<OffsetDateTime> {
        self.bury();
        let due = self.pending.values().map(|pending| pending.due).min()?;
        Some(self.probation.map_or(due, |until| due.max(until)))
    }

    /// Begins the attempt that has been due the longest.
    pub(super) fn begin(&mut self, now: OffsetDateTime) -> Option<Attempt> {
        let due = self.pending.iter().filter(|(_, pending)| pending.due <= now);
        let key = *due.min_by_key(|(_, pending)| pending.due)?.0;
        self.enter(key, now)
    }

    /// Enters an attempt as failed already, so that an app that dies in the call gets the event again.
    fn enter(&mut self, key: u64, now: OffsetDateTime) -> Option<Attempt> {
        let number = self.pending.get(&key)?.attempts + 1;
        let due = now + self.delay(key, number);
        let pending = self.pending.get_mut(&key)?;
        (pending.attempts, pending.due) = (number, due);
        Some(Attempt { key, event: pending.event.clone(), number })
    }

    /// The wait after an attempt, counted from 1: as the schedule has it, or a little longer, and sometimes as after the next one.
    fn delay(&self, key: u64, failed: u32) -> Duration {
        let scheduled = |failed: u32| DELAYS[(failed.saturating_sub(1) as usize).min(DELAYS.len() - 1)];
        let Some(seed) = self.spread else { return scheduled(failed) };
        let [longer, passed_over, ..] = *made_up_id(&format!("attempt/{seed}/{key}/{failed}")).as_bytes();
        let wait = scheduled(failed + u32::from(passed_over.is_multiple_of(ONE_PASSED_OVER_IN)));
        wait + wait * i32::from(longer) / 2550
    }

    pub(super) fn dead_letters(&self) -> Vec<DeadLetter> {
        self.dead.clone()
    }

    fn finish(&mut self, attempt: &Attempt, delivered: bool, now: OffsetDateTime) -> Fate {
        self.count(delivered, now);
        if delivered {
            self.pending.remove(&attempt.key);
            return Fate::Done;
        }
        let wait = self.delay(attempt.key, attempt.number);
        let Some(pending) = self.pending.get_mut(&attempt.key) else { return Fate::GivenUp };
        // A later attempt has begun while this one hung; that one's due time stands.
        if pending.attempts == attempt.number {
            pending.due = now + wait;
        }
        let due = pending.due;
        self.bury();
        if self.pending.contains_key(&attempt.key) { Fate::Again(due) } else { Fate::GivenUp }
    }

    /// Puts the endpoint on probation after failures in a row; a success ends it.
    fn count(&mut self, delivered: bool, now: OffsetDateTime) {
        if delivered {
            (self.failures_in_a_row, self.probation) = (0, None);
            return;
        }
        self.failures_in_a_row += 1;
        let Some(beyond) = self.failures_in_a_row.checked_sub(FAILURES_TO_PROBATION) else { return };
        let wait = (FIRST_PROBATION * (1_i32 << beyond.min(6))).min(LONGEST_PROBATION);
        self.probation = Some(now + wait);
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
    pub(super) fn event_call(&self, attempt: Attempt) -> Call {
        let at = self.simulator.now();
        Call { route: EVENT_ROUTE, body: envelope::event_grid_trigger(&attempt.event, at), at, begun: Begun::Event(attempt) }
    }

    pub(super) fn finish_event(&self, attempt: &Attempt, succeeded: bool, at: OffsetDateTime, now: OffsetDateTime) -> Fate {
        self.events().finish(attempt, succeeded && now - at <= ANSWER_WITHIN, now)
    }
}
