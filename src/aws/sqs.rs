//! A queue of Amazon SQS.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use url::Url;

use super::Failure;
use crate::error::{Code, Error};
use crate::identity::Platform;
use crate::net::Renewable;

/// The longest that SQS holds a message back
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>, `DelaySeconds`).
const LONGEST_DELAY: Duration = Duration::from_mins(15);

const CALL: &str = "sqs.enqueue";

/// A queue.
#[derive(Debug)]
pub struct SqsQueue {
    url: Url,
    client: Renewable<Client>,
}

impl SqsQueue {
    /// The queue at a URL, with the function's role; nothing is called yet.
    #[must_use]
    pub fn open(url: &Url, platform: &Arc<dyn Platform>) -> Self {
        let platform = platform.clone();
        Self { url: url.clone(), client: Renewable::new(move || Ok(platform.aws()?.sqs())) }
    }

    /// Puts a message into the queue, and answers how long it is held back: `delay`, or as long as SQS can.
    ///
    /// # Errors
    /// Any failure means that the message may not be there.
    pub async fn put(&self, text: String, delay: Duration) -> Result<Duration, Error> {
        let delay = delay.min(LONGEST_DELAY);
        let seconds = i32::try_from(delay.as_secs()).unwrap_or(i32::MAX);
        match self.client.get()?.send_message().queue_url(self.url.as_str()).message_body(text).delay_seconds(seconds).send().await {
            Ok(answer) if answer.message_id().is_some() => Ok(delay),
            Ok(_) => Err(Error::new(Code::Unavailable, format!("{CALL} answered without a message id"))),
            Err(error) => Err(explained(Failure::of(&error, CALL))),
        }
    }
}

fn explained(failure: Failure) -> Error {
    let hint = match failure.code.as_deref() {
        _ if failure.is_denied() => "Allow sqs:SendMessage on the queue in the function's role.",
        Some("QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue") => "Create the queue that ONBOARDER_QUEUE names.",
        _ if failure.is_unknown_caller() => "Check the function's role, and that AWS_REGION is the queue's region.",
        _ => return failure.error,
    };
    failure.error.hint(hint)
}
