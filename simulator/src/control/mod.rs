//! The control surface: what a test or a curious person reads and changes in the world, over plain HTTP on the proxy's own port.
//!
//! | route | does |
//! |---|---|
//! | `GET /_simulator/world` | what is true now ([`World::summary`](crate::World::summary)) |
//! | `GET`, `DELETE /_simulator/requests` | the calls that arrived (`?operation=arm.*` filters), and forgets them |
//! | `DELETE /_simulator/results` | forgets what was published, on topics and on buses |
//! | `GET`, `POST`, `DELETE /_simulator/faults` | the faults that wait; POST takes one [`Fault`](crate::Fault) or an array |
//! | `GET`, `POST /_simulator/clock` | the time; POST takes `{"advanceSeconds":n}` or `{"now":"…"}`, forward only |
//! | `GET`, `PATCH /_simulator/settings` | replication lag, throttling and the like; PATCH takes the settings to change |
//! | `GET /_simulator/token?user=ID&resource=URL` | a token of a person by object id, as the Azure CLI would hand it out |
//! | `POST /_simulator/subscriptions` | a new subscription, and the event that a pipeline would send about it |
//! | `PATCH`, `DELETE /_simulator/subscriptions/{id}` | another state, group or directory; deletes it with its role assignments |
//!
//! No answer holds a secret's value. A refusal says what is wrong and what is allowed.

mod edit;
mod ends;

use bytes::Bytes;
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::{Request, Response, Simulator};

/// Everything under this path belongs to the control surface.
pub const PREFIX: &str = "/_simulator";
/// What there is under the prefix, with the methods that each takes.
const ROUTES: [(&str, &str); 9] = [
    ("/world", "GET"),
    ("/requests", "GET, DELETE"),
    ("/results", "DELETE"),
    ("/faults", "GET, POST, DELETE"),
    ("/clock", "GET, POST"),
    ("/settings", "GET, PATCH"),
    ("/token", "GET"),
    ("/subscriptions", "POST"),
    ("/subscriptions/{id}", "PATCH, DELETE"),
];

/// Why a request to the control surface is not answered with what it asked for.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

/// What a route answers: a status and JSON, or nothing but the status.
type Answer = Result<(StatusCode, Value), Refusal>;

/// Answers one request to the control surface.
#[must_use]
pub fn answer(simulator: &Simulator, request: &Request) -> Response {
    match route(simulator, request) {
        Ok((StatusCode::NO_CONTENT, _)) => empty(StatusCode::NO_CONTENT),
        Ok((status, body)) => json_response(status, &body),
        Err(Refusal { status, code, message }) => refusal(status, code, &message),
    }
}

/// An error in the shape that every refusal of the simulator itself has.
#[must_use]
pub fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    json_response(status, &json!({"error": {"code": code, "message": message}}))
}

/// The paths in words, for refusals.
#[must_use]
pub fn routes() -> String {
    ROUTES.map(|(resource, _)| format!("{PREFIX}{resource}")).join(", ")
}

fn route(simulator: &Simulator, request: &Request) -> Answer {
    let path = request.uri().path().trim_end_matches('/');
    let resource = path.strip_prefix(PREFIX).unwrap_or_default();
    let (resource, id) = match resource.strip_prefix("/subscriptions/") {
        Some(id) => ("/subscriptions/{id}", id),
        None => (resource, ""),
    };
    match (resource, request.method().as_str()) {
        ("/world", "GET") => Ok((StatusCode::OK, simulator.state().world.summary())),
        ("/requests", "GET") => edit::requests(simulator, request.uri().query()),
        ("/requests", "DELETE") => edit::forget_requests(simulator),
        ("/results", "DELETE") => edit::forget_results(simulator),
        ("/faults", "GET") => edit::faults(simulator),
        ("/faults", "POST") => edit::add_faults(simulator, request.body()),
        ("/faults", "DELETE") => edit::remove_faults(simulator),
        ("/clock", "GET") => edit::clock(simulator),
        ("/clock", "POST") => edit::move_clock(simulator, request.body()),
        ("/settings", "GET") => edit::settings(simulator),
        ("/settings", "PATCH") => edit::change_settings(simulator, request.body()),
        ("/token", "GET") => edit::token(simulator, request.uri().query()),
        ("/subscriptions", "POST") => edit::add_subscription(simulator, request.body()),
        ("/subscriptions/{id}", "PATCH") => ends::change_subscription(simulator, id, request.body()),
        ("/subscriptions/{id}", "DELETE") => ends::remove_subscription(simulator, id),
        (_, method) => Err(match ROUTES.iter().find(|(own, _)| *own == resource) {
            Some((_, methods)) => {
                Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", format!("{path} takes {methods}, not {method}."))
            }
            None => Refusal::new(StatusCode::NOT_FOUND, "NotFound", format!("There is no {path}. There are {}.", routes())),
        }),
    }
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// The body is not what the route takes.
    fn body(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidBody", message)
    }
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = empty(status);
    *response.body_mut() = Bytes::from(format!("{body:#}\n"));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}
