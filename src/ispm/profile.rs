//! The connect profile: a declarative file that says how a connection is found, created and read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::template::{PLACEHOLDERS, placeholders};
use crate::error::{Code, Error};
use crate::tenant::expectation;

/// A connect profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    schema_version: u64,
    /// The profile's name, for messages.
    pub name: String,
    /// Headers of every request; `{token}` stands for the API token.
    pub headers: BTreeMap<String, String>,
    /// The connection's name, made of the tenant's id: it has to be the same for ever, since rights in ISPM are given by name.
    pub connection_name: String,
    /// How the Related AAD is looked up.
    pub source: SourceLookup,
    /// How an existing connection is found.
    pub find: Lookup,
    /// How one connection is read by its id.
    pub read: Read,
    /// How a connection is created.
    pub create: Create,
    /// Where a connection's members stand.
    pub connection: ConnectionShape,
}

/// One HTTP request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// GET or POST.
    pub method: Verb,
    /// A path below the tenant's ISPM address.
    pub path: String,
    /// Query parameters.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// A JSON body.
    pub body: Option<Value>,
}

/// The methods that a profile may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// Reads.
    Get,
    /// Creates.
    Post,
}

/// How the Related AAD is looked up.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceLookup {
    /// The request that lists sources.
    pub request: Template,
    /// Pointer to the array of sources.
    pub items: String,
    /// Pointers into a source, and the values that make it the Related AAD.
    #[serde(rename = "where")]
    pub conditions: BTreeMap<String, String>,
    /// Pointer to the Entra directory's id.
    pub directory_id: String,
}

/// How connections are listed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The request that lists connections.
    pub request: Template,
    /// Pointer to the array of connections.
    pub items: String,
}

/// How one connection is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// The request, with `{connectionId}`.
    pub request: Template,
}

/// How a connection is created.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Create {
    /// The request that creates.
    pub request: Template,
    /// Pointer, in a 409's body, to the id of the connection that is there already.
    pub existing_id: String,
}

/// Where a connection's members stand.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionShape {
    /// Pointers into a connection, and the values that make it the one of this Entra source.
    #[serde(rename = "where")]
    pub conditions: BTreeMap<String, String>,
    /// Pointer to its id.
    pub id: String,
    /// Pointer to its name.
    pub name: String,
    /// Pointer to its status word.
    pub status: String,
    /// Pointer to the cause of a failed status.
    pub cause: String,
    /// Status words and what they mean.
    pub statuses: BTreeMap<String, super::Status>,
}

impl Profile {
    /// The profile that ships.
    ///
    /// # Errors
    /// None for the file as it is; the signature is that of [`Profile::read`].
    pub fn shipped() -> Result<Self, Error> {
        Self::read(include_str!("profiles/default.json"), "default")
    }

    /// Reads and checks a profile.
    ///
    /// # Errors
    /// `ProfileInvalid`, with the place in the file and what is expected there.
    pub fn read(text: &str, name: &str) -> Result<Self, Error> {
        let invalid = |words: String| {
            Error::new(Code::ProfileInvalid, format!("the connect profile {name} is not valid: {words}"))
                .hint("Correct the profile in the secret store; docs/connect-profile.md describes each member.")
        };
        let mut json = serde_json::Deserializer::from_str(text);
        let profile: Self = serde_path_to_error::deserialize(&mut json).map_err(|error| invalid(expectation(&error)))?;
        profile.check().map_err(invalid)?;
        Ok(profile)
    }

    fn check(&self) -> Result<(), String> {
        if self.schema_version != 1 {
            return Err("schemaVersion: expected 1".to_owned());
        }
        let requests = [
            ("source.request", &self.source.request),
            ("find.request", &self.find.request),
            ("read.request", &self.read.request),
            ("create.request", &self.create.request),
        ];
        for (place, template) in requests {
            check_template(template).map_err(|words| format!("{place}.{words}"))?;
        }
        let pointers = [
            ("source.items", &self.source.items),
            ("source.directoryId", &self.source.directory_id),
            ("find.items", &self.find.items),
            ("create.existingId", &self.create.existing_id),
            ("connection.id", &self.connection.id),
            ("connection.name", &self.connection.name),
            ("connection.status", &self.connection.status),
            ("connection.cause", &self.connection.cause),
        ];
        let conditions = [("source.where", &self.source.conditions), ("connection.where", &self.connection.conditions)];
        let keys = conditions.iter().flat_map(|(place, map)| map.keys().map(move |key| (*place, key)));
        for (place, pointer) in pointers.into_iter().chain(keys) {
            if !(pointer.is_empty() || pointer.starts_with('/')) {
                return Err(format!("{place}: expected a JSON pointer, beginning with \"/\" or empty"));
            }
        }
        match conditions.iter().find(|(_, map)| map.is_empty()) {
            Some((place, _)) => Err(format!("{place}: expected at least one condition, or the first item found would count as ours")),
            None => check_placeholders("connectionName", &self.connection_name),
        }
    }
}

fn check_template(template: &Template) -> Result<(), String> {
    let path = &template.path;
    if !path.starts_with('/') || path.contains("//") || path.contains("..") || path.contains(['?', '#', '\\']) {
        return Err("path: expected a plain path such as /api/v1/connections; queries go into \"query\"".to_owned());
    }
    check_placeholders("path", path)?;
    for (key, value) in &template.query {
        check_placeholders(&format!("query.{key}"), value)?;
    }
    template.body.as_ref().map_or(Ok(()), |body| check_placeholders("body", &body.to_string()))
}

/// Anything in braces that looks like a placeholder has to be one; JSON's own braces never directly enclose a word.
fn check_placeholders(place: &str, text: &str) -> Result<(), String> {
    let is_word = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric());
    match placeholders(text).filter(is_word).find(|name| !PLACEHOLDERS.contains(name)) {
        Some(unknown) => Err(format!("{place}: unknown placeholder {{{unknown}}}, expected one of {}", PLACEHOLDERS.join(", "))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(from: &str, to: &str) -> Error {
        let text = include_str!("profiles/default.json");
        assert!(text.contains(from), "{from}");
        Profile::read(&text.replace(from, to), "test").unwrap_err()
    }

    #[test]
    fn the_shipped_profile_is_valid() {
        assert_eq!(Profile::shipped().unwrap().name, "default");
    }

    #[test]
    fn faults_are_named_by_their_place() {
        for (from, to, place) in [
            ("\"/api/v1/sources\"", "\"https://evil.example/steal\"", "source.request.path"),
            ("\"/api/v1/sources\"", "\"/../admin\"", "source.request.path"),
            ("/api/v1/connections/{connectionId}", "/api/v1/connections/{token}", "read.request.path: unknown placeholder {token}"),
            (
                "\"{connectionName}\", \"relatedSource\"",
                "\"{token}\", \"relatedSource\"",
                "create.request.body: unknown placeholder {token}",
            ),
            ("\"items\": \"/data\"", "\"items\": \"data\"", "source.items"),
            ("{ \"/type\": \"azure\", \"/relatedSource\": \"{entraSource}\" }", "{}", "connection.where"),
            ("\"failed\": \"failed\"", "\"failed\": \"odd\"", "connection.statuses.failed"),
            ("\"GET\"", "\"DELETE\"", "source.request.method"),
            ("\"schemaVersion\": 1", "\"schemaVersion\": 2", "schemaVersion"),
        ] {
            let error = changed(from, to);
            assert_eq!(error.code, Code::ProfileInvalid);
            assert!(error.message.contains(place), "{place:?} in {:?}", error.message);
        }
    }
}
