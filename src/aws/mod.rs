//! AWS: whom this deployment is there, and the SDK's clients over the process's one transport.

mod caller;
mod event_bridge;
mod failure;
mod http;
mod s3;
mod signed;
mod sqs;
mod web_identity;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_async::time::TimeSource;
use azure_core::http::HttpClient;

pub use event_bridge::Bus;
pub(crate) use failure::Failure;
pub use s3::S3Container;
pub use sqs::{Received, SqsQueue};
pub use web_identity::WebIdentity;

use crate::clock::Clock;
use crate::net::Posts;
use http::OverPipeline;
use signed::S3Client;

/// An AWS account and region, with who this process is there.
#[derive(Clone)]
pub struct Aws {
    config: SdkConfig,
    transport: Arc<dyn HttpClient>,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("region", &self.config.region()).finish_non_exhaustive()
    }
}

impl Aws {
    /// Reads region and credentials as the AWS SDK does: on Lambda the function's role, on a laptop the variables or the profile
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html>).
    pub async fn from_environment(transport: Arc<dyn HttpClient>) -> Self {
        let credentials = OverPipeline::shared(&transport, "aws.credentials.get", Posts::Ask);
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(credentials).load().await;
        Self::new(config, transport, Clock::System)
    }

    /// The account and region of a configuration; requests are signed with the time that `clock` tells. What repeats, waits and ends calls
    /// is the pipeline's, so the SDK's own is off.
    #[must_use]
    pub fn new(config: SdkConfig, transport: Arc<dyn HttpClient>, clock: Clock) -> Self {
        let config = config
            .into_builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .time_source(Time(clock))
            .build();
        Self { config, transport }
    }

    /// A client for one call about secrets.
    pub(crate) fn secrets_manager(&self, name: &'static str) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.of(name, Posts::Ask))
    }

    /// A client for one call of queues. It repeats what may have been done: two messages of one request end as one does, and one
    /// that could not be put there is a delivery that failed.
    pub(crate) fn sqs(&self, name: &'static str) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.of(name, Posts::Ask))
    }

    /// A client for publishing events.
    pub(crate) fn event_bridge(&self) -> aws_sdk_eventbridge::Client {
        aws_sdk_eventbridge::Client::new(&self.of("event-bridge.publish", Posts::Create))
    }

    /// A client for one call of buckets.
    pub(crate) fn s3(&self, name: &'static str) -> S3Client {
        S3Client { name, config: self.config.clone(), way: OverPipeline::new(&self.transport, name, Posts::Ask) }
    }

    /// A client for one call about who this process is.
    fn sts(&self, name: &'static str) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.of(name, Posts::Ask))
    }

    /// The configuration of a client for one kind of call.
    fn of(&self, name: &'static str, posts: Posts) -> SdkConfig {
        self.config.clone().into_builder().http_client(OverPipeline::shared(&self.transport, name, posts)).build()
    }
}

/// The onboarder's clock, for the SDK's signatures.
#[derive(Debug)]
struct Time(Clock);

impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}
