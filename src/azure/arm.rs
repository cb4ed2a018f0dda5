//! Azure Resource Manager: subscriptions, management groups and role assignments.

use std::collections::BTreeSet;

use azure_core::http::{Method, Request, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::pace::{Pace, wait_out};
use super::quota::Quota;
use super::{OWNERSHIP_MARK, READER, assignment_name, is_marked, request, url, with_json};
use crate::cloud::Cloud;
use crate::error::{Code, Error};
use crate::net::{Answer, Api};
use crate::scope::{AssignedAt, GroupName, Guid, Scope};

pub(super) const ASSIGNMENTS: &str = "2022-04-01";
pub(super) const GROUPS: &str = "2023-04-01";
const ENTITIES: &str = "2020-05-01";
pub(super) const SUBSCRIPTIONS: &str = "2022-12-01";
/// More pages than this of one principal's assignments at one scope would be a loop: Azure allows 4,000 assignments a scope.
const MOST_PAGES: usize = 50;

/// ARM, signed in to one tenant.
#[derive(Debug)]
pub struct Arm {
    api: Api,
    pub(super) origin: &'static str,
    pace: Pace,
    pub(super) quota: Quota,
}

/// A subscription (<https://learn.microsoft.com/rest/api/subscription/subscriptions/get>).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// The tenant that it belongs to.
    pub tenant_id: Guid,
    /// What people call it.
    pub display_name: String,
    /// Enabled, Warned, PastDue, Disabled or Deleted.
    pub state: String,
    #[serde(default)]
    subscription_policies: SubscriptionPolicies,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubscriptionPolicies {
    quota_id: Option<String>,
}

impl Subscription {
    /// The offer, such as `MSDN_2014-09-01`.
    #[must_use]
    pub fn quota_id(&self) -> Option<&str> {
        self.subscription_policies.quota_id.as_deref()
    }
}

/// A management group with the groups above it.
#[derive(Clone, Debug)]
pub struct Group {
    /// The tenant that it belongs to.
    pub tenant_id: Guid,
    /// What people call it.
    pub display_name: String,
    /// The groups from the root down to this one's parent, as far as this identity may see them.
    pub ancestors: Vec<GroupName>,
}

/// A role assignment, as ARM lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// ARM's id, as ARM spells it.
    pub id: String,
    /// Where it sits.
    pub scope: AssignedAt,
    /// Which role, by the last segment of its definition's id.
    pub role: String,
    /// To whom, by object id: the service principal, or a group that it is in.
    pub principal: String,
    /// Whether a condition narrows it.
    pub conditional: bool,
    /// Whether its description has the mark of what was made here.
    pub marked: bool,
    /// When it was made, where that can be read.
    pub created_on: Option<OffsetDateTime>,
}

impl Assignment {
    /// Whether the role is Reader.
    #[must_use]
    pub fn is_reader(&self) -> bool {
        self.role.eq_ignore_ascii_case(&READER.to_string())
    }

    /// Whether this program made it: at the scope itself, under the name that it computes, and with its mark.
    #[must_use]
    pub fn is_ours(&self, scope: &Scope, principal: Guid) -> bool {
        let name = assignment_name(scope, principal).to_string();
        let is_named = self.id.rsplit('/').next().is_some_and(|own| own.eq_ignore_ascii_case(&name));
        self.marked && is_named && self.scope == AssignedAt::Scope(scope.clone())
    }
}

/// A list, and how long its pages may be asked for.
pub(super) struct List {
    pub name: &'static str,
    pub first: Url,
    pub most_pages: usize,
    /// How often one page is asked for that is refused for asking too often.
    pub most_tries: u32,
}

/// What an attempt to assign Reader came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// 201: it was not there before.
    Created(Assignment),
    /// 200: it was there, under our name.
    Unchanged(Assignment),
    /// 409: it is there, under another name.
    UnderAnotherName,
}

#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(rename = "nextLink")]
    next_link: Option<String>,
}

#[derive(Deserialize)]
struct Properties<T> {
    properties: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupProperties {
    tenant_id: Guid,
    display_name: Option<String>,
    #[serde(default)]
    details: GroupDetails,
}

#[derive(Default, Deserialize)]
struct GroupDetails {
    path: Option<Vec<PathElement>>,
}

#[derive(Deserialize)]
struct PathElement {
    name: GroupName,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntityProperties {
    #[serde(default)]
    parent_name_chain: Vec<GroupName>,
}

#[derive(Deserialize)]
pub(super) struct RawAssignment {
    id: String,
    properties: RawAssignmentProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAssignmentProperties {
    scope: String,
    role_definition_id: String,
    principal_id: String,
    condition: Option<String>,
    description: Option<String>,
    created_on: Option<String>,
}

impl From<RawAssignment> for Assignment {
    fn from(raw: RawAssignment) -> Self {
        let role = raw.properties.role_definition_id.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let conditional = raw.properties.condition.is_some_and(|condition| !condition.is_empty());
        let marked = raw.properties.description.is_some_and(|description| is_marked(&description));
        let created_on = raw.properties.created_on.and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok());
        let RawAssignmentProperties { scope, principal_id: principal, .. } = raw.properties;
        Self { id: raw.id, scope: AssignedAt::parse(&scope), role, principal, conditional, marked, created_on }
    }
}

impl Arm {
    /// The cloud's ARM over a pipeline that authorises for [`Cloud::arm_scope`].
    #[must_use]
    pub fn new(api: Api, cloud: Cloud) -> Self {
        Self { api, origin: cloud.arm(), pace: Pace::default(), quota: Quota::default() }
    }

    /// Reads a subscription.
    ///
    /// # Errors
    /// `ScopeNotFound`, `AuthorizationFailed`, `ForeignScope`, and those of [`Api::send`].
    pub async fn subscription(&self, id: Guid) -> Result<Subscription, Error> {
        let url = url(self.origin, &format!("/subscriptions/{id}"), &[("api-version", SUBSCRIPTIONS)])?;
        let answer = self.send("arm.subscription.get", request(Method::Get, url)).await?;
        if answer.status() == 200 { answer.json() } else { Err(read_failure(&answer, &Scope::Subscription(id))) }
    }

    /// Reads a management group with its path (<https://learn.microsoft.com/rest/api/managementgroups/management-groups/get>).
    ///
    /// # Errors
    /// As [`Arm::subscription`].
    pub async fn management_group(&self, name: &GroupName) -> Result<Group, Error> {
        let scope = Scope::ManagementGroup(name.clone());
        let url = url(self.origin, &scope.path(), &[("api-version", GROUPS), ("$expand", "path")])?;
        let answer = self.send("arm.management-group.get", request(Method::Get, url)).await?;
        if answer.status() != 200 {
            return Err(read_failure(&answer, &scope));
        }
        let group = answer.json::<Properties<GroupProperties>>()?.properties;
        let path = group.details.path.unwrap_or_default();
        let ancestors = path.into_iter().map(|element| element.name).filter(|ancestor| ancestor != name).collect();
        Ok(Group { tenant_id: group.tenant_id, display_name: group.display_name.unwrap_or_default(), ancestors })
    }

    /// The management groups above a subscription, root first, as far as this identity may see them
    /// (<https://learn.microsoft.com/rest/api/managementgroups/entities/list>). Empty where it may see none.
    ///
    /// # Errors
    /// As [`Arm::subscription`].
    pub async fn ancestors(&self, id: Guid) -> Result<Vec<GroupName>, Error> {
        let filter = format!("name eq '{id}'");
        let url = url(self.origin, "/providers/Microsoft.Management/getEntities", &[("api-version", ENTITIES), ("$filter", &filter)])?;
        let answer = self.send("arm.entities.list", request(Method::Post, url)).await?;
        if answer.status() != 200 {
            return Err(read_failure(&answer, &Scope::Subscription(id)));
        }
        let page: Page<Properties<EntityProperties>> = answer.json()?;
        Ok(page.value.into_iter().next().map(|entity| entity.properties.parent_name_chain).unwrap_or_default())
    }

    /// The role assignments of a service principal at a scope and above it
    /// (<https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope>).
    ///
    /// # Errors
    /// As [`Arm::subscription`]; `UnexpectedAnswer` where a page link leaves ARM or the pages do not end.
    pub async fn assignments(&self, scope: &Scope, principal: Guid) -> Result<Vec<Assignment>, Error> {
        let filter = format!("atScope() and assignedTo('{principal}')");
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
        let first = url(self.origin, &path, &[("api-version", ASSIGNMENTS), ("$filter", &filter)])?;
        let list = List { name: "arm.role-assignments.list", first, most_pages: MOST_PAGES, most_tries: 1 };
        let found: Vec<RawAssignment> = self.pages(list, |answer| read_failure(answer, scope)).await?;
        Ok(found.into_iter().map(Assignment::from).collect())
    }

    /// All items of a list, page by page. Pages stay on ARM, and none is asked for twice.
    pub(super) async fn pages<T: DeserializeOwned>(&self, list: List, failure: impl Fn(&Answer) -> Error) -> Result<Vec<T>, Error> {
        let List { name, first, most_pages, most_tries } = list;
        let (mut found, mut seen, mut next) = (Vec::new(), BTreeSet::new(), Some(first));
        while let Some(url) = next.take() {
            if seen.len() == most_pages || !seen.insert(url.to_string()) {
                return Err(Error::new(Code::UnexpectedAnswer, format!("the pages of {name} do not end")));
            }
            let answer = self.patiently(name, &url, most_tries).await?;
            if answer.status() != 200 {
                return Err(failure(&answer));
            }
            let page: Page<T> = answer.json()?;
            found.extend(page.value);
            next = page.next_link.map(|link| same_origin(self.origin, name, &link)).transpose()?;
        }
        Ok(found)
    }

    /// Asks again as often as this where ARM says that it is asked too often, when it wants to be asked.
    async fn patiently(&self, name: &'static str, url: &Url, most_tries: u32) -> Result<Answer, Error> {
        let mut tries = 1;
        loop {
            match self.send(name, request(Method::Get, url.clone())).await {
                Err(error) if error.code == Code::Throttled && tries < most_tries && wait_out(&error).await => tries += 1,
                answer => return answer,
            }
        }
    }

    /// Sends a call, slower where ARM says that few are left.
    pub(super) async fn send(&self, name: &'static str, request: Request) -> Result<Answer, Error> {
        self.pace.wait().await;
        let answer = self.api.send(name, request).await;
        self.pace.note(answer.as_ref().ok());
        answer
    }

    /// Assigns Reader to a service principal under a name, with the mark of ownership
    /// (<https://learn.microsoft.com/rest/api/authorization/role-assignments/create>). Repeating it changes nothing.
    ///
    /// # Errors
    /// `AuthorizationFailed`, `PrincipalNotFound`, `RoleAssignmentConflict`, `RoleAssignmentLimitExceeded`, and those of [`Arm::subscription`].
    pub async fn assign_reader(&self, scope: &Scope, name: Guid, principal: Guid) -> Result<Assigned, Error> {
        let definition_at = match scope {
            Scope::Subscription(_) => scope.path(),
            Scope::ManagementGroup(_) => String::new(),
        };
        let body = json!({ "properties": {
            "roleDefinitionId": format!("{definition_at}/providers/Microsoft.Authorization/roleDefinitions/{READER}"),
            "principalId": principal,
            "principalType": "ServicePrincipal",
            "description": format!("{OWNERSHIP_MARK} Reader for Okta ISPM"),
        }});
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
        let url = url(self.origin, &path, &[("api-version", ASSIGNMENTS)])?;
        let answer = self.send("arm.role-assignments.create", with_json(request(Method::Put, url), &body)).await?;
        match answer.status() {
            201 => Ok(Assigned::Created(answer.json::<RawAssignment>()?.into())),
            200 => Ok(Assigned::Unchanged(answer.json::<RawAssignment>()?.into())),
            _ if answer.error_code().as_deref() == Some("RoleAssignmentExists") => Ok(Assigned::UnderAnotherName),
            _ => Err(write_failure(&answer, scope, principal)),
        }
    }
}

/// A page link, which has to stay where the page came from.
fn same_origin(origin: &str, name: &str, link: &str) -> Result<Url, Error> {
    match Url::parse(link) {
        Ok(url) if url.origin().ascii_serialization() == origin => Ok(url),
        _ => Err(Error::new(Code::UnexpectedAnswer, format!("a page link of {name} leads away from ARM"))),
    }
}

pub(super) fn read_failure(answer: &Answer, scope: &Scope) -> Error {
    // ARM's word for a subscription of another directory than the token's.
    let foreign = answer.error_code().as_deref() == Some("InvalidAuthenticationTokenTenant");
    match answer.status() {
        401 if foreign => answer
            .refusal(Code::ForeignScope, &format!("{scope} belongs to another tenant"))
            .hint("Send the event with the scope's own tenant id; that tenant needs a record of its own."),
        401 => answer.refusal(Code::TokenRefused, &format!("Azure refused the token for {scope}")),
        403 => answer.refusal(Code::AuthorizationFailed, &format!("this identity may not read {scope}")).hint(format!(
            "Give the login app or managed identity the role \"ISPM onboarder: read\" at {scope} or a management group above it (`ispm-onboarder permissions` prints the commands); new rights can take up to 30 minutes to show."
        )),
        404 => answer
            .refusal(Code::ScopeNotFound, &format!("Azure does not show {scope}"))
            .hint("Check the id, and that the scope is in this tenant and visible to the login app or managed identity."),
        _ => answer.refusal(Code::UnexpectedAnswer, &format!("Azure refused a call about {scope}")),
    }
}

/// The refusals of a role assignment, by `error.code`: their statuses vary.
fn write_failure(answer: &Answer, scope: &Scope, principal: Guid) -> Error {
    match answer.error_code().as_deref() {
        Some("PrincipalNotFound") => answer
            .refusal(Code::PrincipalNotFound, &format!("the directory does not know service principal {principal}"))
            .hint("Check app.principalId in the tenant record: it is the object id of the ISPM app's service principal, not the app id."),
        Some("RoleAssignmentUpdateNotPermitted") => answer
            .refusal(Code::RoleAssignmentConflict, &format!("an assignment of our name at {scope} has another principal or role"))
            .hint("Remove that assignment, then send the event again."),
        Some("RoleAssignmentLimitExceeded") => answer
            .refusal(Code::RoleAssignmentLimitExceeded, &format!("{scope} holds as many role assignments as Azure allows"))
            .hint("Remove assignments that are no longer needed there, or assign Reader once at a management group above it."),
        Some("AuthorizationFailed") => {
            answer.refusal(Code::AuthorizationFailed, &format!("this identity may not assign roles at {scope}")).hint(format!(
                "Give it the role \"ISPM onboarder: assign Reader\" there, with the condition for service principal {principal} (`ispm-onboarder permissions` prints the commands), or set policy.assign to \"never\"."
            ))
        }
        _ if answer.status() == 403 => answer
            .refusal(Code::AuthorizationFailed, &format!("Azure refused to assign Reader at {scope}"))
            .hint("Look at the named code: a policy or a lock of the scope may forbid role assignments."),
        _ => read_failure(answer, scope),
    }
}
