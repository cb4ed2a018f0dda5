//! The account of a scenario: what happened, and what of it was read.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use ispm_onboarder::schemas::documents;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::canary::{shown, take_log};
use super::worker::QUEUE;
use super::{ASSIGN, CONNECT, PUBLISH, PUT_BACK, Scenario};
use ispm_onboarder_simulator::Recorded;

/// Stands for all token fetches and reads of the secret store since the account was last read.
pub const COLD_START: &str = "cold start";

/// Event Grid does not wait longer for an answer; a timer does.
const ANSWER_WITHIN: std::time::Duration = std::time::Duration::from_secs(30);

/// Calls that change or tell something. The others are reads, made side by side: their order among themselves says nothing.
const WRITES: [&str; 4] = [ASSIGN, CONNECT, PUBLISH, PUT_BACK];

impl Scenario {
    /// Accounts for the calls since the last time: token fetches and reads of secrets as one [`COLD_START`], all others by name. Writes are
    /// compared in order, and so are the groups of reads between them.
    #[track_caller]
    pub fn expect_calls(&self, expected: impl IntoIterator<Item = &'static str>) {
        let calls = self.unread_calls();
        let mut told: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
        if told.iter().any(|name| is_cold_start(name)) {
            told.retain(|name| !is_cold_start(name));
            told.insert(0, COLD_START);
        }
        assert_eq!(in_groups(told), in_groups(expected.into_iter().collect()), "the calls (left) are not the expected ones (right)");
    }

    /// Accounts for the calls since the last time by counting them; token fetches and reads of secrets are counted together.
    pub fn count_calls(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.unread_calls() {
            let name = if is_cold_start(&call.operation) { COLD_START } else { &call.operation };
            *counts.entry(name.to_owned()).or_default() += 1;
        }
        counts
    }

    /// Accounts for the calls since the last time, as they were recorded.
    pub fn unread_calls(&self) -> Vec<Recorded> {
        let state = self.simulator.state();
        let read = self.calls_read.replace(state.requests.len());
        state.requests[read..].to_vec()
    }

    /// The hosts that were called and are nowhere in this world.
    pub fn unknown_hosts(&self) -> Vec<String> {
        self.simulator.state().unknown_hosts.clone()
    }

    /// Accounts for the result events since the last time, each told by its kind and code: `onboarded`, `failed scope-not-found`.
    #[track_caller]
    pub fn expect_results<const N: usize>(&self, expected: [&str; N]) -> [Value; N] {
        let results = self.unread_results();
        let told: Vec<String> = results.iter().map(told).collect();
        assert_eq!(told, expected, "the results (left) are not the expected ones (right): {results:#?}");
        results.try_into().expect("as many as were compared")
    }

    /// Accounts for the result events since the last time, each told once, whatever its copies: the ids with kind and code.
    pub fn distinct_results(&self) -> BTreeMap<String, String> {
        let id = |event: &Value| event["id"].as_str().unwrap_or_default().to_owned();
        self.unread_results().iter().map(|event| (id(event), told(event))).collect()
    }

    fn unread_results(&self) -> Vec<Value> {
        let results = self.host.results(&self.simulator);
        let read = self.results_read.replace(results.len());
        results[read..].to_vec()
    }

    /// Accounts for one request that waits in the queue.
    #[track_caller]
    pub fn expect_waiting(&self) -> Waiting {
        let [waiting] = self.expect_all_waiting();
        waiting
    }

    /// Accounts for all requests that wait in the queue.
    #[track_caller]
    pub fn expect_all_waiting<const N: usize>(&self) -> [Waiting; N] {
        let messages = self.messages();
        self.waiting.set(N);
        let now = self.now();
        let waiting: Vec<Waiting> = messages.iter().map(|message| Waiting::of(message, now)).collect();
        waiting.try_into().unwrap_or_else(|waiting: Vec<Waiting>| panic!("{N} requests should wait, and these do: {waiting:#?}"))
    }

    /// What waits in the queue, as it is stored, accounted for.
    pub fn waiting_texts(&self) -> Vec<String> {
        let messages = self.messages();
        self.waiting.set(messages.len());
        messages.into_iter().map(|message| message.text).collect()
    }

    /// Accounts for inputs that the platform gave up: dead-lettered, or put away in the poison queue.
    #[track_caller]
    pub fn expect_given_up(&self, count: usize) {
        assert_eq!(self.all_given_up(), count, "inputs that the platform gave up");
        self.given_up.set(count);
    }

    /// Accounts for whatever waits or was given up, in scenarios that ask about something else.
    pub fn forgive_what_waits(&self) {
        self.waiting.set(self.messages().len());
        self.given_up.set(self.all_given_up());
    }

    fn messages(&self) -> Vec<Stored> {
        self.host.messages(&self.simulator, &self.cast)
    }

    fn all_given_up(&self) -> usize {
        self.host.given_up(&self.simulator, &self.cast)
    }

    /// No secret and no word of an upstream service came out.
    pub fn check_secrets(&self) {
        for said in self.everything_said().into_iter().chain([take_log(), self.face.clone()]) {
            assert_eq!(shown(&said), None, "this shows what it must not");
        }
    }

    /// Everything that left this deployment, and what it was sent, for a look through it all.
    pub fn everything_said(&self) -> Vec<String> {
        let mut said: Vec<String> = self.host.results(&self.simulator).iter().map(Value::to_string).collect();
        said.extend(self.messages().into_iter().map(|message| message.text));
        said.extend(self.stored());
        said.extend(self.simulator.state().requests.iter().map(|call| call.url.clone()));
        let worked = self.worked.all();
        said.extend(worked.into_iter().flat_map(|(sent, answer)| {
            let headers = answer.headers.into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
            [sent, answer.body, headers]
        }));
        said
    }

    /// What is stored in containers and buckets, and in all queues, those of messages that were given up too.
    fn stored(&self) -> Vec<String> {
        let world = &self.simulator.state().world;
        let accounts = world.storage_accounts.values();
        let blobs = accounts.clone().flat_map(|account| account.containers.values()).flat_map(|container| container.values());
        let messages = accounts.flat_map(|account| account.queues.values()).flatten();
        let aws = world.aws.values();
        let objects = aws.clone().flat_map(|account| account.buckets.values()).flat_map(|bucket| bucket.objects.values());
        let on_sqs = aws.flat_map(|account| account.queues.values()).flat_map(|queue| queue.messages.iter());
        let mut stored: Vec<String> = blobs.map(|blob| blob.text.clone()).collect();
        stored.extend(messages.map(|message| message.text.clone()));
        stored.extend(objects.map(|object| String::from_utf8_lossy(&object.body).into_owned()));
        stored.extend(on_sqs.map(|message| message.body.clone()));
        stored
    }
}

/// A request that waits in the queue.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// How long it has to wait still.
    pub delay: Duration,
    /// What is stored.
    pub message: Value,
}

/// A message of the queue, whichever that is.
#[derive(Clone, Debug)]
pub struct Stored {
    pub text: String,
    pub visible_from: OffsetDateTime,
}

impl Waiting {
    fn of(message: &Stored, now: OffsetDateTime) -> Self {
        Self { delay: message.visible_from - now, message: serde_json::from_str(&message.text).unwrap_or_default() }
    }

    /// How often it was put back.
    pub fn attempts(&self) -> u64 {
        self.message["attempts"].as_u64().unwrap_or_default()
    }

    /// When this deployment saw it first.
    pub fn first_seen(&self) -> OffsetDateTime {
        let text = self.message["firstSeen"].as_str().unwrap_or_default();
        OffsetDateTime::parse(text, &Rfc3339).unwrap_or_else(|error| panic!("{error} in firstSeen of {}", self.message))
    }
}

fn is_cold_start(operation: &str) -> bool {
    ["identity.", "entra.", "key-vault.", "secrets-manager.", "sts."].iter().any(|service| operation.starts_with(service))
}

/// Sorts each group of reads between writes.
fn in_groups(mut calls: Vec<&str>) -> Vec<&str> {
    let is_write = |name: &&str| WRITES.contains(name);
    calls.chunk_by_mut(|one, two| !is_write(one) && !is_write(two)).for_each(<[&str]>::sort_unstable);
    calls
}

fn told(event: &Value) -> String {
    let kind = event["type"].as_str().unwrap_or_default().trim_start_matches("dev.ispm-onboarder.").trim_end_matches(".v1");
    let kind = kind.trim_start_matches("scope.");
    event["data"]["code"].as_str().map_or_else(|| kind.to_owned(), |code| format!("{kind} {code}"))
}

/// A scenario that was not read to its end did not say what should happen.
impl Drop for Scenario {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let calls: Vec<String> = self.unread_calls().into_iter().map(|call| call.operation).collect();
        assert!(calls.is_empty(), "calls that the scenario did not account for: {calls:?}");
        let results: Vec<String> = self.unread_results().iter().map(told).collect();
        assert!(results.is_empty(), "results that the scenario did not account for: {results:?}");
        let messages = self.messages();
        assert_eq!(messages.len(), self.waiting.get(), "requests that wait and were not accounted for: {messages:#?}");
        assert_eq!(self.all_given_up(), self.given_up.get(), "inputs that the platform gave up, not accounted for");
        self.check_answers();
        self.check_ops();
        self.check_secrets();
    }
}

impl Scenario {
    /// Every trigger was answered in time, and every success in the shape that the host waits for.
    fn check_answers(&self) {
        for (_, answer) in self.worked.all() {
            let is_timed = answer.path != "/Sweep" && answer.path != "sweep";
            assert!(!is_timed || answer.took < ANSWER_WITHIN, "{} was answered after {:?}", answer.path, answer.took);
            if answer.status == 200 && answer.path == QUEUE {
                assert!(answer.json()["batchItemFailures"].is_array(), "the platform takes this for a failure of all: {}", answer.body);
            }
            if answer.status == 200 && answer.path.starts_with("/On") {
                let body = answer.json();
                assert!(body["Outputs"].is_object() && body["Logs"].is_array(), "the host would wait for ever for this: {body}");
                assert!(!body["Logs"].as_array().is_some_and(Vec::is_empty), "a delivery of which the host's log says nothing");
            }
        }
    }
    /// Every answer of an ops route is one that its `OpenAPI` document has, and every refusal a problem document.
    fn check_ops(&self) {
        static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
            let document = documents().into_iter().find(|(name, _)| *name == "ops-api.openapi.json");
            document.expect("the ops routes have a document").1
        });
        for (_, answer) in self.worked.all() {
            let Some(route) = DOCUMENT["paths"].get(answer.path.split('?').next().unwrap_or_default()) else { continue };
            let status = answer.status.to_string();
            let mut methods = route.as_object().into_iter().flat_map(|methods| methods.values());
            let told = methods.find_map(|method| method["responses"].get(&status));
            let told = told.unwrap_or_else(|| panic!("{} {status} is not in the document: {}", answer.path, answer.body));
            if answer.status < 400 {
                continue;
            }
            assert_eq!(answer.headers["content-type"], "application/problem+json", "{} {status}", answer.path);
            let answered = answer.json();
            let name = told["$ref"].as_str().and_then(|told| told.rsplit('/').next()).expect("a refusal is told once for all routes");
            let required = DOCUMENT["components"]["schemas"]["Problem"]["required"].as_array().expect("members that it has to have");
            for member in required.iter().filter_map(Value::as_str) {
                assert!(!answered[member].is_null(), "{member} of {name}: {answered}");
            }
        }
    }
}
