//! Answers of bounded size.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::error::{Error as SdkError, ErrorKind};
use azure_core::http::headers::CONTENT_LENGTH;
use azure_core::http::{AsyncRawResponse, HttpClient, Request};
use futures_util::StreamExt as _;

/// The largest answer that is read. ARM's pages, the largest that are asked for, stay far below.
pub const MOST_BYTES: usize = 8 * 1024 * 1024;

/// An HTTP client whose answers end: one that sends without end, as a hostile or broken endpoint may, fails instead of filling the memory
/// that all tenants share.
pub struct Bounded(pub Arc<dyn HttpClient>);

impl fmt::Debug for Bounded {
    /// Without the client, which may show the proxy's address with its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bounded").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Bounded {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let answer = self.0.execute_request(request).await?;
        let (status, headers, mut body) = answer.deconstruct();
        let announced = headers.get_optional_str(&CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
        if announced.is_some_and(|length| length > MOST_BYTES) {
            return Err(too_large());
        }
        let mut bytes = Vec::with_capacity(announced.unwrap_or_default());
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            if bytes.len() + chunk.len() > MOST_BYTES {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(AsyncRawResponse::from_bytes(status, headers, bytes))
    }
}

fn too_large() -> SdkError {
    SdkError::with_message(ErrorKind::DataConversion, "the answer is larger than what is read")
}

#[cfg(test)]
mod tests {
    use azure_core::http::headers::Headers;
    use azure_core::http::{Method, StatusCode};

    use super::*;

    #[derive(Debug)]
    struct Sends(usize);

    #[async_trait]
    impl HttpClient for Sends {
        async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
            let chunk = || Ok(azure_core::Bytes::from(vec![b'x'; 1024 * 1024]));
            let body = futures_util::stream::iter((0..self.0).map(move |_| chunk()));
            Ok(AsyncRawResponse::new(StatusCode::Ok, Headers::new(), Box::pin(body)))
        }
    }

    #[tokio::test]
    async fn an_answer_without_end_is_an_error() {
        let request = Request::new("https://contoso.spera-app.com".parse().unwrap(), Method::Get);
        assert!(Bounded(Arc::new(Sends(8))).execute_request(&request).await.is_ok());
        assert!(Bounded(Arc::new(Sends(usize::MAX))).execute_request(&request).await.is_err());
    }

    /// Announces a length, and sends nothing.
    #[derive(Debug)]
    struct Announces(usize);

    #[async_trait]
    impl HttpClient for Announces {
        async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
            let mut headers = Headers::new();
            headers.insert(CONTENT_LENGTH, self.0.to_string());
            Ok(AsyncRawResponse::from_bytes(StatusCode::Ok, headers, vec![]))
        }
    }

    #[tokio::test]
    async fn an_answer_that_announces_too_much_is_not_waited_for() {
        let request = Request::new("https://contoso.spera-app.com".parse().unwrap(), Method::Get);
        for (length, read) in [(0, true), (1, true), (MOST_BYTES, true), (MOST_BYTES + 1, false), (usize::MAX, false)] {
            assert_eq!(Bounded(Arc::new(Announces(length))).execute_request(&request).await.is_ok(), read, "{length}");
        }
        let shown = format!("{:?}", Bounded(Arc::new(Announces(41))));
        assert!(shown.starts_with("Bounded") && !shown.contains("41"), "{shown}");
    }
}
