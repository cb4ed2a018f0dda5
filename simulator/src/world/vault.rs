//! Key vaults.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Sensitive;
use super::moment::long_ago;

/// A key vault: secrets by name, each with its versions, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Vault {
    /// The tenant whose tokens it takes.
    pub tenant_id: String,
    #[serde(default)]
    pub secrets: BTreeMap<String, Vec<SecretVersion>>,
}

/// One version of a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretVersion {
    /// The version's id: 32 hexadecimal digits.
    pub version: String,
    pub value: Sensitive,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Not valid before; only shown, since Key Vault hands the value out anyway.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub not_before: Option<OffsetDateTime>,
    /// Expired after; only shown, since Key Vault hands the value out anyway.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<OffsetDateTime>,
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
