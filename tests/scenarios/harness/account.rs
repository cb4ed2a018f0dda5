//! The account of a scenario: what happened, and what of it was read.

use std::collections::BTreeMap;

use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::worker::QUEUE;
use super::{ASSIGN, CONNECT, PUBLISH, PUT_BACK, Scenario};
use ispm_onboarder_simulator::Recorded;

/// What must not show anywhere: the world's secrets, as they are and in a form's encoding, and the place where the second part of a token
/// begins.
pub const SECRETS: [&str; 4] = ["of~no~value", "of%7Eno%7Evalue", "demo-identity-header", ".eyJ"];

/// Stands for all token fetches and reads of the secret store since the account was last read.
pub const COLD_START: &str = "cold start";

/// Event Grid does not wait longer for an answer.
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

    /// Everything that left this deployment, and what it was sent, for a look through it all.
    pub fn everything_said(&self) -> Vec<String> {
        let mut said: Vec<String> = self.host.results(&self.simulator).iter().map(Value::to_string).collect();
        said.extend(self.messages().into_iter().map(|message| message.text));
        said.extend(self.simulator.state().requests.iter().map(|call| call.url.clone()));
        let worked = self.worked.all();
        said.extend(worked.into_iter().flat_map(|(sent, answer)| [sent, answer.body]));
        said
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
        for said in self.everything_said() {
            let shown = SECRETS.into_iter().find(|secret| said.contains(secret));
            assert_eq!(shown, None, "a secret is shown in {said}");
        }
    }
}

impl Scenario {
    /// Every trigger was answered in time, and every success in the shape that the host waits for.
    fn check_answers(&self) {
        for (_, answer) in self.worked.all() {
            assert!(answer.took < ANSWER_WITHIN, "{} was answered after {:?}", answer.path, answer.took);
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
}
