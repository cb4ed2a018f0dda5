//! An onboarder for the command line: the same as a function's, but it never enqueues, and shows itself what goes to `stdout:`.

use std::sync::Arc;

use azure_core::http::HttpClient;

use crate::Onboarder;
#[cfg(feature = "aws")]
use crate::aws::Aws;
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::config::{Config, ConfigError};
#[cfg(feature = "aws")]
use crate::config::{ContainerUrl, DeadLettersUrl, QueueUrl, ResultsUrl, SecretStoreUrl};
#[cfg(feature = "aws")]
use crate::identity::WithAws;
use crate::identity::{AzureCli, ManagedIdentity, Platform};
use crate::net;
use crate::scope::Guid;

use super::Wrong;

/// Reads the configuration.
pub(super) fn config() -> Result<Config, Wrong> {
    Config::from_environment().map_err(|error| wrong(&error))
}

/// Reads which cloud is meant.
pub(super) fn cloud() -> Result<Cloud, Wrong> {
    Config::cloud_of_environment().map_err(|error| wrong(&error))
}

fn wrong(error: &ConfigError) -> Wrong {
    Wrong::new(error.to_string())
        .hint("docs/configuration.md lists the variables; `ispm-onboarder simulate --env-file sim.env` writes a set to try.")
}

/// What calls are made with: the process's HTTP client, and who it is.
pub(super) struct Connected {
    pub(super) transport: Arc<dyn HttpClient>,
    pub(super) platform: Arc<dyn Platform>,
}

/// Sets up what calls are made with. The process's own identity is the managed identity where there is one, else the Azure CLI's; on AWS,
/// the SDK's.
pub(super) fn connected(config: &Config) -> Result<Connected, Wrong> {
    let transport = net::transport_for(config).map_err(Wrong::new)?;
    let platform: Arc<dyn Platform> = if config.identity_host.is_some() {
        Arc::new(ManagedIdentity { transport: transport.clone(), client_id: config.identity_client_id })
    } else {
        Arc::new(AzureCli)
    };
    #[cfg(feature = "aws")]
    let platform = with_aws(config, platform, &transport)?;
    Ok(Connected { transport, platform })
}

/// Sets up an onboarder that never enqueues.
pub(super) fn onboarder(config: Config) -> Result<Onboarder, Wrong> {
    enqueuing_onboarder(Config { queue: None, ..config })
}

/// As [`onboarder`], with the queue that the configuration names.
pub(super) fn enqueuing_onboarder(config: Config) -> Result<Onboarder, Wrong> {
    let Connected { transport, platform } = connected(&config)?;
    Ok(Onboarder::for_command_line(config, platform, transport, Clock::System))
}

/// As [`onboarder`], with the process's HTTP client, for calls that are made as somebody else.
pub(super) fn onboarder_with_transport(config: Config) -> Result<(Onboarder, Arc<dyn HttpClient>), Wrong> {
    let Connected { transport, platform } = connected(&config)?;
    let onboarder = Onboarder::for_command_line(Config { queue: None, ..config }, platform, transport.clone(), Clock::System);
    Ok((onboarder, transport))
}

/// Adds who this process is on AWS, where the configuration names something there: finding that out may take calls.
#[cfg(feature = "aws")]
fn with_aws(config: &Config, azure: Arc<dyn Platform>, transport: &Arc<dyn HttpClient>) -> Result<Arc<dyn Platform>, Wrong> {
    let uses_aws = matches!(config.secret_store, SecretStoreUrl::SecretsManager { .. })
        || matches!(config.results, ResultsUrl::EventBridge { .. })
        || matches!(config.queue, Some(QueueUrl::Sqs(_)))
        || matches!(config.report, Some(ContainerUrl::S3 { .. }))
        || matches!(
            config.dead_letters,
            Some(DeadLettersUrl::Queue(QueueUrl::Sqs(_)) | DeadLettersUrl::Container(ContainerUrl::S3 { .. }))
        );
    if !uses_aws {
        return Ok(azure);
    }
    let aws = block_on(Aws::from_environment(transport.clone()))?;
    Ok(Arc::new(WithAws { azure, aws }))
}

/// The tenant meant: the one named, else the only one that this deployment serves.
pub(super) fn tenant(named: Option<&str>, config: &Config) -> Result<Guid, Wrong> {
    if let Some(named) = named {
        return Guid::parse(named).map_err(|error| Wrong::new(format!("--tenant: {error}")));
    }
    let mut served = config.tenants.iter().flatten();
    match (served.next(), served.next()) {
        (Some(only), None) => Ok(*only),
        _ => Err(Wrong::new("which tenant is not said").hint("Add --tenant ID, or set ONBOARDER_TENANTS to one tenant.")),
    }
}

/// As [`tenant`]; where the configuration lists none, the only one with a record in the store.
pub(super) async fn only_tenant(named: Option<&str>, config: &Config, onboarder: &Onboarder) -> Result<Guid, Wrong> {
    let unsaid = match tenant(named, config) {
        Err(unsaid) if named.is_none() && config.tenants.is_none() => unsaid,
        said => return said,
    };
    match onboarder.tenants().await.map_err(Wrong::from)?.as_slice() {
        [only] => Ok(*only),
        _ => Err(unsaid),
    }
}

/// Runs a future on a runtime of one thread, as the functions do.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Wrong> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|error| Wrong::new(format!("no runtime can be started: {error}")))?.block_on(future))
}
