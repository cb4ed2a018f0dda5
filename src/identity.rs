//! Who this process is: the platform's identity, and the tenant's login.

use std::fmt;
use std::sync::Arc;

use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::HttpClient;
use azure_identity::{
    AzureCliCredential, ClientSecretCredential, ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::{Code, Error};
use crate::net::{self, Posts};
use crate::scope::Guid;
use crate::tenant::Login;

/// Gives out credentials of the platform's own identity, which reads the secret store and writes results and queue. A credential fetches
/// one token at a time, so each audience gets one of its own.
pub trait Platform: fmt::Debug + Send + Sync {
    /// A new credential, with an empty token cache.
    ///
    /// # Errors
    /// `CredentialRefused` where the environment offers no identity.
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error>;
}

/// The managed identity of the machine or function app.
#[derive(Debug)]
pub struct ManagedIdentity {
    /// The process's HTTP client.
    pub transport: Arc<dyn HttpClient>,
    /// The user-assigned identity to use; without it, the system-assigned one.
    pub client_id: Option<Guid>,
}

impl Platform for ManagedIdentity {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: self.client_id.map(|id| UserAssignedId::ClientId(id.to_string())),
            client_options: net::client_options(&self.transport, Posts::Ask),
        };
        let credential = ManagedIdentityCredential::new(Some(options)).map_err(|_| no_identity())?;
        Ok(credential)
    }
}

/// The signed-in user of the Azure CLI, on a laptop.
#[derive(Debug)]
pub struct AzureCli;

impl Platform for AzureCli {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        let credential = AzureCliCredential::new(None).map_err(|_| no_identity())?;
        Ok(credential)
    }
}

fn no_identity() -> Error {
    Error::new(Code::CredentialRefused, "this environment offers no Azure identity")
        .hint("Assign a managed identity to the function app, or run `az login` on a laptop.")
}

/// What a tenant's [`Login`] becomes once its secret is read.
#[derive(Clone)]
pub enum SignIn {
    /// With the platform's identity.
    Platform(Arc<dyn Platform>),
    /// With an app's client secret.
    ClientSecret {
        /// The tenant to sign in to.
        tenant: Guid,
        /// The app.
        client_id: Guid,
        /// Its secret.
        secret: SecretString,
        /// The process's HTTP client.
        transport: Arc<dyn HttpClient>,
    },
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Platform(_) => "SignIn::Platform",
            Self::ClientSecret { .. } => "SignIn::ClientSecret",
        })
    }
}

impl SignIn {
    /// The names of the secrets that a login needs: at most one.
    #[must_use]
    pub const fn secret_of(login: &Login) -> Option<&crate::tenant::SecretName> {
        match login {
            Login::ManagedIdentity {} => None,
            Login::ClientSecret { secret_name, .. } => Some(secret_name),
        }
    }

    /// A new credential for one audience.
    ///
    /// # Errors
    /// `CredentialRefused` where none can be made.
    pub fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        match self {
            Self::Platform(platform) => platform.credential(),
            Self::ClientSecret { tenant, client_id, secret, transport } => {
                let options = ClientSecretCredentialOptions { client_options: net::client_options(transport, Posts::Ask) };
                let secret = Secret::new(secret.expose_secret().to_owned());
                let credential = ClientSecretCredential::new(&tenant.to_string(), client_id.to_string(), secret, Some(options))
                    .map_err(|error| net::from_sdk(&error, "entra.token"))?;
                Ok(credential)
            }
        }
    }
}
