//! The sweep: what no event announced is found by looking, and asked for as if an event had.
//!
//! A sweep reads in sets, compares with the sweep before, and leaves a report. It changes nothing itself: what it finds goes through the
//! queue, or, by hand, through the same line as an event. Killed anywhere, it is made up for by the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::Onboarder;
use crate::apply::Progress;
use crate::coverage::{Coverage, Wanted, judge_estate, request};
use crate::error::{Code, Disposition, Error};
use crate::estate::Estate;
use crate::net::Invocation;
use crate::outcome::Outcome;
use crate::report::{ConnectionCoverage, ConnectionRow, Report};
use crate::request::{Action, Cause, Message, Request};
use crate::result_event::{ConnectionResult, ConnectionStatus, ResultEvent};
use crate::scope::{GroupName, Guid, Scope};
use crate::session::Session;

/// How many messages are put into the queue at once. A Storage queue takes 2,000 in a second.
const MESSAGES_AT_ONCE: usize = 32;
/// How often a message is put there that did not get in. Two of one request are as good as one.
const MOST_TRIES: u32 = 3;
/// How long the queue is left alone before that, where it does not say.
const BEFORE_ANOTHER_TRY: Duration = Duration::from_millis(500);
/// The longest that its own wish is granted: the next sweep is for more.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How many tenants are swept at once, as long as none of them takes long.
const TENANTS_AT_ONCE: usize = 4;
/// How long a tenant keeps its place among them. It goes on after that, beside the next one: what hangs holds nobody up, and what is large is
/// swept to its end.
const UNDISTURBED: Duration = Duration::from_secs(30);
/// How many tenants are swept at once with those that take longer.
const MOST_AT_ONCE: usize = 16;
/// For how long a scope has to be wanted for its event to count as lost: an hour, but for what two timers may be apart.
const AN_HOUR: time::Duration = time::Duration::minutes(55);
/// What has to be left of the time to begin with a further tenant.
const ROOM_FOR_A_TENANT: Duration = Duration::from_secs(10);

/// What a sweep of one tenant came to.
#[derive(Debug)]
pub struct Swept {
    /// What is covered, and what is wanted.
    pub coverage: Coverage,
    /// The changed connections that were published.
    pub changes: Vec<ResultEvent>,
    /// How many requests are in the queue now.
    pub enqueued: usize,
    /// What did not work on the way; the next sweep does it.
    pub left: Vec<Error>,
    /// The calls made.
    pub calls: usize,
}

impl Swept {
    /// How many scopes are to be onboarded.
    #[must_use]
    pub fn found(&self) -> usize {
        self.coverage.count(Action::Onboard)
    }

    /// How many of them were wanted by an earlier sweep, an hour ago, already: no event brought them since.
    #[must_use]
    pub fn missed_by_events(&self) -> usize {
        let long_known = |wanted: &&Wanted| wanted.action == Action::Onboard && self.coverage.report.at - wanted.since >= AN_HOUR;
        self.coverage.wanted.values().filter(long_known).count()
    }
}

impl Coverage {
    /// How many scopes are wanted to be treated so.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        self.wanted.values().filter(|wanted| wanted.action == action).count()
    }
}

impl Onboarder {
    /// The tenants that this deployment serves.
    ///
    /// # Errors
    /// Those of the secret store.
    pub async fn tenants(&self) -> Result<Vec<Guid>, Error> {
        Ok(self.sessions.tenants().await?.into_iter().collect())
    }

    /// Reads a tenant's coverage live, beside the report of the last sweep. Nothing is changed.
    ///
    /// # Errors
    /// Those of the reads; the report's trouble is no reason not to say what is true.
    pub async fn coverage(&self, tenant: Guid) -> Result<Coverage, Error> {
        self.look(tenant).await.map(|live| live.coverage)
    }

    /// The report that the last sweep left, as it is stored.
    ///
    /// # Errors
    /// `NotConfigured` without `ONBOARDER_REPORT`, and those of the store.
    pub async fn stored_report(&self, tenant: Guid) -> Result<Option<Report>, Error> {
        let Some(store) = &self.report else {
            return Err(Error::new(Code::NotConfigured, "sweeps leave no report").hint("Set ONBOARDER_REPORT."));
        };
        let bytes: Option<Vec<u8>> = store.get(&report_name(tenant)).await?;
        // What cannot be read was written by another version, and is written anew by the next sweep.
        Ok(bytes.and_then(|bytes| serde_json::from_slice::<Report>(&bytes).ok()).filter(|report| report.tenant_id == tenant))
    }

    /// Sweeps every tenant, each by itself: one tenant's trouble does not keep another's sweep from being made. What is not reached in time
    /// is for the next sweep, which begins with another tenant. `tell` is called for each as soon as its sweep has ended, with the time that
    /// it took: nothing of one tenant is kept until the others are done.
    ///
    /// # Errors
    /// Those of the secret store, where it cannot be told which tenants there are.
    pub async fn sweep_all<T>(
        &self,
        id: Uuid,
        deadline: Instant,
        tell: impl Fn(Guid, &Result<Swept, Error>, Duration) -> T,
    ) -> Result<Vec<T>, Error> {
        let (tenants, _) = Invocation::new(id, deadline).run(self.tenants()).await;
        let mut tenants = tenants.unwrap_or_else(|| Err(too_late()))?;
        let first = first_of(tenants.len(), self.now());
        tenants.rotate_left(first);
        let (tell, places) = (&tell, &Semaphore::new(TENANTS_AT_ONCE));
        let sweeps = stream::iter(tenants).map(|tenant| async move {
            let place = places.acquire().await;
            let started = Instant::now();
            let has_time = deadline.saturating_duration_since(started) > ROOM_FOR_A_TENANT;
            // Boxed, since a future within so many others is nested too deeply for the compiler.
            let mut sweep = Box::pin(self.sweep(tenant, id, deadline));
            let swept = if has_time {
                match timeout(UNDISTURBED, &mut sweep).await {
                    Ok(swept) => swept,
                    Err(_) => {
                        drop(place);
                        sweep.await
                    }
                }
            } else {
                Err(too_late())
            };
            tell(tenant, &swept, started.elapsed())
        });
        Ok(sweeps.buffer_unordered(MOST_AT_ONCE).collect().await)
    }

    /// Sweeps one tenant: what is wanted goes into the queue, changed connections are published, the report is left.
    ///
    /// # Errors
    /// Those of reading the estate. A tenant's own trouble is published as `tenant.failed`, once a day.
    pub async fn sweep(&self, tenant: Guid, id: Uuid, deadline: Instant) -> Result<Swept, Error> {
        let id = Uuid::new_v5(&id, tenant.as_uuid().as_bytes());
        let (swept, calls) = Invocation::new(id, deadline).run(self.sweep_in_time(tenant)).await;
        let swept = swept.unwrap_or_else(|| Err(too_late()));
        swept.map(|swept| Swept { calls: calls.len(), ..swept })
    }

    async fn sweep_in_time(&self, tenant: Guid) -> Result<Swept, Error> {
        let mut live = match self.look(tenant).await {
            Ok(live) => live,
            Err(error) => {
                self.tell_of_trouble(tenant, &error).await;
                return Err(error);
            }
        };
        if let Some(error) = &live.trouble {
            self.tell_of_trouble(tenant, error).await;
        }
        let mut left: Vec<Error> = live.trouble.take().into_iter().collect();
        let enqueued = self.enqueue_wanted(&live.coverage, &mut left).await;
        let before = live.previous.as_ref().ok().and_then(Option::as_ref);
        let (changes, untold) = self.publish_changes(&live.entra_source, &live.coverage.report, before, &mut left).await;
        match &live.previous {
            Ok(before) => {
                // A change that could not be told is one for the next sweep too, which has to find what it was before.
                keep(&mut live.coverage.report.connections, before.as_ref(), &untold);
                left.extend(self.leave(&live.coverage.report).await.err());
            }
            // Written over what could not be read, the report would forget since when things are as they are.
            Err(error) => left.push(error.clone()),
        }
        Ok(Swept { coverage: live.coverage, changes, enqueued, left, calls: 0 })
    }

    /// Reads and judges a tenant's estate, once more with a new session where the first one's secrets or tokens were refused.
    async fn look(&self, tenant: Guid) -> Result<Live, Error> {
        let mut opened = None;
        let first = self.look_once(tenant, &mut opened).await;
        let stale = match &first {
            Ok(live) => live.trouble.as_ref().is_some_and(Error::stale_session),
            Err(error) => error.stale_session(),
        };
        if !stale {
            return first;
        }
        if let Some(session) = &opened {
            self.sessions.drop_session(session);
        }
        self.look_once(tenant, &mut opened).await
    }

    async fn look_once(&self, tenant: Guid, opened: &mut Option<Arc<Session>>) -> Result<Live, Error> {
        let session = opened.insert(self.sessions.open(tenant).await?);
        let (estate, previous) = tokio::join!(Estate::read(session), self.previous(tenant));
        let estate = estate?;
        let trouble = estate.connections.as_ref().and_then(|connections| connections.as_ref().err().cloned());
        let coverage = judge_estate(&session.record, &estate, previous.as_ref().ok().and_then(Option::as_ref), self.now());
        Ok(Live { coverage, previous, entra_source: session.record.ispm.entra_source.clone(), trouble })
    }

    async fn previous(&self, tenant: Guid) -> Result<Option<Report>, Error> {
        match &self.report {
            Some(_) => self.stored_report(tenant).await,
            None => Ok(None),
        }
    }

    /// Puts what is wanted into the queue. What does not get in is wanted again by the next sweep.
    async fn enqueue_wanted(&self, coverage: &Coverage, left: &mut Vec<Error>) -> usize {
        let Some(queue) = self.queue.as_ref().filter(|_| !coverage.wanted.is_empty()) else { return 0 };
        let (tenant, now) = (coverage.report.tenant_id, self.now());
        let message = |(scope, wanted): (&Scope, &Wanted)| Message::handed_on(&request(tenant, scope, *wanted, now), now).to_string();
        let closed: &OnceLock<Error> = &OnceLock::new();
        let puts = stream::iter(coverage.wanted.iter().map(message)).map(|message| async move {
            for attempt in 1.. {
                if let Some(error) = closed.get() {
                    return Err(error.clone());
                }
                match queue.put(message.clone(), Duration::ZERO).await {
                    Ok(_) => return Ok(()),
                    Err(error) if attempt < MOST_TRIES && matches!(error.code, Code::Throttled | Code::Unavailable) => {
                        let wish = error.retry_after.unwrap_or(BEFORE_ANOTHER_TRY * attempt);
                        tokio::time::sleep(wish.min(LONGEST_WAIT)).await;
                    }
                    Err(error) => {
                        // The others would be refused alike.
                        closed.get_or_init(|| error.clone());
                        return Err(error);
                    }
                }
            }
            Ok(())
        });
        let ended: Vec<Result<(), Error>> = puts.buffer_unordered(MESSAGES_AT_ONCE).collect().await;
        let failed: Vec<Error> = ended.iter().filter_map(|ended| ended.as_ref().err().cloned()).collect();
        let enqueued = ended.len() - failed.len();
        // One stands for all: they fail alike.
        left.extend(failed.into_iter().next().map(|error| {
            let message = format!("{} of {} requests are not in the queue: {}", ended.len() - enqueued, ended.len(), error.message);
            Error { message, ..error }
        }));
        enqueued
    }

    /// Publishes each connection whose state is another than at the sweep before, and answers those for which that did not work. The id is
    /// that of the state that ended: a change that is told again has the same.
    async fn publish_changes(
        &self,
        entra_source: &str,
        report: &Report,
        before: Option<&Report>,
        left: &mut Vec<Error>,
    ) -> (Vec<ResultEvent>, BTreeSet<Scope>) {
        let (mut published, mut untold) = (Vec::new(), BTreeSet::new());
        for (row, since) in changed(report, before) {
            let Some(outcome) = change(report.tenant_id, row, since, entra_source) else { continue };
            let event = outcome.event(self.now());
            match self.results.publish(&event).await {
                Ok(()) => published.push(event),
                Err(error) => {
                    left.push(error);
                    untold.insert(row.scope.clone());
                }
            }
        }
        (published, untold)
    }

    async fn leave(&self, report: &Report) -> Result<(), Error> {
        let Some(store) = &self.report else { return Ok(()) };
        store.put(&report_name(report.tenant_id), "application/json", report.text()?).await
    }

    /// Publishes a trouble that is the tenant's own.
    async fn tell_of_trouble(&self, tenant: Guid, error: &Error) {
        if error.disposition(false) == Disposition::TenantLater {
            let root = Scope::ManagementGroup(GroupName::root_of(tenant));
            let now = self.now();
            let asked = request(tenant, &root, Wanted { action: Action::Onboard, since: now }, now);
            self.tell_tenant_failed(&asked, error).await;
        }
    }
}

/// What a look at a tenant's estate came to.
struct Live {
    coverage: Coverage,
    previous: Result<Option<Report>, Error>,
    entra_source: String,
    /// What is the matter with ISPM.
    trouble: Option<Error>,
}

/// Puts the rows of these scopes back to what they were.
fn keep(rows: &mut [ConnectionRow], before: Option<&Report>, scopes: &BTreeSet<Scope>) {
    let known = before.into_iter().flat_map(|report| &report.connections).filter(|row| scopes.contains(&row.scope));
    for old in known {
        rows.iter_mut().filter(|row| row.scope == old.scope).for_each(|row| *row = old.clone());
    }
}

/// The connections whose state is another than in the report before, with the time since which they had the old one.
fn changed<'a>(report: &'a Report, before: Option<&'a Report>) -> Vec<(&'a ConnectionRow, OffsetDateTime)> {
    let Some(before) = before else { return Vec::new() };
    let known: BTreeMap<&Scope, &ConnectionRow> = before.connections.iter().map(|row| (&row.scope, row)).collect();
    let was = |row: &ConnectionRow| {
        let known = known.get(&row.scope).filter(|known| (known.status, known.cause) != (row.status, row.cause));
        known.map(|known| known.since)
    };
    report.connections.iter().filter_map(|row| Some((row, was(row)?))).collect()
}

/// The outcome that says a connection's state; none where it cannot be read.
fn change(tenant: Guid, row: &ConnectionRow, since: OffsetDateTime, entra_source: &str) -> Option<Outcome> {
    let status = match row.status {
        ConnectionCoverage::Connected => ConnectionStatus::Connected,
        ConnectionCoverage::Pending => ConnectionStatus::Pending,
        ConnectionCoverage::Failed => ConnectionStatus::Failed,
        ConnectionCoverage::Missing | ConnectionCoverage::AwaitingConsole | ConnectionCoverage::Unknown => return None,
    };
    let connection = ConnectionResult { id: row.id.clone(), name: row.name.clone(), status, cause: row.cause };
    let progress = Progress { connection: Some(connection), ..Progress::default() };
    let asked = request(tenant, &row.scope, Wanted { action: Action::Onboard, since }, since);
    let cause = Cause { id: format!("{} since {}", row.name, since.unix_timestamp()), ..asked.cause };
    // Nothing is waited for: what is pending now is a change to that.
    Outcome::of(&Request { cause, ..asked }, entra_source, &progress, false).ok()
}

/// With which of so many tenants the sweep of this hour begins. The golden ratio leads from hour to hour to where the sweeps before were not:
/// if each reaches half of the tenants, three in a row reach all, whatever became of them, and nothing has to be remembered.
fn first_of(tenants: usize, now: OffsetDateTime) -> usize {
    /// 2^64 divided by the golden ratio.
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let hours = now.unix_timestamp().unsigned_abs() / 3600;
    let place = u128::from(hours.wrapping_mul(STEP)) * u128::try_from(tenants).unwrap_or_default();
    usize::try_from(place >> 64).unwrap_or_default()
}

fn report_name(tenant: Guid) -> String {
    format!("{tenant}.json")
}

fn too_late() -> Error {
    Error::new(Code::DeadlineReached, "the sweep's time ran out; the next one goes on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeps_that_reach_half_of_the_tenants_reach_all_in_three() {
        for tenants in [2_usize, 3, 7, 500] {
            for hour in 0..200_i64 {
                let at = |hours: i64| OffsetDateTime::UNIX_EPOCH + time::Duration::hours(hour + hours);
                let reached: BTreeSet<usize> = (0..3)
                    .flat_map(|sweep| (0..tenants.div_ceil(2)).map(move |next| (first_of(tenants, at(sweep)) + next) % tenants))
                    .collect();
                assert_eq!(reached.len(), tenants, "from hour {hour} on");
            }
        }
        assert_eq!(first_of(0, OffsetDateTime::UNIX_EPOCH), 0);
    }
}
