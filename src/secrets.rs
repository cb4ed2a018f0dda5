//! The secret store: tenant records, connect profiles and secrets, each under its name.

use std::io::ErrorKind as IoErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use azure_core::http::{HttpClient, StatusCode};
use azure_security_keyvault_secrets::{SecretClient, SecretClientOptions};
use secrecy::SecretString;

use crate::config::SecretStoreUrl;
use crate::error::{Code, Error};
use crate::identity::Platform;
use crate::net::{self, Posts, Renewable};
use crate::tenant::SecretName;

/// Where secrets are read.
#[derive(Debug)]
pub enum SecretStore {
    /// Azure Key Vault, with the platform's identity.
    KeyVault(Renewable<SecretClient>),
    /// A folder with one file per secret: for laptops and for secrets that an orchestrator mounts.
    Folder(PathBuf),
}

impl SecretStore {
    /// Opens the store; nothing is called yet.
    #[must_use]
    pub fn open(url: &SecretStoreUrl, platform: &Arc<dyn Platform>, transport: &Arc<dyn HttpClient>) -> Self {
        match url {
            SecretStoreUrl::Folder(folder) => Self::Folder(folder.clone()),
            SecretStoreUrl::KeyVault(vault) => {
                let (vault, platform, transport) = (vault.clone(), platform.clone(), transport.clone());
                Self::KeyVault(Renewable::new(move || {
                    let options = SecretClientOptions {
                        client_options: net::client_options(&transport, Posts::Create),
                        ..SecretClientOptions::default()
                    };
                    SecretClient::new(vault.as_str(), platform.credential()?, Some(options))
                        .map_err(|error| net::from_sdk(&error, "key-vault"))
                }))
            }
        }
    }

    /// The secret's current value; `None` where there is no such secret.
    ///
    /// # Errors
    /// `SecretStoreRefused` where the store denies this deployment, `Unavailable` and `Throttled` where it may answer later.
    pub async fn get(&self, name: &SecretName) -> Result<Option<SecretString>, Error> {
        match self {
            Self::KeyVault(vault) => from_key_vault(vault, name).await,
            Self::Folder(folder) => match std::fs::read_to_string(folder.join(name.as_str())) {
                Ok(text) => Ok(Some(without_line_break(&text))),
                Err(error) if error.kind() == IoErrorKind::NotFound && folder.is_dir() => Ok(None),
                Err(error) if error.kind() == IoErrorKind::NotFound => {
                    Err(Error::new(Code::SecretStoreRefused, format!("the folder {} is not there", folder.display()))
                        .hint("Mount the folder that ONBOARDER_SECRET_STORE names, or correct the setting."))
                }
                Err(error) => Err(Error::new(
                    Code::SecretStoreRefused,
                    format!("the file of secret {} cannot be read: {}", name.as_str(), error.kind()),
                )),
            },
        }
    }

    /// As [`SecretStore::get`], for a secret that has to be there.
    ///
    /// # Errors
    /// Also `SecretMissing`, where it is absent or empty.
    pub async fn need(&self, name: &SecretName, what: &str) -> Result<SecretString, Error> {
        use secrecy::ExposeSecret as _;
        let missing = || {
            Error::new(Code::SecretMissing, format!("the secret {} ({what}) is missing or empty", name.as_str()))
                .hint(format!("Put it into the secret store under the name {}.", name.as_str()))
        };
        self.get(name).await?.filter(|secret| !secret.expose_secret().trim().is_empty()).ok_or_else(missing)
    }
}

/// A value without the line break that an editor puts at the end of a file, and that whoever stores the file stores with it.
fn without_line_break(value: &str) -> SecretString {
    SecretString::from(value.trim_end_matches(['\r', '\n']))
}

/// Reads from Key Vault (<https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret>, 2025-07-01).
async fn from_key_vault(vault: &Renewable<SecretClient>, name: &SecretName) -> Result<Option<SecretString>, Error> {
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
