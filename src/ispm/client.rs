//! The client that follows a profile.

use std::collections::{BTreeMap, BTreeSet};

use azure_core::http::headers::{CONTENT_TYPE, HeaderName};
use azure_core::http::{Method, Request};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use super::answers::{Next, short_text, text};
use super::check::{names_a_scope, names_a_scope_in};
use super::profile::{ConnectionPer, Create, Paging, Profile, Template, Verb};
use super::template::Values;
use super::{Connection, Connections, Found, Seen, Status};
use crate::error::{Code, Error};
use crate::net::{Answer, Api};
use crate::scope::{GroupName, Guid, Scope, printable};

/// More pages than this would be a loop: one connection is looked for among those of one Entra source.
const MOST_PAGES: usize = 100;
/// The same where all connections are listed: 50,000 fit into pages of 20.
const MOST_PAGES_OF_ALL: usize = 2_500;

/// One tenant's ISPM.
pub struct IspmClient {
    api: Api,
    base: Url,
    token: SecretString,
    profile: Profile,
    tenant: Guid,
    entra_source: String,
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
        Self { api, base, token, profile, tenant, entra_source: entra_source.to_owned() }
    }

    /// The values of a scope's connection. Where there is one connection per source, it is the tenant root's.
    fn values(&self, scope: &Scope) -> Values {
        let root = Scope::ManagementGroup(GroupName::root_of(self.tenant));
        let scope = match self.profile.connection_per {
            ConnectionPer::Source => &root,
            ConnectionPer::Scope => scope,
        };
        Values::new(self.tenant, &self.entra_source, scope, &self.profile.connection_name)
    }

    /// The name that a connection made here for a scope has.
    #[must_use]
    pub fn connection_name(&self, scope: &Scope) -> String {
        self.values(scope).connection_name().to_owned()
    }

    /// Whether each scope has a connection of its own.
    #[must_use]
    pub fn is_per_scope(&self) -> bool {
        self.profile.connection_per == ConnectionPer::Scope
    }

    /// Whether a connection has the mark of what was made here. Where the profile names none, nothing was.
    fn is_ours(&self, item: &Value, values: &Values) -> bool {
        let owner = &self.profile.connection.owner;
        !owner.is_empty() && values.match_item(item, owner)
    }

    /// Looks up the Related AAD and compares its directory with the tenant.
    ///
    /// # Errors
    /// `RelatedSourceMismatch` where it is missing or another directory; those of every call: `IspmRefused`, `ConnectionRefused`, `Throttled`, `Unavailable`.
    pub async fn check_source(&self) -> Result<(), Error> {
        let lookup = &self.profile.source;
        let values = self.values(&Scope::ManagementGroup(GroupName::root_of(self.tenant)));
        let list = Listing { request: &lookup.request, items: &lookup.items, paging: lookup.paging.as_ref(), most: MOST_PAGES };
        let sources = self.list("ispm.sources.list", list, &values).await?;
        let name = printable(&self.entra_source);
        let Some(source) = sources.iter().find(|item| values.match_item(item, &lookup.conditions)) else {
            return Err(Error::new(Code::RelatedSourceMismatch, format!("ISPM has no Microsoft Entra ID source named \"{name}\""))
                .hint("Finish ISPM's Microsoft Entra ID integration, or correct ispm.entraSource in the tenant record."));
        };
        let directory = text(source, &lookup.directory_id).and_then(|text| Guid::parse(&text).ok());
        if directory == Some(self.tenant) {
            return Ok(());
        }
        let words = format!("the Microsoft Entra ID source \"{name}\" is another directory than tenant {}", self.tenant);
        Err(Error::new(Code::RelatedSourceMismatch, words)
            .hint("Name the Entra source of this tenant as ispm.entraSource in the tenant record."))
    }

    /// Finds the connection that serves a scope; of several, the oldest.
    ///
    /// # Errors
    /// Those of every call, and `ProfileInvalid` for a connection that the profile does not describe.
    pub async fn find(&self, scope: &Scope) -> Result<Found, Error> {
        self.found(&self.values(scope)).await
    }

    async fn found(&self, values: &Values) -> Result<Found, Error> {
        let matching = self.matching(values).await?;
        let mut items = matching.iter();
        let oldest = items.next();
        let connection = oldest.map(|item| self.profile.connection(item)).transpose()?;
        let ours = oldest.is_some_and(|item| self.is_ours(item, values));
        let younger = items.filter(|item| !self.profile.create.refuses_duplicates && self.is_ours(item, values));
        let surplus = younger.filter_map(|item| short_text(item, &self.profile.connection.id)).collect();
        Ok(Found { connection, ours, surplus })
    }

    /// All connections of the tenant's Entra source at once, for these scopes and for none of them.
    ///
    /// # Errors
    /// Those of every call, and `ProfileInvalid` where the profile can only ask for one scope at a time.
    pub async fn all<'a>(&self, scopes: impl Iterator<Item = &'a Scope>) -> Result<Connections, Error> {
        let find = self.profile.list.as_ref().unwrap_or(&self.profile.find);
        let per_scope = self.profile.connection_per == ConnectionPer::Scope;
        if per_scope && names_a_scope(&find.request) {
            let words = format!("the connect profile {} can only find the connection of one scope at a time", self.profile.name);
            return Err(Error::new(Code::ProfileInvalid, words)
                .hint("Add \"list\" to the profile: how all connections are listed, as \"find\" does for one scope."));
        }
        let root = self.values(&Scope::ManagementGroup(GroupName::root_of(self.tenant)));
        let list = Listing { request: &find.request, items: &find.items, paging: find.paging.as_ref(), most: MOST_PAGES_OF_ALL };
        let mut items = self.list("ispm.connections.list", list, &root).await?;
        if let Some(pointer) = &self.profile.connection.created_at {
            items.sort_by_cached_key(|item| (age(item, pointer), text(item, &self.profile.connection.id)));
        }
        if !per_scope {
            let mut ours = items.iter().filter(|item| root.match_item(item, &self.profile.connection.conditions));
            return Ok(Connections::Shared(ours.next().map(|item| self.seen(item, &root))));
        }
        // A list may show other tenants' connections too: what a condition wants of all scopes alike tells them apart.
        let of_all = self.profile.connection.conditions.iter().filter(|(_, wanted)| !names_a_scope_in(wanted));
        let of_all: BTreeMap<String, String> = of_all.map(|(pointer, wanted)| (pointer.clone(), wanted.clone())).collect();
        let mut by_key: BTreeMap<Vec<String>, &Value> = BTreeMap::new();
        for item in items.iter().filter(|item| root.match_item(item, &of_all)) {
            by_key.entry(self.key(|pointer, _| text(item, pointer))).or_insert(item);
        }
        let mut of_scopes = BTreeMap::new();
        for scope in scopes {
            let values = self.values(scope);
            if let Some(item) = by_key.remove(&self.key(|_, wanted| Some(values.fill(wanted)))) {
                of_scopes.insert(scope.clone(), self.seen(item, &values));
            }
        }
        let others = by_key.into_values().map(|item| self.seen(item, &root)).filter(|seen| seen.ours).collect();
        Ok(Connections::PerScope { of_scopes, others })
    }

    /// What tells connections apart: the members of the profile's conditions, as an item has them or as a scope wants them.
    fn key(&self, value: impl Fn(&str, &str) -> Option<String>) -> Vec<String> {
        let conditions = self.profile.connection.conditions.iter();
        conditions.map(|(pointer, wanted)| value(pointer, wanted).unwrap_or_default().to_lowercase()).collect()
    }

    fn seen(&self, item: &Value, values: &Values) -> Seen {
        Seen { connection: self.profile.connection(item), ours: self.is_ours(item, values) }
    }

    /// Creates the connection, or takes the one that is there already if it is the same. The flag says whether it was created now.
    ///
    /// # Errors
    /// `ConnectionConflict` where the name belongs to another connection; those of every call.
    pub async fn create(&self, scope: &Scope) -> Result<(Connection, bool), Error> {
        let values = self.values(scope);
        let create = &self.profile.create;
        let name = "ispm.connections.create";
        let answer = self.exchange(name, &create.request, self.url(name, &create.request, &values)?, &values).await?;
        if answer.status() != 409 {
            judge(answer.status(), &answer)?;
        }
        match self.created(&answer, create)? {
            Created::Exists(body) => self.existing(&body, &values).await.map(|connection| (connection, false)),
            Created::Accepted if create.refuses_duplicates => {
                let name = values.connection_name().to_owned();
                let accepted = Connection { id: None, name, status: Status::Pending, created_on: None };
                Ok((accepted, true))
            }
            Created::Accepted => {
                let words =
                    format!("ISPM only accepted the creation, and by the connect profile {} it would accept it twice", self.profile.name);
                Err(Error::new(Code::ProfileInvalid, words)
                    .hint("Where creations are accepted with 202, the API has to refuse a second: set create.refusesDuplicates to true."))
            }
            Created::Made(item) => {
                let made = self.profile.connection(&item)?;
                if create.refuses_duplicates { Ok((made, true)) } else { self.keep_the_oldest(made, &values).await }
            }
        }
    }

    /// Removes a connection; one that is not there is as good.
    ///
    /// # Errors
    /// Those of every call.
    pub async fn remove(&self, id: &str, scope: &Scope) -> Result<(), Error> {
        self.send("ispm.connections.delete", &self.profile.remove.request, &self.values(scope).about(id)).await.map(drop)
    }

    /// What an answer to the create call says; a bulk answer says it of its one item.
    fn created(&self, answer: &Answer, create: &Create) -> Result<Created, Error> {
        let (status, body) = match (answer.status(), &create.bulk) {
            (207, Some(bulk)) => {
                let body: Value = answer.json()?;
                let item =
                    self.profile.items(&body, &bulk.items)?.first().ok_or_else(|| self.profile.not_described(&bulk.items, "an item"))?;
                let status = text(item, &bulk.status).and_then(|text| text.parse().ok());
                let status = status.ok_or_else(|| self.profile.not_described(&bulk.status, "a status"))?;
                if status != 409 {
                    judge(status, answer)?;
                }
                (status, item.pointer(&bulk.item).cloned().unwrap_or(Value::Null))
            }
            (status @ (202 | 409), _) => (status, answer.json().unwrap_or(Value::Null)),
            (status, _) => (status, answer.json()?),
        };
        let item = || body.pointer(&create.item);
        match status {
            409 => Ok(Created::Exists(body)),
            202 => Ok(item()
                .filter(|item| self.profile.connection(item).is_ok())
                .map_or(Created::Accepted, |item| Created::Made(item.clone()))),
            _ => self.profile.part(&body, &create.item).map(|item| Created::Made(item.clone())),
        }
    }

    /// 409: the connection that is there already, read and compared. One that cannot be read yet is no conflict.
    async fn existing(&self, body: &Value, values: &Values) -> Result<Connection, Error> {
        let id = self.profile.create.existing_id.as_deref().and_then(|pointer| short_text(body, pointer));
        let item = match &id {
            Some(id) => self.read(id, values).await?,
            None => None,
        };
        if let Some(item) = &item
            && values.match_item(item, &self.profile.connection.conditions)
        {
            return self.profile.connection(item);
        }
        if let Some(connection) = self.found(values).await?.connection {
            return Ok(connection);
        }
        let name = printable(values.connection_name());
        Err(match item {
            Some(_) => Error::new(Code::ConnectionConflict, format!("ISPM already has another connection named \"{name}\""))
                .hint("Rename or remove that connection in the ISPM console, then send the event again."),
            None => Error::new(Code::Unavailable, format!("ISPM says that the connection \"{name}\" exists, but does not show it yet")),
        })
    }

    /// Reads one connection; `None` where it is not there.
    async fn read(&self, id: &str, values: &Values) -> Result<Option<Value>, Error> {
        let read = &self.profile.read;
        let (name, values) = ("ispm.connections.get", values.about(id));
        let url = self.url(name, &read.request, &values)?;
        let answer = self.exchange(name, &read.request, url, &values).await?;
        if answer.status() == 404 {
            return Ok(None);
        }
        judge(answer.status(), &answer)?;
        let body: Value = answer.json()?;
        self.profile.part(&body, &read.item).cloned().map(Some)
    }

    /// For an API that lets the same connection be made twice: the oldest stays, and younger ones are taken back if they were made here. A
    /// delivery that is killed before that leaves it to the next, which finds them as surplus.
    async fn keep_the_oldest(&self, made: Connection, values: &Values) -> Result<(Connection, bool), Error> {
        let Found { connection, surplus, .. } = self.found(values).await?;
        for id in &surplus {
            self.send("ispm.connections.delete", &self.profile.remove.request, &values.about(id)).await?;
        }
        match connection {
            Some(oldest) if oldest.id != made.id => Ok((oldest, false)),
            _ => Ok((made, true)),
        }
    }

    /// The connections that meet the profile's conditions, oldest first where it says how to tell.
    async fn matching(&self, values: &Values) -> Result<Vec<Value>, Error> {
        let find = &self.profile.find;
        let list = Listing { request: &find.request, items: &find.items, paging: find.paging.as_ref(), most: MOST_PAGES };
        let mut found = self.list("ispm.connections.list", list, values).await?;
        found.retain(|item| values.match_item(item, &self.profile.connection.conditions));
        if let Some(pointer) = &self.profile.connection.created_at {
            found.sort_by_key(|item| (age(item, pointer), text(item, &self.profile.connection.id)));
        }
        Ok(found)
    }

    /// All items of a list, page by page. Pages stay on ISPM's origin, and none is asked for twice.
    async fn list(&self, name: &'static str, list: Listing<'_>, values: &Values) -> Result<Vec<Value>, Error> {
        let first = self.url(name, list.request, values)?;
        let (mut url, mut found, mut seen) = (first.clone(), Vec::new(), BTreeSet::new());
        while seen.len() < list.most && !seen.contains(&url) {
            let answer = self.exchange(name, list.request, url.clone(), values).await?;
            judge(answer.status(), &answer)?;
            seen.insert(url);
            let body: Value = answer.json()?;
            found.extend_from_slice(self.profile.items(&body, list.items)?);
            url = match list.paging.and_then(|paging| paging.next(&body)) {
                None => return Ok(found),
                Some(Next::Cursor(parameter, cursor)) => {
                    let mut next = first.clone();
                    next.query_pairs_mut().append_pair(&parameter, &cursor);
                    next
                }
                Some(Next::Link(link)) => match first.join(&link) {
                    Ok(next) if next.origin() == self.base.origin() => next,
                    _ => return Err(Error::new(Code::UnexpectedAnswer, format!("a page link of {name} leads away from ISPM"))),
                },
            };
        }
        Err(Error::new(Code::UnexpectedAnswer, format!("the pages of {name} do not end")))
    }

    /// One call that has to succeed; removing what is not there does.
    async fn send(&self, name: &'static str, template: &Template, values: &Values) -> Result<Answer, Error> {
        let url = self.url(name, template, values)?;
        let answer = self.exchange(name, template, url, values).await?;
        let gone = template.method == Verb::Delete && answer.status() == 404;
        if !gone {
            judge(answer.status(), &answer)?;
        }
        Ok(answer)
    }

    fn url(&self, name: &str, template: &Template, values: &Values) -> Result<Url, Error> {
        let query = template.query.iter().map(|(key, value)| (key.clone(), value.clone()));
        let leaves = || Error::new(Code::UnexpectedAnswer, format!("{name}: an id of ISPM's does not fit into a path"));
        values.url(&self.base, &template.path, query).ok_or_else(leaves)
    }

    async fn exchange(&self, name: &'static str, template: &Template, url: Url, values: &Values) -> Result<Answer, Error> {
        let mut request = Request::new(url, template.method.into());
        if let Some(body) = &template.body {
            request.insert_header(CONTENT_TYPE, "application/json");
            request.set_body(values.fill_json(body).to_string());
        }
        for (header, value) in &self.profile.headers {
            let value = value.replace("{token}", self.token.expose_secret().trim());
            request.insert_header(HeaderName::from(header.to_ascii_lowercase()), value);
        }
        self.api.send(name, request).await
    }
}

/// A list of ISPM's: how it is asked for, where its items stand, and how far it may go on.
#[derive(Clone, Copy)]
struct Listing<'a> {
    request: &'a Template,
    items: &'a str,
    paging: Option<&'a Paging>,
    most: usize,
}

/// What orders connections by age: a number or a time by its value, anything else as text.
fn age(item: &Value, pointer: &str) -> (i128, String) {
    let text = text(item, pointer).unwrap_or_default();
    let time = || OffsetDateTime::parse(&text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp_nanos);
    let value = text.parse().ok().or_else(time);
    (value.unwrap_or(i128::MAX), text)
}

enum Created {
    /// 200, 201: here it is.
    Made(Value),
    /// 202: it will be.
    Accepted,
    /// 409: it was there.
    Exists(Value),
}

/// 2xx is an answer; 401 and 403 are the tenant's trouble; what may pass is for later; other refusals are final for the scope.
fn judge(status: u16, answer: &Answer) -> Result<(), Error> {
    match status {
        200..=299 => Ok(()),
        401 => Err(answer
            .refusal(Code::IspmRefused, "ISPM refused the API token")
            .hint("Put a valid API token into the secret that ispm.tokenSecretName names.")),
        403 => Err(answer
            .refusal(Code::IspmRefused, "ISPM denied the API token the call")
            .hint("Give the API token the right to read and create sources in ISPM.")),
        429 => Err(answer.refusal(Code::Throttled, "ISPM was asked too often")),
        408 | 500..=599 => Err(answer.refusal(Code::Unavailable, "ISPM could not do it now")),
        _ => Err(answer
            .refusal(Code::ConnectionRefused, "ISPM refused the call")
            .hint("Check ispm.url, ispm.entraSource and the connect profile against what ISPM expects.")),
    }
}

impl From<Verb> for Method {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Get => Self::Get,
            Verb::Post => Self::Post,
            Verb::Put => Self::Put,
            Verb::Delete => Self::Delete,
        }
    }
}
