//! What a person should know of an estate.

use std::collections::{BTreeMap, BTreeSet};

use super::{Judge, Wanted};
use crate::report::{RoleCoverage, Row, Verdict};
use crate::request::Action;
use crate::scope::{GroupName, Scope, inert};

/// Of more subscriptions than this right below one group, one role at the group is better than one at each
/// (the ISPM guide's advice: up to five one by one).
const ONE_BY_ONE: usize = 5;
/// How many groups are named for it.
const MOST_GROUPS_NAMED: usize = 10;

/// A fact and what to do about it.
fn sentence(fact: &str, hint: &str) -> String {
    let mut letters = fact.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}. {hint}", letters.as_str())
}

impl Judge<'_> {
    pub(super) fn notes(&self, rows: &[Row], wanted: &BTreeMap<Scope, Wanted>) -> Vec<String> {
        let expiring = self.estate.secrets.iter().filter_map(|secret| secret.expiring(self.now));
        let mut notes: Vec<String> = expiring.map(|secret| sentence(&secret.words(self.now), &secret.hint())).collect();
        notes.extend(self.one_by_one(rows, wanted));
        let moving = self.estate.subscriptions.values().filter(|facts| facts.parents.len() > 1).count();
        if moving > 0 {
            notes.push(format!("{moving} subscriptions were seen in two management groups: they were moved while they were read."));
        }
        let unknown = self.estate.unknown_descendants;
        if unknown > 0 {
            notes.push(format!("{unknown} things below the management groups are of a kind that this version does not know."));
        }
        if let Some(Err(error)) = &self.estate.connections {
            notes.push(format!("ISPM's connections could not be read: {}.", error.message));
        }
        notes
    }

    /// Where more than five subscriptions right below one group have, or are to get, a role each.
    fn one_by_one(&self, rows: &[Row], wanted: &BTreeMap<Scope, Wanted>) -> Vec<String> {
        let mut singles: BTreeMap<&GroupName, usize> = BTreeMap::new();
        let mut kept_out: BTreeSet<GroupName> = BTreeSet::new();
        for row in rows {
            let is_wanted = wanted.get(&row.scope).is_some_and(|wanted| wanted.action == Action::Onboard);
            let is_single = row.role == RoleCoverage::Direct || (row.role == RoleCoverage::Missing && is_wanted);
            match (row.verdict, &row.group) {
                (Verdict::Excluded, _) => {
                    let Scope::Subscription(id) = &row.scope else { continue };
                    kept_out.extend(self.estate.subscriptions.get(id).into_iter().flat_map(|facts| self.estate.ancestors(facts)));
                }
                (_, Some(group)) if is_single => *singles.entry(group).or_default() += 1,
                _ => {}
            }
        }
        let mut many: Vec<(&GroupName, usize)> = singles.into_iter().filter(|(_, count)| *count > ONE_BY_ONE).collect();
        many.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
        let further = many.len().saturating_sub(MOST_GROUPS_NAMED);
        let mut notes: Vec<String> =
            many.iter().take(MOST_GROUPS_NAMED).map(|(group, count)| self.advice(group, *count, kept_out.contains(*group))).collect();
        if further > 0 {
            notes.push(format!("The same is true of {further} further management groups."));
        }
        notes
    }

    fn advice(&self, group: &GroupName, count: usize, reaches_excluded: bool) -> String {
        let name = self.estate.groups.get(group).map(|facts| facts.name.as_str()).filter(|name| !name.is_empty()).unwrap_or(group.as_str());
        let name = inert(name);
        let fact = format!("{count} subscriptions right below the management group {name} are onboarded one by one");
        if reaches_excluded {
            return format!("{fact}; a role at the group would reach subscriptions that are kept out.");
        }
        if *group == GroupName::root_of(self.record.tenant_id) {
            return format!("{fact}; move them into a group of their own, where one role covers them and those to come.");
        }
        format!("{fact}; `ispm-onboarder onboard mg:{group}` covers them with one role, and those to come.")
    }
}
