//! Both hosts as one thing: a process that events are delivered to, and that may end at any moment.

use futures_util::stream::{self, StreamExt as _};
use reqwest::StatusCode;
use serde_json::Value;

use crate::functions_host::FunctionApp;
use crate::lambda::function::{Function, settings};
use crate::lambda::records::{self, all_done, batch};
use crate::process::Process;
use crate::simulator::Simulator;

/// A platform with its process, in the simulator's world.
pub trait Host: Sized {
    /// The program's name.
    const NAME: &'static str;
    /// How many events the platform hands over with one delivery.
    const TOGETHER: usize;
    /// How many deliveries it has under way at once.
    const AT_ONCE: usize;

    /// Starts a process that knows nothing yet.
    async fn start(simulator: &Simulator) -> Self;

    /// The process.
    fn process(&self) -> &Process;

    /// The process, to be waited for.
    fn process_mut(&mut self) -> &mut Process;

    /// Makes one delivery, which has to be acknowledged whole.
    async fn deliver(&self, events: &[Value]);

    /// The results in the world, oldest first.
    async fn results(simulator: &Simulator) -> Vec<Value>;

    /// Makes deliveries of all events, and tells of the events of each that was acknowledged.
    async fn work_on(&self, events: &[Value], acknowledged: impl Fn(&[Value])) {
        let deliveries = events.chunks(Self::TOGETHER).map(async |events| {
            self.deliver(events).await;
            acknowledged(events);
        });
        stream::iter(deliveries).buffer_unordered(Self::AT_ONCE).collect::<()>().await;
    }
}

impl Host for FunctionApp {
    const NAME: &'static str = "handler";
    const TOGETHER: usize = 1;
    const AT_ONCE: usize = 16;

    async fn start(simulator: &Simulator) -> Self {
        Self::start(&simulator.environment).await
    }

    fn process(&self) -> &Process {
        &self.process
    }

    fn process_mut(&mut self) -> &mut Process {
        &mut self.process
    }

    async fn deliver(&self, events: &[Value]) {
        for event in events {
            let answer = self.deliver(event).await;
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        }
    }

    async fn results(simulator: &Simulator) -> Vec<Value> {
        simulator.results().await
    }
}

impl Host for Function {
    const NAME: &'static str = "bootstrap";
    const TOGETHER: usize = 10;
    const AT_ONCE: usize = 1;

    async fn start(simulator: &Simulator) -> Self {
        Self::start(&settings(simulator)).await
    }

    fn process(&self) -> &Process {
        &self.process
    }

    fn process_mut(&mut self) -> &mut Process {
        &mut self.process
    }

    async fn deliver(&self, events: &[Value]) {
        let texts: Vec<String> = events.iter().map(Value::to_string).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert_eq!(self.invoke(&batch(&texts)).await, all_done());
    }

    async fn results(simulator: &Simulator) -> Vec<Value> {
        records::results(simulator).await
    }
}
