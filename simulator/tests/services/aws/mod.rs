//! The AWS services, judged by AWS's own SDK for Rust, which signs, sends and reads; S3 by the SDK's signer alone, whose answers a judge of
//! `tests/real/aws` reads.

mod client;
mod event_bridge;
mod policy;
mod s3;
mod secrets_manager;
mod signature;
mod sqs;
mod sts;
