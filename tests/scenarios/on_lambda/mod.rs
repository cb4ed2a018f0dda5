//! What is particular to Lambda: its shapes, its callers, its services.

mod any_payload;
mod batches;
mod by_hand;
mod callers;
mod coverage;
mod event_bridge;
mod permissions;
mod queue;
mod s3;
mod secrets_manager;
mod web_identity;
mod webhook;
