//! Where result events go.

use std::io::Write as _;
use std::sync::Arc;

use azure_core::http::HttpClient;

#[cfg(feature = "aws")]
use crate::aws::Bus;
use crate::azure::Topic;
use crate::cloud::Cloud;
use crate::config::ResultsUrl;
use crate::error::{Code, Error};
use crate::identity::Platform;
use crate::net::{self, Api, Posts, Renewable};
use crate::result_event::ResultEvent;

/// The way out for result events.
#[derive(Debug)]
pub enum Results {
    /// An Event Grid topic.
    EventGrid(Renewable<Topic>),
    /// A bus of Amazon EventBridge.
    #[cfg(feature = "aws")]
    EventBridge(Bus),
    /// Standard output, one event a line.
    Stdout,
    /// Nowhere: the caller shows them itself, as the command line does for `stdout:`.
    Returned,
}

impl Results {
    /// Opens the way out; nothing is called yet.
    #[must_use]
    pub fn open(url: &ResultsUrl, cloud: Cloud, platform: &Arc<dyn Platform>, transport: &Arc<dyn HttpClient>) -> Self {
        match url {
            ResultsUrl::Stdout => Self::Stdout,
            #[cfg(feature = "aws")]
            ResultsUrl::EventBridge { bus } => Self::EventBridge(Bus::open(bus, platform)),
            ResultsUrl::EventGrid(endpoint) => {
                let (endpoint, platform, transport) = (endpoint.clone(), platform.clone(), transport.clone());
                Self::EventGrid(Renewable::new(move || {
                    let pipeline = net::pipeline(&transport, Posts::Create, Some((platform.credential()?, cloud.event_grid_scope())));
                    Ok(Topic::new(Api::new(pipeline), endpoint.clone()))
                }))
            }
        }
    }

    /// Publishes one event.
    ///
    /// # Errors
    /// Any failure means that the event may not have been published.
    pub async fn publish(&self, event: &ResultEvent) -> Result<(), Error> {
        let body = serde_json::to_string(event).map_err(|_| Error::new(Code::InvalidEvent, "the result event cannot be written"))?;
        match self {
            Self::EventGrid(topic) => {
                let publish = |topic: Arc<Topic>| {
                    let body = &body;
                    async move { topic.publish(body).await }
                };
                topic.call(publish, |error: &Error| error.code == Code::TokenRefused).await
            }
            #[cfg(feature = "aws")]
            Self::EventBridge(bus) => bus.publish(event).await,
            Self::Stdout => writeln!(std::io::stdout(), "{body}").map_err(|_| Error::new(Code::Unavailable, "standard output is closed")),
            Self::Returned => Ok(()),
        }
    }
}
