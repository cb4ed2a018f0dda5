//! Reading ISPM's answers by a profile.

use std::collections::BTreeMap;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::profile::{Meaning, Paging, Profile};
use super::template::Values;
use super::{Cause, Connection, Status};
use crate::error::{Code, Error};
use crate::net::plain_word;
use crate::scope::printable;

/// Where the next page is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// At an address.
    Link(String),
    /// Behind a query parameter.
    Cursor(String, String),
}

impl Profile {
    /// A connection, by the profile's pointers.
    pub(super) fn connection(&self, item: &Value) -> Result<Connection, Error> {
        let shape = &self.connection;
        let id = short_text(item, &shape.id).ok_or_else(|| self.not_described(&shape.id, "an id of at most 256 characters"))?;
        let name = short_text(item, &shape.name).ok_or_else(|| self.not_described(&shape.name, "a name of at most 256 characters"))?;
        let created_on = shape.created_at.as_ref().and_then(|pointer| OffsetDateTime::parse(&text(item, pointer)?, &Rfc3339).ok());
        Ok(Connection { id: Some(id), name, status: self.status(item)?, created_on })
    }

    fn status(&self, item: &Value) -> Result<Status, Error> {
        let shape = &self.connection;
        let word = text(item, &shape.status).ok_or_else(|| self.not_described(&shape.status, "a status"))?;
        let meaning = shape.statuses.get(&word).copied().ok_or_else(|| self.not_mapped("statuses", &word))?;
        let cause_word = shape.cause.as_deref().and_then(|pointer| text(item, pointer));
        let cause = || match &cause_word {
            Some(word) => shape.causes.get(word).copied().map(Some).ok_or_else(|| self.not_mapped("causes", word)),
            None => Ok(None),
        };
        Ok(match meaning {
            Meaning::Connected => Status::Connected,
            Meaning::Pending => Status::Pending,
            Meaning::Failed => Status::Failed(cause()?),
            Meaning::FailedAuthentication => Status::Failed(Some(Cause::FailedAuthentication)),
            Meaning::MissingPermissions => Status::Failed(Some(Cause::MissingPermissions)),
            Meaning::MissingConfiguration => Status::Failed(Some(Cause::MissingConfiguration)),
        })
    }

    /// An array, by a pointer of the profile.
    pub(super) fn items<'a>(&self, body: &'a Value, pointer: &str) -> Result<&'a [Value], Error> {
        body.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| self.not_described(pointer, "an array"))
    }

    /// A part of an answer, by a pointer of the profile.
    pub(super) fn part<'a>(&self, body: &'a Value, pointer: &str) -> Result<&'a Value, Error> {
        body.pointer(pointer).ok_or_else(|| self.not_described(pointer, "anything"))
    }

    pub(super) fn not_described(&self, pointer: &str, what: &str) -> Error {
        Error::new(
            Code::ProfileInvalid,
            format!("ISPM's answer has not {what} at \"{}\", where the connect profile {} says", printable(pointer), self.name),
        )
        .hint("Correct the pointer in the profile, or ISPM's address in the tenant record.")
    }

    fn not_mapped(&self, member: &str, word: &str) -> Error {
        Error::new(
            Code::ProfileInvalid,
            format!("the connect profile {} does not map the word \"{}\"", self.name, plain_word(word).unwrap_or("(not a word)")),
        )
        .hint(format!("Add the word to connection.{member} in the profile."))
    }
}

impl Paging {
    /// Where the next page is; `None` after the last.
    pub(super) fn next(&self, body: &Value) -> Option<Next> {
        match self {
            Self::NextLink(pointer) => text(body, pointer).filter(|link| !link.is_empty()).map(Next::Link),
            Self::Cursor { pointer, parameter } => {
                text(body, pointer).filter(|cursor| !cursor.is_empty()).map(|cursor| Next::Cursor(parameter.clone(), cursor))
            }
        }
    }
}

impl Values {
    /// Whether an item has each value at its pointer; text is compared without regard to case, as ids come in any.
    pub(super) fn match_item(&self, item: &Value, conditions: &BTreeMap<String, String>) -> bool {
        conditions
            .iter()
            .all(|(pointer, wanted)| text(item, pointer).is_some_and(|found| found.to_lowercase() == self.fill(wanted).to_lowercase()))
    }
}

/// Text that may go into a result event, a log or a path.
pub(super) fn short_text(item: &Value, pointer: &str) -> Option<String> {
    text(item, pointer).filter(|text| text.chars().count() <= 256 && !text.chars().any(char::is_control))
}

/// Text or a number at a pointer.
pub(super) fn text(item: &Value, pointer: &str) -> Option<String> {
    match item.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
