//! The checks of one tenant.

use super::check::{CONDITION, Check, ELEVATION, EXPIRY, Finding, LOGIN, OF_TENANT, PRINCIPAL, RECORD, RIGHTS, SECRETS};
use super::claims::Identity;
use super::gathered::Gathered;
use super::rights::Cast;
use super::{Doctor, condition, elevation, principal, rights, timely, too_late};
use crate::error::Error;
use crate::identity::SignIn;
use crate::scope::Guid;
use crate::session::Parts;
use crate::tenant::{Login, TenantRecord};

impl Doctor {
    pub(super) async fn tenant(&self, tenant: Guid) -> Vec<Check> {
        let record = match timely(self.sessions.record(tenant)).await.unwrap_or_else(|| Err(too_late())) {
            Ok(record) => record,
            Err(error) => {
                let unread =
                    OF_TENANT.iter().skip(1).map(|about| about.found(Some(tenant), vec![Finding::skipped("there is no record to go by")]));
                return [RECORD.found(Some(tenant), vec![error.into()])].into_iter().chain(unread).collect();
            }
        };
        let parts = timely(self.sessions.parts(&record)).await;
        let parts = parts.unwrap_or_else(|| Parts { sign_in: Err(too_late()), ispm: Err(too_late()), secrets: Vec::new() });
        let of_store = vec![
            RECORD.found(Some(tenant), self.check_record(tenant)),
            SECRETS.found(Some(tenant), check_secrets(&parts)),
            EXPIRY.found(Some(tenant), self.check_expiry(&parts)),
        ];
        let (azure, ispm) = tokio::join!(Box::pin(self.azure(&record, &parts.sign_in)), Box::pin(self.ispm(tenant, &parts.ispm)));
        [of_store, azure, ispm].concat()
    }

    fn check_record(&self, tenant: Guid) -> Vec<Finding> {
        if self.config.tenants.as_ref().is_some_and(|served| !served.contains(&tenant)) {
            return vec![
                Finding::failed("it is there and valid, but ONBOARDER_TENANTS does not list the tenant")
                    .hint("Add it to ONBOARDER_TENANTS."),
            ];
        }
        vec![Finding::ok("it is there, and valid")]
    }

    fn check_expiry(&self, parts: &Parts) -> Vec<Finding> {
        let now = self.clock.now();
        let told = parts.secrets.iter().map(|secret| match (secret.expiring(now), secret.expires) {
            (Some(expiring), _) => {
                let found = if expiring.is_over(now) { Finding::failed } else { Finding::warning };
                found(expiring.words(now)).hint(expiring.hint())
            }
            (None, Some(expires)) => Finding::ok(format!("{} expires on {}", secret.name, expires.date())),
            (None, None) => Finding::skipped(format!("the store knows no date for {} ({})", secret.name, secret.purpose)),
        });
        let told: Vec<Finding> = told.collect();
        if told.is_empty() { vec![Finding::skipped("no secret that the record names could be read, or it names none")] } else { told }
    }

    /// What has to do with the login. Its rights are only asked for once it signs in.
    async fn azure(&self, record: &TenantRecord, sign_in: &Result<SignIn, Error>) -> Vec<Check> {
        let tenant = Some(record.tenant_id);
        let skipped = |why: &'static str| {
            let checks = [PRINCIPAL, RIGHTS, CONDITION, ELEVATION];
            checks.map(|about| about.found(tenant, vec![Finding::skipped(why)])).to_vec()
        };
        let Ok(sign_in) = sign_in else {
            let login = LOGIN.found(tenant, vec![Finding::skipped("what it signs in with could not be had")]);
            return [vec![login], skipped("the login cannot be tried")].concat();
        };
        let who = timely(self.signed_in(sign_in)).await.unwrap_or_else(|| Err(too_late()));
        let login = LOGIN.found(tenant, check_login(record, &who));
        let Ok(who) = who else { return [vec![login], skipped("the login does not sign in")].concat() };
        let read = timely(self.read(record, sign_in, who.as_ref())).await.unwrap_or_else(|| Err(too_late()));
        let (graph, gathered) = match read {
            Ok(read) => read,
            Err(error) => {
                let checks = [PRINCIPAL, RIGHTS, CONDITION, ELEVATION];
                let failed = checks.map(|about| about.found(tenant, vec![error.clone().into()]));
                return [vec![login], failed.to_vec()].concat();
            }
        };
        let cast = Cast { record, login: who.as_ref(), principal: principal::known(record, &graph) };
        vec![
            login,
            PRINCIPAL.found(tenant, principal::judge(&graph, &gathered, cast)),
            RIGHTS.found(tenant, rights::judge(&gathered, cast)),
            CONDITION.found(tenant, condition::judge(&gathered, cast)),
            ELEVATION.found(tenant, elevation::judge(&gathered)),
        ]
    }

    async fn signed_in(&self, sign_in: &SignIn) -> Result<Option<Identity>, Error> {
        let cloud = self.config.cloud;
        self.who(sign_in.credential(cloud)?, cloud.arm_scope(), "entra.token").await
    }

    async fn read(
        &self,
        record: &TenantRecord,
        sign_in: &SignIn,
        who: Option<&Identity>,
    ) -> Result<(Result<Guid, Error>, Gathered), Error> {
        let (arm, graph) = (self.sessions.arm(sign_in)?, self.sessions.graph(sign_in)?);
        let login = who.map(|who| who.object_id);
        Ok(tokio::join!(Box::pin(graph.service_principal(record.app.client_id)), Gathered::read(&arm, record, login)))
    }
}

/// Whether all that the record names could be had.
fn check_secrets(parts: &Parts) -> Vec<Finding> {
    let failed = parts.sign_in.as_ref().err().into_iter().chain(parts.ispm.as_ref().err());
    let mut found: Vec<Finding> = failed.map(|error| error.clone().into()).collect();
    let names: Vec<&str> = parts.secrets.iter().map(|secret| secret.name.as_str()).collect();
    if !names.is_empty() {
        found.push(Finding::ok(format!("there: {}", names.join(", "))));
    } else if found.is_empty() {
        found.push(Finding::ok("the record names none"));
    }
    found
}

/// A refused credential is this check's; missing rights are not.
fn check_login(record: &TenantRecord, who: &Result<Option<Identity>, Error>) -> Vec<Finding> {
    match who {
        Err(error) => vec![error.clone().into()],
        Ok(None) => vec![Finding::ok("it signs in; its token does not say as whom")],
        Ok(Some(who)) if who.tenant != record.tenant_id => {
            let words = format!("it signs in as {who}, and not to tenant {}", record.tenant_id);
            vec![Finding::failed(words).hint(
                "A managed identity signs in to its own tenant alone: give this tenant's record another login.method, or serve it by a \
                 deployment there.",
            )]
        }
        Ok(Some(user)) if user.is_user() && matches!(record.login, Login::ManagedIdentity {}) => {
            let words = format!("here it is {user}: the function's managed identity is not looked at, and these rights are yours");
            vec![Finding::warning(words).hint("Run `doctor` where the managed identity is, to see its rights.")]
        }
        Ok(Some(who)) => vec![Finding::ok(format!("it signs in as {who}"))],
    }
}
