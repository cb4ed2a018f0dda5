//! One REST service over a pipeline, with failures in our own words.

use std::fmt;

use azure_core::error::{Error as SdkError, ErrorKind};
use azure_core::http::headers::{CONTENT_TYPE, HeaderName};
use azure_core::http::{Context, Pipeline, PipelineSendOptions, RawResponse, Request, StatusCode};
use serde::de::DeserializeOwned;

use super::{CallName, OwnName, entra, may_pass, retry_after};
use crate::error::{Code, Error};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

/// A service that has no SDK crate: named calls in, answers of any status out.
#[derive(Clone, Debug)]
pub struct Api {
    pipeline: Pipeline,
    signs_in: bool,
}

impl Api {
    /// A service behind a pipeline, which signs in to it by calls of its own.
    #[must_use]
    pub const fn new(pipeline: Pipeline) -> Self {
        Self { pipeline, signs_in: true }
    }

    /// A service behind a pipeline that signs in nowhere.
    #[must_use]
    pub const fn without_sign_in(pipeline: Pipeline) -> Self {
        Self { pipeline, signs_in: false }
    }

    /// Sends one request. Every status is an answer, except those that may pass (408, 429, 5xx), which the guard has repeated as far as
    /// it was safe.
    ///
    /// # Errors
    /// `Throttled` or `Unavailable` where the call may succeed later; `CredentialRefused` where no token could be had.
    pub async fn send(&self, name: &'static str, request: Request) -> Result<Answer, Error> {
        let mut request = request;
        let context = if self.signs_in { Context::new().with_value(CallName(name)) } else { Context::new().with_value(OwnName(name)) };
        let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
        let raw = self.pipeline.send(&context, &mut request, Some(options)).await.map_err(|error| from_sdk(&error, name))?;
        let answer = Answer { name, raw };
        if may_pass(answer.raw.status()) { Err(answer.failure(Code::Unavailable)) } else { Ok(answer) }
    }
}

/// What a service answered.
pub struct Answer {
    name: &'static str,
    raw: RawResponse,
}

impl fmt::Debug for Answer {
    /// Without headers and body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("name", &self.name).field("status", &self.raw.status()).finish_non_exhaustive()
    }
}

impl Answer {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.raw.status().into()
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.raw.headers().get_optional_str(name)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// `Unavailable` where it cannot be read: a success with a broken body is a fault of the way, not of the input.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.raw
            .body()
            .json()
            .map_err(|_| Error::new(Code::Unavailable, format!("{} answered {} with a body that cannot be read", self.name, self.status())))
    }

    /// Whether the body is one that a service with a JSON interface may have: none, or JSON that is called so. Anything else is from somebody
    /// in between, who has not handed the call on.
    #[must_use]
    pub fn is_from_service(&self) -> bool {
        let body = self.raw.body();
        let is_called_json = self.header(&CONTENT_TYPE).is_none_or(|kind| kind.to_ascii_lowercase().contains("json"));
        body.as_ref().trim_ascii().is_empty() || (is_called_json && body.json::<serde::de::IgnoredAny>().is_ok())
    }

    /// The body's `error.code`, where the service gives one.
    #[must_use]
    pub fn error_code(&self) -> Option<String> {
        let body: serde_json::Value = self.raw.body().json().ok()?;
        body.pointer("/error/code")?.as_str().and_then(plain_word).map(str::to_owned)
    }

    /// This answer as a failure of a call, for answers that no caller explains better.
    #[must_use]
    pub fn failure(&self, code: Code) -> Error {
        self.refusal(code, &format!("{} was refused", self.name))
    }

    /// This answer as a failure in the caller's words, with the status, the service's error code and request id, and nothing of its text.
    /// 429 is always `Throttled`.
    #[must_use]
    pub fn refusal(&self, code: Code, words: &str) -> Error {
        let status = self.status();
        // A customer's gateway may put anything into its words, a token too: only Azure's are shown.
        let of_azure = !self.name.starts_with("ispm.");
        let word = self.error_code().filter(|_| of_azure).map(|word| format!(" {word}")).unwrap_or_default();
        let id = self.raw.headers().get_optional_str(&REQUEST_ID).filter(|_| of_azure).and_then(plain_word);
        let id = id.map(|id| format!(", request id {id}")).unwrap_or_default();
        let (code, words) = match status {
            429 => (Code::Throttled, format!("{} was throttled", self.name)),
            500.. => (code, format!("{} did not work", self.name)),
            _ => (code, words.to_owned()),
        };
        let after = retry_after(|name| self.raw.headers().get_optional_str(name));
        Error::new(code, format!("{words} ({status}{word}{id})")).retry_after(after)
    }
}

/// A service's word, if it is one: short, and of the characters that error codes and ids are made of.
#[must_use]
pub fn plain_word(text: &str) -> Option<&str> {
    let is_plain = text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    (is_plain && !text.is_empty()).then_some(text)
}

/// Puts an SDK's failure into our own words. The SDK's text is not used: it embeds upstream bodies.
#[must_use]
pub fn from_sdk(error: &SdkError, name: &str) -> Error {
    match error.kind() {
        ErrorKind::Connection => Error::new(Code::Unavailable, format!("{name}: no connection")),
        ErrorKind::Io => Error::new(Code::Unavailable, format!("{name}: the connection broke before the answer was complete")),
        ErrorKind::Credential => credential_failure(error, name),
        ErrorKind::HttpResponse { status, raw_response, .. } => {
            let after = raw_response.as_ref().and_then(|raw| retry_after(|header| raw.headers().get_optional_str(header)));
            let code = if *status == StatusCode::TooManyRequests {
                Code::Throttled
            } else if may_pass(*status) {
                Code::Unavailable
            } else {
                Code::UnexpectedAnswer
            };
            Error::new(code, format!("{name} answered {}", u16::from(*status))).retry_after(after)
        }
        _ => Error::new(Code::Unavailable, format!("{name}: an answer that cannot be read")),
    }
}

/// Tells a refused credential from an identity service that is not well: without a status, or with one that may pass, it is the latter.
fn credential_failure(error: &SdkError, name: &str) -> Error {
    let mut cause = error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static));
    while let Some(inner) = cause {
        // What an assertion of ours ran into is in our own words already.
        if let Some(own) = inner.downcast_ref::<Error>() {
            return own.clone();
        }
        if let Some(sdk) = inner.downcast_ref::<SdkError>()
            && let ErrorKind::HttpResponse { status, error_code, raw_response } = sdk.kind()
        {
            let after = raw_response.as_ref().and_then(|raw| retry_after(|header| raw.headers().get_optional_str(header)));
            let numbers = error_code.as_deref().map(numbers).unwrap_or_default();
            let message = format!("{name}: the token request was answered {}{numbers}", u16::from(*status));
            if may_pass(*status) {
                return Error::new(Code::Unavailable, message).retry_after(after);
            }
            let (code, hint) = entra::explained(error_code.as_deref());
            return Error::new(code, message).hint(hint);
        }
        cause = inner.source();
    }
    Error::new(Code::Unavailable, format!("{name}: no token could be had"))
}

/// Entra's numbers as it writes them in its words.
fn numbers(error_code: &str) -> String {
    let numbers: Vec<String> = error_code.split(',').filter_map(plain_word).map(|number| format!("AADSTS{number}")).collect();
    if numbers.is_empty() { String::new() } else { format!(" {}", numbers.join(", ")) }
}

#[cfg(test)]
mod tests;
