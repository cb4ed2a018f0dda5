//! The services over [`Simulator::exchange`], each on its happy path and on each way to refuse a call.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod access;
mod aws;
mod blob;
mod data_access;
mod elevation;
mod entra;
mod entra_assertion;
mod entra_certificate;
mod entra_resource;
mod estate;
mod event_grid;
mod exchange;
mod graph;
mod hierarchy;
mod identity;
mod ispm;
mod key_vault;
mod me;
mod permissions;
mod queue;
mod resource_graph;
mod role_assignments;
mod role_changes;
mod role_definitions;
mod role_lists;
mod sdk;
mod stage;
