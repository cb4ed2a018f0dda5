//! Event Grid's publish endpoint for topics with the CloudEvents schema (Azure REST API specification, Microsoft.EventGrid data plane,
//! api-version 2018-01-01; documentation, "Azure Event Grid topic event schema and limits").

use http::Method;
use serde_json::{Value, json};

use super::{Answer, Call, Routed, answer};
use crate::Response;
use crate::target::Target;
use crate::token::Refusal;
use crate::world::{Published, made_up_id};

/// The largest request, an array's all events together.
const LIMIT_BYTES: usize = 1024 * 1024;

pub(super) fn route(topic: &str, method: &Method, target: &Target) -> Routed {
    let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
    match (method, path.as_slice()) {
        (&Method::POST, ["api", "events"]) => {
            let topic = topic.to_owned();
            Routed::new("event-grid.publish", move |call| publish(call, &topic))
        }
        // A healthy topic always answers 200 (documentation, "Client-side failover implementation in Azure Event Grid").
        (&Method::GET, ["api", "health"]) => Routed::new("event-grid.health.get", |_| Ok(answer::empty(200))),
        _ => Routed::not_modelled("event-grid.unknown", method, target),
    }
}

fn publish(call: &mut Call<'_>, host: &str) -> Answer {
    if call.header("aeg-sas-key").is_some() || call.header("aeg-sas-token").is_some() {
        return Err(answer::not_modelled("publishing with a key of the topic"));
    }
    let topic = call.world.topics.get(host).ok_or_else(|| answer::not_modelled("a topic that was removed"))?;
    let audience = call.cloud().event_grid_audience();
    let caller = call.verify_in(&topic.tenant_id, &[audience]).map_err(|refusal| unauthorized(&refusal))?;
    if !call.allows(&topic.grants, &caller.oid, None, "events/send/action") {
        return Err(not_permitted(host));
    }
    match call.target.query("api-version") {
        Some("2018-01-01") => {}
        _ => {
            return Err(error(
                400,
                "BadRequest",
                "The api-version query parameter is missing or not supported. Supported is '2018-01-01'.",
            ));
        }
    }
    if call.request.body().len() > LIMIT_BYTES {
        return Err(error(413, "PayloadTooLarge", "The maximum size (1048576) has been exceeded."));
    }
    let events = events(call)?;
    for event in &events {
        check(event)?;
    }
    let at = call.now;
    let published = events.into_iter().map(|event| Published { topic: host.to_owned(), at, event });
    call.world.published.extend(published);
    call.changed = true;
    Ok(answer::empty(200))
}

/// The events in the request's body, by its media type.
fn events(call: &Call<'_>) -> Result<Vec<Value>, Box<Response>> {
    let body: Result<Value, _> = serde_json::from_slice(call.request.body());
    match (call.media_type().as_str(), body) {
        ("application/cloudevents+json", Ok(event @ Value::Object(_))) => Ok(vec![event]),
        ("application/cloudevents-batch+json", Ok(Value::Array(events))) => Ok(events),
        ("application/cloudevents+json" | "application/cloudevents-batch+json", _) => Err(error(
            400,
            "BadRequest",
            "This resource is configured to receive event in 'CloudEventV10' schema. The JSON received does not conform to the expected schema.",
        )),
        _ => Err(error(
            415,
            "UnsupportedMediaType",
            "This resource is configured to receive event in 'CloudEventV10' schema. The content type must be application/cloudevents+json or application/cloudevents-batch+json.",
        )),
    }
}

/// The attributes that CloudEvents 1.0 requires.
fn check(event: &Value) -> Result<(), Box<Response>> {
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    let missing: Vec<&str> = ["id", "source", "type", "specversion"].into_iter().filter(|name| text(name).is_empty()).collect();
    if !missing.is_empty() {
        let message = format!("The event lacks required attributes or holds them empty: {}.", missing.join(", "));
        return Err(error(400, "BadRequest", &message));
    }
    match text("specversion") {
        "1.0" => Ok(()),
        other => Err(error(400, "BadRequest", &format!("The specversion '{other}' is not supported. Supported is '1.0'."))),
    }
}

fn unauthorized(refusal: &Refusal) -> Box<Response> {
    let message = match refusal {
        Refusal::Missing => "Request must contain one of the following authorization signature: aeg-sas-token, aeg-sas-key, Authorization.",
        Refusal::Forged => "The authentication token cannot be verified.",
        Refusal::Expired => "The authentication token has expired.",
        Refusal::Audience(_) => "The authentication token is for another audience.",
        Refusal::Tenant(_) => "The authentication token was issued by another tenant.",
    };
    error(401, "Unauthorized", message)
}

/// Not 403: a caller without the role is told so as one without a token is (Azure/azure-sdk-for-net, issue 22831).
fn not_permitted(host: &str) -> Box<Response> {
    let topic = host.split('.').next().unwrap_or_default();
    let message = format!(
        "The principal associated with access token presented with the incoming request does not have permission to send data to \
         /subscriptions/{subscription}/resourceGroups/simulated/providers/Microsoft.EventGrid/topics/{topic}.",
        subscription = made_up_id("topics' subscription"),
    );
    error(401, "Unauthorized", &message)
}

fn error(status: u16, code: &str, message: &str) -> Box<Response> {
    let body = json!({"error": {"code": code, "message": message, "details": [{"code": code, "message": message}]}});
    Box::new(answer::json(status, &body))
}
