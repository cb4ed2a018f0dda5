//! The way to the clouds, watched: whatever the deployment sends is judged before it takes effect.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::http::headers::{HeaderName, RETRY_AFTER};
use azure_core::http::{AsyncRawResponse, HttpClient, Method, Request, StatusCode};
use ispm_onboarder_simulator::world::Scope;
use ispm_onboarder_simulator::{Simulator, World};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::estate::{Estate, Fabrikam, MARK, READER, Unserved, expected_name, secrets};
use crate::history::{Act, Policy};
use crate::invariant::{Invariant, Violation};

/// A service's wish to be called later is granted up to this by the queue of Storage, and up to a quarter of it by SQS.
const LONGEST_WISH: u64 = 3600;
const LONGEST_WISH_ON_LAMBDA: u64 = 900;
/// Headers of a message are a few hundred bytes, what an event says of itself a few thousand at most.
const LONGEST_MESSAGE: usize = 16 * 1024;

tokio::task_local! {
    /// The work that calls are made for.
    pub static WORK: Arc<Work>;
}

/// One call of the deployment by its platform, or by a person.
#[derive(Debug)]
pub struct Work {
    pub started: OffsetDateTime,
    /// Whether several inputs are worked on together.
    pub is_batch: bool,
    pub seen: Mutex<Seen>,
}

/// What was seen of it.
#[derive(Debug, Default)]
pub struct Seen {
    pub calls: u32,
    /// The faults that struck: when, what.
    pub faults: Vec<(OffsetDateTime, String)>,
    /// The answers that were no success: where, and until when that service asked to be left alone.
    troubles: Vec<(String, Option<Instant>)>,
    not_before: BTreeMap<String, Instant>,
    /// Whether a credential or a token was refused: the work is begun anew then, by a session that knows nothing of what this one was told.
    begins_anew: bool,
}

impl Work {
    pub fn new(started: OffsetDateTime, is_batch: bool) -> Arc<Self> {
        Arc::new(Self { started, is_batch, seen: Mutex::default() })
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The transport of a deployment.
pub struct Watch {
    inner: Arc<dyn HttpClient>,
    simulator: Simulator,
    estate: Arc<Estate>,
    policy: Policy,
    kept: Mutex<Kept>,
}

/// What is known of the whole history.
#[derive(Debug, Default)]
pub struct Kept {
    pub violations: Vec<Violation>,
    /// When somebody else changed something, so that what was true before may be told after.
    pub acted: Vec<(OffsetDateTime, Act)>,
    /// Calls by operation and fault, each with whether it struck before or after the effect.
    pub struck: BTreeMap<(String, String), u64>,
    pub calls: u64,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch {
    pub fn new(simulator: &Simulator, estate: &Arc<Estate>, policy: Policy) -> Arc<Self> {
        let inner = simulator.transport();
        Arc::new(Self { inner, simulator: simulator.clone(), estate: estate.clone(), policy, kept: Mutex::default() })
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn violated(&self, invariant: Invariant, words: String) {
        self.kept().violations.push(Violation { invariant, words });
    }

    /// Judges what is about to take effect.
    fn judge(&self, operation: &str, tenant: Option<&str>, request: &Request) {
        let body = body_of(request);
        match operation {
            "arm.role-assignments.create" => self.judge_assignment(tenant, request, body),
            "arm.role-assignments.delete" => self.judge_removal(tenant, request),
            "arm.role-definitions.create" | "arm.role-definitions.delete" => {
                self.violated(Invariant::OnlyReader, format!("{} {}", request.method(), request.url()));
            }
            "ispm.connections.create" => self.judge_connection(request, body),
            "ispm.connections.delete" => self.judge_disconnection(request),
            "event-grid.publish" | "event-bridge.publish" => self.judge_results(operation, body),
            "queue.enqueue" | "sqs.enqueue" => self.judge_message(operation, request, body),
            _ => {}
        }
        let url = request.url().as_str();
        if secrets().iter().any(|secret| url.contains(secret.as_str())) {
            self.violated(Invariant::NoSecret, format!("a secret in the address of {operation}"));
        }
    }

    fn judge_assignment(&self, tenant: Option<&str>, request: &Request, body: &[u8]) {
        let Some((scope, name)) = assignment_of(request) else { return };
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        let (role, principal) = (text("/properties/roleDefinitionId"), text("/properties/principalId"));
        let tenant = tenant.unwrap_or_default();
        let expected = self.estate.ispm_principal(tenant);
        if !role.ends_with(READER) || expected != Some(principal.as_str()) {
            self.violated(Invariant::OnlyReader, format!("role {role} for {principal} in tenant {tenant} at {scope}"));
        }
        if name != expected_name(&scope, &principal) {
            self.violated(Invariant::DeterministicName, format!("the assignment at {scope} is named {name}"));
        }
        let state = self.simulator.state();
        let world = &state.world;
        if !belongs(world, tenant, &scope) {
            drop(state);
            self.violated(Invariant::OwnTenant, format!("tenant {tenant} writes at {scope}"));
            return;
        }
        let at = parsed(&scope);
        let direct_only = self.policy == Policy::Direct && tenant == self.estate.cast.tenant;
        let known_by = known_by(world, self.simulator.now());
        let above = world.tenants.get(tenant).into_iter().flat_map(|found| {
            let covering = found.role_assignments.values().filter(|one| !one.scope.is(&at) && found.covers(&one.scope, &at));
            covering.filter(|one| one.role == READER && one.is_of(&principal) && one.condition.is_none() && one.created_on < known_by)
        });
        let overlooked = !direct_only && above.count() > 0;
        drop(state);
        if overlooked {
            self.violated(Invariant::InheritedCounts, format!("Reader is assigned at {scope}, where it is inherited"));
        }
    }

    fn judge_removal(&self, tenant: Option<&str>, request: &Request) {
        let Some((scope, name)) = assignment_of(request) else { return };
        let state = self.simulator.state();
        let tenant_id = tenant.unwrap_or_default();
        let found = state.world.tenants.get(tenant_id).and_then(|tenant| tenant.role_assignments.get(&name));
        let is_ours = found.is_none_or(|found| {
            let marked = found.description.as_deref().is_some_and(|words| words.starts_with(MARK));
            // What a person was lent at the root of all is taken back by whoever asked for it.
            marked || (scope.is_empty() && found.is_of(&self.estate.cast.administrator))
        });
        drop(state);
        if !is_ours {
            self.violated(Invariant::OnlyOurs, format!("the assignment {name} at {scope} of others is removed"));
        }
    }

    fn judge_connection(&self, request: &Request, body: &[u8]) {
        let host = request.url().host_str().unwrap_or_default();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let source = body["relatedSource"].as_str().unwrap_or_default();
        let right = match self.estate.tenant_of_console(host) {
            Some(Fabrikam::TENANT) => source == "Entra ID",
            Some(_) => source == self.estate.cast.entra_source,
            None => false,
        };
        let other = if host == Fabrikam::HOST { "demo~" } else { "fabrikam~" };
        if !right || header(request, "authorization").contains(other) {
            self.violated(Invariant::OwnTenant, format!("a connection of {source:?} at {host}"));
        }
    }

    fn judge_disconnection(&self, request: &Request) {
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let id = request.url().path().rsplit('/').next().unwrap_or_default().to_owned();
        let state = self.simulator.state();
        let found = state.world.ispm.get(&host).and_then(|console| console.connections.get(&id));
        let is_ours = found.is_none_or(|found| found.managed_by.as_deref().is_some_and(|by| by.starts_with("ispm-onboarder")));
        drop(state);
        if !is_ours {
            self.violated(Invariant::OnlyOurs, format!("the connection {id} of others at {host} is removed"));
        }
    }

    fn judge_results(&self, operation: &str, body: &[u8]) {
        self.judge_text(operation, body);
        for event in results_in(operation, body) {
            self.judge_result(&event);
        }
    }

    /// What is told is true when it is told, but for what somebody else has just changed.
    fn judge_result(&self, event: &Value) {
        let kind = event["type"].as_str().unwrap_or_default();
        let (tenant, scope) = (event["data"]["tenantId"].as_str().unwrap_or_default(), event["data"]["scope"].as_str().unwrap_or_default());
        let started = WORK.try_with(|work| work.started).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let disturbed = self.kept().acted.iter().any(|(at, _)| *at >= started - time::Duration::minutes(5));
        if disturbed || !kind.ends_with(".onboarded.v1") {
            return;
        }
        let tells = |member: &str| event["data"].get(member).is_some();
        let state = self.simulator.state();
        // A sweep tells of a tenant's connection alone.
        let has = !tells("roleAssignment") || self.estate.has_reader(&state.world, tenant, &parsed(scope), self.policy);
        let connected = !tells("connection") || self.estate.is_connected(&state.world, tenant, self.policy);
        drop(state);
        if !has || !connected {
            self.violated(Invariant::TellsTheTruth, format!("{scope} is told onboarded: Reader {has}, connected {connected}"));
        }
    }

    fn judge_message(&self, operation: &str, request: &Request, body: &[u8]) {
        self.judge_text(operation, body);
        if body.len() > LONGEST_MESSAGE {
            self.violated(Invariant::BoundedWork, format!("a message of {} bytes", body.len()));
        }
        let (delay, longest) = match operation {
            "queue.enqueue" => {
                let delay = request.url().query_pairs().find(|(name, _)| name == "visibilitytimeout");
                (delay.and_then(|(_, value)| value.parse().ok()).unwrap_or(0), LONGEST_WISH)
            }
            _ => {
                let body: Value = serde_json::from_slice(body).unwrap_or_default();
                (body["DelaySeconds"].as_u64().unwrap_or(0), LONGEST_WISH_ON_LAMBDA)
            }
        };
        let wish = WORK.try_with(|work| if work.is_batch { None } else { work.seen().only_wish() }).ok().flatten();
        if let Some(wish) = wish.map(|wish| wish.min(longest)).filter(|wish| delay < *wish) {
            self.violated(Invariant::ObeysRetryAfter, format!("put back for {delay} s where a service asked for {wish} s"));
        }
    }

    fn judge_text(&self, operation: &str, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        if let Some(secret) = secrets().into_iter().chain(["eyJ".to_owned()]).find(|secret| text.contains(secret.as_str())) {
            self.violated(Invariant::NoSecret, format!("{secret} in the body of {operation}"));
        }
    }

    /// Notes a call when it has arrived, and has it judged before it takes effect.
    async fn arrived<T>(
        &self,
        mut exchange: Pin<Box<dyn Future<Output = T> + Send + '_>>,
        judge: impl FnOnce(&str, Option<&str>) + Send,
    ) -> T {
        // The simulator notes a call as it arrives, and yields before it takes effect.
        let first = poll_fn(|context| Poll::Ready(exchange.as_mut().poll(context))).await;
        let arrived = self.simulator.newest_call().map(|call| (call.operation, call.caller, call.fault));
        if let Some((operation, caller, fault)) = arrived.filter(|_| first.is_pending()) {
            self.kept().calls += 1;
            judge(&operation, caller.as_ref().map(|caller| caller.tenant_id.as_str()));
            if let Some(fault) = fault {
                let now = self.simulator.now();
                *self.kept().struck.entry((operation.clone(), fault.clone())).or_default() += 1;
                let _ = WORK.try_with(|work| work.seen().faults.push((now, fault)));
            }
        }
        match first {
            Poll::Ready(result) => result,
            Poll::Pending => exchange.await,
        }
    }

    /// Notes a call of the current work, and whether it comes too early.
    fn begin(&self, address: &str) {
        let early = WORK.try_with(|work| {
            let mut seen = work.seen();
            seen.calls += 1;
            !work.is_batch && !seen.begins_anew && seen.not_before.get(address).is_some_and(|at| Instant::now() < *at)
        });
        if early == Ok(true) {
            self.violated(
                Invariant::ObeysRetryAfter,
                format!("{} is called again before its Retry-After", address.split(' ').take(2).collect::<Vec<_>>().join(" ")),
            );
        }
    }
}

impl Seen {
    /// How long yet the only service that was in trouble, at one address, asked to be left alone.
    fn only_wish(&self) -> Option<u64> {
        let (first, until) = self.troubles.last()?;
        let is_only = self.troubles.iter().all(|(address, until)| address == first && until.is_some());
        until.filter(|_| is_only).map(|until| until.saturating_duration_since(Instant::now()).as_secs())
    }
}

#[async_trait]
impl HttpClient for Watch {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        // Services of AWS have one address for all, and Entra one for all resources: what is asked makes the difference.
        let asked = if request.method() == Method::Post { String::from_utf8_lossy(body_of(request)) } else { "".into() };
        let address = format!("{} {} {} {asked}", request.method(), request.url(), header(request, "x-amz-target"));
        self.begin(&address);
        let exchange = self.inner.execute_request(request);
        let result = self.arrived(exchange, |operation, tenant| self.judge(operation, tenant, request)).await;
        end(&address, &result);
        result
    }
}

/// The platform's identity, watched.
#[derive(Debug)]
pub struct WatchedIdentity(pub Arc<dyn TokenCredential>, pub Arc<Watch>);

#[async_trait]
impl TokenCredential for WatchedIdentity {
    async fn get_token(&self, scopes: &[&str], options: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        self.1.arrived(self.0.get_token(scopes, options), |_, _| {}).await
    }
}

/// Notes how a call of the current work ended.
fn end(address: &str, result: &azure_core::Result<AsyncRawResponse>) {
    // Refused by a service, or by Entra itself: the work begins anew, with another session.
    let signs_in = address.contains("/oauth2/v2.0/token");
    let is_refusal = |status: StatusCode| status == StatusCode::Unauthorized || signs_in && (400..500).contains(&u16::from(status));
    if result.as_ref().is_ok_and(|answer| is_refusal(answer.status())) {
        let _ = WORK.try_with(|work| work.seen().begins_anew = true);
    }
    let trouble = match result {
        Ok(answer) if answer.status().is_success() => return,
        Ok(answer) => answer.headers().get_optional_str(&RETRY_AFTER).and_then(|after| after.trim().parse::<u64>().ok()),
        Err(_) => None,
    };
    let until = trouble.and_then(|after| Instant::now().checked_add(Duration::from_secs(after)));
    let _ = WORK.try_with(|work| {
        let mut seen = work.seen();
        seen.troubles.push((address.to_owned(), until));
        if let Some(until) = until {
            seen.not_before.insert(address.to_owned(), until);
        }
    });
}

/// Until when an assignment was made that whoever asks now can see.
fn known_by(world: &World, now: OffsetDateTime) -> OffsetDateTime {
    let started = WORK.try_with(|work| work.started).unwrap_or(now);
    started - Duration::from_secs(world.settings.role_list_lag_seconds + 1)
}

fn body_of(request: &Request) -> &[u8] {
    match request.body() {
        azure_core::http::Body::Bytes(bytes) => bytes,
        azure_core::http::Body::SeekableStream(_) => &[],
    }
}

fn header(request: &Request, name: &'static str) -> String {
    request.headers().get_optional_str(&HeaderName::from_static(name)).unwrap_or_default().to_owned()
}

/// The scope and the name of an assignment, from the address of its PUT or DELETE.
fn assignment_of(request: &Request) -> Option<(String, String)> {
    let path = request.url().path();
    let (scope, name) = path.split_once("/providers/Microsoft.Authorization/roleAssignments/")?;
    Some((scope.to_owned(), name.to_ascii_lowercase()))
}

/// A scope from its id.
pub fn parsed(id: &str) -> Scope {
    let last = id.rsplit('/').next().unwrap_or_default().to_owned();
    if id.contains("/managementGroups/") { Scope::ManagementGroup(last) } else { Scope::Subscription(last) }
}

fn belongs(world: &World, tenant: &str, scope: &str) -> bool {
    let Some(found) = world.tenants.get(tenant).filter(|_| tenant != Unserved::TENANT) else { return false };
    match parsed(scope) {
        Scope::Subscription(id) => found.subscriptions.contains_key(&id),
        scope @ Scope::ManagementGroup(_) => {
            matches!(&scope, Scope::ManagementGroup(name) if name == tenant || found.management_groups.contains_key(name))
        }
        Scope::Tenant => false,
    }
}

/// The result events in the body of a call that publishes.
pub fn results_in(operation: &str, body: &[u8]) -> Vec<Value> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match operation {
        "event-grid.publish" => match body {
            Value::Array(events) => events,
            event => vec![event],
        },
        _ => {
            let entries = body["Entries"].as_array().cloned().unwrap_or_default();
            let result = |entry: &Value| {
                let detail: Value = serde_json::from_str(entry["Detail"].as_str()?).ok()?;
                Some(serde_json::json!({ "type": entry["DetailType"], "data": detail }))
            };
            entries.iter().filter_map(result).collect()
        }
    }
}
