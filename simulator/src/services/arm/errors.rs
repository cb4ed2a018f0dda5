//! Resource Manager's refusals, in its own words.

use super::super::answer::{error, with_header};
use crate::Response;
use crate::token::{Claims, Refusal};
use crate::world::Scope;

/// 401 for a token that is missing, bad, over, or meant for someone else.
pub(super) fn unauthenticated(refusal: &Refusal) -> Box<Response> {
    let (code, message) = match refusal {
        Refusal::Missing => ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.".to_owned()),
        Refusal::Forged => ("InvalidAuthenticationToken", "The access token is invalid.".to_owned()),
        Refusal::Expired => ("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.".to_owned()),
        Refusal::Audience(audience) => (
            "InvalidAuthenticationTokenAudience",
            format!(
                "The access token has been obtained for wrong audience or resource '{audience}'. It should exactly match with one of the \
                 allowed audiences 'https://management.core.windows.net/','https://management.core.windows.net',\
                 'https://management.azure.com/','https://management.azure.com'."
            ),
        ),
        Refusal::Tenant(tenant) => {
            ("InvalidAuthenticationTokenTenant", format!("The access token is from the wrong issuer 'https://sts.windows.net/{tenant}/'."))
        }
    };
    challenged("common", code, &message)
}

/// 401 for a token of another tenant than the subscription's.
pub(super) fn wrong_tenant(caller: &Claims, owner: &str) -> Box<Response> {
    let message = format!(
        "The access token is from the wrong issuer '{}'. It must match the tenant 'https://sts.windows.net/{owner}/' associated with this \
         subscription. Please use the authority (URL) 'https://login.windows.net/{owner}' to get the token. Note, if the subscription is \
         transferred to another tenant there is no impact to the services, but information about new tenant could take time to propagate \
         (up to an hour). If you just transferred your subscription and see this error message, please try back later.",
        caller.iss
    );
    challenged(owner, "InvalidAuthenticationTokenTenant", &message)
}

fn challenged(tenant: &str, code: &str, message: &str) -> Box<Response> {
    let header =
        format!(r#"Bearer authorization_uri="https://login.windows.net/{tenant}", error="invalid_token", error_description="{message}""#);
    Box::new(with_header(*error(401, code, message), "www-authenticate", &header))
}

/// 403: no right, or the scope is not there; Resource Manager does not say which.
pub(super) fn authorization_failed(caller: &Claims, action: &str, scope: &Scope) -> Box<Response> {
    // Only role assignments can stand under a condition.
    let lacks = match action.starts_with("Microsoft.Authorization/roleAssignments/") {
        true => "does not have authorization or an ABAC condition not fulfilled to perform",
        false => "does not have authorization to perform",
    };
    let message = format!(
        "The client '{}' with object id '{}' {lacks} action '{action}' over scope '{scope}' or the scope is invalid. If access was recently \
         granted, please refresh your credentials.",
        caller.appid, caller.oid
    );
    error(403, "AuthorizationFailed", &message)
}

pub(super) fn subscription_not_found(id: &str) -> Box<Response> {
    error(404, "SubscriptionNotFound", &format!("The subscription '{id}' could not be found."))
}

pub(super) fn malformed_subscription(id: &str) -> Box<Response> {
    let message = format!("The provided subscription identifier '{id}' is malformed or invalid.");
    error(400, "InvalidSubscriptionId", &message)
}
