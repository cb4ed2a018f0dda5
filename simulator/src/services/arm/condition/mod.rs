//! Conditions of role assignments that allow giving roles (documentation, "Azure role assignment condition format and syntax" and
//! "Authorization actions and attributes").

mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use super::rights::matches;
use crate::world::guid;

/// The most that a condition may hold, in bytes (documentation, "Azure role assignment conditions", limits).
const LONGEST: usize = 8 * 1024;
/// The version of the language, which a condition without one has too (documentation, "Add Azure role assignment conditions using the REST
/// API").
pub(super) const VERSION: &str = "2.0";

/// A condition that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Condition(Expression);

/// Why a condition is not understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// Azure refuses it.
    Invalid,
    /// Azure may take it.
    NotModelled(String),
}

/// What a caller wishes to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub action: &'a str,
    pub detail: Detail<'a>,
}

/// The role assignment that it is about, if it is about one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Detail<'a> {
    None,
    /// It is not known yet: every condition may hold.
    Open,
    /// One that is made or changed: what conditions call `@Request`.
    Written(About<'a>),
    /// One that is removed: `@Resource`.
    Removed(About<'a>),
}

/// What conditions can know of a role assignment.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    pub role: &'a str,
    pub principal_id: &'a str,
    pub principal_type: &'a str,
}

#[derive(Debug, PartialEq, Eq)]
enum Expression {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    ActionMatches(String),
    /// None of the actions here has one.
    SubOperationMatches,
    Compare(Comparison),
}

#[derive(Debug, PartialEq, Eq)]
struct Comparison {
    source: Source,
    attribute: Attribute,
    /// Whether the attribute is to be one of the values, or none of them.
    equal: bool,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Request,
    Resource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attribute {
    RoleDefinitionId,
    PrincipalId,
    PrincipalType,
}

impl Condition {
    /// Reads a condition as it stands at a role assignment, with its version.
    pub fn read(text: &str, version: Option<&str>) -> Result<Self, Problem> {
        if version.unwrap_or(VERSION) != VERSION || text.len() > LONGEST {
            return Err(Problem::Invalid);
        }
        parser::parse(text).map(Self)
    }

    /// Whether it lets the caller do what it asks for. What it says of attributes that there are none of makes nothing allowed.
    pub fn allows(&self, asked: &Asked<'_>) -> bool {
        matches!(asked.detail, Detail::Open) || self.0.holds(asked).unwrap_or(false)
    }
}

impl<'a> Asked<'a> {
    /// An action that is about no role assignment.
    pub fn of(action: &'a str) -> Self {
        Self { action, detail: Detail::None }
    }
}

impl Expression {
    /// Whether it is true; `None` where that hangs on an attribute that there is not.
    fn holds(&self, asked: &Asked<'_>) -> Option<bool> {
        match self {
            Self::And(one, other) => match (one.holds(asked), other.holds(asked)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(one, other) => match (one.holds(asked), other.holds(asked)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Not(inner) => inner.holds(asked).map(|holds| !holds),
            Self::ActionMatches(pattern) => Some(matches(pattern, asked.action)),
            Self::SubOperationMatches => Some(false),
            Self::Compare(comparison) => comparison.holds(asked),
        }
    }
}

impl Comparison {
    fn holds(&self, asked: &Asked<'_>) -> Option<bool> {
        let ((Source::Request, Detail::Written(about)) | (Source::Resource, Detail::Removed(about))) = (self.source, &asked.detail) else {
            return None;
        };
        let actual = match self.attribute {
            Attribute::RoleDefinitionId => about.role,
            Attribute::PrincipalId => about.principal_id,
            Attribute::PrincipalType => about.principal_type,
        };
        let is_one = self.values.iter().any(|value| value.eq_ignore_ascii_case(actual));
        Some(is_one == self.equal)
    }
}

impl Attribute {
    /// Whether its values are GUIDs; the others are texts in quotes.
    fn is_guid(self) -> bool {
        matches!(self, Self::RoleDefinitionId | Self::PrincipalId)
    }

    fn takes(self, value: &str) -> bool {
        !self.is_guid() || guid(value).is_some()
    }
}
