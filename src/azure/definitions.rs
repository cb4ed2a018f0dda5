//! Role definitions, and giving a role of this project's own. Only the command line does this, with the rights of whoever types.

use azure_core::http::Method;
use serde::Deserialize;
use serde_json::json;

use super::arm::{ASSIGNMENTS, List, read_failure};
use super::{Arm, OWNERSHIP_MARK, request, url, with_json};
use crate::error::{Code, Error};
use crate::scope::{Guid, Scope};

const DEFINITIONS: &str = "2022-04-01";
/// The version of the language in which conditions of role assignments are written.
pub const CONDITION_VERSION: &str = "2.0";
/// More pages than this would be a loop: one name has one definition, and one principal few assignments.
const MOST_PAGES: usize = 50;

/// A role's definition, as ARM has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The role's GUID.
    pub role: Guid,
    /// What it allows, sorted; absent where it allows more than a list of actions can say.
    pub actions: Option<Vec<String>>,
}

/// A role that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewRole<'a> {
    /// What Azure shows; unique in a tenant.
    pub name: &'a str,
    /// What Azure shows beneath.
    pub description: &'a str,
    /// What it allows.
    pub actions: &'a [&'a str],
}

#[derive(Deserialize)]
struct RawDefinition {
    name: Guid,
    properties: RawDefinitionProperties,
}

#[derive(Deserialize)]
struct RawDefinitionProperties {
    #[serde(default)]
    permissions: Vec<RawPermission>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPermission {
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    not_actions: Vec<String>,
    #[serde(default)]
    data_actions: Vec<String>,
}

#[derive(Deserialize)]
struct Given {
    id: String,
}

impl From<RawDefinition> for Definition {
    fn from(raw: RawDefinition) -> Self {
        let actions = match raw.properties.permissions.as_slice() {
            [only] if only.not_actions.is_empty() && only.data_actions.is_empty() => {
                let mut actions = only.actions.clone();
                actions.sort_unstable();
                Some(actions)
            }
            _ => None,
        };
        Self { role: raw.name, actions }
    }
}

impl Arm {
    /// The role of this name that can be assigned at a scope (<https://learn.microsoft.com/rest/api/authorization/role-definitions/list>).
    ///
    /// # Errors
    /// As [`Arm::subscription`].
    pub async fn role_named(&self, scope: &Scope, name: &str) -> Result<Option<Definition>, Error> {
        let filter = format!("roleName eq '{name}'");
        let path = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions");
        let first = url(self.origin, &path, &[("api-version", DEFINITIONS), ("$filter", &filter)])?;
        let list = List { name: "arm.role-definitions.list", first, most_pages: MOST_PAGES, most_tries: 1 };
        let found: Vec<RawDefinition> = self.pages(list, |answer| read_failure(answer, scope)).await?;
        Ok(found.into_iter().next().map(Definition::from))
    }

    /// Whether a role has this GUID, under whatever name (<https://learn.microsoft.com/rest/api/authorization/role-definitions/get>).
    ///
    /// # Errors
    /// As [`Arm::subscription`].
    pub async fn has_role(&self, scope: &Scope, role: Guid) -> Result<bool, Error> {
        let path = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{role}");
        let answer =
            self.send("arm.role-definitions.get", request(Method::Get, url(self.origin, &path, &[("api-version", DEFINITIONS)])?)).await?;
        match answer.status() {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(read_failure(&answer, scope)),
        }
    }

    /// Makes a role that can be assigned at a scope and below it
    /// (<https://learn.microsoft.com/rest/api/authorization/role-definitions/create-or-update>).
    ///
    /// # Errors
    /// `AuthorizationFailed`, `RoleAssignmentConflict` where another role has the name, and those of [`Arm::subscription`].
    pub async fn create_role(&self, scope: &Scope, role: Guid, new: NewRole<'_>) -> Result<Definition, Error> {
        let body = json!({ "properties": {
            "roleName": new.name,
            "type": "CustomRole",
            "description": new.description,
            "permissions": [{ "actions": new.actions, "notActions": [], "dataActions": [], "notDataActions": [] }],
            "assignableScopes": [scope],
        }});
        let path = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{role}");
        let url = url(self.origin, &path, &[("api-version", DEFINITIONS)])?;
        let answer = self.send("arm.role-definitions.create", with_json(request(Method::Put, url), &body)).await?;
        match answer.status() {
            200 | 201 => answer.json::<RawDefinition>().map(Definition::from),
            409 => Err(answer
                .refusal(Code::RoleAssignmentConflict, &format!("another role is named \"{}\"", new.name))
                .hint("It cannot be assigned here. Rename it, or extend its assignable scopes by hand.")),
            _ => Err(read_failure(&answer, scope)),
        }
    }

    /// Gives a role to a service principal, under a name that nothing has yet, and answers the assignment's id; `None` where another
    /// assignment of it was there after all.
    ///
    /// # Errors
    /// `AuthorizationFailed`, `PrincipalNotFound` also for a role that is not known everywhere yet, and those of [`Arm::subscription`].
    pub async fn grant(&self, scope: &Scope, name: Guid, to: Guid, role: Guid, condition: Option<&str>) -> Result<Option<String>, Error> {
        let body = json!({ "properties": {
            "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{role}"),
            "principalId": to,
            "principalType": "ServicePrincipal",
            "description": format!("{OWNERSHIP_MARK} rights of the onboarder"),
            "condition": condition,
            "conditionVersion": condition.map(|_| CONDITION_VERSION),
        }});
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
        let url = url(self.origin, &path, &[("api-version", ASSIGNMENTS)])?;
        let answer = self.send("arm.role-assignments.create", with_json(request(Method::Put, url), &body)).await?;
        match (answer.status(), answer.error_code().as_deref()) {
            (200 | 201, _) => answer.json::<Given>().map(|given| Some(given.id)),
            (_, Some("RoleAssignmentExists")) => Ok(None),
            (_, Some("PrincipalNotFound" | "UnmatchedPrincipalType")) => Err(answer
                .refusal(Code::PrincipalNotFound, &format!("the directory does not know a service principal {to}"))
                .hint("--grant takes the object id of a managed identity or of an app's service principal, not a client id.")),
            (_, Some("RoleDefinitionDoesNotExist")) => {
                Err(answer.refusal(Code::PrincipalNotFound, &format!("Azure does not know role {role} everywhere yet")))
            }
            _ => Err(read_failure(&answer, scope)),
        }
    }
}
