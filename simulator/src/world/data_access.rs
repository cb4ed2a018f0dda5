//! Who may do what with the data in key vaults, topics and Storage accounts, and who may read a directory.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::build::OWNER;
use super::moment::long_ago;
use super::{Scope, ServicePrincipal, StorageAccount, Topic, Vault, World};

/// A role for data that a principal has on a vault, a topic or a Storage account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataGrant {
    /// The principal's object id.
    pub principal_id: String,
    /// The role definition's GUID; the ones that are known are in [`data_role`].
    pub role: String,
    /// The queue or the container that it is narrowed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// When it was given; its effect can lag behind.
    #[serde(default = "long_ago", with = "time::serde::rfc3339")]
    pub created_on: OffsetDateTime,
}

/// GUIDs of built-in roles for data (documentation, "Azure built-in roles").
pub mod data_role {
    /// Key Vault Secrets User.
    pub const SECRETS_USER: &str = "4633458b-17de-408a-b874-0445c86b69e6";
    /// Key Vault Secrets Officer.
    pub const SECRETS_OFFICER: &str = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7";
    /// `EventGrid` Data Sender.
    pub const EVENT_SENDER: &str = "d5a91429-5739-47e2-a06b-3470a27159e7";
    /// Storage Queue Data Contributor.
    pub const QUEUE_CONTRIBUTOR: &str = "974c5e8b-45b9-4653-ba55-5f855dd0fb88";
    /// Storage Queue Data Reader.
    pub const QUEUE_READER: &str = "19e7f393-937e-4f77-808e-94535e297925";
    /// Storage Queue Data Message Processor.
    pub const MESSAGE_PROCESSOR: &str = "8a0f0c08-91a1-4084-bc3d-661d67233fed";
    /// Storage Queue Data Message Sender.
    pub const MESSAGE_SENDER: &str = "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a";
    /// Storage Blob Data Contributor.
    pub const BLOB_CONTRIBUTOR: &str = "ba92f5b4-2d11-453d-a403-e96b0029c9fe";
    /// Storage Blob Data Owner.
    pub const BLOB_OWNER: &str = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b";
    /// Storage Blob Data Reader.
    pub const BLOB_READER: &str = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1";
}

/// Microsoft Graph, by app id.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
/// Any of these lets an app read all service principals (Graph permissions reference).
const READS_APPLICATIONS: [&str; 4] =
    ["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
/// What a role allows of the operations that the data services ask for, in lower case and below the resource provider's name; a `*` stands
/// for any rest (documentation, "Azure built-in roles", "Security", "Storage" and "Integration").
fn actions(role: &str) -> &'static [&'static str] {
    match role {
        data_role::SECRETS_USER => &["vaults/secrets/getsecret/action", "vaults/secrets/readmetadata/action"],
        data_role::SECRETS_OFFICER => &["vaults/secrets/*"],
        data_role::EVENT_SENDER => &["events/send/action"],
        data_role::QUEUE_CONTRIBUTOR => &[
            "queues/delete",
            "queues/read",
            "queues/write",
            "queues/messages/delete",
            "queues/messages/read",
            "queues/messages/write",
            "queues/messages/process/action",
        ],
        data_role::QUEUE_READER => &["queues/read", "queues/messages/read"],
        data_role::MESSAGE_PROCESSOR => &["queues/messages/read", "queues/messages/process/action"],
        data_role::MESSAGE_SENDER => &["queues/messages/add/action"],
        data_role::BLOB_CONTRIBUTOR => &[
            "containers/delete",
            "containers/read",
            "containers/write",
            "containers/blobs/delete",
            "containers/blobs/read",
            "containers/blobs/write",
            "containers/blobs/move/action",
            "containers/blobs/add/action",
        ],
        data_role::BLOB_OWNER => &["containers/*"],
        data_role::BLOB_READER => &["containers/read", "containers/blobs/read"],
        _ => &[],
    }
}

/// Whether what a principal was given on a resource, or on this part of it, allows an action. The action is written as in [`actions`].
pub(crate) fn allows<'a>(grants: impl Iterator<Item = &'a DataGrant>, principal_id: &str, on: Option<&str>, action: &str) -> bool {
    let own = grants.filter(|grant| grant.principal_id.eq_ignore_ascii_case(principal_id));
    let mut here = own.filter(|grant| grant.on.is_none() || grant.on.as_deref() == on);
    here.any(|grant| {
        let role = grant.role.to_ascii_lowercase();
        actions(&role).iter().any(|allowed| match allowed.strip_suffix('*') {
            Some(prefix) => action.starts_with(prefix),
            None => *allowed == action,
        })
    })
}

fn add(grants: &mut Vec<DataGrant>, principal_id: &str, role: &str, on: Option<&str>) {
    let grant =
        DataGrant { principal_id: principal_id.to_owned(), role: role.to_owned(), on: on.map(str::to_owned), created_on: long_ago() };
    if !grants.iter().any(|found| DataGrant { created_on: grant.created_on, ..found.clone() } == grant) {
        grants.push(grant);
    }
}

impl Vault {
    /// Gives a principal a role on the vault, by the role's GUID.
    pub fn grant(&mut self, principal_id: &str, role: &str) {
        add(&mut self.grants, principal_id, role, None);
    }
}

impl Topic {
    /// Gives a principal a role on the topic, by the role's GUID.
    pub fn grant(&mut self, principal_id: &str, role: &str) {
        add(&mut self.grants, principal_id, role, None);
    }
}

impl StorageAccount {
    /// Gives a principal a role on the account, or on one queue or container of it, by the role's GUID.
    pub fn grant(&mut self, principal_id: &str, role: &str, on: Option<&str>) {
        add(&mut self.grants, principal_id, role, on);
    }
}

impl ServicePrincipal {
    /// Gives it an application permission in Microsoft Graph, such as `Application.Read.All`.
    pub fn grant_in_graph(&mut self, permission: &str) {
        self.grant(GRAPH, permission);
    }
}

/// Whether an app with these permissions in Graph may read all service principals of its directory.
pub(crate) fn reads_applications(roles: &BTreeSet<String>) -> bool {
    READS_APPLICATIONS.into_iter().any(|permission| roles.contains(permission))
}

impl World {
    /// What an app's token for this audience says that it may do there: Graph's permissions, and nothing for other services of Azure. A
    /// permission counts from the next token on (Graph documentation, "Get access without a user").
    pub(crate) fn consented(&self, tenant_id: &str, principal_id: &str, audience: &str) -> BTreeSet<String> {
        let is_graph = self.settings.cloud.graph_audiences().contains(&audience.trim_end_matches('/'));
        let app = self.tenants.get(tenant_id).filter(|_| is_graph).and_then(|tenant| tenant.service_principals.get(principal_id));
        app.and_then(|app| app.app_roles.get(GRAPH)).cloned().unwrap_or_default()
    }

    /// Makes a service principal one that may do everything with what a tenant has by now: Owner at the root management group, and what
    /// [`World::give_data_roles`] gives.
    pub fn make_operator(&mut self, tenant_id: &str, principal_id: &str) {
        self.tenant_mut(tenant_id).assign_owner(principal_id);
        self.give_data_roles(tenant_id, principal_id);
    }

    /// Gives a service principal roles for the data in each vault, topic and Storage account that a tenant has by now, and the right to read
    /// the directory.
    pub fn give_data_roles(&mut self, tenant_id: &str, principal_id: &str) {
        let tenant = self.tenant_mut(tenant_id);
        if let Some(principal) = tenant.service_principals.get_mut(principal_id) {
            principal.grant_in_graph("Directory.Read.All");
        }
        for vault in self.vaults.values_mut().filter(|vault| vault.tenant_id == tenant_id) {
            vault.grant(principal_id, data_role::SECRETS_OFFICER);
        }
        for topic in self.topics.values_mut().filter(|topic| topic.tenant_id == tenant_id) {
            topic.grant(principal_id, data_role::EVENT_SENDER);
        }
        for account in self.storage_accounts.values_mut().filter(|account| account.tenant_id == tenant_id) {
            for role in [data_role::QUEUE_CONTRIBUTOR, data_role::BLOB_OWNER] {
                account.grant(principal_id, role, None);
            }
        }
    }

    /// Whether a principal is Owner at the root management group, as whoever tries things out has to be.
    pub(crate) fn is_operator(&self, tenant_id: &str, principal_id: &str) -> bool {
        let root = Scope::ManagementGroup(tenant_id.to_owned());
        let tenant = self.tenants.get(tenant_id);
        tenant.is_some_and(|tenant| tenant.role_assignments.at(&root).any(|(_, found)| found.grants(&root, OWNER, principal_id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_counts_for_its_principal_on_its_part_and_for_its_actions() {
        let mut account = StorageAccount::default();
        account.grant("P", data_role::MESSAGE_SENDER, Some("one"));
        account.grant("q", data_role::BLOB_OWNER, None);
        let allowed = |principal, on, action| allows(account.grants.iter(), principal, Some(on), action);
        assert!(allowed("p", "one", "queues/messages/add/action"));
        assert!(!allowed("p", "other", "queues/messages/add/action"));
        assert!(!allowed("p", "one", "queues/messages/read"));
        assert!(!allowed("q", "one", "queues/messages/add/action"));
        assert!(allowed("q", "any", "containers/blobs/delete"));
        account.grant("r", OWNER, None);
        assert!(!allows(account.grants.iter(), "r", None, "containers/blobs/read"), "an Owner has no rights over data");
    }
}
