//! An administrator at the command line, who lends the rights over the whole tenant for a while.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::http::HttpClient;
use ispm_onboarder::Onboarder;
use ispm_onboarder::cli::Output;
use ispm_onboarder::cli::elevate::{Elevate, Stop, Voice};
use ispm_onboarder::clock::Clock;
use ispm_onboarder::cloud::Cloud;
use ispm_onboarder::config::Config;
use ispm_onboarder::error::Error;
use ispm_onboarder::identity::Platform;
use ispm_onboarder::scope::Guid;
use ispm_onboarder_simulator::{DemoCast, Simulator};
use uuid::Uuid;

use crate::watch::Watch;

/// A person at the Azure CLI.
#[derive(Clone, Debug)]
struct SignedIn(Simulator, String);

impl Platform for SignedIn {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl TokenCredential for SignedIn {
    async fn get_token(&self, scopes: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let resource = scopes.first().copied().unwrap_or_default().trim_end_matches("/.default");
        let token = self.0.user_token(resource, &self.1).expect("the administrator is a person");
        Ok(AccessToken::new(token.token, token.expires_on))
    }
}

/// Wishes to stop once, or never.
struct Wish(Option<Duration>);

impl Stop for Wish {
    async fn asked(&mut self) -> &'static str {
        match self.0.take() {
            Some(after) => tokio::time::sleep(after).await,
            None => std::future::pending().await,
        }
        "Ctrl-C"
    }
}

/// Nobody reads it.
#[derive(Debug)]
struct Unread;

impl Voice for Unread {
    fn say(&self, _: &str) {}

    fn print(&self, _: &str) {}
}

/// Runs `onboard tenant-root --elevate --yes`, and answers whether it tells that an elevation may be left.
pub async fn elevate(
    simulator: Simulator,
    watch: Arc<Watch>,
    (config, platform): (Config, Arc<dyn Platform>),
    cast: DemoCast,
    (call, stop_after): (Uuid, Option<u64>),
) -> bool {
    let transport: Arc<dyn HttpClient> = watch;
    let onboarder = Onboarder::for_command_line(config, platform, transport.clone(), Clock::starting_at(simulator.now()));
    let tenant = Guid::parse(&cast.tenant).expect("a tenant's id");
    let elevate = Elevate { call, cloud: Cloud::Public, tenant, grant: None, yes: true, dry_run: false, output: Output::Json };
    let who = Arc::new(SignedIn(simulator, cast.administrator));
    let wish = Wish(stop_after.map(Duration::from_secs));
    Box::pin(elevate.carry_out(&onboarder, &transport, who, Arc::new(Unread), || Ok(wish))).await.is_ok_and(|done| done.left)
}
