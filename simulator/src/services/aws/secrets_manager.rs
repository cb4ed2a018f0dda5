//! Secrets Manager (API reference, `GetSecretValue`).

use serde_json::{Value, json};

use super::{Caller, Outcome, Refusal};
use crate::services::Call;
use crate::world::aws::{CURRENT, SecretValue};
use crate::world::made_up_id;

const ACTION: &str = "secretsmanager:GetSecretValue";

pub(super) fn get_secret_value(call: &mut Call<'_>, caller: &Caller, input: &Value) -> Outcome<Value> {
    let text = |name: &str| input[name].as_str().filter(|text| !text.is_empty());
    let asked = text("SecretId").ok_or_else(|| {
        let message = "1 validation error detected: Value null at 'secretId' failed to satisfy constraint: Member must not be null";
        Refusal::bad_request("ValidationException", message)
    })?;
    let account = caller.account(call)?;
    let arn = |name: &str| account.arn(&caller.account_id, "secretsmanager", &format!("secret:{name}-{}", suffix(name)));
    let found = account.secrets.iter().find(|(name, _)| *name == asked || arn(name) == asked);
    // Who may not read a secret does not learn whether it is there: an unknown one is named as it was asked for.
    let resource = found.map_or_else(|| asked.to_owned(), |(name, _)| arn(name));
    caller.may(call, 400, ACTION, &resource)?;
    let (name, secret) = found.ok_or_else(|| not_found("Secrets Manager can't find the specified secret.".to_owned()))?;
    if secret.deleted_on.is_some() {
        let message = "You can't perform this operation on the secret because it was marked for deletion.";
        return Err(Refusal::bad_request("InvalidRequestException", message));
    }
    let (id, stage) = (text("VersionId"), text("VersionStage"));
    let version = secret.version(id, stage).ok_or_else(|| {
        not_found(match (id, stage) {
            (Some(id), Some(_)) if secret.version(Some(id), None).is_some() => {
                let message = "You provided a VersionStage that is not associated to the provided VersionId.";
                return Refusal::bad_request("InvalidRequestException", message);
            }
            (Some(id), _) => format!("Secrets Manager can't find the specified secret value for VersionId: {id}"),
            (None, stage) => {
                format!("Secrets Manager can't find the specified secret value for staging label: {}", stage.unwrap_or(CURRENT))
            }
        })
    })?;
    let mut output = json!({
        "ARN": arn(name),
        "Name": name,
        "VersionId": version.id,
        "VersionStages": version.stages,
        "CreatedDate": version.created_on.unix_timestamp(),
    });
    match &version.value {
        SecretValue::Text(value) => output["SecretString"] = json!(value.reveal()),
        SecretValue::Binary(value) => output["SecretBinary"] = json!(value.reveal()),
    }
    Ok(output)
}

fn not_found(message: String) -> Refusal {
    Refusal::bad_request("ResourceNotFoundException", message)
}

/// The six characters that Secrets Manager puts behind a name, so that a new secret of an old name has another ARN.
fn suffix(name: &str) -> String {
    made_up_id(&format!("aws/arn/{name}")).simple().to_string().chars().take(6).collect()
}
