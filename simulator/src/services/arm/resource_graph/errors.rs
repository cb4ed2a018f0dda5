//! Resource Graph's refusals, in its own words where somebody recorded them (aztfexport issue 485, azure-powershell issue 13762,
//! cosmos-explorer issue 1986).

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::super::super::{Call, answer};
use super::kql::Problem;
use crate::Response;

/// A query that makes no sense to the service: 400, or 501 for what only the simulator does not understand.
pub(super) fn query(call: &Call<'_>, problem: Problem) -> Box<Response> {
    let detail = match problem {
        Problem::NotModelled(what) => return answer::not_modelled(&what),
        Problem::Syntax { line, position, token } => json!({
            "code": "ParserFailure", "message": "ParserFailure", "line": line, "characterPositionInLine": position, "token": token,
        }),
        Problem::Meaning(message) => json!({"code": "Default", "message": message}),
    };
    let message =
        "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the error before retrying.";
    refused(call, 400, "BadRequest", &json!([{"code": "InvalidQuery", "message": message}, detail]))
}

/// 400 for a body or option that is not what it must be. No public source has the codes of the details.
pub(super) fn bad_request(call: &Call<'_>, code: &str, message: &str) -> Box<Response> {
    refused(call, 400, "BadRequest", &json!([{"code": code, "message": message}]))
}

/// 403: the caller may read nothing of what the request names.
pub(super) fn access_denied(call: &Call<'_>) -> Box<Response> {
    let message = "Access is denied to the requested resource. The user might not have enough permission.";
    refused(call, 403, "AccessDenied", &json!([{"code": "AccessDenied", "message": message}]))
}

/// 429: the quota is used up.
pub(super) fn throttled(call: &Call<'_>) -> Box<Response> {
    let message = "Client application has been throttled and should not attempt to repeat the request until an amount of time has elapsed. \
                   Please see https://aka.ms/resourcegraph-throttling for help.";
    refused(call, 429, "RateLimiting", &json!([{"code": "RateLimiting", "message": message}]))
}

fn refused(call: &Call<'_>, status: u16, code: &str, details: &Value) -> Box<Response> {
    let at = call.now.format(&Rfc3339).unwrap_or_default();
    let message = format!("Please provide below info when asking for support: timestamp = {at}, correlationId = {}.", call.id);
    Box::new(answer::json(status, &json!({"error": {"code": code, "message": message, "details": details}})))
}
