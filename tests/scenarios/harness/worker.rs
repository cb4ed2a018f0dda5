//! The handler's router as the platform's worker, without a socket.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::Request;
use azure_core::credentials::TokenCredential;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ispm_onboarder::error::Error;
use ispm_onboarder::hosts::lambda::LambdaFunction;
use ispm_onboarder::identity::Platform;
use ispm_onboarder_simulator::Simulator;
use ispm_onboarder_simulator::platform::{Function, Worker};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt as _;

/// What the handler answered to one call.
#[derive(Clone, Debug)]
pub struct Answer {
    pub path: String,
    pub status: u16,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// The body as text.
    pub body: String,
    pub took: Duration,
}

impl Answer {
    /// What an invocation came to; a function error is a 500.
    pub fn of(path: &str, result: Result<Value, String>) -> Self {
        let (status, body) = match result {
            Ok(answer) => (200, answer.to_string()),
            Err(words) => (500, words),
        };
        Self { path: path.to_owned(), status, headers: BTreeMap::new(), bytes: body.clone().into_bytes(), body, took: Duration::ZERO }
    }

    /// The answer, which has to be a 200.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.body);
        self
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in the answer {:?}", self.body))
    }
}

/// Every call of the handler so far: what it was sent and what it answered.
#[derive(Clone, Default)]
pub struct Worked(Arc<Mutex<Vec<(String, Answer)>>>);

impl Worked {
    pub fn all(&self) -> Vec<(String, Answer)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, sent: String, answer: Answer) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((sent, answer));
    }
}

/// Sends one request to the router and writes it down.
pub async fn send(router: &Router, worked: &Worked, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let sent = String::from_utf8_lossy(&body).into_owned();
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body)).expect("scenarios send valid requests");
    let started = Instant::now();
    let Ok(answer) = router.clone().oneshot(request).await;
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("answers in memory do not break");
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let answer = Answer {
        path: path.to_owned(),
        status: parts.status.as_u16(),
        headers: parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
        bytes: body.to_vec(),
        took: started.elapsed(),
    };
    worked.add(sent, answer.clone());
    answer
}

/// The router as the Functions host sees it.
pub struct InMemory {
    pub router: Router,
    pub worked: Worked,
}

#[async_trait]
impl Worker for InMemory {
    async fn post(&self, path: &str, body: Bytes) -> (u16, Bytes) {
        let answer = send(&self.router, &self.worked, "POST", path, &[], body.to_vec()).await;
        (answer.status, Bytes::from(answer.body))
    }
}

/// What stands for the path of an invocation with a batch of the queue.
pub const QUEUE: &str = "queue";
/// Whom IAM has let in.
pub const IAM_CALLER: Option<&str> = Some("arn:aws:sts::123456789012:assumed-role/Operations/mia");
/// How long Lambda lets the function run.
const FUNCTION_TIMEOUT: Duration = Duration::from_mins(1);

/// The function as Lambda invokes it.
pub struct Invoked {
    pub function: LambdaFunction,
    pub worked: Worked,
}

#[async_trait]
impl Function for Invoked {
    async fn invoke(&self, payload: Bytes) -> Result<Bytes, String> {
        let payload: Value = serde_json::from_slice(&payload).expect("the platform's payloads are JSON");
        invoke(&self.function, &self.worked, QUEUE, &payload).await.map(|answer| Bytes::from(answer.to_string()))
    }
}

/// One record of a batch, as SQS hands it to Lambda
/// (<https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event>).
pub fn record(message_id: &str, body: &str) -> Value {
    json!({
        "messageId": message_id, "receiptHandle": "AQEB", "body": body, "md5OfBody": "", "messageAttributes": {},
        "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "4951634400000", "SenderId": "AROAEXAMPLE:mia", "ApproximateFirstReceiveTimestamp": "4951634400000" },
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:onboarding", "awsRegion": "eu-central-1",
    })
}

/// Invokes the function with a payload and writes it down; a function error is a 500.
pub async fn invoke(function: &LambdaFunction, worked: &Worked, path: &str, payload: &Value) -> Result<Value, String> {
    let started = Instant::now();
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("{path}/{}", worked.all().len()).as_bytes());
    // Boxed, since a scenario's own future would else be nested too deeply for the compiler.
    let invoking = Box::pin(async move { function.invoke(payload, &id.to_string(), FUNCTION_TIMEOUT).await });
    let result = invoking.await.map_err(|error| error.to_string());
    let answer = Answer { took: started.elapsed(), ..Answer::of(path, result.clone()) };
    worked.add(payload.to_string(), answer);
    result
}

/// Sends one request to the function's URL, as Lambda hands it on
/// (<https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads>), signed by `iam` where that is somebody.
pub async fn send_by_url(
    function: &LambdaFunction,
    worked: &Worked,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
    iam: Option<&str>,
) -> Answer {
    let sent: BTreeMap<&str, &str> = [("content-type", "application/json")].into_iter().chain(headers.iter().copied()).collect();
    let (raw_path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).into_owned() {
        // Several values of one name come as one, with commas between them.
        parameters.entry(name).and_modify(|values| *values = format!("{values},{value}")).or_insert(value);
    }
    let authorizer = iam.map(|arn| json!({ "iam": { "accessKey": "ASIAEXAMPLE", "accountId": "123456789012", "callerId": "AROAEXAMPLE:mia", "userArn": arn, "userId": "AROAEXAMPLE:mia" } }));
    let mut payload = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": raw_path, "rawQueryString": query, "headers": sent,
        "queryStringParameters": parameters,
        "requestContext": {
            "accountId": "123456789012", "apiId": "abc", "domainName": "abc.lambda-url.eu-central-1.on.aws", "domainPrefix": "abc",
            "http": { "method": method, "path": raw_path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "curl" },
            "requestId": "4fd5d4b4-3f8a-4f0e-9e4e-7f2a1c6f0d11", "routeKey": "$default", "stage": "$default",
            "time": "22/Nov/2126:10:00:00 +0000", "timeEpoch": 4_951_634_400_000_u64,
        },
        "isBase64Encoded": false,
    });
    if let Some(authorizer) = authorizer {
        payload["requestContext"]["authorizer"] = authorizer;
    }
    match String::from_utf8(body) {
        Ok(text) => payload["body"] = json!(text),
        Err(error) => {
            payload["body"] = json!(STANDARD.encode(error.as_bytes()));
            payload["isBase64Encoded"] = json!(true);
        }
    }
    let sent = payload["body"].as_str().unwrap_or_default().to_owned();
    let started = Instant::now();
    let answer = Box::pin(async move { function.invoke(&payload, path, FUNCTION_TIMEOUT).await });
    let answer = answer.await.unwrap_or_else(|error| panic!("{path} ended as a function error: {error}"));
    let headers = answer["headers"].as_object().into_iter().flatten();
    let text = answer["body"].as_str().unwrap_or_default();
    let bytes = match answer["isBase64Encoded"] == true {
        true => STANDARD.decode(text).expect("the body is the base64 that it is said to be"),
        false => text.as_bytes().to_vec(),
    };
    let answer = Answer {
        path: path.to_owned(),
        status: answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("an answer has a status"),
        headers: headers.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect(),
        body: String::from_utf8_lossy(&bytes).into_owned(),
        bytes,
        took: started.elapsed(),
    };
    worked.add(sent, answer.clone());
    answer
}

/// Invokes the function with what would stand in a call of the Functions host, as the body of a record; a record that comes back is a 500.
pub async fn send_as_record(function: &LambdaFunction, worked: &Worked, call: &[u8]) -> Answer {
    let call: Value = serde_json::from_slice(call).expect("scenarios call as the host does");
    let value = call["Data"].as_object().and_then(|data| data.values().next()).expect("a call has a binding");
    let body = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let started = Instant::now();
    let answer = invoke(function, worked, QUEUE, &json!({ "Records": [record("1", &body)] })).await.expect("a batch is no function error");
    let status = if answer["batchItemFailures"].as_array().is_some_and(Vec::is_empty) { 200 } else { 500 };
    let result = if status == 200 { Ok(answer) } else { Err(answer.to_string()) };
    Answer { took: started.elapsed(), ..Answer::of(QUEUE, result) }
}

/// The simulated platform's managed identity.
#[derive(Debug)]
pub struct SimulatedIdentity(pub Simulator);

impl Platform for SimulatedIdentity {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(self.0.identity())
    }
}
