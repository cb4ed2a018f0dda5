//! What the conditions of the login's roles let it assign and remove, and to whom.

use std::collections::BTreeSet;

use super::check::Finding;
use super::gathered::{Gathered, Group};
use super::rights::{Cast, name_of};
use crate::azure::{Grant, READER, Rights};
use crate::permissions::{Permissions, squeezed};
use crate::scope::{Guid, inert};

pub(super) const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
pub(super) const DELETE: &str = "Microsoft.Authorization/roleAssignments/delete";

/// Roles of Azure's own with which one assigns roles.
pub(super) const ASSIGNING: [&str; 3] = ["Owner", "User Access Administrator", "Role Based Access Control Administrator"];

/// The roles and principals that a condition names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub roles: BTreeSet<String>,
    pub principals: BTreeSet<String>,
}

impl Named {
    /// Reads the sets of GUIDs that are compared with a role assignment's role and principal
    /// (<https://learn.microsoft.com/azure/role-based-access-control/conditions-authorization-actions-attributes>). How they are compared and
    /// joined is not understood here.
    pub(super) fn in_condition(condition: &str) -> Self {
        let lower = condition.to_ascii_lowercase();
        let after = |attribute: &str| -> BTreeSet<String> {
            let sets = lower.split(attribute).skip(1).filter_map(|rest| rest.split_once('{')?.1.split_once('}'));
            let guids = sets.flat_map(|(set, _)| set.split(',').map(|guid| guid.trim().trim_matches('\'').to_owned()).collect::<Vec<_>>());
            guids.filter(|guid| Guid::parse(guid).is_ok()).collect()
        };
        Self { roles: after(":roledefinitionid]"), principals: after(":principalid]") }
    }
}

/// Whether the login may assign and remove Reader of this principal alone, as far as its own assignments tell.
pub(super) fn judge(gathered: &Gathered, cast: Cast<'_>) -> Vec<Finding> {
    if cast.login.is_none() {
        return vec![Finding::skipped("the login's token does not say who it is, so its roles cannot be told from others'")];
    }
    gathered.groups.iter().flat_map(|group| judge_at(group, cast.principal)).collect()
}

fn judge_at(group: &Group, principal: Option<Guid>) -> Vec<Finding> {
    let (rights, own) = match (&group.rights, &group.own) {
        (Ok(rights), Ok(own)) => (rights, own),
        (_, Err(error)) | (Err(error), _) => {
            return vec![Finding::skipped(format!("what roles the login has at {} could not be read: {}", group.scope, error.message))];
        }
    };
    let mut found: Vec<Finding> = own.iter().filter_map(judge_role).collect();
    found.extend(own.iter().filter_map(|grant| judge_again(grant, own)));
    let unheld = found.len();
    let held: Vec<(&Grant, &str)> = own.iter().filter_map(|grant| Some((grant, grant.condition.as_deref()?))).collect();
    found.extend(held.iter().filter_map(|(grant, condition)| judge_condition(condition, grant, principal)));
    for (action, verb) in [(WRITE, "assign"), (DELETE, "remove")] {
        // What Azure says one may do does not say by which assignment: there are as many of these as allow it.
        let spoken_of = held.iter().filter(|(_, condition)| mentions(condition, action)).count();
        if rights.number_that_allow(action) > spoken_of + unheld {
            let words = format!("the login may {verb} roles at {}, and no condition says which and whose", group.scope);
            found.push(Finding::warning(words).hint(
                "Take that role away, and give it those that `ispm-onboarder permissions` prints, with their condition: as it is, whoever holds \
                 the login can give any role to anyone.",
            ));
        }
    }
    if found.is_empty() {
        found.push(whose(group, rights, &held, principal));
    }
    found
}

/// What is all right.
fn whose(group: &Group, rights: &Rights, held: &[(&Grant, &str)], principal: Option<Guid>) -> Finding {
    let known = principal.map(|principal| principal.to_string());
    let named = held.iter().flat_map(|(_, condition)| Named::in_condition(condition).principals);
    let others: BTreeSet<String> = named.filter(|named| Some(named) != known.as_ref()).collect();
    if !rights.allow(WRITE) && !rights.allow(DELETE) {
        Finding::ok(format!("{}: it may assign no role", group.scope))
    } else if others.is_empty() {
        Finding::ok(format!("{}: Reader of the ISPM app alone", group.scope))
    } else {
        // That it is not the app's is told once, where all who name it are compared.
        Finding::skipped(format!("{}: Reader of {} alone, which is not known to be the ISPM app", group.scope, list(others.iter())))
    }
}

fn mentions(condition: &str, action: &str) -> bool {
    condition.to_ascii_lowercase().contains(&action.to_ascii_lowercase())
}

/// One of Azure's own roles that assigns roles, without a condition.
fn judge_role(grant: &Grant) -> Option<Finding> {
    let name = name_of(&grant.role).filter(|name| grant.condition.is_none() && ASSIGNING.contains(name))?;
    let words = format!("the login is {name} at {} without a condition: over-privileged", inert(&grant.scope.to_string()));
    let hint =
        format!("Give it the roles that `ispm-onboarder permissions` prints, then: az role assignment delete --ids {}", inert(&grant.id));
    Some(Finding::warning(words).hint(hint))
}

/// The same role as one that is held by a condition, once more without: the condition holds nothing then.
fn judge_again(grant: &Grant, own: &[Grant]) -> Option<Finding> {
    if grant.condition.is_some() || ASSIGNING.iter().any(|name| name_of(&grant.role) == Some(name)) {
        return None;
    }
    let held = own.iter().find(|other| other.role == grant.role && other.condition.is_some())?;
    let (id, held) = (inert(&grant.id), inert(&held.id));
    let words =
        format!("{id} gives without a condition the role that {held} holds by one: whoever holds the login can give any role to anyone");
    Some(Finding::warning(words).hint(format!("Take it away: az role assignment delete --ids {id}")))
}

/// A condition has to be one that this program's own roles are given with, word for word, for one principal. That this is not the app's is
/// another check's.
fn judge_condition(condition: &str, grant: &Grant, principal: Option<Guid>) -> Option<Finding> {
    let reader = BTreeSet::from([READER.to_string()]);
    let known = principal.map(|principal| principal.to_string());
    let named = Named::in_condition(condition);
    let words = if named.roles.difference(&reader).next().is_some() {
        format!("names other roles than Reader: {}", list(named.roles.difference(&reader)))
    } else if named.principals.len() > 1 {
        let others = named.principals.iter().filter(|named| Some(*named) != known.as_ref());
        format!("names others than the ISPM app: {}", list(others))
    } else if named.principals.first().is_some_and(|principal| is_shipped(condition, principal)) {
        return None;
    } else {
        "is not one of this program's, and cannot be judged here".to_owned()
    };
    let hint = "Compare it with the condition that `ispm-onboarder permissions` prints.";
    Some(Finding::warning(format!("the condition of {} {words}", inert(&grant.id))).hint(hint))
}

/// Whether a condition is that of one of this program's own roles.
fn is_shipped(condition: &str, principal: &str) -> bool {
    let own = Permissions::shipped().into_iter().flat_map(|shipped| shipped.custom_roles);
    let mut own = own.filter_map(|role| role.condition(READER, principal));
    own.any(|own| squeezed(Some(&own)) == squeezed(Some(condition)))
}

fn list<'a>(guids: impl Iterator<Item = &'a String>) -> String {
    guids.map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permissions::Permissions;

    #[test]
    fn the_conditions_that_ship_name_reader_and_the_principal() {
        let principal = "22222222-2222-4222-8222-222222222222";
        for role in Permissions::shipped().unwrap().custom_roles {
            let Some(condition) = role.condition(READER, principal) else { continue };
            let named = Named::in_condition(&condition);
            assert_eq!(named.roles, BTreeSet::from([READER.to_string()]), "{condition}");
            assert_eq!(named.principals, BTreeSet::from([principal.to_owned()]), "{condition}");
            assert!(mentions(&condition, if role.removes() { DELETE } else { WRITE }));
        }
    }

    #[test]
    fn only_a_condition_that_ships_is_taken_for_one() {
        let principal = "22222222-2222-4222-8222-222222222222";
        let roles = Permissions::shipped().unwrap().custom_roles;
        let condition = roles.iter().find_map(|role| role.condition(READER, principal)).unwrap();
        assert!(is_shipped(&condition, principal));
        assert!(is_shipped(&condition.to_uppercase().replace('(', " (\n "), principal));
        for (from, to) in [
            (" AND ", " OR "),
            ("ForAnyOfAnyValues:GuidEquals", "ForAnyOfAnyValues:GuidNotEquals"),
            ("(!(ActionMatches", "((ActionMatches"),
            ("@Request", "@Resource"),
            ("{'Microsoft.Authorization/roleAssignments/write'}", "{'Microsoft.Authorization/roleAssignments/delete'}"),
        ] {
            let other = condition.replace(from, to);
            assert!(other != condition && !is_shipped(&other, principal), "{other}");
        }
        assert!(!is_shipped(&format!("{condition} OR (true)"), principal));
        assert!(!is_shipped("", principal));
    }

    #[test]
    fn several_are_named_with_commas_and_other_text_names_nobody() {
        let (one, two) = ("22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333");
        let text = format!("(@Request[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAnyValues:GuidEquals {{{one}, {two}}})");
        assert_eq!(Named::in_condition(&text).principals, BTreeSet::from([one.to_owned(), two.to_owned()]));
        for text in ["", "true", ":principalid]", "x:PrincipalId] { no } y"] {
            assert_eq!(Named::in_condition(text), Named::default(), "{text}");
        }
    }
}
