//! `doctor`: whether a deployment can do its work, and what to mend where it cannot. It only reads, and what it may do it is told, not
//! shown by trying.
//!
//! Checks that do not need each other run side by side, each with a time limit of its own: one that fails or hangs hides no other.

mod check;
pub(crate) mod claims;
mod condition;
mod connection;
mod deployment;
mod elevation;
mod gathered;
mod principal;
mod rights;
mod tenant;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::http::HttpClient;
use futures_util::stream::{self, StreamExt as _};
use tokio::time::Instant;
use uuid::Uuid;

pub use check::{About, Check, OF_DEPLOYMENT, OF_TENANT, Status, markdown};

use crate::clock::Clock;
use crate::config::Config;
use crate::config::variables::OWN;
use crate::error::{Code, Error};
use crate::identity::Platform;
use crate::net::{self, Invocation};
use crate::scope::Guid;
use crate::session::Sessions;
use check::{CONFIGURATION, Finding};
use claims::Identity;

/// How long one check may take.
const LIMIT: Duration = Duration::from_secs(40);
/// How many tenants are looked at at once.
const TENANTS_AT_ONCE: usize = 4;

/// Looks at a deployment.
#[derive(Debug)]
pub struct Doctor {
    config: Config,
    platform: Arc<dyn Platform>,
    transport: Arc<dyn HttpClient>,
    sessions: Sessions,
    clock: Clock,
}

impl Doctor {
    /// Nothing is called yet.
    #[must_use]
    pub fn new(config: Config, platform: Arc<dyn Platform>, transport: Arc<dyn HttpClient>, clock: Clock) -> Self {
        let sessions = Sessions::new(config.clone(), platform.clone(), transport.clone(), clock);
        Self { config, platform, transport, sessions, clock }
    }

    /// Checks the deployment, and one tenant or all that it serves.
    pub async fn examine(&self, tenant: Option<Guid>) -> Vec<Check> {
        let tenants = async {
            let served = match tenant {
                Some(tenant) => Ok(BTreeSet::from([tenant])),
                None => timely(self.sessions.tenants()).await.unwrap_or_else(|| Err(too_late())),
            };
            // Why there are none is told by the check of the store.
            let served = served.unwrap_or_default();
            let looks = stream::iter(served.iter().copied()).map(|tenant| Box::pin(self.tenant(tenant))).buffered(TENANTS_AT_ONCE);
            let checks: Vec<Vec<Check>> = looks.collect().await;
            checks.concat()
        };
        let (deployment, tenants) = tokio::join!(Box::pin(self.deployment(tenant)), Box::pin(tenants));
        [deployment, tenants].concat()
    }

    /// Who a credential is, by a token for an audience.
    async fn who(&self, credential: Arc<dyn TokenCredential>, audience: &str, call: &str) -> Result<Option<Identity>, Error> {
        let token = credential.get_token(&[audience], None).await.map_err(|error| net::from_sdk(&error, call))?;
        Ok(Identity::of(token.token.secret()))
    }
}

/// What there is to say of a configuration that is right: which variables are set, and no value of any.
#[must_use]
pub fn configured(is_set: impl Fn(&str) -> bool) -> Check {
    let (set, unset): (Vec<&str>, Vec<&str>) = OWN.iter().map(|variable| variable.name.as_str()).partition(|name| is_set(name));
    CONFIGURATION.found(None, vec![Finding::ok(format!("set: {}", set.join(", "))), Finding::ok(format!("not set: {}", unset.join(", ")))])
}

/// The checks where the configuration is wrong: nothing else can be looked at.
#[must_use]
pub fn misconfigured(faults: &[String]) -> Vec<Check> {
    let faults = faults.iter().map(|fault| Finding::failed(fault.clone()).hint("docs/configuration.md lists the variables."));
    let others = OF_DEPLOYMENT.iter().skip(1).map(|about| about.found(None, vec![Finding::skipped("the configuration is wrong")]));
    [CONFIGURATION.found(None, faults.collect())].into_iter().chain(others).collect()
}

/// Runs a look within the limit; `None` where it did not end. Boxed, since many of them side by side are too large for a stack.
async fn timely<T>(look: impl Future<Output = T>) -> Option<T> {
    Invocation::new(Uuid::new_v4(), Instant::now() + LIMIT).run(Box::pin(look)).await.0
}

/// A check made within the limit.
async fn look(about: About, tenant: Option<Guid>, look: impl Future<Output = Vec<Finding>>) -> Check {
    about.found(tenant, timely(look).await.unwrap_or_else(|| vec![too_late().into()]))
}

fn too_late() -> Error {
    Error::new(Code::DeadlineReached, format!("there was no answer within {} seconds", LIMIT.as_secs()))
}
