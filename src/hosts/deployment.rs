//! What a host needs to serve.

use std::sync::Arc;

use azure_core::http::HttpClient;

use super::rate::Rates;
use crate::Onboarder;
use crate::callers::{Callers, EntraTokens};
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::config::Config;
use crate::identity::Platform;

/// A deployment that is set up: what does the work, and what recognises callers.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Where it is.
    pub cloud: Cloud,
    /// Does the work.
    pub onboarder: Arc<Onboarder>,
    /// Recognises callers over HTTP.
    pub callers: Arc<Callers>,
    /// Bounds how often they ask.
    pub rates: Arc<Rates>,
}

impl Deployment {
    /// Sets up a deployment. Nothing is called yet.
    #[must_use]
    pub fn new(config: Config, platform: Arc<dyn Platform>, transport: Arc<dyn HttpClient>, clock: Clock) -> Self {
        let cloud = config.cloud;
        let callers = Arc::new(Callers::new(EntraTokens::new(&config, &transport, clock)));
        let onboarder = Arc::new(Onboarder::new(config, platform, transport, clock));
        Self { cloud, onboarder, callers, rates: Arc::new(Rates::new(clock)) }
    }
}
