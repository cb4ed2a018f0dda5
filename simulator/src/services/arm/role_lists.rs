//! Lists of role assignments, and one assignment's wire shape.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::{Answer, Call, answer};
use super::api_version::ResourceType;
use super::filter::Filter;
use super::paging::{Items, page};
use super::role_definitions::definition_id;
use super::{access, check_parameters};
use crate::token::Claims;
use crate::world::{RoleAssignment, Scope, Tenant, assignment_id, has_passed};

pub(super) const RESOURCE_TYPE: ResourceType =
    ResourceType { namespace: "Microsoft.Authorization", name: "roleAssignments", api_versions: &["2022-04-01"] };

pub(super) fn list(call: &mut Call<'_>, caller: &Claims, scope: &Scope) -> Answer {
    RESOURCE_TYPE.check_api_version(call)?;
    check_parameters(call, &["api-version", "$filter", "$skiptoken"])?;
    access::authorize(call, caller, "Microsoft.Authorization/roleAssignments/read", scope)?;
    let filter = call.target.query("$filter");
    let filter = Filter::of(filter).ok_or_else(|| {
        let shown = filter.unwrap_or_default();
        answer::not_modelled(&format!("role assignments with $filter={shown:?}"))
    })?;
    let lag = call.world.settings.role_list_lag_seconds;
    let mut items = Items::new();
    if let Some(tenant) = call.world.tenants.get(&caller.tid) {
        for (name, assignment) in places(tenant, scope, &filter).iter().flat_map(|place| tenant.role_assignments.at(place)) {
            let wanted = filter.principal().is_none_or(|principal| assignment.is_of(principal));
            if wanted && has_passed(lag, assignment.created_on, call.now) {
                items.push((name.to_owned(), shown(scope, name, assignment)));
            }
        }
    }
    page(call, caller, items, None)
}

/// The scopes that a list looks at.
fn places(tenant: &Tenant, scope: &Scope, filter: &Filter) -> Vec<Scope> {
    let lineage = tenant.lineage(scope);
    let mut places: Vec<Scope> = lineage.scopes().collect();
    // Below a subscription there are resource groups, which are not modelled.
    if filter.looks_below() && !matches!(scope, Scope::Subscription(_)) {
        let below = tenant.role_assignments.scopes().filter(|other| tenant.covers(scope, other) && !lineage.includes(other));
        places.extend(below.cloned());
    }
    places
}

/// A role assignment as it looks when asked for at a scope.
pub(super) fn shown(asked_at: &Scope, name: &str, assignment: &RoleAssignment) -> Value {
    json!({
        "id": assignment_id(&assignment.scope, name),
        "type": "Microsoft.Authorization/roleAssignments",
        "name": name,
        "properties": {
            "roleDefinitionId": definition_id(asked_at, &assignment.role),
            "principalId": assignment.principal_id,
            "principalType": assignment.principal_type,
            "scope": assignment.scope,
            "description": assignment.description,
            "condition": assignment.condition,
            "conditionVersion": assignment.condition_version,
            "createdOn": rfc3339(assignment.created_on),
            "updatedOn": rfc3339(assignment.updated_on),
            "createdBy": assignment.created_by,
            "updatedBy": assignment.created_by,
            "delegatedManagedIdentityResourceId": null,
        },
    })
}

fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}
