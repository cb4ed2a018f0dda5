//! Whole processes over sockets: the handler as the Functions host starts and calls it, `bootstrap` as Lambda does, and the command line as
//! a user reads it, all against `ispm-onboarder simulate` with nothing but the variables of its environment file.
//!
//! `HANDLER_BIN` and `BOOTSTRAP_BIN` name other functions to test than those that were just built: the ones that are to be deployed.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod azurite;
mod burdened;
mod canary;
mod command_line;
mod deployable;
mod functions_host;
mod government;
mod handler;
mod host;
mod killed;
mod lambda;
mod layout;
mod package;
mod process;
mod simulator;
mod storage;
