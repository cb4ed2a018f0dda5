//! What a person takes up again by hand: everything that may arrive, and results that say that a request failed.

use serde_json::Value;
use time::OffsetDateTime;

use super::{Cause, History, Inbound, Refusal, Request, asked_by, attribute, envelope, parse, parse_value, signals, wanted};
use crate::error::{Code, Error};
use crate::result_event::Kind;

/// Why something lies among the dead letters, as Event Grid says it in its own schema and in `CloudEvents`
/// (<https://learn.microsoft.com/azure/event-grid/delivery-and-retry#dead-letter-events>).
const REASONS: [&str; 2] = ["/deadLetterReason", "/deadletterreason"];

/// Reads what is replayed: as [`parse`], also as base64, and a saved result `scope.failed` as the request that failed. Only a person may
/// turn a result into a request again: on the way of events it would be a loop. Each request starts afresh, since whoever replays it has
/// mended its cause.
#[must_use]
pub fn replay(bytes: &[u8]) -> Vec<Inbound> {
    let Some(document) = document(bytes) else { return parse(bytes) };
    let mut inbound: Vec<Inbound> = match document {
        Value::Array(items) if !items.is_empty() => items.iter().flat_map(replay_item).collect(),
        single => replay_item(&single),
    };
    for one in &mut inbound {
        match &mut one.request {
            Ok(request) => request.history = History::default(),
            Err(refusal) => refusal.nameless.iter_mut().for_each(|request| request.history = History::default()),
        }
    }
    inbound
}

/// Why something lies among the dead letters, where it says so: Event Grid's reason, or the code of a result.
#[must_use]
pub fn reason(bytes: &[u8]) -> Option<String> {
    let document = document(bytes)?;
    let first = document.as_array().and_then(|items| items.first()).map(envelope::unwrap_text);
    let first = first.as_deref().unwrap_or(&document);
    let mut said = REASONS.into_iter().chain(["/data/code"]).filter_map(|place| first.pointer(place)?.as_str());
    said.next().and_then(crate::net::plain_word).map(str::to_owned)
}

/// The document without layers of text around it. What is no JSON may be the text of a queue message, which is base64.
fn document(bytes: &[u8]) -> Option<Value> {
    let value = serde_json::from_slice(bytes).ok().or_else(|| Some(Value::String(std::str::from_utf8(bytes).ok()?.trim().to_owned())))?;
    let document = envelope::unwrap_text(&value).into_owned();
    (!document.is_string()).then_some(document)
}

fn replay_item(item: &Value) -> Vec<Inbound> {
    let item = envelope::unwrap_text(item);
    match failed(&item) {
        Some(inbound) => vec![inbound],
        None => parse_value(&item),
    }
}

/// The request of a saved result, if it is one of a scope that failed. When its cause came about the result does not say; it is as old as
/// can be, so that a person hears at once what does not work.
fn failed(event: &Value) -> Option<Inbound> {
    if attribute(event, "type") != Some(Kind::Failed.event_type()) {
        return None;
    }
    let data = event.get("data")?;
    let text = |name: &str| attribute(data.get("cause")?, name).map(str::to_owned);
    let cause = Cause { source: text("source")?, id: text("id")?, kind: text("type")? };
    let action = asked_by(&cause.kind).or_else(|| signals::after(&cause.kind).map(|(_, action)| action));
    let unsaid = || {
        Error::new(Code::InvalidEvent, "the result does not say whether onboarding or offboarding failed")
            .hint("Ask for the scope by hand: `ispm-onboarder onboard` or `offboard`. What a sweep asked for, the next one asks for again.")
    };
    let request = action.ok_or_else(unsaid).map_err(Box::<Refusal>::from).and_then(|action| {
        let (tenant, scope) = wanted(data)?;
        Ok(Request::new(tenant, scope, action, cause.clone(), Some(OffsetDateTime::UNIX_EPOCH)))
    });
    Some(Inbound { request, cause })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::*;
    use crate::request::{Action, ONBOARDING_REQUESTED};

    const TENANT: &str = "519aadd0-caeb-5ef8-b1b9-046051535bc3";
    const SCOPE: &str = "/subscriptions/23ea0b12-4ef0-5a35-b45b-39f28c454059";

    fn event() -> Value {
        json!({
            "specversion": "1.0", "id": "1", "source": "/pipeline", "type": ONBOARDING_REQUESTED, "data": {"tenantId": TENANT, "scope": SCOPE},
            "deadletterreason": "MaxDeliveryAttemptsExceeded", "deliveryattempts": 30, "lastdeliveryoutcome": "NotFound",
        })
    }

    fn message() -> Value {
        json!({
            "version": 1, "tenantId": TENANT, "scope": SCOPE, "action": "onboard", "firstSeen": "2026-11-20T10:00:00Z", "attempts": 60,
            "cause": {"source": "/pipeline", "id": "2", "type": ONBOARDING_REQUESTED},
        })
    }

    fn result(kind: &str) -> Value {
        json!({
            "specversion": "1.0", "id": "3", "source": format!("urn:ispm-onboarder:{TENANT}"), "type": kind, "data": {
                "tenantId": TENANT, "scope": SCOPE, "code": "unavailable", "message": "…",
                "cause": {"source": "/pipeline", "id": "2", "type": ONBOARDING_REQUESTED},
            },
        })
    }

    fn only(bytes: &[u8]) -> Request {
        let mut all = replay(bytes);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0).request.unwrap()
    }

    #[test]
    fn dead_letters_of_both_schemas_are_requests() {
        let native = json!({
            "id": "4", "topic": "/t", "subject": "s", "eventType": ONBOARDING_REQUESTED, "eventTime": "2026-11-20T10:00:00Z",
            "dataVersion": "1", "data": {"tenantId": TENANT, "scope": SCOPE}, "deadLetterReason": "TimeToLiveExceeded", "deliveryAttempts": 9,
            "lastDeliveryOutcome": "TimedOut", "publishTime": "2026-11-20T10:00:00Z", "lastDeliveryAttemptTime": "2026-11-21T10:00:00Z",
        });
        let blob = json!([event(), native]).to_string();
        let all = replay(blob.as_bytes());
        let ids: Vec<&str> = all.iter().map(|one| one.request.as_ref().unwrap().cause.id.as_str()).collect();
        assert_eq!(ids, ["1", "4"]);
        assert_eq!(reason(blob.as_bytes()).as_deref(), Some("MaxDeliveryAttemptsExceeded"));
        assert_eq!(reason(native.to_string().as_bytes()).as_deref(), Some("TimeToLiveExceeded"));
    }

    #[test]
    fn a_message_starts_afresh_plain_or_encoded() {
        let plain = message().to_string();
        let encoded = STANDARD.encode(&plain);
        for bytes in [plain.clone(), encoded.clone(), json!(plain).to_string(), format!("{encoded}\n")] {
            let request = only(bytes.as_bytes());
            assert_eq!((request.cause.id.as_str(), request.history), ("2", History::default()), "{bytes}");
        }
    }

    #[test]
    fn a_failed_result_is_its_request_again_and_no_other_result_is() {
        let failed = result("dev.ispm-onboarder.scope.failed.v1");
        let request = only(failed.to_string().as_bytes());
        assert_eq!((request.scope.path().as_str(), request.cause.id.as_str(), request.action), (SCOPE, "2", Action::Onboard));
        assert_eq!(reason(failed.to_string().as_bytes()).as_deref(), Some("unavailable"));
        let saved = json!([failed, event(), failed.to_string()]).to_string();
        let ids = replay(saved.as_bytes()).into_iter().map(|one| one.request.unwrap().cause.id);
        assert_eq!(ids.collect::<Vec<_>>(), ["2", "1", "2"], "in one file with others");
        for kind in ["dev.ispm-onboarder.scope.blocked.v1", "dev.ispm-onboarder.scope.onboarded.v1", "dev.ispm-onboarder.tenant.failed.v1"]
        {
            let ignored = replay(result(kind).to_string().as_bytes()).remove(0).request.unwrap_err();
            assert_eq!(ignored.error.code, Code::Irrelevant, "{kind}");
        }
        for (kind, action) in [("Microsoft.Subscription/cancel/action", Some(Action::Offboard)), ("call", None), ("sweep", None)] {
            let mut failed = failed.clone();
            failed["data"]["cause"]["type"] = json!(kind);
            let request = replay(failed.to_string().as_bytes()).remove(0).request.ok();
            assert_eq!(request.map(|request| request.action), action, "{kind}");
        }
        let by_event = parse(failed.to_string().as_bytes()).remove(0).request.unwrap_err();
        assert_eq!(by_event.error.code, Code::Irrelevant, "as an event it asks for nothing");
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        for bytes in [&b"not JSON"[..], b"\xff", b"{}", b"[]"] {
            assert_eq!(replay(bytes).len(), 1);
            assert!(replay(bytes)[0].request.is_err());
            assert_eq!(reason(bytes), None);
        }
    }
}
