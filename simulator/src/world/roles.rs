//! Who has which role where, and the roles that a tenant made for itself.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Scope;
use super::directory::SERVICE_PRINCIPAL;
use super::moment::long_ago;

/// A role given to a principal at a scope, stored under its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleAssignment {
    /// Where it sits: it holds there and below.
    pub scope: Scope,
    /// The role definition's GUID.
    pub role: String,
    /// An object id.
    pub principal_id: String,
    /// What the principal is.
    #[serde(default = "service_principal")]
    pub principal_type: String,
    /// A note, by which whoever made it can recognise it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The condition that narrows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The version of the condition's language, `2.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition_version: Option<String>,
    /// When it was made; lists and effect can lag behind.
    #[serde(default = "long_ago", with = "time::serde::rfc3339")]
    pub created_on: OffsetDateTime,
    /// When it was last changed.
    #[serde(default = "long_ago", with = "time::serde::rfc3339")]
    pub updated_on: OffsetDateTime,
    /// The object id of who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
}

/// What a principal is that nothing else is said of.
pub(crate) fn service_principal() -> String {
    SERVICE_PRINCIPAL.to_owned()
}

impl RoleAssignment {
    /// Whether it gives `role` to `principal_id` at `scope`.
    #[must_use]
    pub fn grants(&self, scope: &Scope, role: &str, principal_id: &str) -> bool {
        self.scope.is(scope) && self.role.eq_ignore_ascii_case(role) && self.is_of(principal_id)
    }

    /// Whether it belongs to this principal.
    #[must_use]
    pub fn is_of(&self, principal_id: &str) -> bool {
        self.principal_id.eq_ignore_ascii_case(principal_id)
    }
}

/// A role that a tenant made for itself, stored under its GUID.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CustomRole {
    /// The role's name for people.
    pub role_name: String,
    /// What the role is for.
    pub description: String,
    /// The operations that it allows, with `*` for any part.
    pub actions: Vec<String>,
    /// The operations that it takes out of these.
    pub not_actions: Vec<String>,
    /// Where it can be assigned: at these scopes and below them.
    pub assignable_scopes: Vec<Scope>,
}

/// A tenant's role assignments by name, which is unique across the tenant, and findable by scope.
///
/// In a file it is the plain map. What changes the map as a map drops the index by scope, and the next question about a scope makes it
/// anew; [`insert`](Self::insert) and [`remove`](Self::remove) keep it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoleAssignments {
    by_name: BTreeMap<String, RoleAssignment>,
    #[serde(skip)]
    by_scope: OnceLock<ByScope>,
}

/// The names of the assignments at each scope. Scopes are in lower case, as the names of management groups ignore it.
type ByScope = BTreeMap<Scope, BTreeSet<String>>;

impl PartialEq for RoleAssignments {
    fn eq(&self, other: &Self) -> bool {
        self.by_name == other.by_name
    }
}

impl Deref for RoleAssignments {
    type Target = BTreeMap<String, RoleAssignment>;

    fn deref(&self) -> &Self::Target {
        &self.by_name
    }
}

impl DerefMut for RoleAssignments {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.by_scope.take();
        &mut self.by_name
    }
}

impl RoleAssignments {
    /// Stores an assignment and answers what its name stood for before.
    pub fn insert(&mut self, name: String, assignment: RoleAssignment) -> Option<RoleAssignment> {
        let replaced = self.remove(&name);
        if let Some(index) = self.by_scope.get_mut() {
            index.entry(assignment.scope.lower_case()).or_default().insert(name.clone());
        }
        self.by_name.insert(name, assignment);
        replaced
    }

    /// Takes an assignment away.
    pub fn remove(&mut self, name: &str) -> Option<RoleAssignment> {
        let removed = self.by_name.remove(name)?;
        let scope = removed.scope.lower_case();
        if let Some(index) = self.by_scope.get_mut()
            && let Some(names) = index.get_mut(&scope)
        {
            names.remove(name);
            if names.is_empty() {
                index.remove(&scope);
            }
        }
        Some(removed)
    }

    /// The assignments at exactly this scope, by name.
    pub fn at(&self, scope: &Scope) -> impl Iterator<Item = (&str, &RoleAssignment)> {
        let names = self.index().get(&scope.lower_case());
        names.into_iter().flatten().filter_map(|name| self.by_name.get_key_value(name)).map(|(name, found)| (name.as_str(), found))
    }

    /// The scopes at which there are assignments. Management groups' names are in lower case.
    pub fn scopes(&self) -> impl Iterator<Item = &Scope> {
        self.index().keys()
    }

    fn index(&self) -> &ByScope {
        self.by_scope.get_or_init(|| {
            let mut index = ByScope::new();
            for (name, assignment) in &self.by_name {
                index.entry(assignment.scope.lower_case()).or_default().insert(name.clone());
            }
            index
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::World;
    use super::*;

    fn group(name: &str) -> Scope {
        Scope::ManagementGroup(name.to_owned())
    }

    fn count(assignments: &RoleAssignments, scope: &Scope) -> usize {
        assignments.at(scope).count()
    }

    #[test]
    fn finds_by_scope_whatever_the_case_and_however_the_map_was_changed() {
        let mut world = World::empty();
        let tenant = world.tenant_mut("t");
        tenant.assign_reader(&group("Corp"), "p");
        let assignments = &mut tenant.role_assignments;
        assert_eq!((count(assignments, &group("corp")), count(assignments, &group("other"))), (1, 0));
        let (name, mut first) = assignments.iter().next().map(|(name, found)| (name.clone(), found.clone())).expect("one");
        assignments.insert("second".to_owned(), first.clone());
        assert_eq!(count(assignments, &group("CORP")), 2);
        first.scope = group("other");
        assignments.insert("second".to_owned(), first);
        assert_eq!((count(assignments, &group("corp")), count(assignments, &group("other"))), (1, 1));
        assignments.remove(&name);
        assert_eq!(assignments.scopes().collect::<Vec<_>>(), [&group("other")]);
        for assignment in assignments.values_mut() {
            assignment.scope = Scope::Tenant;
        }
        assert_eq!((count(assignments, &Scope::Tenant), count(assignments, &group("other"))), (1, 0));
    }
}
