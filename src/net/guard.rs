//! Repeats what is safe to repeat, inside the deadline, and counts every exchange.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::error::{Error as SdkError, ErrorKind};
use azure_core::http::headers::{HeaderName, RETRY_AFTER};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Method, Request, StatusCode};
use tokio::time::{Instant, timeout};

use super::{CallMade, CallName, Invocation, OwnName};
use crate::cloud::Cloud;

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
/// How long one try may take. ARM answers role assignments in a few seconds at worst.
pub(super) const TRY_TIMEOUT: Duration = Duration::from_secs(10);
const MOST_TRIES: u32 = 3;
const FIRST_DELAY: Duration = Duration::from_millis(300);
/// What must be left of the deadline after a wait, so that the repeated call can still succeed.
const ROOM_FOR_A_CALL: Duration = Duration::from_secs(1);

/// Whether repeating a request may do its work twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posts {
    /// A POST of this client creates something each time.
    Create,
    /// A POST of this client only asks (a token, a search).
    Ask,
}

tokio::task_local! {
    /// When the try ends within which this call is made: a token is fetched within a try of the call that it is for.
    static TRY_ENDS: Instant;
}

/// What is left for a call, and for the one that it is made within.
fn time_left() -> Option<Duration> {
    let within = TRY_ENDS.try_with(|ends| ends.saturating_duration_since(Instant::now())).ok();
    within.into_iter().chain(Invocation::time_left()).min()
}

/// Sets the client request id, bounds each try, and repeats what is safe to repeat while the deadline allows.
#[derive(Debug)]
pub struct Guard {
    pub(super) posts: Posts,
}

impl Guard {
    fn repeatable(&self, request: &Request) -> bool {
        request.method() != Method::Post || self.posts == Posts::Ask
    }

    async fn attempt(ctx: &Context<'_>, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let limit = time_left().map_or(TRY_TIMEOUT, |left| left.min(TRY_TIMEOUT));
        match timeout(limit, TRY_ENDS.scope(Instant::now() + limit, next[0].send(ctx, request, &next[1..]))).await {
            Ok(result) => result,
            Err(_) => Err(SdkError::with_message(ErrorKind::Io, "no answer in time")),
        }
    }
}

#[async_trait]
impl Policy for Guard {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        request.insert_header(CLIENT_REQUEST_ID, Invocation::next_request_id().to_string());
        let mut tries = 0;
        loop {
            tries += 1;
            let result = Self::attempt(ctx, request, next).await;
            let asked_wait = match &result {
                Ok(answer) if !may_pass(answer.status()) => return result,
                Ok(answer) => retry_after(|name| answer.headers().get_optional_str(name)),
                Err(error) if !matches!(error.kind(), ErrorKind::Connection | ErrorKind::Io) => return result,
                Err(_) => None,
            };
            let never_sent = matches!(&result, Err(error) if matches!(error.kind(), ErrorKind::Connection));
            let wait = asked_wait.unwrap_or_default().max(FIRST_DELAY * 2_u32.pow(tries - 1));
            let fits = time_left().is_none_or(|left| left > wait.saturating_add(ROOM_FOR_A_CALL));
            if tries == MOST_TRIES || !fits || !(never_sent || self.repeatable(request)) {
                return result;
            }
            tokio::time::sleep(wait).await;
            request.body_mut().reset().await?;
        }
    }
}

/// Counts and times each exchange.
#[derive(Debug)]
pub(super) struct Meter;

#[async_trait]
impl Policy for Meter {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let mut exchange = Exchange { name: name_of(request, ctx), started: Instant::now(), status: None, not_before: None };
        let result = next[0].send(ctx, request, &next[1..]).await;
        if let Ok(answer) = &result {
            exchange.status = Some(answer.status().into());
            let wish = retry_after(|name| answer.headers().get_optional_str(name));
            exchange.not_before = wish.and_then(|wish| Instant::now().checked_add(wish));
        }
        result
    }
}

/// Notes an exchange when it ends, also when that is by a time-out that drops it.
struct Exchange {
    name: String,
    started: Instant,
    status: Option<u16>,
    not_before: Option<Instant>,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let milliseconds = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (name, status, not_before) = (std::mem::take(&mut self.name), self.status, self.not_before);
        Invocation::record(CallMade { name, status, milliseconds, not_before });
    }
}

/// A call's name for the log. The SDKs pass their caller's context on to the calls they make for it, so those are known by where they go.
fn name_of(request: &Request, ctx: &Context<'_>) -> String {
    if let Some(name) = ctx.value::<OwnName>() {
        return name.0.to_owned();
    }
    let host = request.url().host_str().unwrap_or_default();
    let known = match host.split_once('.').map(|(_, domain)| domain) {
        // The platform's identity endpoint is the only plain-text one.
        _ if request.url().scheme() == "http" => Some("identity.token"),
        _ if Cloud::ALL.iter().any(|cloud| cloud.authority().strip_prefix("https://") == Some(host)) => Some("entra.token"),
        Some(domain) if Cloud::ALL.iter().any(|cloud| cloud.key_vault_suffix() == domain) => Some("key-vault.secret.get"),
        _ => ctx.value::<CallName>().map(|name| name.0),
    };
    known.map_or_else(|| format!("{} {host}", request.method()), str::to_owned)
}

/// Whether an answer says that the same call may succeed later.
#[must_use]
pub fn may_pass(status: StatusCode) -> bool {
    matches!(u16::from(status), 408 | 429 | 500..=599)
}

/// Reads `Retry-After` in seconds. An HTTP date counts as absent: the growing delay then decides.
pub fn retry_after<'a>(header: impl Fn(&HeaderName) -> Option<&'a str>) -> Option<Duration> {
    header(&RETRY_AFTER)?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests;
