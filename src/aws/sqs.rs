//! A queue of Amazon SQS.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use url::Url;

use super::Failure;
use crate::error::{Code, Error};
use crate::identity::Platform;
use crate::net::Renewable;

/// The longest that SQS holds a message back
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>, `DelaySeconds`).
const LONGEST_DELAY: Duration = Duration::from_mins(15);
/// The most messages of one answer, and what follows for reading them
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>).
const MOST_AT_ONCE: usize = 10;
/// How long a message that was taken out is hidden: ten deliveries one after the other fit in. Seconds.
const HIDDEN: i32 = 300;
/// Without waiting SQS asks a few of its servers only, and may answer nothing although there is something (the same page). Seconds.
const WAIT: i32 = 1;

/// The codes by which SQS says that a message is not hidden any more, as its JSON and its query protocol name it.
const NOT_HIDDEN: [&str; 2] = ["MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"];

const ATTRIBUTES: &str = "sqs.attributes.get";
const PUT: &str = "sqs.enqueue";
const TAKE: &str = "sqs.receive";
const DELETE: &str = "sqs.delete";
const RELEASE: &str = "sqs.release";

/// A queue.
#[derive(Debug)]
pub struct SqsQueue {
    url: Url,
    describing: Renewable<Client>,
    putting: Renewable<Client>,
    taking: Renewable<Client>,
    deleting: Renewable<Client>,
    releasing: Renewable<Client>,
}

/// A message that was taken out. It comes back after five minutes unless it is deleted or released before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The message's id, which it keeps in a dead-letter queue.
    pub id: String,
    /// The text as it was sent.
    pub text: String,
    /// What deletes and releases it; of this receipt alone.
    pub receipt: String,
}

impl SqsQueue {
    /// The queue at a URL, with the function's role; nothing is called yet.
    #[must_use]
    pub fn open(url: &Url, platform: &Arc<dyn Platform>) -> Self {
        let client = |name: &'static str| {
            let platform = platform.clone();
            Renewable::new(move || Ok(platform.aws()?.sqs(name)))
        };
        Self {
            url: url.clone(),
            describing: client(ATTRIBUTES),
            putting: client(PUT),
            taking: client(TAKE),
            deleting: client(DELETE),
            releasing: client(RELEASE),
        }
    }

    /// Makes sure that the queue is there, and that this role may see it
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html>).
    ///
    /// # Errors
    /// Those of the call.
    pub async fn check(&self) -> Result<(), Error> {
        let call = self.describing.get()?.get_queue_attributes().queue_url(self.url.as_str());
        let call = call.attribute_names(QueueAttributeName::ApproximateNumberOfMessages);
        let hints = Hints { action: "sqs:GetQueueAttributes on the queue in the function's role", setting: "ONBOARDER_QUEUE" };
        call.send().await.map(drop).map_err(|error| hints.explain(Failure::of(&error, ATTRIBUTES)))
    }

    /// Puts a message into the queue, and answers how long it is held back: `delay`, or as long as SQS can.
    ///
    /// # Errors
    /// Any failure means that the message may not be there.
    pub async fn put(&self, text: String, delay: Duration) -> Result<Duration, Error> {
        let delay = delay.min(LONGEST_DELAY);
        let seconds = i32::try_from(delay.as_secs()).unwrap_or(i32::MAX);
        match self.putting.get()?.send_message().queue_url(self.url.as_str()).message_body(text).delay_seconds(seconds).send().await {
            Ok(answer) if answer.message_id().is_some() => Ok(delay),
            Ok(_) => Err(Error::new(Code::Unavailable, format!("{PUT} answered without a message id"))),
            Err(error) => {
                let hints = Hints { action: "sqs:SendMessage on the queue in the function's role", setting: "ONBOARDER_QUEUE" };
                Err(hints.explain(Failure::of(&error, PUT)))
            }
        }
    }

    /// Takes up to so many messages out, for five minutes; fewer where there are no more.
    ///
    /// # Errors
    /// What was taken before a failure comes back by itself.
    pub async fn take(&self, most: usize) -> Result<Vec<Received>, Error> {
        let client = self.taking.get()?;
        let mut taken: Vec<Received> = Vec::new();
        while taken.len() < most {
            let number = i32::try_from((most - taken.len()).min(MOST_AT_ONCE)).unwrap_or(1);
            let call = client.receive_message().queue_url(self.url.as_str());
            let call = call.max_number_of_messages(number).visibility_timeout(HIDDEN).wait_time_seconds(WAIT);
            let answer = call.send().await.map_err(|error| READING.explain(Failure::of(&error, TAKE)))?;
            let messages = answer.messages.unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            for message in messages {
                taken.push(received(message)?);
            }
        }
        Ok(taken)
    }

    /// Deletes a message that was taken out
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html>). One that is gone is success.
    ///
    /// # Errors
    /// Any failure means that the message may come back.
    pub async fn delete(&self, receipt: &str) -> Result<(), Error> {
        match self.deleting.get()?.delete_message().queue_url(self.url.as_str()).receipt_handle(receipt).send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let hints = Hints { action: "sqs:DeleteMessage on the queue", ..READING };
                Err(hints.explain(Failure::of(&error, DELETE)))
            }
        }
    }

    /// Lets others see a message again that was taken out
    /// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html>). One that is gone, or is
    /// seen already, is success.
    ///
    /// # Errors
    /// Any failure means that it stays hidden until its time is over.
    pub async fn release(&self, receipt: &str) -> Result<(), Error> {
        let call = self.releasing.get()?.change_message_visibility().queue_url(self.url.as_str()).receipt_handle(receipt);
        match call.visibility_timeout(0).send().await.map_err(|error| Failure::of(&error, RELEASE)) {
            Ok(_) => Ok(()),
            Err(failure) if failure.code.as_deref().is_some_and(|code| NOT_HIDDEN.contains(&code)) => Ok(()),
            Err(failure) => {
                let hints = Hints { action: "sqs:ChangeMessageVisibility on the queue", ..READING };
                Err(hints.explain(failure))
            }
        }
    }
}

fn received(message: Message) -> Result<Received, Error> {
    match (message.message_id, message.body, message.receipt_handle) {
        (Some(id), Some(text), Some(receipt)) => Ok(Received { id, text, receipt }),
        _ => Err(Error::new(Code::Unavailable, format!("{TAKE} answered a message without id, text or receipt"))),
    }
}

/// What helps where a call is refused.
struct Hints {
    action: &'static str,
    setting: &'static str,
}

/// Queues are read on the command line, by whoever replays.
const READING: Hints = Hints { action: "sqs:ReceiveMessage on the queue", setting: "ONBOARDER_DEAD_LETTERS" };

impl Hints {
    fn explain(&self, failure: Failure) -> Error {
        let hint = match failure.code.as_deref() {
            _ if failure.is_denied() => format!("Allow {}.", self.action),
            Some("QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue") => {
                format!("Create the queue that {} names.", self.setting)
            }
            _ if failure.is_unknown_caller() => "Check the function's role, and that AWS_REGION is the queue's region.".to_owned(),
            _ => return failure.error,
        };
        failure.error.hint(hint)
    }
}
