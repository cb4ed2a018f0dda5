//! Who this process is: the platform's identity, and the tenant's login.

pub mod certificate;
mod federation;
mod x509;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error as SdkError, ErrorKind};
use azure_core::http::{ClientOptions, HttpClient};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};
use secrecy::{ExposeSecret as _, SecretString};

#[cfg(feature = "aws")]
use crate::aws::{Aws, WebIdentity};
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::error::{Code, Error};
use crate::net::{self, Posts};
use crate::scope::Guid;
use crate::tenant::Login;
use certificate::{ClientCertificate, OwnWord};
use federation::IdentityWord;

/// Gives out credentials of the platform's own identity, which reads the secret store and writes results and queue. A credential fetches
/// one token at a time, so each audience gets one of its own.
pub trait Platform: fmt::Debug + Send + Sync {
    /// A new credential, with an empty token cache.
    ///
    /// # Errors
    /// `CredentialRefused` where the environment offers no identity.
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error>;

    /// A new credential of a managed identity, which can vouch for this process where an app trusts it.
    ///
    /// # Errors
    /// `RecordInvalid` where this platform has none, since a record asks for it; else as [`Platform::credential`].
    fn managed_identity(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        self.credential()
    }

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
        azure_cli(None)
    }

    fn managed_identity(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        // Entra takes app-only tokens as assertions, never a user's (AADSTS700229).
        Err(no_managed_identity("this machine has none, only the Azure CLI's user")
            .hint("Run the command where the managed identity is, or ask the function app instead."))
    }
}

/// A credential of whoever is signed in to the Azure CLI, in its default tenant or in another.
///
/// # Errors
/// `CredentialRefused` where there can be none on this machine.
pub(crate) fn azure_cli(tenant: Option<Guid>) -> Result<Arc<dyn TokenCredential>, Error> {
    let options = AzureCliCredentialOptions { tenant_id: tenant.map(|tenant| tenant.to_string()), ..AzureCliCredentialOptions::default() };
    let az = AzureCliCredential::new(Some(options)).map_err(|_| no_identity())?;
    Ok(Arc::new(CliCredential { az, tenant }))
}

/// The Azure CLI's word, whose failures do not pass by themselves: it is not there, or nobody is signed in. What it says is not shown.
#[derive(Debug)]
struct CliCredential {
    az: Arc<AzureCliCredential>,
    tenant: Option<Guid>,
}

#[async_trait]
impl TokenCredential for CliCredential {
    async fn get_token(&self, scopes: &[&str], options: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let token = self.az.get_token(scopes, options).await;
        token.map_err(|_| {
            let of = self.tenant.map(|tenant| format!(" --tenant {tenant}")).unwrap_or_default();
            let error = Error::new(Code::CredentialRefused, "the Azure CLI gives no token: it is not there, or nobody is signed in")
                .hint(format!("Run `az login{of}`; `az account get-access-token{of}` says what is wrong."));
            SdkError::new(ErrorKind::Credential, error)
        })
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

    fn managed_identity(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Err(no_managed_identity("there is none on AWS").hint(
            "Set login.method to aws-web-identity, which is the same from AWS, or serve this tenant by the function app (`handler`).",
        ))
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

    fn managed_identity(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        self.azure.managed_identity()
    }

    fn aws(&self) -> Result<Aws, Error> {
        Ok(self.aws.clone())
    }
}

fn no_identity() -> Error {
    Error::new(Code::CredentialRefused, "this environment offers no Azure identity")
        .hint("Assign a managed identity to the function app, or run `az login` on a laptop.")
}

fn no_managed_identity(why: &str) -> Error {
    Error::new(Code::RecordInvalid, format!("the tenant record signs in with the word of a managed identity: {why}"))
}

/// Options for a client of the cloud's Entra.
fn entra(cloud: Cloud, transport: &Arc<dyn HttpClient>) -> ClientOptions {
    ClientOptions { cloud: Some(Arc::new(cloud.sdk())), ..net::client_options(transport, Posts::Ask) }
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
    /// With an app's certificate.
    ClientCertificate {
        /// The tenant to sign in to.
        tenant: Guid,
        /// The app.
        client_id: Guid,
        /// Its certificate, with the private key.
        certificate: Arc<ClientCertificate>,
        /// The process's HTTP client.
        transport: Arc<dyn HttpClient>,
        /// Tells from when an assertion is valid.
        clock: Clock,
    },
    /// As an app, with the word of the managed identity that the app trusts.
    ManagedIdentityFederation {
        /// The tenant to sign in to.
        tenant: Guid,
        /// The app.
        client_id: Guid,
        /// The managed identity; one for all audiences, since all are told the same word.
        identity: Arc<dyn TokenCredential>,
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
            Self::ClientCertificate { .. } => "SignIn::ClientCertificate",
            Self::ManagedIdentityFederation { .. } => "SignIn::ManagedIdentityFederation",
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
            Login::ManagedIdentity {} | Login::ManagedIdentityFederation { .. } | Login::AwsWebIdentity { .. } => None,
            Login::ClientSecret { secret_name, .. } | Login::ClientCertificate { secret_name, .. } => Some(secret_name),
        }
    }

    /// A new credential for one audience, from the cloud's Entra.
    ///
    /// # Errors
    /// `CredentialRefused` where none can be made.
    pub fn credential(&self, cloud: Cloud) -> Result<Arc<dyn TokenCredential>, Error> {
        match self {
            Self::Platform(platform) => platform.credential(),
            Self::ClientSecret { tenant, client_id, secret, transport } => {
                let options = ClientSecretCredentialOptions { client_options: entra(cloud, transport) };
                let secret = Secret::new(secret.expose_secret().to_owned());
                let credential = ClientSecretCredential::new(&tenant.to_string(), client_id.to_string(), secret, Some(options))
                    .map_err(|error| net::from_sdk(&error, "entra.token"))?;
                Ok(credential)
            }
            Self::ClientCertificate { tenant, client_id, certificate, transport, clock } => {
                let endpoint = format!("{}/{tenant}/oauth2/v2.0/token", cloud.authority());
                let word = OwnWord { certificate: certificate.clone(), client_id: *client_id, endpoint, clock: *clock };
                by_assertion(*tenant, *client_id, word, entra(cloud, transport))
            }
            Self::ManagedIdentityFederation { tenant, client_id, identity, transport } => {
                let word = IdentityWord { identity: identity.clone(), audience: cloud.token_exchange_audience() };
                by_assertion(*tenant, *client_id, word, entra(cloud, transport))
            }
            #[cfg(feature = "aws")]
            Self::AwsWebIdentity { tenant, client_id, role, transport } => {
                by_assertion(*tenant, *client_id, WebIdentity::clone(role), entra(cloud, transport))
            }
        }
    }
}

/// A credential of an app for which somebody vouches.
fn by_assertion<A: ClientAssertion + 'static>(
    tenant: Guid,
    client_id: Guid,
    word: A,
    client_options: ClientOptions,
) -> Result<Arc<dyn TokenCredential>, Error> {
    let options = ClientAssertionCredentialOptions { client_options };
    let credential = ClientAssertionCredential::new(tenant.to_string(), client_id.to_string(), word, Some(options))
        .map_err(|error| net::from_sdk(&error, "entra.token"))?;
    Ok(credential)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::process::Output;

    use azure_identity::Executor;

    use super::*;

    /// A shell without `az`.
    #[derive(Debug)]
    struct Bare;

    #[async_trait]
    impl Executor for Bare {
        async fn run(&self, _: &OsStr, _: &[&OsStr]) -> std::io::Result<Output> {
            Err(std::io::Error::other("hunter2"))
        }
    }

    #[tokio::test]
    async fn the_azure_clis_failure_does_not_pass_by_itself_and_shows_nothing_of_it() {
        let options = AzureCliCredentialOptions { executor: Some(Arc::new(Bare)), ..AzureCliCredentialOptions::default() };
        let tenant = Guid::parse("0b1f6471-1bf0-4dda-aec3-111122223333").ok();
        let credential = CliCredential { az: AzureCliCredential::new(Some(options)).unwrap(), tenant };
        let refused = credential.get_token(&["https://management.azure.com/.default"], None).await.unwrap_err();
        assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
        let error = net::from_sdk(&refused, "identity.token");
        assert_eq!(error.code, Code::CredentialRefused, "{error:?}");
        assert!(error.hint.as_deref().unwrap().contains("az login --tenant 0b1f6471"), "{error:?}");
    }
}
