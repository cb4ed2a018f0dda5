//! Microsoft Graph: service principals by app id, by name and by object id (Graph v1.0 reference, "Get servicePrincipal", "List
//! servicePrincipals" and "directoryObject: getByIds"), and the person who is signed in.

mod me;

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;

use super::arm::filter::{quoted, stripped};
use super::{Answer, Call, Routed, answer};
use crate::Response;
use crate::target::Target;
use crate::token::{Claims, Refusal};
use crate::world::{ServicePrincipal, guid, has_passed, reads_applications};

/// The most ids that one `getByIds` takes.
const LIMIT_OF_IDS: usize = 1000;

pub(super) fn route(method: &Method, target: &Target) -> Routed {
    let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
    match (method, path.as_slice()) {
        (&Method::GET, ["v1.0", "servicePrincipals"]) => Routed::new("graph.service-principals.list", list),
        (&Method::GET, ["v1.0", "servicePrincipals", object_id]) => {
            let object_id = (*object_id).to_owned();
            Routed::new("graph.service-principal.get", move |call| get_by_object_id(call, &object_id))
        }
        (&Method::POST, ["v1.0", "directoryObjects", "getByIds"]) => Routed::new("graph.directory-objects.get-by-ids", get_by_ids),
        (&Method::GET, ["v1.0", "me"]) => Routed::new("graph.me.get", me::get),
        (&Method::GET, ["v1.0", "me", "transitiveMemberOf", "microsoft.graph.directoryRole"]) => {
            Routed::new("graph.me.roles.list", me::directory_roles)
        }
        (&Method::GET, ["v1.0", "organization"]) => Routed::new("graph.organization.list", me::organization),
        (&Method::GET, ["v1.0", entity]) => match entity.strip_prefix("servicePrincipals(appId='").and_then(|rest| rest.strip_suffix("')"))
        {
            Some(app_id) => {
                let app_id = app_id.to_owned();
                Routed::new("graph.service-principal.get", move |call| get_by_app_id(call, &app_id))
            }
            None => Routed::not_modelled("graph.unknown", method, target),
        },
        (_, ["v1.0" | "beta", ..] | []) => Routed::not_modelled("graph.unknown", method, target),
        (_, [version, ..]) => {
            let message = format!("Invalid version: {version}");
            Routed::new("graph.unknown", move |call| Err(error(call, 400, "BadRequest", &message)))
        }
    }
}

fn get_by_app_id(call: &mut Call<'_>, app_id: &str) -> Answer {
    let caller = admit(call, &["$select"])?;
    let found = known(call, &caller).find(|(_, principal)| principal.app_id.eq_ignore_ascii_case(app_id));
    may_read(call, &caller, found)?;
    entity(call, app_id, found)
}

fn get_by_object_id(call: &mut Call<'_>, object_id: &str) -> Answer {
    let caller = admit(call, &["$select"])?;
    let found = known(call, &caller).find(|(own, _)| own.eq_ignore_ascii_case(object_id));
    may_read(call, &caller, found)?;
    entity(call, object_id, found)
}

/// One service principal, or 404 for what was asked for.
fn entity(call: &Call<'_>, asked: &str, found: Option<(&str, &ServicePrincipal)>) -> Answer {
    let Some((object_id, principal)) = found else {
        let message = format!("Resource '{asked}' does not exist or one of its queried reference-property objects are not present.");
        return Err(error(call, 404, "Request_ResourceNotFound", &message));
    };
    let mut shown = selected(call, object_id, principal)?;
    shown.insert("@odata.context".to_owned(), json!(format!("{}#servicePrincipals/$entity", metadata(call))));
    Ok(answer::json(200, &Value::Object(shown)))
}

fn list(call: &mut Call<'_>) -> Answer {
    let caller = admit(call, &["$filter", "$select"])?;
    may_read(call, &caller, None)?;
    let text = call.target.query("$filter").map(str::trim);
    // A service principal's names are its app id and its app's identifier URIs, of which there are none here.
    let name = match text {
        None => None,
        Some(text) => {
            let by_name = stripped(text, "servicePrincipalNames/any(c:c eq ").and_then(|rest| rest.strip_suffix(')'));
            let name = by_name.or_else(|| stripped(text, "appId eq ")).and_then(quoted);
            Some(name.ok_or_else(|| answer::not_modelled(&format!("service principals with $filter={text:?}")))?)
        }
    };
    let mut all = Vec::new();
    for (object_id, principal) in known(call, &caller) {
        if name.is_none_or(|name| principal.app_id.eq_ignore_ascii_case(name)) {
            all.push(Value::Object(selected(call, object_id, principal)?));
        }
    }
    Ok(answer::json(200, &json!({"@odata.context": format!("{}#servicePrincipals", metadata(call)), "value": all})))
}

#[derive(Deserialize)]
struct Wanted {
    ids: Vec<String>,
    /// Without it, objects of every type.
    types: Option<Vec<String>>,
}

fn get_by_ids(call: &mut Call<'_>) -> Answer {
    let caller = admit(call, &[])?;
    may_read(call, &caller, None)?;
    let refused = |message: &str| error(call, 400, "Request_BadRequest", message);
    let wanted: Wanted =
        serde_json::from_slice(call.request.body()).map_err(|cause| refused(&format!("Unable to read JSON request payload: {cause}.")))?;
    if wanted.ids.is_empty() || wanted.ids.len() > LIMIT_OF_IDS {
        return Err(refused("The number of ids must be between 1 and 1000."));
    }
    if let Some(other) = wanted.ids.iter().find(|id| guid(id).is_none()) {
        return Err(refused(&format!("Invalid GUID:{other}")));
    }
    let of_type = wanted
        .types
        .is_none_or(|types| types.iter().any(|kind| ["serviceprincipal", "directoryobject"].contains(&kind.to_ascii_lowercase().as_str())));
    let asked = |object_id: &str| of_type && wanted.ids.iter().any(|id| id.eq_ignore_ascii_case(object_id));
    let found = known(call, &caller).filter(|(object_id, _)| asked(object_id)).map(|(object_id, principal)| {
        let mut shown = properties(object_id, principal);
        shown.insert("@odata.type".to_owned(), json!("#microsoft.graph.servicePrincipal"));
        Value::Object(shown)
    });
    let found: Vec<Value> = found.collect();
    Ok(answer::json(200, &json!({"@odata.context": format!("{}#directoryObjects", metadata(call)), "value": found})))
}

fn metadata(call: &Call<'_>) -> String {
    format!("https://{}/v1.0/$metadata", call.cloud().graph())
}

/// The caller, with no query parameters but these.
fn admit(call: &Call<'_>, parameters: &[&str]) -> Result<Claims, Box<Response>> {
    let caller = call.verify(&call.cloud().graph_audiences()).map_err(|refusal| unauthorized(call, &refusal))?;
    match call.target.query_beyond(parameters) {
        None => Ok(caller),
        Some(other) => Err(answer::not_modelled(&format!("the query parameter {other} of {}", call.target.shown()))),
    }
}

/// Whether the caller may read this, or anything: an app's token needs a permission in Graph, but an app may read itself without one; a user
/// may read the directory ("Get servicePrincipal"; documentation, "Default user permissions").
fn may_read(call: &Call<'_>, caller: &Claims, asked: Option<(&str, &ServicePrincipal)>) -> Result<(), Box<Response>> {
    let of_itself = asked.is_some_and(|(object_id, _)| object_id.eq_ignore_ascii_case(&caller.oid));
    match of_itself || caller.idtyp == "user" || reads_applications(&caller.roles) {
        true => Ok(()),
        false => Err(error(call, 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")),
    }
}

/// The service principals of the caller's directory that are replicated by now, by object id.
fn known<'a>(call: &'a Call<'_>, caller: &Claims) -> impl Iterator<Item = (&'a str, &'a ServicePrincipal)> {
    let (lag, now) = (call.world.settings.replication_lag_seconds, call.now);
    let all = call.world.tenants.get(&caller.tid).map(|tenant| &tenant.service_principals);
    let known = all.into_iter().flatten().filter(move |(_, principal)| has_passed(lag, principal.created_on, now));
    known.map(|(object_id, principal)| (object_id.as_str(), principal))
}

/// The properties that `$select` asks for, or all.
fn selected(call: &Call<'_>, object_id: &str, principal: &ServicePrincipal) -> Result<Map<String, Value>, Box<Response>> {
    let mut all = properties(object_id, principal);
    if let Some(select) = call.target.query("$select") {
        let wanted: Vec<&str> = select.split(',').map(str::trim).collect();
        if let Some(unknown) = wanted.iter().find(|name| !all.contains_key(**name)) {
            return Err(answer::not_modelled(&format!("the property {unknown} of service principals")));
        }
        all.retain(|name, _| wanted.contains(&name.as_str()));
    }
    Ok(all)
}

fn properties(object_id: &str, principal: &ServicePrincipal) -> Map<String, Value> {
    let pairs = [
        ("id", json!(object_id)),
        ("appId", json!(principal.app_id)),
        ("displayName", json!(principal.display_name)),
        ("servicePrincipalNames", json!([principal.app_id])),
        ("servicePrincipalType", json!("Application")),
        ("accountEnabled", json!(true)),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn unauthorized(call: &Call<'_>, refusal: &Refusal) -> Box<Response> {
    let (code, message) = match refusal {
        Refusal::Missing => ("InvalidAuthenticationToken", "Access token is empty."),
        Refusal::Expired => ("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."),
        Refusal::Audience(_) => ("InvalidAuthenticationToken", "Access token validation failure. Invalid audience."),
        Refusal::Forged | Refusal::Tenant(_) => ("InvalidAuthenticationToken", "Access token validation failure."),
    };
    let response = error(call, 401, code, message);
    let header = format!(
        r#"Bearer realm="", authorization_uri="https://{}/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000""#,
        call.cloud().entra()
    );
    Box::new(answer::with_header(*response, "www-authenticate", &header))
}

fn error(call: &Call<'_>, status: u16, code: &str, message: &str) -> Box<Response> {
    let date = call.now.format(&Rfc3339).unwrap_or_default();
    let date = date.get(..19).unwrap_or_default();
    let body = json!({"error": {"code": code, "message": message, "innerError": {
        "date": date, "request-id": call.id, "client-request-id": call.id,
    }}});
    Box::new(answer::json(status, &body))
}
