//! Azure's hierarchy: management groups, subscriptions, and the scopes they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Moment, Tenant, guid};

/// A management group, stored under its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagementGroup {
    /// The group's name for people.
    #[serde(default)]
    pub display_name: String,
    /// The parent's name; the root group has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// A subscription, stored under its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subscription {
    /// The subscription's name for people.
    #[serde(default)]
    pub display_name: String,
    /// Enabled, Warned, PastDue, Disabled or Deleted.
    #[serde(default = "enabled")]
    pub state: String,
    /// The offer, such as `PayAsYouGo_2014-09-01` or `MSDN_2014-09-01`.
    #[serde(default = "pay_as_you_go")]
    pub quota_id: String,
    /// The name of the management group it sits in.
    pub parent: String,
    /// From when Resource Manager knows it; without it, from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible_from: Option<Moment>,
    /// What Resource Manager answers before that.
    #[serde(default)]
    pub until_visible: Concealment,
}

/// What Resource Manager answers about a subscription that it does not know yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Concealment {
    /// 403 `AuthorizationFailed`.
    #[default]
    AuthorizationFailed,
    /// 404 `SubscriptionNotFound`.
    SubscriptionNotFound,
}

fn enabled() -> String {
    "Enabled".to_owned()
}

fn pay_as_you_go() -> String {
    "PayAsYouGo_2014-09-01".to_owned()
}

/// Where a role assignment can sit. In a file, its path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// `/`, above every management group.
    Tenant,
    /// A management group, by name.
    ManagementGroup(String),
    /// A subscription, by id in lower case.
    Subscription(String),
}

/// The first segments of a management group's path, in lower case.
const GROUP_PREFIX: &str = "/providers/microsoft.management/managementgroups/";

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant => f.write_str("/"),
            Self::ManagementGroup(name) => write!(f, "/providers/Microsoft.Management/managementGroups/{name}"),
            Self::Subscription(id) => write!(f, "/subscriptions/{id}"),
        }
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl TryFrom<String> for Scope {
    type Error = String;

    fn try_from(path: String) -> Result<Self, String> {
        let lower = path.to_ascii_lowercase();
        if path == "/" {
            return Ok(Self::Tenant);
        }
        if let Some(id) = lower.strip_prefix("/subscriptions/").and_then(guid) {
            return Ok(Self::Subscription(id.to_string()));
        }
        if lower.starts_with(GROUP_PREFIX) {
            let name = &path[GROUP_PREFIX.len()..];
            if !name.is_empty() && !name.contains('/') {
                return Ok(Self::ManagementGroup(name.to_owned()));
            }
        }
        Err(format!("{path:?} is neither `/` nor the path of a subscription or of a management group"))
    }
}

impl Scope {
    /// The path that ids of things at this scope begin with: empty for `/`.
    #[must_use]
    pub fn id_prefix(&self) -> String {
        match self {
            Self::Tenant => String::new(),
            scope => scope.to_string(),
        }
    }

    /// The scope with its management group's name in lower case, to find it whatever the case.
    #[must_use]
    pub(super) fn lower_case(&self) -> Self {
        match self {
            Self::ManagementGroup(name) => Self::ManagementGroup(name.to_ascii_lowercase()),
            scope => scope.clone(),
        }
    }

    /// Whether two scopes are the same one; management group names ignore case.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ManagementGroup(one), Self::ManagementGroup(two)) => one.eq_ignore_ascii_case(two),
            (one, two) => one == two,
        }
    }
}

impl Tenant {
    /// A management group by name, whatever the case; with the name as it is written.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<(&str, &ManagementGroup)> {
        let exact = self.management_groups.get_key_value(name);
        exact
            .or_else(|| self.management_groups.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)))
            .map(|(own, group)| (own.as_str(), group))
    }

    /// The names of the management groups above a scope, nearest first, up to the root.
    #[must_use]
    pub fn groups_above(&self, scope: &Scope) -> Vec<&str> {
        let mut next = match scope {
            Scope::Tenant => None,
            Scope::ManagementGroup(name) => self.group(name).and_then(|(_, group)| group.parent.as_deref()),
            Scope::Subscription(id) => self.subscriptions.get(id).map(|subscription| subscription.parent.as_str()),
        };
        let mut above = Vec::new();
        // A world file may hold a loop; the number of groups bounds the walk.
        while let Some((name, group)) = next.and_then(|name| self.group(name)) {
            if above.len() >= self.management_groups.len() {
                break;
            }
            above.push(name);
            next = group.parent.as_deref();
        }
        above
    }

    /// The names of a management group and of all below it.
    #[must_use]
    pub fn groups_within(&self, name: &str) -> BTreeSet<&str> {
        let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, group) in &self.management_groups {
            children.entry(group.parent.as_deref().unwrap_or_default()).or_default().push(name);
        }
        let mut within = BTreeSet::new();
        let mut next: Vec<&str> = self.group(name).map(|(name, _)| name).into_iter().collect();
        while let Some(group) = next.pop() {
            // A world file may hold a loop.
            if within.insert(group) {
                next.extend(children.get(group).into_iter().flatten());
            }
        }
        within
    }

    /// Whether what holds at `upper` holds at `lower` too: the same scope or one above it.
    #[must_use]
    pub fn covers(&self, upper: &Scope, lower: &Scope) -> bool {
        match upper {
            Scope::Subscription(_) => upper == lower,
            _ => self.lineage(lower).includes(upper),
        }
    }

    /// A scope and all above it, to compare many others with.
    #[must_use]
    pub fn lineage<'a>(&'a self, scope: &'a Scope) -> Lineage<'a> {
        Lineage { scope, above: self.groups_above(scope) }
    }
}

/// A scope and the management groups above it.
#[derive(Clone, Debug)]
pub struct Lineage<'a> {
    scope: &'a Scope,
    above: Vec<&'a str>,
}

impl Lineage<'_> {
    /// Each scope of the line: itself, the management groups above it, and `/`.
    pub fn scopes(&self) -> impl Iterator<Item = Scope> {
        let above = self.above.iter().map(|name| Scope::ManagementGroup((*name).to_owned()));
        let root = (*self.scope != Scope::Tenant).then_some(Scope::Tenant);
        [self.scope.clone()].into_iter().chain(above).chain(root)
    }

    /// Whether `other` is the scope itself or one above it.
    #[must_use]
    pub fn includes(&self, other: &Scope) -> bool {
        match other {
            Scope::Tenant => true,
            Scope::ManagementGroup(name) => other.is(self.scope) || self.above.iter().any(|above| above.eq_ignore_ascii_case(name)),
            Scope::Subscription(_) => other == self.scope,
        }
    }
}
