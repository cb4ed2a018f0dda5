//! AWS Secrets Manager.

use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
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

/// The secrets of one account and region whose names begin alike.
#[derive(Debug)]
pub struct SecretsManager {
    prefix: String,
    client: Renewable<Client>,
}

impl SecretsManager {
    pub(super) fn open(prefix: &str, platform: &Arc<dyn Platform>) -> Self {
        let platform = platform.clone();
        Self { prefix: prefix.to_owned(), client: Renewable::new(move || Ok(platform.aws()?.secrets_manager())) }
    }

    /// Reads a secret's current version
    /// (<https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>).
    pub(super) async fn get(&self, name: &SecretName) -> Result<Option<SecretString>, Error> {
        let id = format!("{}{}", self.prefix, name.as_str());
        match self.client.get()?.get_secret_value().secret_id(&id).version_stage(CURRENT).send().await {
            Ok(answer) => match (answer.secret_string, answer.secret_binary) {
                (Some(text), _) => Ok(Some(without_line_break(&text))),
                (None, Some(_)) => Err(Error::new(Code::SecretMissing, format!("the secret {id} is binary, and text is expected"))
                    .hint(format!("Store it as text: aws secretsmanager put-secret-value --secret-id {id} --secret-string file://FILE"))),
                (None, None) => Err(Error::new(Code::Unavailable, format!("Secrets Manager answered without a value for the secret {id}"))),
            },
            Err(error) => match Failure::of(&error, "secrets-manager.secret.get") {
                failure if failure.code.as_deref() == Some("ResourceNotFoundException") => Ok(None),
                failure => Err(explained(failure, &id)),
            },
        }
    }
}

fn explained(failure: Failure, id: &str) -> Error {
    let hint = match failure.code.as_deref() {
        _ if failure.is_denied() => format!(
            "Allow secretsmanager:GetSecretValue on the secret {id} in the function's role, and kms:Decrypt where it has a key of its own."
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
