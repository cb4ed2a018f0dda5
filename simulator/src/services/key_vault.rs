//! Key Vault secrets (Azure REST API specification, Microsoft.KeyVault `secrets`; documentation, "Authentication, requests and responses").

use std::collections::BTreeMap;
use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Answer, Call, Routed, answer};
use crate::Response;
use crate::cloud::Cloud;
use crate::target::Target;
use crate::token::{Claims, Refusal};
use crate::world::{SecretVersion, made_up_id};

/// The versions in which secrets are read and set alike, oldest first.
const API_VERSIONS: [&str; 5] = ["7.4", "7.5", "7.6", "2025-07-01", "2026-04-01"];
/// The longest value, in bytes ("Azure Key Vault secrets", 25 KB).
const LIMIT_BYTES: usize = 25_600;
/// The most secrets on a page of a list, and how many there are where the request does not say (REST reference, "Get Secrets").
const MOST_SECRETS: usize = 25;
/// The longest name (specification, pattern of `secret-name`).
const LONGEST_NAME: usize = 127;

pub(super) fn route(vault: &str, method: &Method, target: &Target) -> Routed {
    let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
    let vault = vault.to_owned();
    let (name, version) = match (method, path.as_slice()) {
        (&Method::PUT, ["secrets", name]) => {
            let name = (*name).to_owned();
            return Routed::new("key-vault.secret.set", move |call| set(call, &vault, &name));
        }
        (&Method::GET, ["secrets"]) => return Routed::new("key-vault.secrets.list", move |call| list(call, &vault)),
        (&Method::GET, ["secrets", name]) => ((*name).to_owned(), None),
        (&Method::GET, ["secrets", name, version]) => ((*name).to_owned(), Some((*version).to_owned())),
        _ => return Routed::not_modelled("key-vault.unknown", method, target),
    };
    Routed::new("key-vault.secret.get", move |call| get(call, &vault, &name, version.as_deref()))
}

/// Checks the token, the version, and whether the caller may perform this action on a secret, or on the vault as such. Who may not is told
/// so before whether there is such a secret.
fn admit(call: &Call<'_>, name: &str, secret: Option<&str>, action: &str) -> Result<(), Box<Response>> {
    let vault = call.world.vaults.get(name).ok_or_else(removed)?;
    let audience = call.cloud().key_vault_audience();
    let caller = call.verify_in(&vault.tenant_id, &[audience]).map_err(|refusal| challenge(call.cloud(), &refusal, &vault.tenant_id))?;
    match call.target.query("api-version") {
        Some(own) if API_VERSIONS.contains(&own) => {
            let allowed = call.allows(&vault.grants, &caller.oid, None, &format!("vaults/secrets/{action}/action").to_ascii_lowercase());
            if allowed { Ok(()) } else { Err(forbidden(&caller, name, secret, action)) }
        }
        Some(other) => Err(bad_parameter(&format!(
            "The specified version ({other}) is not recognized. Consider using the latest supported version (2026-04-01)."
        ))),
        None => Err(bad_parameter("api-version must be specified")),
    }
}

fn removed() -> Box<Response> {
    answer::not_modelled("a vault that was removed")
}

fn bad_parameter(message: &str) -> Box<Response> {
    answer::error(400, "BadParameter", message)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    value: String,
    content_type: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    attributes: GivenAttributes,
}

#[derive(Default, Deserialize)]
struct GivenAttributes {
    enabled: Option<bool>,
    /// Seconds since 1970, as is `exp`.
    nbf: Option<i64>,
    exp: Option<i64>,
}

/// A new version of a secret, which is the newest from now on.
fn set(call: &mut Call<'_>, vault: &str, name: &str) -> Answer {
    admit(call, vault, Some(name), "setSecret")?;
    if name.len() > LONGEST_NAME || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(bad_parameter(&format!("The request URI contains an invalid name: {name}")));
    }
    let given: Given = serde_json::from_slice(call.request.body())
        .map_err(|cause| bad_parameter(&format!("The request body is not a secret: {cause}.")))?;
    if given.value.len() > LIMIT_BYTES {
        return Err(bad_parameter("The secret value has a length greater than 25600."));
    }
    let moment = |seconds: Option<i64>| {
        let moment = seconds.map(OffsetDateTime::from_unix_timestamp).transpose();
        moment.map_err(|_| bad_parameter("Property has invalid value: attributes"))
    };
    let (not_before, expires_on) = (moment(given.attributes.nbf)?, moment(given.attributes.exp)?);
    // A name keeps the case in which it was first written.
    let known = call.world.vaults.get(vault).and_then(|vault| vault.secrets.keys().find(|own| own.eq_ignore_ascii_case(name)));
    let name = known.cloned().unwrap_or_else(|| name.to_owned());
    let (cloud, now) = (call.cloud(), call.now);
    let version = call.world.set_secret(vault, &name, &given.value);
    version.content_type = given.content_type;
    version.tags = given.tags;
    version.enabled = given.attributes.enabled.unwrap_or(true);
    (version.not_before, version.expires_on, version.created_on) = (not_before, expires_on, now);
    let body = shown(cloud, vault, &name, version);
    call.changed = true;
    Ok(answer::json(200, &body))
}

fn get(call: &mut Call<'_>, vault_name: &str, name: &str, version: Option<&str>) -> Answer {
    admit(call, vault_name, Some(name), "getSecret")?;
    let vault = call.world.vaults.get(vault_name).ok_or_else(removed)?;
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
    Ok(answer::json(200, &shown(call.cloud(), vault_name, name, secret)))
}

/// The secrets by name, without their values: disabled ones too, and no versions. A page names the last secret shown before it.
fn list(call: &mut Call<'_>, vault_name: &str) -> Answer {
    admit(call, vault_name, None, "readMetadata")?;
    if let Some(other) = call.target.query_beyond(&["api-version", "maxresults", "$skiptoken"]) {
        return Err(answer::not_modelled(&format!("the query parameter {other} of {}", call.target.shown())));
    }
    let most = match call.target.query("maxresults") {
        None => MOST_SECRETS,
        Some(text) => text
            .parse()
            .ok()
            .filter(|most| (1..=MOST_SECRETS).contains(most))
            .ok_or_else(|| bad_parameter("maxresults must be a number from 1 to 25."))?,
    };
    let most = [most, call.world.settings.page_size].into_iter().filter(|most| *most > 0).min().unwrap_or(most);
    let after = match call.target.query("$skiptoken") {
        Some(token) => Bound::Excluded(decoded(token).ok_or_else(|| bad_parameter("The $skiptoken is invalid."))?),
        None => Bound::Unbounded,
    };
    let vault = call.world.vaults.get(vault_name).ok_or_else(removed)?;
    let mut rest = vault.secrets.range((after, Bound::Unbounded)).filter_map(|(name, versions)| Some((name, versions.last()?)));
    let shown: Vec<(&String, &SecretVersion)> = rest.by_ref().take(most).collect();
    let next = shown.last().filter(|_| rest.next().is_some()).map(|(name, _)| {
        let link = call.target.with_query("$skiptoken", &BASE64.encode(name));
        // The service writes the port.
        let domain = call.cloud().key_vault();
        link.replacen(&format!("{domain}/"), &format!("{domain}:443/"), 1)
    });
    let value: Vec<Value> = shown.into_iter().map(|(name, secret)| item(call.cloud(), vault_name, name, secret)).collect();
    Ok(answer::json(200, &json!({"value": value, "nextLink": next})))
}

/// The last name on a page, out of the link to the next.
fn decoded(token: &str) -> Option<String> {
    String::from_utf8(BASE64.decode(token).ok()?).ok()
}

/// A secret bundle. `exp` and `nbf` are shown and not enforced: "A secret's get operation will work for not-yet-valid and expired secrets,
/// outside the nbf / exp window" (documentation, "About Azure Key Vault secrets").
fn shown(cloud: Cloud, vault: &str, name: &str, secret: &SecretVersion) -> Value {
    let mut bundle = item(cloud, vault, &format!("{name}/{}", secret.version), secret);
    bundle["value"] = json!(secret.value.reveal());
    bundle
}

/// What lists show of a secret.
fn item(cloud: Cloud, vault: &str, path: &str, secret: &SecretVersion) -> Value {
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
    let mut item = json!({
        "id": format!("https://{vault}.{}/secrets/{path}", cloud.key_vault()),
        "attributes": attributes,
        "tags": secret.tags,
    });
    if let Some(content_type) = &secret.content_type {
        item["contentType"] = json!(content_type);
    }
    item
}

/// The 403 of a vault whose access is by roles, as others have recorded it.
fn forbidden(caller: &Claims, vault: &str, secret: Option<&str>, action: &str) -> Box<Response> {
    let secret = secret.map(|name| format!("/secrets/{}", name.to_ascii_lowercase())).unwrap_or_default();
    let message = format!(
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed \
         recently, please observe propagation time.\r\nCaller: appid={};oid={};iss={}\r\nAction: \
         'Microsoft.KeyVault/vaults/secrets/{action}/action'\r\nResource: '/subscriptions/{}/resourcegroups/simulated/providers/\
         microsoft.keyvault/vaults/{vault}{secret}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: \
         'DeniedWithNoValidRBAC' \r\nVault: {vault};location=westeurope\r\n",
        caller.appid,
        caller.oid,
        caller.iss,
        made_up_id("vaults' subscription"),
    );
    let body = json!({"error": {"code": "Forbidden", "message": message, "innererror": {"code": "ForbiddenByRbac"}}});
    Box::new(answer::json(403, &body))
}

/// The 401 by which a client learns where to sign in.
fn challenge(cloud: Cloud, refusal: &Refusal, tenant_id: &str) -> Box<Response> {
    let audience = cloud.key_vault_audience();
    let other = format!("AKV10022: Invalid audience. Expected {audience}.");
    let (message, extra) = match refusal {
        Refusal::Missing => ("AKV10000: Request is missing a Bearer or PoP token.", ""),
        Refusal::Forged => ("AKV10022: Invalid token signature.", r#", error="invalid_token""#),
        Refusal::Expired => ("AKV10027: The access token has expired.", r#", error="invalid_token""#),
        Refusal::Audience(_) => (other.as_str(), r#", error="invalid_token""#),
        Refusal::Tenant(_) => ("AKV10032: Invalid issuer. The token was issued by another tenant.", r#", error="invalid_token""#),
    };
    let header = format!(r#"Bearer authorization="https://{}/{tenant_id}", resource="{audience}"{extra}"#, cloud.entra());
    let response = answer::error(401, "Unauthorized", message);
    Box::new(answer::with_header(*response, "www-authenticate", &header))
}
