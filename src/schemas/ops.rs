//! The `OpenAPI` document of the ops routes.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::error::Code;
use crate::result_event::ResultEvent;
use crate::scope::{Guid, Scope};

/// The answers that are problem documents on every route: status, name, and when. What no problem document comes with is empty.
const REFUSALS: [(&str, &str, &str, &str); 7] = [
    ("401", "NotAuthenticated", "WWW-Authenticate", "No proof of who calls where one is needed, or one that is of no use."),
    (
        "403",
        "NotPermitted",
        "",
        "The caller may not do this, or not for this tenant; or the tenant or scope is not one that is served here.",
    ),
    ("404", "NotFound", "", "There is nothing at this address; of the coverage, no report of this tenant."),
    ("405", "MethodNotAllowed", "Allow", "The address does not take this method."),
    ("413", "TooLarge", "", "The body has more than 64 KiB; on AWS also: the answer is larger than Lambda hands on."),
    ("429", "TooManyCalls", "Retry-After", "The caller asks too often."),
    ("503", "Unavailable", "Retry-After", "The configuration is wrong, the caller cannot be checked now, or nothing could be kept."),
];
/// Those of single routes.
const MORE_REFUSALS: [(&str, &str, &str, &str); 4] = [
    ("400", "Invalid", "", "What is asked cannot be read. Nothing is published."),
    ("409", "Blocked", "", "The scope is kept out, and the result says so."),
    ("422", "Failed", "", "It failed for good, and the result says so."),
    ("502", "UnreadableReport", "", "The storage answered what its contract does not foresee."),
];

/// The document (`OpenAPI` 3.1.0, <https://spec.openapis.org/oas/v3.1.0>).
pub(super) fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .into_generator();
    let result = json!(generator.subschema_for::<ResultEvent>());
    let (tenant, scope, code) = (generator.subschema_for::<Guid>(), generator.subschema_for::<Scope>(), generator.subschema_for::<Code>());
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Call".to_owned(), call(&json!(tenant), &json!(scope)));
    schemas.insert("Later".to_owned(), later(&json!(code)));
    schemas.insert("Problem".to_owned(), problem());
    let event = json!({ "application/cloudevents+json": { "schema": result } });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ops routes of ispm-onboarder",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "What people and pipelines call over HTTP.",
            "description": "The function app on Azure and the function on AWS have the same routes; they differ in how callers prove who they \
                are. docs/operate.md says who may call.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [
            { "url": "https://{app}.azurewebsites.net", "description": "On Azure.", "variables": { "app": { "default": "func-ispm" } } },
            {
                "url": "https://{id}.lambda-url.{region}.on.aws",
                "description": "On AWS.",
                "variables": { "id": { "default": "abcdefgh" }, "region": { "default": "eu-central-1" } },
            },
        ],
        "paths": {
            "/api/onboard": { "post": {
                "operationId": "onboard",
                "summary": "Onboards a scope.",
                "description": "With an Entra token it takes the app role Onboarder.Onboard.",
                "security": by_any(),
                "requestBody": body(),
                "responses": responses(&["400", "409", "422"], [
                    ("200", json!({ "description": "The result: onboarded, or pending.", "content": event })),
                    ("202", json!({
                        "description": "Queued for later.",
                        "headers": { "Retry-After": { "$ref": "#/components/headers/Retry-After" } },
                        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Later" } } },
                    })),
                ]),
            } },
            "/api/offboard": { "post": {
                "operationId": "offboard",
                "summary": "Takes back what was made here for a scope.",
                "description": "It takes an Entra token with the app role Onboarder.Offboard, whatever else has let the caller in.",
                "security": [{ "functionKey": [], "entraToken": [] }, { "entraToken": [] }],
                "requestBody": body(),
                "responses": responses(&["400", "409", "422"], [
                    ("200", json!({ "description": "The result: offboarded.", "content": event })),
                ]),
            } },
            "/api/coverage": { "get": {
                "operationId": "coverage",
                "summary": "What the last sweep left of a tenant.",
                "description": "With an Entra token it takes the app role Onboarder.Read.",
                "security": by_any(),
                "parameters": [
                    { "name": "tenant", "in": "query", "required": true, "schema": tenant },
                    {
                        "name": "format", "in": "query", "description": "Without it the Accept header decides.",
                        "schema": { "enum": ["json", "html"] },
                    },
                ],
                "responses": responses(&["400", "502"], [("200", json!({
                    "description": "The report, as a document or as a page.",
                    "headers": { "Age": { "description": "How old it is, in seconds.", "schema": { "type": "integer" } } },
                    "content": {
                        "application/json": { "schema": {
                            "type": "object",
                            "required": ["tenantId", "ageSeconds"],
                            "properties": { "tenantId": tenant, "ageSeconds": { "type": "integer", "minimum": 0 } },
                        } },
                        "text/html": {},
                    },
                }))]),
            } },
        },
        "components": {
            "schemas": schemas,
            "responses": components(),
            "headers": {
                "Retry-After": { "description": "After how many seconds to call again.", "schema": { "type": "integer", "minimum": 0 } },
                "WWW-Authenticate": { "description": "How to prove who calls (RFC 6750).", "schema": { "type": "string" } },
                "Allow": { "description": "The methods that the address takes.", "schema": { "type": "string" } },
            },
            "securitySchemes": proofs(),
        },
    })
}

/// How callers prove who they are.
fn proofs() -> Value {
    json!({
        "functionKey": {
            "type": "apiKey", "in": "header", "name": "x-functions-key",
            "description": "On Azure: a key of the function, which the Functions host asks for.",
        },
        "entraToken": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "A token for an audience in ONBOARDER_ENTRA_AUDIENCE, of a tenant in ONBOARDER_ENTRA_CALLERS, with the \
                route's app role. Where both are set on Azure, the key alone is not enough.",
        },
        "awsSignature": {
            "type": "apiKey", "in": "header", "name": "Authorization",
            "description": "On AWS: Signature Version 4, for the service lambda.",
        },
    })
}

/// What lets in to a route that a key or a signature is enough for.
fn by_any() -> Value {
    json!([{ "functionKey": [] }, { "functionKey": [], "entraToken": [] }, { "awsSignature": [] }, { "entraToken": [] }])
}

fn body() -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Call" } } } })
}

fn call(tenant: &Value, scope: &Value) -> Value {
    json!({
        "type": "object",
        "description": "Which scope is meant. At most 64 KiB.",
        "required": ["tenantId", "scope"],
        "properties": { "tenantId": tenant, "scope": scope },
    })
}

fn later(code: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": { "enum": ["later", "queued"] },
            "code": code,
            "message": { "type": "string" },
            "hint": { "type": ["string", "null"] },
            "retryInSeconds": { "type": "integer", "minimum": 0 },
        },
    })
}

/// RFC 9457, with two members of this program's own.
fn problem() -> Value {
    json!({
        "type": "object",
        "description": "A problem document (RFC 9457).",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": { "type": "string", "format": "uri", "pattern": "^urn:ispm-onboarder:problem:[a-z-]+$" },
            "title": { "type": "string" },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string", "description": "What happened, to which id." },
            "code": { "type": "string", "description": "The code by which docs/operate.md explains it." },
            "hint": { "type": "string", "description": "What to do next." },
        },
    })
}

/// The answers of a route: its own, those that are problem documents everywhere, and these of the others.
fn responses<const N: usize>(more: &[&str], own: [(&str, Value); N]) -> Value {
    let more = MORE_REFUSALS.into_iter().filter(|(status, ..)| more.contains(status));
    let refusals = REFUSALS.into_iter().chain(more);
    let refusals = refusals.map(|(status, name, ..)| (status.to_owned(), json!({ "$ref": format!("#/components/responses/{name}") })));
    let own = own.into_iter().map(|(status, answer)| (status.to_owned(), answer));
    Value::Object(own.chain(refusals).collect())
}

fn components() -> Value {
    let document = |(_, name, header, when): (&str, &str, &str, &str)| {
        let mut answer = json!({
            "description": when,
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        });
        if !header.is_empty() {
            answer["headers"] = json!({ header: { "$ref": format!("#/components/headers/{header}") } });
        }
        (name.to_owned(), answer)
    };
    Value::Object(REFUSALS.into_iter().chain(MORE_REFUSALS).map(document).collect::<Map<String, Value>>())
}
