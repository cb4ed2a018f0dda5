//! Secrets Manager (API reference, `GetSecretValue`, `ListSecrets`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::{Caller, Outcome, Refusal, Wish};
use crate::services::Call;
use crate::world::aws::{CURRENT, SecretValue};
use crate::world::made_up_id;

const ACTION: &str = "secretsmanager:GetSecretValue";
const LIST: &str = "secretsmanager:ListSecrets";
const LARGEST_PAGE: i64 = 100;

pub(super) fn get_secret_value(call: &mut Call<'_>, caller: &Caller, input: &Value) -> Outcome<Value> {
    let text = |name: &str| input[name].as_str().filter(|text| !text.is_empty());
    let asked = text("SecretId").ok_or_else(|| {
        let message = "1 validation error detected: Value null at 'secretId' failed to satisfy constraint: Member must not be null";
        Refusal::bad_request("ValidationException", message)
    })?;
    let account = caller.account(call)?;
    let arn = |name: &str| account.arn(&caller.account_id, "secretsmanager", &format!("secret:{name}-{}", suffix(name)));
    let found = account.secrets.iter().find(|(name, _)| *name == asked || arn(name) == asked);
    // One that is not there has no six letters. It is judged by the ARN without them, and a refusal names it as it was asked for.
    let wish = match found {
        Some((name, _)) => Wish::new(ACTION, arn(name)),
        None if asked.starts_with("arn:") => Wish::new(ACTION, asked),
        None => Wish::new(ACTION, account.arn(&caller.account_id, "secretsmanager", &format!("secret:{asked}"))).shown(asked),
    };
    caller.may(call, 400, wish.with("secretsmanager:VersionStage", text("VersionStage").map(str::to_owned)))?;
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

/// Lists what is not about to be deleted, by name. Of the filters it knows `name`: a prefix, whose case counts.
pub(super) fn list_secrets(call: &mut Call<'_>, caller: &Caller, input: &Value) -> Outcome<Value> {
    caller.may(call, 400, Wish::new(LIST, "*").shown(""))?;
    let page = match &input["MaxResults"] {
        Value::Null => LARGEST_PAGE,
        given => given.as_i64().filter(|number| (1..=LARGEST_PAGE).contains(number)).ok_or_else(|| {
            let message = format!(
                "1 validation error detected: Value '{given}' at 'maxResults' failed to satisfy constraint: Member must have value less \
                 than or equal to 100"
            );
            Refusal::bad_request("ValidationException", message)
        })?,
    };
    let mut prefixes = Vec::new();
    for filter in input["Filters"].as_array().into_iter().flatten() {
        if filter["Key"] != "name" {
            return Err(Refusal::bad_request("InvalidParameterException", "The simulator knows no filter but name."));
        }
        prefixes.extend(filter["Values"].as_array().into_iter().flatten().filter_map(Value::as_str));
    }
    let after = match input["NextToken"].as_str() {
        None => None,
        Some(token) => Some(after(token).ok_or_else(|| {
            Refusal::bad_request("InvalidNextTokenException", "You provided an invalid value for the NextToken parameter.")
        })?),
    };
    let account = caller.account(call)?;
    let mut found = account.secrets.iter().filter(|(name, secret)| {
        let fits = prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix));
        fits && secret.deleted_on.is_none() && after.as_ref().is_none_or(|after| *name > after)
    });
    let shown: Vec<(&String, Value)> = found
        .by_ref()
        .take(usize::try_from(page).unwrap_or(1))
        .map(|(name, _)| {
            let arn = account.arn(&caller.account_id, "secretsmanager", &format!("secret:{name}-{}", suffix(name)));
            (name, json!({"Name": name, "ARN": arn}))
        })
        .collect();
    let next = found.next().and(shown.last()).map(|(name, _)| BASE64.encode(name));
    let list: Vec<Value> = shown.into_iter().map(|(_, secret)| secret).collect();
    let mut output = json!({"SecretList": list});
    if let Some(next) = next {
        output["NextToken"] = json!(next);
    }
    Ok(output)
}

/// The last name before a page.
fn after(token: &str) -> Option<String> {
    BASE64.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

fn not_found(message: String) -> Refusal {
    Refusal::bad_request("ResourceNotFoundException", message)
}

/// The six characters that Secrets Manager puts behind a name, so that a new secret of an old name has another ARN.
fn suffix(name: &str) -> String {
    made_up_id(&format!("aws/arn/{name}")).simple().to_string().chars().take(6).collect()
}
