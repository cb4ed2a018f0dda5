//! What role assignments allow (documentation, "Understand Azure role definitions" and "How Azure RBAC determines if a user has access to a
//! resource").

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::super::Call;
use super::built_in_roles::{BUILT_IN_ROLES, BuiltInRole};
use super::condition::{Asked, Condition};
use crate::token::Claims;
use crate::world::{CustomRole, RoleAssignment, Scope, Subscription, Tenant, has_passed};

/// A role's definition, of either kind.
#[derive(Clone, Copy)]
pub(super) enum Role<'a> {
    BuiltIn(&'static BuiltInRole),
    Custom(&'a CustomRole),
}

/// A role that a principal has.
pub(super) struct Grant<'a> {
    assignment: &'a RoleAssignment,
    pub role: Role<'a>,
}

impl<'a> Role<'a> {
    /// The tenant's role of this GUID, in either case.
    pub fn of(tenant: &'a Tenant, id: &str) -> Option<Self> {
        let built_in = BUILT_IN_ROLES.iter().find(|role| role.id.eq_ignore_ascii_case(id)).map(Self::BuiltIn);
        built_in.or_else(|| tenant.custom_roles.iter().find(|(own, _)| own.eq_ignore_ascii_case(id)).map(|(_, role)| Self::Custom(role)))
    }

    /// Whether it can be given at a scope: a custom role at its assignable scopes and below.
    pub fn is_assignable(self, tenant: &Tenant, scope: &Scope) -> bool {
        match self {
            Self::BuiltIn(_) => true,
            Self::Custom(role) => role.assignable_scopes.iter().any(|assignable| tenant.covers(assignable, scope)),
        }
    }

    pub fn actions(self) -> Vec<&'a str> {
        match self {
            Self::BuiltIn(role) => role.actions.to_vec(),
            Self::Custom(role) => role.actions.iter().map(String::as_str).collect(),
        }
    }

    pub fn not_actions(self) -> Vec<&'a str> {
        match self {
            Self::BuiltIn(role) => role.not_actions.to_vec(),
            Self::Custom(role) => role.not_actions.iter().map(String::as_str).collect(),
        }
    }

    /// What it lets do with data. Roles that a tenant makes for itself are modelled without.
    pub const fn data_actions(self) -> &'static [&'static str] {
        match self {
            Self::BuiltIn(role) => role.data_actions,
            Self::Custom(_) => &[],
        }
    }

    /// Whether an action is among its actions and not taken out again.
    pub fn allows(self, action: &str) -> bool {
        self.actions().into_iter().any(|pattern| matches(pattern, action))
            && !self.not_actions().into_iter().any(|pattern| matches(pattern, action))
    }
}

impl Grant<'_> {
    /// Whether it allows what is asked. A condition that cannot be read allows nothing.
    fn allows(&self, asked: &Asked<'_>) -> bool {
        let version = self.assignment.condition_version.as_deref();
        let condition = self.assignment.condition.as_deref().map(|text| Condition::read(text, version));
        self.role.allows(asked.action) && condition.is_none_or(|read| read.is_ok_and(|condition| condition.allows(asked)))
    }
}

/// A principal in its tenant, now.
pub(super) struct Asker<'a> {
    pub tenant: &'a Tenant,
    principal_id: &'a str,
    now: OffsetDateTime,
    /// How long an assignment takes until it has effect, in seconds.
    lag: u64,
}

impl<'a> Asker<'a> {
    /// Who calls; `None` where its tenant is gone.
    pub fn of(call: &'a Call<'_>, caller: &'a Claims) -> Option<Self> {
        let tenant = call.world.tenants.get(&caller.tid)?;
        Some(Self { tenant, principal_id: &caller.oid, now: call.now, lag: call.world.settings.propagation_seconds })
    }

    /// The roles that it has at a scope, given there or above it, and that have taken effect by now.
    pub fn grants(&self, scope: &Scope) -> Vec<Grant<'a>> {
        self.tenant.lineage(scope).scopes().flat_map(|place| self.grants_at(&place)).collect()
    }

    /// The roles that are given to it at exactly this scope.
    fn grants_at(&self, place: &Scope) -> Vec<Grant<'a>> {
        let own = self.tenant.role_assignments.at(place).map(|(_, assignment)| assignment);
        let own = own.filter(|assignment| assignment.is_of(self.principal_id) && has_passed(self.lag, assignment.created_on, self.now));
        let known = own.filter_map(|assignment| Some(Grant { assignment, role: Role::of(self.tenant, &assignment.role)? }));
        known.filter(|grant| grant.role.is_assignable(self.tenant, place)).collect()
    }

    /// Whether it may do something at a scope.
    pub fn may(&self, asked: &Asked<'_>, scope: &Scope) -> bool {
        !self.tenant.denies(self.principal_id, asked.action) && self.grants(scope).iter().any(|grant| grant.allows(asked))
    }

    /// Where it may perform an action, to ask about many scopes.
    pub fn reach(self, action: &'a str) -> Reach<'a> {
        let denied = self.tenant.denies(self.principal_id, action);
        Reach { asker: self, asked: Asked::of(action), denied, groups: BTreeMap::new() }
    }
}

/// Where a principal may perform an action. What was found out of a management group is remembered: a list of many subscriptions asks for
/// the same few groups.
pub(super) struct Reach<'a> {
    asker: Asker<'a>,
    asked: Asked<'a>,
    denied: bool,
    groups: BTreeMap<String, bool>,
}

impl Reach<'_> {
    pub fn has_group(&mut self, name: &str) -> bool {
        if self.denied {
            return false;
        }
        if let Some(known) = self.groups.get(name) {
            return *known;
        }
        let granted = self.asker.may(&self.asked, &Scope::ManagementGroup(name.to_owned()));
        self.groups.insert(name.to_owned(), granted);
        granted
    }

    pub fn has_subscription(&mut self, id: &str, subscription: &Subscription) -> bool {
        let direct =
            |reach: &Self| reach.asker.grants_at(&Scope::Subscription(id.to_owned())).iter().any(|grant| grant.allows(&reach.asked));
        self.has_group(&subscription.parent) || (!self.denied && direct(self))
    }
}

/// Whether a pattern of a role names an action: `*` stands for any text, segments included, and case makes no difference (documentation,
/// "Azure custom roles").
pub(super) fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = action.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let write = "Microsoft.Authorization/roleAssignments/write";
        for pattern in
            ["*", "*/write", "microsoft.authorization/*", "Microsoft.Authorization/*/Write", "Microsoft.*/roleAssignments/*", write]
        {
            assert!(matches(pattern, write), "{pattern}");
        }
        for pattern in ["", "*/read", "Microsoft.Authorization/write", "Microsoft.Authorization/*/write/*", "Microsoft.Authorization"] {
            assert!(!matches(pattern, write), "{pattern}");
        }
        assert!(!matches("a*bc*c", "abc"), "nothing is used twice");
    }
}
