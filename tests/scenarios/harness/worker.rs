//! The handler's router as the platform's worker, without a socket.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::Request;
use azure_core::credentials::TokenCredential;
use ispm_onboarder::error::Error;
use ispm_onboarder::identity::Platform;
use ispm_onboarder_simulator::Simulator;
use ispm_onboarder_simulator::platform::Worker;
use serde_json::Value;
use tokio::time::Instant;
use tower::ServiceExt as _;

/// What the handler answered to one call.
#[derive(Clone, Debug)]
pub struct Answer {
    pub path: String,
    pub status: u16,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    pub body: String,
    pub took: Duration,
}

impl Answer {
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

/// The simulated platform's managed identity.
#[derive(Debug)]
pub struct SimulatedIdentity(pub Simulator);

impl Platform for SimulatedIdentity {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(self.0.identity())
    }
}
