//! The SDK's configuration for the demo's account, and a transport that ends in the simulator.

use std::time::SystemTime;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use bytes::Bytes;
use ispm_onboarder_simulator::{Clock, Simulator};

use crate::stage::Stage;

#[derive(Debug)]
struct Transport(Simulator);

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let simulator = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().expect("a valid request");
            let request = request.map(|body| Bytes::copy_from_slice(body.bytes().expect("a body in memory")));
            let answer = simulator.exchange(request).await.map_err(|broken| ConnectorError::io(broken.into()))?;
            Ok(HttpResponse::try_from(answer.map(SdkBody::from)).expect("a valid answer"))
        })
    }
}

#[derive(Debug)]
struct Time(Clock);

impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

/// The demo's access key.
pub fn credentials(stage: &Stage) -> Credentials {
    let aws = &stage.cast.aws;
    Credentials::new(&aws.access_key_id, aws.secret_access_key.reveal(), None, None, "test")
}

/// What a client of the demo's account is configured with.
pub fn config(stage: &Stage) -> SdkConfig {
    with(stage, credentials(stage), &stage.cast.aws.region)
}

pub fn with(stage: &Stage, credentials: Credentials, region: &str) -> SdkConfig {
    with_clock(stage, credentials, region, stage.simulator.clock().clone())
}

/// The same with a clock that need not be the cloud's.
pub fn with_clock(stage: &Stage, credentials: Credentials, region: &str, clock: Clock) -> SdkConfig {
    let simulator = stage.simulator.clone();
    let client: SharedHttpClient = http_client_fn(move |_, _| SharedHttpConnector::new(Transport(simulator.clone())));
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .http_client(client)
        .time_source(Time(clock))
        .build()
}

/// Status, code and message of the error that a service answered.
pub fn refused<E: ProvideErrorMetadata + std::fmt::Debug>(error: &SdkError<E, HttpResponse>) -> (u16, &str, &str) {
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    (status, error.code().unwrap_or_default(), error.message().unwrap_or_default())
}
