//! A deployment without tenants whose queue takes everything: what comes in is read, judged, put away and answered, and nothing else happens.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::http::headers::Headers;
use azure_core::http::request::Body;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, StatusCode};
use ispm_onboarder::Onboarder;
use ispm_onboarder::clock::Clock;
use ispm_onboarder::config::Config;
use ispm_onboarder::error::Error;
use ispm_onboarder::hosts::Deployment;
use ispm_onboarder::identity::Platform;
use time::OffsetDateTime;
use time::macros::datetime;

/// When everything happens.
pub const NOW: OffsetDateTime = datetime!(2026-11-22 10:00 UTC);

/// What was sent to the queue.
#[derive(Clone, Debug, Default)]
pub struct Queued(Arc<Mutex<Vec<String>>>);

impl Queued {
    /// The bodies of all requests.
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl HttpClient for Queued {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let Body::Bytes(body) = request.body() else { panic!("messages are bytes") };
        let body = String::from_utf8(body.to_vec()).expect("messages are text");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(body);
        Ok(AsyncRawResponse::from_bytes(StatusCode::Created, Headers::new(), "<QueueMessagesList/>"))
    }
}

#[derive(Debug)]
struct Identity;

impl Platform for Identity {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(Arc::new(Self))
    }
}

#[async_trait]
impl TokenCredential for Identity {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new("token", datetime!(2126-11-22 10:00 UTC)))
    }
}

/// The deployment, with what it puts into its queue. Its results are returned, and its secret store is a folder without a record.
pub fn deployment() -> (Deployment, Queued) {
    let store = format!("file:{}", crate::FIXTURES);
    let config = Config::read(|name| match name {
        "ONBOARDER_SECRET_STORE" => Some(store.clone()),
        "ONBOARDER_RESULTS" => Some("stdout:".to_owned()),
        "ONBOARDER_QUEUE" => Some("https://contoso.queue.core.windows.net/onboarding".to_owned()),
        _ => None,
    });
    let (config, queued, clock) = (config.expect("the settings are valid"), Queued::default(), Clock::starting_at(NOW));
    let (platform, transport) = (Arc::new(Identity), Arc::new(queued.clone()));
    let onboarder = Onboarder::for_command_line(config.clone(), platform.clone(), transport.clone(), clock);
    let deployment = Deployment { onboarder: Arc::new(onboarder), ..Deployment::new(config, platform, transport, clock) };
    (deployment, queued)
}

/// The platform's identity, which is believed everywhere.
pub fn platform() -> Arc<dyn Platform> {
    Arc::new(Identity)
}

/// Runs work on a clock of its own, on which waiting takes no time.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(work)
}
