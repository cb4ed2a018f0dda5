//! Text that is planted into every answer, so that whoever repeats one is found out.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use crate::Response;

/// The header that carries it.
const HEADER: HeaderName = HeaderName::from_static("x-ms-canary");
/// The JSON member that carries it.
const MEMBER: &str = "canary";
/// Members that hold an error's words, in the shapes of all services.
const WORDS: [&str; 5] = ["message", "Message", "error_description", "ErrorMessage", "detail"];
/// Calls whose answers are what somebody stored: a report, a dead letter.
const STORED: [&str; 2] = ["blob.get", "s3.get"];

/// The answer of an operation with this text in it.
pub(crate) fn planted(operation: &str, response: Response, text: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Ok(value) = HeaderValue::from_str(text) {
        parts.headers.append(HEADER, value);
    }
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    let body = match parts.status.is_success() && STORED.contains(&operation) {
        true => body,
        false if kind.contains("json") => in_json(&body, text, !parts.status.is_success()),
        false => in_text(&body, text),
    };
    Response::from_parts(parts, body)
}

/// In each object. What is not JSON has it at its end.
fn in_json(body: &Bytes, text: &str, is_error: bool) -> Bytes {
    match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            plant(&mut value, text, is_error);
            Bytes::from(value.to_string())
        }
        Err(_) if body.is_empty() => Bytes::new(),
        Err(_) => [body, text.as_bytes()].concat().into(),
    }
}

fn plant(value: &mut Value, text: &str, is_error: bool) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| plant(item, text, is_error)),
        Value::Object(members) => {
            members.values_mut().for_each(|member| plant(member, text, is_error));
            if is_error {
                lengthen_words(members, text);
            }
            members.insert(MEMBER.to_owned(), text.into());
        }
        _ => {}
    }
}

fn lengthen_words(members: &mut Map<String, Value>, text: &str) {
    for (name, member) in members {
        if let (true, Value::String(words)) = (WORDS.contains(&name.as_str()), member) {
            *words = format!("{words} {text}");
        }
    }
}

/// After an error's words in XML, and after a page's.
fn in_text(body: &Bytes, text: &str) -> Bytes {
    let page = String::from_utf8_lossy(body);
    for end in ["</Message>", "</h1>"] {
        if page.contains(end) {
            return page.replace(end, &format!(" {text}{end}")).into();
        }
    }
    body.clone()
}
