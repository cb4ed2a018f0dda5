//! The call body of the Azure Functions host
//! (<https://learn.microsoft.com/azure/azure-functions/functions-custom-handlers#request-payload>).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::error::{Code, Error};

/// How many layers of JSON text inside JSON strings are taken off. The host is known to add up to two.
const LAYERS: usize = 3;

/// What the host sends for a function that is not proxied HTTP: `{"Data": {binding: value}, "Metadata": {…}}`.
#[derive(Debug)]
pub struct Envelope {
    body: Value,
}

impl Envelope {
    /// Reads a call body.
    ///
    /// # Errors
    /// `InvalidEvent` where it is not one; the host itself never sends such a body.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let body: Value = serde_json::from_slice(bytes).map_err(|_| Error::new(Code::InvalidEvent, "the call body is not JSON"))?;
        if body.get("Data").is_some_and(Value::is_object) {
            Ok(Self { body })
        } else {
            Err(Error::new(Code::InvalidEvent, "the call body has no Data object")
                .hint("This route is for the Azure Functions host; use POST /api/onboard or `ispm-onboarder invoke`."))
        }
    }

    /// The values of all bindings.
    pub fn bindings(&self) -> impl Iterator<Item = &Value> {
        self.body.get("Data").and_then(Value::as_object).into_iter().flat_map(serde_json::Map::values)
    }

    /// The value of a binding.
    ///
    /// # Errors
    /// `InvalidEvent` where the binding is absent: function.json and this program disagree.
    pub fn binding(&self, name: &str) -> Result<&Value, Error> {
        self.body
            .pointer(&format!("/Data/{name}"))
            .ok_or_else(|| Error::new(Code::InvalidEvent, format!("the call body has no binding \"{name}\"")))
    }
}

/// Takes off layers of text: JSON inside a string, base64 of JSON inside a string. Text that is neither stays text.
pub(super) fn unwrap_text(value: &Value) -> Cow<'_, Value> {
    let mut current = Cow::Borrowed(value);
    for _ in 0..LAYERS {
        let Some(text) = current.as_str() else { break };
        match decode(text) {
            Some(inner) => current = Cow::Owned(inner),
            None => break,
        }
    }
    current
}

fn decode(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_slice(&STANDARD.decode(text.trim()).ok()?).ok())
}
