//! The values that belong to AWS.

use std::collections::BTreeMap;

use url::Url;

use super::{Mistake, list, mix_up};
use crate::config::{MayName, QueueUrl, ResultsUrl, SecretStoreUrl};
use crate::scope::Guid;

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
    let region =
        host.strip_prefix("sqs.").and_then(|rest| rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn")));
    if !region.is_some_and(|region| !region.is_empty() && !region.contains('.')) {
        return Err("it is not on the domain of Amazon SQS");
    }
    let path: Vec<&str> = url.path().trim_matches('/').split('/').collect();
    match path.as_slice() {
        [_, name] if name.rsplit_once('.').is_some_and(|(_, kind)| kind == "fifo") => {
            Err("it is a FIFO queue, which cannot hold single messages back")
        }
        [account, name] if account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => Ok(QueueUrl::Sqs(url)),
        _ => Err("its path is not /ACCOUNT/QUEUE"),
    }
}

/// Whom tokens are for: client ids or App ID URIs, as they stand in a token's `aud`.
pub(in crate::config) fn audiences(text: &str) -> Result<Vec<String>, Mistake> {
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
pub(in crate::config) fn callers(text: &str) -> Result<BTreeMap<Guid, MayName>, Mistake> {
    list(text, |item| {
        let (tenant, may_name) = match item.split_once('=') {
            None => (item, MayName::Itself),
            Some((tenant, "all")) => (tenant, MayName::All),
            Some(_) => return Err("what stands after = is not all"),
        };
        Guid::parse(tenant).map(|tenant| (tenant, may_name)).map_err(|_| mix_up(tenant).unwrap_or("not each of them is a GUID"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{queue, results, secret_store};
    use super::*;

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
}
