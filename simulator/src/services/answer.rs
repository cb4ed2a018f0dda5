//! Answers in the shapes that more than one service uses.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response as HttpResponse, StatusCode};
use serde_json::{Value, json};

use crate::Response;

/// An answer with a body of this media type.
pub(crate) fn with_body(status: u16, media_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = HttpResponse::new(body.into());
    // Only a fault with a status outside of 100 to 999 comes to the other branch.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

pub(crate) fn json(status: u16, body: &Value) -> Response {
    with_body(status, "application/json; charset=utf-8", body.to_string())
}

pub(crate) fn xml(status: u16, body: &str) -> Response {
    with_body(status, "application/xml", format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>{body}"))
}

/// An answer without a body.
pub(crate) fn empty(status: u16) -> Response {
    let mut response = with_body(status, "text/plain", Bytes::new());
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

/// The error shape of Resource Manager, Graph, Key Vault, Event Grid and the connect contract.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Box<Response> {
    Box::new(json(status, &json!({"error": {"code": code, "message": message}})))
}

/// 501 for what the simulator does not model; it says what, and never guesses.
pub(crate) fn not_modelled(what: &str) -> Box<Response> {
    error(501, "NotModelled", &format!("The simulator does not model {what}."))
}

/// What a gateway shows when the service behind it does not answer.
pub(crate) fn html(status: u16) -> Response {
    let page = format!("<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>");
    with_body(status, "text/html", page)
}

/// A body that breaks off, with a JSON media type.
pub(crate) fn garbled(status: u16) -> Response {
    with_body(status, "application/json; charset=utf-8", "{\"value\": [{\"id\": ")
}

/// The answer with another value at a JSON pointer: none is the whole body, `/-` at its end adds to an array (RFC 6901, section 4).
pub(crate) fn altered(answer: Response, pointer: &str, value: &Value) -> Response {
    let (parts, body) = answer.into_parts();
    let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if pointer.is_empty() {
        return Response::from_parts(parts, Bytes::from(value.to_string()));
    }
    let (parent, last) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    match body.pointer_mut(parent) {
        Some(Value::Array(items)) if last == "-" => items.push(value.clone()),
        Some(Value::Array(items)) => {
            items.get_mut(last.parse().unwrap_or(usize::MAX)).into_iter().for_each(|item| *item = value.clone());
        }
        Some(Value::Object(members)) => drop(members.insert(last.to_owned(), value.clone())),
        _ => {}
    }
    Response::from_parts(parts, Bytes::from(body.to_string()))
}

/// The answer under another media type. A value that no header can hold leaves it without one.
pub(crate) fn called(mut answer: Response, media_type: &str) -> Response {
    answer.headers_mut().remove(CONTENT_TYPE);
    with_header(answer, CONTENT_TYPE.as_str(), media_type)
}

/// Some answer, where a fault needs one and the call has none yet.
pub(crate) fn any() -> Response {
    json(200, &json!({"value": []}))
}

/// The answer with one more header. A value that no header can hold is left out.
pub(crate) fn with_header(mut response: Response, name: &'static str, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(HeaderName::from_static(name), value);
    }
    response
}
