//! Who a token is of. It is read for people and for asking about its owner's roles; nothing is believed for its sake.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::scope::Guid;

/// Whom a token speaks for (<https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Identity {
    /// The object id of the service principal or user.
    #[serde(rename = "oid")]
    pub object_id: Guid,
    #[serde(rename = "tid")]
    pub tenant: Guid,
    /// The app, in tokens of version 1.0.
    appid: Option<Guid>,
    /// The same in version 2.0.
    azp: Option<Guid>,
    /// Only in tokens of users.
    scp: Option<String>,
}

impl Identity {
    /// Reads a token; `None` where it is not one that tells.
    pub(crate) fn of(token: &str) -> Option<Self> {
        let claims = token.split('.').nth(1)?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?).ok()
    }

    /// Whether it is a person's.
    pub(super) const fn is_user(&self) -> bool {
        self.scp.is_some()
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_user() {
            return write!(f, "user {} of tenant {}", self.object_id, self.tenant);
        }
        let app = self.appid.or(self.azp).map(|app| format!(" (app {app})")).unwrap_or_default();
        write!(f, "service principal {}{app} of tenant {}", self.object_id, self.tenant)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_tells_whose_it_is_and_anything_else_tells_nothing() {
        let id = |end: char| format!("0b1f6471-1bf0-4dda-aec3-11112222333{end}");
        let token = |claims: &serde_json::Value| format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let app = Identity::of(&token(&json!({ "oid": id('1'), "tid": id('2'), "appid": id('3') }))).unwrap();
        assert_eq!(app.to_string(), format!("service principal {} (app {}) of tenant {}", id('1'), id('3'), id('2')));
        let user = Identity::of(&token(&json!({ "oid": id('1'), "tid": id('2'), "scp": "user_impersonation", "upn": "a@b.c" }))).unwrap();
        assert!(user.is_user());
        assert_eq!(user.to_string(), format!("user {} of tenant {}", id('1'), id('2')));
        for other in ["", "opaque", "a.b.c", "a.e30.c"] {
            assert_eq!(Identity::of(other), None, "{other}");
        }
    }
}
