//! Role definitions (specification Microsoft.Authorization, role definitions, 2022-04-01 and 2022-05-01-preview; documentation, "List Azure
//! role definitions").

use serde_json::{Value, json};

use super::super::{Answer, Call, answer};
use super::api_version::ResourceType;
use super::built_in_roles::{BUILT_IN_ROLES, BuiltInRole};
use super::filter::{quoted, stripped};
use super::paging::{Items, page};
use super::{access, check_parameters};
use crate::Response;
use crate::token::Claims;
use crate::world::{CustomRole, Scope, guid};

pub(super) const RESOURCE_TYPE: ResourceType =
    ResourceType { namespace: "Microsoft.Authorization", name: "roleDefinitions", api_versions: &["2022-04-01", "2022-05-01-preview"] };

/// Which definitions a list shows.
enum Filter<'a> {
    Everything,
    Named(&'a str),
    /// `BuiltInRole` or `CustomRole`.
    OfType(&'a str),
}

impl<'a> Filter<'a> {
    /// Reads `$filter`; `None` for what is not modelled.
    fn of(text: Option<&'a str>) -> Option<Self> {
        let Some(text) = text.map(str::trim) else {
            return Some(Self::Everything);
        };
        if let Some(name) = stripped(text, "roleName eq ") {
            return quoted(name).map(Self::Named);
        }
        stripped(text, "type eq ").and_then(quoted).filter(|kind| ["BuiltInRole", "CustomRole"].contains(kind)).map(Self::OfType)
    }

    fn shows(&self, definition: &Value) -> bool {
        let properties = &definition["properties"];
        match self {
            Self::Everything => true,
            Self::Named(name) => properties["roleName"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name)),
            Self::OfType(kind) => properties["type"] == *kind,
        }
    }
}

/// A role definition's id, in the form of the scope that it is seen from.
pub(super) fn definition_id(asked_at: &Scope, role: &str) -> String {
    let prefix = match asked_at {
        Scope::Subscription(_) => asked_at.id_prefix(),
        Scope::ManagementGroup(_) | Scope::Tenant => String::new(),
    };
    format!("{prefix}/providers/Microsoft.Authorization/roleDefinitions/{role}")
}

pub(super) fn list(call: &mut Call<'_>, caller: &Claims, scope: &Scope) -> Answer {
    admit(call, caller, scope, &["api-version", "$filter", "$skiptoken"])?;
    let text = call.target.query("$filter");
    let filter =
        Filter::of(text).ok_or_else(|| answer::not_modelled(&format!("role definitions with $filter={:?}", text.unwrap_or_default())))?;
    let mut items = Items::new();
    for (role, definition) in definitions(call, caller, scope) {
        if filter.shows(&definition) {
            items.push((role, definition));
        }
    }
    page(call, caller, items, None)
}

pub(super) fn get(call: &mut Call<'_>, caller: &Claims, scope: &Scope, role: &str) -> Answer {
    admit(call, caller, scope, &["api-version"])?;
    let wanted = valid_id(role)?;
    match definitions(call, caller, scope).into_iter().find(|(own, _)| own.eq_ignore_ascii_case(&wanted)) {
        Some((_, definition)) => Ok(answer::json(200, &definition)),
        None => Err(no_such_role(&wanted)),
    }
}

/// A role's GUID, in lower case.
pub(super) fn valid_id(role: &str) -> Result<String, Box<Response>> {
    let id = guid(role);
    let id = id.ok_or_else(|| answer::error(400, "InvalidRoleDefinitionId", &format!("The role definition ID '{role}' is not a GUID.")))?;
    Ok(id.to_string())
}

/// 404 for a role that does not exist.
pub(super) fn no_such_role(role: &str) -> Box<Response> {
    let message = format!("The specified role definition with ID '{}' does not exist.", role.replace('-', ""));
    answer::error(404, "RoleDefinitionDoesNotExist", &message)
}

fn admit(call: &Call<'_>, caller: &Claims, scope: &Scope, parameters: &[&str]) -> Result<(), Box<Response>> {
    RESOURCE_TYPE.check_api_version(call)?;
    check_parameters(call, parameters)?;
    access::authorize(call, caller, "Microsoft.Authorization/roleDefinitions/read", scope)
}

/// The roles that can be assigned at a scope, by GUID.
fn definitions(call: &Call<'_>, caller: &Claims, scope: &Scope) -> Vec<(String, Value)> {
    let mut all: Vec<_> = BUILT_IN_ROLES.iter().map(|role| (role.id.to_owned(), built_in(scope, role))).collect();
    if let Some(tenant) = call.world.tenants.get(&caller.tid) {
        let here = |role: &CustomRole| role.assignable_scopes.iter().any(|assignable| tenant.covers(assignable, scope));
        let own = tenant.custom_roles.iter().filter(|(_, role)| here(role));
        all.extend(own.map(|(id, role)| (id.clone(), custom(scope, id, role))));
    }
    all
}

fn built_in(asked_at: &Scope, role: &BuiltInRole) -> Value {
    shown(
        asked_at,
        role.id,
        &json!({
            "roleName": role.name,
            "type": "BuiltInRole",
            "description": role.description,
            "assignableScopes": ["/"],
            "permissions": [{
                "actions": role.actions, "notActions": role.not_actions, "dataActions": role.data_actions, "notDataActions": [],
            }],
        }),
    )
}

pub(super) fn custom(asked_at: &Scope, id: &str, role: &CustomRole) -> Value {
    shown(
        asked_at,
        id,
        &json!({
            "roleName": role.role_name,
            "type": "CustomRole",
            "description": role.description,
            "assignableScopes": role.assignable_scopes,
            "permissions": [{"actions": role.actions, "notActions": role.not_actions, "dataActions": [], "notDataActions": []}],
        }),
    )
}

fn shown(asked_at: &Scope, id: &str, properties: &Value) -> Value {
    json!({
        "id": definition_id(asked_at, id),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": id,
        "properties": properties,
    })
}
