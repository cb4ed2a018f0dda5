//! Lambda's Runtime API, as far as a function sees it (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).
//!
//! It has a thread and a runtime of its own, as it is another machine's.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use ispm_onboarder::clock::Clock;
use serde_json::Value;
use tokio::sync::{Notify, mpsc, oneshot};
use uuid::Uuid;

/// How long a function may take for an invocation.
pub const TIMEOUT: Duration = Duration::from_mins(1);
/// The function's ARN, which each invocation tells.
pub const ARN: &str = "arn:aws:lambda:eu-central-1:111122223333:function:ispm-onboarder";

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// With a response.
    Response(Value),
    /// With a function error.
    Error(Value),
}

/// A Runtime API on a port of 127.0.0.1, for as long as this value lives.
pub struct RuntimeApi {
    /// What `AWS_LAMBDA_RUNTIME_API` says.
    pub address: SocketAddr,
    invocations: mpsc::UnboundedSender<Invocation>,
    shared: Arc<Shared>,
    _stop: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Invocation {
    id: String,
    payload: Value,
}

struct Shared {
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    asked: Notify,
    under_way: Mutex<BTreeMap<String, oneshot::Sender<Ended>>>,
    failed_to_start: Mutex<Vec<Value>>,
}

impl RuntimeApi {
    /// Listens at a free port.
    pub fn start() -> Self {
        let (invocations, waiting) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            waiting: tokio::sync::Mutex::new(waiting),
            asked: Notify::new(),
            under_way: Mutex::default(),
            failed_to_start: Mutex::default(),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(shared.clone());
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    served = axum::serve(listener, router) => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self { address, invocations, shared, _stop: stop }
    }

    /// Waits until the function asks for an invocation: it is initialised then.
    pub async fn asked(&self) {
        self.shared.asked.notified().await;
    }

    /// What the function reported instead of asking for its first invocation.
    pub fn failed_to_start(&self) -> Vec<Value> {
        self.shared.failed_to_start.lock().unwrap().clone()
    }

    /// Hands the function an invocation, and answers how it ends.
    pub async fn invoke(&self, id: Uuid, payload: &Value) -> Ended {
        let (ended, ending) = oneshot::channel();
        let id = id.to_string();
        self.shared.under_way.lock().unwrap().insert(id.clone(), ended);
        self.invocations.send(Invocation { id, payload: payload.clone() }).expect("the API is there as long as this value");
        let ending = tokio::time::timeout(TIMEOUT, ending).await;
        ending.expect("the function answers in time").expect("each invocation is answered once")
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    // One permit is kept, should nobody be listening yet.
    shared.asked.notify_one();
    let Some(Invocation { id, payload }) = shared.waiting.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = (Clock::System.now() + TIMEOUT).unix_timestamp_nanos() / 1_000_000;
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", ARN.to_owned()),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1".to_owned()),
    ];
    (headers, Json(payload)).into_response()
}

async fn response(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    end(&shared, &id, Ended::Response(json(&body)))
}

async fn error(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    end(&shared, &id, Ended::Error(json(&body)))
}

fn end(shared: &Shared, id: &str, ended: Ended) -> StatusCode {
    let waiter = shared.under_way.lock().unwrap().remove(id);
    match waiter.map(|waiter| waiter.send(ended)) {
        Some(Ok(())) => StatusCode::ACCEPTED,
        _ => StatusCode::BAD_REQUEST,
    }
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    shared.failed_to_start.lock().unwrap().push(json(&body));
    StatusCode::ACCEPTED
}

/// A function need not say that it sends JSON.
fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(body)))
}
