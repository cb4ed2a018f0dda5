//! Whole processes over sockets: the handler as the Functions host starts and calls it, and the command line as a user reads it, both
//! against `ispm-onboarder simulate` with nothing but the variables of its environment file.
//!
//! `HANDLER_BIN` names another handler to test than the one that was just built: the one that is to be deployed.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod azurite;
mod command_line;
mod deployable;
mod functions_host;
mod handler;
mod layout;
mod package;
mod process;
mod simulator;
