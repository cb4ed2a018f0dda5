//! The network seam: every call of this process goes through `azure_core`'s pipeline and so through one `HttpClient`.
//!
//! The SDKs' own retry is off. [`Guard`] repeats only what is safe to repeat, inside the invocation's deadline; everything else is for
//! the queue to repeat.

mod api;
mod bearer;
mod bounded;
mod entra;
mod guard;
mod renewable;
mod resolve;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, HttpClient, Pipeline, RetryOptions, Transport};
use tokio::time::Instant;
use uuid::Uuid;

use crate::config::Config;
pub use api::{Answer, Api, from_sdk, plain_word};
pub use bearer::Audience;
use bearer::{Ahead, Bearer, Fetched, Tokens};
pub use guard::{Guard, Posts, may_pass, retry_after};
pub use renewable::{Renewable, RenewableFailure};
pub use resolve::{PublicNames, is_inside};

tokio::task_local! {
    static INVOCATION: Invocation;
}

/// What one delivery may use, and what it has used. It is carried by the task, so that calls made inside the SDKs (tokens, challenges)
/// obey the same deadline and are counted too.
#[derive(Debug)]
pub struct Invocation {
    id: Uuid,
    deadline: Instant,
    issued: Cell<u64>,
    calls: RefCell<Vec<CallMade>>,
}

/// One HTTP exchange of an invocation.
#[derive(Clone, Debug)]
pub struct CallMade {
    /// The call's name, such as `arm.role-assignments.create`; for calls that an SDK makes itself, method and host.
    pub name: String,
    /// The status answered; absent where no answer came.
    pub status: Option<u16>,
    /// Duration in milliseconds.
    pub milliseconds: u64,
    /// Until when the service asked to be left alone.
    pub not_before: Option<Instant>,
}

impl fmt::Display for CallMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        write!(f, "{} {status} {} ms", self.name, self.milliseconds)
    }
}

impl Invocation {
    /// An invocation that ends at `deadline`. Its id seeds the client request ids of its calls.
    #[must_use]
    pub const fn new(id: Uuid, deadline: Instant) -> Self {
        Self { id, deadline, issued: Cell::new(0), calls: RefCell::new(Vec::new()) }
    }

    /// Runs `work` as this invocation and returns what it made of it, with the calls that were made. `None` where the deadline came first.
    pub async fn run<T>(self, work: impl Future<Output = T>) -> (Option<T>, Vec<CallMade>) {
        INVOCATION
            .scope(self, async {
                let deadline = INVOCATION.with(|invocation| invocation.deadline);
                let result = tokio::time::timeout_at(deadline, work).await.ok();
                (result, INVOCATION.with(|invocation| invocation.calls.take()))
            })
            .await
    }

    /// What is left until the current invocation's deadline; `None` outside any.
    #[must_use]
    pub fn time_left() -> Option<Duration> {
        INVOCATION.try_with(|invocation| invocation.deadline.saturating_duration_since(Instant::now())).ok()
    }

    /// An id that nothing else has: inside an invocation, derived from its own.
    pub(crate) fn next_request_id() -> Uuid {
        INVOCATION
            .try_with(|invocation| {
                let number = invocation.issued.get();
                invocation.issued.set(number + 1);
                Uuid::new_v5(&invocation.id, &number.to_be_bytes())
            })
            .unwrap_or_else(|_| Uuid::new_v4())
    }

    fn record(call: CallMade) {
        // Calls outside any invocation (set-up, the command line's own) are nobody's to count.
        let _ = INVOCATION.try_with(|invocation| invocation.calls.borrow_mut().push(call));
    }
}

/// The name of a call, put into the `Context` by our own clients.
#[derive(Clone, Copy, Debug)]
pub struct CallName(pub &'static str);

/// The name of a call for which nobody makes further calls: it stands for itself, wherever it goes.
#[derive(Clone, Copy, Debug)]
pub struct OwnName(pub &'static str);

/// Options for any client of the process: one transport, no SDK retry, our guard and meter.
#[must_use]
pub fn client_options(transport: &Arc<dyn HttpClient>, posts: Posts) -> ClientOptions {
    ClientOptions {
        per_call_policies: vec![Arc::new(Guard { posts })],
        per_try_policies: vec![Arc::new(guard::Meter)],
        retry: RetryOptions::none(),
        transport: Some(Transport::new(transport.clone())),
        ..ClientOptions::default()
    }
}

/// As [`client_options`], with each request signed in: for clients that are made without a credential.
#[must_use]
pub fn signed_in_options(transport: &Arc<dyn HttpClient>, posts: Posts, audience: Audience) -> ClientOptions {
    let mut options = client_options(transport, posts);
    // Before the meter: what signing in takes is no part of the exchange.
    options.per_try_policies.insert(0, Arc::new(Bearer(Tokens::of(audience))));
    options
}

/// As [`client_options`], for clients that insist on a credential, with the one to give them: the token is there before they ask.
#[must_use]
pub fn options_and_credential(
    transport: &Arc<dyn HttpClient>,
    posts: Posts,
    audience: Audience,
) -> (ClientOptions, Arc<dyn TokenCredential>) {
    let mut options = client_options(transport, posts);
    // Inside the guard, which bounds it with the call.
    options.per_call_policies.push(Arc::new(Ahead(Tokens::of(audience))));
    (options, Arc::new(Fetched))
}

/// A pipeline for one audience of one identity; without one, for a service with its own way of authorisation.
#[must_use]
pub fn pipeline(transport: &Arc<dyn HttpClient>, posts: Posts, audience: Option<Audience>) -> Pipeline {
    let options = match audience {
        Some(audience) => signed_in_options(transport, posts, audience),
        None => client_options(transport, posts),
    };
    Pipeline::new(option_env!("CARGO_PKG_NAME"), option_env!("CARGO_PKG_VERSION"), options, vec![], vec![], None)
}

/// How long a connection is kept that nothing uses. Each tenant's ISPM has connections of its own, and Lambda allows 1,024 open files
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const IDLE: Duration = Duration::from_secs(30);

/// The process's HTTP client.
///
/// # Errors
/// Where the TLS back end cannot be set up, for example since `SSL_CERT_FILE` names a missing file.
pub fn transport(resolver: Option<PublicNames>) -> Result<Arc<dyn HttpClient>, reqwest::Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(guard::TRY_TIMEOUT)
        .pool_idle_timeout(IDLE);
    if let Some(resolver) = resolver {
        builder = builder.dns_resolver(resolver);
    }
    Ok(Arc::new(bounded::Bounded(Arc::new(builder.build()?))))
}

/// The process's HTTP client as a configuration wants it: names that lead into this machine are refused, but for the deployment's own.
/// Where a proxy is set, it resolves the names of what goes through it.
///
/// # Errors
/// As [`transport`], in words for the log.
pub fn transport_for(config: &Config) -> Result<Arc<dyn HttpClient>, String> {
    let trusted = config.identity_host.iter().chain(&config.proxy_hosts).cloned().collect();
    transport(Some(PublicNames { trusted }))
        .map_err(|error| format!("the HTTP client cannot be set up: {error}; check SSL_CERT_FILE and the system's certificates"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(milliseconds: u64) -> Invocation {
        Invocation::new(Uuid::nil(), Instant::now() + Duration::from_millis(milliseconds))
    }

    fn made() -> CallMade {
        CallMade { name: "arm.subscription.get".to_owned(), status: Some(200), milliseconds: 41, not_before: None }
    }

    #[tokio::test(start_paused = true)]
    async fn an_invocation_ends_at_its_deadline_with_what_was_called() {
        let work = |milliseconds| async move {
            Invocation::record(made());
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            Invocation::time_left()
        };
        let (done, calls) = invocation(100).run(work(60)).await;
        assert_eq!(done, Some(Some(Duration::from_millis(40))));
        assert_eq!(calls.iter().map(ToString::to_string).collect::<Vec<_>>(), ["arm.subscription.get 200 41 ms"]);
        let (done, calls) = invocation(100).run(work(200)).await;
        assert_eq!((done, calls.len()), (None, 1));
        assert_eq!(Invocation::time_left(), None, "outside any");
    }

    #[tokio::test]
    async fn request_ids_are_all_different_and_inside_an_invocation_its_own() {
        let three = || async { [(); 3].map(|()| Invocation::next_request_id()) };
        let (inside, again) = (invocation(100).run(three()).await.0.unwrap(), invocation(100).run(three()).await.0.unwrap());
        assert_eq!(inside, again, "of the same invocation");
        let mut all = [inside, three().await].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 6);
    }
}
