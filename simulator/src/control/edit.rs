//! What each route of the control surface reads and changes.

use http::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Answer, Refusal};
use crate::{
    Fault, Simulator,
    world::{Tenant, made_up_id},
};

/// The calls that arrived, all or those of one operation.
pub(super) fn requests(simulator: &Simulator, query: Option<&str>) -> Answer {
    let mut operation = None;
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if name != "operation" {
            let message = format!("There is no query parameter {name:?} here; there is `operation`, an exact name or a prefix with `*`.");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "InvalidQuery", message));
        }
        operation = Some(value.into_owned());
    }
    let wanted = |name: &str| match operation.as_deref() {
        None => true,
        Some(operation) => operation.strip_suffix('*').map_or(operation == name, |prefix| name.starts_with(prefix)),
    };
    let state = simulator.state();
    let calls: Vec<_> = state.requests.iter().filter(|call| wanted(&call.operation)).collect();
    Ok((StatusCode::OK, json!(calls)))
}

/// A token of a person who has signed in, in the shape of `az account get-access-token`.
pub(super) fn token(simulator: &Simulator, query: Option<&str>) -> Answer {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let given = |name: &str| pairs.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str()).unwrap_or_default();
    let (user, resource) = (given("user"), given("resource"));
    let Some(issued) = simulator.user_token(resource, user).filter(|_| !resource.is_empty()) else {
        let message = "A token is of ?user=OBJECT-ID&resource=URL, where the user is one of the world's people.";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "InvalidQuery", message));
    };
    let expires_on = issued.expires_on.unix_timestamp();
    Ok((StatusCode::OK, json!({ "accessToken": issued.token, "expires_on": expires_on, "tokenType": "Bearer" })))
}

/// Forgets the calls so far.
pub(super) fn forget_requests(simulator: &Simulator) -> Answer {
    simulator.state().requests.clear();
    Ok((StatusCode::NO_CONTENT, Value::Null))
}

/// Forgets what was published so far, so that a world can be worked on for long.
pub(super) fn forget_results(simulator: &Simulator) -> Answer {
    let mut state = simulator.state();
    state.world.published.clear();
    let buses = state.world.aws.values_mut().flat_map(|account| account.buses.values_mut());
    buses.for_each(|bus| bus.events.clear());
    Ok((StatusCode::NO_CONTENT, Value::Null))
}

/// The faults that wait.
pub(super) fn faults(simulator: &Simulator) -> Answer {
    Ok((StatusCode::OK, json!(simulator.state().faults)))
}

/// Adds one fault or several, behind those that wait already.
pub(super) fn add_faults(simulator: &Simulator, body: &[u8]) -> Answer {
    let added: Vec<Fault> = match json_body(body)? {
        Value::Array(faults) => faults.into_iter().map(fault).collect::<Result<_, _>>()?,
        one => vec![fault(one)?],
    };
    let mut state = simulator.state();
    state.faults.extend(added);
    Ok((StatusCode::CREATED, json!(state.faults)))
}

fn fault(value: Value) -> Result<Fault, Refusal> {
    serde_json::from_value(value).map_err(|error| {
        let allowed = r#"A fault is {"operation":"arm.role-assignments.create","about":"…","skip":0,"times":1,"when":"before"|"after","effect":{"kind":"status","status":503,"code":"…","retryAfter":"17"}}; the other effects are {"kind":"html","status":502}, {"kind":"redirect","status":307,"location":"https://…"}, {"kind":"unresolved"}, {"kind":"handshake"}, {"kind":"reset"}, {"kind":"delay","seconds":5}, {"kind":"truncated"}, {"kind":"invalidJson"}, {"kind":"contentType","value":"text/plain"} and {"kind":"altered","pointer":"/nextLink","value":"…"}."#;
        Refusal::body(format!("This is no fault: {error}. {allowed}"))
    })
}

/// Takes back every fault that waits.
pub(super) fn remove_faults(simulator: &Simulator) -> Answer {
    simulator.state().faults.clear();
    Ok((StatusCode::NO_CONTENT, Value::Null))
}

/// What POST to the clock takes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MoveClock {
    advance_seconds: Option<u32>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    now: Option<OffsetDateTime>,
}

/// The time in the simulated clouds.
pub(super) fn clock(simulator: &Simulator) -> Answer {
    Ok((StatusCode::OK, json!({"now": rfc3339(simulator.now())})))
}

/// Moves the time forward, by seconds or to a moment.
pub(super) fn move_clock(simulator: &Simulator, body: &[u8]) -> Answer {
    let by = match typed(json_body(body)?, r#"The clock takes {"advanceSeconds":60} or {"now":"2026-01-01T00:00:00Z"}."#)? {
        MoveClock { advance_seconds: Some(seconds), now: None } => Duration::seconds(seconds.into()),
        MoveClock { advance_seconds: None, now: Some(moment) } => moment - simulator.now(),
        _ => return Err(Refusal::body(r#"Give the clock either "advanceSeconds" or "now"."#)),
    };
    if by.is_negative() {
        return Err(Refusal::body(format!("The clock only moves forward, and it is {} already.", rfc3339(simulator.now()))));
    }
    simulator.clock().advance(by);
    clock(simulator)
}

/// The world's settings.
pub(super) fn settings(simulator: &Simulator) -> Answer {
    Ok((StatusCode::OK, json!(simulator.state().world.settings)))
}

/// Changes the settings named in the body and leaves the others.
pub(super) fn change_settings(simulator: &Simulator, body: &[u8]) -> Answer {
    let Value::Object(changes) = json_body(body)? else {
        return Err(Refusal::body(r#"PATCH takes an object with the settings to change, such as {"replicationLagSeconds":30}."#));
    };
    let mut state = simulator.state();
    let mut settings = json!(state.world.settings);
    for (name, value) in changes {
        settings[name] = value;
    }
    state.world.settings = typed(settings, "GET shows the settings there are.")?;
    Ok((StatusCode::OK, json!(state.world.settings)))
}

/// What POST to the subscriptions takes; every field has a default.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct NewSubscription {
    name: Option<String>,
    /// The world's first tenant.
    tenant_id: Option<String>,
    /// The tenant's root group.
    management_group: Option<String>,
}

/// What POST to the subscriptions answers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreatedSubscription {
    subscription_id: String,
    tenant_id: String,
    /// What a pipeline that creates subscriptions would send.
    event: Value,
}

/// Creates a subscription, visible at once and with nothing assigned.
pub(super) fn add_subscription(simulator: &Simulator, body: &[u8]) -> Answer {
    let wanted: NewSubscription = match body {
        [] => NewSubscription::default(),
        body => {
            typed(json_body(body)?, r#"A new subscription is {"name":"…","tenantId":"…","managementGroup":"…"}, each of them optional."#)?
        }
    };
    let mut state = simulator.state();
    let tenant_id = match wanted.tenant_id {
        Some(id) => id,
        None => state
            .world
            .tenants
            .keys()
            .next()
            .cloned()
            .ok_or_else(|| Refusal::body("The world has no tenant to put a subscription into."))?,
    };
    let subscription_id = state.world.new_id().to_string();
    let known = state.world.tenants.keys().cloned().collect::<Vec<_>>().join(", ");
    let Some(tenant) = state.world.tenants.get_mut(&tenant_id) else {
        return Err(Refusal::body(format!("The world has no tenant {tenant_id:?}; it has {known}.")));
    };
    let parent = parent(tenant, wanted.management_group.as_deref().unwrap_or(&tenant_id))?;
    tenant.add_subscription(&subscription_id, wanted.name.as_deref().unwrap_or("New subscription"), &parent);
    let event = requested(&tenant_id, &subscription_id, simulator.now());
    Ok((StatusCode::CREATED, json!(CreatedSubscription { subscription_id, tenant_id, event })))
}

/// The management group's name as the world writes it.
pub(super) fn parent(tenant: &Tenant, name: &str) -> Result<String, Refusal> {
    if let Some((name, _)) = tenant.group(name) {
        return Ok(name.to_owned());
    }
    let known = tenant.management_groups.keys().cloned().collect::<Vec<_>>().join(", ");
    Err(Refusal::body(format!("The tenant has no management group {name:?}; it has {known}.")))
}

fn requested(tenant_id: &str, subscription_id: &str, now: OffsetDateTime) -> Value {
    let scope = format!("/subscriptions/{subscription_id}");
    json!({
        "specversion": "1.0",
        "id": made_up_id(&format!("requested/{subscription_id}")),
        "source": "urn:simulator:subscription-pipeline",
        "type": "dev.ispm-onboarder.onboarding.requested.v1",
        "subject": scope,
        "time": rfc3339(now),
        "datacontenttype": "application/json",
        "data": {"tenantId": tenant_id, "scope": scope},
    })
}

pub(super) fn json_body(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::body(format!("The body is not JSON: {error}.")))
}

pub(super) fn typed<T: DeserializeOwned>(value: Value, allowed: &str) -> Result<T, Refusal> {
    serde_json::from_value(value).map_err(|error| Refusal::body(format!("{error}. {allowed}")))
}

/// RFC 3339 has no years beyond 9999; a clock that was moved there shows the last moment before.
fn rfc3339(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_else(|_| "9999-12-31T23:59:59Z".to_owned())
}
