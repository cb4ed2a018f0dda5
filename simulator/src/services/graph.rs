//! Microsoft Graph: a service principal by its app id (Graph v1.0 reference, "Get servicePrincipal").

use http::Method;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;

use super::{Answer, Call, Routed, answer};
use crate::Response;
use crate::target::Target;
use crate::token::Refusal;
use crate::world::has_passed;

const AUDIENCES: [&str; 2] = ["https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000"];

pub(super) fn route(method: &Method, target: &Target) -> Routed {
    let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
    let app_id = match (method, path.as_slice()) {
        (&Method::GET, ["v1.0", entity]) => entity.strip_prefix("servicePrincipals(appId='").and_then(|rest| rest.strip_suffix("')")),
        _ => None,
    };
    match app_id.map(str::to_owned) {
        Some(app_id) => Routed::new("graph.service-principal.get", move |call| get(call, &app_id)),
        None => Routed::not_modelled("graph.unknown", method, target),
    }
}

fn get(call: &mut Call<'_>, app_id: &str) -> Answer {
    let claims = call.verify(&AUDIENCES).map_err(|refusal| unauthorized(call, &refusal))?;
    if let Some(other) = call.target.query_beyond(&["$select"]) {
        return Err(answer::not_modelled(&format!("the query parameter {other} of servicePrincipals")));
    }
    let lag = call.world.settings.replication_lag_seconds;
    let found = call.world.tenants.get(&claims.tid).and_then(|tenant| tenant.service_principal_of(app_id));
    let Some((object_id, principal)) = found.filter(|(_, principal)| has_passed(lag, principal.created_on, call.now)) else {
        let message = format!("Resource '{app_id}' does not exist or one of its queried reference-property objects are not present.");
        return Err(error(call, 404, "Request_ResourceNotFound", &message));
    };
    let mut all = Map::new();
    all.insert("id".to_owned(), json!(object_id));
    all.insert("appId".to_owned(), json!(principal.app_id));
    all.insert("displayName".to_owned(), json!(principal.display_name));
    all.insert("servicePrincipalType".to_owned(), json!("Application"));
    all.insert("accountEnabled".to_owned(), json!(true));
    if let Some(select) = call.target.query("$select") {
        let wanted: Vec<&str> = select.split(',').map(str::trim).collect();
        if let Some(unknown) = wanted.iter().find(|name| !all.contains_key(**name)) {
            return Err(answer::not_modelled(&format!("the property {unknown} of service principals")));
        }
        all.retain(|name, _| wanted.contains(&name.as_str()));
    }
    let context = "https://graph.microsoft.com/v1.0/$metadata#servicePrincipals/$entity";
    all.insert("@odata.context".to_owned(), json!(context));
    Ok(answer::json(200, &Value::Object(all)))
}

fn unauthorized(call: &Call<'_>, refusal: &Refusal) -> Box<Response> {
    let (code, message) = match refusal {
        Refusal::Missing => ("InvalidAuthenticationToken", "Access token is empty."),
        Refusal::Expired => ("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."),
        Refusal::Audience(_) => ("InvalidAuthenticationToken", "Access token validation failure. Invalid audience."),
        Refusal::Forged | Refusal::Tenant(_) => ("InvalidAuthenticationToken", "Access token validation failure."),
    };
    let response = error(call, 401, code, message);
    Box::new(answer::with_header(
        *response,
        "www-authenticate",
        r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000""#,
    ))
}

fn error(call: &Call<'_>, status: u16, code: &str, message: &str) -> Box<Response> {
    let date = call.now.format(&Rfc3339).unwrap_or_default();
    let date = date.get(..19).unwrap_or_default();
    let body = json!({"error": {"code": code, "message": message, "innerError": {
        "date": date, "request-id": call.id, "client-request-id": call.id,
    }}});
    Box::new(answer::json(status, &body))
}
