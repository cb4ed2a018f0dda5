//! AWS accounts: who may call, and the secrets, queues and event buses that there are.

mod bucket;
mod build;
mod bus;
mod policy;
mod queue;
mod secret;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use bucket::{Bucket, Object};
pub use bus::{Bus, Entry, EntryError, PutEvent, Rule};
pub use policy::{Context, Effect, Operator, Policy, Statement, Texts, Verdict, Version};
pub use queue::{Message, Queue, Redrive};
pub use secret::{CURRENT, PENDING, PREVIOUS, Secret, SecretValue, SecretVersion};

use super::Sensitive;
use super::directory::is_denied;

/// An AWS account, as far as it lies in one region, stored under its id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Account {
    /// The region that everything in it lies in, such as `eu-central-1`.
    pub region: String,
    /// By access key id, such as `AKIA…`.
    #[serde(default)]
    pub access_keys: BTreeMap<String, AccessKey>,
    /// Outbound web identity federation.
    #[serde(default)]
    pub federation: Federation,
    /// Secrets Manager's secrets by name.
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret>,
    /// SQS queues by name.
    #[serde(default)]
    pub queues: BTreeMap<String, Queue>,
    /// EventBridge buses by name.
    #[serde(default)]
    pub buses: BTreeMap<String, Bus>,
    /// S3 buckets by name.
    #[serde(default)]
    pub buckets: BTreeMap<String, Bucket>,
    /// What roles (by ARN) may do. A role without a policy may do nothing.
    #[serde(default)]
    pub policies: BTreeMap<String, Policy>,
    /// IAM actions that a role (by ARN) may not perform, whatever its policy says, such as
    /// `secretsmanager:GetSecretValue`; a trailing `*` stands for any rest.
    #[serde(default)]
    pub denied_actions: BTreeMap<String, BTreeSet<String>>,
}

/// What signs calls, and the role that they then come from. Stored under its access key id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessKey {
    /// The secret access key.
    pub secret: Sensitive,
    /// What calls must carry besides, where the credentials are temporary ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<Sensitive>,
    /// When temporary credentials expire; without it, they do not.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<OffsetDateTime>,
    /// The ARN of the role that they stand for, such as `arn:aws:iam::111122223333:role/ispm-onboarder`.
    pub role_arn: String,
    /// The session's name, which errors show behind the role's: on Lambda, the function's name.
    #[serde(default = "session_name")]
    pub session_name: String,
}

fn session_name() -> String {
    "ispm-onboarder".to_owned()
}

/// Outbound web identity federation: whether STS issues tokens about the account's roles to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Federation {
    /// Whether it is enabled.
    pub enabled: bool,
    /// The account's own issuer, `https://{uuid}.tokens.sts.global.api.aws`.
    pub issuer: String,
}

impl Account {
    /// Whether a role may make a call: what [`Account::denied_actions`] keeps it from is as if no policy allowed it.
    #[must_use]
    pub fn judge(&self, role_arn: &str, action: &str, resource: &str, context: &Context) -> Verdict {
        if self.denied_actions.get(role_arn).is_some_and(|denied| is_denied(denied, action)) {
            return Verdict::NotAllowed;
        }
        self.policies.get(role_arn).map_or(Verdict::NotAllowed, |policy| policy.judge(action, resource, context))
    }

    /// The partition that ARNs of this account begin with, such as `aws`.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        partition(&self.region)
    }

    /// The ARN of something in the account.
    #[must_use]
    pub fn arn(&self, account_id: &str, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{account_id}:{resource}", partition(&self.region), self.region)
    }

    /// The URL of a queue in the account, which is its name to SQS.
    #[must_use]
    pub fn queue_url(&self, account_id: &str, queue: &str) -> String {
        format!("https://sqs.{}.{}/{account_id}/{queue}", self.region, domain(&self.region))
    }

    /// The host of the account's issuer, while federation is enabled.
    pub(crate) fn issuer_host(&self) -> Option<&str> {
        self.federation.issuer.strip_prefix("https://").filter(|_| self.federation.enabled)
    }
}

impl AccessKey {
    /// The ARN of the session that calls come from, as errors name it (IAM documentation, "Troubleshoot access denied error messages").
    #[must_use]
    pub fn caller_arn(&self) -> String {
        match self.role_arn.split_once(":role/") {
            // A role's path is no part of its sessions' ARNs.
            Some((account, role)) => {
                let role = role.rsplit('/').next().unwrap_or_default();
                format!("{}:assumed-role/{role}/{}", account.replace(":iam:", ":sts:"), self.session_name)
            }
            None => self.role_arn.clone(),
        }
    }
}

/// The partition that a region is in, as ARNs begin with it.
fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") { "aws-cn" } else { "aws" }
}

/// The domain that a region's endpoints are in.
pub(crate) fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_after_its_role_without_the_path() {
        let mut account = Account::default();
        let key = account.add_access_key("AKIA", "secret", "arn:aws:iam::111122223333:role/apps/onboarder");
        key.session_name = "function".to_owned();
        assert_eq!(key.caller_arn(), "arn:aws:sts::111122223333:assumed-role/onboarder/function");
    }

    #[test]
    fn denials_take_a_prefix_and_ignore_case_whatever_is_allowed() {
        let mut account = Account::default();
        account.allow("role", &["*"], &["*"]);
        account.deny("role", "sqs:*");
        let judge = |role: &str, action: &str| account.judge(role, action, "*", &Context::new());
        assert_eq!(judge("role", "SQS:SendMessage"), Verdict::NotAllowed);
        assert_eq!(judge("role", "events:PutEvents"), Verdict::Allowed);
        assert_eq!(judge("other", "events:PutEvents"), Verdict::NotAllowed, "a role without a policy may do nothing");
    }

    #[test]
    fn china_is_a_partition_of_its_own() {
        let account = Account { region: "cn-north-1".to_owned(), ..Account::default() };
        assert_eq!(account.arn("1", "sqs", "q"), "arn:aws-cn:sqs:cn-north-1:1:q");
        assert_eq!(account.queue_url("1", "q"), "https://sqs.cn-north-1.amazonaws.com.cn/1/q");
    }
}
