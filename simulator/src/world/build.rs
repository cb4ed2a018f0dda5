//! How tests and the demo put a world together.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::ispm::READER;
use super::moment::long_ago;
use super::{
    Application, Blob, ClientSecret, Concealment, CustomRole, EntraSource, FederatedCredential, IspmToken, ManagedIdentity,
    ManagementGroup, RoleAssignment, Scope, SecretVersion, Sensitive, ServicePrincipal, Status, Subscription, Tenant, Topic, User, Vault,
    World, made_up_id, service_principal,
};

/// The Owner role's GUID (Azure built-in roles). It has no rights over data.
pub(super) const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";

impl World {
    /// The tenant of this id, made with its root management group when it is new.
    pub fn tenant_mut(&mut self, id: &str) -> &mut Tenant {
        let tenant = self.tenants.entry(id.to_owned()).or_default();
        tenant
            .management_groups
            .entry(id.to_owned())
            .or_insert_with(|| ManagementGroup { display_name: "Tenant Root Group".to_owned(), parent: None });
        tenant
    }

    /// Registers an app with a client secret, and its service principal in a tenant.
    pub fn add_app(&mut self, tenant_id: &str, app_id: &str, object_id: &str, secret: Option<&str>) {
        let app = self.applications.entry(app_id.to_owned()).or_default();
        app.secrets.extend(secret.map(ClientSecret::lasting));
        app.home_tenant_id.get_or_insert_with(|| tenant_id.to_owned());
        self.tenant_mut(tenant_id).add_service_principal(app_id, object_id);
    }

    /// Attaches a managed identity to the platform: the one meant when a request names none.
    pub fn add_system_identity(&mut self, tenant_id: &str, client_id: &str, principal_id: &str) {
        self.platform.identities.push(ManagedIdentity {
            tenant_id: tenant_id.to_owned(),
            client_id: client_id.to_owned(),
            principal_id: principal_id.to_owned(),
            system_assigned: true,
        });
        self.tenant_mut(tenant_id).add_service_principal(client_id, principal_id);
    }

    /// Attaches a managed identity to the platform that is meant when a request names it.
    pub fn add_user_identity(&mut self, tenant_id: &str, client_id: &str, principal_id: &str) {
        self.platform.identities.push(ManagedIdentity {
            tenant_id: tenant_id.to_owned(),
            client_id: client_id.to_owned(),
            principal_id: principal_id.to_owned(),
            system_assigned: false,
        });
        self.tenant_mut(tenant_id).add_service_principal(client_id, principal_id);
    }

    /// Makes a key vault that takes tokens of this tenant.
    pub fn add_vault(&mut self, name: &str, tenant_id: &str) {
        let vault = self.vaults.entry(name.to_owned()).or_default();
        tenant_id.clone_into(&mut vault.tenant_id);
    }

    /// Adds a version to a secret, the newest from now on, and answers it for changes. A vault that is not there yet is made in the
    /// world's first tenant.
    pub fn set_secret(&mut self, vault: &str, name: &str, value: &str) -> &mut SecretVersion {
        let version = self.new_id().simple().to_string();
        let tenant_id = self.tenants.keys().next().cloned().unwrap_or_default();
        let vault = self.vaults.entry(vault.to_owned()).or_insert_with(|| Vault { tenant_id, ..Vault::default() });
        let versions = vault.secrets.entry(name.to_owned()).or_default();
        versions.push(SecretVersion {
            version,
            value: Sensitive::from(value),
            content_type: None,
            tags: BTreeMap::new(),
            enabled: true,
            not_before: None,
            expires_on: None,
            created_on: long_ago(),
        });
        let newest = versions.len() - 1;
        &mut versions[newest]
    }

    /// Makes an Event Grid topic at this host name.
    pub fn add_topic(&mut self, host: &str, tenant_id: &str) {
        let topic = Topic { tenant_id: tenant_id.to_owned(), ..Topic::default() };
        self.topics.insert(host.to_owned(), topic);
    }

    /// Makes an empty queue, and its Storage account when it is new.
    pub fn add_queue(&mut self, account: &str, queue: &str, tenant_id: &str) {
        let account = self.storage_accounts.entry(account.to_owned()).or_default();
        tenant_id.clone_into(&mut account.tenant_id);
        account.queues.entry(queue.to_owned()).or_default();
    }

    /// Makes an empty container, and its Storage account when it is new.
    pub fn add_container(&mut self, account: &str, container: &str, tenant_id: &str) {
        let account = self.storage_accounts.entry(account.to_owned()).or_default();
        tenant_id.clone_into(&mut account.tenant_id);
        account.containers.entry(container.to_owned()).or_default();
    }

    /// Puts a blob with this text into a container, which has to be there.
    pub fn put_blob(&mut self, account: &str, container: &str, name: &str, text: &str, now: OffsetDateTime) {
        let etag = format!("\"0x{}\"", self.new_id().simple());
        let blob = Blob { text: text.to_owned(), content_type: "application/json".to_owned(), modified_on: now, etag };
        let account = self.storage_accounts.get_mut(account);
        if let Some(container) = account.and_then(|account| account.containers.get_mut(container)) {
            container.insert(name.to_owned(), blob);
        }
    }

    /// Gives an ISPM console a token and an Entra source; the console is made when it is new.
    pub fn add_entra_source(&mut self, host: &str, token: &str, name: &str, directory_id: &str, client_id: &str) {
        let id = self.new_id().to_string();
        let console = self.ispm.entry(host.to_owned()).or_default();
        if !console.tokens.iter().any(|known| known.value.reveal() == token) {
            console.tokens.push(IspmToken { value: token.into(), forbidden: false });
        }
        let source = EntraSource {
            name: name.to_owned(),
            directory_id: directory_id.to_owned(),
            client_id: client_id.to_owned(),
            status: Status::Connected,
        };
        console.sources.insert(id, source);
    }

    /// Brings what time alone changes up to `now`: connection tests, expired queue messages, and messages for dead-letter queues.
    pub(crate) fn settle(&mut self, now: OffsetDateTime) {
        self.test_connections(now);
        for account in self.aws.values_mut() {
            account.settle_queues(now);
        }
        for queue in self.storage_accounts.values_mut().flat_map(|account| account.queues.values_mut()) {
            queue.retain(|message| !message.has_expired(now));
        }
    }

    /// Tests every connection whose test is over by `now`, as the consoles do by themselves.
    pub(crate) fn test_connections(&mut self, now: OffsetDateTime) {
        for console in self.ispm.values_mut() {
            console.test_connections(&self.tenants, &self.settings, now);
        }
    }
}

impl Application {
    /// Replaces all secrets by one. Tokens issued before stay valid, as they do in Entra.
    pub fn rotate_secret(&mut self, value: &str) {
        self.secrets = vec![ClientSecret::lasting(value)];
    }

    /// Lets a managed identity of this tenant sign the app in, long ago, and answers the credential for changes.
    pub fn trust_identity(&mut self, tenant_id: &str, principal_id: &str) -> &mut FederatedCredential {
        self.trust("managed-identity", &format!("https://login.microsoftonline.com/{tenant_id}/v2.0"), principal_id)
    }

    /// Lets this issuer's tokens about `subject` sign the app in, long ago, and answers the credential for changes.
    pub fn trust(&mut self, name: &str, issuer: &str, subject: &str) -> &mut FederatedCredential {
        self.federated_credentials.push(FederatedCredential {
            name: name.to_owned(),
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audiences: vec!["api://AzureADTokenExchange".to_owned()],
            created_on: long_ago(),
        });
        let newest = self.federated_credentials.len() - 1;
        &mut self.federated_credentials[newest]
    }
}

impl ServicePrincipal {
    /// Gives it an app role on another app.
    pub fn grant(&mut self, resource_app_id: &str, role: &str) {
        let roles = self.app_roles.entry(resource_app_id.to_owned()).or_default();
        roles.insert(role.to_owned());
    }
}

impl ClientSecret {
    /// A secret that does not expire.
    #[must_use]
    pub fn lasting(value: &str) -> Self {
        Self { value: value.into(), expires_on: None }
    }
}

impl Tenant {
    /// Adds a service principal for an app.
    pub fn add_service_principal(&mut self, app_id: &str, object_id: &str) -> &mut ServicePrincipal {
        let entry = self.service_principals.entry(object_id.to_owned());
        entry.or_insert_with(|| ServicePrincipal {
            app_id: app_id.to_owned(),
            display_name: String::new(),
            created_on: long_ago(),
            disabled: false,
            app_roles: BTreeMap::new(),
        })
    }

    /// Adds a person, who is no Global Administrator until it is said.
    pub fn add_user(&mut self, object_id: &str, user_principal_name: &str) -> &mut User {
        let entry = self.users.entry(object_id.to_owned());
        entry.or_insert_with(|| User {
            display_name: String::new(),
            user_principal_name: user_principal_name.to_owned(),
            global_administrator: false,
        })
    }

    /// Adds a management group below `parent` (the tenant's id for the root).
    pub fn add_management_group(&mut self, name: &str, parent: &str) -> &mut ManagementGroup {
        let entry = self.management_groups.entry(name.to_owned());
        entry.or_insert_with(|| ManagementGroup { display_name: name.to_owned(), parent: Some(parent.to_owned()) })
    }

    /// Adds an enabled subscription below the management group `parent`.
    pub fn add_subscription(&mut self, id: &str, display_name: &str, parent: &str) -> &mut Subscription {
        let entry = self.subscriptions.entry(id.to_ascii_lowercase());
        entry.or_insert_with(|| Subscription {
            display_name: display_name.to_owned(),
            state: "Enabled".to_owned(),
            quota_id: "PayAsYouGo_2014-09-01".to_owned(),
            parent: parent.to_owned(),
            visible_from: None,
            until_visible: Concealment::AuthorizationFailed,
        })
    }

    /// Gives a principal a role at a scope, long ago and by hand: under a name that looks random.
    pub fn assign(&mut self, scope: &Scope, role: &str, principal_id: &str) -> &mut RoleAssignment {
        let name = made_up_id(&format!("by hand/{scope}/{role}/{principal_id}")).to_string();
        let principal_type = self.principal_type(principal_id).map_or_else(service_principal, str::to_owned);
        self.role_assignments.entry(name).or_insert_with(|| RoleAssignment {
            scope: scope.clone(),
            role: role.to_owned(),
            principal_id: principal_id.to_owned(),
            principal_type,
            description: None,
            condition: None,
            condition_version: None,
            created_on: long_ago(),
            updated_on: long_ago(),
            created_by: None,
        })
    }

    /// Gives a principal Reader at a scope, long ago and by hand.
    pub fn assign_reader(&mut self, scope: &Scope, principal_id: &str) -> &mut RoleAssignment {
        self.assign(scope, READER, principal_id)
    }

    /// Gives a principal a custom role of these actions at a scope, long ago, and answers the assignment for changes. The role's GUID
    /// follows from its name; one of this name that is there already is replaced.
    pub fn assign_custom(&mut self, scope: &Scope, role_name: &str, actions: &[&str], principal_id: &str) -> &mut RoleAssignment {
        let role = made_up_id(&format!("custom role/{role_name}")).to_string();
        let definition = CustomRole {
            role_name: role_name.to_owned(),
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            assignable_scopes: vec![scope.clone()],
            ..CustomRole::default()
        };
        self.custom_roles.insert(role.clone(), definition);
        self.assign(scope, &role, principal_id)
    }

    /// Gives a principal Owner at the root management group, long ago and by hand: every right in the tenant but those at `/`.
    pub fn assign_owner(&mut self, principal_id: &str) -> &mut RoleAssignment {
        let root = self.management_groups.iter().find(|(_, group)| group.parent.is_none()).map(|(name, _)| name.clone());
        self.assign(&Scope::ManagementGroup(root.unwrap_or_default()), OWNER, principal_id)
    }

    /// Keeps a principal from an action.
    pub fn deny(&mut self, principal_id: &str, action: &str) {
        let denied = self.denied_actions.entry(principal_id.to_owned()).or_default();
        denied.insert(action.to_owned());
    }
}
