//! What Storage's services have in common: who is admitted, errors, dates, numbers in queries (Storage REST documentation, "Authorize with
//! Microsoft Entra ID", "Status and error codes").

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::{Call, answer, xml};
use crate::Response;
use crate::token::{Claims, Refusal};

const AUDIENCE: &str = "https://storage.azure.com";
/// The first version that takes bearer tokens.
const OLDEST_VERSION: &str = "2017-11-09";

/// Checks the version and the token for a service (`queue`, `blob`) of an account.
pub(super) fn admit(call: &Call<'_>, account: &str, service: &str) -> Result<Claims, Box<Response>> {
    match call.header("x-ms-version") {
        None => {
            return Err(error(
                400,
                "MissingRequiredHeader",
                "An HTTP header that's mandatory for this request is not specified: x-ms-version.",
            ));
        }
        Some(version) if version.len() != OLDEST_VERSION.len() || version < OLDEST_VERSION => {
            return Err(error(
                400,
                "InvalidHeaderValue",
                "The value for one of the HTTP headers is not in the correct format: x-ms-version.",
            ));
        }
        Some(_) => {}
    }
    let known = call.world.storage_accounts.get(account).ok_or_else(removed)?;
    let own = format!("https://{account}.{service}.{}", call.cloud().storage());
    let verified = call.verify_in(&known.tenant_id, &[AUDIENCE, &own]);
    verified.map_err(|refusal| unauthorized(call, &refusal, &known.tenant_id))
}

/// What an operation asks for: all actions of one of these sets, in a queue or a container (Storage REST documentation, "Authorize with
/// Microsoft Entra ID", "Permissions for calling data operations").
pub(super) type Wanted = &'static [&'static [&'static str]];

/// Whether the caller may do what an operation asks for in this queue or container. Who may not is told so before whether it is there.
pub(super) fn authorize(call: &Call<'_>, caller: &Claims, account: &str, on: &str, wanted: Wanted) -> Result<(), Box<Response>> {
    let grants = &call.world.storage_accounts.get(account).ok_or_else(removed)?.grants;
    let may = |action: &&str| call.allows(grants, &caller.oid, Some(on), action);
    match wanted.iter().any(|actions| actions.iter().all(may)) {
        true => Ok(()),
        false => Err(error(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )),
    }
}

pub(super) fn removed() -> Box<Response> {
    answer::not_modelled("an account that was removed")
}

/// 3 to 63 lower-case letters, digits and single hyphens inside ("Naming queues and metadata"; "Naming and referencing containers, blobs,
/// and metadata").
pub(super) fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (3..=63).contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with('-') && !name.ends_with('-') && !name.contains("--")
}

/// A date as HTTP writes it: RFC 2822 with the zone's old name.
pub(crate) fn http_date(at: OffsetDateTime) -> String {
    at.format(&Rfc2822).unwrap_or_default().replace("+0000", "GMT")
}

/// A numeric query parameter within its limits.
pub(super) fn number(call: &Call<'_>, name: &str, usual: i64, least: i64, most: i64) -> Result<i64, Box<Response>> {
    let Some(text) = call.target.query(name) else {
        return Ok(usual);
    };
    let number: i64 = text.parse().map_err(|_| {
        error(
            400,
            "InvalidQueryParameterValue",
            &format!("Value for one of the query parameters specified in the request URI is invalid: {name}."),
        )
    })?;
    match (least..=most).contains(&number) {
        true => Ok(number),
        false => Err(out_of_range(name)),
    }
}

pub(super) fn out_of_range(name: &str) -> Box<Response> {
    error(
        400,
        "OutOfRangeQueryParameterValue",
        &format!("One of the query parameters specified in the request URI is outside the permissible range: {name}."),
    )
}

fn unauthorized(call: &Call<'_>, refusal: &Refusal, tenant_id: &str) -> Box<Response> {
    let (code, message) = match refusal {
        Refusal::Missing => (
            "NoAuthenticationInformation",
            "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
        ),
        Refusal::Expired => ("InvalidAuthenticationInfo", "Lifetime validation failed. The token is expired."),
        Refusal::Audience(_) => ("InvalidAuthenticationInfo", "Audience validation failed. Audience did not match."),
        Refusal::Tenant(_) => ("InvalidAuthenticationInfo", "Issuer validation failed. Issuer did not match."),
        Refusal::Forged => ("InvalidAuthenticationInfo", "Signature validation failed."),
    };
    let authority = call.cloud().entra();
    let header = format!("Bearer authorization_uri=https://{authority}/{tenant_id}/oauth2/authorize resource_id={AUDIENCE}");
    let response = error(401, code, message);
    Box::new(answer::with_header(*response, "www-authenticate", &header))
}

pub(super) fn error(status: u16, code: &str, message: &str) -> Box<Response> {
    let response = answer::xml(status, &xml::error(code, message));
    Box::new(answer::with_header(response, "x-ms-error-code", code))
}
