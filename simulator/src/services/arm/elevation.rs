//! Elevated access: the caller becomes User Access Administrator at `/` (REST reference, "Global Administrator - Elevate Access",
//! 2015-07-01 and 2016-07-01; documentation, "Elevate access to manage all Azure subscriptions and management groups").

use super::super::{Answer, Call, answer};
use super::api_version::ResourceType;
use super::role_definitions::USER_ACCESS_ADMINISTRATOR;
use super::{access, check_parameters};
use crate::token::Claims;
use crate::world::{RoleAssignment, Scope, service_principal};

const RESOURCE_TYPE: ResourceType =
    ResourceType { namespace: "Microsoft.Authorization", name: "elevateAccess", api_versions: &["2015-07-01", "2016-07-01"] };

/// Elevates the caller, whoever it is: only [`Tenant::denied_actions`](crate::world::Tenant::denied_actions) holds it back. In Azure the
/// caller must be a Global Administrator who is signed in.
pub(super) fn elevate(call: &mut Call<'_>, caller: &Claims, scope: &Scope) -> Answer {
    RESOURCE_TYPE.check_api_version(call)?;
    check_parameters(call, &["api-version"])?;
    access::authorize(call, caller, "Microsoft.Authorization/elevateAccess/action", scope)?;
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
            principal_type: service_principal(),
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
