//! Signing in to Entra as a role of AWS, without a stored secret: STS vouches for the role in a token that Entra takes as the login app's
//! assertion, since the app has a federated credential for that role.

use async_trait::async_trait;
use aws_sdk_sts::error::ProvideErrorMetadata as _;
use azure_core::error::{Error as SdkError, ErrorKind};
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;

use super::{Aws, Failure};
use crate::error::{Code, Error};

/// The call's name in logs.
const CALL: &str = "sts.web-identity-token.get";
/// Entra verifies RS256 and not ES384, the other one that STS knows
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html>).
const ALGORITHM: &str = "RS256";
/// In seconds. Entra looks at it once, at once.
const LIFETIME: i32 = 300;
/// The code of an account that issues no such tokens (the same page).
const NOT_ENABLED: &str = "OutboundWebIdentityFederationDisabled";

/// This process's role, as Entra is told of it.
#[derive(Clone, Debug)]
pub struct WebIdentity {
    /// Who this process is.
    pub aws: Aws,
    /// The one audience that the tenant's Entra takes in assertions, [`crate::cloud::Cloud::token_exchange_audience`].
    pub audience: &'static str,
}

#[async_trait]
impl ClientAssertion for WebIdentity {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.token().await.map_err(|error| SdkError::new(ErrorKind::Credential, error))
    }
}

impl WebIdentity {
    async fn token(&self) -> Result<String, Error> {
        let sts = self.aws.sts(CALL);
        let call = sts.get_web_identity_token().audience(self.audience).signing_algorithm(ALGORITHM).duration_seconds(LIFETIME);
        match call.send().await {
            Ok(answer) => answer
                .web_identity_token
                .filter(|token| !token.is_empty())
                .ok_or_else(|| Error::new(Code::Unavailable, format!("{CALL} answered without a token"))),
            Err(error) => Err(explained(Failure::of(&error, CALL), error.code(), self.audience)),
        }
    }
}

fn explained(failure: Failure, code: Option<&str>, audience: &str) -> Error {
    let allow = format!("Allow sts:GetWebIdentityToken in the function's role, for the audience {audience}.");
    let hint = if failure.is_denied() {
        &allow
    } else if code.is_some_and(|code| code.starts_with(NOT_ENABLED)) {
        "Run `aws iam enable-outbound-web-identity-federation` once in this AWS account."
    } else if failure.is_unknown_caller() {
        "Check that the function has a role and that AWS_REGION is set: the token is given out by the region's own endpoint only."
    } else {
        return failure.error;
    };
    Error { code: Code::CredentialRefused, ..failure.error }.hint(hint)
}
