//! Tokens for apps as resources: signed with Entra's published key, with the caller's app roles (Microsoft identity platform, "Access token
//! claims reference").

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::jwt;
use crate::services::Call;
use crate::token::Subject;
use crate::world::{AccessTokenVersion, Application, made_up_id};

/// An app that a token is asked for.
pub(super) struct Resource {
    app_id: String,
    /// What it was asked for by: an App ID URI or the app id.
    named: String,
}

/// The app that `resource` names, when it is there and has a service principal in the tenant.
pub(super) fn find(call: &Call<'_>, tenant_id: &str, resource: &str) -> Option<Resource> {
    let is_named = |id: &str, app: &Application| id.eq_ignore_ascii_case(resource) || app.identifier_uris.iter().any(|uri| uri == resource);
    let (app_id, _) = call.world.applications.iter().find(|(id, app)| is_named(id, app))?;
    call.world.tenants.get(tenant_id)?.service_principal_of(app_id)?;
    Some(Resource { app_id: app_id.clone(), named: resource.to_owned() })
}

/// A token for the app. Who has no role on it gets one too, without `roles`.
pub(super) fn issue(call: &Call<'_>, subject: &Subject<'_>, resource: &Resource, with_secret: bool) -> String {
    let version = call.world.applications.get(&resource.app_id).map(|app| app.access_token_version).unwrap_or_default();
    let mut claims = common(call, subject);
    // How the caller proved itself: 1 for a secret, 2 for an assertion.
    let proof = if with_secret { "1" } else { "2" };
    let own = match version {
        AccessTokenVersion::V1 => json!({
            "aud": resource.named,
            "iss": format!("https://sts.windows.net/{}/", subject.tenant_id),
            "appid": subject.client_id,
            "appidacr": proof,
            "idp": format!("https://sts.windows.net/{}/", subject.tenant_id),
            "ver": "1.0",
        }),
        AccessTokenVersion::V2 => json!({
            "aud": resource.app_id,
            "iss": format!("https://{}/{}/v2.0", call.cloud().entra(), subject.tenant_id),
            "azp": subject.client_id,
            "azpacr": proof,
            "ver": "2.0",
        }),
    };
    let roles = roles(call, subject, &resource.app_id);
    if let (Some(claims), Value::Object(own)) = (claims.as_object_mut(), own) {
        claims.extend(own);
        claims.extend((!roles.is_empty()).then(|| ("roles".to_owned(), json!(roles))));
    }
    jwt::ENTRA.sign(&claims)
}

fn common(call: &Call<'_>, subject: &Subject<'_>) -> Value {
    let issued = call.now.unix_timestamp();
    let lifetime = i64::try_from(call.world.settings.token_lifetime_seconds).unwrap_or(i64::MAX);
    json!({
        "iat": issued,
        "nbf": issued,
        "exp": issued.saturating_add(lifetime),
        "tid": subject.tenant_id,
        "oid": subject.principal_id,
        "sub": subject.principal_id,
        "uti": made_up_id(&format!("token/{}", call.number)).simple().to_string(),
    })
}

fn roles(call: &Call<'_>, subject: &Subject<'_>, app_id: &str) -> BTreeSet<String> {
    let tenant = call.world.tenants.get(subject.tenant_id);
    let caller = tenant.and_then(|tenant| tenant.service_principals.get(subject.principal_id));
    caller.and_then(|principal| principal.app_roles.get(app_id)).cloned().unwrap_or_default()
}
