//! The AWS SDK's failures in our own words.

use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::{Code, Error};
use crate::net;

/// The codes with which services deny an action
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>).
const DENIED: [&str; 3] = ["AccessDenied", "AccessDeniedException", "AuthorizationError"];
/// The codes with which services refuse who calls, and not what is called
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html>, and those of the other services).
const NOT_KNOWN: [&str; 9] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
/// The codes with which services ask for fewer calls, under whatever status
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>).
const THROTTLED: [&str; 8] = [
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// Why a call of an AWS service did not work.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The service's code, where it gave one.
    pub code: Option<String>,
    /// The failure, as far as it is the same for all services.
    pub error: Error,
}

impl Failure {
    /// Puts an SDK's failure into our own words. The service's text is not used: it can repeat what was sent.
    pub fn of<E: ProvideErrorMetadata + fmt::Debug>(error: &SdkError<E, HttpResponse>, name: &str) -> Self {
        let SdkError::ServiceError(refusal) = error else {
            return Self { code: None, error: unanswered(error, name) };
        };
        let code = refusal.err().code().and_then(net::plain_word).map(str::to_owned);
        Self { error: refused(refusal.raw(), code.as_deref(), name), code }
    }

    /// What a service answered to a call that no SDK made, with the code that stands in it.
    pub fn answered(answer: &HttpResponse, code: Option<String>, name: &str) -> Self {
        Self { error: refused(answer, code.as_deref(), name), code }
    }

    /// Whether the service denied the action.
    pub fn is_denied(&self) -> bool {
        self.has_one_of(&DENIED)
    }

    /// Whether the service does not take the credentials of this process.
    pub fn is_unknown_caller(&self) -> bool {
        self.has_one_of(&NOT_KNOWN) || self.error.code == Code::CredentialRefused
    }

    fn has_one_of(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }
}

/// Only a call that was sent can have been answered: what never left is the credentials' or the configuration's fault.
fn unanswered<E>(error: &SdkError<E, HttpResponse>, name: &str) -> Error {
    match error {
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
            Error::new(Code::Unavailable, format!("{name}: no connection, or it broke before the answer was complete"))
        }
        SdkError::ResponseError(_) | SdkError::TimeoutError(_) => {
            Error::new(Code::Unavailable, format!("{name}: an answer that cannot be read"))
        }
        _ => no_identity(name),
    }
}

/// A call that could not be signed.
pub(super) fn no_identity(name: &str) -> Error {
    Error::new(Code::CredentialRefused, format!("{name}: this process has no AWS credentials or no region"))
        .hint("On Lambda, give the function a role; elsewhere set AWS_REGION and AWS_PROFILE, or the variables of the AWS SDK.")
}

fn refused(answer: &HttpResponse, code: Option<&str>, name: &str) -> Error {
    let status = answer.status().as_u16();
    let word = code.map(|code| format!(" {code}")).unwrap_or_default();
    let id = ["x-amzn-requestid", "x-amz-request-id"].into_iter().find_map(|header| answer.headers().get(header).and_then(net::plain_word));
    let id = id.map(|id| format!(", request id {id}")).unwrap_or_default();
    let kind = match status {
        _ if code.is_some_and(|code| THROTTLED.contains(&code)) => Code::Throttled,
        429 => Code::Throttled,
        // A success with a body that cannot be read is a fault of the way, not of the input.
        200..=299 | 408 | 500.. => Code::Unavailable,
        _ => Code::UnexpectedAnswer,
    };
    let after = net::retry_after(|header| answer.headers().get(header.as_str()));
    Error::new(kind, format!("{name} answered {status}{word}{id}")).retry_after(after)
}
