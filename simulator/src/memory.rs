//! The face in memory: an `azure_core` transport and a platform credential, without sockets.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, HttpClient, StatusCode};
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use serde_json::Value;
use time::OffsetDateTime;

use crate::{Broken, Request, Response, Simulator};

impl Simulator {
    /// A transport for `azure_core` pipelines that ends in this world.
    #[must_use]
    pub fn transport(&self) -> Arc<dyn HttpClient> {
        Arc::new(Transport(self.clone()))
    }

    /// What stands for the platform's managed identity where there is no process environment to find it by: the same endpoint, the same
    /// faults (operation `identity.token`) and the same record, without a socket.
    #[must_use]
    pub fn identity(&self) -> Arc<dyn TokenCredential> {
        Arc::new(Identity { simulator: self.clone(), client_id: None })
    }

    /// The same for the managed identity of this client id, where more than one is attached.
    #[must_use]
    pub fn identity_of(&self, client_id: &str) -> Arc<dyn TokenCredential> {
        Arc::new(Identity { simulator: self.clone(), client_id: Some(client_id.to_owned()) })
    }
}

struct Transport(Simulator);

impl fmt::Debug for Transport {
    /// Without the world behind it, as a client shows nothing of what it talks to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Transport").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Transport {
    async fn execute_request(&self, request: &azure_core::http::Request) -> azure_core::Result<AsyncRawResponse> {
        let request = incoming(request)?;
        match self.0.exchange(request).await {
            Ok(response) => Ok(outgoing(response)),
            // As reqwest has it where no connection was made, TLS included: nothing was sent, so that a retry is safe.
            Err(broken @ (Broken::UnknownHost(_) | Broken::Unresolved(_) | Broken::Handshake)) => {
                Err(azure_core::Error::new(ErrorKind::Connection, broken))
            }
            Err(broken) => Err(azure_core::Error::new(ErrorKind::Io, broken)),
        }
    }
}

/// The SDK's request in the simulator's terms.
fn incoming(request: &azure_core::http::Request) -> azure_core::Result<Request> {
    let refused = |error| azure_core::Error::new(ErrorKind::DataConversion, error);
    let body = match request.body() {
        azure_core::http::Body::Bytes(bytes) => bytes.clone(),
        azure_core::http::Body::SeekableStream(_) => {
            return Err(azure_core::Error::with_message(ErrorKind::DataConversion, "the simulator takes no streamed bodies"));
        }
    };
    let mut incoming =
        http::Request::builder().method(request.method().as_ref()).uri(request.url().as_str()).body(body).map_err(refused)?;
    for (name, value) in request.headers().iter() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).map_err(|error| refused(error.into()))?;
        let value = HeaderValue::from_str(value.as_str()).map_err(|error| refused(error.into()))?;
        incoming.headers_mut().append(name, value);
    }
    Ok(incoming)
}

/// The simulator's answer in the SDK's terms.
fn outgoing(response: Response) -> AsyncRawResponse {
    let (parts, body) = response.into_parts();
    let mut headers = Headers::new();
    for (name, value) in &parts.headers {
        if let Ok(value) = value.to_str() {
            headers.insert(name.as_str().to_owned(), value.to_owned());
        }
    }
    AsyncRawResponse::from_bytes(StatusCode::from(parts.status.as_u16()), headers, body)
}

struct Identity {
    simulator: Simulator,
    client_id: Option<String>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenCredential for Identity {
    async fn get_token(&self, scopes: &[&str], _options: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let failed = |message: String| azure_core::Error::with_message(ErrorKind::Credential, message);
        let [scope] = scopes else {
            return Err(failed("a managed identity takes exactly one scope".to_owned()));
        };
        let request = self.request(scope.trim_end_matches("/.default")).map_err(failed)?;
        let response = self.simulator.identity_exchange(request).await.map_err(|broken| failed(broken.to_string()))?;
        token_in(&response).ok_or_else(|| failed(format!("the identity endpoint answered {}", response.status())))
    }
}

impl Identity {
    /// What the SDK would send to the platform's endpoint.
    fn request(&self, resource: &str) -> Result<Request, String> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("api-version", "2019-08-01").append_pair("resource", resource);
        query.extend_pairs(self.client_id.iter().map(|id| ("client_id", id)));
        let query = query.finish();
        let header = self.simulator.lock().world.platform.identity_header.clone();
        http::Request::get(format!("http://127.0.0.1/msi/token?{query}"))
            .header("x-identity-header", header.reveal())
            .body(Bytes::new())
            .map_err(|error| error.to_string())
    }
}

fn token_in(response: &Response) -> Option<AccessToken> {
    let body: Value = serde_json::from_slice(response.body()).ok()?;
    let token = body["access_token"].as_str()?.to_owned();
    let expires_on = body["expires_on"].as_str()?.parse().ok()?;
    Some(AccessToken { token: Secret::new(token), expires_on: OffsetDateTime::from_unix_timestamp(expires_on).ok()? })
}
