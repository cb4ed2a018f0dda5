//! The clouds that ISPM onboarding touches, small enough for a laptop.
//!
//! One [`World`] holds what is true: tenants, management groups, subscriptions, role assignments, secrets, topics, queues, event buses and
//! ISPM connections. [`Simulator::exchange`] is the only way in: one HTTP request to an official host name goes in, one answer (or a broken
//! connection) comes out. Two faces carry it: [`memory`], an `azure_core` transport without sockets, and an HTTPS proxy for the
//! official names that unmodified programs are pointed at with environment variables alone.
//!
//! The simulator is deterministic: it reads no wall clock, draws no random numbers and keeps everything in sorted maps. The same world,
//! the same clock and the same requests give the same answers, identifiers and tokens included.

pub mod certificate;
mod client_certificate;
pub mod clock;
pub mod cloud;
pub mod control;
pub mod environment;
mod exchange;
pub mod fault;
mod jwt;
pub mod memory;
pub mod platform;
pub mod proxy;
mod services;
mod target;
pub mod token;
pub mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use time::OffsetDateTime;

pub use client_certificate::ClientCertificate;
pub use clock::Clock;
pub use cloud::Cloud;
pub use fault::{Broken, Effect, Fault, When};
pub use jwt::TokenKey;
pub use services::identity::{IdentityRefusal, PlatformToken};
pub use world::World;
pub use world::demo::{ApiCast, AwsCast, DemoCast, EstateCast};

use services::arm::resource_graph;
use services::arm::throttle::Throttle;
use token::Signer;

/// A request as a service sees it: the URI is absolute (`https://management.azure.com/…`).
pub type Request = http::Request<Bytes>;
/// What a service answers.
pub type Response = http::Response<Bytes>;

/// The simulated clouds. Clones share one world.
#[derive(Clone, Debug)]
pub struct Simulator {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

impl Simulator {
    /// The clouds as `world` describes them, at the time that `clock` tells.
    #[must_use]
    pub fn new(world: World, clock: Clock) -> Self {
        let signer = Signer::derived_from(&world);
        let (throttle, resource_graph) = (Throttle::default(), resource_graph::Memory::default());
        let state = State {
            world,
            faults: Vec::new(),
            requests: Vec::new(),
            unknown_hosts: Vec::new(),
            signer,
            throttle,
            resource_graph,
            calls: 0,
        };
        Self { clock, state: Arc::new(Mutex::new(state)) }
    }

    /// Everything that changes, with what time alone changes (connection tests, expired messages) brought up to the clock.
    ///
    /// Do not hold the guard across an `await`: every call to the simulator needs it.
    pub fn state(&self) -> MutexGuard<'_, State> {
        let now = self.now();
        let mut state = self.lock();
        state.world.settle(now);
        state.observe(now);
        state
    }

    /// The newest call, as it was recorded on its arrival; for those who look at each, and leave the world as it is.
    #[must_use]
    pub fn newest_call(&self) -> Option<Recorded> {
        self.lock().requests.last().cloned()
    }

    /// Everything that changes, as the last call left it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it held the guard must not hide its own message behind a poisoned lock in the next call.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time in the simulated clouds.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// The clock itself, for those who wish to advance it.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether the world knows this host name.
    #[must_use]
    pub fn serves(&self, host: &str) -> bool {
        services::Service::of_host(&self.lock().world, host).is_some()
    }
}

/// Everything that changes while the simulator runs.
#[derive(Debug)]
pub struct State {
    /// What is true in the clouds.
    pub world: World,
    /// Faults that wait to strike, in order.
    pub faults: Vec<Fault>,
    /// Every request that arrived, oldest first.
    pub requests: Vec<Recorded>,
    /// The hosts that were called and are not in this world, oldest call first.
    pub unknown_hosts: Vec<String>,
    signer: Signer,
    throttle: Throttle,
    resource_graph: resource_graph::Memory,
    calls: u64,
}

impl State {
    /// Lets the services that see changes late look at the world.
    pub(crate) fn observe(&mut self, now: OffsetDateTime) {
        self.resource_graph.observe(&self.world, now);
    }
}

/// Whom an access token speaks for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Caller {
    /// The tenant that it is of.
    pub tenant_id: String,
    /// The object id.
    pub object_id: String,
}

/// One request that arrived, without its credentials and bodies.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// The call's number, from 1; it stays the same when older calls are forgotten.
    pub number: u64,
    /// When the call arrived.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The simulator's name for the call, such as `arm.role-assignments.create`.
    pub operation: String,
    /// The HTTP method, such as `PUT`.
    pub method: String,
    /// Host, path and query.
    pub url: String,
    /// Whose access token came with the call; absent where there was none of this simulator's making.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
    /// The status answered; absent where the connection broke or the caller went away.
    pub status: Option<u16>,
    /// Whether the call changed the world (a repeated PUT that changes nothing does not).
    pub changed: bool,
    /// The fault that struck, as a sentence.
    pub fault: Option<String>,
}
