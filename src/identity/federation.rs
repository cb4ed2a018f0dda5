//! Signing in as an app with the word of this process's managed identity, without a stored secret: the app is multi-tenant, of the identity's
//! own tenant, has a federated credential for the identity, and the tenant to sign in to has consented to it
//! (<https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity>).

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use azure_core::error::{Error as SdkError, ErrorKind};
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;

use crate::error::{Code, Error};
use crate::net;

/// This process's managed identity, as Entra is told of it.
#[derive(Debug)]
pub(super) struct IdentityWord {
    /// The managed identity.
    pub identity: Arc<dyn TokenCredential>,
    /// The one audience that Entra takes in assertions, [`crate::cloud::Cloud::token_exchange_audience`].
    pub audience: &'static str,
}

#[async_trait]
impl ClientAssertion for IdentityWord {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let scope = format!("{}/.default", self.audience);
        match self.identity.get_token(&[&scope], None).await {
            Ok(token) => Ok(token.token.secret().to_owned()),
            Err(error) => Err(SdkError::new(ErrorKind::Credential, explained(net::from_sdk(&error, "identity.token")))),
        }
    }
}

/// The identity endpoint's refusal is about the function app, not about the record's login.
fn explained(error: Error) -> Error {
    match error.code {
        Code::CredentialRefused => {
            error.hint("Assign a managed identity to the function app; with a user-assigned one, set AZURE_CLIENT_ID to its client id.")
        }
        _ => error,
    }
}
