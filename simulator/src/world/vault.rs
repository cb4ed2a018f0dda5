//! Key vaults.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::moment::long_ago;
use super::{DataGrant, Sensitive};

/// A key vault: secrets by name, each with its versions, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Vault {
    /// The tenant whose tokens it takes.
    pub tenant_id: String,
    /// Versions by the secret's name.
    #[serde(default)]
    pub secrets: BTreeMap<String, Vec<SecretVersion>>,
    /// Who may read and set them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<DataGrant>,
}

/// One version of a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretVersion {
    /// The version's id: 32 hexadecimal digits.
    pub version: String,
    /// The secret itself.
    pub value: Sensitive,
    /// What the value is, in the words of who set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Names and values that tell secrets apart.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Whether it is handed out.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Not valid before; only shown, since Key Vault hands the value out anyway.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub not_before: Option<OffsetDateTime>,
    /// Expired after; only shown, since Key Vault hands the value out anyway.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<OffsetDateTime>,
    /// When this version was set.
    #[serde(default = "long_ago", with = "time::serde::rfc3339")]
    pub created_on: OffsetDateTime,
}

fn yes() -> bool {
    true
}

impl Vault {
    /// The named version of a secret, or its newest.
    #[must_use]
    pub fn secret(&self, name: &str, version: Option<&str>) -> Option<&SecretVersion> {
        // Names of secrets ignore case.
        let versions = self.secrets.iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?.1;
        match version {
            None => versions.last(),
            Some(version) => versions.iter().find(|own| own.version == version),
        }
    }
}
