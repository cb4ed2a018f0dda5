//! An estate as large as asked for: Contoso's deployment, with many subscriptions in many management groups and none of the demo's stories.

use uuid::{Uuid, uuid};

use super::{DemoCast, Deployment, LEAST_SUBSCRIPTIONS, id};
use crate::world::ispm::READER;
use crate::world::moment::long_ago;
use crate::world::{Connection, RoleAssignment, Scope, Status, Tenant, World, service_principal};

/// Who plays which part in [`World::estate`]. The tenant, apps, vault, topic, queue and console are those of [`DemoCast`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EstateCast {
    /// The management groups, by name: one below the root, and the others below that one at up to six levels.
    pub groups: Vec<String>,
    /// The subscriptions that have the role already, directly and by the onboarder's own hand, by id.
    pub covered: Vec<String>,
    /// Those that lack it.
    pub missing: Vec<String>,
    /// Those that are disabled; they lack it too.
    pub disabled: Vec<String>,
}

/// Levels below the root (documentation, "Azure management groups").
const LEVELS: usize = 6;
/// Management groups in one other, where there are enough levels.
const GROUPS_IN_GROUP: usize = 3;
/// One subscription of so many is disabled.
const DISABLED_EVERY: usize = 250;
/// What names of subscriptions begin with, in turn.
const PURPOSES: [&str; 4] = ["prod", "test", "dev", "sandbox"];
/// The namespace of ARM's and Bicep's `guid()` function.
const ARM_GUID_NAMESPACE: Uuid = uuid!("11fb06fb-712d-4ddd-98c7-e71bbd588830");

/// What becomes of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Covered,
    Missing,
    Disabled,
}

impl EstateCast {
    /// The cast of [`World::estate`] with the same numbers.
    #[must_use]
    pub fn of(subscriptions: usize, groups: usize, covered_percent: usize) -> Self {
        let mut cast = Self { groups: (0..groups).map(group_name).collect(), covered: vec![], missing: vec![], disabled: vec![] };
        for (number, part) in parts(subscriptions, covered_percent) {
            let list = match part {
                Part::Covered => &mut cast.covered,
                Part::Missing => &mut cast.missing,
                Part::Disabled => &mut cast.disabled,
            };
            list.push(subscription_id(number));
        }
        cast
    }
}

impl World {
    /// Contoso's deployment with this many subscriptions in this many management groups. Of those that are not disabled, this part of a
    /// hundred has the role already, as the onboarder itself would have given it; where any has, the console has the connection too. The
    /// same numbers give the same world.
    #[must_use]
    pub fn estate(subscriptions: usize, groups: usize, covered_percent: usize) -> Self {
        let cast = DemoCast::of(LEAST_SUBSCRIPTIONS);
        let mut world = Self::empty();
        world.add_directory(&cast);
        let deployment = Deployment::of(&cast);
        world.add_azure(&cast, &deployment);
        world.add_aws(&cast, &deployment);
        world.add_api(&cast);
        let tenant = world.tenant_mut(&cast.tenant);
        add_groups(tenant, &cast.tenant, groups);
        for (number, part) in parts(subscriptions, covered_percent) {
            add_subscription(tenant, &cast, number, part, place(number, subscriptions, groups));
        }
        if !tenant.role_assignments.is_empty() {
            world.connect(&cast);
        }
        world.make_operator(&cast.tenant, &cast.operator_principal_id);
        world
    }

    /// The connection that the onboarder makes for the whole directory.
    fn connect(&mut self, cast: &DemoCast) {
        let connection = Connection {
            name: format!("azure-{}", cast.tenant),
            related_source: cast.entra_source.clone(),
            status: Status::Connected,
            cause: None,
            managed_by: Some("ispm-onboarder/1".to_owned()),
            created_at: long_ago(),
        };
        let id = self.new_id().to_string();
        self.ispm.entry(cast.ispm_host.clone()).or_default().connections.insert(id, connection);
    }
}

fn add_groups(tenant: &mut Tenant, root: &str, groups: usize) {
    // The parent's number and the level of each so far.
    let mut placed: Vec<(Option<usize>, usize)> = Vec::with_capacity(groups);
    for number in 0..groups {
        let mut parent = (number > 0).then_some(number / GROUPS_IN_GROUP);
        while let Some(other) = parent
            && placed[other].1 >= LEVELS
        {
            parent = placed[other].0;
        }
        let level = parent.map_or(1, |parent| placed[parent].1 + 1);
        placed.push((parent, level));
        let above = parent.map_or_else(|| root.to_owned(), group_name);
        tenant.add_management_group(&group_name(number), &above).display_name = format!("Group {number:04}");
    }
}

fn add_subscription(tenant: &mut Tenant, cast: &DemoCast, number: usize, part: Part, group: Option<usize>) {
    let id = subscription_id(number);
    let name = format!("{}-{number:05}", PURPOSES[number % PURPOSES.len()]);
    let parent = group.map_or_else(|| cast.tenant.clone(), group_name);
    let subscription = tenant.add_subscription(&id, &name, &parent);
    match part {
        Part::Covered => assign(tenant, Scope::Subscription(id), &cast.ispm_principal_id, &cast.login_principal_id),
        Part::Missing => {}
        Part::Disabled => subscription.state = "Disabled".to_owned(),
    }
}

/// Gives Reader under the name and with the mark that the onboarder gives: `guid(scope, principal, role)`, all in lower case.
fn assign(tenant: &mut Tenant, scope: Scope, principal_id: &str, by: &str) {
    let seed = format!("{scope}-{principal_id}-{READER}").to_ascii_lowercase();
    let name = Uuid::new_v5(&ARM_GUID_NAMESPACE, seed.as_bytes()).to_string();
    let assignment = RoleAssignment {
        scope,
        role: READER.to_owned(),
        principal_id: principal_id.to_owned(),
        principal_type: service_principal(),
        description: Some("ispm-onboarder/1 Reader for Okta ISPM".to_owned()),
        condition: None,
        condition_version: None,
        created_on: long_ago(),
        updated_on: long_ago(),
        created_by: Some(by.to_owned()),
    };
    tenant.role_assignments.insert(name, assignment);
}

/// Each subscription's number and part. The covered ones are spread evenly.
fn parts(subscriptions: usize, covered_percent: usize) -> impl Iterator<Item = (usize, Part)> {
    let mut enabled = 0;
    (0..subscriptions).map(move |number| {
        if number % DISABLED_EVERY == DISABLED_EVERY - 1 {
            return (number, Part::Disabled);
        }
        let before = enabled * covered_percent / 100;
        enabled += 1;
        let covered = enabled * covered_percent / 100 > before;
        (number, if covered { Part::Covered } else { Part::Missing })
    })
}

/// The number of the group that a subscription sits in: neighbours sit together. Without groups, none.
fn place(number: usize, subscriptions: usize, groups: usize) -> Option<usize> {
    (groups > 0).then(|| number * groups / subscriptions.max(1))
}

fn group_name(number: usize) -> String {
    format!("mg-{number:04}")
}

fn subscription_id(number: usize) -> String {
    id(&format!("estate/subscription {number}"))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn holds_what_was_asked_for() {
        let (world, cast) = (World::estate(1000, 60, 40), EstateCast::of(1000, 60, 40));
        assert_eq!((cast.covered.len(), cast.missing.len(), cast.disabled.len()), (398, 598, 4));
        let names = DemoCast::of(0);
        let tenant = &world.tenants[&names.tenant];
        assert_eq!((tenant.subscriptions.len(), tenant.management_groups.len()), (1000, 61));
        assert_eq!(tenant.role_assignments.len(), 398 + 1, "the covered subscriptions, and the operator");
        for id in &cast.covered {
            let (_, found) = tenant.role_assignments.at(&Scope::Subscription(id.clone())).next().expect("an assignment");
            assert!(found.grants(&found.scope, READER, &names.ispm_principal_id));
        }
        assert!(cast.disabled.iter().all(|id| tenant.subscriptions[id].state == "Disabled"));
        assert_eq!(world.connections().len(), 1);
        assert!(World::estate(10, 0, 0).connections().is_empty());
    }

    #[test]
    fn groups_reach_six_levels_and_no_more() {
        let world = World::estate(3000, 300, 10);
        let names = DemoCast::of(0);
        let tenant = &world.tenants[&names.tenant];
        let mut levels: BTreeMap<usize, usize> = BTreeMap::new();
        for name in tenant.management_groups.keys() {
            let scope = Scope::ManagementGroup(name.clone());
            *levels.entry(tenant.groups_above(&scope).len()).or_default() += 1;
        }
        assert_eq!(levels.keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
        let groups: BTreeSet<_> = tenant.subscriptions.values().map(|subscription| &subscription.parent).collect();
        assert_eq!(groups.len(), 300, "each group has some");
    }

    #[test]
    fn assignments_have_the_names_that_arm_computes() {
        // Computed with Terraform's uuidv5() and Python's uuid.uuid5() over the same namespace.
        let mut tenant = Tenant::default();
        let scope = Scope::Subscription("0b1f6471-1bf0-4dda-aec3-111122223333".to_owned());
        assign(&mut tenant, scope, "22222222-2222-2222-2222-222222222222", "somebody");
        assert!(tenant.role_assignments.contains_key("1d359139-a2a5-5e83-a400-80655f62b342"));
    }
}
