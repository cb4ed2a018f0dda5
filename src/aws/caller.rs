//! Who this process is on AWS.

use super::{Aws, Failure};
use crate::error::{Code, Error};

const CALL: &str = "sts.caller-identity.get";

impl Aws {
    /// The ARN of the role or user that this process is, which every caller may ask
    /// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>).
    ///
    /// # Errors
    /// `CredentialRefused` where AWS does not know this process, and those of every call.
    pub async fn caller(&self) -> Result<String, Error> {
        let answer = self.sts(CALL).get_caller_identity().send().await.map_err(|error| {
            let failure = Failure::of(&error, CALL);
            if failure.is_unknown_caller() {
                return Error { code: Code::CredentialRefused, ..failure.error }
                    .hint("Check the function's role, or AWS_PROFILE and AWS_REGION on a laptop.");
            }
            failure.error
        })?;
        answer.arn.ok_or_else(|| Error::new(Code::Unavailable, format!("{CALL} answered without an ARN")))
    }
}
