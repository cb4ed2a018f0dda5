//! The queue that keeps what has to wait.

use std::sync::Arc;
use std::time::Duration;

use azure_core::http::{HttpClient, StatusCode};
use azure_storage_queue::QueueClient;
use azure_storage_queue::clients::QueueClientOptions;
use azure_storage_queue::models::{QueueClientSendMessageOptions, QueueMessage};
use url::Url;
use uuid::Uuid;

#[cfg(feature = "aws")]
use crate::aws::SqsQueue;
use crate::config::QueueUrl;
use crate::error::Error;
use crate::identity::Platform;
use crate::net::{self, Posts, Renewable};
use crate::request::Request;

/// The version of the Queue service's API that is asked for: the newest that both Azure and the Azurite emulator speak.
const API_VERSION: &str = "2025-11-05";
const FIRST_DELAY: Duration = Duration::from_secs(30);
const LONGEST_DELAY: Duration = Duration::from_mins(30);
/// A service's wish to be called later is granted up to this.
const LONGEST_WISH: Duration = Duration::from_hours(1);

/// The queue of a deployment.
#[derive(Debug)]
pub enum Queue {
    /// A Storage queue.
    Storage(StorageQueue),
    /// A queue of Amazon SQS.
    #[cfg(feature = "aws")]
    Sqs(SqsQueue),
}

impl Queue {
    /// The queue at a URL, with the platform's identity; nothing is called yet.
    #[must_use]
    pub fn open(url: &QueueUrl, platform: &Arc<dyn Platform>, transport: &Arc<dyn HttpClient>) -> Self {
        match url {
            QueueUrl::Storage(url) => Self::Storage(StorageQueue::open(url, platform, transport)),
            #[cfg(feature = "aws")]
            QueueUrl::Sqs(url) => Self::Sqs(SqsQueue::open(url, platform)),
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
            let options =
                QueueClientOptions { client_options: net::client_options(&transport, Posts::Create), version: API_VERSION.to_owned() };
            QueueClient::new(url.clone(), Some(platform.credential()?), Some(options)).map_err(|error| net::from_sdk(&error, "queue"))
        };
        Self { client: Renewable::new(make) }
    }

    /// Puts a message into the queue, invisible for `delay`
    /// (<https://learn.microsoft.com/rest/api/storageservices/put-message>).
    async fn put(&self, text: String, delay: Duration) -> Result<(), Error> {
        let visibility_timeout = Some(i32::try_from(delay.as_secs()).unwrap_or(i32::MAX));
        let send = |client: Arc<QueueClient>| {
            let message_text = Some(text.clone());
            async move {
                let content = QueueMessage { message_text }.try_into()?;
                let options = QueueClientSendMessageOptions { visibility_timeout, ..QueueClientSendMessageOptions::default() };
                client.send_message(content, Some(options)).await.map(drop).map_err(Failure::Sending)
            }
        };
        let refused =
            |failure: &Failure| matches!(failure, Failure::Sending(error) if error.http_status() == Some(StatusCode::Unauthorized));
        self.client.call(send, refused).await.map_err(Error::from)
    }
}

/// Why a message may not be in the queue.
enum Failure {
    /// There is no client to send it with.
    Client(Error),
    /// The client could not send it.
    Sending(azure_core::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<azure_core::Error> for Failure {
    fn from(error: azure_core::Error) -> Self {
        Self::Sending(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let error = match failure {
            Failure::Client(error) => return error,
            Failure::Sending(error) => error,
        };
        let failure = net::from_sdk(&error, "queue.enqueue");
        match error.http_status() {
            Some(StatusCode::Forbidden) => {
                failure.hint("Give the function's identity the role Storage Queue Data Message Sender on the queue.")
            }
            Some(StatusCode::NotFound) => failure.hint("Create the queue that ONBOARDER_QUEUE names."),
            _ => failure,
        }
    }
}

/// How long a request waits before it is taken up again: doubling from 30 seconds to 30 minutes, never less than the service asked for,
/// spread by up to a fifth so that requests which failed together do not come back together.
#[must_use]
pub fn delay(request: &Request, wish: Option<Duration>) -> Duration {
    let grown = FIRST_DELAY.saturating_mul(1 << request.history.attempts.min(6)).min(LONGEST_DELAY);
    let wanted = grown.max(wish.unwrap_or_default().min(LONGEST_WISH));
    let key = format!("{}{}{}", request.cause.id, request.scope, request.history.attempts);
    let spread = u32::from(Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes()).as_bytes()[0]);
    wanted + wanted / 5 * spread / 255
}
