//! What Entra's error numbers mean here, and what to do about them
//! (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>).

use crate::error::Code;

/// A refusal that this program knows.
struct Known {
    numbers: &'static [&'static str],
    code: Code,
    hint: &'static str,
}

const fn refused(numbers: &'static [&'static str], hint: &'static str) -> Known {
    Known { numbers, code: Code::CredentialRefused, hint }
}

/// What cannot be told from any other refusal.
const OTHER: Known = refused(&[], "Check the tenant record's login, and the sign-in logs of the login app in Entra.");

const KNOWN: [Known; 18] = [
    refused(
        &["7000215"],
        "The client secret is wrong: put the secret's value (not its id) into the secret store under the name in login.secretName.",
    ),
    refused(&["7000222"], "The client secret has expired: create a new one for the login app and put it into the secret store."),
    refused(
        &["700027", "50012"],
        "The login app does not have this certificate, or it has expired: add the certificate to the app, or put the private key and \
         certificate of one that it has into the secret in login.secretName.",
    ),
    refused(
        &["700024"],
        "Entra's clock and this machine's differ, or what vouches for the login had ended: check the time here, and where that comes from.",
    ),
    refused(
        &["50013", "50027", "700021", "700023"],
        "Entra takes the assertion for broken: check that login.clientId and tenantId are right, and that the issuer in the app's federated \
         credential is the one that `ispm-onboarder permissions` prints.",
    ),
    refused(
        &["50166", "501661"],
        "Entra could not read the keys of the federated credential's issuer: check that its address can be reached.",
    ),
    refused(
        &["700016", "7000229"],
        "The login app is not in this tenant: check login.clientId, and that the tenant has consented to the app (it then has a service \
         principal there).",
    ),
    refused(&["7000112"], "The login app is switched off in this tenant: enable it under Enterprise applications, Properties."),
    refused(&["65001"], "The tenant has not consented to the login app: an administrator has to grant that once."),
    refused(
        &["53003"],
        "A Conditional Access policy for workload identities blocks the login app: allow it from where this program runs. The sign-in logs \
         of service principals name the policy.",
    ),
    // No federated credential fits the assertion, or the app has none; or it is not known everywhere yet
    // (<https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations>).
    Known {
        numbers: &["70021", "70025", "700211", "700212", "700213", "7002138"],
        code: Code::FederatedCredentialMissing,
        hint: "Add a federated credential to the login app, with exactly the issuer, subject and audience that `ispm-onboarder permissions` \
               prints. A new one takes a few minutes to be known everywhere.",
    },
    refused(
        &["700236", "700222"],
        "The managed identity and the login app have to be in one tenant: register the login app in the function's own tenant, as a \
         multi-tenant app.",
    ),
    refused(&["700226", "700229"], "Entra takes the word of a managed identity only: run this where one is assigned."),
    refused(
        &["700214"],
        "The federated credential's audience has to be the one that `ispm-onboarder permissions` prints, and not the app id that stands in tokens.",
    ),
    refused(&["7000218", "7000216"], "Entra found no credential in the request: check that the secret in login.secretName is not empty."),
    refused(&["90002", "900023"], "Entra does not know this tenant: check tenantId in the tenant record."),
    refused(&["90038", "900382", "900439"], "The tenant or the login app is in another cloud of Microsoft's: check ONBOARDER_CLOUD."),
    // A transient error, whatever its status.
    Known { numbers: &["90024", "90033"], code: Code::Unavailable, hint: "Nothing has to be done: the request is made again." },
];

/// What a refusal with these numbers, separated by commas, means: the code and what to do.
pub(super) fn explained(numbers: Option<&str>) -> (Code, &'static str) {
    let is_among = |known: &&Known| known.numbers.iter().any(|number| numbers.is_some_and(|all| all.split(',').any(|one| one == *number)));
    let known = KNOWN.iter().find(is_among).unwrap_or(&OTHER);
    (known.code, known.hint)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;
    use azure_core::credentials::{Secret, TokenCredential as _};
    use azure_core::http::headers::Headers;
    use azure_core::http::{AsyncRawResponse, HttpClient, Request, StatusCode};
    use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
    use serde_json::json;

    use super::*;
    use crate::error::Error;
    use crate::net::{self, Posts};

    /// A token endpoint that always answers the same.
    #[derive(Debug)]
    struct Entra(u16, String);

    #[async_trait]
    impl HttpClient for Entra {
        async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
            Ok(AsyncRawResponse::from_bytes(StatusCode::from(self.0), Headers::new(), self.1.clone()))
        }
    }

    /// A refusal as Entra sends it.
    fn body(error: &str, numbers: &[u32], words: &str) -> String {
        let ids = "Trace ID: 69614a63-47ba-4e4d-83ee-9ade62ff1600 Correlation ID: ae66f807-0e16-448b-b0f8-6a5d6e6bd334";
        let mut body = json!({
            "error": error,
            "error_description": format!("AADSTS{}: {words} {ids} Timestamp: 2026-11-24 21:39:20Z", numbers[0]),
            "error_codes": numbers,
            "timestamp": "2026-11-24 21:39:20Z",
            "trace_id": "69614a63-47ba-4e4d-83ee-9ade62ff1600",
            "correlation_id": "ae66f807-0e16-448b-b0f8-6a5d6e6bd334",
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", numbers[0]),
        });
        if numbers == [53003] {
            body["suberror"] = json!("message_only");
            body["claims"] =
                json!("{\"access_token\":{\"capolids\":{\"essential\":true,\"values\":[\"01234567-89ab-cdef-fedc-ba9876543210\"]}}}");
        }
        body.to_string()
    }

    async fn told(status: u16, body: String) -> Error {
        let transport: Arc<dyn HttpClient> = Arc::new(Entra(status, body));
        let options = ClientSecretCredentialOptions { client_options: net::client_options(&transport, Posts::Create) };
        let id = "1663ee10-1dee-56a0-b4e4-b8249a0debef";
        let credential = ClientSecretCredential::new(id, id.to_owned(), Secret::new("hunter2"), Some(options)).unwrap();
        net::from_sdk(&credential.get_token(&["https://management.azure.com/.default"], None).await.unwrap_err(), "arm.subscription.get")
    }

    #[tokio::test]
    async fn each_refusal_is_told_with_its_number_and_what_to_do() {
        let (refused, missing) = (Code::CredentialRefused, Code::FederatedCredentialMissing);
        // The words as issues of Microsoft's own repositories quote them, cut where they go on.
        for (status, error, numbers, words, code, hint) in [
            (401, "invalid_client", &[7_000_215][..], "Invalid client secret provided. Ensure the secret being sent", refused, "value"),
            (401, "invalid_client", &[7_000_222], "The provided client secret keys for app 'x' are expired.", refused, "expired"),
            (
                401,
                "invalid_client",
                &[700_027],
                "The certificate with identifier used to sign the client assertion is not",
                refused,
                "cert",
            ),
            (
                401,
                "invalid_client",
                &[70_002, 50_012],
                "Error validating credentials. AADSTS50012: Client assertion",
                refused,
                "certificate",
            ),
            (401, "invalid_client", &[700_024], "Client assertion is not within its valid time range.", refused, "clock"),
            (
                401,
                "invalid_client",
                &[50_013],
                "Assertion failed signature validation. [Reason - The key was not found.]",
                refused,
                "broken",
            ),
            (401, "invalid_client", &[700_023], "Client assertion audience claim does not match Realm issuer.", refused, "broken"),
            (400, "invalid_request", &[50_166], "Request to External OIDC endpoint failed.", refused, "keys"),
            (400, "unauthorized_client", &[700_016], "Application with identifier 'x' was not found in the directory", refused, "consent"),
            (
                401,
                "invalid_client",
                &[7_000_229],
                "The client application x is missing service principal in the tenant",
                refused,
                "consent",
            ),
            (400, "unauthorized_client", &[7_000_112], "Application 'x'(onboarder) is disabled.", refused, "switched off"),
            (400, "invalid_grant", &[65_001], "The user or administrator has not consented to use the application", refused, "consent"),
            (400, "invalid_grant", &[53_003], "Access has been blocked by Conditional Access policies.", refused, "Conditional Access"),
            (400, "invalid_request", &[70_021], "No matching federated identity record found", missing, "few minutes"),
            (401, "invalid_client", &[70_025], "The client 'x' has no configured federated identity credentials.", missing, "Add a"),
            (401, "invalid_client", &[700_213], "No matching federated identity record found for presented", missing, "exactly"),
            (401, "invalid_client", &[700_236], "Entra ID tokens issued by issuer 'x' may not be used for", refused, "one tenant"),
            (
                401,
                "invalid_client",
                &[700_226],
                "Only MSI tokens may be used as Federated Identity Credentials",
                refused,
                "managed identity",
            ),
            (401, "invalid_client", &[700_214], "The audience must be api://AzureADTokenExchange", refused, "audience"),
            (400, "invalid_request", &[90_002], "Tenant 'x' not found.", refused, "tenantId"),
            (400, "invalid_request", &[90_038], "Tenant 'x' request is being redirected to the National Cloud", refused, "ONBOARDER_CLOUD"),
            (400, "temporarily_unavailable", &[90_033], "A transient error has occurred. Please try again.", Code::Unavailable, "Nothing"),
            (400, "invalid_request", &[1_234_567], "Something new.", refused, "sign-in logs"),
        ] {
            let told = told(status, body(error, numbers, words)).await;
            assert_eq!(told.code, code, "{numbers:?}: {told}");
            let own = numbers.iter().map(|number| format!("AADSTS{number}")).collect::<Vec<_>>().join(", ");
            assert_eq!(told.message, format!("arm.subscription.get: the token request was answered {status} {own}"));
            assert!(told.hint.as_deref().is_some_and(|words| words.contains(hint)), "{numbers:?}: {:?}", told.hint);
        }
    }

    #[tokio::test]
    async fn what_may_pass_is_nobodys_refusal() {
        for status in [408, 429, 500, 503] {
            let told = told(status, body("temporarily_unavailable", &[7_000_215], "Never mind.")).await;
            assert_eq!(told.code, Code::Unavailable, "{status}: {told}");
        }
        assert_eq!(told(502, "<html>".to_owned()).await.code, Code::Unavailable);
    }

    #[test]
    fn no_number_has_two_meanings() {
        let mut all: Vec<&str> = KNOWN.iter().flat_map(|known| known.numbers).copied().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
