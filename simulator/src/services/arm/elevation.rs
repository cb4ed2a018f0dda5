//! Elevated access: a Global Administrator becomes User Access Administrator at `/` (REST reference, "Global Administrator - Elevate Access",
//! 2015-07-01 and 2016-07-01; documentation, "Elevate access to manage all Azure subscriptions and management groups").

use super::super::{Answer, Call, answer};
use super::api_version::ResourceType;
use super::built_in_roles::USER_ACCESS_ADMINISTRATOR;
use super::{check_parameters, errors};
use crate::token::Claims;
use crate::world::{RoleAssignment, Scope, USER};

const RESOURCE_TYPE: ResourceType =
    ResourceType { namespace: "Microsoft.Authorization", name: "elevateAccess", api_versions: &["2015-07-01", "2016-07-01"] };

const ACTION: &str = "Microsoft.Authorization/elevateAccess/action";

/// Elevates a person who is a Global Administrator by now, whatever the token says. An app is refused even where it has that role: the
/// documentation knows the operation for people only, and nobody reported that it worked for an app (azure-rest-api-specs issue 10142).
pub(super) fn elevate(call: &mut Call<'_>, caller: &Claims, scope: &Scope) -> Answer {
    RESOURCE_TYPE.check_api_version(call)?;
    check_parameters(call, &["api-version"])?;
    let tenant = call.world.tenants.get(&caller.tid);
    let person = tenant.and_then(|tenant| tenant.users.get(&caller.oid)).filter(|user| user.global_administrator);
    if caller.person.is_none() || person.is_none() || tenant.is_some_and(|tenant| tenant.denies(&caller.oid, ACTION)) {
        return Err(errors::authorization_failed(caller, ACTION, scope));
    }
    let name = call.world.new_id().to_string();
    let Some(tenant) = call.world.tenants.get_mut(&caller.tid) else {
        return Err(answer::not_modelled("a tenant that was removed"));
    };
    let mut there = tenant.role_assignments.at(scope);
    if !there.any(|(_, assignment)| assignment.grants(scope, USER_ACCESS_ADMINISTRATOR, &caller.oid)) {
        drop(there);
        let elevated = RoleAssignment {
            scope: scope.clone(),
            role: USER_ACCESS_ADMINISTRATOR.to_owned(),
            principal_id: caller.oid.clone(),
            principal_type: USER.to_owned(),
            description: None,
            condition: None,
            condition_version: None,
            created_on: call.now,
            updated_on: call.now,
            created_by: Some(caller.oid.clone()),
        };
        tenant.role_assignments.insert(name, elevated);
        call.changed = true;
    }
    Ok(answer::empty(200))
}
