//! Elevated access that a Global Administrator left behind.

use std::collections::BTreeSet;

use super::check::Finding;
use super::condition::ASSIGNING;
use super::gathered::Gathered;
use super::rights::name_of;
use crate::scope::{AssignedAt, inert};

/// The role that elevating gives.
const ELEVATED: &str = "User Access Administrator";

/// Who can assign roles at `/`. User Access Administrator is what elevating makes there, and what stepping down takes away
/// (<https://learn.microsoft.com/azure/role-based-access-control/elevate-access-global-admin>); the others are given by somebody who was
/// elevated. The lists at a group show what is above it.
pub(super) fn judge(gathered: &Gathered) -> Vec<Finding> {
    if let Some(error) = gathered.groups.iter().find_map(|group| group.all.as_ref().err())
        && gathered.groups.iter().all(|group| group.all.is_err())
    {
        return vec![Finding::skipped(format!("the login may not see who has which role at `/`: {}", error.message))];
    }
    let at_top = gathered.all().filter(|grant| grant.scope == AssignedAt::Directory);
    let at_top = at_top.filter_map(|grant| Some((grant.principal.as_str(), name_of(&grant.role)?, grant.id.as_str())));
    let assigning: BTreeSet<_> = at_top.filter(|(_, role, _)| ASSIGNING.contains(role)).collect();
    if assigning.is_empty() {
        return vec![Finding::ok("nobody can assign roles at `/`, as far as the login sees")];
    }
    let told = assigning.into_iter().map(|(principal, role, id)| {
        let (principal, id) = (inert(principal), inert(id));
        let words = format!("{principal} is {role} at `/`, by {id}");
        if role == ELEVATED {
            return Finding::failed(words).hint(format!(
                "If that was left behind, whoever it is runs: az role assignment delete --ids {id} - or sets \"Access management for Azure \
                 resources\" to No in the properties of Microsoft Entra ID."
            ));
        }
        Finding::warning(words).hint(format!(
            "That is everything in every subscription. If it is not meant, somebody who is elevated runs: az role assignment delete --ids {id}"
        ))
    });
    told.collect()
}
