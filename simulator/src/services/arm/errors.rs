//! Resource Manager's refusals, in its own words.

use super::super::answer::{error, with_header};
use crate::Response;
use crate::cloud::Cloud;
use crate::token::{Claims, Refusal};
use crate::world::Scope;

/// Where the challenge sends the caller to sign in. The public cloud names Entra as it was called before.
const fn authority(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Public => "login.windows.net",
        Cloud::UsGovernment => cloud.entra(),
    }
}

/// 401 for a token that is missing, bad, over, or meant for someone else. Each cloud names its own audiences
/// (stephaneey/azure-apim-extension issue 93).
pub(super) fn unauthenticated(cloud: Cloud, refusal: &Refusal) -> Box<Response> {
    let [own, before] = cloud.arm_audiences();
    let (code, message) = match refusal {
        Refusal::Missing => ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.".to_owned()),
        Refusal::Forged => ("InvalidAuthenticationToken", "The access token is invalid.".to_owned()),
        Refusal::Expired => ("ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.".to_owned()),
        Refusal::Audience(audience) => (
            "InvalidAuthenticationTokenAudience",
            format!(
                "The access token has been obtained for wrong audience or resource '{audience}'. It should exactly match with one of the \
                 allowed audiences '{before}/','{before}','{own}/','{own}'."
            ),
        ),
        Refusal::Tenant(tenant) => {
            ("InvalidAuthenticationTokenTenant", format!("The access token is from the wrong issuer 'https://sts.windows.net/{tenant}/'."))
        }
    };
    challenged(cloud, "common", code, &message)
}

/// 401 for a token of another tenant than the subscription's.
pub(super) fn wrong_tenant(cloud: Cloud, caller: &Claims, owner: &str) -> Box<Response> {
    let authority = authority(cloud);
    let message = format!(
        "The access token is from the wrong issuer '{}'. It must match the tenant 'https://sts.windows.net/{owner}/' associated with this \
         subscription. Please use the authority (URL) 'https://{authority}/{owner}' to get the token. Note, if the subscription is \
         transferred to another tenant there is no impact to the services, but information about new tenant could take time to propagate \
         (up to an hour). If you just transferred your subscription and see this error message, please try back later.",
        caller.iss
    );
    challenged(cloud, owner, "InvalidAuthenticationTokenTenant", &message)
}

fn challenged(cloud: Cloud, tenant: &str, code: &str, message: &str) -> Box<Response> {
    let authority = authority(cloud);
    let header =
        format!(r#"Bearer authorization_uri="https://{authority}/{tenant}", error="invalid_token", error_description="{message}""#);
    Box::new(with_header(*error(401, code, message), "www-authenticate", &header))
}

/// 403: no right, or the scope is not there; Resource Manager does not say which.
pub(super) fn authorization_failed(caller: &Claims, action: &str, scope: &Scope) -> Box<Response> {
    // Only role assignments can stand under a condition.
    let lacks = match action.starts_with("Microsoft.Authorization/roleAssignments/") {
        true => "does not have authorization or an ABAC condition not fulfilled to perform",
        false => "does not have authorization to perform",
    };
    // At the root it is the provider that is named (azure-docs issue 118160, azure-powershell issue 6624).
    let place = match scope {
        Scope::Tenant => format!("/providers/{}", action.split('/').next().unwrap_or_default()),
        scope => scope.to_string(),
    };
    let message = format!(
        "The client '{}' with object id '{}' {lacks} action '{action}' over scope '{place}' or the scope is invalid. If access was recently \
         granted, please refresh your credentials.",
        caller.client(),
        caller.oid
    );
    error(403, "AuthorizationFailed", &message)
}

/// 403: what is written names other scopes too, and the caller may not write there.
pub(super) fn linked_authorization_failed(caller: &Claims, action: &str, scope: &Scope, linked: &Scope) -> Box<Response> {
    let message = format!(
        "The client '{}' with object id '{}' has permission to perform action '{action}' on scope '{scope}'; however, it does not have \
         permission to perform action '{action}' on the linked scope(s) '{linked}' or the linked scope(s) are invalid.",
        caller.client(),
        caller.oid
    );
    error(403, "LinkedAuthorizationFailed", &message)
}

pub(super) fn subscription_not_found(id: &str) -> Box<Response> {
    error(404, "SubscriptionNotFound", &format!("The subscription '{id}' could not be found."))
}

pub(super) fn malformed_subscription(id: &str) -> Box<Response> {
    let message = format!("The provided subscription identifier '{id}' is malformed or invalid.");
    error(400, "InvalidSubscriptionId", &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cloud_names_its_own_audiences_and_where_to_sign_in() {
        let refused = |cloud| {
            let response = unauthenticated(cloud, &Refusal::Audience("https://graph.microsoft.com".to_owned()));
            format!("{:?} {}", response.headers()["www-authenticate"], String::from_utf8_lossy(response.body()))
        };
        let (public, government) = (refused(Cloud::Public), refused(Cloud::UsGovernment));
        let audiences = "'https://management.core.windows.net/','https://management.core.windows.net',\
                         'https://management.azure.com/','https://management.azure.com'";
        assert!(public.contains(audiences) && public.contains("https://login.windows.net/common"), "{public}");
        assert_eq!(
            government,
            public
                .replace("azure.com", "usgovcloudapi.net")
                .replace("core.windows.net", "core.usgovcloudapi.net")
                .replace("login.windows.net", "login.microsoftonline.us")
        );
    }
}
