//! What `--grant` gives: this project's own roles, held by their condition, at the root group. What is there is never changed.

use serde::Serialize;

use crate::azure::{Arm, Grant, NewRole, READER, definition_name, grant_name};
use crate::error::{Code, Error};
use crate::permissions::{CustomRole, Permissions, squeezed};
use crate::scope::{AssignedAt, Guid, Scope};

/// To whom roles are given, and for which principal they let Reader be assigned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parties {
    /// The function's identity, or the login app's service principal.
    pub(super) to: Guid,
    /// The service principal of the ISPM app.
    pub(super) reader: Guid,
}

/// How one role stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has it, as it should.
    There {
        /// The assignment's id.
        id: String,
    },
    /// It does not have it. The role itself may be there.
    Missing {
        /// The GUID of the role that is there.
        role: Option<Guid>,
    },
    /// Something is there that is not as it should be.
    Differs {
        /// What, and in which way.
        why: String,
    },
}

/// What became of one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Granted {
    /// The role's name.
    pub(super) role: String,
    /// `granted`, `already-granted` or `differs`.
    pub(super) outcome: &'static str,
    /// The assignment's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// What differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
}

/// The roles to give: what a deployment reads by, and what it assigns by where its record's policy lets it assign.
pub(super) fn wanted(permissions: &Permissions, assigns: bool) -> impl Iterator<Item = &CustomRole> {
    permissions.custom_roles.iter().filter(move |role| !role.removes() && (assigns || !role.is_held()))
}

/// Reads how a role stands.
pub(super) async fn look(arm: &Arm, root: &Scope, parties: Parties, role: &CustomRole) -> Result<Standing, Error> {
    let Some(definition) = arm.role_named(root, &role.name).await? else {
        let own = definition_name(root, &role.name);
        // Making it would give it its name and its actions back.
        if arm.has_role(root, own).await? {
            return Ok(Standing::Differs { why: format!("the role \"{}\" ({own}) is there under another name", role.name) });
        }
        return Ok(Standing::Missing { role: None });
    };
    let mut actions = role.actions(None);
    actions.sort_unstable();
    let same = definition
        .actions
        .as_ref()
        .is_some_and(|own| own.len() == actions.len() && own.iter().zip(&actions).all(|(a, b)| a.eq_ignore_ascii_case(b)));
    if !same {
        let why =
            format!("the role \"{}\" ({}) is there and does not allow what it should, neither more nor less", role.name, definition.role);
        return Ok(Standing::Differs { why });
    }
    let (own, guid) = (parties.to.to_string(), definition.role.to_string());
    let is_own = |grant: &Grant| grant.principal == own && grant.role == guid && grant.scope == AssignedAt::Scope(root.clone());
    let found = arm.grants(root, Some(parties.to)).await?.into_iter().find(is_own);
    let Some(found) = found else { return Ok(Standing::Missing { role: Some(definition.role) }) };
    let condition = condition(role, parties);
    if squeezed(found.condition.as_deref()) == squeezed(condition.as_deref()) {
        return Ok(Standing::There { id: found.id });
    }
    Ok(Standing::Differs { why: format!("{} gives the role under another condition, or under none", found.id) })
}

/// Gives a role, unless it is there.
pub(super) async fn give(arm: &Arm, root: &Scope, parties: Parties, role: &CustomRole) -> Result<Granted, Error> {
    let granted = |outcome, id, why| Granted { role: role.name.clone(), outcome, id, why };
    let guid = match look(arm, root, parties, role).await? {
        Standing::There { id } => return Ok(granted("already-granted", Some(id), None)),
        Standing::Differs { why } => return Ok(granted("differs", None, Some(why))),
        Standing::Missing { role: Some(guid) } => guid,
        Standing::Missing { role: None } => {
            let actions = role.actions(None);
            let new = NewRole { name: &role.name, description: &role.description, actions: &actions };
            arm.create_role(root, definition_name(root, &role.name), new).await?.role
        }
    };
    let name = grant_name(root, parties.to, guid);
    match arm.grant(root, name, parties.to, guid, condition(role, parties).as_deref()).await? {
        Some(id) => Ok(granted("granted", Some(id), None)),
        None => Err(Error::new(Code::Unavailable, format!("the role \"{}\" is given already, but that cannot be read yet", role.name))),
    }
}

fn condition(role: &CustomRole, parties: Parties) -> Option<String> {
    role.condition(READER, &parties.reader.to_string())
}
