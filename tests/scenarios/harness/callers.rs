//! Callers with Entra tokens.

use ispm_onboarder_simulator::{DemoCast, Simulator, TokenKey};
use serde_json::{Value, json};

use super::{EPOCH, Given};

/// A deployment that takes Contoso's tokens.
pub fn taking_tokens() -> Given {
    let cast = DemoCast::of(7);
    Given::demo()
        .setting("ONBOARDER_ENTRA_AUDIENCE", &format!("{}, {}", cast.api.client_id, cast.api.app_id_uri))
        .setting("ONBOARDER_ENTRA_CALLERS", &cast.tenant)
}

/// The claims of a token that is taken, with this app role.
pub fn claims(role: &str) -> Value {
    let (cast, now) = (DemoCast::of(7), EPOCH.unix_timestamp());
    json!({
        "aud": cast.api.app_id_uri, "iss": format!("https://sts.windows.net/{}/", cast.tenant), "iat": now, "nbf": now, "exp": now + 3599,
        "tid": cast.tenant, "oid": cast.api.caller_principal_id, "appid": cast.api.caller_client_id, "sub": cast.api.caller_principal_id,
        "roles": [role], "ver": "1.0",
    })
}

/// What stands in `Authorization`.
pub fn bearer(claims: &Value, key: TokenKey) -> String {
    format!("Bearer {}", Simulator::sign_token(claims, key))
}
