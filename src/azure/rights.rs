//! What an identity may do at a scope as Resource Manager itself sees it, and which role assignments there are: nothing is tried.

use serde::Deserialize;

use super::arm::{ASSIGNMENTS, Arm, List, read_failure};
use super::{READER, is_marked, url};
use crate::error::Error;
use crate::scope::{AssignedAt, Guid, Scope};

/// The version of the permissions API
/// (<https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource>, 2022-04-01).
const PERMISSIONS: &str = "2022-04-01";
/// More pages than this would be a loop: Azure allows 4,000 assignments a scope.
const MOST_PAGES: usize = 50;

/// What the caller may do at a scope: one entry for each of its role assignments there and above.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Rights(Vec<RoleRights>);

/// What one role gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RoleRights {
    actions: Vec<String>,
    not_actions: Vec<String>,
    /// What it may do with the data of resources: read secrets, take messages.
    data_actions: Vec<String>,
}

impl Rights {
    /// Whether an action is allowed: by one role at least that does not take it out again
    /// (<https://learn.microsoft.com/azure/role-based-access-control/role-definitions#notactions>). Conditions of assignments do not show
    /// here.
    #[must_use]
    pub fn allow(&self, action: &str) -> bool {
        self.0.iter().any(|role| role.allows(action))
    }

    /// How many role assignments allow an action.
    #[must_use]
    pub fn number_that_allow(&self, action: &str) -> usize {
        self.0.iter().filter(|role| role.allows(action)).count()
    }

    /// What is allowed beyond these actions, as the roles put it: `*` of Owner, `*/read` of Reader. What is done with data is all beyond.
    #[must_use]
    pub fn beyond(&self, actions: &[&str]) -> Vec<String> {
        let listed = |own: &str| actions.iter().any(|action| action.eq_ignore_ascii_case(own));
        let unlisted = self.0.iter().flat_map(|role| &role.actions).filter(|own| !listed(own));
        let mut beyond: Vec<String> = unlisted.chain(self.0.iter().flat_map(|role| &role.data_actions)).cloned().collect();
        beyond.sort();
        beyond.dedup();
        beyond
    }
}

impl RoleRights {
    fn allows(&self, action: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| covers(pattern, action));
        any(&self.actions) && !any(&self.not_actions)
    }
}

/// Whether a pattern covers an action; `*` stands for any text, slashes too, and case does not count.
fn covers(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| action.strip_prefix(first)) else { return false };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    false
}

/// Azure's own roles that assign roles: Owner, User Access Administrator, Role Based Access Control Administrator
/// (<https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/privileged>).
const ASSIGNING: [&str; 3] =
    ["8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "f58310d9-a9f6-439a-9e8d-f62e7b41a168"];
/// What conditions about role assignments name, be it the action or an attribute
/// (<https://learn.microsoft.com/azure/role-based-access-control/conditions-authorization-actions-attributes>).
const ROLE_ASSIGNMENTS: &str = "microsoft.authorization/roleassignments";

/// A role assignment of anyone, as ARM lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// ARM's id, as ARM spells it.
    pub id: String,
    /// Where it sits.
    pub scope: AssignedAt,
    /// Which role, by the last segment of its definition's id, in lower case.
    pub role: String,
    /// To whom, by object id, in lower case.
    pub principal: String,
    /// The condition that narrows it.
    pub condition: Option<String>,
    /// Whether its description has the mark of what was made here.
    pub marked: bool,
}

impl Grant {
    /// Whether the role is Reader.
    #[must_use]
    pub fn is_reader(&self) -> bool {
        self.role == READER.to_string()
    }

    /// Whether a condition narrows which roles may be assigned, and to whom.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.condition.as_ref().is_some_and(|condition| condition.to_ascii_lowercase().contains(ROLE_ASSIGNMENTS))
    }

    /// Whether any role may be assigned to anyone by it. Of roles that are not Azure's own this is not known.
    #[must_use]
    pub fn assigns_any(&self) -> bool {
        self.condition.is_none() && ASSIGNING.contains(&self.role.as_str())
    }
}

#[derive(Deserialize)]
struct RawGrant {
    id: String,
    properties: RawProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawProperties {
    scope: String,
    role_definition_id: String,
    principal_id: String,
    condition: Option<String>,
    description: Option<String>,
}

impl From<RawGrant> for Grant {
    fn from(raw: RawGrant) -> Self {
        let RawProperties { scope, role_definition_id, principal_id, condition, description } = raw.properties;
        Self {
            id: raw.id,
            scope: AssignedAt::parse(&scope),
            role: role_definition_id.rsplit('/').next().unwrap_or_default().to_ascii_lowercase(),
            principal: principal_id.to_ascii_lowercase(),
            condition: condition.filter(|condition| !condition.trim().is_empty()),
            marked: description.is_some_and(|description| is_marked(&description)),
        }
    }
}

impl Arm {
    /// What this identity may do at a scope (<https://learn.microsoft.com/rest/api/authorization/permissions>). The specification has the
    /// call for resource groups and resources alone, and older guides of Microsoft's make it for subscriptions; that management groups take
    /// it, as they take role assignments, no page says. It wants `Microsoft.Authorization/permissions/read`
    /// (<https://learn.microsoft.com/azure/role-based-access-control/permissions/management-and-governance#microsoftauthorization>).
    ///
    /// # Errors
    /// As [`Arm::assignments`].
    pub async fn rights(&self, scope: &Scope) -> Result<Rights, Error> {
        let first = url(self.origin, &format!("{scope}/providers/Microsoft.Authorization/permissions"), &[("api-version", PERMISSIONS)])?;
        let list = List { name: "arm.permissions.list", first, most_pages: MOST_PAGES, most_tries: 1 };
        self.pages(list, |answer| read_failure(answer, scope)).await.map(Rights)
    }

    /// All role assignments at a scope and above it, `/` among them; with `assignee`, those of one principal, through groups too
    /// (<https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope>).
    ///
    /// # Errors
    /// As [`Arm::assignments`].
    pub async fn grants(&self, scope: &Scope, assignee: Option<Guid>) -> Result<Vec<Grant>, Error> {
        let of = assignee.map(|assignee| format!(" and assignedTo('{assignee}')")).unwrap_or_default();
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
        let first = url(self.origin, &path, &[("api-version", ASSIGNMENTS), ("$filter", &format!("atScope(){of}"))])?;
        let list = List { name: "arm.role-assignments.list", first, most_pages: MOST_PAGES, most_tries: 1 };
        let found: Vec<RawGrant> = self.pages(list, |answer| read_failure(answer, scope)).await?;
        Ok(found.into_iter().map(Grant::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rights(roles: &serde_json::Value) -> Rights {
        serde_json::from_value(roles.clone()).unwrap()
    }

    #[test]
    fn a_star_stands_for_any_text_and_case_does_not_count() {
        let action = "Microsoft.Authorization/roleAssignments/write";
        for pattern in ["*", "*/write", "Microsoft.Authorization/*", "microsoft.authorization/*/WRITE", action, "*Assignments*", "M*/*/w*e"]
        {
            assert!(covers(pattern, action), "{pattern}");
        }
        for pattern in ["", "*/read", "Microsoft.Authorization", "Microsoft.Authorization/roleAssignments/write/x", "*x*", "*/write/*"] {
            assert!(!covers(pattern, action), "{pattern}");
        }
    }

    #[test]
    fn what_one_role_takes_out_another_may_give() {
        let (write, read) = ("Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/read");
        let contributor = json!({ "actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"] });
        let alone = rights(&json!([contributor]));
        assert!(alone.allow(read) && !alone.allow(write));
        let with = rights(&json!([contributor, { "actions": [write] }]));
        assert!(with.allow(write));
        assert_eq!(with.beyond(&[read, write]), ["*"]);
        assert_eq!((alone.number_that_allow(write), with.number_that_allow(write), with.number_that_allow(read)), (0, 1, 1));
        assert!(!rights(&json!([])).allow(read));
    }

    #[test]
    fn what_is_done_with_data_is_never_on_the_list() {
        let get = "Microsoft.KeyVault/vaults/secrets/getSecret/action";
        let user = rights(&json!([{ "actions": [], "notActions": [], "dataActions": [get], "notDataActions": [] }]));
        assert_eq!(user.beyond(&[]), [get]);
        assert!(!user.allow(get), "it is no action");
    }
}
