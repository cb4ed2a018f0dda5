//! The values that belong to AWS.

use url::Url;

use super::Mistake;
use crate::config::{ContainerUrl, QueueUrl, ResultsUrl, SecretStoreUrl};

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

/// `//BUCKET/PREFIX`: a bucket's name (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>), and what stands
/// before each key.
pub(super) fn s3(text: &str) -> Result<ContainerUrl, Mistake> {
    let Some(rest) = text.strip_prefix("//") else { return Err("it does not begin with s3://") };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let in_bucket = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let in_prefix = |c: char| c.is_ascii_alphanumeric() || "/!_.*'()-".contains(c);
    let prefix = prefix.trim_end_matches('/');
    if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(in_bucket) {
        Err("its bucket's name is not one")
    } else if prefix.len() > 512 || !prefix.chars().all(in_prefix) {
        Err("its prefix has characters that are not safe in a key, or more than 512")
    } else {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(ContainerUrl::S3 { bucket: bucket.to_owned(), prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{queue, results, secret_store};

    #[test]
    fn what_belongs_to_aws_is_told_from_what_is_near_it() {
        assert!(secret_store("aws-secretsmanager:", &[]).is_ok());
        assert!(secret_store("aws-secretsmanager:prod/", &[]).is_ok());
        assert!(results("eventbridge:ispm-onboarder", &[]).is_ok());
        assert!(queue("https://sqs.eu-central-1.amazonaws.com/123456789012/onboarding", &[]).is_ok());
        assert!(queue("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/onboarding", &[]).is_ok());
        for (wrong, mistake) in [
            (
                "aws-secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:x",
                "it is an ARN, where what stands before each name is expected",
            ),
            ("aws-secretsmanager:a b", "the prefix has characters that no name of a secret has, or more than 256"),
        ] {
            assert_eq!(secret_store(wrong, &[]), Err(mistake), "{wrong}");
        }
        for (wrong, mistake) in [
            ("eventbridge:", "the bus's name is missing"),
            ("eventbridge:arn:aws:events:eu-central-1:123456789012:event-bus/x", "it is an ARN, where the bus's name is expected"),
            ("eventbridge:a b", "it is not the name of a bus"),
        ] {
            assert_eq!(results(wrong, &[]), Err(mistake), "{wrong}");
        }
        for (wrong, mistake) in [
            ("arn:aws:sqs:eu-central-1:123456789012:onboarding", "it is an ARN, where the queue's URL is expected"),
            ("https://sqs.eu-central-1.amazonaws.com.evil.org/123456789012/q", "it is not on the domain of Amazon SQS"),
            ("https://sqs.evil.org.amazonaws.com/123456789012/q", "it is not on the domain of Amazon SQS"),
            ("https://sqs.eu-central-1.amazonaws.com:8443/123456789012/q", "it has a user, a port, a query or a fragment"),
            ("https://sqs.eu-central-1.amazonaws.com/onboarding", "its path is not /ACCOUNT/QUEUE"),
            ("https://sqs.eu-central-1.amazonaws.com/123456789012/q.fifo", "it is a FIFO queue, which cannot hold single messages back"),
        ] {
            assert_eq!(queue(wrong, &[]), Err(mistake), "{wrong}");
        }
    }
}
