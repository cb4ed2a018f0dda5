//! What the login may do, against what the list of permissions asks for.

use super::check::Finding;
use super::claims::Identity;
use super::condition::{DELETE, WRITE};
use super::gathered::{Gathered, Group};
use crate::error::Code;
use crate::permissions::{Holder, Permissions};
use crate::scope::{Guid, inert};
use crate::tenant::{Assign, Offboard, TenantRecord};

/// How many actions are named that are too much.
const MOST_NAMED: usize = 5;

/// Some of Azure's own roles (<https://learn.microsoft.com/azure/role-based-access-control/built-in-roles>).
const BUILT_IN: [(&str, &str); 5] = [
    ("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader"),
    ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner"),
    ("b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor"),
    ("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator"),
    ("f58310d9-a9f6-439a-9e8d-f62e7b41a168", "Role Based Access Control Administrator"),
];

/// The name of one of Azure's own roles, by its GUID in lower case.
pub(super) fn name_of(role: &str) -> Option<&'static str> {
    BUILT_IN.into_iter().find(|(id, _)| *id == role).map(|(_, name)| name)
}

/// What a record asks for, and what may be there besides.
struct Wanted {
    needed: Vec<String>,
    tolerated: Vec<String>,
    /// The options of `permissions` that print it.
    options: &'static str,
}

impl Wanted {
    fn of(record: &TenantRecord) -> Option<Self> {
        let roles = Permissions::shipped().ok()?.custom_roles.into_iter().filter(|role| role.holder == Holder::Login);
        let assigns = record.policy.assign == Assign::Always;
        let removes = record.policy.offboard == Offboard::ExcludedOrGone;
        let (mut needed, mut tolerated) = (Vec::new(), Vec::new());
        for permission in roles.flat_map(|role| role.permissions) {
            match permission.action.as_str() {
                // A person may offboard whatever the policy says.
                DELETE if !removes => tolerated.push(permission.action),
                WRITE if !assigns => {}
                _ => needed.push(permission.action),
            }
        }
        let options = match (assigns, removes) {
            (true, false) => "",
            (true, true) => " --allow-offboarding",
            (false, false) => " --verify-only",
            (false, true) => " --verify-only --allow-offboarding",
        };
        Some(Self { needed, tolerated, options })
    }
}

/// Who is who in commands.
#[derive(Clone, Copy)]
pub(super) struct Cast<'a> {
    pub record: &'a TenantRecord,
    pub login: Option<&'a Identity>,
    pub principal: Option<Guid>,
}

impl Cast<'_> {
    /// The command that prints what to grant at a group.
    pub(super) fn command(&self, group: &Group) -> String {
        let options = Wanted::of(self.record).map_or("", |wanted| wanted.options);
        let principal = self.principal.map(|principal| format!(" --principal {principal}")).unwrap_or_default();
        let login = self.login.map(|login| format!(" --login {}", login.object_id)).unwrap_or_default();
        let app = self.record.app.client_id;
        format!("ispm-onboarder permissions --scope mg:{} --app {app}{principal}{login}{options}", group.name)
    }
}

/// What is missing, and what is too much.
pub(super) fn judge(gathered: &Gathered, cast: Cast<'_>) -> Vec<Finding> {
    let Some(wanted) = Wanted::of(cast.record) else {
        return vec![Finding::skipped("this program was built with a broken list of permissions")];
    };
    gathered.groups.iter().flat_map(|group| judge_at(group, &wanted, cast)).collect()
}

fn judge_at(group: &Group, wanted: &Wanted, cast: Cast<'_>) -> Vec<Finding> {
    let grant = || format!("`{}` prints what to grant. New rights can take 30 minutes to show.", cast.command(group));
    let rights = match &group.rights {
        Ok(rights) => rights,
        Err(error) if error.code == Code::AuthorizationFailed => {
            let words = format!("the login may not even ask what it may do at {}: it has no role there, or not yet", group.scope);
            return vec![Finding::failed(words).hint(grant())];
        }
        Err(error) if error.code == Code::UnexpectedAnswer => {
            return vec![Finding::skipped(format!("Azure does not say what the login may do at {}: {}", group.scope, error.message))];
        }
        Err(error) => return vec![error.clone().into()],
    };
    let mut found = Vec::new();
    let missing: Vec<&str> = wanted.needed.iter().map(String::as_str).filter(|action| !rights.allow(action)).collect();
    if missing.is_empty() {
        found.push(Finding::ok(format!("{}: all that is needed", group.scope)));
    } else {
        found.push(Finding::failed(format!("missing at {}: {}", group.scope, missing.join(", "))).hint(grant()));
    }
    let mut known: Vec<&str> = wanted.needed.iter().chain(&wanted.tolerated).map(String::as_str).collect();
    // The ISPM app that signs in itself has Reader for ISPM's sake.
    if cast.login.is_some_and(|login| Some(login.object_id) == cast.principal) {
        known.push("*/read");
    }
    let beyond = rights.beyond(&known);
    if !beyond.is_empty() {
        let more = beyond.len().saturating_sub(MOST_NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let actions = beyond.iter().take(MOST_NAMED).map(|action| inert(action)).collect::<Vec<_>>().join(", ");
        let words = format!("over-privileged at {}: {actions}{more} {}", group.scope, roles(group));
        found.push(
            Finding::warning(words.trim_end())
                .hint("Take away the roles that this program does not need; `ispm-onboarder permissions` lists those that it does."),
        );
    }
    found
}

/// The login's roles that are Azure's own, by name.
fn roles(group: &Group) -> String {
    let own = group.own.iter().flatten().filter_map(|grant| name_of(&grant.role));
    let names: std::collections::BTreeSet<&str> = own.collect();
    if names.is_empty() { String::new() } else { format!("(it is {})", names.into_iter().collect::<Vec<_>>().join(" and ")) }
}
