//! The tables' rows, as the service shows them (sample queries of the documentation; `properties` of role assignments hold what Resource
//! Manager shows of them, without what is not set).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::super::management_groups::{display_name, group_id};
use super::kql::Row;
use super::reach::Reach;
use super::request::ScopeFilter;
use crate::world::{RoleAssignment, Scope, Subscription, Tenant, assignment_id};

/// The rows of `authorizationresources`: the role assignments of the levels that are asked for.
pub(super) fn role_assignments(tenant_id: &str, reach: &Reach<'_>, filter: ScopeFilter) -> Vec<Row> {
    let mut places = reach.here.clone();
    if filter.looks_below() {
        let groups = reach.groups.iter().map(|name| Scope::ManagementGroup((*name).to_owned()));
        places.extend(groups.chain(reach.subscriptions.iter().map(|(id, _)| Scope::Subscription((*id).to_owned()))));
    }
    if filter.looks_above() {
        places.extend(reach.above.iter().cloned());
    }
    places.sort();
    places.dedup();
    let there = places.iter().flat_map(|place| reach.tenant.role_assignments.at(place));
    there.map(|(name, assignment)| role_assignment(tenant_id, name, assignment)).collect()
}

/// The rows of `resourcecontainers`: management groups and subscriptions.
pub(super) fn containers(tenant_id: &str, reach: &Reach<'_>) -> Vec<Row> {
    let mut chains = BTreeMap::new();
    let mut rows: Vec<Row> = reach.groups.iter().map(|name| management_group(tenant_id, reach.tenant, name)).collect();
    for (id, subscription) in &reach.subscriptions {
        let parent = subscription.parent.as_str();
        let chain = chains.entry(parent).or_insert_with(|| chain_from(reach.tenant, &Scope::Subscription((*id).to_owned())));
        rows.push(self::subscription(tenant_id, id, subscription, chain));
    }
    rows
}

fn role_assignment(tenant_id: &str, name: &str, assignment: &RoleAssignment) -> Row {
    let at = |moment: time::OffsetDateTime| moment.format(&Rfc3339).unwrap_or_default();
    let mut properties = json!({
        "principalId": assignment.principal_id,
        "principalType": assignment.principal_type,
        "scope": assignment.scope,
        // Whatever the scope, and written in this way.
        "roleDefinitionId": format!("/providers/Microsoft.Authorization/RoleDefinitions/{}", assignment.role),
        "createdOn": at(assignment.created_on),
        "updatedOn": at(assignment.updated_on),
    });
    let optional = [
        ("description", &assignment.description),
        ("condition", &assignment.condition),
        ("conditionVersion", &assignment.condition_version),
        ("createdBy", &assignment.created_by),
        ("updatedBy", &assignment.created_by),
    ];
    for (member, value) in optional {
        if let Some(value) = value {
            properties[member] = json!(value);
        }
    }
    let subscription = match &assignment.scope {
        Scope::Subscription(id) => id.as_str(),
        Scope::ManagementGroup(_) | Scope::Tenant => "",
    };
    let id = assignment_id(&assignment.scope, name);
    row(tenant_id, &id, name, "microsoft.authorization/roleassignments", subscription, properties)
}

fn subscription(tenant_id: &str, id: &str, subscription: &Subscription, chain: &Value) -> Row {
    let properties = json!({
        "managementGroupAncestorsChain": chain,
        "managedByTenants": [],
        "state": subscription.state,
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": subscription.quota_id,
            "spendingLimit": "Off",
        },
    });
    let path = format!("/subscriptions/{id}");
    row(tenant_id, &path, &subscription.display_name, "microsoft.resources/subscriptions", id, properties)
}

fn management_group(tenant_id: &str, tenant: &Tenant, name: &str) -> Row {
    let chain = chain_from(tenant, &Scope::ManagementGroup(name.to_owned()));
    let parent = chain.get(0).map(|parent| {
        let name = parent["name"].as_str().unwrap_or_default();
        json!({"id": group_id(name), "name": name, "displayName": parent["displayName"]})
    });
    let properties = json!({
        "displayName": display_name(tenant, name),
        "tenantId": tenant_id,
        "details": {"managementGroupAncestorsChain": chain, "parent": parent, "version": 1},
    });
    row(tenant_id, &group_id(name), name, "microsoft.management/managementgroups", "", properties)
}

/// The management groups above a scope, nearest first.
fn chain_from(tenant: &Tenant, scope: &Scope) -> Value {
    let above = tenant.groups_above(scope).into_iter();
    above.map(|name| json!({"displayName": display_name(tenant, name), "name": name})).collect()
}

fn row(tenant_id: &str, id: &str, name: &str, kind: &str, subscription_id: &str, properties: Value) -> Row {
    let mut row = Row::new();
    for (column, value) in [("id", id), ("name", name), ("type", kind), ("tenantId", tenant_id), ("subscriptionId", subscription_id)] {
        row.insert(column.to_owned(), Value::from(value));
    }
    for column in ["kind", "location", "resourceGroup", "managedBy"] {
        row.insert(column.to_owned(), Value::from(""));
    }
    for column in ["sku", "plan", "tags", "identity", "zones", "extendedLocation"] {
        row.insert(column.to_owned(), Value::Null);
    }
    row.insert("properties".to_owned(), properties);
    row
}
