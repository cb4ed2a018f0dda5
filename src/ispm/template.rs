//! Placeholders in a profile, and the values that may stand for them.

use serde_json::Value;
use url::Url;

use crate::scope::{Guid, Scope};

/// The placeholders that paths, queries, bodies and conditions may use. `{token}` is for header values only.
pub const PLACEHOLDERS: [&str; 7] = ["tenantId", "entraSource", "scope", "scopeKind", "scopeId", "connectionName", "connectionId"];
/// The placeholders that the connection's name may use.
pub const NAME_PLACEHOLDERS: [&str; 4] = ["tenantId", "scope", "scopeKind", "scopeId"];

/// The values behind the placeholders of one call.
#[derive(Clone, Debug)]
pub struct Values {
    tenant: Guid,
    entra_source: String,
    scope: Scope,
    connection_name: String,
    connection_id: String,
}

impl Values {
    /// The values of a tenant and a scope; `name` is the profile's template of the connection's name.
    #[must_use]
    pub fn new(tenant: Guid, entra_source: &str, scope: &Scope, name: &str) -> Self {
        let unnamed = Self {
            tenant,
            entra_source: entra_source.to_owned(),
            scope: scope.clone(),
            connection_name: String::new(),
            connection_id: String::new(),
        };
        Self { connection_name: unnamed.fill(name), ..unnamed }
    }

    /// The same values, about one connection.
    #[must_use]
    pub fn about(&self, connection_id: &str) -> Self {
        Self { connection_id: connection_id.to_owned(), ..self.clone() }
    }

    /// The connection's name.
    #[must_use]
    pub fn connection_name(&self) -> &str {
        &self.connection_name
    }

    fn value_of(&self, placeholder: &str) -> Option<String> {
        let (kind, id) = match &self.scope {
            Scope::Subscription(id) => ("subscription", id.to_string()),
            Scope::ManagementGroup(name) => ("management-group", name.to_string()),
        };
        Some(match placeholder {
            "tenantId" => self.tenant.to_string(),
            "entraSource" => self.entra_source.clone(),
            "scope" => self.scope.path(),
            "scopeKind" => kind.to_owned(),
            "scopeId" => id,
            "connectionName" => self.connection_name.clone(),
            "connectionId" => self.connection_id.clone(),
            _ => return None,
        })
    }

    /// The text with each placeholder replaced, once: a value that looks like a placeholder stays as it is.
    #[must_use]
    pub fn fill(&self, template: &str) -> String {
        let mut pieces = template.split('{');
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            match piece.split_once('}').and_then(|(name, rest)| Some((self.value_of(name)?, rest))) {
                Some((value, rest)) => filled.extend([value.as_str(), rest]),
                None => filled.extend(["{", piece]),
            }
        }
        filled
    }

    /// A JSON document with the placeholders in its strings replaced.
    #[must_use]
    pub fn fill_json(&self, template: &Value) -> Value {
        match template {
            Value::String(text) => Value::String(self.fill(text)),
            Value::Array(items) => items.iter().map(|item| self.fill_json(item)).collect(),
            Value::Object(members) => members.iter().map(|(key, member)| (key.clone(), self.fill_json(member))).collect(),
            other => other.clone(),
        }
    }

    /// The URL of a profile's path below the tenant's ISPM address. Each value stays inside its own path segment; `None` where it would
    /// step out of it.
    #[must_use]
    pub fn url(&self, base: &Url, path: &str, query: impl Iterator<Item = (String, String)>) -> Option<Url> {
        let mut url = base.clone();
        {
            let mut segments = url.path_segments_mut().ok()?;
            segments.pop_if_empty();
            for template in path.trim_start_matches('/').split('/') {
                let segment = self.fill(template);
                // `Url` drops tabs and line breaks, so that what is left would be another segment, or one that climbs.
                if segment.is_empty() || segment == "." || segment == ".." || segment.chars().any(char::is_control) {
                    return None;
                }
                segments.push(&segment);
            }
        }
        let pairs: Vec<_> = query.map(|(name, value)| (name, self.fill(&value))).collect();
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        Some(url)
    }
}

/// The names in braces that a template uses.
pub fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        let tenant = Guid::parse("0b1f6471-1bf0-4dda-aec3-111122223333").unwrap();
        let scope = Scope::parse("/providers/Microsoft.Management/managementGroups/corp").unwrap();
        Values::new(tenant, "Contoso & Söhne/EU {tenantId}", &scope, "azure-{scopeKind}-{scopeId}")
    }

    #[test]
    fn values_stay_in_their_segment() {
        let base = Url::parse("https://contoso.spera-app.com/gateway/").unwrap();
        let query = || [("name".to_owned(), "{entraSource}".to_owned())].into_iter();
        let url = values().about("a/../../admin?x=1#y").url(&base, "/c/{connectionId}", query()).unwrap();
        assert_eq!(url.path(), "/gateway/c/a%2F..%2F..%2Fadmin%3Fx=1%23y");
        assert_eq!(url.query(), Some("name=Contoso+%26+S%C3%B6hne%2FEU+%7BtenantId%7D"));
        for id in ["", ".", "..", ".\t.", "a\nb"] {
            assert!(values().about(id).url(&base, "/c/{connectionId}", query()).is_none(), "{id:?}");
        }
    }

    #[test]
    fn a_value_is_not_a_template() {
        assert_eq!(
            values().fill("{entraSource}|{connectionName}|{other}|{"),
            "Contoso & Söhne/EU {tenantId}|azure-management-group-corp|{other}|{"
        );
    }
}
