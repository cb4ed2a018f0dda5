//! Azure Key Vault.

use std::sync::Arc;

use azure_core::Error as SdkError;
use azure_core::http::{StatusCode, Url};
use azure_security_keyvault_secrets::models::SecretProperties;
use azure_security_keyvault_secrets::{ResourceExt as _, SecretClient};
use futures_util::TryStreamExt as _;

use super::{Stored, without_line_break};
use crate::error::{Code, Error};
use crate::net::{self, Renewable, RenewableFailure};
use crate::tenant::SecretName;

/// More pages than this of one vault would be a loop: at the vault's 25 a page, this is 10,000 secrets.
const MOST_PAGES: usize = 400;

const GET: &str = "key-vault.secret.get";
const LIST: &str = "key-vault.secrets.list";

/// Reads from Key Vault (<https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret>, 2025-07-01).
///
/// A token that is refused is replaced at once: several secrets are read in a row, and each of them may be the one that it is too old for.
pub(super) async fn get(vault: &Renewable<SecretClient>, name: &SecretName) -> Result<Option<Stored>, Error> {
    let read = |client: Arc<SecretClient>| async move { Ok(client.get_secret(name.as_str(), None).await?) };
    match vault.call(read, RenewableFailure::is_refusal).await {
        Ok(answer) => {
            let secret = answer.into_model().map_err(|error| net::from_sdk(&error, GET))?;
            let expires = secret.attributes.and_then(|attributes| attributes.expires);
            Ok(secret.value.map(|value| Stored { value: without_line_break(&value), expires }))
        }
        Err(failure) if failure.is(StatusCode::NotFound) => Ok(None),
        Err(RenewableFailure::Call(error)) => Err(refused(vault, &error, GET, &format!("the secret {}", name.as_str()))),
        Err(RenewableFailure::Client(error)) => Err(error),
    }
}

/// Lists the names of the vault's secrets in lower case, which is how a vault compares them
/// (<https://learn.microsoft.com/rest/api/keyvault/secrets/get-secrets/get-secrets>, 2025-07-01). One that is switched off is listed by the
/// vault, but cannot be read, and is left out here.
///
/// A token that is refused is replaced at once: nobody else would try again before the next sweep.
pub(super) async fn names(vault: &Renewable<SecretClient>) -> Result<Vec<String>, Error> {
    let list = |client: Arc<SecretClient>| async move { listed(&client).await };
    vault.call(list, RenewableFailure::is_refusal).await.map_err(|failure| match failure {
        RenewableFailure::Call(error) => refused(vault, &error, LIST, "the list of secrets"),
        RenewableFailure::Client(error) => error,
    })
}

async fn listed(client: &SecretClient) -> Result<Vec<String>, RenewableFailure> {
    let mut pages = client.list_secret_properties(None)?.into_pages();
    let mut names = Vec::new();
    for _ in 0..MOST_PAGES {
        let Some(page) = pages.try_next().await? else { return Ok(names) };
        let page = page.into_model().map_err(|error| net::from_sdk(&error, LIST))?;
        // Checked before the SDK follows it: the vault's token would go with the call.
        stays(client.endpoint(), page.next_link.as_deref())?;
        names.extend(page.value.iter().filter(|secret| is_enabled(secret)).filter_map(name_of));
    }
    Err(Error::new(Code::UnexpectedAnswer, "the pages of Key Vault's list of secrets do not end").into())
}

fn is_enabled(secret: &SecretProperties) -> bool {
    secret.attributes.as_ref().and_then(|attributes| attributes.enabled) != Some(false)
}

fn name_of(secret: &SecretProperties) -> Option<String> {
    secret.resource_id().ok().map(|id| id.name.to_lowercase())
}

/// A page link stays on the vault's origin.
fn stays(vault: &Url, link: Option<&str>) -> Result<(), Error> {
    let same = |link: &str| vault.join(link).is_ok_and(|link| link.origin() == vault.origin());
    if link.is_none_or(same) {
        return Ok(());
    }
    Err(Error::new(Code::UnexpectedAnswer, "a page link of Key Vault's list of secrets leaves the vault"))
}

fn refused(vault: &Renewable<SecretClient>, error: &SdkError, call: &str, what: &str) -> Error {
    let refused =
        |status: u16, hint: &str| Error::new(Code::SecretStoreRefused, format!("Key Vault answered {status} for {what}")).hint(hint);
    match error.http_status() {
        Some(StatusCode::Forbidden) => refused(
            403,
            "Give the function's identity the role Key Vault Secrets User on the vault, enable the secret, and check the vault's firewall.",
        ),
        Some(StatusCode::Unauthorized) => {
            vault.renew();
            refused(401, "Check that the vault belongs to the tenant of the function's identity.")
        }
        _ => match net::from_sdk(error, call) {
            failure if failure.code == Code::CredentialRefused => Error { code: Code::SecretStoreRefused, ..failure }
                .hint("Assign a managed identity to the function app; with a user-assigned one, set AZURE_CLIENT_ID to its client id."),
            failure => failure,
        },
    }
}

#[cfg(test)]
mod tests {

    use super::stays;

    #[test]
    fn page_links_stay_in_the_vault() {
        let vault = "https://contoso.vault.azure.net".parse().unwrap();
        for link in
            [None, Some("https://contoso.vault.azure.net:443/secrets?api-version=7.6&$skiptoken=x"), Some("/secrets?page=2"), Some("")]
        {
            assert!(stays(&vault, link).is_ok(), "{link:?}");
        }
        for link in
            ["https://contoso.vault.azure.net.evil.example/secrets", "http://contoso.vault.azure.net/", "//evil.example/", "https://[/"]
        {
            assert!(stays(&vault, Some(link)).is_err(), "{link}");
        }
    }
}
