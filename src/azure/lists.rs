//! What there is in a tenant, as lists: subscriptions, and what lies below a management group. Calls grow with pages.

use serde::Deserialize;

use super::arm::{Arm, GROUPS, List, SUBSCRIPTIONS, read_failure};
use super::url;
use crate::error::{Code, Error};
use crate::net::Answer;
use crate::scope::{GroupName, Guid, Scope};

/// More pages than this would be a loop: a directory holds 10,000 groups, and 50,000 subscriptions fit into 500 pages of 100.
const MOST_PAGES: usize = 5_000;
/// How often a page is asked for: a sweep has minutes, and workers of the one before may use up the same reads.
const MOST_TRIES: u32 = 8;
/// The most that ARM puts on one page of descendants
/// (<https://learn.microsoft.com/rest/api/managementgroups/management-groups/get-descendants>, `$top`).
const TOP: &str = "1000";

/// A subscription in a list (<https://learn.microsoft.com/rest/api/resources/subscriptions/list>).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedSubscription {
    /// Its id.
    pub subscription_id: Guid,
    /// The tenant that it belongs to: those of others that delegate theirs are listed too.
    pub tenant_id: Guid,
    /// What people call it.
    #[serde(default)]
    pub display_name: String,
    /// Enabled, Warned, PastDue, Disabled or Deleted.
    pub state: String,
    #[serde(default)]
    subscription_policies: Policies,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policies {
    quota_id: Option<String>,
}

impl ListedSubscription {
    /// The offer, such as `MSDN_2014-09-01`.
    #[must_use]
    pub fn quota_id(&self) -> Option<&str> {
        self.subscription_policies.quota_id.as_deref()
    }
}

/// Something below a management group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descendant {
    /// What it is.
    pub kind: DescendantKind,
    /// What people call it.
    pub display_name: String,
    /// The group right above it.
    pub parent: Option<GroupName>,
}

/// What lies below a management group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DescendantKind {
    /// A subscription.
    Subscription(Guid),
    /// A management group.
    Group(GroupName),
    /// Something that this version does not know.
    Unknown,
}

#[derive(Deserialize)]
struct RawDescendant {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    properties: DescendantProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescendantProperties {
    display_name: Option<String>,
    parent: Option<Parent>,
}

#[derive(Deserialize)]
struct Parent {
    id: String,
}

impl From<RawDescendant> for Descendant {
    fn from(raw: RawDescendant) -> Self {
        let subscription = || Guid::parse(&raw.name).map(DescendantKind::Subscription);
        let group = || GroupName::parse(&raw.name).map(DescendantKind::Group);
        let kind = match raw.kind.to_ascii_lowercase().as_str() {
            "microsoft.management/managementgroups/subscriptions" | "/subscriptions" => subscription(),
            "microsoft.management/managementgroups" => group(),
            _ => Ok(DescendantKind::Unknown),
        };
        let parent = raw.properties.parent.and_then(|parent| match Scope::parse(&parent.id) {
            Ok(Scope::ManagementGroup(name)) => Some(name),
            _ => None,
        });
        Self { kind: kind.unwrap_or(DescendantKind::Unknown), display_name: raw.properties.display_name.unwrap_or_default(), parent }
    }
}

impl Arm {
    /// The subscriptions that this identity may see, with state and offer.
    ///
    /// # Errors
    /// `AuthorizationFailed`, `UnexpectedAnswer` where a page link leaves ARM or the pages do not end, and those of every call.
    pub async fn subscriptions(&self) -> Result<Vec<ListedSubscription>, Error> {
        let first = url(self.origin, "/subscriptions", &[("api-version", SUBSCRIPTIONS)])?;
        let list = List { name: "arm.subscriptions.list", first, most_pages: MOST_PAGES, most_tries: MOST_TRIES };
        self.pages(list, list_failure).await
    }

    /// All that lies below a management group, at any level
    /// (<https://learn.microsoft.com/rest/api/managementgroups/management-groups/get-descendants>).
    ///
    /// # Errors
    /// As [`Arm::subscriptions`], and `ScopeNotFound` for a group that is not there.
    pub async fn descendants(&self, group: &GroupName) -> Result<Vec<Descendant>, Error> {
        let scope = Scope::ManagementGroup(group.clone());
        let first = url(self.origin, &format!("{scope}/descendants"), &[("api-version", GROUPS), ("$top", TOP)])?;
        let list = List { name: "arm.descendants.list", first, most_pages: MOST_PAGES, most_tries: MOST_TRIES };
        let found: Vec<RawDescendant> = self.pages(list, |answer| read_failure(answer, &scope)).await?;
        Ok(found.into_iter().map(Descendant::from).collect())
    }
}

fn list_failure(answer: &Answer) -> Error {
    match answer.status() {
        401 => answer.refusal(Code::TokenRefused, "Azure refused the token for the list of subscriptions"),
        403 => answer
            .refusal(Code::AuthorizationFailed, "this identity may not list subscriptions")
            .hint("Give the login app or managed identity the role \"ISPM onboarder: read\" at the management group; `ispm-onboarder permissions` prints the commands."),
        _ => answer.failure(Code::UnexpectedAnswer),
    }
}
