//! What the onboarder itself says: one story for each way in which an onboarding goes.

use ispm_onboarder::delivery::Delivery;
use ispm_onboarder::request::{Action, Inbound};
use ispm_onboarder::scope::{GroupName, Guid, Scope};
use ispm_onboarder::take_up::Ending;
use ispm_onboarder_simulator::{DemoCast, World};
use serde_json::json;
use uuid::Uuid;

use crate::Told;
use crate::stage::{Prepare, Stage};

const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
const READ: &str = "Microsoft.Authorization/roleAssignments/read";

/// Each story by name, with what its world has that the demo's has not.
pub const STORIES: &[(&str, Prepare)] = &[
    ("a new subscription", |_, _| {}),
    ("a subscription assigned by hand", |_, _| {}),
    ("a subscription covered by its management group", |_, _| {}),
    ("a subscription full of role assignments", |_, _| {}),
    ("a subscription that Azure does not show yet", |_, _| {}),
    ("a management group", |_, _| {}),
    ("the tenant root", |_, _| {}),
    ("a policy that names management groups", |world, cast| {
        change_record(world, cast, &json!({ "managementGroups": ["landing-zones"] }));
    }),
    ("an identity that may not write", |world, cast| world.tenant_mut(&cast.tenant).deny(&cast.login_principal_id, WRITE)),
    ("an identity that may not read", |world, cast| world.tenant_mut(&cast.tenant).deny(&cast.login_principal_id, READ)),
    ("a principal that the directory does not know yet", |world, _| world.settings.replication_lag_seconds = u64::MAX),
];

/// Replaces the policy in the tenant record.
fn change_record(world: &mut World, cast: &DemoCast, policy: &serde_json::Value) {
    let name = format!("ispm-onboarder-{}", cast.tenant);
    let record = world.vaults.get(&cast.vault).and_then(|vault| vault.secret(&name, None));
    let record = record.and_then(|secret| serde_json::from_str::<serde_json::Value>(secret.value.reveal()).ok());
    if let Some(mut record) = record {
        record["policy"] = policy.clone();
        world.set_secret(&cast.vault, &name, &record.to_string());
    }
}

/// Onboards the story's scope and checks that it ends as the story says.
pub async fn tell(stage: &Stage, story: &str) -> Told {
    let cast = &stage.cast;
    let tenant = Guid::parse(&cast.tenant)?;
    let (scope, ends) = match story {
        "a subscription assigned by hand" => (subscription(&cast.by_hand)?, "onboarded"),
        "a subscription covered by its management group" => (subscription(&cast.inherited)?, "onboarded"),
        "a subscription full of role assignments" => (subscription(&cast.at_limit)?, "failed"),
        "a subscription that Azure does not show yet" => (subscription(&cast.late)?, "failed"),
        "a management group" => (Scope::ManagementGroup(GroupName::parse(&cast.management_group)?), "onboarded"),
        "the tenant root" => (Scope::ManagementGroup(GroupName::root_of(tenant)), "onboarded"),
        "an identity that may not write" | "an identity that may not read" | "a principal that the directory does not know yet" => {
            (subscription(&cast.new)?, "failed")
        }
        _ => (subscription(&cast.new)?, "onboarded"),
    };
    let inbound = Inbound::by_hand(tenant, scope, Action::Onboard, story);
    let ending = stage.onboarder.take_up(inbound, Delivery::starting(Uuid::nil())).await.ending;
    match &ending {
        Ending::Published { outcome, .. } if outcome.kind.word() == ends => Ok(()),
        other => Err(format!("expected {ends}, came to {other:?}").into()),
    }
}

fn subscription(id: &str) -> Result<Scope, Box<dyn std::error::Error>> {
    Ok(Scope::Subscription(Guid::parse(id)?))
}
