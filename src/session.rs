//! Tenant sessions: a tenant's record, credentials and clients, made together and dropped together.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use azure_core::http::HttpClient;
use secrecy::{ExposeSecret as _, SecretString};
use time::OffsetDateTime;
use tokio::sync::OnceCell;

use crate::azure::{Arm, Graph};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Code, Error};
use crate::expiry::SecretExpiry;
use crate::identity::certificate::{self, ClientCertificate};
use crate::identity::{Platform, SignIn};
use crate::ispm::{IspmClient, Profile};
use crate::kept::Kept;
use crate::net::{self, Api, Posts};
use crate::scope::Guid;
use crate::secrets::{SecretStore, Stored};
use crate::tenant::{Connect, Login, SecretName, TenantRecord, record_name};

/// How long a record and its secrets are used before they are read again: a changed policy takes effect within this time.
const LIFETIME: time::Duration = time::Duration::minutes(10);
/// How many sessions are kept. What one holds is a record, two secrets and a profile, none of them larger than what a store takes (25 KB in Key
/// Vault, 64 KB in Secrets Manager), and a token for each of two services.
const MOST_SESSIONS: usize = 500;

const LOGIN_SECRET: &str = "the login's secret";
const ISPM_TOKEN: &str = "the ISPM API token";

/// Everything that one tenant's calls need. A refused token is got rid of by dropping the session.
#[derive(Debug)]
pub struct Session {
    /// The tenant's record.
    pub record: TenantRecord,
    /// ARM, signed in to the tenant.
    pub arm: Arm,
    /// ISPM, where the connection is made over HTTP; absent in console mode.
    pub ispm: Option<IspmClient>,
    /// The secrets that the record names, with when they expire.
    pub secrets: Vec<SecretExpiry>,
    graph: Graph,
    principal: OnceCell<Guid>,
    source_checked: OnceCell<()>,
}

impl Session {
    /// The object id of the ISPM app's service principal: from the record, else from Graph, once a session.
    ///
    /// # Errors
    /// Those of [`Graph::service_principal`].
    pub async fn principal(&self) -> Result<Guid, Error> {
        match self.record.app.principal_id {
            Some(principal) => Ok(principal),
            None => self.principal.get_or_try_init(|| self.graph.service_principal(self.record.app.client_id)).await.copied(),
        }
    }

    /// Checks the Related AAD, once a session.
    ///
    /// # Errors
    /// Those of [`IspmClient::check_source`].
    pub async fn check_source(&self, ispm: &IspmClient) -> Result<(), Error> {
        self.source_checked.get_or_try_init(|| ispm.check_source()).await.copied()
    }
}

/// What a record's login and its ISPM need, each with what kept it from being had.
pub(crate) struct Parts {
    pub sign_in: Result<SignIn, Error>,
    /// Absent in console mode.
    pub ispm: Result<Option<IspmClient>, Error>,
    /// The secrets that could be read.
    pub secrets: Vec<SecretExpiry>,
}

/// The open sessions of this process. They only save calls: with none, the result is the same.
pub struct Sessions {
    store: SecretStore,
    platform: Arc<dyn Platform>,
    transport: Arc<dyn HttpClient>,
    config: Config,
    clock: Clock,
    kept: Kept<Arc<Session>>,
    listed: Mutex<Option<(OffsetDateTime, BTreeSet<Guid>)>>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Sessions {
    /// No session is open yet, and nothing is called.
    #[must_use]
    pub fn new(config: Config, platform: Arc<dyn Platform>, transport: Arc<dyn HttpClient>, clock: Clock) -> Self {
        let store = SecretStore::open(&config.secret_store, &platform, &transport);
        Self { store, platform, transport, config, clock, kept: Kept::new(LIFETIME, MOST_SESSIONS), listed: Mutex::new(None) }
    }

    /// Admits a tenant: it is one that this deployment serves, and its record exists and names the same tenant.
    ///
    /// # Errors
    /// `TenantNotServed`, the record's faults, and those of the secret store.
    pub async fn open(&self, tenant: Guid) -> Result<Arc<Session>, Error> {
        self.check_served(tenant)?;
        // Concurrent deliveries for one tenant load its record once.
        let cell = self.kept.cell(tenant, self.clock.now());
        cell.get_or_try_init(|| self.load(tenant)).await.cloned()
    }

    fn check_served(&self, tenant: Guid) -> Result<(), Error> {
        if self.config.tenants.as_ref().is_some_and(|served| !served.contains(&tenant)) {
            return Err(not_served(tenant, "ONBOARDER_TENANTS does not list it")
                .hint("Add the tenant to ONBOARDER_TENANTS, or send its events to the deployment that serves it."));
        }
        Ok(())
    }

    /// Whether a tenant is served: listed, where there is a list, and with a record. `false` where the store does not say.
    pub async fn has_record(&self, tenant: Guid) -> bool {
        let listed = self.config.tenants.as_ref().is_none_or(|served| served.contains(&tenant));
        let Some(name) = SecretName::parse(&record_name(tenant)) else { return false };
        listed && matches!(self.store.get(&name).await, Ok(Some(_)))
    }

    /// The tenants that this deployment serves: those listed, else those with a record.
    ///
    /// # Errors
    /// Those of [`SecretStore::tenants`].
    pub async fn tenants(&self) -> Result<BTreeSet<Guid>, Error> {
        match &self.config.tenants {
            Some(listed) => Ok(listed.clone()),
            None => self.with_records().await,
        }
    }

    /// The tenant that events without one are about: the only one that this deployment serves. `None` where it serves none or several.
    ///
    /// # Errors
    /// Those of [`SecretStore::tenants`].
    pub async fn only_tenant(&self) -> Result<Option<Guid>, Error> {
        let mut served = self.tenants().await?.into_iter();
        Ok(served.next().filter(|_| served.next().is_none()))
    }

    /// The tenants that have a record, as the store last said within a session's lifetime.
    async fn with_records(&self) -> Result<BTreeSet<Guid>, Error> {
        let now = self.clock.now();
        let known = self.listed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, tenants)) = known.filter(|(read, _)| now - *read < LIFETIME) {
            return Ok(tenants);
        }
        let tenants = self.store.tenants().await?;
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, tenants.clone()));
        Ok(tenants)
    }

    /// Drops a session, with its record, secrets and tokens; not one that another delivery has opened since.
    pub(crate) fn drop_session(&self, session: &Arc<Session>) {
        self.kept.forget_if(session.record.tenant_id, |kept| Arc::ptr_eq(kept, session));
    }

    /// Forgets a tenant's session, whoever opened it: the next one to ask has the record as it is then.
    pub fn forget(&self, tenant: Guid) {
        self.kept.forget(tenant);
    }

    async fn load(&self, tenant: Guid) -> Result<Arc<Session>, Error> {
        let record = self.record(tenant).await?;
        let Parts { sign_in, ispm, secrets } = self.parts(&record).await;
        self.session(record, &sign_in?, ispm?, secrets)
    }

    /// As [`Sessions::open`], but Azure is called as somebody else than the record's login. Such a session is not kept: it is for one piece of
    /// work of whoever that is.
    ///
    /// # Errors
    /// As [`Sessions::open`].
    #[cfg(feature = "cli")]
    pub(crate) async fn open_as(&self, tenant: Guid, sign_in: &SignIn) -> Result<Arc<Session>, Error> {
        self.check_served(tenant)?;
        let record = self.record(tenant).await?;
        let Parts { ispm, secrets, .. } = self.parts(&record).await;
        self.session(record, sign_in, ispm?, secrets)
    }

    fn session(
        &self,
        record: TenantRecord,
        sign_in: &SignIn,
        ispm: Option<IspmClient>,
        secrets: Vec<SecretExpiry>,
    ) -> Result<Arc<Session>, Error> {
        let (arm, graph) = (self.arm(sign_in)?, self.graph(sign_in)?);
        Ok(Arc::new(Session { record, arm, ispm, secrets, graph, principal: OnceCell::new(), source_checked: OnceCell::new() }))
    }

    /// Reads what a record names, side by side.
    pub(crate) async fn parts(&self, record: &TenantRecord) -> Parts {
        let login_secret = async {
            match SignIn::secret_of(&record.login) {
                Some(name) => self.store.need_stored(name, LOGIN_SECRET).await.map(|stored| Some((name, stored))),
                None => Ok(None),
            }
        };
        let ispm = async {
            match (self.profile(record).await?, &record.ispm.token_secret_name) {
                (Some(profile), Some(name)) => self.token(name).await.map(|token| Some((profile, name, token))),
                _ => Ok(None),
            }
        };
        let (login_secret, ispm) = tokio::join!(login_secret, ispm);
        let mut secrets = Vec::new();
        let sign_in = login_secret.and_then(|secret| {
            secrets.extend(secret.as_ref().map(|(name, stored)| of_login(&record.login, name, stored)));
            self.sign_in(record, secret.map(|(_, stored)| stored.value))
        });
        let ispm = ispm.map(|found| {
            found.map(|(profile, name, token)| {
                secrets.push(SecretExpiry::new(name, ISPM_TOKEN, token.expires));
                self.ispm_client(record, profile, token.value)
            })
        });
        Parts { sign_in, ispm, secrets }
    }

    pub(crate) fn arm(&self, sign_in: &SignIn) -> Result<Arm, Error> {
        let cloud = self.config.cloud;
        Ok(Arm::new(self.signed_in(sign_in, cloud.arm_scope())?, cloud))
    }

    pub(crate) fn graph(&self, sign_in: &SignIn) -> Result<Graph, Error> {
        let cloud = self.config.cloud;
        Ok(Graph::new(self.signed_in(sign_in, cloud.graph_scope())?, cloud))
    }

    /// A service of Azure, signed in to by the tenant's login.
    fn signed_in(&self, sign_in: &SignIn, scope: &'static str) -> Result<Api, Error> {
        let credential = sign_in.credential(self.config.cloud)?;
        Ok(Api::new(net::pipeline(&self.transport, Posts::Ask, Some((credential, scope)))))
    }

    /// Where records and secrets are read.
    #[cfg(feature = "cli")]
    pub(crate) const fn store(&self) -> &SecretStore {
        &self.store
    }

    pub(crate) async fn record(&self, tenant: Guid) -> Result<TenantRecord, Error> {
        let name = record_name(tenant);
        let text = match SecretName::parse(&name) {
            Some(name) => self.store.get(&name).await?,
            None => None,
        };
        let text = text.ok_or_else(|| {
            not_served(tenant, "the secret store has no record of it")
                .hint(format!("To serve the tenant, put its record into the secret store as {name}."))
        })?;
        TenantRecord::read(text.expose_secret(), tenant, &self.config.ispm_hosts)
    }

    /// The ISPM API token, which has to fit into a header.
    async fn token(&self, name: &SecretName) -> Result<Stored, Error> {
        let token = self.store.need_stored(name, ISPM_TOKEN).await?;
        if token.value.expose_secret().trim().chars().all(|c| c.is_ascii_graphic()) {
            return Ok(token);
        }
        Err(Error::new(Code::SecretMissing, format!("the secret {} (the ISPM API token) is not one line of visible ASCII", name.as_str()))
            .hint(format!("Put the token alone into the secret {}.", name.as_str())))
    }

    /// The connect profile; `None` in console mode.
    async fn profile(&self, record: &TenantRecord) -> Result<Option<Profile>, Error> {
        match &record.ispm.connect {
            Connect::Console {} => Ok(None),
            Connect::Default {} => Profile::shipped().map(Some),
            Connect::Profile { name } => {
                let secret = SecretName::parse(&format!("ispm-onboarder-profile-{}", name.as_str()))
                    .ok_or_else(|| Error::new(Code::ProfileInvalid, format!("the connect profile's name {} is too long", name.as_str())))?;
                let text = self.store.need(&secret, "the connect profile").await?;
                Profile::read(text.expose_secret(), name.as_str()).map(Some)
            }
        }
    }

    fn sign_in(&self, record: &TenantRecord, secret: Option<SecretString>) -> Result<SignIn, Error> {
        let (tenant, transport) = (record.tenant_id, self.transport.clone());
        match (&record.login, secret) {
            (Login::ManagedIdentity {}, _) => Ok(SignIn::Platform(self.platform.clone())),
            (Login::ClientSecret { client_id, .. }, Some(secret)) => {
                Ok(SignIn::ClientSecret { tenant, client_id: *client_id, secret, transport })
            }
            (Login::ClientCertificate { client_id, secret_name }, Some(secret)) => {
                let certificate = self.certificate(secret_name, &secret)?;
                Ok(SignIn::ClientCertificate { tenant, client_id: *client_id, certificate, transport, clock: self.clock })
            }
            (Login::ManagedIdentityFederation { client_id }, _) => {
                let identity = self.platform.managed_identity()?;
                Ok(SignIn::ManagedIdentityFederation { tenant, client_id: *client_id, identity, transport })
            }
            #[cfg(feature = "aws")]
            (Login::AwsWebIdentity { client_id }, _) => {
                let audience = self.config.cloud.token_exchange_audience();
                let role = Box::new(crate::aws::WebIdentity { aws: self.platform.aws()?, audience });
                Ok(SignIn::AwsWebIdentity { tenant, client_id: *client_id, role, transport })
            }
            #[cfg(not(feature = "aws"))]
            (Login::AwsWebIdentity { .. }, _) => Err(Error::new(
                Code::RecordInvalid,
                format!("the record of tenant {tenant} signs in as a role of AWS, which a function app of Azure does not have"),
            )
            .hint("Set login.method to another, or serve this tenant by the deployment on AWS (`bootstrap`).")),
            (Login::ClientSecret { secret_name, .. } | Login::ClientCertificate { secret_name, .. }, None) => {
                Err(Error::new(Code::SecretMissing, format!("the secret {} (the login's secret) is missing", secret_name.as_str())))
            }
        }
    }

    /// The login's certificate, which has to be one that Entra may take.
    fn certificate(&self, name: &SecretName, pem: &SecretString) -> Result<Arc<ClientCertificate>, Error> {
        let name = name.as_str();
        let certificate = ClientCertificate::read(pem.expose_secret()).map_err(|expected| {
            let message = format!("the secret {name} (the login's certificate) cannot be used: {expected}");
            let hint = format!(
                "Put the RSA private key, not encrypted, and its certificate as one PEM text into the secret {name}: from a file, since line \
                 breaks count. A certificate of Key Vault's own is kept so where its policy says application/x-pem-file."
            );
            Error::new(Code::SecretMissing, message).hint(hint)
        })?;
        if self.clock.now() <= certificate.not_after() {
            return Ok(Arc::new(certificate));
        }
        let message = format!("the certificate in the secret {name} (the login's) has expired on {}", certificate.not_after().date());
        Err(Error::new(Code::CredentialRefused, message)
            .hint(format!("Add a new certificate to the login app, and put it with its private key into the secret {name}.")))
    }

    fn ispm_client(&self, record: &TenantRecord, profile: Profile, token: SecretString) -> IspmClient {
        let api = Api::new(net::pipeline(&self.transport, Posts::Create, None));
        IspmClient::new(api, record.ispm.url.clone(), token, profile, record.tenant_id, &record.ispm.entra_source)
    }
}

/// When what a login signs in with expires: a certificate says so itself, whatever the store was told.
fn of_login(login: &Login, name: &SecretName, stored: &Stored) -> SecretExpiry {
    match login {
        Login::ClientCertificate { .. } => {
            let own = certificate::not_after(stored.value.expose_secret());
            SecretExpiry::new(name, "the login's certificate", own.into_iter().chain(stored.expires).min())
        }
        _ => SecretExpiry::new(name, LOGIN_SECRET, stored.expires),
    }
}

fn not_served(tenant: Guid, why: &str) -> Error {
    Error::new(Code::TenantNotServed, format!("this deployment does not serve tenant {tenant}: {why}"))
}
