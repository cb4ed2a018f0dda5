//! Rights in an AWS account.

use serde::Deserialize;
use serde_json::Value;

use super::{Holder, Place, Row};

/// One IAM action
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsPermission {
    /// The action.
    pub action: String,
    /// Who has it.
    pub holder: Holder,
    /// On what.
    pub on: Place,
    /// In which deployments; in all, where nothing is said.
    pub when: Option<String>,
    /// What it is needed for.
    #[serde(rename = "for")]
    pub purpose: String,
    /// Why it could not be smaller.
    pub least: String,
    /// The code that needs it: a file, or `path#function`.
    pub code: String,
    /// The names that this project's own calls go by.
    #[serde(default)]
    pub calls: Vec<String>,
    /// What the call has to be like, as IAM writes conditions.
    pub condition: Option<Value>,
}

impl AwsPermission {
    /// It in words.
    pub(super) fn row(&self) -> Row {
        Row {
            holder: self.holder,
            permission: self.action.clone(),
            on: self.on.to_string(),
            when: self.when.clone(),
            purpose: self.purpose.clone(),
            least: self.least.clone(),
            code: self.code.clone(),
        }
    }
}
