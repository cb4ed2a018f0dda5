//! Result events on a bus of Amazon EventBridge.

use std::sync::Arc;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::json;

use super::Failure;
use crate::error::{Code, Error};
use crate::identity::Platform;
use crate::net::{self, Renewable};
use crate::result_event::ResultEvent;

/// The source of all results on the bus. Rules match by it.
pub const SOURCE: &str = "dev.ispm-onboarder";

const CALL: &str = "event-bridge.publish";

/// A bus.
#[derive(Debug)]
pub struct Bus {
    name: String,
    client: Renewable<Client>,
}

impl Bus {
    /// The bus of this name in the account and region of this process; nothing is called yet.
    #[must_use]
    pub fn open(name: &str, platform: &Arc<dyn Platform>) -> Self {
        let platform = platform.clone();
        Self { name: name.to_owned(), client: Renewable::new(move || Ok(platform.aws()?.event_bridge())) }
    }

    /// Publishes one result (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>): its type is the event's
    /// detail type, its data the detail. The bus gives events ids of its own, so that ours, by which a repeat is known, stands in the
    /// detail as `eventId`.
    ///
    /// # Errors
    /// Any failure means that the event may not have been published.
    pub async fn publish(&self, event: &ResultEvent) -> Result<(), Error> {
        let entry = self.entry(event)?;
        match self.client.get()?.put_events().entries(entry).send().await {
            Ok(answer) => self.taken(&answer),
            Err(error) => Err(self.explained(Failure::of(&error, CALL))),
        }
    }

    fn entry(&self, event: &ResultEvent) -> Result<PutEventsRequestEntry, Error> {
        let unwritable = || Error::new(Code::InvalidEvent, "the result event cannot be written");
        let mut detail = serde_json::to_value(&event.data).map_err(|_| unwritable())?;
        detail.as_object_mut().ok_or_else(unwritable)?.insert("eventId".to_owned(), json!(event.id));
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(event.kind.event_type())
            .detail(detail.to_string())
            .set_resources(event.subject.clone().map(|subject| vec![subject]))
            .time(DateTime::from_secs(event.time.unix_timestamp()));
        Ok(entry.build())
    }

    /// 200 says that the call was read; what became of each entry stands in the answer.
    fn taken(&self, answer: &PutEventsOutput) -> Result<(), Error> {
        match answer.entries() {
            [entry] if answer.failed_entry_count == 0 && entry.event_id().is_some() => Ok(()),
            [entry] if entry.error_code().is_some() => {
                let code = entry.error_code().and_then(net::plain_word).unwrap_or("an error without a code");
                let kind = match code {
                    "ThrottlingException" => Code::Throttled,
                    "InternalFailure" | "InternalException" => Code::Unavailable,
                    _ => Code::UnexpectedAnswer,
                };
                let refused = Error::new(kind, format!("the bus {} did not take the event: {code}", self.name));
                Err(if kind == Code::UnexpectedAnswer { refused.hint(self.hint()) } else { refused })
            }
            _ => Err(Error::new(Code::Unavailable, format!("{CALL} answered without saying what became of the event"))),
        }
    }

    fn explained(&self, failure: Failure) -> Error {
        let code = match failure.code.as_deref() {
            _ if failure.is_denied() || failure.is_unknown_caller() => Code::ResultsRefused,
            Some("ResourceNotFoundException") => Code::ResultsRefused,
            _ => return failure.error,
        };
        Error { code, ..failure.error }.hint(self.hint())
    }

    fn hint(&self) -> String {
        format!("Check that the bus {} is in this account and region, and allow events:PutEvents on it in the function's role.", self.name)
    }
}
