//! Azure Resource Manager: subscriptions, management groups, role definitions and role assignments (Azure REST API specifications
//! Microsoft.Resources subscriptions 2022-12-01, Microsoft.Management 2020-05-01 to 2023-04-01, Microsoft.Authorization 2022-04-01), and
//! Resource Graph, which is reached through it.

mod access;
mod api_version;
mod built_in_roles;
mod condition;
mod elevation;
mod entities;
mod errors;
pub(in crate::services) mod filter;
mod management_groups;
mod paging;
mod permissions;
mod providers;
pub(crate) mod resource_graph;
mod rights;
mod role_assignments;
mod role_changes;
mod role_definitions;
mod role_lists;
mod subscriptions;
pub(crate) mod throttle;

use http::Method;

use super::{Answer, Call, Routed, answer};
use crate::Response;
use crate::target::Target;
use crate::token::Claims;
use crate::world::Scope;
use throttle::Kind;

pub(super) fn route(method: &Method, target: &Target) -> Routed {
    let lower = target.lower_path();
    let path: Vec<&str> = lower.iter().map(String::as_str).collect();
    match (method, path.as_slice()) {
        (&Method::GET, ["subscriptions"]) => operation("arm.subscriptions.list", Kind::Read, Scope::Tenant, subscriptions::list),
        (&Method::GET, ["subscriptions", id]) => {
            let scope = Scope::Subscription((*id).to_owned());
            operation("arm.subscription.get", Kind::Read, scope, subscriptions::get)
        }
        (&Method::GET, ["subscriptions", id, "providers", providers::NAMESPACE]) => {
            let scope = Scope::Subscription((*id).to_owned());
            operation("arm.provider.get", Kind::Read, scope, providers::get)
        }
        (&Method::POST, ["subscriptions", id, "providers", providers::NAMESPACE, "register"]) => {
            let scope = Scope::Subscription((*id).to_owned());
            operation("arm.provider.register", Kind::Write, scope, providers::register)
        }
        (method, path) => route_hierarchy(method, path, target),
    }
}

fn route_hierarchy(method: &Method, path: &[&str], target: &Target) -> Routed {
    let written = |index: usize| target.path[index].clone();
    match (method, path) {
        (&Method::GET, ["providers", "microsoft.management", "managementgroups"]) => {
            operation("arm.management-groups.list", Kind::Read, Scope::Tenant, management_groups::list)
        }
        (&Method::GET, ["providers", "microsoft.management", "managementgroups", _]) => {
            let scope = Scope::ManagementGroup(written(3));
            operation("arm.management-group.get", Kind::Read, scope, management_groups::get)
        }
        (&Method::GET, ["providers", "microsoft.management", "managementgroups", _, "descendants"]) => {
            let scope = Scope::ManagementGroup(written(3));
            operation("arm.descendants.list", Kind::Read, scope, management_groups::descendants)
        }
        (&Method::POST, ["providers", "microsoft.management", "getentities"]) => {
            operation("arm.entities.list", Kind::Read, Scope::Tenant, entities::list)
        }
        (&Method::POST, ["providers", "microsoft.resourcegraph", "resources"]) => {
            operation("arm.resource-graph.query", Kind::Read, Scope::Tenant, resource_graph::query)
        }
        (method, path) => route_authorization(method, path, target),
    }
}

fn route_authorization(method: &Method, path: &[&str], target: &Target) -> Routed {
    let (scope, rest) = match path {
        ["subscriptions", id, rest @ ..] => (Scope::Subscription((*id).to_owned()), rest),
        ["providers", "microsoft.management", "managementgroups", _, rest @ ..] => (Scope::ManagementGroup(target.path[3].clone()), rest),
        rest => (Scope::Tenant, rest),
    };
    let ["providers", "microsoft.authorization", rest @ ..] = rest else {
        return Routed::not_modelled("arm.unknown", method, target);
    };
    match (method, rest) {
        (&Method::GET, ["roleassignments"]) => operation("arm.role-assignments.list", Kind::Read, scope, role_lists::list),
        (&Method::GET, ["roleassignments", name]) => named("arm.role-assignments.get", Kind::Read, scope, name, role_assignments::get),
        (&Method::PUT, ["roleassignments", name]) => {
            named("arm.role-assignments.create", Kind::Write, scope, name, role_assignments::create)
        }
        (&Method::DELETE, ["roleassignments", name]) => {
            named("arm.role-assignments.delete", Kind::Delete, scope, name, role_assignments::delete)
        }
        (&Method::GET, ["permissions"]) => operation("arm.permissions.list", Kind::Read, scope, permissions::list),
        (&Method::GET, ["roledefinitions"]) => operation("arm.role-definitions.list", Kind::Read, scope, role_definitions::list),
        (&Method::GET, ["roledefinitions", role]) => named("arm.role-definitions.get", Kind::Read, scope, role, role_definitions::get),
        (&Method::PUT, ["roledefinitions", role]) => named("arm.role-definitions.create", Kind::Write, scope, role, role_changes::create),
        (&Method::DELETE, ["roledefinitions", role]) => {
            named("arm.role-definitions.delete", Kind::Delete, scope, role, role_changes::delete)
        }
        (&Method::POST, ["elevateaccess"]) if scope == Scope::Tenant => {
            operation("arm.elevate-access", Kind::Write, scope, elevation::elevate)
        }
        _ => Routed::not_modelled("arm.unknown", method, target),
    }
}

/// An operation at a scope, with what all of Resource Manager's have: a token, a place in the token bucket, and headers.
fn operation(
    name: &'static str,
    kind: Kind,
    scope: Scope,
    act: impl FnOnce(&mut Call<'_>, &Claims, &Scope) -> Answer + Send + 'static,
) -> Routed {
    Routed::new(name, move |call| {
        let answered = admitted(call, kind, &scope).map(|(caller, remaining)| {
            let response = act(call, &caller, &scope).unwrap_or_else(|refusal| *refusal);
            answer::with_header(response, kind.remaining_header(&scope), &remaining.to_string())
        });
        let response = answered.unwrap_or_else(|refusal| *refusal);
        Ok(stamped(response, call))
    })
}

/// An operation on one role assignment or definition.
fn named(
    operation_name: &'static str,
    kind: Kind,
    scope: Scope,
    name: &str,
    act: fn(&mut Call<'_>, &Claims, &Scope, &str) -> Answer,
) -> Routed {
    let name = name.to_owned();
    operation(operation_name, kind, scope, move |call, caller, scope| act(call, caller, scope, &name))
}

/// The caller's claims and the calls of this kind that the caller has left.
fn admitted(call: &mut Call<'_>, kind: Kind, scope: &Scope) -> Result<(Claims, u32), Box<Response>> {
    let caller = access::authenticate(call)?;
    let remaining = match call.world.settings.throttle {
        true => call.throttle.take(&caller, kind, scope, call.now)?,
        false => kind.capacity(),
    };
    Ok((caller, remaining))
}

/// The headers that name a call for support.
fn stamped(response: Response, call: &Call<'_>) -> Response {
    let id = call.id.to_string();
    let response = answer::with_header(response, "x-ms-request-id", &id);
    answer::with_header(response, "x-ms-correlation-request-id", &id)
}

/// Refuses query parameters that would change the answer in a way that is not modelled.
fn check_parameters(call: &Call<'_>, known: &[&str]) -> Result<(), Box<Response>> {
    match call.target.query_beyond(known) {
        None => Ok(()),
        Some(other) => Err(answer::not_modelled(&format!("the query parameter {other} of {}", call.target.shown()))),
    }
}
