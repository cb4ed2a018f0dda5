//! A tenant's rest. Work of a tenant whose services hang takes 25 seconds and holds one of the few places that an instance works at; so it is
//! put back at once while nothing else can be expected of it. All is in the memory of this process: empty, it is as right as full.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

use crate::delivery::{Delivery, Way};
use crate::error::{Code, Error};
use crate::queue::LONGEST_WISH;
use crate::scope::Guid;

/// After so many works in a row that ran out of time or found a service down, their tenant rests.
const ENOUGH: u32 = 5;
/// How long it rests until one work at a time is let through, to see whether it is well again.
const REST: Duration = Duration::from_mins(1);
/// How many works of a tenant may take all the time that they have: a third of what host.json lets an instance take out of the queue at once.
pub const MOST_PATIENT: usize = 4;
/// How long the others go on while none of their tenant is answered. A cold onboarding takes about two seconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an ending counts.
const LATELY: time::Duration = time::Duration::minutes(10);
/// A work that had less time than this says nothing about its tenant when it ran out of it: another's may have taken the rest.
const FAIR: Duration = Duration::from_secs(10);
/// How many tenants are known at most.
const MOST_TENANTS: usize = 1000;

/// What this process knows of how its tenants' services answer.
#[derive(Debug)]
pub struct Resting {
    /// Whether one tenant's work can be in another's way.
    shared: bool,
    tenants: Mutex<BTreeMap<Guid, Known>>,
}

#[derive(Debug)]
struct Known {
    running: usize,
    /// How many works in a row ran out of time or found a service down.
    failures: u32,
    /// When the last one was answered, whatever the answer was.
    answered: Option<Instant>,
    /// When the last one ended, or the first began.
    since: OffsetDateTime,
    rests_until: Option<OffsetDateTime>,
    /// Until when a service wants not to be called.
    throttled_until: Option<OffsetDateTime>,
}

/// One work of a tenant, while it runs. Dropped before its end, as when the platform hangs up, it says nothing.
#[derive(Debug)]
pub struct Work<'a> {
    resting: &'a Resting,
    tenant: Guid,
    had_time: bool,
    /// Whether it has to make room for others' when its tenant is not answered.
    makes_room: bool,
    started: Instant,
}

impl Resting {
    /// Nothing is known yet. `shared` says whether there may be other tenants that need a place.
    #[must_use]
    pub const fn new(shared: bool) -> Self {
        Self { shared, tenants: Mutex::new(BTreeMap::new()) }
    }

    /// Begins a work of a tenant. What a person waits for is always let through.
    ///
    /// # Errors
    /// `Unavailable` while the tenant rests, `Throttled` while a service of it wants not to be called.
    pub fn begin(&self, tenant: Guid, delivery: &Delivery, now: OffsetDateTime) -> Result<Work<'_>, Error> {
        let mut tenants = self.tenants();
        tenants
            .retain(|_, known| known.running > 0 || known.throttled_until.is_some_and(|until| until > now) || now - known.since < LATELY);
        if tenants.len() >= MOST_TENANTS {
            tenants.retain(|_, known| known.running > 0);
        }
        let known = tenants.entry(tenant).or_insert_with(|| Known::new(now));
        if delivery.way != Way::ByHand {
            known.let_through(tenant, now)?;
        }
        let makes_room = delivery.way == Way::Alone && self.shared && known.running >= MOST_PATIENT;
        known.running += 1;
        let started = Instant::now();
        let had_time = delivery.deadline.saturating_duration_since(started) >= FAIR;
        Ok(Work { resting: self, tenant, had_time, makes_room, started })
    }

    fn tenants(&self) -> MutexGuard<'_, BTreeMap<Guid, Known>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const NOTHING_TO_DO: &str = "Nothing to do: it comes back by itself.";

impl Known {
    const fn new(now: OffsetDateTime) -> Self {
        Self { running: 0, failures: 0, answered: None, since: now, rests_until: None, throttled_until: None }
    }

    fn let_through(&self, tenant: Guid, now: OffsetDateTime) -> Result<(), Error> {
        let left = |until: OffsetDateTime| (until - now).try_into().ok().filter(|left: &Duration| !left.is_zero());
        if let Some(until) = self.throttled_until
            && let Some(left) = left(until)
        {
            let words = format!("a service of tenant {tenant} was called too often, and wants not to be called until {}", shown(until));
            return Err(Error::new(Code::Throttled, words).retry_after(Some(left)));
        }
        let resting = |words: String, left| {
            let words =
                format!("tenant {tenant} rests {words}: its last {} requests ran out of time or found a service down", self.failures);
            Err(Error::new(Code::Unavailable, words).hint(NOTHING_TO_DO).retry_after(left))
        };
        match self.rests_until {
            Some(until) if until > now => resting(format!("until {}", shown(until)), left(until)),
            Some(_) if self.running > 0 => resting("until one of them is answered, which is being tried".to_owned(), None),
            _ => Ok(()),
        }
    }

    fn note(&mut self, failure: Option<&Error>, had_time: bool, now: OffsetDateTime) {
        match failure {
            Some(error) if error.code == Code::Throttled => {
                let wish = error.retry_after.map(|wish| now + wish.min(LONGEST_WISH));
                self.throttled_until = self.throttled_until.max(wish);
            }
            Some(error) if error.code == Code::DeadlineReached && !had_time => {}
            Some(error) if matches!(error.code, Code::DeadlineReached | Code::Unavailable) => {
                self.failures = self.failures.saturating_add(1);
                if self.failures >= ENOUGH {
                    self.rests_until = Some(now + REST);
                }
            }
            _ => {
                self.failures = 0;
                self.answered = Some(Instant::now());
                self.rests_until = None;
            }
        }
        self.since = now;
    }
}

impl Work<'_> {
    /// Waits until the work has to make room for others': never, where it is one of the few that may take their time, or while its tenant is
    /// answered.
    pub async fn overstays(&self) -> Error {
        if !self.makes_room {
            std::future::pending::<()>().await;
        }
        loop {
            let answered = self.resting.tenants().get(&self.tenant).and_then(|known| known.answered);
            let until = self.started.max(answered.unwrap_or(self.started)) + PATIENCE;
            if until <= Instant::now() {
                let words =
                    format!("nothing of tenant {} was answered for {} seconds; this request made room", self.tenant, PATIENCE.as_secs());
                return Error::new(Code::Unavailable, words).hint(NOTHING_TO_DO);
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// Notes how the work ended.
    pub fn ended(self, failure: Option<&Error>, now: OffsetDateTime) {
        if let Some(known) = self.resting.tenants().get_mut(&self.tenant) {
            known.note(failure, self.had_time, now);
        }
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        if let Some(known) = self.resting.tenants().get_mut(&self.tenant) {
            known.running = known.running.saturating_sub(1);
        }
    }
}

fn shown(until: OffsetDateTime) -> String {
    until.replace_nanosecond(0).unwrap_or(until).format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 10:00 UTC);

    fn tenant(number: u128) -> Guid {
        Guid::from_uuid(Uuid::from_u128(number))
    }

    fn alone() -> Delivery {
        Delivery::starting(Uuid::nil())
    }

    fn down() -> Error {
        Error::new(Code::Unavailable, "down")
    }

    /// Begins a work and ends it so.
    fn one(resting: &Resting, failure: Option<&Error>, now: OffsetDateTime) -> Result<(), Error> {
        resting.begin(tenant(1), &alone(), now).map(|work| work.ended(failure, now))
    }

    fn resting() -> Resting {
        let resting = Resting::new(true);
        for _ in 0..ENOUGH {
            one(&resting, Some(&down()), NOW).expect("it does not rest yet");
        }
        resting
    }

    #[tokio::test]
    async fn after_enough_failures_a_tenant_rests_and_others_do_not() {
        let resting = resting();
        let refused = one(&resting, None, NOW + REST / 2).expect_err("it rests");
        assert_eq!((refused.code, refused.retry_after), (Code::Unavailable, Some(REST / 2)));
        assert!(refused.message.contains("until 2026-11-22T10:01:00Z"), "{refused}");
        assert!(resting.begin(tenant(2), &alone(), NOW).is_ok());
        assert!(resting.begin(tenant(1), &alone().by_hand(), NOW).is_ok(), "a person is never turned away");
    }

    #[tokio::test]
    async fn one_at_a_time_tries_and_the_first_answer_ends_the_rest() {
        let resting = resting();
        let later = NOW + REST;
        let trying = resting.begin(tenant(1), &alone(), later).expect("its rest is over");
        assert!(resting.begin(tenant(1), &alone(), later).is_err(), "one tries already");
        trying.ended(Some(&down()), later);
        assert!(resting.begin(tenant(1), &alone(), later).is_err(), "it rests again");
        drop(resting.begin(tenant(1), &alone(), later + REST).expect("its rest is over again"));
        one(&resting, Some(&Error::new(Code::CredentialRefused, "no")), later + REST).expect("what was dropped tries no more");
        let works: Vec<_> = (0..50).map(|_| resting.begin(tenant(1), &alone(), later + REST)).collect();
        assert!(works.iter().all(Result::is_ok), "a refusal is an answer");
    }

    #[tokio::test]
    async fn only_failures_in_a_row_count_and_only_those_that_had_time() {
        let resting = Resting::new(true);
        let late = Error::new(Code::DeadlineReached, "late");
        for _ in 0..ENOUGH * 2 {
            let hurried = Delivery::within(Uuid::nil(), Duration::from_secs(12));
            resting.begin(tenant(1), &hurried, NOW).expect("no rest").ended(Some(&late), NOW);
        }
        for number in 0..ENOUGH * 2 {
            let answered = number % ENOUGH == 0;
            one(&resting, (!answered).then_some(&late), NOW).expect("no rest");
        }
        one(&resting, Some(&late), NOW).expect("no rest");
        assert!(one(&resting, None, NOW).is_err());
    }

    #[tokio::test]
    async fn a_wish_to_wait_is_the_whole_tenants_and_bounded() {
        let resting = Resting::new(true);
        let throttled = |wish| Error::new(Code::Throttled, "too often").retry_after(Some(wish));
        one(&resting, Some(&throttled(Duration::from_secs(90))), NOW).expect("no wish yet");
        let refused = one(&resting, None, NOW + Duration::from_secs(30)).expect_err("there is a wish");
        assert_eq!((refused.code, refused.retry_after), (Code::Throttled, Some(Duration::from_mins(1))));
        let later = NOW + Duration::from_secs(90);
        one(&resting, Some(&throttled(Duration::MAX)), later).expect("it is over");
        one(&resting, None, later + LONGEST_WISH).expect("it is over too");
    }

    /// How many of ten works that run at once go on for longer than a tenant's silence is borne.
    async fn patient(resting: &Resting, delivery: Delivery) -> usize {
        let works: Vec<_> = (0..10).map(|_| resting.begin(tenant(1), &delivery, NOW).expect("no rest")).collect();
        let mut patient = 0;
        for work in &works {
            patient += usize::from(tokio::time::timeout(PATIENCE * 2, work.overstays()).await.is_err());
        }
        patient
    }

    #[tokio::test(start_paused = true)]
    async fn a_tenant_that_is_silent_holds_a_third_of_the_places() {
        let resting = Resting::new(true);
        assert_eq!(patient(&resting, alone()).await, MOST_PATIENT);
        assert_eq!(patient(&resting, alone()).await, MOST_PATIENT, "those before are over");
        assert_eq!(patient(&resting, alone().by_hand()).await, 10);
        assert_eq!(patient(&resting, alone().in_batch()).await, 10, "they share one place");
        assert_eq!(patient(&Resting::new(false), alone()).await, 10, "nobody else needs one");
    }

    #[tokio::test(start_paused = true)]
    async fn answers_give_the_others_of_their_tenant_time() {
        let resting = Resting::new(true);
        let works: Vec<_> = (0..10).map(|_| resting.begin(tenant(1), &alone(), NOW).expect("no rest")).collect();
        let answers = async {
            for _ in 0..10 {
                tokio::time::sleep(PATIENCE * 4 / 5).await;
                one(&resting, None, NOW).expect("no rest");
            }
        };
        let started = Instant::now();
        tokio::join!(answers, works[9].overstays());
        assert_eq!(started.elapsed(), PATIENCE * 8 + PATIENCE);
    }

    #[tokio::test]
    async fn it_forgets() {
        let resting = resting();
        for number in 2..5000 {
            resting.begin(tenant(number), &alone(), NOW).expect("no rest").ended(Some(&down()), NOW);
            assert!(resting.tenants().len() <= MOST_TENANTS);
        }
        resting.begin(tenant(0), &alone(), NOW + LATELY).expect("no rest").ended(None, NOW + LATELY);
        assert_eq!(resting.tenants().len(), 1);
    }
}
