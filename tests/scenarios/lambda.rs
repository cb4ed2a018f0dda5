//! The scenarios of `main.rs` on the other host: Secrets Manager, SQS, EventBridge and the function, in memory.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a scenario fails by panicking")]

use harness::Host;

const HOST: Host = Host::Lambda;

mod bad_input;
mod bad_records;
mod connect;
mod connect_failures;
mod deadline;
mod events;
mod faults;
#[allow(dead_code, reason = "each host needs a part of it")]
mod harness;
mod http;
mod later;
mod management_groups;
mod on_lambda;
mod onboarding;
mod plan;
mod policy;
mod precedence;
mod profiles;
mod repeats;
mod roles;
mod secrets;
mod sessions;
mod vault;
mod young;
