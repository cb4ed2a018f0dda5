//! The secret store: tenant records, connect profiles and secrets, each under its name.

mod key_vault;
#[cfg(feature = "aws")]
mod secrets_manager;

use std::io::ErrorKind as IoErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use azure_core::http::HttpClient;
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
    /// AWS Secrets Manager, with the function's role.
    #[cfg(feature = "aws")]
    SecretsManager(secrets_manager::SecretsManager),
    /// A folder with one file per secret: for laptops and for secrets that an orchestrator mounts.
    Folder(PathBuf),
}

impl SecretStore {
    /// Opens the store; nothing is called yet.
    #[must_use]
    pub fn open(url: &SecretStoreUrl, platform: &Arc<dyn Platform>, transport: &Arc<dyn HttpClient>) -> Self {
        match url {
            SecretStoreUrl::Folder(folder) => Self::Folder(folder.clone()),
            #[cfg(feature = "aws")]
            SecretStoreUrl::SecretsManager { prefix } => Self::SecretsManager(secrets_manager::SecretsManager::open(prefix, platform)),
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
            Self::KeyVault(vault) => key_vault::get(vault, name).await,
            #[cfg(feature = "aws")]
            Self::SecretsManager(store) => store.get(name).await,
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
