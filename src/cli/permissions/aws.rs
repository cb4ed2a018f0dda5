//! What a deployment on AWS needs: the rights of the function's role, and a login app that trusts that role.

use clap::Args;
use serde_json::{Map, Value, json};
use url::Url;

use super::commands::{Step, given_or, place};
use super::{Known, Wrong, guid};
use crate::cloud::Cloud;
use crate::permissions::{AwsPermission, Holder, Permissions, Place};
use crate::scope::{Guid, printable};

const FIND_ROLE: &str = "`aws cloudformation describe-stacks --stack-name STACK --output text \
                         --query \"Stacks[0].Outputs[?OutputKey=='RoleArn'].OutputValue\"` prints the role's ARN.";
const FIND_ISSUER: &str = "aws iam get-outbound-web-identity-federation-info --query IssuerIdentifier --output text";
const FIND_APP: &str = "`az ad app list --display-name NAME --query \"[].appId\" -o tsv` prints the client id.";

/// The options about AWS.
#[derive(Debug, Args)]
pub(super) struct Typed {
    /// The ARN of the function's role on AWS: adds the federated credential that lets it sign in to Entra.
    #[arg(long, value_name = "ARN")]
    aws_role: Option<String>,
    /// The issuer URL of the AWS account's outbound identity federation.
    #[arg(long, value_name = "URL")]
    aws_issuer: Option<String>,
    /// The application (client) id of the app that tenant records name as login with aws-web-identity or managed-identity-federation.
    #[arg(long, value_name = "CLIENT_ID")]
    login_app: Option<String>,
}

/// What is known of the AWS side.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) role: Option<Role>,
    issuer: Option<String>,
    pub(super) login_app: Option<Guid>,
    /// Whether the login app trusts a role.
    federates: bool,
}

/// A role by its ARN (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns>).
#[derive(Debug)]
pub(super) struct Role {
    arn: String,
    pub(super) partition: String,
    pub(super) account: String,
    name: String,
}

impl Typed {
    /// What was typed. A login app is AWS's to federate with, unless a managed identity is said to be its.
    pub(super) fn read(&self, of_identity: bool) -> Result<Given, Wrong> {
        let role = self.aws_role.as_deref().map(role).transpose()?;
        let issuer = self.aws_issuer.as_deref().map(issuer).transpose()?;
        let login_app = guid("--login-app", self.login_app.as_deref(), FIND_APP)?;
        let federates = role.is_some() || issuer.is_some() || (login_app.is_some() && !of_identity);
        Ok(Given { role, issuer, login_app, federates })
    }
}

impl Given {
    /// Whether a login by federation with AWS was asked for.
    pub(super) const fn federates(&self) -> bool {
        self.federates
    }
}

/// A role's ARN, which is the subject of the tokens that AWS gives out for it.
fn role(typed: &str) -> Result<Role, Wrong> {
    let typed = typed.trim();
    let wrong = |what: &str| {
        let message = format!("--aws-role {} is {what}: expected arn:aws:iam::ACCOUNT:role/NAME", printable(typed));
        Err(Wrong::new(message).hint(FIND_ROLE))
    };
    let parts: Vec<&str> = typed.splitn(6, ':').collect();
    let &["arn", partition, service, region, account, resource] = parts.as_slice() else { return wrong("no ARN") };
    let path = match (service, resource.split_once('/')) {
        ("iam", Some(("role", path))) => path,
        ("sts", Some(("assumed-role", _))) => return wrong("a session of a role, and not the role"),
        ("iam", Some((kind, _))) => return wrong(&format!("an IAM {}, and not a role", printable(kind))),
        _ => return wrong(&format!("something of {}, and not a role", printable(service))),
    };
    if account.len() != 12 || !account.chars().all(|c| c.is_ascii_digit()) || !region.is_empty() {
        return wrong("no role of an account with 12 digits");
    }
    // IAM's characters in names and paths (IAM API reference, CreateRole).
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/".contains(c);
    if name.is_empty() || !path.chars().all(is_plain) || !partition.starts_with("aws") || !partition.chars().all(is_plain) {
        return wrong("no role that AWS could have");
    }
    let [arn, partition, account, name] = [typed, partition, account, name].map(str::to_owned);
    Ok(Role { arn, partition, account, name })
}

/// The issuer, as it stands in tokens: Entra compares letter by letter.
fn issuer(typed: &str) -> Result<String, Wrong> {
    let typed = typed.trim();
    let wrong = |what: &str| {
        let message = format!("--aws-issuer {} {what}: expected https://ID.tokens.sts.global.api.aws", printable(typed));
        Err(Wrong::new(message).hint(format!("`{FIND_ISSUER}` prints it.")))
    };
    let Ok(url) = Url::parse(typed) else { return wrong("is no URL") };
    match url.host_str() {
        _ if url.scheme() != "https" => wrong("does not begin with https://"),
        Some("sts.amazonaws.com") => wrong("is not the issuer of this account"),
        _ if url.path().contains("/.well-known/") => wrong("is a document of the issuer, and not the issuer"),
        _ if typed.ends_with('/') => wrong("ends with a slash, and the issuer in the tokens does not"),
        Some(host) if typed == format!("https://{host}") => Ok(typed.to_owned()),
        _ => wrong("has more than a host, or capital letters"),
    }
}

/// The statements of the role's policy: those that every deployment needs, or those that some do for a key of their own.
pub(super) fn policy(permissions: &Permissions, known: &Known, with_key: bool) -> Value {
    let of_role = permissions.aws.iter().filter(|one| one.holder == Holder::AwsRole && (one.on == Place::Key) == with_key);
    let mut statements: Vec<Map<String, Value>> = Vec::new();
    for permission in of_role {
        let statement = statement(permission, known);
        let same = statements.iter_mut().find(|other| without_action(other) == without_action(&statement));
        match (same.and_then(|other| other.get_mut("Action")).and_then(Value::as_array_mut), statement.get("Action")) {
            (Some(actions), Some(Value::Array(more))) => actions.extend(more.iter().cloned()),
            _ => statements.push(statement),
        }
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn statement(permission: &AwsPermission, known: &Known) -> Map<String, Value> {
    let fields = [("Effect", json!("Allow")), ("Action", json!([permission.action])), ("Resource", json!(place(permission.on, known)))];
    let condition = permission.condition.clone().map(|condition| ("Condition", in_cloud(known.cloud, condition)));
    fields.into_iter().chain(condition).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The list is written for the public cloud; where the tenants are in another, tokens are for that one's audience.
fn in_cloud(cloud: Cloud, condition: Value) -> Value {
    match condition {
        Value::String(text) if text == Cloud::Public.token_exchange_audience() => json!(cloud.token_exchange_audience()),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, in_cloud(cloud, value))).collect(),
        other => other,
    }
}

fn without_action(statement: &Map<String, Value>) -> Vec<(&String, &Value)> {
    statement.iter().filter(|(name, _)| *name != "Action").collect()
}

/// The federated credential of the login app
/// (<https://learn.microsoft.com/graph/api/application-post-federatedidentitycredentials>).
pub(super) fn credential(known: &Known) -> Option<Value> {
    let given = &known.aws;
    let account = given.role.as_ref().map_or("aws", |role| role.account.as_str());
    given.federates().then(|| {
        json!({
            "name": format!("ispm-onboarder-{account}"),
            "description": "Lets the role of ispm-onboarder's function on AWS sign in as this app.",
            "issuer": given.issuer.as_deref().unwrap_or("AWS-ISSUER"),
            "subject": given.role.as_ref().map_or("ROLE-ARN", |role| role.arn.as_str()),
            "audiences": [known.cloud.token_exchange_audience()],
        })
    })
}

/// The steps on AWS, and the one in Entra that belongs to them.
pub(super) fn steps(permissions: &Permissions, known: &Known) -> Vec<Step> {
    let put = |name: &str, purpose: &str, with_key: bool| {
        let role = known.aws.role.as_ref().map_or("ROLE-NAME", |role| role.name.as_str());
        let document = policy(permissions, known, with_key);
        let put = format!("aws iam put-role-policy --role-name {role} --policy-name {name} --policy-document file://{name}.json");
        let command = format!("cat > {name}.json <<'END'\n{document:#}\nEND\n{put}");
        Step { purpose: purpose.to_owned(), command }
    };
    let rights = [
        put("ispm-onboarder", "On AWS, the rights of the function's role; infra/aws/template.yaml does this", false),
        put(
            "ispm-onboarder-key",
            "On AWS, needed if secrets, queue or reports have a key of their own; infra/aws/template.yaml does this",
            true,
        ),
    ];
    let login = credential(known).map(|credential| {
        let app = given_or(known.aws.login_app, "LOGIN-APP-ID");
        let file = "ispm-onboarder-federated-credential.json";
        let create = format!("az ad app federated-credential create --id {app} --parameters @{file}");
        [
            Step {
                purpose: "Once in the AWS account: it vouches for its roles to others".to_owned(),
                command: "aws iam enable-outbound-web-identity-federation".to_owned(),
            },
            Step {
                purpose: "The login app trusts the function's role".to_owned(),
                command: format!("cat > {file} <<'END'\n{credential:#}\nEND\n{create}"),
            },
        ]
    });
    rights.into_iter().chain(login.into_iter().flatten()).collect()
}

/// What stands in capitals in these steps, each with the command that prints its value.
pub(super) fn placeholders() -> [(&'static str, String); 10] {
    let output = |key: &str| {
        let query = format!("Stacks[0].Outputs[?OutputKey=='{key}'].OutputValue");
        format!("aws cloudformation describe-stacks --stack-name NAME --query \"{query}\" --output text")
    };
    [
        ("AWS-REGION", "aws configure get region".to_owned()),
        ("AWS-ACCOUNT", "aws sts get-caller-identity --query Account --output text".to_owned()),
        ("STACK-NAME", "aws cloudformation list-stacks --query \"StackSummaries[].StackName\" --output text".to_owned()),
        ("REPORT-BUCKET", output("ReportBucketName")),
        ("LOG-GROUP", output("LogGroupName")),
        ("KEY-ARN", "aws kms describe-key --key-id alias/NAME --query KeyMetadata.Arn --output text".to_owned()),
        ("ROLE-ARN", output("RoleArn")),
        ("ROLE-NAME", format!("{}, and of it what stands after the last slash", output("RoleArn"))),
        ("AWS-ISSUER", FIND_ISSUER.to_owned()),
        ("LOGIN-APP-ID", "az ad app list --display-name NAME --query \"[].appId\" -o tsv".to_owned()),
    ]
}
