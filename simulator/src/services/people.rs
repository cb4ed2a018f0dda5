//! Tokens of people, as the Azure CLI hands them out once somebody has signed in to it (azure-cli, `az account get-access-token`).

use std::collections::BTreeSet;

use time::Duration;

use super::identity::PlatformToken;
use crate::Simulator;
use crate::token::{Person, Subject};

/// The Azure CLI's app id, the same in every tenant (azure-cli, `AZURE_CLI_CLIENT_ID`).
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
/// The id of the role Global Administrator (documentation, "Microsoft Entra built-in roles").
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

impl Simulator {
    /// A token for `resource` as the person with this object id, who has signed in to the Azure CLI. Neither faults nor the record know of
    /// it. `None` where no tenant has such a person.
    #[must_use]
    pub fn user_token(&self, resource: &str, object_id: &str) -> Option<PlatformToken> {
        let now = self.now();
        let mut state = self.lock();
        state.calls += 1;
        let mut tenants = state.world.tenants.iter();
        let (tenant_id, user) = tenants.find_map(|(tenant_id, tenant)| Some((tenant_id, tenant.users.get(object_id)?)))?;
        let subject = Subject { tenant_id, client_id: AZURE_CLI, principal_id: object_id, roles: BTreeSet::new() };
        let person = Person {
            upn: user.user_principal_name.clone(),
            scp: consented(resource).to_owned(),
            wids: user.global_administrator.then(|| GLOBAL_ADMINISTRATOR.to_owned()).into_iter().collect(),
        };
        let lifetime = state.world.settings.token_lifetime_seconds;
        let seconds = Duration::seconds(i64::try_from(lifetime).unwrap_or(i64::MAX));
        Some(PlatformToken {
            token: state.signer.issue_for(&subject, Some(person), resource, now, lifetime, state.calls),
            client_id: AZURE_CLI.to_owned(),
            expires_on: now.saturating_add(seconds),
        })
    }
}

/// What the Azure CLI may do in a person's name with a resource.
fn consented(resource: &str) -> &'static str {
    match resource.trim_end_matches('/') {
        "https://graph.microsoft.com" => "AuditLog.Read.All Directory.AccessAsUser.All Group.ReadWrite.All User.ReadWrite.All",
        _ => "user_impersonation",
    }
}
