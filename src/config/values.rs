//! What the variables' values may be. Who writes a wrong one is told what it is instead.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

#[cfg(feature = "aws")]
use super::MayName;
use super::{HostPattern, QueueUrl, ResultsUrl, SecretStoreUrl};
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

/// An https URL on an Azure service's own domain, without user info, port or query: a token is never sent anywhere else.
fn azure_url(text: &str, domain: &str) -> Result<Url, Mistake> {
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
    let label = url.host_str().and_then(|host| host.strip_suffix(domain)?.strip_suffix('.'));
    match label {
        Some(label) if !label.is_empty() => Ok(url),
        _ => Err("it is not on that service's domain in the Azure public cloud"),
    }
}

pub(super) fn secret_store(text: &str) -> Result<SecretStoreUrl, Mistake> {
    if let Some(prefix) = text.strip_prefix("aws-secretsmanager:") {
        return aws::secrets_manager(prefix);
    }
    match text.strip_prefix("file:") {
        Some("") => Err("the folder is missing"),
        Some(folder) => Ok(SecretStoreUrl::Folder(PathBuf::from(folder))),
        None => match azure_url(text, "vault.azure.net")? {
            url if url.path() == "/" => Ok(SecretStoreUrl::KeyVault(url)),
            _ => Err("it is the URL of something in a vault"),
        },
    }
}

pub(super) fn results(text: &str) -> Result<ResultsUrl, Mistake> {
    if text == "stdout:" {
        return Ok(ResultsUrl::Stdout);
    }
    if let Some(bus) = text.strip_prefix("eventbridge:") {
        return aws::event_bridge(bus);
    }
    let mut url = azure_url(text, "eventgrid.azure.net")?;
    if !matches!(url.path(), "/" | "/api/events") {
        return Err("it has another path");
    }
    url.set_path("/api/events");
    Ok(ResultsUrl::EventGrid(url))
}

pub(super) fn queue(text: &str) -> Result<QueueUrl, Mistake> {
    if text.starts_with("https://sqs.") || text.starts_with("arn:aws") {
        return aws::sqs(text);
    }
    let url = azure_url(text, "queue.core.windows.net")?;
    match url.path().trim_matches('/') {
        "" => Err("the queue's name is missing"),
        name if name.contains('/') => Err("it is the URL of something in a queue"),
        _ => Ok(QueueUrl::Storage(url)),
    }
}

/// Whom tokens are for: client ids or App ID URIs, as they stand in a token's `aud`.
#[cfg(feature = "aws")]
pub(super) fn audiences(text: &str) -> Result<Vec<String>, Mistake> {
    list(text, |item| {
        let is_uri = Url::parse(item).is_ok_and(|url| matches!(url.scheme(), "api" | "https" | "urn"));
        match Guid::parse(item) {
            Ok(id) => Ok(id.to_string()),
            Err(_) if is_uri => Ok(item.to_owned()),
            Err(_) => Err("one of them is neither a GUID nor an App ID URI"),
        }
    })
}

/// Whose tokens are taken: tenant ids, each by itself or with `=all`.
#[cfg(feature = "aws")]
pub(super) fn callers(text: &str) -> Result<std::collections::BTreeMap<Guid, MayName>, Mistake> {
    list(text, |item| {
        let (tenant, may_name) = match item.split_once('=') {
            None => (item, MayName::Itself),
            Some((tenant, "all")) => (tenant, MayName::All),
            Some(_) => return Err("what stands after = is not all"),
        };
        Guid::parse(tenant).map(|tenant| (tenant, may_name)).map_err(|_| mix_up(tenant).unwrap_or("not each of them is a GUID"))
    })
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

/// The values that belong to AWS, where they are built in.
#[cfg(feature = "aws")]
mod aws {
    use url::Url;

    use super::super::{QueueUrl, ResultsUrl, SecretStoreUrl};
    use super::Mistake;

    /// Letters, digits and what stands in names of secrets
    /// (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>, `Name`).
    pub(super) fn secrets_manager(prefix: &str) -> Result<SecretStoreUrl, Mistake> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
        if prefix.starts_with("arn:") {
            Err("it is an ARN, where what stands before each name is expected")
        } else if prefix.len() > 256 || !prefix.chars().all(allowed) {
            Err("the prefix has characters that no name of a secret has, or more than 256")
        } else {
            Ok(SecretStoreUrl::SecretsManager { prefix: prefix.to_owned() })
        }
    }

    /// A bus's name (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html>, `Name`).
    pub(super) fn event_bridge(bus: &str) -> Result<ResultsUrl, Mistake> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        match bus {
            "" => Err("the bus's name is missing"),
            _ if bus.starts_with("arn:") => Err("it is an ARN, where the bus's name is expected"),
            _ if bus.len() > 256 || !bus.chars().all(allowed) => Err("it is not the name of a bus"),
            _ => Ok(ResultsUrl::EventBridge { bus: bus.to_owned() }),
        }
    }

    /// A queue's URL, on AWS's own domain: `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`
    /// (<https://docs.aws.amazon.com/general/latest/gr/sqs-service.html>).
    pub(super) fn sqs(text: &str) -> Result<QueueUrl, Mistake> {
        if text.starts_with("arn:") {
            return Err("it is an ARN, where the queue's URL is expected");
        }
        let url = Url::parse(text).map_err(|_| "it is not a URL")?;
        if url.port().is_some() || !url.username().is_empty() || url.query().is_some() || url.fragment().is_some() {
            return Err("it has a user, a port, a query or a fragment");
        }
        let host = url.host_str().unwrap_or_default();
        let region = host
            .strip_prefix("sqs.")
            .and_then(|rest| rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn")));
        if !region.is_some_and(|region| !region.is_empty() && !region.contains('.')) {
            return Err("it is not on the domain of Amazon SQS");
        }
        let path: Vec<&str> = url.path().trim_matches('/').split('/').collect();
        match path.as_slice() {
            [_, name] if name.rsplit_once('.').is_some_and(|(_, kind)| kind == "fifo") => {
                Err("it is a FIFO queue, which cannot hold single messages back")
            }
            [account, name] if account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => {
                Ok(QueueUrl::Sqs(url))
            }
            _ => Err("its path is not /ACCOUNT/QUEUE"),
        }
    }
}

/// The values that belong to AWS, where they are not built in.
#[cfg(not(feature = "aws"))]
mod aws {
    use super::super::{QueueUrl, ResultsUrl, SecretStoreUrl};
    use super::Mistake;

    const ELSEWHERE: Mistake = "it belongs to AWS, which `bootstrap` knows and `handler` does not";

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

    #[cfg(feature = "aws")]
    #[test]
    fn what_belongs_to_aws_is_told_from_what_is_near_it() {
        assert!(secret_store("aws-secretsmanager:").is_ok());
        assert!(secret_store("aws-secretsmanager:prod/").is_ok());
        assert!(results("eventbridge:ispm-onboarder").is_ok());
        assert!(queue("https://sqs.eu-central-1.amazonaws.com/123456789012/onboarding").is_ok());
        assert!(queue("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/onboarding").is_ok());
        for (wrong, mistake) in [
            (
                "aws-secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:x",
                "it is an ARN, where what stands before each name is expected",
            ),
            ("aws-secretsmanager:a b", "the prefix has characters that no name of a secret has, or more than 256"),
        ] {
            assert_eq!(secret_store(wrong), Err(mistake), "{wrong}");
        }
        for (wrong, mistake) in [
            ("eventbridge:", "the bus's name is missing"),
            ("eventbridge:arn:aws:events:eu-central-1:123456789012:event-bus/x", "it is an ARN, where the bus's name is expected"),
            ("eventbridge:a b", "it is not the name of a bus"),
        ] {
            assert_eq!(results(wrong), Err(mistake), "{wrong}");
        }
        for (wrong, mistake) in [
            ("arn:aws:sqs:eu-central-1:123456789012:onboarding", "it is an ARN, where the queue's URL is expected"),
            ("https://sqs.eu-central-1.amazonaws.com.evil.org/123456789012/q", "it is not on the domain of Amazon SQS"),
            ("https://sqs.evil.org.amazonaws.com/123456789012/q", "it is not on the domain of Amazon SQS"),
            ("https://sqs.eu-central-1.amazonaws.com:8443/123456789012/q", "it has a user, a port, a query or a fragment"),
            ("https://sqs.eu-central-1.amazonaws.com/onboarding", "its path is not /ACCOUNT/QUEUE"),
            ("https://sqs.eu-central-1.amazonaws.com/123456789012/q.fifo", "it is a FIFO queue, which cannot hold single messages back"),
        ] {
            assert_eq!(queue(wrong), Err(mistake), "{wrong}");
        }
        assert_eq!(audiences("api://onboarder, 0b1f6471-1bf0-4dda-aec3-cb9272f09590").map(|all| all.len()), Ok(2));
        assert_eq!(audiences("onboarder"), Err("one of them is neither a GUID nor an App ID URI"));
        assert_eq!(callers("0b1f6471-1bf0-4dda-aec3-cb9272f09590=all").map(|all| all.into_values().collect()), Ok(vec![MayName::All]));
        assert_eq!(callers("0b1f6471-1bf0-4dda-aec3-cb9272f09590=some"), Err("what stands after = is not all"));
        assert_eq!(callers("contoso"), Err("not each of them is a GUID"));
    }

    const IDENTITY: &str = "/subscriptions/x/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-ispm";

    #[test]
    fn a_wrong_vault_is_told_from_a_right_one() {
        assert!(secret_store("https://kv-ispm-a1b2c.vault.azure.net/").is_ok());
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
            ("https://kv.vault.usgovcloudapi.net", "it is not on that service's domain in the Azure public cloud"),
            ("https://[", "it is not a URL"),
            ("file:", "the folder is missing"),
        ] {
            assert_eq!(secret_store(wrong), Err(mistake), "{wrong}");
        }
    }

    #[test]
    fn a_topic_or_queue_is_told_from_what_is_near_it() {
        assert!(results("https://evgt.westeurope-1.eventgrid.azure.net").is_ok());
        assert_eq!(results("https://evgt.westeurope-1.eventgrid.azure.net/api/event"), Err("it has another path"));
        assert!(queue("https://st.queue.core.windows.net/onboarding").is_ok());
        for (wrong, mistake) in [
            ("onboarding", "it is a name"),
            ("DefaultEndpointsProtocol=https;AccountName=st;AccountKey=aHVudGVyMg==", "it is a connection string"),
            ("https://st.blob.core.windows.net/onboarding", "it is not on that service's domain in the Azure public cloud"),
            ("https://st.queue.core.windows.net/", "the queue's name is missing"),
            ("https://st.queue.core.windows.net/onboarding/messages", "it is the URL of something in a queue"),
            ("https://st.queue.core.windows.net/onboarding?sv=2024&sig=x", "it has a user, a port, a query or a fragment"),
        ] {
            assert_eq!(queue(wrong), Err(mistake), "{wrong}");
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
