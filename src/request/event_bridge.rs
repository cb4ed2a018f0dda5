//! The event that Amazon EventBridge hands on
//! (<https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>): `detail-type` is the event's type, `detail` its data.

use serde_json::Value;

use super::{Cause, Inbound, LONGEST_ATTRIBUTE, Refusal, Request, SHAPES, asked_by, attribute, refused, time_of, wanted};
use crate::error::{Code, Error};
use crate::scope::printable;

pub(super) fn parse(value: &Value) -> Inbound {
    let field = |name: &str| attribute(value, name);
    let (Some(id), Some(source), Some(kind)) = (field("id"), field("source"), field("detail-type")) else {
        let words = format!(
            "the EventBridge event's id, source or detail-type is missing, empty, not a string, longer than {LONGEST_ATTRIBUTE} bytes or has forbidden characters"
        );
        return refused(value.to_string().as_bytes(), Error::new(Code::InvalidEvent, words).hint(SHAPES));
    };
    let cause = Cause { source: source.to_owned(), id: id.to_owned(), kind: kind.to_owned() };
    Inbound { request: read(value, &cause), cause }
}

fn read(value: &Value, cause: &Cause) -> Result<Request, Box<Refusal>> {
    let action = asked_by(&cause.kind)
        .ok_or_else(|| Error::new(Code::Irrelevant, format!("events of type {} are not acted on", printable(&cause.kind))))?;
    let (tenant, scope) = wanted(value.get("detail").unwrap_or(&Value::Null))?;
    Ok(Request::new(tenant, scope, action, cause.clone(), time_of(value.get("time"))))
}
