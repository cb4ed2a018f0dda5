//! Lambda's Runtime API (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use lambda_runtime::{Diagnostic, LambdaEvent, LambdaInvocation};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tower::{Layer, Service};

use super::{FunctionError, LambdaFunction};
use crate::clock::Clock;

/// Serves a function to Lambda's Runtime API until SIGTERM or SIGINT; what is being worked on then is finished and answered first.
///
/// # Errors
/// Where the Runtime API cannot be spoken to.
pub async fn serve(function: LambdaFunction) -> Result<(), String> {
    let (mut terminate, mut interrupt) = signals().map_err(|error| error.to_string())?;
    let held = Held::default();
    let at_rest = held.0.subscribe();
    let handler = lambda_runtime::service_fn(move |event: LambdaEvent<Value>| {
        let function = function.clone();
        async move {
            let left = time_left(event.context.deadline);
            function.invoke(&event.payload, &event.context.request_id, left).await.map_err(Diagnostic::from)
        }
    });
    let serving = lambda_runtime::Runtime::new(handler).layer(held).run();
    let stopping = async move {
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        let mut at_rest = at_rest;
        // The sender lives as long as the runtime that is being waited for.
        let _ = at_rest.wait_for(|held| !held).await;
    };
    tokio::select! {
        biased;
        ended = serving => ended.map_err(|error| error.to_string()),
        () = stopping => Ok(()),
    }
}

fn signals() -> io::Result<(Signal, Signal)> {
    Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
}

/// How long an invocation may still take; its deadline is in milliseconds since 1970.
fn time_left(deadline: u64) -> Duration {
    let deadline = OffsetDateTime::from_unix_timestamp_nanos(i128::from(deadline) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    Duration::try_from(deadline - Clock::System.now()).unwrap_or_default()
}

impl From<FunctionError> for Diagnostic {
    fn from(error: FunctionError) -> Self {
        Self { error_type: error.0.code.as_str(), error_message: error.to_string() }
    }
}

/// Notes whether an invocation is in hand: from its arrival until its answer has been sent.
#[derive(Clone, Debug)]
struct Held(watch::Sender<bool>);

impl Default for Held {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl<S> Layer<S> for Held {
    type Service = Holding<S>;

    fn layer(&self, inner: S) -> Holding<S> {
        Holding { held: self.clone(), inner }
    }
}

/// The runtime's own service, which ends when the answer is sent.
struct Holding<S> {
    held: Held,
    inner: S,
}

impl<S> Service<LambdaInvocation> for Holding<S>
where
    S: Service<LambdaInvocation>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let held = self.held.0.clone();
        let _ = held.send_replace(true);
        let answering = self.inner.call(invocation);
        Box::pin(async move {
            let answered = answering.await;
            let _ = held.send_replace(false);
            answered
        })
    }
}
