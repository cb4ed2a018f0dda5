//! An ISPM console that speaks this project's own connect contract. No public page documents such an interface of the real product.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Call, Routed, answer};
use crate::Response;
use crate::target::Target;
use crate::token::bearer;
use crate::world::{Connection, IspmConsole, Status};

pub(super) fn route(console: &str, method: &Method, target: &Target) -> Routed {
    let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
    let host = console.to_owned();
    match (method, path.as_slice()) {
        (&Method::GET, ["api", "v1", "sources"]) => Routed::new("ispm.sources.list", move |call| list_sources(call, &host)),
        (&Method::GET, ["api", "v1", "connections"]) => Routed::new("ispm.connections.list", move |call| list_connections(call, &host)),
        (&Method::POST, ["api", "v1", "connections"]) => Routed::new("ispm.connections.create", move |call| create(call, &host)),
        (&Method::GET, ["api", "v1", "connections", id]) => {
            let id = (*id).to_owned();
            Routed::new("ispm.connections.get", move |call| get(call, &host, &id))
        }
        (&Method::DELETE, ["api", "v1", "connections", id]) => {
            let id = (*id).to_owned();
            Routed::new("ispm.connections.delete", move |call| delete(call, &host, &id))
        }
        _ => Routed::not_modelled("ispm.unknown", method, target),
    }
}

/// The console, for a caller whose token may use it.
fn console<'a>(call: &'a Call<'_>, host: &str) -> Result<&'a IspmConsole, Box<Response>> {
    let console = call.world.ispm.get(host).ok_or_else(|| answer::not_modelled("a console that was removed"))?;
    let sent = call.header("authorization").and_then(bearer);
    let known = sent.and_then(|sent| console.tokens.iter().find(|token| token.value.reveal() == sent));
    match known {
        None => Err(answer::error(401, "unauthorized", "The API token is missing or not known.")),
        Some(token) if token.forbidden => Err(answer::error(403, "forbidden", "The API token may not manage connections.")),
        Some(_) => Ok(console),
    }
}

fn list_sources(call: &mut Call<'_>, host: &str) -> Answer {
    let console = console(call, host)?;
    let name = filtered(call, "entra", "name")?;
    let sources = console.sources.iter().filter(|(_, source)| source.name == name);
    let data: Vec<Value> = sources
        .map(|(id, source)| json!({"id": id, "type": "entra", "name": source.name, "directoryId": source.directory_id, "status": source.status}))
        .collect();
    Ok(answer::json(200, &json!({"data": data})))
}

fn list_connections(call: &mut Call<'_>, host: &str) -> Answer {
    call.world.test_connections(call.now);
    let console = console(call, host)?;
    let source = filtered(call, "azure", "relatedSource")?;
    let connections = console.connections.iter().filter(|(_, connection)| connection.related_source == source);
    let data: Vec<Value> = connections.map(|(id, connection)| connection.shown(id)).collect();
    Ok(answer::json(200, &json!({"data": data})))
}

/// The value of the one filter that a list takes beside `type`. A list without both is refused, never shown whole.
fn filtered(call: &Call<'_>, kind: &str, name: &str) -> Result<String, Box<Response>> {
    if let Some(other) = call.target.query_beyond(&["type", name]) {
        return Err(answer::not_modelled(&format!("the query parameter {other} of this list")));
    }
    match (call.target.query("type"), call.target.query(name)) {
        (Some(own), Some(value)) if own == kind => Ok(value.to_owned()),
        _ => Err(answer::error(422, "invalid_query", &format!("This list needs type={kind} and {name}."))),
    }
}

/// What a connection is made from.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    r#type: String,
    name: String,
    related_source: String,
    managed_by: Option<String>,
}

fn create(call: &mut Call<'_>, host: &str) -> Answer {
    console(call, host)?;
    let wanted = wanted(call)?;
    let console = console(call, host)?;
    if console.source_named(&wanted.related_source).is_none() {
        let message = format!("There is no Entra source named {:?}.", wanted.related_source);
        return Err(answer::error(404, "source_not_found", &message));
    }
    let same = |connection: &Connection| connection.name == wanted.name || connection.related_source == wanted.related_source;
    if let Some((id, _)) = console.connections.iter().find(|(_, connection)| same(connection)) {
        let message = "A connection of this name or of this Entra source is already there.";
        let body = json!({"error": {"code": "already_exists", "message": message, "id": id}});
        return Err(Box::new(answer::json(409, &body)));
    }
    let id = call.world.new_id().to_string();
    let connection = Connection {
        name: wanted.name,
        related_source: wanted.related_source,
        status: Status::Pending,
        cause: None,
        managed_by: wanted.managed_by,
        created_at: call.now,
    };
    if let Some(console) = call.world.ispm.get_mut(host) {
        console.connections.insert(id.clone(), connection);
        call.changed = true;
    }
    // A test that takes no time is over before the answer.
    call.world.test_connections(call.now);
    let shown = self::console(call, host)?.connections.get(&id).map(|connection| connection.shown(&id));
    Ok(answer::json(201, &shown.unwrap_or_default()))
}

/// The body of a create call; 422 names the field at fault.
fn wanted(call: &Call<'_>) -> Result<Wanted, Box<Response>> {
    let invalid = |message: &str| answer::error(422, "invalid_body", message);
    let wanted: Wanted = serde_json::from_slice(call.request.body()).map_err(|error| invalid(&error.to_string()))?;
    if wanted.r#type != "azure" {
        return Err(invalid("type: the only type of connection is azure"));
    }
    for (field, value) in [("name", &wanted.name), ("relatedSource", &wanted.related_source)] {
        if value.trim().is_empty() {
            return Err(invalid(&format!("{field}: must not be empty")));
        }
    }
    Ok(wanted)
}

fn get(call: &mut Call<'_>, host: &str, id: &str) -> Answer {
    call.world.test_connections(call.now);
    let console = console(call, host)?;
    let connection = console.connections.get(id).ok_or_else(|| not_found(id))?;
    Ok(answer::json(200, &connection.shown(id)))
}

fn delete(call: &mut Call<'_>, host: &str, id: &str) -> Answer {
    console(call, host)?;
    let removed = call.world.ispm.get_mut(host).and_then(|console| console.connections.remove(id));
    removed.ok_or_else(|| not_found(id))?;
    call.changed = true;
    Ok(answer::empty(204))
}

fn not_found(id: &str) -> Box<Response> {
    answer::error(404, "not_found", &format!("There is no connection {id}."))
}
