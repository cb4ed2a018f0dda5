//! Entra's token endpoint and discovery documents (Microsoft identity platform, "OAuth 2.0 client credentials flow" and "Authentication and
//! authorization error codes").

mod assertion;
mod certificate;
mod resource;

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use url::form_urlencoded;
use uuid::Uuid;

use super::{Answer, Call, Routed, answer};
use crate::Response;
use crate::cloud::Cloud;
use crate::jwt;
use crate::target::Target;
use crate::token::Subject;
use crate::world::{ClientSecret, guid, made_up_id};

pub(super) fn route(method: &Method, target: &Target) -> Routed {
    let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
    match (method, path.as_slice()) {
        (&Method::POST, [tenant, "oauth2", "v2.0", "token"]) => {
            let tenant = tenant.to_ascii_lowercase();
            Routed::new("entra.token", move |call| token(call, &tenant))
        }
        (&Method::GET, [tenant, "v2.0", ".well-known", "openid-configuration"] | [tenant, ".well-known", "openid-configuration"]) => {
            let tenant = tenant.to_ascii_lowercase();
            Routed::new("entra.openid-configuration", move |call| openid_configuration(call, &tenant))
        }
        (&Method::GET, [tenant, "discovery", "v2.0", "keys"] | [tenant, "discovery", "keys"]) => {
            let tenant = tenant.to_ascii_lowercase();
            Routed::new("entra.keys", move |call| keys(call, &tenant))
        }
        (&Method::GET, ["common", "discovery", "instance"]) => Routed::new("entra.instance-discovery", instance_discovery),
        _ => Routed::not_modelled("entra.unknown", method, target),
    }
}

fn token(call: &mut Call<'_>, tenant_id: &str) -> Answer {
    let form: BTreeMap<String, String> = form_urlencoded::parse(call.request.body()).into_owned().collect();
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    match field("grant_type") {
        "client_credentials" => {}
        "" => {
            return Err(refused(
                call,
                400,
                "invalid_request",
                900_144,
                "The request body must contain the following parameter: 'grant_type'.",
            ));
        }
        other => return Err(answer::not_modelled(&format!("the grant type {other}"))),
    }
    let (client_id, principal_id) = known_app(call, tenant_id, field("client_id"))?;
    let assertion = form.get("client_assertion");
    match assertion {
        Some(assertion) => assertion::check(call, tenant_id, &client_id, field("client_assertion_type"), assertion)?,
        None => check_secret(call, &client_id, field("client_secret"))?,
    }
    let asked = asked_for(call, tenant_id, field("scope"))?;
    let roles = match &asked {
        Asked::Azure(audience) => call.world.consented(tenant_id, &principal_id, audience),
        Asked::App(_) => BTreeSet::new(),
    };
    let subject = Subject { tenant_id, client_id: &client_id, principal_id: &principal_id, roles };
    let lifetime = call.world.settings.token_lifetime_seconds;
    let token = match asked {
        Asked::Azure(audience) => call.signer.issue(&subject, &audience, call.now, lifetime, call.number),
        Asked::App(resource) => resource::issue(call, &subject, &resource, assertion.is_none()),
    };
    Ok(answer::json(200, &json!({"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token})))
}

/// The app id and the object id of its service principal in this tenant.
fn known_app(call: &Call<'_>, tenant_id: &str, client_id: &str) -> Result<(String, String), Box<Response>> {
    let tenant = call.world.tenants.get(tenant_id).ok_or_else(|| no_tenant(call, tenant_id, "invalid_request"))?;
    match tenant.service_principal_of(client_id) {
        Some((_, principal)) if principal.disabled => {
            let message = format!("Application '{client_id}'({}) is disabled.", principal.display_name);
            Err(refused(call, 400, "unauthorized_client", 7_000_112, &message))
        }
        Some((object_id, principal)) => Ok((principal.app_id.clone(), object_id.to_owned())),
        None if is_home(call, tenant_id, client_id) => {
            let message = format!(
                "The client application {client_id} is missing service principal in the tenant {tenant_id}. See instructions here: \
                 https://go.microsoft.com/fwlink/?linkid=2225119"
            );
            Err(refused(call, 401, "invalid_client", 7_000_229, &message))
        }
        None => {
            let message = format!(
                "Application with identifier '{client_id}' was not found in the directory '{tenant_id}'. This can happen if the application \
                 has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your \
                 authentication request to the wrong tenant."
            );
            Err(refused(call, 400, "unauthorized_client", 700_016, &message))
        }
    }
}

/// Whether an app is registered in this tenant.
fn is_home(call: &Call<'_>, tenant_id: &str, client_id: &str) -> bool {
    let home = call.world.applications.get(client_id).and_then(|app| app.home_tenant_id.as_deref());
    home == Some(tenant_id)
}

/// 400 for a tenant that does not exist, and for what cannot be one: a tenant is named by a GUID or by a domain.
fn no_tenant(call: &Call<'_>, tenant_id: &str, error: &str) -> Box<Response> {
    if guid(tenant_id).is_none() && !tenant_id.contains('.') {
        let message = format!("Specified tenant identifier '{tenant_id}' is neither a valid DNS name, nor a valid external domain.");
        return refused(call, 400, "invalid_request", 900_023, &message);
    }
    let message = format!(
        "Tenant '{tenant_id}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. \
         Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
    );
    refused(call, 400, error, 90_002, &message)
}

fn check_secret(call: &Call<'_>, client_id: &str, secret: &str) -> Result<(), Box<Response>> {
    if secret.is_empty() {
        let message = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        return Err(refused(call, 401, "invalid_client", 7_000_218, message));
    }
    let secrets: &[ClientSecret] = call.world.applications.get(client_id).map_or(&[], |app| &app.secrets);
    match secrets.iter().find(|own| own.value.reveal() == secret) {
        None => {
            let message = format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client \
                 secret ID, for a secret added to app '{client_id}'."
            );
            Err(refused(call, 401, "invalid_client", 7_000_215, &message))
        }
        Some(own) if own.expires_on.is_some_and(|expires| expires <= call.now) => {
            let message = format!(
                "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new keys for your app."
            );
            Err(refused(call, 401, "invalid_client", 7_000_222, &message))
        }
        Some(_) => Ok(()),
    }
}

/// What a token is asked for.
enum Asked {
    /// A resource of Azure's own.
    Azure(String),
    /// An app of the tenant.
    App(resource::Resource),
}

/// The resource that the token is for: the scope without `/.default`.
fn asked_for(call: &Call<'_>, tenant_id: &str, scope: &str) -> Result<Asked, Box<Response>> {
    let Some(resource) = scope.strip_suffix("/.default").filter(|resource| !resource.contains(' ')) else {
        let message = format!("The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid.");
        return Err(refused(call, 400, "invalid_scope", 70_011, &message));
    };
    // Topics and Storage accounts may also be named one by one.
    if call.cloud().resources().contains(&resource.trim_end_matches('/')) {
        return Ok(Asked::Azure(resource.to_owned()));
    }
    if let Some(app) = resource::find(call, tenant_id, resource) {
        return Ok(Asked::App(app));
    }
    let message = format!("The resource principal named {resource} was not found in the tenant.");
    Err(refused(call, 400, "invalid_resource", 500_011, &message))
}

/// Entra's error document.
fn refused(call: &Call<'_>, status: u16, error: &str, code: u32, message: &str) -> Box<Response> {
    let trace = call.id;
    let correlation = call
        .header("client-request-id")
        .and_then(|id| Uuid::try_parse(id).ok())
        .unwrap_or_else(|| made_up_id(&format!("correlation/{}", call.number)));
    let timestamp = call.now.format(&Rfc3339).unwrap_or_default();
    let timestamp = timestamp.get(..19).unwrap_or_default().replace('T', " ") + "Z";
    Box::new(answer::json(
        status,
        &json!({
            "error": error,
            "error_description": format!("AADSTS{code}: {message} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}"),
            "error_codes": [code],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://{}/error?code={code}", call.cloud().entra()),
        }),
    ))
}

/// The keys that tokens for apps are verified by.
fn keys(call: &mut Call<'_>, tenant_id: &str) -> Answer {
    check_tenant(call, tenant_id)?;
    let mut key = jwt::ENTRA.jwk();
    key["issuer"] = json!(format!("https://{}/{tenant_id}/v2.0", call.cloud().entra()));
    Ok(answer::json(200, &json!({"keys": [key]})))
}

/// Refuses the documents of a tenant that does not exist.
fn check_tenant(call: &Call<'_>, tenant_id: &str) -> Result<(), Box<Response>> {
    match ["common", "organizations"].contains(&tenant_id) || call.world.tenants.contains_key(tenant_id) {
        true => Ok(()),
        false => Err(no_tenant(call, tenant_id, "invalid_tenant")),
    }
}

fn openid_configuration(call: &mut Call<'_>, tenant_id: &str) -> Answer {
    check_tenant(call, tenant_id)?;
    let cloud = call.cloud();
    let base = format!("https://{}/{tenant_id}", cloud.entra());
    Ok(answer::json(
        200,
        &json!({
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{base}/discovery/v2.0/keys"),
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": format!("{base}/v2.0"),
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
            "tenant_region_scope": null,
            "cloud_instance_name": cloud.entra().trim_start_matches("login."),
            "cloud_graph_host_name": "graph.windows.net",
            "msgraph_host": cloud.graph(),
        }),
    ))
}

/// What MSAL asks before it trusts an authority (MSAL source, instance discovery).
fn instance_discovery(call: &mut Call<'_>) -> Answer {
    let endpoint = call.target.query("authorization_endpoint").unwrap_or_default();
    let tenant =
        endpoint.strip_prefix("https://").and_then(|rest| rest.strip_prefix(call.cloud().entra())?.strip_prefix('/')?.split('/').next());
    let tenant = tenant.filter(|tenant| !tenant.is_empty()).unwrap_or("common");
    Ok(answer::json(
        200,
        &json!({
            "tenant_discovery_endpoint": format!("https://{}/{tenant}/v2.0/.well-known/openid-configuration", call.cloud().entra()),
            "api-version": "1.1",
            "metadata": [match call.cloud() {
                Cloud::Public => json!({
                    "preferred_network": "login.microsoftonline.com",
                    "preferred_cache": "login.windows.net",
                    "aliases": ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"],
                }),
                Cloud::UsGovernment => json!({
                    "preferred_network": "login.microsoftonline.us",
                    "preferred_cache": "login.microsoftonline.us",
                    "aliases": ["login.microsoftonline.us", "login.usgovcloudapi.net"],
                }),
            }],
        }),
    ))
}
