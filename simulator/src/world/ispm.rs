//! ISPM consoles: their Entra sources and Azure connections.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::moment::{has_passed, long_ago};
use super::{Sensitive, Settings, Tenant};

/// The Reader role's GUID (Azure built-in roles).
pub(crate) const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

/// One ISPM console, that is, one customer's ISPM.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct IspmConsole {
    /// What callers sign in with.
    pub tokens: Vec<IspmToken>,
    /// Entra sources by id.
    pub sources: BTreeMap<String, EntraSource>,
    /// Azure connections by id.
    pub connections: BTreeMap<String, Connection>,
}

/// A token that callers of the connect contract send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IspmToken {
    /// The token itself.
    pub value: Sensitive,
    /// Known but without the right to connect: 403.
    #[serde(default)]
    pub forbidden: bool,
}

/// An Entra source: a directory that the console already reads, through an app in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EntraSource {
    /// The name that the console shows and connections refer to.
    pub name: String,
    /// The tenant's id.
    pub directory_id: String,
    /// The app id by which ISPM signs in; an Azure connection is read by the same app.
    pub client_id: String,
    /// What the console's daily test says of it.
    #[serde(default = "connected")]
    pub status: Status,
}

fn connected() -> Status {
    Status::Connected
}

/// An Azure connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Connection {
    /// The name that was chosen when it was made.
    pub name: String,
    /// The name of the Entra source it belongs to (the console's "Related AAD").
    pub related_source: String,
    /// What the console's tests say of it.
    pub status: Status,
    /// Why it failed, when it did.
    #[serde(default)]
    pub cause: Option<Cause>,
    /// The mark of who made it, if that left one.
    #[serde(default)]
    pub managed_by: Option<String>,
    /// When it was made; its test begins then.
    #[serde(default = "long_ago", with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// A source's or connection's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Its test is not over.
    Pending,
    /// It works.
    Connected,
    /// It does not work.
    Failed,
}

/// Why a connection failed: ISPM's own three causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The sign-in failed.
    FailedAuthentication,
    /// The app lacks a right.
    MissingPermissions,
    /// Something that it refers to is not there.
    MissingConfiguration,
}

impl IspmConsole {
    /// An Entra source by name, with its id.
    #[must_use]
    pub fn source_named(&self, name: &str) -> Option<(&str, &EntraSource)> {
        self.sources.iter().find(|(_, source)| source.name == name).map(|(id, source)| (id.as_str(), source))
    }

    /// Tests every connection whose test is over by `now`, as the console does by itself.
    pub(super) fn test_connections(&mut self, tenants: &BTreeMap<String, Tenant>, settings: &Settings, now: OffsetDateTime) {
        for connection in self.connections.values_mut() {
            if !has_passed(settings.connection_test_seconds, connection.created_at, now) {
                continue;
            }
            let source = self.sources.values().find(|source| source.name == connection.related_source);
            (connection.status, connection.cause) = match source {
                None => (Status::Failed, Some(Cause::MissingConfiguration)),
                Some(source) if can_read(source, tenants, settings, now) => (Status::Connected, None),
                Some(_) => (Status::Failed, Some(Cause::MissingPermissions)),
            };
        }
    }
}

/// Whether the source's app has Reader, in effect by now, somewhere in its directory.
fn can_read(source: &EntraSource, tenants: &BTreeMap<String, Tenant>, settings: &Settings, now: OffsetDateTime) -> bool {
    let Some(tenant) = tenants.get(&source.directory_id) else {
        return false;
    };
    let Some((object_id, _)) = tenant.service_principal_of(&source.client_id) else {
        return false;
    };
    tenant.role_assignments.values().any(|assignment| {
        assignment.role.eq_ignore_ascii_case(READER)
            && assignment.is_of(object_id)
            && has_passed(settings.propagation_seconds, assignment.created_on, now)
    })
}

impl Connection {
    /// The connection as the connect contract shows it.
    #[must_use]
    pub fn shown(&self, id: &str) -> serde_json::Value {
        serde_json::json!({
            "id": id,
            "type": "azure",
            "name": self.name,
            "relatedSource": self.related_source,
            "status": self.status,
            "cause": self.cause,
            "managedBy": self.managed_by,
            "createdAt": self.created_at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default(),
        })
    }
}
