//! Tenant sessions: a tenant's record, credentials and clients, made together and dropped together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azure_core::http::HttpClient;
use secrecy::{ExposeSecret as _, SecretString};
use time::OffsetDateTime;
use tokio::sync::OnceCell;

use crate::azure::{ARM_SCOPE, Arm, GRAPH_SCOPE, Graph};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Code, Error};
use crate::identity::{Platform, SignIn};
use crate::ispm::{IspmClient, Profile};
use crate::net::{self, Api, Posts};
use crate::scope::Guid;
use crate::secrets::SecretStore;
use crate::tenant::{Connect, Login, SecretName, TenantRecord, record_name};

/// How long a record and its secrets are used before they are read again: a changed policy takes effect within this time.
const LIFETIME: Duration = Duration::from_mins(10);
/// How many sessions are kept; the oldest goes first.
const MOST_SESSIONS: usize = 500;

/// Everything that one tenant's calls need. A refused token is got rid of by dropping the session.
#[derive(Debug)]
pub struct Session {
    /// The tenant's record.
    pub record: TenantRecord,
    /// ARM, signed in to the tenant.
    pub arm: Arm,
    /// ISPM, where the connection is made over HTTP; absent in console mode.
    pub ispm: Option<IspmClient>,
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

struct Kept {
    opened: OffsetDateTime,
    session: Arc<OnceCell<Arc<Session>>>,
}

/// The open sessions of this process. They only save calls: with none, the result is the same.
pub struct Sessions {
    store: SecretStore,
    platform: Arc<dyn Platform>,
    transport: Arc<dyn HttpClient>,
    config: Config,
    clock: Clock,
    kept: Mutex<BTreeMap<Guid, Kept>>,
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
        Self { store, platform, transport, config, clock, kept: Mutex::new(BTreeMap::new()), listed: Mutex::new(None) }
    }

    /// Admits a tenant: it is one that this deployment serves, and its record exists and names the same tenant.
    ///
    /// # Errors
    /// `TenantNotServed`, the record's faults, and those of the secret store.
    pub async fn open(&self, tenant: Guid) -> Result<Arc<Session>, Error> {
        if self.config.tenants.as_ref().is_some_and(|served| !served.contains(&tenant)) {
            return Err(not_served(tenant, "ONBOARDER_TENANTS does not list it")
                .hint("Add the tenant to ONBOARDER_TENANTS, or send its events to the deployment that serves it."));
        }
        let cell = self.cell(tenant);
        cell.get_or_try_init(|| self.load(tenant)).await.cloned()
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

    /// Forgets a tenant's session, with its record, secrets and tokens.
    pub fn forget(&self, tenant: Guid) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
    }

    /// Concurrent deliveries for one tenant share one cell, and so load its record once.
    fn cell(&self, tenant: Guid) -> Arc<OnceCell<Arc<Session>>> {
        let now = self.clock.now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, session| now - session.opened < LIFETIME);
        if !kept.contains_key(&tenant) && kept.len() >= MOST_SESSIONS {
            let oldest = kept.iter().min_by_key(|(_, session)| session.opened).map(|(tenant, _)| *tenant);
            oldest.map(|oldest| kept.remove(&oldest));
        }
        kept.entry(tenant).or_insert_with(|| Kept { opened: now, session: Arc::default() }).session.clone()
    }

    async fn load(&self, tenant: Guid) -> Result<Arc<Session>, Error> {
        let record = self.record(tenant).await?;
        let login_secret = async {
            match SignIn::secret_of(&record.login) {
                Some(name) => self.store.need(name, "the login's secret").await.map(Some),
                None => Ok(None),
            }
        };
        let ispm = async {
            match (self.profile(&record).await?, &record.ispm.token_secret_name) {
                (Some(profile), Some(name)) => self.token(name).await.map(|token| Some((profile, token))),
                _ => Ok(None),
            }
        };
        let (login_secret, ispm) = tokio::join!(login_secret, ispm);
        let sign_in = self.sign_in(&record, login_secret?)?;
        let ispm = ispm?.map(|(profile, token)| self.ispm_client(&record, profile, token));
        let arm = Api::new(net::pipeline(&self.transport, Posts::Ask, Some((sign_in.credential()?, ARM_SCOPE))));
        let graph = Api::new(net::pipeline(&self.transport, Posts::Ask, Some((sign_in.credential()?, GRAPH_SCOPE))));
        Ok(Arc::new(Session {
            record,
            arm: Arm::new(arm),
            ispm,
            graph: Graph::new(graph),
            principal: OnceCell::new(),
            source_checked: OnceCell::new(),
        }))
    }

    async fn record(&self, tenant: Guid) -> Result<TenantRecord, Error> {
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
    async fn token(&self, name: &SecretName) -> Result<SecretString, Error> {
        let token = self.store.need(name, "the ISPM API token").await?;
        if token.expose_secret().trim().chars().all(|c| c.is_ascii_graphic()) {
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
        match (&record.login, secret) {
            (Login::ManagedIdentity {}, _) => Ok(SignIn::Platform(self.platform.clone())),
            (Login::ClientSecret { client_id, .. }, Some(secret)) => {
                Ok(SignIn::ClientSecret { tenant: record.tenant_id, client_id: *client_id, secret, transport: self.transport.clone() })
            }
            #[cfg(feature = "aws")]
            (Login::AwsWebIdentity { client_id }, _) => Ok(SignIn::AwsWebIdentity {
                tenant: record.tenant_id,
                client_id: *client_id,
                role: Box::new(crate::aws::WebIdentity(self.platform.aws()?)),
                transport: self.transport.clone(),
            }),
            #[cfg(not(feature = "aws"))]
            (Login::AwsWebIdentity { .. }, _) => Err(Error::new(
                Code::RecordInvalid,
                format!("the record of tenant {} signs in as a role of AWS, which a function app of Azure does not have", record.tenant_id),
            )
            .hint("Set login.method to another, or serve this tenant by the deployment on AWS (`bootstrap`).")),
            (Login::ClientSecret { secret_name, .. }, None) => {
                Err(Error::new(Code::SecretMissing, format!("the secret {} (the login's secret) is missing", secret_name.as_str())))
            }
        }
    }

    fn ispm_client(&self, record: &TenantRecord, profile: Profile, token: SecretString) -> IspmClient {
        let api = Api::new(net::pipeline(&self.transport, Posts::Create, None));
        IspmClient::new(api, record.ispm.url.clone(), token, profile, record.tenant_id, &record.ispm.entra_source)
    }
}

fn not_served(tenant: Guid, why: &str) -> Error {
    Error::new(Code::TenantNotServed, format!("this deployment does not serve tenant {tenant}: {why}"))
}
