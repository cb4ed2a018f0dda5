//! What a host needs to serve.

use std::sync::Arc;

use azure_core::http::HttpClient;

use crate::Onboarder;
use crate::callers::{Callers, EntraTokens};
use crate::clock::Clock;
use crate::config::Config;
use crate::identity::Platform;

/// A deployment that is set up: what does the work, and what recognises callers.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Does the work.
    pub onboarder: Arc<Onboarder>,
    /// Recognises callers over HTTP.
    pub callers: Arc<Callers>,
}

impl Deployment {
    /// Sets up a deployment. Nothing is called yet.
    #[must_use]
    pub fn new(config: Config, platform: Arc<dyn Platform>, transport: Arc<dyn HttpClient>, clock: Clock) -> Self {
        let callers = Arc::new(Callers::new(EntraTokens::new(&config, &transport, clock)));
        Self { onboarder: Arc::new(Onboarder::new(config, platform, transport, clock)), callers }
    }
}
