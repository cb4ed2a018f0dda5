//! The JSON Schemas, the `AsyncAPI` and the `OpenAPI` document, generated from the types. `docs/schemas/` holds them; `tests/documents` compares.

mod ops;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Value, json};
use std::borrow::Cow;

use crate::ispm::Profile;
use crate::request::{Message, RequestedEvent};
use crate::result_event::{Kind, ResultEvent};
use crate::scope::{AssignedAt, GroupName, Guid, Scope};
use crate::tenant::{SecretName, TenantRecord};

/// Each generated file of `docs/schemas/`: its name and its content.
#[must_use]
pub fn documents() -> Vec<(&'static str, Value)> {
    vec![
        ("requested-event.schema.json", schema::<RequestedEvent>()),
        ("result-event.schema.json", schema::<ResultEvent>()),
        ("queue-message.schema.json", schema::<Message>()),
        ("tenant-record.schema.json", schema::<TenantRecord>()),
        ("connect-profile.schema.json", schema::<Profile>()),
        ("asyncapi.json", asyncapi()),
        ("ops-api.openapi.json", ops::document()),
    ]
}

fn schema<T: JsonSchema>() -> Value {
    json!(SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>())
}

/// What is received and what is published, on which channel (`AsyncAPI` 3.0.0).
fn asyncapi() -> Value {
    let message = |name: &str, summary: &str, schema: &str| {
        json!({
            "name": name,
            "summary": summary,
            "contentType": "application/cloudevents+json",
            "payload": { "schemaFormat": "application/schema+json;version=draft-2020-12", "schema": { "$ref": format!("./{schema}") } },
        })
    };
    let kinds = [Kind::Onboarded, Kind::Offboarded, Kind::Pending, Kind::Blocked, Kind::Failed, Kind::TenantFailed];
    let results: serde_json::Map<String, Value> = kinds
        .into_iter()
        .map(|kind| {
            (
                kind.word().replace(' ', "-"),
                message(kind.event_type(), &format!("The scope's or tenant's result: {}.", kind.word()), "result-event.schema.json"),
            )
        })
        .collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "ispm-onboarder",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Connects Azure subscriptions and management groups to Okta Identity Security Posture Management.",
            "license": { "name": "Apache-2.0" },
        },
        "channels": {
            "requests": {
                "description": "The Event Grid topic on which pipelines ask for onboarding, or the queue behind it.",
                "messages": { "requested": message("requested", "Asks for a scope to be onboarded or offboarded.", "requested-event.schema.json") },
            },
            "results": {
                "description": "The Event Grid topic on which each outcome is published, at least once, under a deterministic id.",
                "messages": results,
            },
        },
        "operations": {
            "takeUp": { "action": "receive", "channel": { "$ref": "#/channels/requests" } },
            "publishResult": { "action": "send", "channel": { "$ref": "#/channels/results" } },
        },
    })
}

const GUID_PATTERN: &str = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";

macro_rules! text_schema {
    ($type:ty, $name:literal, $schema:expr) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

text_schema!(Guid, "Guid", json_schema!({ "type": "string", "format": "uuid", "pattern": format!("^{GUID_PATTERN}$") }));
text_schema!(
    GroupName,
    "ManagementGroupName",
    json_schema!({
        "type": "string", "maxLength": 90, "pattern": "^[A-Za-z0-9._()-]*[A-Za-z0-9_()-]$",
        "description": "A management group's name: its id, not its display name.",
    })
);
text_schema!(
    SecretName,
    "SecretName",
    json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9-]{1,127}$", "description": "The name of a secret in the secret store." })
);
text_schema!(
    Scope,
    "Scope",
    json_schema!({
        "type": "string",
        "pattern": format!("^(/[Ss]ubscriptions/{GUID_PATTERN}|/[Pp]roviders/[Mm]icrosoft\\.[Mm]anagement/[Mm]anagementGroups/[A-Za-z0-9._()-]{{1,90}})$"),
        "description": "A subscription or a management group, by its ARM path. Any case is accepted; results are written in one.",
    })
);

text_schema!(
    AssignedAt,
    "AssignedAt",
    json_schema!({ "type": "string", "pattern": "^/", "description": "Where a role assignment sits, by its ARM path; `/` is above every scope of the tenant." })
);
