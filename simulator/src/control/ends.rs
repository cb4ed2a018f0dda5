//! What becomes of a subscription that is there: another state, group or directory, or none.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::edit::{json_body, parent, typed};
use super::{Answer, Refusal};
use crate::{Simulator, World};

/// What PATCH of a subscription takes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Changes {
    state: Option<String>,
    management_group: Option<String>,
    /// The directory that it is transferred to.
    tenant_id: Option<String>,
}

/// The states that a subscription can be in (specification Microsoft.Resources, `SubscriptionState`).
const STATES: [&str; 5] = ["Enabled", "Warned", "PastDue", "Disabled", "Deleted"];

/// Changes a subscription's state, group or directory.
pub(super) fn change_subscription(simulator: &Simulator, id: &str, body: &[u8]) -> Answer {
    let allowed = r#"A subscription takes {"state":"Disabled","managementGroup":"…"} or {"tenantId":"…"}."#;
    let changes: Changes = typed(json_body(body)?, allowed)?;
    let mut state = simulator.state();
    let world = &mut state.world;
    let id = id.to_ascii_lowercase();
    let owner = owner(world, &id)?;
    if let Some(unknown) = changes.state.as_deref().filter(|state| !STATES.contains(state)) {
        return Err(Refusal::body(format!("There is no state {unknown:?}; there are {}.", STATES.join(", "))));
    }
    let target = changes.tenant_id.unwrap_or_else(|| owner.clone());
    let Some(tenant) = world.tenants.get(&target) else {
        return Err(Refusal::body(format!("The world has no tenant {target:?}.")));
    };
    let group = changes.management_group.map(|name| parent(tenant, &name)).transpose()?;
    if target != owner {
        world.transfer_subscription(&id, &target);
    }
    let Some(subscription) = world.tenant_mut(&target).subscriptions.get_mut(&id) else { return Err(unknown(&id)) };
    if let Some(group) = group {
        subscription.parent = group;
    }
    if let Some(state) = changes.state {
        subscription.state = state;
    }
    Ok((StatusCode::OK, json!(subscription)))
}

/// Deletes a subscription with its role assignments.
pub(super) fn remove_subscription(simulator: &Simulator, id: &str) -> Answer {
    let mut state = simulator.state();
    let id = id.to_ascii_lowercase();
    let owner = owner(&state.world, &id)?;
    state.world.tenant_mut(&owner).remove_subscription(&id);
    Ok((StatusCode::NO_CONTENT, Value::Null))
}

/// The tenant that a subscription belongs to.
fn owner(world: &World, id: &str) -> Result<String, Refusal> {
    let owner = world.tenants.iter().find(|(_, tenant)| tenant.subscriptions.contains_key(id));
    owner.map(|(tenant_id, _)| tenant_id.clone()).ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "NotFound", format!("The world has no subscription {id:?}."))
}
