//! The way back: on a person's word, by an event, and what becomes of the connection.

mod by_event;
mod by_person;
mod callers;
mod connection;

use ispm_onboarder_simulator::world::Scope;
use ispm_onboarder_simulator::{DemoCast, Simulator, TokenKey, World};
use serde_json::{Value, json};

use crate::harness::{Answer, Given, Scenario, requested, subscription};

pub const REMOVE: &str = "arm.role-assignments.delete";
pub const DISCONNECT: &str = "ispm.connections.delete";

/// A deployment that takes Contoso's tokens.
pub fn given() -> Given {
    let cast = DemoCast::of(7);
    Given::demo()
        .people_offboard()
        .setting("ONBOARDER_ENTRA_AUDIENCE", &cast.api.app_id_uri)
        .setting("ONBOARDER_ENTRA_CALLERS", &cast.tenant)
}

/// The same where nobody but this program assigns Reader.
pub fn given_alone() -> Given {
    given().world(|world, cast| {
        world.tenant_mut(&cast.tenant).role_assignments.retain(|_, found| found.principal_id != cast.ispm_principal_id);
    })
}

/// The claims of a token that lets its bearer offboard.
pub fn claims(s: &Scenario) -> Value {
    let now = s.now().unix_timestamp();
    json!({
        "aud": s.cast.api.app_id_uri, "iss": format!("https://sts.windows.net/{}/", s.cast.tenant), "iat": now, "nbf": now, "exp": now + 3599,
        "tid": s.cast.tenant, "oid": s.cast.api.caller_principal_id, "appid": s.cast.api.caller_client_id,
        "sub": s.cast.api.caller_principal_id, "roles": ["Onboarder.Offboard"], "ver": "1.0",
    })
}

async fn call_with(s: &Scenario, claims: &Value, scope: &str) -> Answer {
    let token = format!("Bearer {}", Simulator::sign_token(claims, TokenKey::Entra));
    let body = json!({ "tenantId": s.cast.tenant, "scope": scope }).to_string();
    s.post("/api/offboard", &[("authorization", &token)], body).await
}

/// A person offboards a scope.
pub async fn offboard(s: &Scenario, scope: &str) -> Answer {
    call_with(s, &claims(s), scope).await
}

/// Onboards a subscription, and accounts for it.
async fn onboarded(s: &Scenario, id: &str) -> String {
    let scope = subscription(id);
    s.deliver(s.event(&format!("onboard {id}"), &scope)).await;
    s.settle(2).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
    assert_eq!(s.assignments_at(&scope).len(), 1);
    scope
}

/// The event that asks for a scope to be offboarded.
fn asking(s: &Scenario, scope: &str) -> Value {
    let mut event = requested("offboard", s.now(), &json!({ "tenantId": s.cast.tenant, "scope": scope }));
    event["type"] = json!("dev.ispm-onboarder.offboarding.requested.v1");
    event
}

fn move_to_another_tenant(world: &mut World, cast: &DemoCast, id: &str) {
    const FABRIKAM: &str = "88888888-8888-4888-8888-888888888888";
    let tenant = world.tenant_mut(&cast.tenant);
    tenant.subscriptions.remove(id);
    forget_assignments(world, cast, id);
    world.tenant_mut(FABRIKAM).add_subscription(id, "theirs", FABRIKAM);
}

fn delete(world: &mut World, cast: &DemoCast, id: &str) {
    world.tenant_mut(&cast.tenant).subscriptions.remove(id);
    forget_assignments(world, cast, id);
}

fn forget_assignments(world: &mut World, cast: &DemoCast, id: &str) {
    let scope = Scope::Subscription(id.to_owned());
    world.tenant_mut(&cast.tenant).role_assignments.retain(|_, found| found.scope != scope);
}

/// Checks a result's role and connection.
#[track_caller]
fn assert_result(result: &Value, role: &str, connection: Option<&str>) {
    let data = &result["data"];
    assert_eq!((data["roleAssignment"]["outcome"].as_str(), data["connection"]["status"].as_str()), (Some(role), connection), "{data:#}");
}
