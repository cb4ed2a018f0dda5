//! Versions of Resource Manager's operations, and how Azure refuses one that is missing or unknown.
//!
//! Resource Manager's own operations and those of resource providers refuse in different words and with different statuses.

use super::super::{Call, answer};
use crate::Response;

/// A resource provider's type, with the versions in which it is modelled.
pub(super) struct ResourceType {
    pub namespace: &'static str,
    pub name: &'static str,
    pub api_versions: &'static [&'static str],
}

impl ResourceType {
    /// Refuses a missing api-version, and one in which this type is not modelled.
    ///
    /// The refusal is the one that Azure gives for versions that a provider does not know (azure-sdk-for-go issue 15624, acs-engine
    /// issue 4037): 404 and the versions that there are.
    pub fn check_api_version(&self, call: &Call<'_>) -> Result<(), Box<Response>> {
        let version = stated(call)?;
        if self.api_versions.contains(&version) {
            return Ok(());
        }
        if !is_dated(version) {
            return Err(invalid(version, self.api_versions));
        }
        let message = format!(
            "The resource type '{}' could not be found in the namespace '{}' for api version '{version}'. The supported api-versions are '{}'.",
            self.name,
            self.namespace,
            self.api_versions.join(",")
        );
        Err(answer::error(404, "InvalidResourceType", &message))
    }
}

/// As [`ResourceType::check_api_version`], for Resource Manager's own operations.
pub(super) fn check_api_version(call: &Call<'_>, supported: &[&str]) -> Result<(), Box<Response>> {
    let version = stated(call)?;
    match supported.contains(&version) {
        true => Ok(()),
        false => Err(invalid(version, supported)),
    }
}

fn stated<'a>(call: &'a Call<'_>) -> Result<&'a str, Box<Response>> {
    call.target.query("api-version").ok_or_else(|| {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        answer::error(400, "MissingApiVersionParameter", message)
    })
}

fn invalid(version: &str, supported: &[&str]) -> Box<Response> {
    let message = format!("The api-version '{version}' is invalid. The supported versions are '{}'.", supported.join(","));
    answer::error(400, "InvalidApiVersionParameter", &message)
}

/// Whether a version begins with a date, as all of Azure's do.
fn is_dated(version: &str) -> bool {
    let date = version.get(..10).unwrap_or_default();
    date.len() == 10
        && date.bytes().enumerate().all(|(index, byte)| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() })
}
