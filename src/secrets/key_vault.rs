//! Azure Key Vault.

use azure_core::http::StatusCode;
use azure_security_keyvault_secrets::SecretClient;
use secrecy::SecretString;

use super::without_line_break;
use crate::error::{Code, Error};
use crate::net::{self, Renewable};
use crate::tenant::SecretName;

/// Reads from Key Vault (<https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret>, 2025-07-01).
pub(super) async fn get(vault: &Renewable<SecretClient>, name: &SecretName) -> Result<Option<SecretString>, Error> {
    let client = vault.get()?;
    let refused = |status: u16, hint: &str| {
        Error::new(Code::SecretStoreRefused, format!("Key Vault answered {status} for the secret {}", name.as_str())).hint(hint)
    };
    match client.get_secret(name.as_str(), None).await {
        Ok(answer) => {
            let secret = answer.into_model().map_err(|error| net::from_sdk(&error, "key-vault.secret.get"))?;
            Ok(secret.value.map(|value| without_line_break(&value)))
        }
        Err(error) => match error.http_status() {
            Some(StatusCode::NotFound) => Ok(None),
            Some(StatusCode::Forbidden) => Err(refused(
                403,
                "Give the function's identity the role Key Vault Secrets User on the vault, enable the secret, and check the vault's firewall.",
            )),
            Some(StatusCode::Unauthorized) => {
                vault.renew();
                Err(refused(401, "Check that the vault belongs to the tenant of the function's identity."))
            }
            _ => Err(match net::from_sdk(&error, "key-vault.secret.get") {
                failure if failure.code == Code::CredentialRefused => Error { code: Code::SecretStoreRefused, ..failure }
                    .hint("Assign a managed identity to the function app; with a user-assigned one, set AZURE_CLIENT_ID to its client id."),
                failure => failure,
            }),
        },
    }
}
