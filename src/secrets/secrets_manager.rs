//! AWS Secrets Manager.

use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use secrecy::SecretString;

use super::without_line_break;
use crate::aws::Failure;
use crate::error::{Code, Error};
use crate::identity::Platform;
use crate::net::Renewable;
use crate::tenant::SecretName;

/// The stage of the version that is in use. While a rotation is under way its new version is AWSPENDING, and is not read
/// (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>).
const CURRENT: &str = "AWSCURRENT";
/// The most names of one page
/// (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html>).
const PAGE: i32 = 100;

const GET: &str = "secrets-manager.secret.get";
const LIST: &str = "secrets-manager.secrets.list";

/// The secrets of one account and region whose names begin alike.
#[derive(Debug)]
pub struct SecretsManager {
    prefix: String,
    getting: Renewable<Client>,
    listing: Renewable<Client>,
}

impl SecretsManager {
    pub(super) fn open(prefix: &str, platform: &Arc<dyn Platform>) -> Self {
        let client = |name: &'static str| {
            let platform = platform.clone();
            Renewable::new(move || Ok(platform.aws()?.secrets_manager(name)))
        };
        Self { prefix: prefix.to_owned(), getting: client(GET), listing: client(LIST) }
    }

    /// Reads a secret's current version
    /// (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>).
    pub(super) async fn get(&self, name: &SecretName) -> Result<Option<SecretString>, Error> {
        let id = format!("{}{}", self.prefix, name.as_str());
        match self.getting.get()?.get_secret_value().secret_id(&id).version_stage(CURRENT).send().await {
            Ok(answer) => match (answer.secret_string, answer.secret_binary) {
                (Some(text), _) => Ok(Some(without_line_break(&text))),
                (None, Some(_)) => Err(Error::new(Code::SecretMissing, format!("the secret {id} is binary, and text is expected"))
                    .hint(format!("Store it as text: aws secretsmanager put-secret-value --secret-id {id} --secret-string file://FILE"))),
                (None, None) => Err(Error::new(Code::Unavailable, format!("Secrets Manager answered without a value for the secret {id}"))),
            },
            Err(error) => match Failure::of(&error, GET) {
                failure if failure.code.as_deref() == Some("ResourceNotFoundException") => Ok(None),
                failure => Err(explained(failure, &id)),
            },
        }
    }

    /// The names of the secrets that begin so, without the store's prefix, from all pages. Those that are about to be deleted are left out.
    /// The list may not know yet what changed in the last five minutes
    /// (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html>).
    ///
    /// # Errors
    /// `SecretStoreRefused` where listing is denied, `Unavailable` and `Throttled` where the store may answer later.
    pub async fn names(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let client = self.listing.get()?;
        let begins = format!("{}{prefix}", self.prefix);
        let filter = Filter::builder().key(FilterNameStringType::Name).values(&begins).build();
        let (mut names, mut next) = (Vec::new(), None);
        loop {
            let call = client.list_secrets().filters(filter.clone()).max_results(PAGE).set_next_token(next.clone());
            let answer = call.send().await.map_err(|error| unlisted(Failure::of(&error, LIST)))?;
            let listed = answer.secret_list.unwrap_or_default().into_iter().filter_map(|secret| secret.name);
            names.extend(
                listed.filter(|name| name.starts_with(&begins)).filter_map(|name| Some(name.strip_prefix(&self.prefix)?.to_owned())),
            );
            match answer.next_token {
                None => return Ok(names),
                token if token == next => return Err(Error::new(Code::Unavailable, format!("{LIST} answered the same page again"))),
                token => next = token,
            }
        }
    }
}

fn unlisted(failure: Failure) -> Error {
    let hint = if failure.is_denied() {
        "Allow secretsmanager:ListSecrets on * in the function's role (the action knows no resource), or name the tenants in ONBOARDER_TENANTS."
    } else if failure.is_unknown_caller() {
        "Check the function's role, and that AWS_REGION is the secrets' region."
    } else {
        return failure.error;
    };
    Error { code: Code::SecretStoreRefused, ..failure.error }.hint(hint)
}

fn explained(failure: Failure, id: &str) -> Error {
    let hint = match failure.code.as_deref() {
        // IAM judges a secret that is not there by an ARN without its last six letters, which the ARN of a single secret does not match.
        _ if failure.is_denied() => format!(
            "Allow secretsmanager:GetSecretValue on the secret {id} in the function's role, and kms:Decrypt where it has a key of its own; \
             or create it: AWS may answer the same where there is no such secret."
        ),
        Some("DecryptionFailure") => format!("Allow kms:Decrypt on the key of the secret {id} in the function's role."),
        Some("InvalidRequestException") => {
            format!("If the secret was deleted, bring it back: aws secretsmanager restore-secret --secret-id {id}")
        }
        _ if failure.is_unknown_caller() => "Check the function's role, and that AWS_REGION is the secrets' region.".to_owned(),
        _ => return failure.error,
    };
    let message = format!("Secrets Manager refused the secret {id}: {}", failure.error.message);
    Error { code: Code::SecretStoreRefused, message, ..failure.error }.hint(hint)
}
