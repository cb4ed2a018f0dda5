//! What Resource Graph knows by now: changes reach it late (documentation, "Overview of Azure Resource Graph").

use std::collections::{BTreeMap, VecDeque};

use time::OffsetDateTime;

use crate::World;
use crate::world::{ManagementGroup, RoleAssignment, Subscription, Tenant, has_passed};

/// The tenants as they were a while ago. Kept only while the world has a lag: it holds what it shows a second time.
#[derive(Debug, Default)]
pub(super) struct Lag {
    known: Option<Known>,
}

#[derive(Debug)]
struct Known {
    /// The world when it was last looked at.
    seen: BTreeMap<String, Tenant>,
    seen_at: OffsetDateTime,
    /// What queries are answered from.
    served: BTreeMap<String, Tenant>,
    /// What has changed since, oldest first.
    pending: VecDeque<(OffsetDateTime, Change)>,
}

/// One thing as it is from now on, or gone: the tenant's id, its own, and itself.
#[derive(Debug)]
enum Change {
    Group(String, String, Option<ManagementGroup>),
    Subscription(String, String, Option<Subscription>),
    Assignment(String, String, Option<Box<RoleAssignment>>),
}

impl Lag {
    /// Looks at the world. What has changed since it was last looked at changed then, at the earliest.
    pub fn observe(&mut self, world: &World, now: OffsetDateTime) {
        let lag = world.settings.graph_lag_seconds;
        if lag == 0 {
            self.known = None;
            return;
        }
        let Some(known) = &mut self.known else {
            let seen: BTreeMap<_, _> = world.tenants.iter().map(|(id, tenant)| (id.clone(), shown(tenant))).collect();
            self.known = Some(Known { served: seen.clone(), seen, seen_at: now, pending: VecDeque::new() });
            return;
        };
        let mut changes = Vec::new();
        for (id, tenant) in &world.tenants {
            changes_of(id, known.seen.entry(id.clone()).or_default(), tenant, &mut changes);
        }
        for change in changes {
            apply(&mut known.seen, &change);
            known.pending.push_back((known.seen_at, change));
        }
        known.seen_at = now;
        while let Some((_, change)) = known.pending.pop_front_if(|(at, _)| has_passed(lag, *at, now)) {
            apply(&mut known.served, &change);
        }
    }

    /// A tenant as queries see it.
    pub fn tenant<'a>(&'a self, world: &'a World, id: &str) -> Option<&'a Tenant> {
        match &self.known {
            Some(known) => known.served.get(id),
            None => world.tenants.get(id),
        }
    }
}

/// The part of a tenant that queries show.
fn shown(tenant: &Tenant) -> Tenant {
    Tenant {
        management_groups: tenant.management_groups.clone(),
        subscriptions: tenant.subscriptions.clone(),
        role_assignments: tenant.role_assignments.clone(),
        ..Tenant::default()
    }
}

fn changes_of(id: &str, was: &Tenant, is: &Tenant, changes: &mut Vec<Change>) {
    for (name, group) in differences(&was.management_groups, &is.management_groups) {
        changes.push(Change::Group(id.to_owned(), name, group));
    }
    for (name, subscription) in differences(&was.subscriptions, &is.subscriptions) {
        changes.push(Change::Subscription(id.to_owned(), name, subscription));
    }
    for (name, assignment) in differences(&was.role_assignments, &is.role_assignments) {
        changes.push(Change::Assignment(id.to_owned(), name, assignment.map(Box::new)));
    }
}

/// What is new, other or gone.
fn differences<T: Clone + PartialEq>(was: &BTreeMap<String, T>, is: &BTreeMap<String, T>) -> Vec<(String, Option<T>)> {
    let gone = was.keys().filter(|name| !is.contains_key(*name)).map(|name| (name.clone(), None));
    let changed = is.iter().filter(|(name, thing)| was.get(*name) != Some(thing)).map(|(name, thing)| (name.clone(), Some(thing.clone())));
    gone.chain(changed).collect()
}

fn apply(tenants: &mut BTreeMap<String, Tenant>, change: &Change) {
    match change {
        Change::Group(tenant, name, group) => put(&mut tenants.entry(tenant.clone()).or_default().management_groups, name, group.as_ref()),
        Change::Subscription(tenant, id, subscription) => {
            put(&mut tenants.entry(tenant.clone()).or_default().subscriptions, id, subscription.as_ref());
        }
        Change::Assignment(tenant, name, assignment) => {
            let assignments = &mut tenants.entry(tenant.clone()).or_default().role_assignments;
            match assignment {
                Some(assignment) => assignments.insert(name.clone(), (**assignment).clone()),
                None => assignments.remove(name),
            };
        }
    }
}

fn put<T: Clone>(things: &mut BTreeMap<String, T>, name: &str, thing: Option<&T>) {
    match thing {
        Some(thing) => things.insert(name.to_owned(), thing.clone()),
        None => things.remove(name),
    };
}
