//! Publishing to an Event Grid topic.

use azure_core::http::headers::CONTENT_TYPE;
use azure_core::http::{Method, Request, Url};

use crate::error::{Code, Error};
use crate::net::Api;

const SENDER: &str = "Give the function's identity the role EventGrid Data Sender on the results topic.";

/// A topic that takes CloudEvents.
#[derive(Debug)]
pub struct Topic {
    api: Api,
    endpoint: Url,
}

impl Topic {
    /// The topic at `endpoint`, over a pipeline that authorises for [`crate::cloud::Cloud::event_grid_scope`].
    #[must_use]
    pub const fn new(api: Api, endpoint: Url) -> Self {
        Self { api, endpoint }
    }

    /// Publishes one CloudEvent, given as JSON, as a batch of one: the one form that the service's specification has
    /// (Azure/azure-rest-api-specs, `Microsoft.EventGrid` data plane 2018-01-01, `PublishCloudEventEvents`).
    ///
    /// # Errors
    /// `TokenRefused` on 401, `ResultsRefused` on 403, `UnexpectedAnswer` on other refusals, `Throttled` or `Unavailable` where it may succeed later.
    pub async fn publish(&self, event: &str) -> Result<(), Error> {
        let mut url = self.endpoint.clone();
        url.query_pairs_mut().append_pair("api-version", "2018-01-01");
        let mut request = Request::new(url, Method::Post);
        request.insert_header(CONTENT_TYPE, "application/cloudevents-batch+json; charset=utf-8");
        request.set_body(format!("[{event}]"));
        let answer = self.api.send("event-grid.publish", request).await?;
        match answer.status() {
            200..=204 if answer.is_from_service() => Ok(()),
            200..=204 => Err(answer.failure(Code::Unavailable)),
            401 => Err(answer.failure(Code::TokenRefused).hint(SENDER)),
            403 => Err(answer.failure(Code::ResultsRefused).hint(SENDER)),
            _ => Err(answer
                .failure(Code::UnexpectedAnswer)
                .hint("Check ONBOARDER_RESULTS: the topic must exist and take the CloudEvents schema.")),
        }
    }
}
