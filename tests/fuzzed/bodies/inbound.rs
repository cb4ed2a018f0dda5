//! Everything that comes in: events in all schemas, queue messages, calls of both platforms, bodies of the ops routes.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request as HttpRequest, Uri};
use azure_core::http::HttpClient;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ispm_onboarder::callers::WebhookKeys;
use ispm_onboarder::clock::Clock;
use ispm_onboarder::config::SecretStoreUrl;
use ispm_onboarder::hosts::Deployment;
use ispm_onboarder::hosts::functions::router;
use ispm_onboarder::hosts::http::Readiness;
use ispm_onboarder::hosts::lambda::LambdaFunction;
use ispm_onboarder::outcome::Outcome;
use ispm_onboarder::queue::delay;
use ispm_onboarder::request::{Action, Authority, Cause, Envelope, Inbound, Message, NoTenant, Request, parse, parse_call, parse_value};
use ispm_onboarder::secrets::SecretStore;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::cloud::{NOW, Queued, block_on, deployment, platform};
use super::words;

/// The largest message of this program's own: far below the 64 KB of a Storage queue.
const LONGEST_MESSAGE: usize = 8 * 1024;
/// The longest wait in the queue: an hour and a fifth.
const LONGEST_DELAY: Duration = Duration::from_mins(72);

/// Bytes that arrive by any way are taken to their end.
pub fn check(bytes: &[u8]) {
    let read = parse(bytes);
    check_all(&read, bytes.len());
    assert_eq!(told(&read), told(&parse(bytes)), "the same bytes, read differently");
    check_one(&parse_call(bytes, Action::Offboard, "1".to_owned()));
    if let Err(error) = Envelope::read(bytes) {
        words::check(&error);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    check_layers(&read, &value, text);
    block_on(check_hosts(&value, text, read.iter().any(was_given_up)));
}

/// Whatever is read of one document.
pub fn check_all(read: &[Inbound], bytes: usize) {
    assert!((1..=bytes.max(1)).contains(&read.len()), "{} inputs in {bytes} bytes", read.len());
    read.iter().for_each(check_one);
}

/// One input is a request that can be kept, or a refusal that can be shown; and its cause can be published.
fn check_one(inbound: &Inbound) {
    let cause = &inbound.cause;
    check_cause(cause);
    let error = match &inbound.request {
        Ok(request) => {
            assert_eq!(request.cause, *cause);
            assert_eq!((request.authority, request.caller), (Authority::Event, None), "nothing that comes in is a person's word");
            check_kept(request);
            return;
        }
        Err(refusal) => {
            words::check_refusal(&refusal.error);
            assert!(refusal.kept.is_none() || refusal.nameless.is_none());
            if let Some(nameless) = &refusal.nameless {
                check_nameless(nameless);
            }
            if let Some(kept) = &refusal.kept {
                let again = only(&kept.text).request.expect_err("a message that waits is none that is understood");
                assert_eq!(again.kept.expect("it still waits").text, kept.text);
                assert_eq!(again.error.code, refusal.error.code);
                check_storable(&kept.text);
            }
            refusal.error.clone()
        }
    };
    let tenant = inbound.request.as_ref().err().and_then(|refusal| refusal.tenant);
    let outcome = Outcome::unreadable(cause.clone(), tenant, error.clone());
    let unserved = Outcome::unreadable(cause.clone(), None, error);
    assert_eq!(outcome.id(), unserved.id(), "an id that depends on whether the tenant could be looked up");
    assert!(json!(outcome.event(NOW)).to_string().len() < 2 * LONGEST_MESSAGE);
}

fn check_cause(cause: &Cause) {
    for text in [&cause.source, &cause.id, &cause.kind] {
        words::printable(text, 1024);
    }
}

/// A request is the same after it lay in the queue, but for what it has been through.
fn check_kept(request: &Request) {
    assert!(delay(request, None) <= LONGEST_DELAY && delay(request, Some(Duration::MAX)) <= LONGEST_DELAY);
    let put_back = Message::put_back(request, NOW).to_string();
    let again = only(&put_back).request.unwrap_or_else(|refusal| panic!("{put_back} is not understood: {}", refusal.error));
    assert_eq!(again.history.attempts, request.history.attempts.saturating_add(1));
    assert_eq!(again.history.first_seen, request.history.first_seen.or(Some(NOW)));
    assert_eq!(Request { history: request.history, ..again }, *request, "{put_back}");
    let handed_on = Message::handed_on(request, NOW).to_string();
    let again = only(&handed_on).request.unwrap_or_else(|refusal| panic!("{handed_on} is not understood: {}", refusal.error));
    assert_eq!(again.history.attempts, request.history.attempts);
    assert_eq!(Message::handed_on(&again, NOW).to_string(), handed_on);
    for message in [&put_back, &handed_on] {
        assert!(message.len() <= LONGEST_MESSAGE, "{} bytes for the queue", message.len());
        check_storable(message);
    }
}

fn check_nameless(request: &Request<NoTenant>) {
    let put_back = Message::put_back(request, NOW).to_string();
    check_storable(&put_back);
    let refusal = only(&put_back).request.expect_err("a request without a tenant");
    let again = refusal.nameless.expect("it is kept");
    assert_eq!(Request { history: request.history, ..again }, *request, "{put_back}");
}

/// Whether a message has waited for a newer version of this program for a day: it goes where a person sees it.
fn was_given_up(inbound: &Inbound) -> bool {
    let kept = inbound.request.as_ref().err().and_then(|refusal| refusal.kept.as_ref());
    kept.is_some_and(|kept| NOW - kept.first_seen >= time::Duration::DAY)
}

/// What XML, in which messages travel, can hold (<https://www.w3.org/TR/xml/#charsets>).
fn check_storable(text: &str) {
    let can_hold = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(text.chars().all(can_hold), "XML cannot hold this: {text:?}");
}

fn only(text: &str) -> Inbound {
    let mut all = parse(text.as_bytes());
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0)
}

/// What tells inputs apart: what they ask for, or why they are refused, and their causes.
pub fn told(read: &[Inbound]) -> Vec<String> {
    let one = |inbound: &Inbound| match &inbound.request {
        Ok(request) => format!("{request:?}"),
        Err(refusal) => format!("{:?} {:?} {:?} {:?}", inbound.cause, refusal.error, refusal.tenant, refusal.nameless),
    };
    read.iter().map(one).collect()
}

/// A document reads the same inside a string, inside base64, and as the only one of an array; two are read as each by itself.
fn check_layers(read: &[Inbound], value: &Value, text: &str) {
    assert_eq!(told(&parse_value(value)), told(read));
    if value.is_string() {
        return;
    }
    for wrapped in [Value::String(text.to_owned()), Value::String(STANDARD.encode(text))] {
        assert_eq!(told(&parse_value(&wrapped)), told(read), "in a string");
    }
    if !value.is_array() {
        let twice = json!([value, text]);
        assert_eq!(told(&parse_value(&twice)), [told(read), told(read)].concat(), "in an array");
    }
}

/// The document as a body of each host's routes: it is answered, and with nothing that the platform would take for a failure of this program.
async fn check_hosts(value: &Value, text: &str, given_up: bool) {
    let (deployment, queued) = deployment();
    let call = value.get("Data").is_some_and(Value::is_object);
    if call {
        for route in ["/OnOnboardingEvent", "/OnOnboardingMessage", "/OnActivityLog"] {
            let (status, body) = post(&deployment, route, text).await;
            let given_up = value["Data"].as_object().is_some_and(|data| data.values().flat_map(parse_value).any(|one| was_given_up(&one)));
            assert!(matches!(status, 200 | 400) || (status == 500 && given_up), "{route} answers {status}: {body}");
        }
    } else {
        check_lambda(&deployment, value, text, given_up).await;
    }
    if value.get("tenantId").is_some() {
        for (route, expected) in [("/api/onboard", [400, 403]), ("/api/offboard", [401, 403])] {
            let (status, body) = post(&deployment, route, text).await;
            assert!(expected.contains(&status), "{route} answers {status}: {body}");
            words::printable(body["detail"].as_str().expect("a problem has a detail"), 1000);
        }
    }
    if let Some(query) = value.get("query").and_then(Value::as_str) {
        check_query(&deployment, query).await;
    }
    for message in queued.all() {
        assert!(message.len() <= text.len() * 12 + LONGEST_MESSAGE, "{} bytes for the queue", message.len());
    }
}

async fn post(deployment: &Deployment, route: &str, body: &str) -> (u16, Value) {
    let request = HttpRequest::post(route).body(Body::from(body.to_owned())).expect("a valid request");
    send(deployment, request).await
}

async fn send(deployment: &Deployment, request: HttpRequest<Body>) -> (u16, Value) {
    let Ok(answer) = router(Readiness::ready(deployment.clone())).oneshot(request).await;
    let status = answer.status().as_u16();
    let body = to_bytes(answer.into_body(), usize::MAX).await.expect("answers in memory do not break");
    (status, serde_json::from_slice(&body).expect("an answer is JSON"))
}

/// The coverage report is asked for in a query, of which there is none here.
async fn check_query(deployment: &Deployment, query: &str) {
    let Ok(uri) = Uri::try_from(format!("/api/coverage?{query}")) else { return };
    let request = HttpRequest::get(uri).body(Body::empty()).expect("a valid request");
    let (status, body) = send(deployment, request).await;
    assert!(matches!(status, 400 | 404), "{status}: {body}");
}

/// A payload of Lambda's, and the same as a record of its queue.
async fn check_lambda(deployment: &Deployment, value: &Value, text: &str, given_up: bool) {
    let store = SecretStoreUrl::Folder(crate::FIXTURES.into());
    let nobody: Arc<dyn HttpClient> = Arc::new(Queued::default());
    let platform = platform();
    let keys = WebhookKeys::new(SecretStore::open(&store, &platform, &nobody), Clock::starting_at(NOW));
    let function = LambdaFunction::new(deployment.clone(), keys);
    let minute = Duration::from_mins(1);
    if value.get("command").is_none() {
        match function.invoke(value, "1", minute).await {
            Err(error) => words::check(&error.0),
            Ok(answer) if value.get("requestContext").is_some_and(Value::is_object) => {
                let status = answer["statusCode"].as_u64().expect("an HTTP answer has a status");
                assert!((200..=499).contains(&status) || status == 503, "{answer}");
                assert!(answer["body"].is_string() && answer["isBase64Encoded"] == false, "{answer}");
            }
            Ok(answer) => assert!(answer.is_object(), "{answer}"),
        }
    }
    let record = json!({ "messageId": "1", "body": text, "eventSource": "aws:sqs" });
    let answer = function.invoke(&json!({ "Records": [record] }), "2", minute).await.expect("a batch is no function error");
    assert_eq!(answer["batchItemFailures"] != json!([]), given_up, "a record that comes back: {answer}");
}
