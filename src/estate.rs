//! A tenant's estate: its subscriptions, who reads them and the connections that serve them, each read as a set.
//!
//! Calls grow with pages, never with subscriptions.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};

use crate::azure::{Arm, Descendant, DescendantKind, ReaderAt};
use crate::error::Error;
use crate::expiry::SecretExpiry;
use crate::ispm::Connections;
use crate::scope::{AssignedAt, GroupName, Guid, Scope};
use crate::session::Session;

/// How many queries are under way at once. Resource Graph takes 15 in five seconds.
const AT_ONCE: usize = 4;
/// How many subscriptions one piece of work asks Resource Graph about: the most that one query names.
const BATCH: usize = 1_000;

/// What there is in a tenant.
#[derive(Clone, Debug)]
pub struct Estate {
    /// The subscriptions below the allowed groups, and the others that this identity may see.
    pub subscriptions: BTreeMap<Guid, SubscriptionFacts>,
    /// The management groups, as far as visible.
    pub groups: BTreeMap<GroupName, GroupFacts>,
    /// Reader of the ISPM app, by where it sits. The first is the one without a condition, where there is one.
    pub readers: BTreeMap<ReaderScope, Vec<ReaderAt>>,
    /// The connections; absent in console mode. ISPM's trouble does not hide what Azure says.
    pub connections: Option<Result<Connections, Error>>,
    /// The secrets that the record names, with when they expire.
    pub secrets: Vec<SecretExpiry>,
    /// How many things below the groups are of a kind that this version does not know.
    pub unknown_descendants: usize,
}

/// Where Reader can sit so that it counts for a subscription.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReaderScope {
    /// At `/`.
    Directory,
    /// At a subscription or a management group.
    At(Scope),
}

/// A subscription.
#[derive(Clone, Debug, Default)]
pub struct SubscriptionFacts {
    /// What people call it.
    pub name: String,
    /// Its state; absent where it is below a group but not in the list of subscriptions, as new ones are for a while.
    pub state: Option<String>,
    /// Its offer (`quotaId`).
    pub offer: Option<String>,
    /// The groups right above it: one, or two while it is moved; none where it could not be placed.
    pub parents: BTreeSet<GroupName>,
}

/// A management group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub struct GroupFacts {
    /// What people call it.
    pub name: String,
    /// The group right above it; absent for the root, and where that cannot be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<GroupName>,
}

impl Estate {
    /// Reads a tenant's estate.
    ///
    /// # Errors
    /// Those of the reads of Azure; ISPM's are kept in [`Estate::connections`].
    pub async fn read(session: &Session) -> Result<Self, Error> {
        let allowed = session.record.allowed_groups();
        let hierarchy = async {
            let below = stream::iter(allowed).map(|group| read_group(&session.arm, group)).buffered(AT_ONCE);
            below.try_collect::<Vec<_>>().await
        };
        let (listed, hierarchy, principal) = tokio::join!(session.arm.subscriptions(), hierarchy, session.principal());
        let (principal, mut estate) = (principal?, Self::empty());
        estate.secrets = session.secrets.clone();
        for (group, descendants) in hierarchy? {
            estate.place(group, descendants);
        }
        for subscription in listed?.into_iter().filter(|listed| listed.tenant_id == session.record.tenant_id) {
            let facts = estate.subscriptions.entry(subscription.subscription_id).or_default();
            facts.offer = subscription.quota_id().map(str::to_owned);
            facts.name = subscription.display_name;
            facts.state = Some(subscription.state);
        }
        let ids: Vec<Guid> = estate.subscriptions.keys().copied().collect();
        // A management group that was onboarded has a connection of its own, where each scope has one.
        let groups = estate.groups.keys().cloned().map(Scope::ManagementGroup);
        let scopes: Vec<Scope> = ids.iter().copied().map(Scope::Subscription).chain(groups).collect();
        let (readers, connections) = tokio::join!(read_readers(&session.arm, principal, &ids), read_connections(session, &scopes));
        estate.add_readers(readers?);
        estate.connections = connections;
        Ok(estate)
    }

    const fn empty() -> Self {
        Self {
            subscriptions: BTreeMap::new(),
            groups: BTreeMap::new(),
            readers: BTreeMap::new(),
            connections: None,
            secrets: Vec::new(),
            unknown_descendants: 0,
        }
    }

    /// Notes a group with the groups above it, and what lies below it. What is listed twice, as things that are moved meanwhile can be, is
    /// one thing in two places.
    fn place(&mut self, group: AllowedGroup, descendants: Vec<Descendant>) {
        let parent = group.ancestors.last().cloned();
        for pair in group.ancestors.windows(2) {
            self.groups.entry(pair[1].clone()).or_default().parent = Some(pair[0].clone());
        }
        for ancestor in group.ancestors {
            self.groups.entry(ancestor).or_default();
        }
        let itself = self.groups.entry(group.name).or_default();
        (itself.name, itself.parent) = (group.display_name, parent);
        for Descendant { kind, display_name, parent } in descendants {
            match kind {
                DescendantKind::Subscription(id) => {
                    let facts = self.subscriptions.entry(id).or_default();
                    facts.name = display_name;
                    facts.parents.extend(parent);
                }
                DescendantKind::Group(name) => {
                    self.groups.insert(name, GroupFacts { name: display_name, parent });
                }
                DescendantKind::Unknown => self.unknown_descendants += 1,
            }
        }
    }

    fn add_readers(&mut self, readers: Vec<ReaderAt>) {
        for reader in readers {
            let place = match &reader.scope {
                AssignedAt::Scope(scope) => ReaderScope::At(scope.clone()),
                AssignedAt::Directory => ReaderScope::Directory,
                AssignedAt::Elsewhere(_) => continue,
            };
            let there = self.readers.entry(place).or_default();
            // Batches repeat what sits above their subscriptions.
            if !there.iter().any(|known| known.id.eq_ignore_ascii_case(&reader.id)) {
                there.push(reader);
                there.sort_by(|one, other| (one.conditional, &one.id).cmp(&(other.conditional, &other.id)));
            }
        }
    }

    /// The groups above a subscription, from the nearest up; those of both places where it is in two.
    #[must_use]
    pub fn ancestors(&self, subscription: &SubscriptionFacts) -> Vec<GroupName> {
        let mut above: Vec<GroupName> = Vec::new();
        for parent in &subscription.parents {
            let mut next = Some(parent);
            // A group that was moved between two pages may seem to be above itself.
            while let Some(group) = next.filter(|group| !above.contains(group)) {
                above.push(group.clone());
                next = self.groups.get(group).and_then(|facts| facts.parent.as_ref());
            }
        }
        above
    }

    /// Reader at a place, without a condition.
    #[must_use]
    pub fn reader(&self, place: &ReaderScope) -> Option<&ReaderAt> {
        self.readers.get(place)?.first().filter(|reader| !reader.conditional)
    }
}

/// A group within which the policy allows onboarding.
struct AllowedGroup {
    name: GroupName,
    display_name: String,
    /// Root first.
    ancestors: Vec<GroupName>,
}

async fn read_group(arm: &Arm, name: GroupName) -> Result<(AllowedGroup, Vec<Descendant>), Error> {
    let (group, descendants) = tokio::join!(arm.management_group(&name), arm.descendants(&name));
    let group = group?;
    Ok((AllowedGroup { name, display_name: group.display_name, ancestors: group.ancestors }, descendants?))
}

async fn read_readers(arm: &Arm, principal: Guid, ids: &[Guid]) -> Result<Vec<ReaderAt>, Error> {
    let batches: Vec<Vec<Guid>> = ids.chunks(BATCH).map(<[Guid]>::to_vec).collect();
    let read = stream::iter(batches).map(|batch| async move { arm.readers(principal, &batch).await });
    read.buffered(AT_ONCE).try_concat().await
}

async fn read_connections(session: &Session, scopes: &[Scope]) -> Option<Result<Connections, Error>> {
    let ispm = session.ispm.as_ref()?;
    let (source, connections) = tokio::join!(session.check_source(ispm), ispm.all(scopes.iter()));
    Some(source.and(connections))
}
