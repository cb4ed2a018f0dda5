//! Who this process is: the platform's identity, and the tenant's login.

use std::fmt;
use std::sync::Arc;

use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::HttpClient;
use azure_identity::{
    AzureCliCredential, ClientSecretCredential, ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId,
};
#[cfg(feature = "aws")]
use azure_identity::{ClientAssertionCredential, ClientAssertionCredentialOptions};
use secrecy::{ExposeSecret as _, SecretString};

#[cfg(feature = "aws")]
use crate::aws::{Aws, WebIdentity};
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

    /// Who this process is on AWS.
    ///
    /// # Errors
    /// `CredentialRefused` where it does not run there.
    #[cfg(feature = "aws")]
    fn aws(&self) -> Result<Aws, Error> {
        Err(Error::new(Code::CredentialRefused, "this environment offers no AWS identity")
            .hint("Give the Lambda function a role, or set AWS_REGION and AWS_PROFILE on a laptop."))
    }
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

/// A role of AWS: the Lambda function's.
#[cfg(feature = "aws")]
#[derive(Debug)]
pub struct AwsRole(pub Aws);

#[cfg(feature = "aws")]
impl Platform for AwsRole {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Err(Error::new(Code::CredentialRefused, "there is no managed identity of Azure on AWS")
            .hint("Set login.method of the tenant record to aws-web-identity, client-secret or another that needs none."))
    }

    fn aws(&self) -> Result<Aws, Error> {
        Ok(self.0.clone())
    }
}

/// A laptop: Azure as one of the others, AWS by its profile.
#[cfg(feature = "aws")]
#[derive(Debug)]
pub struct WithAws {
    /// Who this process is on Azure.
    pub azure: Arc<dyn Platform>,
    /// Who it is on AWS.
    pub aws: Aws,
}

#[cfg(feature = "aws")]
impl Platform for WithAws {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        self.azure.credential()
    }

    fn aws(&self) -> Result<Aws, Error> {
        Ok(self.aws.clone())
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
    /// As an app, with the word of AWS that this process has the role that the app trusts.
    #[cfg(feature = "aws")]
    AwsWebIdentity {
        /// The tenant to sign in to.
        tenant: Guid,
        /// The app.
        client_id: Guid,
        /// The role.
        role: Box<WebIdentity>,
        /// The process's HTTP client.
        transport: Arc<dyn HttpClient>,
    },
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Platform(_) => "SignIn::Platform",
            Self::ClientSecret { .. } => "SignIn::ClientSecret",
            #[cfg(feature = "aws")]
            Self::AwsWebIdentity { .. } => "SignIn::AwsWebIdentity",
        })
    }
}

impl SignIn {
    /// The names of the secrets that a login needs: at most one.
    #[must_use]
    pub const fn secret_of(login: &Login) -> Option<&crate::tenant::SecretName> {
        match login {
            Login::ManagedIdentity {} | Login::AwsWebIdentity { .. } => None,
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
            #[cfg(feature = "aws")]
            Self::AwsWebIdentity { tenant, client_id, role, transport } => {
                let options = ClientAssertionCredentialOptions { client_options: net::client_options(transport, Posts::Ask) };
                let credential =
                    ClientAssertionCredential::new(tenant.to_string(), client_id.to_string(), WebIdentity::clone(role), Some(options))
                        .map_err(|error| net::from_sdk(&error, "entra.token"))?;
                Ok(credential)
            }
        }
    }
}
