//! Entra: tenants, people, apps, service principals and the identities of the platform.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::moment::long_ago;
use super::{CustomRole, ManagementGroup, RoleAssignments, Sensitive, Subscription};

/// What role assignments call an app's principal.
pub(crate) const SERVICE_PRINCIPAL: &str = "ServicePrincipal";
/// What role assignments call a person.
pub(crate) const USER: &str = "User";

/// One Entra tenant and the Azure estate that trusts it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Tenant {
    /// The directory's name for people.
    pub display_name: String,
    /// By object id.
    pub service_principals: BTreeMap<String, ServicePrincipal>,
    /// By object id.
    pub users: BTreeMap<String, User>,
    /// By name; the root group's name is the tenant's id.
    pub management_groups: BTreeMap<String, ManagementGroup>,
    /// By subscription id.
    pub subscriptions: BTreeMap<String, Subscription>,
    /// By name, which is unique across the tenant.
    pub role_assignments: RoleAssignments,
    /// Custom roles by GUID; the built-in ones are known anyway.
    pub custom_roles: BTreeMap<String, CustomRole>,
    /// Limits of role assignments by scope path, where they are not Azure's 4000 per subscription and 500 per management group.
    pub role_assignment_limits: BTreeMap<String, usize>,
    /// Actions that a principal (by object id) may not perform, such as `Microsoft.Authorization/roleAssignments/write`; a trailing `*`
    /// stands for any rest.
    pub denied_actions: BTreeMap<String, BTreeSet<String>>,
}

/// What an app is in one tenant: the thing that signs in and is given roles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePrincipal {
    /// The app id, also called client id.
    pub app_id: String,
    /// The app's name for people.
    #[serde(default)]
    pub display_name: String,
    /// When it was made; it is unknown elsewhere until it is replicated.
    #[serde(default = "long_ago", with = "time::serde::rfc3339")]
    pub created_on: OffsetDateTime,
    /// Whether the tenant has switched it off (Microsoft Graph, `accountEnabled` false).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// The app roles that it has on other apps, by their app ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub app_roles: BTreeMap<String, BTreeSet<String>>,
}

/// A person who signs in to one tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct User {
    /// The person's name.
    #[serde(default)]
    pub display_name: String,
    /// The name that the person signs in with, in the form of a mail address.
    pub user_principal_name: String,
    /// Whether the person has Entra's role of this name, active and for the whole directory.
    #[serde(default)]
    pub global_administrator: bool,
}

/// An app registration: its credentials, and what it is as a resource that others ask tokens for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Application {
    /// The app's name for people.
    pub display_name: String,
    /// The client secrets that sign it in, each until it expires.
    pub secrets: Vec<ClientSecret>,
    /// The certificates that sign it in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<KeyCredential>,
    /// The tenant that it is registered in; in others it is what they have consented to. Without it, nothing depends on that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home_tenant_id: Option<String>,
    /// Whose assertions sign it in instead of a secret.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub federated_credentials: Vec<FederatedCredential>,
    /// Its App ID URIs, such as `api://ispm-onboarder`; tokens for it are asked for by one of them or by its app id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identifier_uris: Vec<String>,
    /// The values of the app roles that it defines.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub app_roles: BTreeSet<String>,
    /// The version of the tokens that are issued for it.
    #[serde(skip_serializing_if = "AccessTokenVersion::is_usual")]
    pub access_token_version: AccessTokenVersion,
}

/// What an app registration's manifest says in `requestedAccessTokenVersion`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessTokenVersion {
    /// Issued by `https://sts.windows.net/{tenant}/`, with the caller in `appid`.
    #[default]
    #[serde(rename = "1.0")]
    V1,
    /// Issued by `https://login.microsoftonline.com/{tenant}/v2.0`, with the caller in `azp`.
    #[serde(rename = "2.0")]
    V2,
}

impl AccessTokenVersion {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// A federated identity credential of an app: whose tokens sign it in (Microsoft Graph, `federatedIdentityCredential`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FederatedCredential {
    /// Its name among the app's credentials.
    pub name: String,
    /// The `iss` of the tokens.
    pub issuer: String,
    /// Their `sub`, case included.
    pub subject: String,
    /// What may be in their `aud`.
    pub audiences: Vec<String>,
    /// When it was made; Entra's token endpoint does not know it until it is replicated.
    #[serde(default = "long_ago", with = "time::serde::rfc3339")]
    pub created_on: OffsetDateTime,
}

/// A certificate that signs an app in (Microsoft Graph, `keyCredential`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyCredential {
    /// The certificate in DER, in base64.
    pub key: String,
    /// Its public key, an `RSAPublicKey` in DER, in base64: so nothing here has to read certificates.
    pub public_key: String,
    /// From when it is valid.
    #[serde(with = "time::serde::rfc3339")]
    pub start: OffsetDateTime,
    /// Until when.
    #[serde(with = "time::serde::rfc3339")]
    pub end: OffsetDateTime,
}

/// One client secret of an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientSecret {
    /// The secret itself.
    pub value: Sensitive,
    /// Without it, the secret does not expire.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expires_on: Option<OffsetDateTime>,
}

/// The platform that runs the program under test: App Service with its managed identities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Platform {
    /// The value of `IDENTITY_HEADER`, which callers of the identity endpoint must send.
    pub identity_header: Sensitive,
    /// The identities that are attached.
    pub identities: Vec<ManagedIdentity>,
}

/// A managed identity that is attached to the platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagedIdentity {
    /// The tenant that its tokens are of.
    pub tenant_id: String,
    /// The app id of its service principal.
    pub client_id: String,
    /// The object id of its service principal.
    pub principal_id: String,
    /// Whether a request without a client id means this one.
    #[serde(default)]
    pub system_assigned: bool,
}

impl Tenant {
    /// The service principal of an app in this tenant, with its object id.
    #[must_use]
    pub fn service_principal_of(&self, app_id: &str) -> Option<(&str, &ServicePrincipal)> {
        self.service_principals
            .iter()
            .find(|(_, principal)| principal.app_id.eq_ignore_ascii_case(app_id))
            .map(|(object_id, principal)| (object_id.as_str(), principal))
    }

    /// What a principal is, as role assignments name it: `ServicePrincipal` or `User`.
    #[must_use]
    pub fn principal_type(&self, object_id: &str) -> Option<&'static str> {
        let is_user = self.users.contains_key(object_id).then_some(USER);
        is_user.or_else(|| self.service_principals.contains_key(object_id).then_some(SERVICE_PRINCIPAL))
    }

    /// Whether a rule in [`Tenant::denied_actions`] keeps this principal from this action.
    #[must_use]
    pub fn denies(&self, principal_id: &str, action: &str) -> bool {
        self.denied_actions.get(principal_id).is_some_and(|denied| is_denied(denied, action))
    }
}

/// Whether one of the rules is this action, or begins it and ends in `*`; case makes no difference.
pub(super) fn is_denied(rules: &BTreeSet<String>, action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    rules.iter().map(|rule| rule.to_ascii_lowercase()).any(|rule| match rule.strip_suffix('*') {
        Some(prefix) => action.starts_with(prefix),
        None => rule == action,
    })
}
