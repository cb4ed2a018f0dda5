//! One role assignment: made, read and removed (specification Microsoft.Authorization, role assignments, 2022-04-01; documentation,
//! "Troubleshoot Azure RBAC").

use serde::Deserialize;

use super::super::answer::{self, error};
use super::super::{Answer, Call};
use super::condition::{self, About, Asked, Condition, Detail, Problem};
use super::rights::Role;
use super::role_lists::{RESOURCE_TYPE, shown};
use super::{access, check_parameters, role_definitions};
use crate::Response;
use crate::token::Claims;
use crate::world::{RoleAssignment, SERVICE_PRINCIPAL, Scope, Tenant, USER, guid, has_passed};

const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
const DELETE: &str = "Microsoft.Authorization/roleAssignments/delete";
const LIMIT_PER_SUBSCRIPTION: usize = 4000;
const LIMIT_PER_MANAGEMENT_GROUP: usize = 500;

pub(super) fn get(call: &mut Call<'_>, caller: &Claims, scope: &Scope, name: &str) -> Answer {
    admit(call)?;
    access::authorize(call, caller, "Microsoft.Authorization/roleAssignments/read", scope)?;
    let name = valid_name(name)?;
    let tenant = call.world.tenants.get(&caller.tid);
    let found = tenant.and_then(|tenant| tenant.role_assignments.get(&name)).filter(|found| found.scope.is(scope));
    match found {
        Some(found) => Ok(answer::json(200, &shown(scope, &name, found))),
        None => Err(error(404, "RoleAssignmentNotFound", &format!("The role assignment '{name}' is not found."))),
    }
}

pub(super) fn delete(call: &mut Call<'_>, caller: &Claims, scope: &Scope, name: &str) -> Answer {
    admit(call)?;
    access::authorize_for(call, caller, &Asked { action: DELETE, detail: Detail::Open }, scope)?;
    let name = valid_name(name)?;
    let there = call.world.tenants.get(&caller.tid).and_then(|tenant| tenant.role_assignments.get(&name));
    if let Some(found) = there.filter(|found| found.scope.is(scope)) {
        access::authorize_for(call, caller, &Asked { action: DELETE, detail: Detail::Removed(about(found)) }, scope)?;
    }
    let Some(tenant) = call.world.tenants.get_mut(&caller.tid) else {
        return Ok(answer::empty(204));
    };
    if tenant.role_assignments.get(&name).is_none_or(|found| !found.scope.is(scope)) {
        return Ok(answer::empty(204));
    }
    match tenant.role_assignments.remove(&name) {
        Some(removed) => {
            call.changed = true;
            Ok(answer::json(200, &shown(scope, &name, &removed)))
        }
        None => Ok(answer::empty(204)),
    }
}

pub(super) fn create(call: &mut Call<'_>, caller: &Claims, scope: &Scope, name: &str) -> Answer {
    admit(call)?;
    // Whoever may not write here at all learns no more than that; conditions judge what is written.
    access::authorize_for(call, caller, &Asked { action: WRITE, detail: Detail::Open }, scope)?;
    let name = valid_name(name)?;
    let wanted = wanted(call, caller, scope)?;
    access::authorize_for(call, caller, &Asked { action: WRITE, detail: Detail::Written(about(&wanted)) }, scope)?;
    let Some(tenant) = call.world.tenants.get(&caller.tid) else {
        return Err(answer::not_modelled("a tenant that was removed"));
    };
    check_role(tenant, &wanted)?;
    let existing = tenant.role_assignments.get(&name);
    if existing.is_some_and(|existing| !existing.grants(scope, &wanted.role, &wanted.principal_id)) {
        let message = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.";
        return Err(error(400, "RoleAssignmentUpdateNotPermitted", message));
    }
    if existing.is_none() {
        check_twin(call, tenant, &wanted)?;
        check_principal(call, &caller.tid, tenant, &wanted)?;
        check_limit(tenant, scope)?;
    }
    let status = if existing.is_some() { 200 } else { 201 };
    let stored = match existing {
        Some(existing) => updated(existing, wanted),
        None => wanted,
    };
    call.changed = existing != Some(&stored);
    let response = answer::json(status, &shown(scope, &name, &stored));
    if let Some(tenant) = call.world.tenants.get_mut(&caller.tid) {
        tenant.role_assignments.insert(name, stored);
    }
    Ok(response)
}

/// The existing assignment with what may change changed; its times stay when nothing does.
fn updated(existing: &RoleAssignment, wanted: RoleAssignment) -> RoleAssignment {
    let (was, will) = (existing, &wanted);
    let same = (&was.description, &was.condition, &was.condition_version) == (&will.description, &will.condition, &will.condition_version);
    RoleAssignment {
        created_on: existing.created_on,
        created_by: existing.created_by.clone(),
        updated_on: if same { existing.updated_on } else { wanted.updated_on },
        principal_type: existing.principal_type.clone(),
        ..wanted
    }
}

fn admit(call: &Call<'_>) -> Result<(), Box<Response>> {
    RESOURCE_TYPE.check_api_version(call)?;
    check_parameters(call, &["api-version"])
}

/// What conditions can know of an assignment.
fn about(assignment: &RoleAssignment) -> About<'_> {
    About { role: &assignment.role, principal_id: &assignment.principal_id, principal_type: &assignment.principal_type }
}

fn valid_name(name: &str) -> Result<String, Box<Response>> {
    let id = guid(name).ok_or_else(|| {
        let message = format!("The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID.");
        error(400, "InvalidRoleAssignmentId", &message)
    })?;
    Ok(id.to_string())
}

#[derive(Deserialize)]
struct Body {
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    role_definition_id: String,
    principal_id: String,
    /// Without it, Azure looks the principal up. The specification's default, `User`, is what SDKs send for it and not what the service
    /// takes (azure-rest-api-specs issue 21664).
    principal_type: Option<String>,
    description: Option<String>,
    condition: Option<String>,
    condition_version: Option<String>,
}

/// The assignment that the request's body describes.
fn wanted(call: &Call<'_>, caller: &Claims, scope: &Scope) -> Result<RoleAssignment, Box<Response>> {
    let body: Body = serde_json::from_slice(call.request.body()).map_err(|cause| {
        let message = format!("The request content was invalid and could not be deserialized: '{cause}'.");
        error(400, "InvalidRequestContent", &message)
    })?;
    let properties = body.properties;
    let role = role_in(&properties.role_definition_id)?;
    let principal_id = guid(&properties.principal_id)
        .ok_or_else(|| error(400, "InvalidPrincipalId", "A valid principal ID must be provided for role assignment."))?;
    let principal_id = principal_id.to_string();
    let condition_version = condition_version(&properties)?;
    let tenant = call.world.tenants.get(&caller.tid);
    let known = tenant.and_then(|tenant| tenant.principal_type(&principal_id)).unwrap_or(SERVICE_PRINCIPAL);
    Ok(RoleAssignment {
        scope: scope.clone(),
        role,
        principal_id,
        principal_type: properties.principal_type.unwrap_or_else(|| known.to_owned()),
        description: properties.description,
        condition: properties.condition,
        condition_version,
        created_on: call.now,
        updated_on: call.now,
        created_by: Some(caller.oid.clone()),
    })
}

/// The GUID at the end of a role definition's id.
fn role_in(definition_id: &str) -> Result<String, Box<Response>> {
    let lower = definition_id.to_ascii_lowercase();
    let (_, role) = lower.rsplit_once("/providers/microsoft.authorization/roledefinitions/").unwrap_or_default();
    let role = guid(role)
        .ok_or_else(|| error(400, "InvalidRoleDefinition", &format!("The role definition ID '{definition_id}' is not valid.")))?;
    Ok(role.to_string())
}

/// Refuses a role that is not there, or not to be given here.
fn check_role(tenant: &Tenant, wanted: &RoleAssignment) -> Result<(), Box<Response>> {
    match Role::of(tenant, &wanted.role).filter(|role| role.is_assignable(tenant, &wanted.scope)) {
        Some(_) => Ok(()),
        None => Err(role_definitions::no_such_role(&wanted.role)),
    }
}

/// The version of a condition that Azure takes; without a condition, what was said.
fn condition_version(properties: &Properties) -> Result<Option<String>, Box<Response>> {
    let Some(text) = &properties.condition else {
        return Ok(properties.condition_version.clone());
    };
    match Condition::read(text, properties.condition_version.as_deref()) {
        Ok(_) => Ok(Some(condition::VERSION.to_owned())),
        Err(Problem::NotModelled(what)) => Err(answer::not_modelled(&what)),
        // The sentence is documented ("Troubleshoot Azure role assignment conditions"); the code is that of people's notes.
        Err(Problem::Invalid) => Err(error(400, "InvalidRoleAssignmentCondition", "The given role assignment condition is invalid.")),
    }
}

/// Refuses what is already there under another name.
fn check_twin(call: &Call<'_>, tenant: &Tenant, wanted: &RoleAssignment) -> Result<(), Box<Response>> {
    let mut there = tenant.role_assignments.at(&wanted.scope);
    let Some((name, _)) = there.find(|(_, other)| other.grants(&wanted.scope, &wanted.role, &wanted.principal_id)) else {
        return Ok(());
    };
    let hint = match call.world.settings.old_conflict_message {
        true => String::new(),
        false => format!(" The ID of the existing role assignment is {}.", name.replace('-', "")),
    };
    let message = format!("The role assignment already exists.{hint}");
    Err(error(409, "RoleAssignmentExists", &message))
}

/// Refuses a principal that the directory does not know (yet), and one of another type than was said.
fn check_principal(call: &Call<'_>, tenant_id: &str, tenant: &Tenant, wanted: &RoleAssignment) -> Result<(), Box<Response>> {
    let lag = call.world.settings.replication_lag_seconds;
    let app = tenant.service_principals.get(&wanted.principal_id).filter(|app| has_passed(lag, app.created_on, call.now));
    let actual = tenant.users.get(&wanted.principal_id).map(|_| USER).or(app.map(|_| SERVICE_PRINCIPAL));
    let Some(actual) = actual else {
        let message = format!(
            "Principal {} does not exist in the directory {tenant_id}. Check that you have the correct principal ID. If you are creating this \
             principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role \
             assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
            wanted.principal_id.replace('-', "")
        );
        return Err(error(400, "PrincipalNotFound", &message));
    };
    if wanted.principal_type != actual {
        // The misspelt word is Azure's own.
        let message = format!(
            "The PrincipalId '{}' has type '{actual}' , which is different from specified PrinciaplType '{}'.",
            wanted.principal_id.replace('-', ""),
            wanted.principal_type
        );
        return Err(error(400, "UnmatchedPrincipalType", &message));
    }
    Ok(())
}

fn check_limit(tenant: &Tenant, scope: &Scope) -> Result<(), Box<Response>> {
    let usual = match scope {
        Scope::Subscription(_) => LIMIT_PER_SUBSCRIPTION,
        Scope::ManagementGroup(_) | Scope::Tenant => LIMIT_PER_MANAGEMENT_GROUP,
    };
    let limit = tenant.role_assignment_limits.get(&scope.to_string()).copied().unwrap_or(usual);
    let there = tenant.role_assignments.at(scope).count();
    match there < limit {
        true => Ok(()),
        false => Err(error(400, "RoleAssignmentLimitExceeded", "No more role assignments can be created.")),
    }
}
