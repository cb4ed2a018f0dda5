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
use azure_core::http::policies::Policy;
use azure_core::http::{ClientOptions, HttpClient, Pipeline, RetryOptions, Transport};
use tokio::time::Instant;
use uuid::Uuid;

use crate::config::Config;
pub use api::{Answer, Api, from_sdk, plain_word};
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

/// A pipeline for one audience of one identity; without a credential, for a service with its own way of authorisation.
#[must_use]
pub fn pipeline(transport: &Arc<dyn HttpClient>, posts: Posts, auth: Option<(Arc<dyn TokenCredential>, &'static str)>) -> Pipeline {
    let auth: Vec<Arc<dyn Policy>> = auth
        .map(|(credential, scope)| Arc::new(bearer::Bearer { credential, scope, token: tokio::sync::Mutex::default() }) as Arc<dyn Policy>)
        .into_iter()
        .collect();
    let options = client_options(transport, posts);
    Pipeline::new(option_env!("CARGO_PKG_NAME"), option_env!("CARGO_PKG_VERSION"), options, vec![], auth, None)
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
