//! Connects a company's Azure estate to Okta Identity Security Posture Management (ISPM).
//!
//! One event, one straight line: bytes are parsed into a [`Request`], the tenant is admitted, what is already true is observed, a plan is
//! made, the plan is applied, and the outcome is emitted as one result event. [`Onboarder::onboard`] says this in code; everything else in
//! the crate is one of its steps, or a host that carries events to it.

pub mod apply;
#[cfg(feature = "aws")]
pub mod aws;
pub mod azure;
pub mod callers;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod config;
pub mod coverage;
pub mod delivery;
#[cfg(feature = "cli")]
pub mod doctor;
pub mod error;
pub mod estate;
pub mod event;
pub mod expiry;
pub mod hosts;
pub mod identity;
pub mod ispm;
mod kept;
pub mod net;
pub mod observe;
pub mod offboard;
pub mod outcome;
pub mod page;
#[cfg(feature = "cli")]
pub mod permissions;
pub mod plan;
pub mod queue;
pub mod report;
pub mod request;
pub mod resting;
pub mod result_event;
pub mod results;
#[cfg(feature = "cli")]
pub mod schemas;
pub mod scope;
pub mod secrets;
pub mod session;
pub mod storage;
pub mod sweep;
pub mod take_up;
pub mod telemetry;
pub mod tenant;

use std::sync::Arc;

use azure_core::http::HttpClient;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::apply::{Progress, apply};
use crate::clock::Clock;
use crate::config::Config;
use crate::delivery::Delivery;
use crate::error::{Code, Error};
use crate::identity::Platform;
use crate::net::Invocation;
use crate::observe::observe;
use crate::outcome::Outcome;
use crate::plan::plan;
use crate::queue::Queue;
use crate::request::{Action, Authority, Request};
use crate::resting::Resting;
use crate::results::Results;
use crate::session::{Session, Sessions};
use crate::storage::Container;

/// The onboarder of one deployment.
#[derive(Debug)]
pub struct Onboarder {
    sessions: Sessions,
    results: Results,
    queue: Option<Queue>,
    report: Option<Container>,
    clock: Clock,
    propagation: std::time::Duration,
    tenant_failures: take_up::ToldToday,
    resting: Resting,
    places: Semaphore,
}

impl Onboarder {
    /// Sets up a deployment. Nothing is called yet.
    #[must_use]
    pub fn new(config: Config, platform: Arc<dyn Platform>, transport: Arc<dyn HttpClient>, clock: Clock) -> Self {
        let results = Results::open(&config.results, config.cloud, &platform, &transport);
        let queue = config.queue.as_ref().map(|url| Queue::open(url, &platform, &transport));
        let report = config.report.as_ref().map(|url| Container::open(url, &platform, &transport));
        let propagation = config.propagation;
        // A deployment that lists one tenant has nobody to keep it apart from.
        let resting = Resting::new(config.tenants.as_ref().is_none_or(|listed| listed.len() > 1));
        let sessions = Sessions::new(config, platform, transport, clock);
        let places = Semaphore::new(take_up::AT_ONCE);
        Self { sessions, results, queue, report, clock, propagation, tenant_failures: take_up::ToldToday::default(), resting, places }
    }

    /// An onboarder that leaves to its caller what goes to `stdout:`.
    #[must_use]
    pub fn for_command_line(config: Config, platform: Arc<dyn Platform>, transport: Arc<dyn HttpClient>, clock: Clock) -> Self {
        let results = if config.results == config::ResultsUrl::Stdout { Some(Results::Returned) } else { None };
        let onboarder = Self::new(config, platform, transport, clock);
        Self { results: results.unwrap_or(onboarder.results), ..onboarder }
    }

    /// The straight line from a request to its outcome; for the way back, [`offboard`] has its own. Doing it twice, at once, or half and then again ends in the same state. What is
    /// true so far is noted in `progress`, so that a failure midway can say it.
    ///
    /// # Errors
    /// Whatever kept the request from being carried out; [`Error::disposition`] says what that means.
    pub async fn onboard(&self, request: &Request, progress: &mut Progress) -> Result<Outcome, Error> {
        if request.action == Action::Offboard {
            return self.offboard(request, progress).await;
        }
        let session = self.sessions.open(request.tenant).await?;
        let line = async {
            let observed = observe(&session, request).await?;
            let plan = plan(request, &session.record, &observed)?;
            apply(&session, request, &plan, &observed, progress).await?;
            Outcome::of(request, &session.record.ispm.entra_source, progress, self.may_still_change(request, progress))
        };
        self.looked_after(&session, request, line).await
    }

    /// Work with a session, which is dropped where the failure says that a new one may do better.
    async fn looked_after<T>(
        &self,
        session: &Arc<Session>,
        request: &Request,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let result = work.await;
        if let Err(error) = &result {
            // A 403 or 404 on a young scope may come from rights that the token does not know yet. Graph's permissions stand in the
            // token: a consent counts from the next one on.
            let may_know_less = match error.code {
                Code::AuthorizationFailed | Code::ScopeNotFound => self.is_young(request),
                code => code == Code::GraphRefused,
            };
            if may_know_less || error.stale_session() {
                self.sessions.drop_session(session);
            }
        }
        result
    }

    /// Shows what would be done, and does nothing.
    ///
    /// # Errors
    /// As [`Onboarder::onboard`].
    pub async fn dry_run(&self, request: &Request) -> Result<plan::Plan, Error> {
        let reading = async {
            if request.action == Action::Offboard {
                return self.plan_offboarding(request).await.map(|prepared| prepared.plan);
            }
            let session = self.sessions.open(request.tenant).await?;
            let observed = observe(&session, request).await?;
            plan(request, &session.record, &observed)
        };
        let delivery = Delivery::starting(Uuid::new_v4());
        let (plan, _) = Invocation::new(delivery.id, delivery.deadline).run(reading).await;
        plan.unwrap_or_else(|| Err(Error::new(Code::DeadlineReached, format!("{} could not be read in time", request.scope))))
    }

    /// Whether the cause lies within the propagation window. A cause without a time counts from when it was first seen, and a first
    /// delivery without either is young; a time in the future is not trusted to make the window longer.
    fn is_young(&self, request: &Request) -> bool {
        let now = self.clock.now();
        let since = request.caused_at.into_iter().chain(request.history.first_seen).min().unwrap_or(now);
        now - since < self.propagation
    }

    /// Whether what Azure or ISPM shows of a request may only not be so yet: the cause is young, or Reader or the connection was made within
    /// the propagation window, which can be long after the cause. Who asks in person is told what is there now.
    fn may_still_change(&self, request: &Request, progress: &Progress) -> bool {
        let made = progress.role_since.into_iter().chain(progress.connection_since);
        let is_fresh = || made.max().is_some_and(|since| self.clock.now() - since < self.propagation);
        self.is_young(request) || request.authority == Authority::Event && is_fresh()
    }

    /// The time by this deployment's clock.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
}
