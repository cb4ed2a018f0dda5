//! The queue that keeps what has to wait.

use std::sync::Arc;
use std::time::Duration;

use azure_core::http::{ClientMethodOptions, Context, HttpClient, StatusCode};
use azure_storage_queue::QueueClient;
use azure_storage_queue::clients::QueueClientOptions;
use azure_storage_queue::models::{
    QueueClientDeleteMessageOptions, QueueClientGetPropertiesOptions, QueueClientReceiveMessagesOptions, QueueClientSendMessageOptions,
    QueueClientUpdateMessageOptions, QueueMessage, ReceivedMessage,
};
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

#[cfg(feature = "aws")]
use crate::aws::SqsQueue;
use crate::config::QueueUrl;
use crate::error::Error;
use crate::identity::Platform;
use crate::net::{self, CallName, Posts, Renewable, RenewableFailure};
use crate::request::Request;
use crate::storage::{API_VERSION, SCOPE};

const PROPERTIES: &str = "queue.properties";
const PUT: &str = "queue.enqueue";
const TAKE: &str = "queue.receive";
const DELETE: &str = "queue.delete";
const RELEASE: &str = "queue.release";
/// How long a message that was taken out stays hidden, unless it is deleted or released before.
const HIDDEN: Duration = Duration::from_mins(5);
const FIRST_DELAY: Duration = Duration::from_secs(30);
const LONGEST_DELAY: Duration = Duration::from_mins(30);
/// A service's wish to be called later is granted up to this.
pub(crate) const LONGEST_WISH: Duration = Duration::from_hours(1);

/// The queue of a deployment.
#[derive(Debug)]
pub enum Queue {
    /// A Storage queue.
    Storage(StorageQueue),
    /// A queue of Amazon SQS.
    #[cfg(feature = "aws")]
    Sqs(Box<SqsQueue>),
}

/// A message that was taken out of a queue. It comes back after a while, unless it is deleted.
#[derive(Debug)]
pub struct Waiting {
    /// Its text, as it was put there.
    pub text: String,
    /// Its id.
    pub id: String,
    /// When it was put there, where the queue says so.
    pub since: Option<OffsetDateTime>,
    /// What it is deleted and released by; new each time that it is taken out.
    handle: String,
}

impl Queue {
    /// The queue at a URL, with the platform's identity; nothing is called yet.
    #[must_use]
    pub fn open(url: &QueueUrl, platform: &Arc<dyn Platform>, transport: &Arc<dyn HttpClient>) -> Self {
        match url {
            QueueUrl::Storage(url) => Self::Storage(StorageQueue::open(url, platform, transport)),
            #[cfg(feature = "aws")]
            QueueUrl::Sqs(url) => Self::Sqs(Box::new(SqsQueue::open(url, platform))),
        }
    }

    /// Puts a message into the queue, and answers how long it stays hidden there: `delay`, or as long as the queue can hide it.
    ///
    /// # Errors
    /// Any failure means that the message may not be there.
    pub async fn put(&self, text: String, delay: Duration) -> Result<Duration, Error> {
        match self {
            Self::Storage(queue) => queue.put(text, delay).await.map(|()| delay),
            #[cfg(feature = "aws")]
            Self::Sqs(queue) => queue.put(text, delay).await,
        }
    }

    /// Makes sure that the queue is there, and that this identity may see it; nothing is put into it.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn check(&self) -> Result<(), Error> {
        match self {
            Self::Storage(queue) => queue.check().await,
            #[cfg(feature = "aws")]
            Self::Sqs(queue) => queue.check().await,
        }
    }

    /// Takes up to so many messages out, which are hidden from others for a while; fewer where there are no more to be seen.
    ///
    /// # Errors
    /// Those of the call. What was taken out before comes back by itself.
    pub async fn take(&self, most: usize) -> Result<Vec<Waiting>, Error> {
        match self {
            Self::Storage(queue) => queue.take(most).await,
            #[cfg(feature = "aws")]
            Self::Sqs(queue) => {
                let received = queue.take(most).await?.into_iter();
                Ok(received.map(|one| Waiting { text: one.text, id: one.id, since: None, handle: one.receipt }).collect())
            }
        }
    }

    /// Removes a message that was taken out; that it is gone is success.
    ///
    /// # Errors
    /// Any failure means that the message may come back.
    pub async fn delete(&self, waiting: &Waiting) -> Result<(), Error> {
        match self {
            Self::Storage(queue) => queue.delete(waiting).await,
            #[cfg(feature = "aws")]
            Self::Sqs(queue) => queue.delete(&waiting.handle).await,
        }
    }

    /// Lets others see a message again that was taken out.
    ///
    /// # Errors
    /// Any failure means that it stays hidden until its time is over.
    pub async fn release(&self, waiting: &Waiting) -> Result<(), Error> {
        match self {
            Self::Storage(queue) => queue.release(waiting).await,
            #[cfg(feature = "aws")]
            Self::Sqs(queue) => queue.release(&waiting.handle).await,
        }
    }
}

/// A Storage queue.
#[derive(Debug)]
pub struct StorageQueue {
    client: Renewable<QueueClient>,
}

impl StorageQueue {
    fn open(url: &Url, platform: &Arc<dyn Platform>, transport: &Arc<dyn HttpClient>) -> Self {
        let (url, platform, transport) = (url.clone(), platform.clone(), transport.clone());
        let make = move || {
            let client_options = net::signed_in_options(&transport, Posts::Create, (platform.credential()?, SCOPE));
            let options = QueueClientOptions { client_options, version: API_VERSION.to_owned() };
            QueueClient::new(url.clone(), None, Some(options)).map_err(|error| net::from_sdk(&error, "queue"))
        };
        Self { client: Renewable::new(make) }
    }

    /// Reads the queue's properties (<https://learn.microsoft.com/rest/api/storageservices/get-queue-metadata>).
    async fn check(&self) -> Result<(), Error> {
        let read = |client: Arc<QueueClient>| async move {
            let options =
                QueueClientGetPropertiesOptions { method_options: called(PROPERTIES), ..QueueClientGetPropertiesOptions::default() };
            Ok(client.get_properties(Some(options)).await.map(drop)?)
        };
        self.client.call(read, RenewableFailure::is_refusal).await.map_err(|failure| explained(failure, PROPERTIES))
    }

    /// Puts a message into the queue, invisible for `delay`
    /// (<https://learn.microsoft.com/rest/api/storageservices/put-message>).
    async fn put(&self, text: String, delay: Duration) -> Result<(), Error> {
        let visibility_timeout = Some(i32::try_from(delay.as_secs()).unwrap_or(i32::MAX));
        let send = |client: Arc<QueueClient>| {
            let message_text = Some(text.clone());
            async move {
                let content = QueueMessage { message_text }.try_into()?;
                let method_options = called(PUT);
                let options =
                    QueueClientSendMessageOptions { visibility_timeout, method_options, ..QueueClientSendMessageOptions::default() };
                // A success without the message's receipt is from somebody in between, who has not stored it.
                Ok(client.send_message(content, Some(options)).await?.into_model().map(drop)?)
            }
        };
        self.client.call(send, RenewableFailure::is_refusal).await.map_err(|failure| explained(failure, PUT))
    }

    /// Takes messages out, 32 at once as the service does at most (<https://learn.microsoft.com/rest/api/storageservices/get-messages>).
    async fn take(&self, most: usize) -> Result<Vec<Waiting>, Error> {
        let mut taken = Vec::new();
        while taken.len() < most {
            let number = i32::try_from((most - taken.len()).min(32)).unwrap_or(32);
            let receive = |client: Arc<QueueClient>| async move {
                let options = QueueClientReceiveMessagesOptions {
                    method_options: called(TAKE),
                    number_of_messages: Some(number),
                    visibility_timeout: i32::try_from(HIDDEN.as_secs()).ok(),
                    ..QueueClientReceiveMessagesOptions::default()
                };
                Ok(client.receive_messages(Some(options)).await?.into_model()?)
            };
            let received = self.client.call(receive, RenewableFailure::is_refusal).await;
            let received = received.map_err(|failure| explained(failure, TAKE))?.items.unwrap_or_default();
            if received.is_empty() {
                break;
            }
            taken.extend(received.into_iter().filter_map(waiting));
        }
        Ok(taken)
    }

    /// Removes a message (<https://learn.microsoft.com/rest/api/storageservices/delete-message2>).
    async fn delete(&self, waiting: &Waiting) -> Result<(), Error> {
        let delete = |client: Arc<QueueClient>| async move {
            let options = QueueClientDeleteMessageOptions { method_options: called(DELETE), ..QueueClientDeleteMessageOptions::default() };
            Ok(client.delete_message(&waiting.id, &waiting.handle, Some(options)).await.map(drop)?)
        };
        let deleted = self.client.call(delete, RenewableFailure::is_refusal).await;
        gone_is_done(deleted).map_err(|failure| explained(failure, DELETE))
    }

    /// Makes a message visible again (<https://learn.microsoft.com/rest/api/storageservices/update-message>).
    async fn release(&self, waiting: &Waiting) -> Result<(), Error> {
        let release = |client: Arc<QueueClient>| async move {
            let options = QueueClientUpdateMessageOptions { method_options: called(RELEASE), ..QueueClientUpdateMessageOptions::default() };
            Ok(client.update_message(&waiting.id, &waiting.handle, 0, Some(options)).await.map(drop)?)
        };
        let released = self.client.call(release, RenewableFailure::is_refusal).await;
        gone_is_done(released).map_err(|failure| explained(failure, RELEASE))
    }
}

fn called(name: &'static str) -> ClientMethodOptions<'static> {
    ClientMethodOptions { context: Context::new().with_value(CallName(name)) }
}

fn waiting(message: ReceivedMessage) -> Option<Waiting> {
    let (id, handle) = (message.message_id?, message.pop_receipt?);
    Some(Waiting { text: message.message_text.unwrap_or_default(), id, since: message.insertion_time, handle })
}

/// A message that is not there any more needs nothing.
fn gone_is_done(done: Result<(), RenewableFailure>) -> Result<(), RenewableFailure> {
    match done {
        Err(failure) if failure.is(StatusCode::NotFound) && failure.service_code() == Some("MessageNotFound") => Ok(()),
        done => done,
    }
}

fn explained(failure: RenewableFailure, name: &str) -> Error {
    let (status, error) = (failure.status(), failure.named(name));
    match status {
        Some(StatusCode::Forbidden) if name == PUT => {
            error.hint("Give the function's identity the role Storage Queue Data Message Sender on the queue.")
        }
        Some(StatusCode::Forbidden) if name == PROPERTIES => {
            error.hint("Give the identity the role Storage Queue Data Reader on the queue, and let the account's firewall pass it.")
        }
        // Hiding a message for another time asks for more than taking it out
        // (https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory#permissions-for-queue-service-operations).
        Some(StatusCode::Forbidden) => error.hint("Give yourself the role Storage Queue Data Contributor on the queue."),
        Some(StatusCode::NotFound) if name == PUT || name == PROPERTIES => error.hint("Create the queue that ONBOARDER_QUEUE names."),
        Some(StatusCode::NotFound) => error.hint("Check the queue that ONBOARDER_DEAD_LETTERS names."),
        _ => error,
    }
}

/// How long a request waits before it is taken up again: doubling from 30 seconds to 30 minutes, never less than the service asked for,
/// spread by up to a fifth so that requests which failed together do not come back together.
#[must_use]
pub fn delay<T>(request: &Request<T>, wish: Option<Duration>) -> Duration {
    let grown = FIRST_DELAY.saturating_mul(1 << request.history.attempts.min(6)).min(LONGEST_DELAY);
    let wanted = grown.max(wish.unwrap_or_default().min(LONGEST_WISH));
    let key = format!("{}{}{}", request.cause.id, request.scope, request.history.attempts);
    let spread = u32::from(Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()).as_bytes()[0]);
    wanted + wanted / 5 * spread / 255
}
