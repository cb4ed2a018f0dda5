//! Lists of role assignments, and one assignment's wire shape.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::{Answer, Call, answer};
use super::filter::Filter;
use super::paging::{Items, page};
use super::{access, check_api_version, check_parameters};
use crate::token::Claims;
use crate::world::{RoleAssignment, Scope, assignment_id, has_passed};

pub(super) const API_VERSIONS: [&str; 1] = ["2022-04-01"];

pub(super) fn list(call: &mut Call<'_>, caller: &Claims, scope: &Scope) -> Answer {
    check_api_version(call, &API_VERSIONS)?;
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
        let lineage = tenant.lineage(scope);
        let near = |other: &Scope| lineage.includes(other) || (filter.looks_below() && tenant.covers(scope, other));
        for (name, assignment) in &tenant.role_assignments {
            let wanted = filter.principal().is_none_or(|principal| assignment.is_of(principal));
            if wanted && near(&assignment.scope) && has_passed(lag, assignment.created_on, call.now) {
                items.push((name.clone(), shown(scope, name, assignment)));
            }
        }
    }
    page(call, items, None)
}

/// A role assignment as it looks when asked for at a scope.
pub(super) fn shown(asked_at: &Scope, name: &str, assignment: &RoleAssignment) -> Value {
    let role_prefix = match asked_at {
        Scope::Subscription(_) => asked_at.id_prefix(),
        _ => String::new(),
    };
    json!({
        "id": assignment_id(&assignment.scope, name),
        "type": "Microsoft.Authorization/roleAssignments",
        "name": name,
        "properties": {
            "roleDefinitionId": format!("{role_prefix}/providers/Microsoft.Authorization/roleDefinitions/{}", assignment.role),
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
