//! The AWS services, judged by AWS's own SDK for Rust, which signs, sends and reads.

mod client;
mod event_bridge;
mod secrets_manager;
mod signature;
mod sqs;
mod sts;
