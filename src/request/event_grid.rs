//! The Event Grid event schema (<https://learn.microsoft.com/azure/event-grid/event-schema>).

use serde_json::Value;

use super::{Cause, Inbound, LONGEST_ATTRIBUTE, Refusal, Request, SHAPES, asked_by, attribute, refused, signals, time_of, wanted};
use crate::error::{Code, Error};

pub(super) fn parse(value: &Value) -> Inbound {
    let field = |name: &str| attribute(value, name);
    let (Some(id), Some(kind)) = (field("id"), field("eventType")) else {
        let words = format!(
            "the Event Grid event's id or eventType is missing, empty, not a string, longer than {LONGEST_ATTRIBUTE} bytes or has forbidden characters"
        );
        return refused(value.to_string().as_bytes(), Error::new(Code::InvalidEvent, words).hint(SHAPES));
    };
    // Event Grid sets `topic`; a publisher may leave it out, and the subject then still tells sources apart.
    let source = field("topic").or_else(|| field("subject")).unwrap_or("urn:ispm-onboarder:event-grid");
    let cause = Cause { source: source.to_owned(), id: id.to_owned(), kind: kind.to_owned() };
    Inbound { request: read(value, &cause), cause }
}

fn read(value: &Value, cause: &Cause) -> Result<Request, Box<Refusal>> {
    let data = value.get("data").unwrap_or(&Value::Null);
    let caused_at = time_of(value.get("eventTime"));
    match asked_by(&cause.kind) {
        Some(action) => wanted(data).map(|(tenant, scope)| Request::new(tenant, scope, action, cause.clone(), caused_at)),
        None => signals::read(cause, attribute(value, "subject"), data, caused_at),
    }
}
