//! Management groups and what lies under them (specification Microsoft.Management, 2020-05-01 to 2023-04-01).

use serde_json::{Value, json};

use super::super::{Answer, Call, answer};
use super::api_version::ResourceType;
use super::paging::{Items, Window, page_linked_by, page_of};
use super::rights::Asker;
use super::{access, check_parameters};
use crate::Response;
use crate::token::Claims;
use crate::world::{Scope, Subscription, Tenant};

/// The versions in which the operations here answer alike.
pub(super) const API_VERSIONS: [&str; 3] = ["2020-05-01", "2021-04-01", "2023-04-01"];

const RESOURCE_TYPE: ResourceType =
    ResourceType { namespace: "Microsoft.Management", name: "managementGroups", api_versions: &API_VERSIONS };

/// A management group's resource type.
pub(super) const GROUP_TYPE: &str = "Microsoft.Management/managementGroups";

/// What reading a management group takes.
pub(super) const READ: &str = "Microsoft.Management/managementGroups/read";

/// What going through all below a group takes, besides [`READ`]. Somebody's role with nothing but [`READ`] was enough (azure-rest-api-specs
/// issue 9140), but the provider lists an operation of its own for it: here both are needed.
const READ_DESCENDANTS: &str = "Microsoft.Management/managementGroups/descendants/read";

/// The groups of the caller's directory that it may read, without their hierarchy. The same issue says that custom roles show nothing in
/// this list; here they do.
pub(super) fn list(call: &mut Call<'_>, caller: &Claims, _scope: &Scope) -> Answer {
    RESOURCE_TYPE.check_api_version(call)?;
    check_parameters(call, &["api-version", "$skiptoken"])?;
    let mut items = Items::new();
    if let Some(asker) = Asker::of(call, caller) {
        let groups = &asker.tenant.management_groups;
        let mut reach = asker.reach(READ);
        for (name, group) in groups.iter().filter(|(name, _)| reach.has_group(name)) {
            let properties = json!({"tenantId": caller.tid, "displayName": group.display_name});
            items.push((name.clone(), json!({"id": group_id(name), "type": GROUP_TYPE, "name": name, "properties": properties})));
        }
    }
    // The specification of 2023-04-01 renamed the link of this one list.
    let link = if call.target.query("api-version") == Some("2023-04-01") { "@nextLink" } else { "nextLink" };
    page_linked_by(link, call, caller, items, None)
}

pub(super) fn get(call: &mut Call<'_>, caller: &Claims, scope: &Scope) -> Answer {
    RESOURCE_TYPE.check_api_version(call)?;
    check_parameters(call, &["api-version", "$expand", "$recurse"])?;
    let (tenant, name) = found(call, caller, scope)?;
    let above = tenant.groups_above(scope);
    let mut details = json!({"version": 1, "updatedTime": "2024-01-01T00:00:00.0000000Z", "updatedBy": caller.oid});
    details["parent"] = match above.first() {
        Some(parent) => json!({"id": group_id(parent), "name": parent, "displayName": display_name(tenant, parent)}),
        None => Value::Null,
    };
    let mut properties = json!({"tenantId": caller.tid, "displayName": display_name(tenant, name)});
    match call.target.query("$expand") {
        None => {}
        // From the root down to the group itself, whereas the ancestors go up from the parent.
        Some("path") => {
            details["path"] = above.iter().rev().copied().chain([name]).map(|group| element(tenant, group)).collect();
        }
        Some("ancestors") => {
            details["managementGroupAncestors"] = json!(above);
            details["managementGroupAncestorsChain"] = above.iter().map(|group| element(tenant, group)).collect();
        }
        Some("children") => {
            let recurse = call.target.query("$recurse").is_some_and(|text| text.eq_ignore_ascii_case("true"));
            properties["children"] = children(call, tenant, name, recurse);
        }
        Some(other) => return Err(answer::not_modelled(&format!("$expand={other} of management groups"))),
    }
    properties["details"] = details;
    let body = json!({"id": group_id(name), "type": GROUP_TYPE, "name": name, "properties": properties});
    Ok(answer::json(200, &body))
}

/// Everything under a group, at every level.
pub(super) fn descendants(call: &mut Call<'_>, caller: &Claims, scope: &Scope) -> Answer {
    RESOURCE_TYPE.check_api_version(call)?;
    check_parameters(call, &["api-version", "$top", "$skiptoken"])?;
    let top = match call.target.query("$top") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| answer::error(400, "BadRequest", "Invalid value for $top."))?),
    };
    access::authorize(call, caller, READ_DESCENDANTS, scope)?;
    let (tenant, name) = found(call, caller, scope)?;
    let within = tenant.groups_within(name);
    let groups = within.iter().filter(|group| **group != name).map(|group| (*group, None));
    let window = Window::of(call, caller, top)?;
    let subscriptions = window.over(&tenant.subscriptions);
    let shown = subscriptions.filter(|(_, own)| within.contains(own.parent.as_str()) && access::is_visible(call, own));
    let items = groups.chain(shown.take(window.most).map(|(id, subscription)| (id, Some(subscription)))).collect();
    page_of(call, caller, items, top, |key, subscription| descendant(tenant, key, subscription))
}

/// The tenant and the group's name as it is written, for a caller who may read it.
fn found<'a>(call: &'a Call<'_>, caller: &Claims, scope: &Scope) -> Result<(&'a Tenant, &'a str), Box<Response>> {
    access::authorize(call, caller, READ, scope)?;
    let group = match (scope, call.world.tenants.get(&caller.tid)) {
        (Scope::ManagementGroup(name), Some(tenant)) => tenant.group(name).map(|(name, _)| (tenant, name)),
        _ => None,
    };
    group.ok_or_else(|| answer::not_modelled(&format!("{scope} as a management group")))
}

fn children(call: &Call<'_>, tenant: &Tenant, name: &str, recurse: bool) -> Value {
    let groups = tenant.management_groups.iter().filter(|(_, group)| group.parent.as_deref() == Some(name));
    let mut children: Vec<Value> = groups
        .map(|(child, group)| {
            let mut shown = json!({"id": group_id(child), "type": GROUP_TYPE, "name": child, "displayName": group.display_name});
            if recurse {
                shown["children"] = children(call, tenant, child, true);
            }
            shown
        })
        .collect();
    let subscriptions = tenant.subscriptions.iter().filter(|(_, subscription)| subscription.parent == name);
    children.extend(subscriptions.filter(|(_, subscription)| access::is_visible(call, subscription)).map(|(id, subscription)| {
        json!({"id": format!("/subscriptions/{id}"), "type": "/subscriptions", "name": id, "displayName": subscription.display_name})
    }));
    Value::Array(children)
}

/// A subscription by id, or a group by name.
fn descendant(tenant: &Tenant, key: &str, subscription: Option<&Subscription>) -> Value {
    let (id, kind, display_name, parent) = match subscription {
        Some(own) => {
            let kind = "Microsoft.Management/managementGroups/subscriptions";
            (format!("/subscriptions/{key}"), kind, own.display_name.as_str(), own.parent.as_str())
        }
        None => {
            let parent = tenant.group(key).and_then(|(_, group)| group.parent.as_deref());
            (group_id(key), GROUP_TYPE, display_name(tenant, key), parent.unwrap_or_default())
        }
    };
    json!({
        "id": id, "type": kind, "name": key,
        "properties": {"displayName": display_name, "parent": {"id": group_id(parent)}},
    })
}

/// A group as paths and chains of ancestors show it.
fn element(tenant: &Tenant, name: &str) -> Value {
    json!({"name": name, "displayName": display_name(tenant, name)})
}

pub(super) fn display_name<'a>(tenant: &'a Tenant, name: &str) -> &'a str {
    tenant.group(name).map_or("", |(_, group)| group.display_name.as_str())
}

pub(super) fn group_id(name: &str) -> String {
    Scope::ManagementGroup(name.to_owned()).to_string()
}
