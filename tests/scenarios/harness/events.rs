//! Events as pipelines send them, and the host's log of a delivery.

use ispm_onboarder::request::ONBOARDING_REQUESTED;
use ispm_onboarder_simulator::platform::Delivery;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What the pipeline of every scenario calls itself.
pub const PIPELINE: &str = "/contoso/subscription-pipeline";

/// A CloudEvent that asks for onboarding.
pub fn requested(id: &str, at: OffsetDateTime, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": PIPELINE, "type": ONBOARDING_REQUESTED,
        "time": at.format(&Rfc3339).expect("scenarios play in years of four digits"),
        "datacontenttype": "application/json", "data": data,
    })
}

/// The same in the Event Grid schema.
pub fn event_grid_event(id: &str, at: OffsetDateTime, data: &Value) -> Value {
    json!({
        "id": id, "topic": PIPELINE, "subject": "subscriptions/new", "eventType": ONBOARDING_REQUESTED,
        "eventTime": at.format(&Rfc3339).expect("scenarios play in years of four digits"),
        "data": data, "dataVersion": "1", "metadataVersion": "1",
    })
}

/// The lines that the host logs for a delivery.
pub fn logs(delivery: &Delivery) -> Vec<String> {
    let answer: Value = serde_json::from_slice(&delivery.answer).unwrap_or_default();
    let lines = answer["Logs"].as_array().cloned().unwrap_or_default();
    lines.iter().filter_map(|line| line.as_str().map(str::to_owned)).collect()
}
