//! Ids and scopes, validated once, at the edge.
//!
//! Everything behind this module holds ids in one spelling (lower case, no braces, no blanks), so that equal things compare equal and a
//! path built from them cannot leave its place.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// A GUID as Azure uses them: a tenant, a subscription, a principal, a role.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(Uuid);

impl Guid {
    /// Reads a GUID in any case, with or without braces and outer blanks. Other spellings that `uuid` knows (no hyphens, `urn:uuid:`)
    /// are refused: no Azure source writes them, so they are more likely another kind of id.
    ///
    /// # Errors
    /// [`ScopeError::NotAGuid`] with the text as it came, cut to a printable length.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let trimmed = text.trim();
        let bare = trimmed.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(trimmed);
        match Uuid::try_parse(bare) {
            Ok(uuid) if bare.len() == 36 => Ok(Self(uuid)),
            _ => Err(ScopeError::NotAGuid(printable(text))),
        }
    }

    /// The same GUID as a `Uuid`.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }

    /// A GUID known at build time.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|_| de::Error::custom("expected a GUID such as 00000000-0000-0000-0000-000000000000"))
    }
}

/// A management group's name (its id, not its display name), in lower case.
///
/// Azure allows 1 to 90 letters, digits, `-`, `_`, `(`, `)` and `.`, not ending with a full stop
/// (<https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules>, Microsoft.Management).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct GroupName(String);

impl GroupName {
    /// Reads a management group's name in any case.
    ///
    /// # Errors
    /// [`ScopeError::NotAGroupName`] where Azure would refuse the name.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let name = text.trim();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '(' | ')' | '.');
        if name.is_empty() || name.len() > 90 || name.ends_with('.') || !name.chars().all(allowed) {
            return Err(ScopeError::NotAGroupName(printable(text)));
        }
        Ok(Self(name.to_ascii_lowercase()))
    }

    /// The name of a tenant's root management group: the tenant's id.
    #[must_use]
    pub fn root_of(tenant: Guid) -> Self {
        tenant.into()
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Guid> for GroupName {
    /// A group may be named by a GUID, and is where nobody gave it a name.
    fn from(id: Guid) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for GroupName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|_| de::Error::custom("expected a management group's name (its id, not its display name)"))
    }
}

/// Where Reader is assigned: one subscription, or one management group with all that is below it. The tenant root is the management group
/// whose name is the tenant's id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `/subscriptions/{id}`
    Subscription(Guid),
    /// `/providers/Microsoft.Management/managementGroups/{name}`
    ManagementGroup(GroupName),
}

const GROUP_PREFIX: [&str; 3] = ["providers", "microsoft.management", "managementgroups"];

impl Scope {
    /// Reads a scope as events and ARM write it: `/subscriptions/{id}`, a management group's full id, or a bare subscription id.
    ///
    /// # Errors
    /// [`ScopeError`], which says what was found and what is expected.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let trimmed = text.trim();
        if !trimmed.contains('/') {
            return Guid::parse(trimmed).map(Self::Subscription).map_err(|_| ScopeError::NotAScope(printable(text)));
        }
        let path = trimmed.strip_prefix('/').unwrap_or(trimmed);
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<&str> = path.split('/').collect();
        let is = |position: usize, word: &str| segments.get(position).is_some_and(|segment| segment.eq_ignore_ascii_case(word));
        let is_group = GROUP_PREFIX.iter().enumerate().all(|(position, word)| is(position, word));
        match segments.as_slice() {
            [_, id] if is(0, "subscriptions") => Guid::parse(id).map(Self::Subscription),
            [_, id, ..] if is(0, "subscriptions") => Err(ScopeError::BelowSubscription(printable(id))),
            [_, _, _, name] if is_group => GroupName::parse(name).map(Self::ManagementGroup),
            _ => Err(ScopeError::NotAScope(printable(text))),
        }
    }

    /// Reads a scope as a person types it: all that [`Scope::parse`] takes, and `mg:NAME` and `tenant-root`.
    ///
    /// # Errors
    /// [`ScopeError`], as [`Scope::parse`].
    pub fn parse_typed(text: &str, tenant: Guid) -> Result<Self, ScopeError> {
        match text.trim() {
            "tenant-root" => Ok(Self::ManagementGroup(GroupName::root_of(tenant))),
            typed => match typed.strip_prefix("mg:") {
                Some(name) => GroupName::parse(name).map(Self::ManagementGroup),
                None => Self::parse(typed),
            },
        }
    }

    /// The scope's ARM path, in the one spelling that this project writes. ARM compares ids without regard to case.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Subscription(id) => format!("/subscriptions/{id}"),
            Self::ManagementGroup(name) => format!("/providers/Microsoft.Management/managementGroups/{name}"),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Where a role assignment sits, as far as that matters to a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssignedAt {
    /// At a subscription or a management group.
    Scope(Scope),
    /// At `/`, above every scope of the tenant.
    Directory,
    /// At a resource group or a resource.
    Elsewhere(String),
}

impl AssignedAt {
    /// Reads `properties.scope` of a role assignment.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match Scope::parse(text) {
            Ok(scope) => Self::Scope(scope),
            Err(_) if text.trim() == "/" => Self::Directory,
            Err(_) => Self::Elsewhere(printable(text)),
        }
    }
}

impl fmt::Display for AssignedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(scope) => write!(f, "{scope}"),
            Self::Directory => f.write_str("/"),
            Self::Elsewhere(text) => f.write_str(text),
        }
    }
}

impl Serialize for AssignedAt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why a text is not an id or a scope that this project acts on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// The text should be a GUID.
    #[error("\"{0}\" is not a GUID")]
    NotAGuid(String),
    /// The text should be a management group's name.
    #[error("\"{0}\" is not a management group's name: 1 to 90 letters, digits, hyphens, underscores, brackets or full stops")]
    NotAGroupName(String),
    /// A resource group or a resource: ISPM reads whole subscriptions.
    #[error("the scope lies below subscription {0}: Reader is assigned to whole subscriptions and management groups")]
    BelowSubscription(String),
    /// Neither a subscription nor a management group.
    #[error("\"{0}\" is not a scope: expected /subscriptions/{{id}} or /providers/Microsoft.Management/managementGroups/{{name}}")]
    NotAScope(String),
}

/// A piece of untrusted text that is safe to print: no control characters, at most 80 characters.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = inert(&text.chars().take(80).collect::<String>());
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    shown
}

/// Text with a mark in the place of each control character, whole: for ids and reasons, which are of no use when cut.
#[must_use]
pub fn inert(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b1f6471-1bf0-4dda-aec3-111122223333";

    #[test]
    fn ids_come_in_many_spellings_and_leave_in_one() {
        for spelling in [ID.to_uppercase(), format!("{{{ID}}}"), format!("  {ID}\n"), ID.to_owned()] {
            assert_eq!(Guid::parse(&spelling).unwrap().to_string(), ID, "{spelling:?}");
        }
        for wrong in [
            "",
            "0b1f64711bf04ddaaec3111122223333",
            "urn:uuid:0b1f6471-1bf0-4dda-aec3-111122223333",
            "0b1f6471-1bf0-4dda-aec3-11112222333g",
        ] {
            assert!(Guid::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn scopes_in_any_case_are_one_scope() {
        let subscription = Scope::Subscription(Guid::parse(ID).unwrap());
        for text in
            [ID.to_owned(), format!("/subscriptions/{ID}"), format!("/SUBSCRIPTIONS/{}", ID.to_uppercase()), format!("subscriptions/{ID}/")]
        {
            assert_eq!(Scope::parse(&text).unwrap(), subscription, "{text}");
        }
        let group = Scope::ManagementGroup(GroupName::parse("corp").unwrap());
        assert_eq!(Scope::parse("/PROVIDERS/MICROSOFT.MANAGEMENT/MANAGEMENTGROUPS/CORP").unwrap(), group);
        assert_eq!(group.path(), "/providers/Microsoft.Management/managementGroups/corp");
        let tenant = Guid::parse(ID).unwrap();
        assert_eq!(Scope::parse_typed("mg:Corp", tenant).unwrap(), group);
        assert_eq!(Scope::parse_typed("tenant-root", tenant).unwrap(), Scope::ManagementGroup(GroupName::root_of(tenant)));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_read_is_written_and_read_the_same(text in "(/?[sS]ubscriptions/|/providers/Microsoft.Management/managementGroups/|)[-{}0-9a-zA-Z._()/% ]{0,40}/?") {
            if let Ok(scope) = Scope::parse(&text) {
                proptest::prop_assert_eq!(Scope::parse(&scope.path()), Ok(scope.clone()));
                proptest::prop_assert!(!scope.path().contains("//") && !scope.path().contains(' '));
            }
        }

        #[test]
        fn an_id_in_any_case_is_one_scope(id in "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}") {
            let plain = Scope::parse(&format!("/subscriptions/{}", id.to_lowercase()));
            proptest::prop_assert!(plain.is_ok());
            proptest::prop_assert_eq!(Scope::parse(&format!(" {{{id}}} ")), plain);
        }
    }

    #[test]
    fn what_is_no_scope_is_named() {
        let below = format!("/subscriptions/{ID}/resourceGroups/web");
        assert_eq!(Scope::parse(&below), Err(ScopeError::BelowSubscription(ID.to_owned())));
        for text in [
            "",
            "/",
            "//",
            "corp",
            "/subscriptions",
            "/subscriptions//",
            "/providers/Microsoft.Management/managementGroups/a/b",
            "/subscriptions/../x",
        ] {
            assert!(Scope::parse(text).is_err(), "{text:?}");
        }
        for name in ["a%2fb", "..", "a b", "ends.", "über"] {
            assert!(GroupName::parse(name).is_err(), "{name:?}");
        }
        assert_eq!(printable("a\u{1b}[31m"), "a\u{fffd}[31m");
    }
}
