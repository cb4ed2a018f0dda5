//! The AWS Lambda function: sets up while the platform initialises it, then answers one invocation after the other.

use std::process::ExitCode;
use std::sync::Arc;

use ispm_onboarder::aws::Aws;
use ispm_onboarder::callers::WebhookKeys;
use ispm_onboarder::clock::Clock;
use ispm_onboarder::config::Config;
use ispm_onboarder::hosts::Deployment;
use ispm_onboarder::hosts::lambda::{LambdaFunction, serve};
use ispm_onboarder::identity::{AwsRole, Platform};
use ispm_onboarder::secrets::SecretStore;
use ispm_onboarder::{net, telemetry};

fn main() -> ExitCode {
    telemetry::start();
    let served = tokio::runtime::Builder::new_current_thread().enable_all().build().map(|runtime| {
        runtime.block_on(async {
            let function = set_up().await.unwrap_or_else(|words| {
                tracing::error!(reason = words, "not set up");
                LambdaFunction::not_set_up(words)
            });
            serve(function).await
        })
    });
    match served {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(words)) => failed(&words),
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(words: &str) -> ExitCode {
    tracing::error!(reason = words, "the function could not be served");
    ExitCode::FAILURE
}

async fn set_up() -> Result<LambdaFunction, String> {
    let config = Config::from_environment().map_err(|error| error.to_string())?;
    config.required_queue().map_err(|error| error.to_string())?;
    config.required_on_aws().map_err(|error| error.to_string())?;
    let transport = net::transport_for(&config)?;
    let platform: Arc<dyn Platform> = Arc::new(AwsRole(Aws::from_environment(transport.clone()).await));
    let keys = WebhookKeys::new(SecretStore::open(&config.secret_store, &platform, &transport), Clock::System);
    Ok(LambdaFunction::new(Deployment::new(config, platform, transport, Clock::System), keys))
}
