//! Signing in with another issuer's token (Microsoft identity platform, "Access token request with a federated credential", and
//! "Authentication and authorization error codes"; wording and statuses as issues of azure-workload-identity and Azure/login quote them).

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{certificate, refused};
use crate::jwt;
use crate::services::{Call, answer, identity};
use crate::world::{FederatedCredential, has_passed};
use crate::{Response, World};

/// The only `client_assertion_type` that there is for tokens (RFC 7523, section 2.2).
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const SEE: &str = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. \
                   https://learn.microsoft.com/entra/workload-id/workload-identity-federation";

/// What an assertion says that a credential is compared with.
struct Presented<'a> {
    issuer: &'a str,
    subject: &'a str,
    audiences: Vec<&'a str>,
}

/// Checks that the app vouches for the assertion, by a certificate or by a federated credential, and the assertion for itself.
pub(super) fn check(call: &Call<'_>, tenant_id: &str, client_id: &str, kind: &str, assertion: &str) -> Result<(), Box<Response>> {
    if kind != TYPE {
        return Err(answer::not_modelled(&format!("the client_assertion_type {kind:?}")));
    }
    if certificate::is_own(assertion, client_id) {
        return certificate::check(call, tenant_id, client_id, assertion);
    }
    let malformed = || refused(call, 400, "invalid_request", 50_027, "JWT token is invalid or malformed.");
    let claims = jwt::claims(assertion).ok_or_else(malformed)?;
    let presented = Presented::of(&claims).ok_or_else(malformed)?;
    check_credentials(call, client_id, &presented)?;
    if !jwt::key_of(call.world, presented.issuer).is_some_and(|key| key.signed(assertion)) {
        let message = "Assertion failed signature validation. [Reason - The key was not found.]";
        return Err(refused(call, 401, "invalid_client", 50_013, message));
    }
    check_identity(call, client_id, &presented)?;
    check_time(call, &claims)
}

/// Of Entra's own tokens, only those of managed identities count, and only for apps of their tenant ("Configure an application to trust a
/// managed identity"; both sentences as Microsoft Q&A quotes them).
fn check_identity(call: &Call<'_>, client_id: &str, presented: &Presented<'_>) -> Result<(), Box<Response>> {
    let Some(tenant) = jwt::tenant_of(call.world, presented.issuer) else { return Ok(()) };
    if !call.world.platform.identities.iter().any(|identity| identity.principal_id == presented.subject) {
        let message = "Only MSI tokens may be used as Federated Identity Credentials for AAD issuer.";
        return Err(refused(call, 401, "invalid_client", 700_226, message));
    }
    let home = call.world.applications.get(client_id).and_then(|app| app.home_tenant_id.as_deref());
    if home.is_some_and(|home| home != tenant) {
        let message = format!(
            "Entra ID tokens issued by issuer '{}' may not be used for federated identity credential flows for applications or managed \
             identities registered in this tenant.",
            presented.issuer
        );
        return Err(refused(call, 401, "invalid_client", 700_236, &message));
    }
    Ok(())
}

impl<'a> Presented<'a> {
    fn of(claims: &'a Value) -> Option<Self> {
        let audiences = match &claims["aud"] {
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            one => vec![one.as_str()?],
        };
        Some(Self { issuer: claims["iss"].as_str()?, subject: claims["sub"].as_str()?, audiences })
    }

    /// Case counts in all three (Microsoft identity platform, "Breaking changes", federated identity credentials).
    fn matches(&self, world: &World, credential: &FederatedCredential) -> bool {
        credential.issuer == self.issuer && credential.subject == self.subject && self.is_for(world, credential)
    }

    fn is_for(&self, world: &World, credential: &FederatedCredential) -> bool {
        // Entra's tokens of version 2.0 name the exchange by its app id, and credentials by its URI.
        let spelt = |audience| if audience == identity::EXCHANGE_APP { world.settings.cloud.token_exchange_audience() } else { audience };
        self.audiences.iter().any(|&audience| credential.audiences.iter().any(|own| own == spelt(audience)))
    }
}

fn check_credentials(call: &Call<'_>, client_id: &str, presented: &Presented<'_>) -> Result<(), Box<Response>> {
    let credentials = call.world.applications.get(client_id).map_or(&[][..], |app| &app.federated_credentials);
    if credentials.is_empty() {
        let message = format!("The client '{client_id}' has no configured federated identity credentials.");
        return Err(refused(call, 401, "invalid_client", 70_025, &message));
    }
    let lag = call.world.settings.replication_lag_seconds;
    let is_known = |credential: &FederatedCredential| has_passed(lag, credential.created_on, call.now);
    let mut matching = credentials.iter().filter(|credential| presented.matches(call.world, credential)).peekable();
    if matching.peek().is_some() {
        return match matching.any(is_known) {
            true => Ok(()),
            false => Err(not_replicated(call, presented)),
        };
    }
    let from_issuer = |credential: &&FederatedCredential| credential.issuer == presented.issuer;
    let same_subject = |credential: &FederatedCredential| credential.subject == presented.subject;
    let no_record = |code, what: &str, value: &str| {
        let message = format!("No matching federated identity record found for presented assertion {what} '{value}'. {SEE}");
        Err(refused(call, 401, "invalid_client", code, &message))
    };
    if !credentials.iter().any(|credential| from_issuer(&credential)) {
        return no_record(700_211, "issuer", presented.issuer);
    }
    match credentials.iter().filter(from_issuer).any(same_subject) {
        true => no_record(700_212, "audience", presented.audiences.first().copied().unwrap_or_default()),
        false => no_record(700_213, "subject", presented.subject),
    }
}

/// What is answered while the credential is not everywhere yet ("Configure an app to trust an external identity provider", "Important
/// considerations and restrictions").
fn not_replicated(call: &Call<'_>, presented: &Presented<'_>) -> Box<Response> {
    let message = format!(
        "No matching federated identity record found for presented assertion. Assertion Issuer: '{}'. Assertion Subject: '{}'. Assertion \
         Audience: '{}'. https://docs.microsoft.com/en-us/azure/active-directory/develop/workload-identity-federation",
        presented.issuer,
        presented.subject,
        presented.audiences.first().copied().unwrap_or_default(),
    );
    refused(call, 400, "invalid_request", 70_021, &message)
}

pub(super) fn check_time(call: &Call<'_>, claims: &Value) -> Result<(), Box<Response>> {
    let moment = |name: &str| claims[name].as_i64().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let begins = moment("nbf").unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let ends = moment("exp").unwrap_or(OffsetDateTime::UNIX_EPOCH);
    if begins <= call.now && call.now < ends {
        return Ok(());
    }
    let written = |moment: OffsetDateTime| moment.format(&Rfc3339).unwrap_or_default();
    let message = format!(
        "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry time of assertion {}. Review \
         the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
        written(call.now),
        written(begins),
        written(ends),
    );
    Err(refused(call, 401, "invalid_client", 700_024, &message))
}
