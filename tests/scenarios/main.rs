//! Scenarios in memory: given a world, when an event is delivered through the host's own router, then this world, these calls and these
//! results. Nothing is waited for, since the clock is tokio's and paused; nothing is left unread, since a scenario that ends with calls,
//! results or messages it did not account for fails.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a scenario fails by panicking")]

use harness::Host;

/// Here they play on Azure Functions; `lambda.rs` beside this file plays them on AWS Lambda.
const HOST: Host = Host::Functions;

mod activity_log;
mod bad_input;
mod bad_records;
mod callers;
mod connect;
mod connect_failures;
mod coverage;
mod deadline;
mod doctor;
mod elevated;
mod events;
mod faults;
mod government;
#[allow(dead_code, reason = "each host needs a part of it")]
mod harness;
mod http;
mod later;
mod logins;
mod management_groups;
mod offboarding;
mod on_functions;
mod onboarding;
mod orphans;
mod permissions;
mod plan;
mod policy;
mod precedence;
mod profiles;
mod repeats;
mod roles;
mod secrets;
mod sessions;
mod side_by_side;
mod signals;
mod storage;
mod sweep;
mod sweep_again;
mod sweep_at_scale;
mod sweep_policy;
mod tenants;
mod vault;
mod young;
