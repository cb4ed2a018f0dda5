//! The connect profile: a declarative file that says how a connection is found, created, read and removed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Cause;
use crate::error::{Code, Error};
use crate::tenant::expectation;

/// A connect profile.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// Always 1 in this version.
    pub schema_version: u64,
    /// The profile's name, for messages.
    pub name: String,
    /// Headers of every request. `{token}` stands for the API token, and may stand nowhere else.
    pub headers: BTreeMap<String, String>,
    /// What a connection is made for.
    #[serde(default)]
    pub connection_per: ConnectionPer,
    /// The connection's name. It has to be the same for ever, since rights in ISPM are given by name: make it of ids.
    pub connection_name: String,
    /// How the Related AAD is looked up.
    pub source: SourceLookup,
    /// How existing connections are listed.
    pub find: Lookup,
    /// How all connections are listed in one go, where `find` asks for those of one scope. Sweeps and coverage need it then.
    pub list: Option<Lookup>,
    /// How one connection is read by its id.
    pub read: ById,
    /// How a connection is created.
    pub create: Create,
    /// How a connection is removed.
    pub remove: ById,
    /// Where a connection's members stand.
    pub connection: ConnectionShape,
}

/// What a connection is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionPer {
    /// One for each Entra source; it serves whatever the app may read.
    #[default]
    Source,
    /// One for each onboarded scope.
    Scope,
}

/// One HTTP request.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The method.
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
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// Reads.
    Get,
    /// Creates.
    Post,
    /// Creates or replaces under a given key.
    Put,
    /// Removes.
    Delete,
}

/// How the Related AAD is looked up.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceLookup {
    /// The request that lists sources.
    pub request: Template,
    /// JSON pointer to the array of sources.
    pub items: String,
    /// How further pages are asked for.
    pub paging: Option<Paging>,
    /// JSON pointers into a source, and the values that make it the Related AAD.
    #[serde(rename = "where")]
    pub conditions: BTreeMap<String, String>,
    /// JSON pointer to the Entra directory's id.
    pub directory_id: String,
}

/// How connections are listed.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The request that lists connections.
    pub request: Template,
    /// JSON pointer to the array of connections.
    pub items: String,
    /// How further pages are asked for.
    pub paging: Option<Paging>,
}

/// How further pages are asked for.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Paging {
    /// JSON pointer to the next page's address, on the same origin.
    NextLink(String),
    /// A cursor in the answer, sent back as a query parameter.
    Cursor {
        /// JSON pointer to the cursor.
        pointer: String,
        /// The query parameter.
        parameter: String,
    },
}

/// A request about one connection, with `{connectionId}`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ById {
    /// The request.
    pub request: Template,
    /// JSON pointer to the connection in the answer; without it, the whole answer.
    #[serde(default)]
    pub item: String,
}

/// How a connection is created.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Create {
    /// The request that creates.
    pub request: Template,
    /// JSON pointer to the connection in the answer; without it, the whole answer.
    #[serde(default)]
    pub item: String,
    /// JSON pointer, in a 409's body, to the id of the connection that is there already.
    pub existing_id: Option<String>,
    /// Where a bulk answer (207) keeps the status of its one item.
    pub bulk: Option<Bulk>,
    /// Whether the API refuses a second connection of the same kind. Where it does not, connections are read again after creating, and
    /// the younger of two is taken back if it was made here.
    #[serde(default = "yes")]
    pub refuses_duplicates: bool,
}

const fn yes() -> bool {
    true
}

/// Where a bulk answer (207) keeps its items.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// JSON pointer to the array of items.
    pub items: String,
    /// JSON pointer, in an item, to its status, a number as HTTP's.
    pub status: String,
    /// JSON pointer, in an item, to the connection; without it, the whole item.
    #[serde(default)]
    pub item: String,
}

/// Where a connection's members stand.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectionShape {
    /// JSON pointers into a connection, and the values that make it the one looked for.
    #[serde(rename = "where")]
    pub conditions: BTreeMap<String, String>,
    /// JSON pointers into a connection, and the values that mark it as made here. Only such a connection is ever removed.
    #[serde(default)]
    pub owner: BTreeMap<String, String>,
    /// JSON pointer to its id.
    pub id: String,
    /// JSON pointer to its name.
    pub name: String,
    /// JSON pointer to its status word.
    pub status: String,
    /// JSON pointer to the cause of a failed status.
    pub cause: Option<String>,
    /// JSON pointer to a time or number that grows with each connection.
    pub created_at: Option<String>,
    /// Status words and what they mean.
    pub statuses: BTreeMap<String, Meaning>,
    /// Words at `cause` and what they mean.
    #[serde(default)]
    pub causes: BTreeMap<String, Cause>,
}

/// What a status word means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// ISPM reads through it.
    Connected,
    /// Not tested yet.
    Pending,
    /// The test failed; the cause stands elsewhere, or nowhere.
    Failed,
    /// The test failed: the credentials were refused.
    FailedAuthentication,
    /// The test failed: a right is missing.
    MissingPermissions,
    /// The test failed: something is not set up.
    MissingConfiguration,
}

impl Profile {
    /// The text of the profile that ships.
    pub const SHIPPED: &str = include_str!("profiles/default.json");

    /// The profile that ships.
    ///
    /// # Errors
    /// None for the file as it is; the signature is that of [`Profile::read`].
    pub fn shipped() -> Result<Self, Error> {
        Self::read(Self::SHIPPED, "default")
    }

    /// Reads and checks a profile.
    ///
    /// # Errors
    /// `ProfileInvalid`, with the place in the file and what is expected there.
    pub fn read(text: &str, name: &str) -> Result<Self, Error> {
        let invalid = |words: String| {
            Error::new(Code::ProfileInvalid, format!("the connect profile {name} is not valid: {words}"))
                .hint("Correct the profile; docs/connect-profile.md describes each member, and `ispm-onboarder profile FILE` checks one.")
        };
        let mut json = serde_json::Deserializer::from_str(text);
        let profile: Self = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| invalid(format!("line {}, {}", error.inner().line(), expectation(&error))))?;
        json.end().map_err(|_| invalid("something stands after its end".to_owned()))?;
        super::check::check(&profile).map_err(invalid)?;
        Ok(profile)
    }
}
