//! Custom roles: made, changed and removed (specification Microsoft.Authorization, role definitions, 2022-04-01; documentation, "Azure custom
//! roles").

use serde::Deserialize;

use super::super::answer::{self, error};
use super::super::{Answer, Call};
use super::built_in_roles::BUILT_IN_ROLES;
use super::condition::Asked;
use super::rights::Asker;
use super::role_definitions::{RESOURCE_TYPE, custom, valid_id};
use super::{access, check_parameters, errors};
use crate::Response;
use crate::token::Claims;
use crate::world::{CustomRole, Scope, Tenant};

/// What making, changing and removing a role takes, at the scope of the call and at all scopes where the role can be given.
const ACTION: &str = "Microsoft.Authorization/roleDefinitions/write";

#[derive(Deserialize)]
struct Body {
    properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    role_name: String,
    description: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    permissions: Vec<Permission>,
    assignable_scopes: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Permission {
    actions: Vec<String>,
    not_actions: Vec<String>,
    data_actions: Vec<String>,
    not_data_actions: Vec<String>,
}

/// Makes a role or changes it. The answer is 201 in either case.
pub(super) fn create(call: &mut Call<'_>, caller: &Claims, scope: &Scope, role: &str) -> Answer {
    admit(call, caller, scope)?;
    let id = valid_id(role)?;
    let wanted = wanted(call)?;
    check_everywhere(call, caller, scope, &wanted)?;
    let Some(tenant) = call.world.tenants.get_mut(&caller.tid) else {
        return Err(answer::not_modelled("a tenant that was removed"));
    };
    check_name(tenant, &id, &wanted)?;
    let response = answer::json(201, &custom(scope, &id, &wanted));
    call.changed = tenant.custom_roles.get(&id) != Some(&wanted);
    tenant.custom_roles.insert(id, wanted);
    Ok(response)
}

pub(super) fn delete(call: &mut Call<'_>, caller: &Claims, scope: &Scope, role: &str) -> Answer {
    admit(call, caller, scope)?;
    let id = valid_id(role)?;
    let tenant = call.world.tenants.get(&caller.tid);
    let Some(found) = tenant.and_then(|tenant| tenant.custom_roles.get(&id)).cloned() else {
        return Ok(answer::empty(204));
    };
    check_everywhere(call, caller, scope, &found)?;
    let Some(tenant) = call.world.tenants.get_mut(&caller.tid) else {
        return Ok(answer::empty(204));
    };
    if tenant.role_assignments.values().any(|assignment| assignment.role.eq_ignore_ascii_case(&id)) {
        let message = "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments).";
        return Err(error(400, "RoleDefinitionHasAssignments", message));
    }
    tenant.custom_roles.remove(&id);
    call.changed = true;
    Ok(answer::json(200, &custom(scope, &id, &found)))
}

fn admit(call: &Call<'_>, caller: &Claims, scope: &Scope) -> Result<(), Box<Response>> {
    RESOURCE_TYPE.check_api_version(call)?;
    check_parameters(call, &["api-version"])?;
    access::authorize(call, caller, ACTION, scope)
}

/// The role that the request's body describes. The codes are those that Azure's own SDK tests expect (azure-sdk-for-net,
/// `RoleDefinitionTests`) where they know one.
fn wanted(call: &Call<'_>) -> Result<CustomRole, Box<Response>> {
    let body: Body = serde_json::from_slice(call.request.body()).map_err(|cause| {
        let message = format!("The request content was invalid and could not be deserialized: '{cause}'.");
        error(400, "InvalidRequestContent", &message)
    })?;
    let properties = body.properties;
    if properties.role_name.trim().is_empty() {
        return Err(error(400, "RoleDefinitionNameNullOrEmpty", "The role definition name must not be empty."));
    }
    if properties.kind.is_some_and(|kind| !kind.is_empty() && kind != "CustomRole") {
        return Err(error(400, "InvalidRoleDefinitionType", "The type of a role definition must be CustomRole."));
    }
    let permission = match <[Permission; 1]>::try_from(properties.permissions) {
        Ok([one]) if one.data_actions.is_empty() && one.not_data_actions.is_empty() => one,
        _ => return Err(answer::not_modelled("role definitions with data actions, or with none or several sets of permissions")),
    };
    if let Some(wild) = permission.actions.iter().chain(&permission.not_actions).find(|action| action.matches('*').count() > 1) {
        return Err(error(400, "InvalidActionOrNotAction", &format!("'{wild}' holds more than one wildcard.")));
    }
    Ok(CustomRole {
        role_name: properties.role_name,
        description: properties.description,
        actions: permission.actions,
        not_actions: permission.not_actions,
        assignable_scopes: assignable_scopes(properties.assignable_scopes)?,
    })
}

fn assignable_scopes(paths: Vec<String>) -> Result<Vec<Scope>, Box<Response>> {
    let mut scopes = Vec::new();
    for path in paths {
        let scope = Scope::try_from(path).map_err(|cause| error(400, "LinkedInvalidPropertyId", &cause))?;
        scopes.push(scope);
    }
    if scopes.is_empty() {
        return Err(error(400, "MissingAssignableScopes", "The role definition must have assignable scopes."));
    }
    // No public source has the codes of these two limits.
    let groups = scopes.iter().filter(|scope| matches!(scope, Scope::ManagementGroup(_))).count();
    match scopes.contains(&Scope::Tenant) || groups > 1 {
        true => {
            let message = "A custom role can be assigned below one management group at most, and not at the root scope.";
            Err(error(400, "InvalidAssignableScopes", message))
        }
        false => Ok(scopes),
    }
}

/// Refuses a caller who may not write at every scope where the role can be given.
fn check_everywhere(call: &Call<'_>, caller: &Claims, scope: &Scope, role: &CustomRole) -> Result<(), Box<Response>> {
    let asker = Asker::of(call, caller);
    let may = |other: &&Scope| asker.as_ref().is_some_and(|asker| asker.may(&Asked::of(ACTION), other));
    match role.assignable_scopes.iter().find(|other| !may(other)) {
        None => Ok(()),
        Some(other) => Err(errors::linked_authorization_failed(caller, ACTION, scope, other)),
    }
}

/// Refuses a built-in role's GUID, and a name that another role of the tenant has.
fn check_name(tenant: &Tenant, id: &str, wanted: &CustomRole) -> Result<(), Box<Response>> {
    if BUILT_IN_ROLES.iter().any(|role| role.id == id) {
        return Err(error(409, "RoleDefinitionExists", "The role definition already exists."));
    }
    let same = |name: &str| name.eq_ignore_ascii_case(&wanted.role_name);
    let others = tenant.custom_roles.iter().filter(|(other, _)| !other.eq_ignore_ascii_case(id)).map(|(_, role)| role.role_name.as_str());
    match others.chain(BUILT_IN_ROLES.iter().map(|role| role.name)).any(same) {
        true => {
            let message = "A custom role with the same name already exists in this directory. Use a different name";
            Err(error(409, "RoleDefinitionWithSameNameExists", message))
        }
        false => Ok(()),
    }
}
