//! Secrets Manager's secrets.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::super::Sensitive;
use super::super::moment::long_ago;

/// The stage of the version that is in use.
pub const CURRENT: &str = "AWSCURRENT";
/// The stage of the version that was in use before.
pub const PREVIOUS: &str = "AWSPREVIOUS";
/// The stage of the version that a rotation is making.
pub const PENDING: &str = "AWSPENDING";

/// A secret, stored under its name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Secret {
    /// Its versions, oldest first.
    pub versions: Vec<SecretVersion>,
    /// When its deletion was scheduled; from then on it is not handed out.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub deleted_on: Option<OffsetDateTime>,
}

/// One version of a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretVersion {
    /// The version's id, a UUID.
    pub id: String,
    /// Its staging labels; each is on one version at most.
    pub stages: BTreeSet<String>,
    /// The secret itself.
    pub value: SecretValue,
    /// When this version was set.
    #[serde(default = "long_ago", with = "time::serde::rfc3339")]
    pub created_on: OffsetDateTime,
}

/// What a version holds: a string or bytes, never both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SecretValue {
    /// `SecretString`.
    Text(Sensitive),
    /// `SecretBinary`, in base64 as it goes over the wire.
    Binary(Sensitive),
}

impl Secret {
    /// Adds a version under these stages and takes them from the versions that had them; what was [`CURRENT`] becomes [`PREVIOUS`].
    pub fn add_version(&mut self, id: &str, value: SecretValue, stages: &[&str]) -> &mut SecretVersion {
        let was_current = self.versions.iter().position(|version| version.stages.contains(CURRENT));
        for stage in stages {
            self.take_stage(stage);
        }
        if let Some(position) = was_current.filter(|_| stages.contains(&CURRENT)) {
            self.take_stage(PREVIOUS);
            self.versions[position].stages.insert(PREVIOUS.to_owned());
        }
        let stages = stages.iter().map(|stage| (*stage).to_owned()).collect();
        self.versions.push(SecretVersion { id: id.to_owned(), stages, value, created_on: long_ago() });
        let newest = self.versions.len() - 1;
        &mut self.versions[newest]
    }

    fn take_stage(&mut self, stage: &str) {
        for version in &mut self.versions {
            version.stages.remove(stage);
        }
    }

    /// The version with this id and this stage; without either, the current one.
    #[must_use]
    pub fn version(&self, id: Option<&str>, stage: Option<&str>) -> Option<&SecretVersion> {
        let stage = if id.is_none() { stage.or(Some(CURRENT)) } else { stage };
        let mut versions = self.versions.iter();
        versions.find(|version| id.is_none_or(|id| version.id == id) && stage.is_none_or(|stage| version.stages.contains(stage)))
    }
}
