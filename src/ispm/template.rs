//! Placeholders in a profile, and the values that may stand for them.

use serde_json::Value;
use url::Url;

use crate::scope::Guid;

/// The placeholders that paths, queries and bodies may use. `{token}` is for header values only.
pub const PLACEHOLDERS: [&str; 4] = ["tenantId", "entraSource", "connectionName", "connectionId"];

/// The values behind the placeholders of one tenant.
#[derive(Clone, Debug)]
pub struct Values {
    /// The Entra tenant.
    pub tenant: Guid,
    /// The name of the Microsoft Entra ID source.
    pub entra_source: String,
    /// The connection's name, once the profile has made it of the tenant's id.
    pub connection_name: String,
    /// The connection's id, for reading one.
    pub connection_id: String,
}

impl Values {
    /// The text with each placeholder replaced.
    #[must_use]
    pub fn fill(&self, template: &str) -> String {
        template
            .replace("{tenantId}", &self.tenant.to_string())
            .replace("{connectionName}", &self.connection_name)
            .replace("{connectionId}", &self.connection_id)
            .replace("{entraSource}", &self.entra_source)
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
                if segment.is_empty() || segment == "." || segment == ".." {
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

    #[test]
    fn values_stay_in_their_segment() {
        let mut values = Values {
            tenant: Guid::parse("0b1f6471-1bf0-4dda-aec3-111122223333").unwrap(),
            entra_source: "Contoso & Söhne/EU".to_owned(),
            connection_name: String::new(),
            connection_id: "a/../../admin?x=1#y".to_owned(),
        };
        let base = Url::parse("https://contoso.spera-app.com/gateway/").unwrap();
        let url = values.url(&base, "/c/{connectionId}", [("name".to_owned(), "{entraSource}".to_owned())].into_iter()).unwrap();
        assert_eq!(url.as_str(), "https://contoso.spera-app.com/gateway/c/a%2F..%2F..%2Fadmin%3Fx=1%23y?name=Contoso+%26+S%C3%B6hne%2FEU");
        for id in ["", ".", ".."] {
            id.clone_into(&mut values.connection_id);
            assert!(values.url(&base, "/c/{connectionId}", std::iter::empty()).is_none(), "{id:?}");
        }
    }
}
