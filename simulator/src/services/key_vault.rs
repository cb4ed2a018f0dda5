//! Key Vault secrets (Azure REST API specification, Microsoft.KeyVault `secrets`; documentation, "Authentication, requests and responses").

use http::Method;
use serde_json::{Value, json};

use super::{Answer, Call, Routed, answer};
use crate::Response;
use crate::target::Target;
use crate::token::Refusal;
use crate::world::SecretVersion;

const API_VERSIONS: [&str; 4] = ["7.4", "7.5", "7.6", "2025-07-01"];
const AUDIENCE: &str = "https://vault.azure.net";

pub(super) fn route(vault: &str, method: &Method, target: &Target) -> Routed {
    let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
    let (name, version) = match (method, path.as_slice()) {
        (&Method::GET, ["secrets", name]) => ((*name).to_owned(), None),
        (&Method::GET, ["secrets", name, version]) => ((*name).to_owned(), Some((*version).to_owned())),
        _ => return Routed::not_modelled("key-vault.unknown", method, target),
    };
    let vault = vault.to_owned();
    Routed::new("key-vault.secret.get", move |call| get(call, &vault, &name, version.as_deref()))
}

fn get(call: &mut Call<'_>, vault_name: &str, name: &str, version: Option<&str>) -> Answer {
    let vault = call.world.vaults.get(vault_name).ok_or_else(|| answer::not_modelled("a vault that was removed"))?;
    call.verify_in(&vault.tenant_id, &[AUDIENCE]).map_err(|refusal| challenge(&refusal, &vault.tenant_id))?;
    match call.target.query("api-version") {
        Some(own) if API_VERSIONS.contains(&own) => {}
        Some(other) => {
            return Err(answer::error(
                400,
                "BadParameter",
                &format!("The specified version ({other}) is not recognized. Consider using the latest supported version (2025-07-01)."),
            ));
        }
        None => return Err(answer::error(400, "BadParameter", "api-version must be specified")),
    }
    let Some(secret) = vault.secret(name, version) else {
        let message = format!(
            "A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret you may be able to recover it \
             using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
        );
        return Err(answer::error(404, "SecretNotFound", &message));
    };
    if !secret.enabled {
        let body = json!({"error": {
            "code": "Forbidden",
            "message": "Operation get is not allowed on a disabled secret.",
            "innererror": {"code": "SecretDisabled"},
        }});
        return Err(Box::new(answer::json(403, &body)));
    }
    Ok(answer::json(200, &shown(vault_name, name, secret)))
}

/// A secret bundle. `exp` and `nbf` are shown and not enforced: "A secret's get operation will work for not-yet-valid and expired secrets,
/// outside the nbf / exp window" (documentation, "About Azure Key Vault secrets").
fn shown(vault: &str, name: &str, secret: &SecretVersion) -> Value {
    let mut attributes = json!({
        "enabled": secret.enabled,
        "created": secret.created_on.unix_timestamp(),
        "updated": secret.created_on.unix_timestamp(),
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": 90,
    });
    if let Some(not_before) = secret.not_before {
        attributes["nbf"] = json!(not_before.unix_timestamp());
    }
    if let Some(expires_on) = secret.expires_on {
        attributes["exp"] = json!(expires_on.unix_timestamp());
    }
    let mut bundle = json!({
        "value": secret.value.reveal(),
        "id": format!("https://{vault}.vault.azure.net/secrets/{name}/{}", secret.version),
        "attributes": attributes,
        "tags": {},
    });
    if let Some(content_type) = &secret.content_type {
        bundle["contentType"] = json!(content_type);
    }
    bundle
}

/// The 401 by which a client learns where to sign in.
fn challenge(refusal: &Refusal, tenant_id: &str) -> Box<Response> {
    let (message, extra) = match refusal {
        Refusal::Missing => ("AKV10000: Request is missing a Bearer or PoP token.", ""),
        Refusal::Forged => ("AKV10022: Invalid token signature.", r#", error="invalid_token""#),
        Refusal::Expired => ("AKV10027: The access token has expired.", r#", error="invalid_token""#),
        Refusal::Audience(_) => ("AKV10022: Invalid audience. Expected https://vault.azure.net.", r#", error="invalid_token""#),
        Refusal::Tenant(_) => ("AKV10032: Invalid issuer. The token was issued by another tenant.", r#", error="invalid_token""#),
    };
    let header = format!(r#"Bearer authorization="https://login.microsoftonline.com/{tenant_id}", resource="{AUDIENCE}"{extra}"#);
    let response = answer::error(401, "Unauthorized", message);
    Box::new(answer::with_header(*response, "www-authenticate", &header))
}
