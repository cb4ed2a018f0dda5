//! The client that follows a profile.

use azure_core::http::headers::{CONTENT_TYPE, HeaderName};
use azure_core::http::{Method, Request};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::profile::{Profile, Template, Verb};
use super::template::Values;
use crate::error::{Code, Error};
use crate::net::{Answer, Api};
use crate::scope::{Guid, printable};

/// The state of a connection, by ISPM's own test of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// ISPM reads through it.
    Connected,
    /// Not tested yet.
    Pending,
    /// The test failed.
    Failed,
}

/// A connection as ISPM shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// ISPM's id.
    pub id: String,
    /// The source name.
    pub name: String,
    /// Its state.
    pub status: Status,
    /// Why the test failed, in ISPM's word.
    pub cause: Option<String>,
}

/// One tenant's ISPM.
pub struct IspmClient {
    api: Api,
    base: Url,
    token: SecretString,
    profile: Profile,
    values: Values,
}

impl std::fmt::Debug for IspmClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IspmClient").field("base", &self.base.as_str()).field("profile", &self.profile.name).finish_non_exhaustive()
    }
}

impl IspmClient {
    /// A client for one tenant. `base` was checked against the allowed hosts when the record was read.
    #[must_use]
    pub fn new(api: Api, base: Url, token: SecretString, profile: Profile, tenant: Guid, entra_source: &str) -> Self {
        let mut values =
            Values { tenant, entra_source: entra_source.to_owned(), connection_name: String::new(), connection_id: String::new() };
        values.connection_name = values.fill(&profile.connection_name);
        Self { api, base, token, profile, values }
    }

    /// The name that a connection made here has.
    #[must_use]
    pub fn connection_name(&self) -> &str {
        &self.values.connection_name
    }

    /// Looks up the Related AAD and compares its directory with the tenant.
    ///
    /// # Errors
    /// `RelatedSourceMismatch` where it is missing or another directory; those of every call: `IspmRefused`, `ConnectionRefused`, `Throttled`, `Unavailable`.
    pub async fn check_source(&self) -> Result<(), Error> {
        let lookup = &self.profile.source;
        let answer = self.send("ispm.sources.list", &lookup.request, &self.values).await?;
        let body: Value = answer.json()?;
        let source = self.items(&body, &lookup.items)?.iter().find(|item| self.values.matches(item, &lookup.conditions));
        let name = printable(&self.values.entra_source);
        let Some(source) = source else {
            return Err(Error::new(Code::RelatedSourceMismatch, format!("ISPM has no Microsoft Entra ID source named \"{name}\""))
                .hint("Finish ISPM's Microsoft Entra ID integration, or correct ispm.entraSource in the tenant record."));
        };
        let directory = source.pointer(&lookup.directory_id).and_then(Value::as_str).and_then(|text| Guid::parse(text).ok());
        if directory == Some(self.values.tenant) {
            return Ok(());
        }
        let words = format!("the Microsoft Entra ID source \"{name}\" is another directory than tenant {}", self.values.tenant);
        Err(Error::new(Code::RelatedSourceMismatch, words)
            .hint("Name the Entra source of this tenant as ispm.entraSource in the tenant record."))
    }

    /// Finds the connection of this Entra source.
    ///
    /// # Errors
    /// Those of every call, and `ProfileInvalid` for a connection that the profile does not describe.
    pub async fn find(&self) -> Result<Option<Connection>, Error> {
        let answer = self.send("ispm.connections.list", &self.profile.find.request, &self.values).await?;
        let body: Value = answer.json()?;
        let found = self.items(&body, &self.profile.find.items)?.iter().find(|item| self.is_ours(item));
        found.map(|item| self.connection(item)).transpose()
    }

    /// Creates the connection, or takes the one that is there already if it is the same. The flag says whether it was created now.
    ///
    /// # Errors
    /// `ConnectionConflict` where the name belongs to another Entra source; those of every call.
    pub async fn create(&self) -> Result<(Connection, bool), Error> {
        let answer = self.send("ispm.connections.create", &self.profile.create.request, &self.values).await?;
        let body: Value = answer.json()?;
        if answer.status() != 409 {
            return Ok((self.connection(&body)?, true));
        }
        let existing = match body.pointer(&self.profile.create.existing_id).and_then(Value::as_str) {
            Some(id) => self.read(id).await?,
            None => None,
        };
        if let Some(connection) = existing {
            return Ok((connection, false));
        }
        if let Some(connection) = self.find().await? {
            return Ok((connection, false));
        }
        let words = format!("ISPM already has another connection named \"{}\"", printable(self.connection_name()));
        Err(Error::new(Code::ConnectionConflict, words)
            .hint("Rename or remove that connection in the ISPM console, then send the event again."))
    }

    /// Reads one connection by its id; `None` where it is gone or another Entra source's.
    async fn read(&self, id: &str) -> Result<Option<Connection>, Error> {
        let values = Values { connection_id: id.to_owned(), ..self.values.clone() };
        let answer = self.send("ispm.connections.get", &self.profile.read.request, &values).await?;
        let body: Value = answer.json()?;
        if self.is_ours(&body) { self.connection(&body).map(Some) } else { Ok(None) }
    }

    fn is_ours(&self, item: &Value) -> bool {
        self.values.matches(item, &self.profile.connection.conditions)
    }

    fn items<'a>(&self, body: &'a Value, pointer: &str) -> Result<&'a [Value], Error> {
        body.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| self.not_described(pointer, "an array"))
    }

    fn connection(&self, item: &Value) -> Result<Connection, Error> {
        let shape = &self.profile.connection;
        let text = |pointer: &str| match item.pointer(pointer) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let word = text(&shape.status).ok_or_else(|| self.not_described(&shape.status, "a status"))?;
        let status = shape.statuses.get(&word).copied().ok_or_else(|| {
            Error::new(
                Code::ProfileInvalid,
                format!("the connect profile {} does not map the status \"{}\"", self.profile.name, printable(&word)),
            )
            .hint("Add the word to connection.statuses in the profile.")
        })?;
        Ok(Connection {
            id: text(&shape.id).ok_or_else(|| self.not_described(&shape.id, "an id"))?,
            name: text(&shape.name).ok_or_else(|| self.not_described(&shape.name, "a name"))?,
            status,
            cause: text(&shape.cause).map(|cause| printable(&cause)),
        })
    }

    fn not_described(&self, pointer: &str, what: &str) -> Error {
        Error::new(
            Code::ProfileInvalid,
            format!("ISPM's answer has not {what} at \"{pointer}\", where the connect profile {} says", self.profile.name),
        )
        .hint("Correct the pointer in the profile, or ISPM's address in the tenant record.")
    }

    /// One call. 2xx and 409 are answers; 401 and 403 are the tenant's trouble; other refusals are final for the scope.
    async fn send(&self, name: &'static str, template: &Template, values: &Values) -> Result<Answer, Error> {
        let query = template.query.iter().map(|(key, value)| (key.clone(), value.clone()));
        let url = values
            .url(&self.base, &template.path, query)
            .ok_or_else(|| Error::new(Code::UnexpectedAnswer, format!("{name}: an id of ISPM's does not fit into a path")))?;
        let method = match template.method {
            Verb::Get => Method::Get,
            Verb::Post => Method::Post,
        };
        let mut request = Request::new(url, method);
        for (header, value) in &self.profile.headers {
            let value = value.replace("{token}", self.token.expose_secret().trim());
            request.insert_header(HeaderName::from(header.to_ascii_lowercase()), value);
        }
        if let Some(body) = &template.body {
            request.insert_header(CONTENT_TYPE, "application/json");
            request.set_body(values.fill_json(body).to_string());
        }
        let answer = self.api.send(name, request).await?;
        match answer.status() {
            200..=201 | 409 => Ok(answer),
            401 => Err(answer.failure(Code::IspmRefused).hint("Put a valid API token into the secret that ispm.tokenSecretName names.")),
            403 => Err(answer.failure(Code::IspmRefused).hint("Give the API token the right to read and create sources in ISPM.")),
            _ => Err(answer
                .failure(Code::ConnectionRefused)
                .hint("Check ispm.url, ispm.entraSource and the connect profile against what ISPM expects.")),
        }
    }
}

impl Values {
    /// Whether an item has each value at its pointer.
    fn matches(&self, item: &Value, conditions: &std::collections::BTreeMap<String, String>) -> bool {
        conditions.iter().all(|(pointer, wanted)| item.pointer(pointer).and_then(Value::as_str) == Some(self.fill(wanted).as_str()))
    }
}
