//! Deterministic names, and the mark by which our own assignments are known.

use uuid::{Uuid, uuid};

use crate::scope::{Guid, Scope};

/// The built-in role Reader (<https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/general#reader>).
pub const READER: Guid = Guid::from_uuid(uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7"));

/// How the `description` of an assignment made here begins. It is set when an assignment is created and never added later.
pub const OWNERSHIP_MARK: &str = "ispm-onboarder/1";

/// Whether a description begins with the mark.
#[must_use]
pub fn is_marked(description: &str) -> bool {
    description.strip_prefix(OWNERSHIP_MARK).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// The namespace of ARM's and Bicep's `guid()` function. No official page gives it; public ports of the function agree.
const ARM_GUID_NAMESPACE: Uuid = uuid!("11fb06fb-712d-4ddd-98c7-e71bbd588830");

/// ARM's `guid()`: a version 5 UUID of the arguments joined with hyphens.
fn arm_guid(arguments: &[&str]) -> Uuid {
    Uuid::new_v5(&ARM_GUID_NAMESPACE, arguments.join("-").as_bytes())
}

/// The name of Reader's assignment to `principal` at `scope`: `guid(scope, principal, role)`, all in lower case, so that a template that
/// uses the same formula and this program meet at one assignment.
#[must_use]
pub fn assignment_name(scope: &Scope, principal: Guid) -> Guid {
    grant_name(scope, principal, READER)
}

/// The name of any role's assignment, by the same formula.
#[must_use]
pub fn grant_name(scope: &Scope, principal: Guid, role: Guid) -> Guid {
    let scope = scope.path().to_ascii_lowercase();
    Guid::from_uuid(arm_guid(&[&scope, &principal.to_string(), &role.to_string()]))
}

/// The GUID of a role of this project's own that is made at a scope: `guid(scope, role name)`. A role that is there already keeps its own.
#[must_use]
pub fn definition_name(scope: &Scope, role_name: &str) -> Guid {
    let scope = scope.path().to_ascii_lowercase();
    Guid::from_uuid(arm_guid(&[&scope, role_name]))
}

/// ARM's id of an assignment of this name at a scope.
#[must_use]
pub fn assignment_id(scope: &Scope, name: Guid) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::GroupName;

    #[test]
    fn a_mark_is_a_whole_word_at_the_beginning() {
        assert!(is_marked("ispm-onboarder/1") && is_marked("ispm-onboarder/1 Reader for Okta ISPM"));
        for other in ["", "ispm-onboarder/10 Reader", " ispm-onboarder/1", "Ispm-Onboarder/1", "made by ispm-onboarder/1"] {
            assert!(!is_marked(other), "{other:?}");
        }
    }

    #[test]
    fn assignment_names_are_what_arm_templates_compute() {
        // Computed with Terraform's uuidv5() and Python's uuid.uuid5() over the same namespace.
        let principal = Guid::parse("22222222-2222-2222-2222-222222222222").unwrap();
        let subscription = Scope::parse("/subscriptions/0B1F6471-1BF0-4DDA-AEC3-111122223333").unwrap();
        assert_eq!(assignment_name(&subscription, principal).to_string(), "1d359139-a2a5-5e83-a400-80655f62b342");
        let group = Scope::ManagementGroup(GroupName::parse("Corp").unwrap());
        assert_eq!(assignment_name(&group, principal).to_string(), "da8ac752-7d99-568e-8f08-1106d6b6401b");
    }
}
