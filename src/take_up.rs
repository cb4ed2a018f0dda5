//! Taking up one input: what happens around the straight line, so that nothing is acknowledged that was not finished, put back for later,
//! or published as failed.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use time::{Date, OffsetDateTime};
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::Onboarder;
use crate::apply::Progress;
use crate::delivery::{Delivery, GRACE, Way};
use crate::error::{Code, Disposition, Error};
use crate::net::{CallMade, Invocation};
use crate::outcome::Outcome;
use crate::queue::delay;
use crate::request::{Authority, Cause, Inbound, Kept, Message, Refusal, Request};
use crate::result_event::ResultEvent;
use crate::scope::Guid;

/// How long an unreadable input's tenant is looked up, to say under whose name it failed.
const TO_LOOK_UP_A_TENANT: Duration = Duration::from_secs(5);
/// What publishing leaves of that for putting back.
const ROOM_TO_PUT_BACK: Duration = Duration::from_secs(2);
/// How long a message waits for a newer version of this program to be rolled out.
const FOR_A_NEWER_VERSION: Duration = Duration::from_mins(10);
/// How long a request is put back before it is given up.
const LONGEST_WAIT: time::Duration = time::Duration::hours(24);

/// How many inputs are worked on at once; more of them wait, within their time. Each has up to four connections, and an execution environment
/// of Lambda has 1,024 open files (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>), as many another system gives a
/// process.
pub(crate) const AT_ONCE: usize = 64;

/// How an input ended.
#[derive(Debug)]
pub enum Ending {
    /// A result event was published.
    Published {
        /// The outcome.
        outcome: Box<Outcome>,
        /// The event.
        event: Box<ResultEvent>,
    },
    /// It may succeed later.
    Later {
        /// Why not now.
        error: Error,
        /// When it comes back; absent where there is no queue, and the caller has to come back.
        delay: Option<Duration>,
    },
    /// It was put into the queue, to be worked on from there.
    Queued,
    /// Nothing was to be done.
    Ignored(Error),
    /// It could neither be finished nor put back: the platform has to deliver it again.
    Unfinished(Error),
}

/// An input that was taken up.
#[derive(Debug)]
pub struct TakenUp {
    /// What it asked for, where that could be read.
    pub request: Option<Request>,
    /// How it ended.
    pub ending: Ending,
    /// How long ago it was put back for the first time; zero at the first delivery.
    pub waited: time::Duration,
    /// What was done, for people.
    pub log: Vec<String>,
    /// The calls made.
    pub calls: Vec<CallMade>,
}

/// For which tenants `tenant.failed` was published today by this process. It only saves calls: the event's id is the same all day.
#[derive(Debug, Default)]
pub struct ToldToday(Mutex<BTreeSet<(Date, Guid)>>);

impl ToldToday {
    fn contains(&self, tenant: Guid, now: OffsetDateTime) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&(now.date(), tenant))
    }

    fn add(&self, tenant: Guid, now: OffsetDateTime) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|(date, _)| *date == now.date());
        told.insert((now.date(), tenant));
    }
}

impl Onboarder {
    /// Takes up one input and brings it to an end.
    pub async fn take_up(&self, inbound: Inbound, delivery: Delivery) -> TakenUp {
        let _place = self.place(delivery).await;
        let (request, mut calls) = self.with_tenant(inbound.request, delivery).await;
        let request = match request {
            Ok(request) => request,
            Err(refusal) => {
                let waited = self.since(refusal.first_seen());
                let (ending, more) = self.finish(delivery, self.end_unreadable(inbound.cause, refusal)).await;
                calls.extend(more);
                return TakenUp { request: None, ending, waited, log: vec![], calls };
            }
        };
        let mut progress = Progress::default();
        let (result, made) = self.work(&request, &mut progress, delivery).await;
        calls.extend(made);
        let log = progress.log.clone();
        let (ending, more) = self.finish(delivery, self.end(&request, result, progress)).await;
        calls.extend(more);
        let waited = self.since(request.history.first_seen);
        TakenUp { request: Some(request), ending, waited, log, calls }
    }

    /// A place to work at. Whoever waits for an answer needs none, and whoever has none in time is put back without one.
    async fn place(&self, delivery: Delivery) -> Option<SemaphorePermit<'_>> {
        if delivery.way == Way::ByHand {
            return None;
        }
        timeout_at(delivery.deadline, self.places.acquire()).await.ok()?.ok()
    }

    /// The straight line within the delivery's time, unless the tenant rests.
    async fn work(&self, request: &Request, progress: &mut Progress, delivery: Delivery) -> (Result<Outcome, Error>, Vec<CallMade>) {
        let work = match self.resting.begin(request.tenant, &delivery, self.now()) {
            Ok(work) => work,
            Err(error) => return (Err(error), vec![]),
        };
        let line = Invocation::new(delivery.id, delivery.deadline);
        // On the heap: the line's future is large, and each future around it would hold it once more.
        let mut onboarding = Box::pin(self.onboard_afresh(request, progress));
        let working = async {
            tokio::select! {
                biased;
                result = &mut onboarding => result,
                error = work.overstays() => Err(error),
            }
        };
        let (result, made) = line.run(working).await;
        let too_long = || Err(Error::new(Code::DeadlineReached, "the invocation's time ran out; the rest is done later"));
        let result = result.unwrap_or_else(too_long).map_err(|error| wishing(error, &made));
        work.ended(result.as_ref().err(), self.now());
        (result, made)
    }

    /// Puts one input into the queue without working on it, for a caller that has to be answered at once. What asks for nothing that can
    /// be done ends as in [`Onboarder::take_up`].
    pub async fn hand_on(&self, inbound: Inbound, delivery: Delivery) -> TakenUp {
        let Inbound { request, cause } = inbound;
        let (ending, calls) = match &request {
            Ok(request) => self.finish(delivery, self.queue_up(request)).await,
            Err(refusal) => match &refusal.nameless {
                Some(nameless) => self.finish(delivery, self.queue_up(nameless)).await,
                None => self.finish(delivery, self.end_unreadable(cause, refusal.clone())).await,
            },
        };
        TakenUp { request: request.ok(), ending, waited: time::Duration::ZERO, log: vec![], calls }
    }

    /// The request for its tenant: where it names none, for the only one that this deployment serves. It keeps waiting while the secret
    /// store does not say which that is.
    pub(crate) async fn with_tenant(
        &self,
        request: Result<Request, Box<Refusal>>,
        delivery: Delivery,
    ) -> (Result<Request, Box<Refusal>>, Vec<CallMade>) {
        let refusal = match request {
            Err(refusal) if refusal.nameless.is_some() => *refusal,
            request => return (request, vec![]),
        };
        let work = Invocation::new(Uuid::new_v5(&delivery.id, b"tenant"), delivery.deadline);
        let (tenant, calls) = work.run(self.sessions.only_tenant()).await;
        let too_long = || Err(Error::new(Code::DeadlineReached, "which tenants are served could not be read in time"));
        let request = match (tenant.unwrap_or_else(too_long), refusal.nameless) {
            (Ok(Some(tenant)), Some(nameless)) => Ok(nameless.of(tenant)),
            (Err(error), nameless) => Err(Box::new(Refusal { nameless, ..error.into() })),
            (Ok(_), _) => Err(refusal.error.into()),
        };
        (request, calls)
    }

    async fn queue_up<T: Copy + Into<Option<Guid>>>(&self, request: &Request<T>) -> Ending {
        let Some(queue) = &self.queue else {
            return Ending::Unfinished(Error::new(Code::NotConfigured, "there is no queue").hint("Set ONBOARDER_QUEUE."));
        };
        match queue.put(Message::handed_on(request, self.now()).to_string(), Duration::ZERO).await {
            Ok(_) => Ending::Queued,
            Err(error) => Ending::Unfinished(error),
        }
    }

    /// Publishing and putting back have a little time of their own, after the work's.
    async fn finish(&self, delivery: Delivery, ending: impl Future<Output = Ending>) -> (Ending, Vec<CallMade>) {
        let deadline = delivery.deadline + GRACE;
        let id = Uuid::new_v5(&delivery.id, b"finish");
        let (ending, calls) = Invocation::new(id, deadline).run(ending).await;
        let too_late =
            || Ending::Unfinished(Error::new(Code::DeadlineReached, "neither the result nor the request could be stored in time"));
        (ending.unwrap_or_else(too_late), calls)
    }

    /// The straight line, once more with a new session where the first one's secrets or tokens were refused.
    async fn onboard_afresh(&self, request: &Request, progress: &mut Progress) -> Result<Outcome, Error> {
        match self.onboard(request, progress).await {
            Err(error) if error.stale_session() => self.onboard(request, progress).await,
            ended => ended,
        }
    }

    async fn end(&self, request: &Request, result: Result<Outcome, Error>, progress: Progress) -> Ending {
        let error = match result {
            Ok(outcome) => return self.publish(request, outcome).await,
            Err(error) => error,
        };
        match error.disposition(self.may_still_change(request, &progress)) {
            Disposition::Ignore => Ending::Ignored(error),
            Disposition::Reject => self.publish(request, Outcome::refused(request, error, progress)).await,
            Disposition::Later => self.put_back(request, error, progress).await,
            Disposition::TenantLater => {
                self.tell_tenant_failed(request, &error).await;
                self.put_back(request, error, progress).await
            }
        }
    }

    async fn end_unreadable(&self, cause: Cause, refusal: Box<Refusal>) -> Ending {
        let Refusal { error, tenant, kept, nameless } = *refusal;
        match (error.disposition(false), kept, nameless) {
            (Disposition::Ignore, ..) => Ending::Ignored(error),
            (Disposition::Later | Disposition::TenantLater, Some(kept), _) => self.keep(kept, error).await,
            (Disposition::Later | Disposition::TenantLater, None, Some(nameless)) => {
                if self.has_waited_long_enough(nameless.history.first_seen) {
                    return self.tell_unreadable(cause, tenant, given_up(error)).await;
                }
                self.enqueue(&nameless, error).await
            }
            (Disposition::Later | Disposition::TenantLater, None, None) => Ending::Unfinished(error),
            (Disposition::Reject, ..) => self.tell_unreadable(cause, tenant, error).await,
        }
    }

    /// Publishes that an input failed. Only a tenant that is served is named: its results have readers.
    async fn tell_unreadable(&self, cause: Cause, tenant: Option<Guid>, error: Error) -> Ending {
        let served = match tenant {
            Some(tenant) => timeout(TO_LOOK_UP_A_TENANT, self.sessions.has_record(tenant)).await.unwrap_or(false).then_some(tenant),
            None => None,
        };
        let outcome = Outcome::unreadable(cause, served, error);
        let event = outcome.event(self.now());
        match self.tell(&event).await {
            Ok(()) => Ending::Published { outcome: Box::new(outcome), event: Box::new(event) },
            Err(error) => Ending::Unfinished(error),
        }
    }

    /// Puts a message back as it is, since only a newer version of this program can read it.
    async fn keep(&self, kept: Kept, error: Error) -> Ending {
        let Some(queue) = &self.queue else { return Ending::Later { error, delay: None } };
        if self.has_waited_long_enough(Some(kept.first_seen)) {
            return Ending::Unfinished(error);
        }
        match queue.put(kept.text, FOR_A_NEWER_VERSION).await {
            Ok(delay) => Ending::Later { error, delay: Some(delay) },
            Err(error) => Ending::Unfinished(error),
        }
    }

    /// Publishes an event, and leaves time to put its request back should that fail.
    async fn tell(&self, event: &ResultEvent) -> Result<(), Error> {
        let limit = Invocation::time_left().unwrap_or(GRACE).saturating_sub(ROOM_TO_PUT_BACK);
        let too_late = || Err(Error::new(Code::DeadlineReached, "the result could not be published in time"));
        timeout(limit, self.results.publish(event)).await.unwrap_or_else(|_| too_late())
    }

    fn since(&self, first_seen: Option<OffsetDateTime>) -> time::Duration {
        first_seen.map_or(time::Duration::ZERO, |first_seen| self.now() - first_seen)
    }

    fn has_waited_long_enough(&self, first_seen: Option<OffsetDateTime>) -> bool {
        self.since(first_seen) >= LONGEST_WAIT
    }

    /// Publishes an outcome. Where that fails, the request goes back: carried out again, it has the same outcome under the same id. An
    /// outcome that could not be told must not be dropped.
    async fn publish(&self, request: &Request, outcome: Outcome) -> Ending {
        let event = outcome.event(self.now());
        match self.tell(&event).await {
            Ok(()) => Ending::Published { outcome: Box::new(outcome), event: Box::new(event) },
            // What the topic will never take has to come before a person: the poison queue keeps it.
            Err(error) if error.code == Code::UnexpectedAnswer && self.has_waited_long_enough(request.history.first_seen) => {
                Ending::Unfinished(error)
            }
            Err(error) => self.enqueue(request, error).await,
        }
    }

    /// Puts a request back, unless it has been put back for a day: then it failed.
    async fn put_back(&self, request: &Request, error: Error, progress: Progress) -> Ending {
        if !self.has_waited_long_enough(request.history.first_seen) {
            return self.enqueue(request, error).await;
        }
        self.publish(request, Outcome::refused(request, given_up(error), progress)).await
    }

    /// Puts a request into the queue. A person's word cannot be written down, so that one that rests on it is not: who asked has to ask again.
    async fn enqueue<T: Copy + Into<Option<Guid>>>(&self, request: &Request<T>, error: Error) -> Ending {
        let Some(queue) = self.queue.as_ref().filter(|_| request.authority == Authority::Event) else {
            return Ending::Later { error, delay: None };
        };
        let delay = delay(request, error.retry_after);
        match queue.put(Message::put_back(request, self.now()).to_string(), delay).await {
            Ok(delay) => Ending::Later { error, delay: Some(delay) },
            Err(queue_error) => {
                let words = format!("{}; and it could not be put back: {}", error.message, queue_error.message);
                Ending::Unfinished(Error { message: words, ..queue_error })
            }
        }
    }

    /// Publishes `tenant.failed`. Its failure loses nothing: the request is put back, and its next try tells again.
    pub(crate) async fn tell_tenant_failed(&self, request: &Request, error: &Error) {
        let now = self.now();
        if self.tenant_failures.contains(request.tenant, now) {
            return;
        }
        let event = Outcome::tenant_failed(request, error.clone(), now).event(now);
        match self.tell(&event).await {
            Ok(()) => self.tenant_failures.add(request.tenant, now),
            Err(publish_error) => tracing::warn!(tenant = %request.tenant, error = %publish_error, "tenant.failed could not be published"),
        }
    }
}

/// A failure with the wish to be left alone of whichever service was called: time may have run out over another call.
fn wishing(error: Error, calls: &[CallMade]) -> Error {
    let now = Instant::now();
    let wish = calls.iter().filter_map(|call| call.not_before?.checked_duration_since(now)).max();
    let longest = error.retry_after.max(wish);
    error.retry_after(longest)
}

/// The failure of what was put back for a day.
fn given_up(error: Error) -> Error {
    let hint = format!("Given up after 24 hours. {} Then send the event again.", error.hint.as_deref().unwrap_or("Mend the cause."));
    error.hint(hint)
}
