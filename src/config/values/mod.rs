//! What the variables' values may be. Who writes a wrong one is told what it is instead.

#[cfg(feature = "aws")]
mod aws;
mod callers;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::{ContainerUrl, DeadLettersUrl, HostPattern, QueueUrl, ResultsUrl, SecretStoreUrl};
use crate::cloud::Cloud;
use crate::scope::Guid;

/// What a value is instead of what it should be.
type Mistake = &'static str;

const RESOURCE_ID: Mistake = "it is a resource id";

/// What people put where a URL or an id is asked.
fn mix_up(text: &str) -> Option<Mistake> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("/subscriptions/") {
        Some(RESOURCE_ID)
    } else if lower.starts_with("@microsoft.") {
        Some("it is a reference that the platform has not resolved")
    } else if text.starts_with(['"', '\'']) {
        Some("it is in quotes")
    } else {
        None
    }
}

/// An https URL on an Azure service's own domain in one of these clouds, without user info, port or query: a token is never sent anywhere
/// else.
fn azure_url(text: &str, clouds: &[Cloud], domain: impl Fn(Cloud) -> String) -> Result<Url, Mistake> {
    if let Some(mistake) = mix_up(text) {
        return Err(mistake);
    }
    if text.contains(';') {
        return Err("it is a connection string");
    }
    if !text.contains("://") {
        return Err(if text.contains(['.', '/']) { "it does not begin with https://" } else { "it is a name" });
    }
    let url = Url::parse(text).map_err(|_| "it is not a URL")?;
    if url.scheme() != "https" {
        return Err("it is not https");
    }
    let plain =
        url.username().is_empty() && url.password().is_none() && url.port().is_none() && url.query().is_none() && url.fragment().is_none();
    if !plain {
        return Err("it has a user, a port, a query or a fragment");
    }
    let is_in = |cloud: &Cloud| {
        let label = url.host_str().and_then(|host| host.strip_suffix(&domain(*cloud))?.strip_suffix('.'));
        label.is_some_and(|label| !label.is_empty())
    };
    match clouds {
        clouds if clouds.iter().any(is_in) => Ok(url),
        [Cloud::Public] if is_in(&Cloud::UsGovernment) => Err("it is in Azure US Government, and ONBOARDER_CLOUD is public"),
        [Cloud::UsGovernment] if is_in(&Cloud::Public) => Err("it is in the Azure public cloud, and ONBOARDER_CLOUD is usgovernment"),
        [Cloud::Public] => Err("it is not on that service's domain in the Azure public cloud"),
        [Cloud::UsGovernment] => Err("it is not on that service's domain in Azure US Government"),
        _ => Err("it is not on that service's domain in a cloud of Azure"),
    }
}

pub(super) fn cloud(text: &str) -> Result<Cloud, Mistake> {
    match Cloud::ALL.into_iter().find(|cloud| cloud.word() == text) {
        Some(cloud) => Ok(cloud),
        None if Cloud::ALL.iter().any(|cloud| cloud.cli_name().eq_ignore_ascii_case(text)) => Err("it is the Azure CLI's name of a cloud"),
        None => Err("it is no cloud that this program knows"),
    }
}

pub(super) use callers::{audiences, callers};

pub(super) fn secret_store(text: &str, clouds: &[Cloud]) -> Result<SecretStoreUrl, Mistake> {
    if let Some(prefix) = text.strip_prefix("aws-secretsmanager:") {
        return aws::secrets_manager(prefix);
    }
    match text.strip_prefix("file:") {
        Some("") => Err("the folder is missing"),
        Some(folder) => Ok(SecretStoreUrl::Folder(PathBuf::from(folder))),
        None => match azure_url(text, clouds, |cloud| cloud.key_vault_suffix().to_owned())? {
            url if url.path() == "/" => Ok(SecretStoreUrl::KeyVault(url)),
            _ => Err("it is the URL of something in a vault"),
        },
    }
}

pub(super) fn results(text: &str, clouds: &[Cloud]) -> Result<ResultsUrl, Mistake> {
    if text == "stdout:" {
        return Ok(ResultsUrl::Stdout);
    }
    if let Some(bus) = text.strip_prefix("eventbridge:") {
        return aws::event_bridge(bus);
    }
    let mut url = azure_url(text, clouds, |cloud| cloud.event_grid_suffix().to_owned())?;
    if !matches!(url.path(), "/" | "/api/events") {
        return Err("it has another path");
    }
    url.set_path("/api/events");
    Ok(ResultsUrl::EventGrid(url))
}

pub(super) fn queue(text: &str, clouds: &[Cloud]) -> Result<QueueUrl, Mistake> {
    if text.starts_with("https://sqs.") || text.starts_with("arn:aws") {
        return aws::sqs(text);
    }
    let url = azure_url(text, clouds, |cloud| format!("queue.{}", cloud.storage_suffix()))?;
    match url.path().trim_matches('/') {
        "" => Err("the queue's name is missing"),
        name if name.contains('/') => Err("it is the URL of something in a queue"),
        _ => Ok(QueueUrl::Storage(url)),
    }
}

pub(super) fn dead_letters(text: &str, clouds: &[Cloud]) -> Result<DeadLettersUrl, Mistake> {
    let is_container = text.contains(".blob.") || text.starts_with("s3:");
    if is_container { report(text, clouds).map(DeadLettersUrl::Container) } else { queue(text, clouds).map(DeadLettersUrl::Queue) }
}

pub(super) fn report(text: &str, clouds: &[Cloud]) -> Result<ContainerUrl, Mistake> {
    if let Some(bucket) = text.strip_prefix("s3:") {
        return aws::s3(bucket);
    }
    let url = azure_url(text, clouds, |cloud| format!("blob.{}", cloud.storage_suffix()))?;
    match url.path().trim_matches('/') {
        "" => Err("the container's name is missing"),
        name if name.contains('/') => Err("it is the URL of something in a container"),
        _ => Ok(ContainerUrl::Blob(url)),
    }
}

pub(super) fn minutes(text: &str) -> Result<Duration, Mistake> {
    let minutes: u64 = text.parse().map_err(|_| "it is not a whole number")?;
    if (1..=1440).contains(&minutes) { Ok(Duration::from_mins(minutes)) } else { Err("it is out of range") }
}

pub(super) fn guid(text: &str) -> Result<Guid, Mistake> {
    Guid::parse(text).map_err(|_| mix_up(text).unwrap_or("it is not a GUID"))
}

pub(super) fn tenants(text: &str) -> Result<BTreeSet<Guid>, Mistake> {
    list(text, |item| Guid::parse(item).map_err(|_| mix_up(item).unwrap_or("not each of them is a GUID")))
}

pub(super) fn hosts(text: &str) -> Result<Vec<HostPattern>, Mistake> {
    list(text, |item| {
        let name = item.strip_prefix("*.").unwrap_or(item);
        let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if item.contains(['/', ':']) {
            Err("one of them is a URL or has a port")
        } else if name.parse::<std::net::IpAddr>().is_ok() {
            Err("one of them is an IP address")
        } else if name.contains('.') && name.split('.').all(label) {
            Ok(HostPattern(item.to_ascii_lowercase()))
        } else {
            Err("one of them is neither a full host name nor one below *.")
        }
    })
}

fn list<T, C: FromIterator<T>>(text: &str, parse: impl Fn(&str) -> Result<T, Mistake>) -> Result<C, Mistake> {
    let mut items = text.split(',').map(str::trim).filter(|item| !item.is_empty()).peekable();
    if items.peek().is_none() {
        return Err("it names none");
    }
    items.map(parse).collect()
}

/// The values that belong to AWS, where they are not built in.
#[cfg(not(feature = "aws"))]
mod aws {
    use super::super::{ContainerUrl, QueueUrl, ResultsUrl, SecretStoreUrl};
    use super::Mistake;

    const ELSEWHERE: Mistake = "it belongs to AWS, which `bootstrap` knows and `handler` does not";

    pub(super) fn s3(_: &str) -> Result<ContainerUrl, Mistake> {
        Err(ELSEWHERE)
    }

    pub(super) fn secrets_manager(_: &str) -> Result<SecretStoreUrl, Mistake> {
        Err(ELSEWHERE)
    }

    pub(super) fn event_bridge(_: &str) -> Result<ResultsUrl, Mistake> {
        Err(ELSEWHERE)
    }

    pub(super) fn sqs(_: &str) -> Result<QueueUrl, Mistake> {
        Err(ELSEWHERE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &[Cloud] = &[Cloud::Public];

    const IDENTITY: &str = "/subscriptions/x/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-ispm";

    #[test]
    fn a_wrong_vault_is_told_from_a_right_one() {
        assert!(secret_store("https://kv-ispm-a1b2c.vault.azure.net/", PUBLIC).is_ok());
        for (wrong, mistake) in [
            ("kv-ispm-a1b2c", "it is a name"),
            ("kv-ispm-a1b2c.vault.azure.net", "it does not begin with https://"),
            ("/subscriptions/x/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv", "it is a resource id"),
            ("/Subscriptions/x", "it is a resource id"),
            ("@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/s)", "it is a reference that the platform has not resolved"),
            ("\"https://kv.vault.azure.net\"", "it is in quotes"),
            ("http://kv.vault.azure.net", "it is not https"),
            ("https://kv.vault.azure.net/secrets/s", "it is the URL of something in a vault"),
            ("https://user@a.vault.azure.net", "it has a user, a port, a query or a fragment"),
            ("https://a.vault.azure.net:8443", "it has a user, a port, a query or a fragment"),
            ("https://a.vault.azure.net.evil.org", "it is not on that service's domain in the Azure public cloud"),
            ("https://vault.azure.net", "it is not on that service's domain in the Azure public cloud"),
            ("https://kv.vault.usgovcloudapi.net", "it is in Azure US Government, and ONBOARDER_CLOUD is public"),
            ("https://[", "it is not a URL"),
            ("file:", "the folder is missing"),
        ] {
            assert_eq!(secret_store(wrong, PUBLIC), Err(mistake), "{wrong}");
        }
    }

    #[test]
    fn a_topic_or_queue_is_told_from_what_is_near_it() {
        assert!(results("https://evgt.westeurope-1.eventgrid.azure.net", PUBLIC).is_ok());
        assert_eq!(results("https://evgt.westeurope-1.eventgrid.azure.net/api/event", PUBLIC), Err("it has another path"));
        assert!(queue("https://st.queue.core.windows.net/onboarding", PUBLIC).is_ok());
        for (wrong, mistake) in [
            ("onboarding", "it is a name"),
            ("DefaultEndpointsProtocol=https;AccountName=st;AccountKey=aHVudGVyMg==", "it is a connection string"),
            ("https://st.blob.core.windows.net/onboarding", "it is not on that service's domain in the Azure public cloud"),
            ("https://st.queue.core.windows.net/", "the queue's name is missing"),
            ("https://st.queue.core.windows.net/onboarding/messages", "it is the URL of something in a queue"),
            ("https://st.queue.core.windows.net/onboarding?sv=2024&sig=x", "it has a user, a port, a query or a fragment"),
        ] {
            assert_eq!(queue(wrong, PUBLIC), Err(mistake), "{wrong}");
        }
    }

    #[test]
    fn containers_and_queues_of_dead_letters() {
        assert!(matches!(report("https://st.blob.core.windows.net/report", PUBLIC), Ok(ContainerUrl::Blob(_))));
        assert!(matches!(dead_letters("https://st.blob.core.windows.net/d", PUBLIC), Ok(DeadLettersUrl::Container(ContainerUrl::Blob(_)))));
        assert!(matches!(dead_letters("https://st.queue.core.windows.net/q-poison", PUBLIC), Ok(DeadLettersUrl::Queue(_))));
        for (wrong, mistake) in [
            ("https://st.blob.core.windows.net", "the container's name is missing"),
            ("https://st.blob.core.windows.net/report/x.json", "it is the URL of something in a container"),
            ("https://st.blob.core.windows.net/report?sv=2024&sig=x", "it has a user, a port, a query or a fragment"),
            ("https://st.queue.core.windows.net/q", "it is not on that service's domain in the Azure public cloud"),
        ] {
            assert_eq!(report(wrong, PUBLIC), Err(mistake), "{wrong}");
        }
    }

    #[test]
    fn ids_minutes_and_hosts() {
        assert_eq!(guid(IDENTITY), Err(RESOURCE_ID));
        assert_eq!(guid("id-ispm"), Err("it is not a GUID"));
        assert_eq!(tenants("0b1f6471-1bf0-4dda-aec3-cb9272f09590, contoso"), Err("not each of them is a GUID"));
        assert_eq!(tenants(" , "), Err("it names none"));
        assert_eq!(minutes("1h"), Err("it is not a whole number"));
        assert_eq!(minutes("0"), Err("it is out of range"));
        assert_eq!(minutes("1441"), Err("it is out of range"));
        assert_eq!(hosts("contoso.okta.com, *.Spera-App.com").map(|hosts| hosts.len()), Ok(2));
        for (wrong, mistake) in [
            ("https://contoso.spera-app.com", "one of them is a URL or has a port"),
            ("127.0.0.1", "one of them is an IP address"),
            ("*", "one of them is neither a full host name nor one below *."),
            ("*.com", "one of them is neither a full host name nor one below *."),
            ("a..b", "one of them is neither a full host name nor one below *."),
        ] {
            assert_eq!(hosts(wrong), Err(mistake), "{wrong}");
        }
    }
}
