//! The secret store: tenant records, connect profiles and secrets, each under its name.

mod key_vault;
#[cfg(feature = "aws")]
mod secrets_manager;

use std::collections::BTreeSet;
use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use azure_core::http::HttpClient;
use azure_security_keyvault_secrets::{SecretClient, SecretClientOptions};
use secrecy::SecretString;
use time::OffsetDateTime;

use crate::cloud::Cloud;
use crate::config::SecretStoreUrl;
use crate::error::{Code, Error};
use crate::identity::Platform;
use crate::net::{self, Posts, Renewable};
use crate::scope::Guid;
use crate::tenant::{RECORD_PREFIX, SecretName, record_name};

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

/// A secret as the store gives it out.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its current value.
    pub value: SecretString,
    /// When it expires, where the store was told. Only Key Vault knows such a time, and it gives the value out afterwards too
    /// (<https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#date-time-controlled-operations>).
    pub expires: Option<OffsetDateTime>,
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
                    let audience = (platform.credential()?, Cloud::of_key_vault(&vault).key_vault_scope());
                    let (client_options, credential) = net::options_and_credential(&transport, Posts::Create, audience);
                    let options = SecretClientOptions { client_options, ..SecretClientOptions::default() };
                    SecretClient::new(vault.as_str(), credential, Some(options)).map_err(|error| net::from_sdk(&error, "key-vault"))
                }))
            }
        }
    }

    /// The secret's current value; `None` where there is no such secret.
    ///
    /// # Errors
    /// `SecretStoreRefused` where the store denies this deployment, `Unavailable` and `Throttled` where it may answer later.
    pub async fn get(&self, name: &SecretName) -> Result<Option<SecretString>, Error> {
        Ok(self.read(name).await?.map(|stored| stored.value))
    }

    /// The secret's current value with what the store knows of it, in one call; `None` where there is no such secret.
    ///
    /// # Errors
    /// As [`SecretStore::get`].
    pub async fn read(&self, name: &SecretName) -> Result<Option<Stored>, Error> {
        let lasting = |value| Stored { value, expires: None };
        match self {
            Self::KeyVault(vault) => key_vault::get(vault, name).await,
            #[cfg(feature = "aws")]
            Self::SecretsManager(store) => Ok(store.get(name).await?.map(lasting)),
            Self::Folder(folder) => match std::fs::read_to_string(folder.join(name.as_str())) {
                Ok(text) => Ok(Some(lasting(without_line_break(&text)))),
                Err(error) if error.kind() == IoErrorKind::NotFound && folder.is_dir() => Ok(None),
                Err(error) if error.kind() == IoErrorKind::NotFound => Err(no_folder(folder)),
                Err(error) => Err(Error::new(
                    Code::SecretStoreRefused,
                    format!("the file of secret {} cannot be read: {}", name.as_str(), error.kind()),
                )),
            },
        }
    }

    /// The tenants that have a record in the store; secrets of other names do not count.
    ///
    /// # Errors
    /// As [`SecretStore::get`]; `UnexpectedAnswer` where the list does not end or leads elsewhere.
    pub async fn tenants(&self) -> Result<BTreeSet<Guid>, Error> {
        Ok(self.names(RECORD_PREFIX).await?.iter().filter_map(|name| tenant_of(name)).collect())
    }

    /// The names of the secrets that begin so; Key Vault gives them in lower case.
    ///
    /// # Errors
    /// As [`SecretStore::tenants`].
    pub async fn names(&self, prefix: &str) -> Result<BTreeSet<String>, Error> {
        let names = match self {
            Self::KeyVault(vault) => key_vault::names(vault).await?,
            #[cfg(feature = "aws")]
            Self::SecretsManager(store) => store.names(prefix).await?,
            Self::Folder(folder) => files(folder)?,
        };
        Ok(names.into_iter().filter(|name| name.starts_with(prefix)).collect())
    }

    /// As [`SecretStore::get`], for a secret that has to be there.
    ///
    /// # Errors
    /// Also `SecretMissing`, where it is absent or empty.
    pub async fn need(&self, name: &SecretName, what: &str) -> Result<SecretString, Error> {
        Ok(self.need_stored(name, what).await?.value)
    }

    /// As [`SecretStore::read`], for a secret that has to be there.
    ///
    /// # Errors
    /// As [`SecretStore::need`].
    pub async fn need_stored(&self, name: &SecretName, what: &str) -> Result<Stored, Error> {
        use secrecy::ExposeSecret as _;
        let missing = || {
            Error::new(Code::SecretMissing, format!("the secret {} ({what}) is missing or empty", name.as_str()))
                .hint(format!("Put it into the secret store under the name {}.", name.as_str()))
        };
        self.read(name).await?.filter(|secret| !secret.value.expose_secret().trim().is_empty()).ok_or_else(missing)
    }
}

/// A value without the line break that an editor puts at the end of a file, and that whoever stores the file stores with it.
fn without_line_break(value: &str) -> SecretString {
    SecretString::from(value.trim_end_matches(['\r', '\n']))
}

/// The tenant whose record has this name.
fn tenant_of(name: &str) -> Option<Guid> {
    let tenant = Guid::parse(name.strip_prefix(RECORD_PREFIX)?).ok()?;
    (record_name(tenant) == name).then_some(tenant)
}

/// The names of a folder's files; one that is not Unicode names no secret.
fn files(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = std::fs::read_dir(folder).map_err(|_| no_folder(folder))?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
}

fn no_folder(folder: &Path) -> Error {
    Error::new(Code::SecretStoreRefused, format!("the folder {} is not there or cannot be read", folder.display()))
        .hint("Mount the folder that ONBOARDER_SECRET_STORE names, or correct the setting.")
}

#[cfg(test)]
mod tests {
    use super::tenant_of;

    #[test]
    fn only_records_name_a_tenant() {
        let id = "0b1f6471-1bf0-4dda-aec3-111122223333";
        assert_eq!(tenant_of(&format!("ispm-onboarder-{id}")).map(|tenant| tenant.to_string()).as_deref(), Some(id));
        for other in ["", "ispm-onboarder-", "ispm-onboarder-profile-x", id, "ispm-onboarder-{0b1f6471-1bf0-4dda-aec3-111122223333}"] {
            assert_eq!(tenant_of(other), None, "{other}");
        }
    }
}
