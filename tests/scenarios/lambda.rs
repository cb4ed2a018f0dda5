//! The scenarios of `main.rs` on the other host: Secrets Manager, SQS, EventBridge and the function, in memory.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a scenario fails by panicking")]

use harness::Host;

const HOST: Host = Host::Lambda;

mod activity_log;
mod bad_input;
mod bad_records;
mod callers;
mod connect;
mod connect_failures;
mod coverage;
mod deadline;
mod doctor;
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
mod on_lambda;
mod onboarding;
mod orphans;
mod plan;
mod policy;
mod precedence;
mod profiles;
mod repeats;
mod roles;
mod secrets;
mod sessions;
mod signals;
mod sweep;
mod sweep_again;
mod sweep_at_scale;
mod sweep_policy;
mod tenants;
mod vault;
mod young;
