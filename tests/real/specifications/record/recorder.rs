//! A transport that writes down what passes through it.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request};
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// One exchange, with the step of the story that it belongs to.
#[derive(Debug)]
pub struct Exchange {
    step: String,
    document: Value,
}

/// A transport that writes down every exchange with a service that has a specification.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    transport: Arc<dyn HttpClient>,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    step: String,
    exchanges: Vec<Exchange>,
}

impl Recorder {
    pub fn new(transport: Arc<dyn HttpClient>, step: &str) -> Self {
        let book = Book { step: step.to_owned(), exchanges: Vec::new() };
        Self(Arc::new(Inner { transport, book: Mutex::new(book) }))
    }

    /// Names the exchanges from here on.
    pub fn step(&self, step: &str) {
        self.book().step = step.to_owned();
    }

    /// Everything written down so far.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.book().exchanges)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl HttpClient for Recorder {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let (status, headers, body) = self.0.transport.execute_request(request).await?.deconstruct();
        let body = body.collect().await?;
        if is_specified(request.url().host_str().unwrap_or_default()) {
            let document = json!({
                "liveRequest": {
                    "method": request.method().as_ref(),
                    "url": request.url().as_str(),
                    "headers": shown(request.headers()),
                    "body": content(&sent(request)),
                },
                "liveResponse": { "statusCode": u16::from(status).to_string(), "headers": shown(&headers), "body": content(&body) },
            });
            let mut book = self.book();
            let step = book.step.clone();
            book.exchanges.push(Exchange { step, document });
        }
        Ok(AsyncRawResponse::from_bytes(status, headers, body))
    }
}

/// The services whose specifications stand beside this program.
fn is_specified(host: &str) -> bool {
    host == "management.azure.com" || host.ends_with(".vault.azure.net") || host.ends_with(".eventgrid.azure.net")
}

/// The request's body; nothing that is recorded here streams one.
fn sent(request: &Request) -> Bytes {
    if let Body::Bytes(bytes) = request.body() { bytes.clone() } else { Bytes::new() }
}

/// Headers without the caller's token: no specification speaks of it, and a file should not hold one.
fn shown(headers: &Headers) -> Value {
    let pairs = headers.iter().filter(|(name, _)| name.as_str() != "authorization");
    pairs.map(|(name, value)| (name.as_str().to_owned(), json!(value.as_str()))).collect::<Map<_, _>>().into()
}

fn content(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| json!(String::from_utf8_lossy(body)))
}

/// Writes each exchange to a file that names its place and its step.
pub fn write(folder: &Path, exchanges: &[Exchange]) -> Result<usize, Box<dyn std::error::Error>> {
    fs::create_dir_all(folder)?;
    for (number, exchange) in (1..).zip(exchanges) {
        let name = format!("{number:03} {}.json", exchange.step);
        fs::write(folder.join(name), serde_json::to_string_pretty(&exchange.document)?)?;
    }
    Ok(exchanges.len())
}
