//! The commands that grant permissions: for bash, quoted so that they can be pasted.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Known, aws, federation};
use crate::azure::{READER, assignment_name};
use crate::cloud::Cloud;
use crate::permissions::{BuiltInRole, CustomRole, GraphPermission, Holder, Permissions, Place};
use crate::scope::{Guid, Scope};

pub(super) use crate::azure::CONDITION_VERSION;
/// Microsoft Graph's app id, the same in every tenant.
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";

/// One step of the granting.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    /// What it is good for.
    #[serde(rename = "for")]
    pub(super) purpose: String,
    /// What to type.
    pub(super) command: String,
}

/// A value that nobody gave.
#[derive(Debug, Serialize)]
pub(super) struct Placeholder {
    /// How it stands in the commands: with hyphens, since with underscores it would look like a variable of the environment.
    pub(super) name: &'static str,
    /// The command that prints it.
    pub(super) find: String,
}

/// Every step, in the order in which they work.
pub(super) fn steps(permissions: &Permissions, known: &Known) -> Vec<Step> {
    let custom = permissions.custom_roles.iter().flat_map(|role| [define(role, known), assign(role, known)]);
    let reader = permissions.built_in_roles.iter().filter(|role| role.holder == Holder::IspmApp).map(|role| assign_reader(role, known));
    let graph = permissions.graph.iter().map(|permission| grant_in_graph(permission, known));
    let deployed = permissions.built_in_roles.iter().filter(|role| role.holder != Holder::IspmApp).map(|role| assign_deployed(role, known));
    let ours = custom.chain(reader).chain(graph).chain(deployed).chain(federation::step(known));
    elsewhere(known).into_iter().chain(ours).chain(aws::steps(permissions, known)).collect()
}

/// The Azure CLI is in the public cloud until it is told otherwise.
fn elsewhere(known: &Known) -> Option<Step> {
    (known.cloud != Cloud::default()).then(|| Step {
        purpose: format!("Everything here is in {}", known.cloud),
        command: format!("az cloud set --name {}\naz login", known.cloud.cli_name()),
    })
}

/// The definition of a custom role in the form that `az role definition create` takes
/// (<https://learn.microsoft.com/azure/role-based-access-control/custom-roles-cli>).
pub(super) fn definition(role: &CustomRole, known: &Known) -> Value {
    json!({
        "Name": role.name,
        "IsCustom": true,
        "Description": role.description,
        "Actions": role.actions(known.scope.as_ref()),
        "AssignableScopes": [scope(known)],
    })
}

fn define(role: &CustomRole, known: &Known) -> Step {
    let file = format!("ispm-onboarder-{}.json", role.key);
    Step {
        purpose: format!("The role \"{}\" (`az role definition update`, where it is there already)", role.name),
        command: format!("cat > {file} <<'END'\n{:#}\nEND\naz role definition create --role-definition @{file}", definition(role, known)),
    }
}

fn assign(role: &CustomRole, known: &Known) -> Step {
    let mut command = assignment(&holder(role.holder, known), &role.name, &place(role.on, known));
    if let Some(condition) = role.condition(READER, &holder(Holder::IspmApp, known)) {
        command = format!("{command} --condition {} --condition-version {CONDITION_VERSION}", quoted(&condition));
    }
    let held = if role.is_held() { ", held to Reader for the ISPM app" } else { "" };
    Step { purpose: format!("\"{}\" for {}{held}", role.name, role.holder), command }
}

fn assign_reader(role: &BuiltInRole, known: &Known) -> Step {
    let mut command = assignment(&holder(role.holder, known), &role.role, &place(role.on, known));
    // The program would assign it under the same name.
    if let (Some(scope), Some(principal)) = (&known.scope, known.principal) {
        command = format!("{command} --name {}", assignment_name(scope, principal));
    }
    Step { purpose: format!("{} for {}", role.role, role.holder), command }
}

/// <https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments>
fn grant_in_graph(permission: &GraphPermission, known: &Known) -> Step {
    let login = holder(permission.holder, known);
    let body = format!(r#"{{\"principalId\": \"{login}\", \"resourceId\": \"$graph\", \"appRoleId\": \"{}\"}}"#, permission.id);
    let url = format!("{}/v1.0/servicePrincipals/{login}/appRoleAssignments", known.cloud.graph());
    Step {
        purpose: format!("{} in Microsoft Graph, needed if {}", permission.permission, permission.when),
        command: format!(
            "graph=$(az ad sp show --id {GRAPH_APP} --query id -o tsv)\n\
             az rest --method POST --url {url} --headers Content-Type=application/json --body \"{body}\""
        ),
    }
}

fn assign_deployed(role: &BuiltInRole, known: &Known) -> Step {
    let when = role.when.as_ref().map(|when| format!(", if {when}")).unwrap_or_default();
    Step {
        purpose: format!("{} for {} on {}{when}; infra/azure/app does this", role.role, role.holder, role.on),
        command: assignment(&holder(role.holder, known), &role.role, &place(role.on, known)),
    }
}

/// `az role assignment create`; with `--assignee-object-id` it needs no right to read the directory.
fn assignment(assignee: &str, role: &str, scope: &str) -> String {
    let (role, scope) = (quoted(role), quoted(scope));
    format!(
        "az role assignment create --assignee-object-id {assignee} --assignee-principal-type ServicePrincipal --role {role} --scope {scope}"
    )
}

fn scope(known: &Known) -> String {
    let unknown = "/providers/Microsoft.Management/managementGroups/MANAGEMENT-GROUP";
    known.scope.as_ref().map_or_else(|| unknown.to_owned(), Scope::path)
}

pub(super) fn given_or(given: Option<Guid>, placeholder: &str) -> String {
    given.map_or_else(|| placeholder.to_owned(), |id| id.to_string())
}

/// The object id of a holder.
pub(super) fn holder(holder: Holder, known: &Known) -> String {
    match holder {
        Holder::Login => given_or(known.login, "LOGIN-ID"),
        Holder::IspmApp => given_or(known.principal, "PRINCIPAL-ID"),
        Holder::Function => "FUNCTION-ID".to_owned(),
        Holder::EventsTopic => "IDENTITY-OF-EVENTS-TOPIC".to_owned(),
        Holder::ResultsTopic => "IDENTITY-OF-RESULTS-TOPIC".to_owned(),
        Holder::AwsRole | Holder::AwsRule | Holder::AwsTimer | Holder::AwsReplayer => "ROLE-ARN".to_owned(),
    }
}

/// The id of a place; queues, containers and buses are named as in infra.
pub(super) fn place(on: Place, known: &Known) -> String {
    let in_app = match on {
        Place::ManagementGroup => return scope(known),
        Place::Vault => "VAULT-ID",
        Place::ResultsTopic => "RESULTS-TOPIC-ID",
        Place::Queue => "DATA-STORAGE-ID/queueServices/default/queues/onboarding",
        Place::PoisonQueue => "DATA-STORAGE-ID/queueServices/default/queues/onboarding-poison",
        Place::ResultsQueue => "DATA-STORAGE-ID/queueServices/default/queues/results",
        Place::DeadLetters => "DATA-STORAGE-ID/blobServices/default/containers/dead-letters",
        Place::Report => "DATA-STORAGE-ID/blobServices/default/containers/report",
        Place::ActivityLogHub => "EVENT-HUB-ID",
        Place::HostStorage => "HOST-STORAGE-ID",
        Place::ApplicationInsights => "APPLICATION-INSIGHTS-ID",
        Place::Secrets => return arn("secretsmanager", "secret:ispm-onboarder-*", known),
        Place::SecretNames | Place::Account => "*",
        Place::SqsDeadLetters => return arn("sqs", "STACK-NAME-dead-letters", known),
        Place::ReportBucket => return bucket("", known),
        Place::ReportObjects => return bucket("/reports/*", known),
        Place::SweepFunction => return arn("lambda", "function:STACK-NAME-sweep", known),
        Place::SqsQueue => return arn("sqs", "STACK-NAME", known),
        Place::RuleDeadLetters => return arn("sqs", "STACK-NAME-rule-dead-letters", known),
        Place::ResultsBus => return arn("events", "event-bus/STACK-NAME-results", known),
        Place::LogGroup => return arn("logs", "log-group:LOG-GROUP:*", known),
        Place::Key => "KEY-ARN",
    };
    in_app.to_owned()
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
fn arn(service: &str, resource: &str, known: &Known) -> String {
    let role = known.aws.role.as_ref();
    let (partition, account) = role.map_or(("aws", "AWS-ACCOUNT"), |role| (role.partition.as_str(), role.account.as_str()));
    format!("arn:{partition}:{service}:AWS-REGION:{account}:{resource}")
}

/// Something in the report bucket, whose ARN has neither region nor account.
fn bucket(below: &str, known: &Known) -> String {
    let partition = known.aws.role.as_ref().map_or("aws", |role| role.partition.as_str());
    format!("arn:{partition}:s3:::REPORT-BUCKET{below}")
}

/// The placeholders that stand in the steps, each with the command that prints its value.
pub(super) fn placeholders(steps: &[Step], known: &Known) -> Vec<Placeholder> {
    let app = given_or(known.app, "CLIENT-ID");
    let topic_identity = "az eventgrid topic show -g GROUP -n NAME --query identity.principalId -o tsv";
    let storage = "az storage account show -n NAME --query id -o tsv";
    let identity = "az identity show -g GROUP -n NAME --query principalId -o tsv";
    let all = [
        ("MANAGEMENT-GROUP", r#"az account management-group list --query "[].{name: name, displayName: displayName}" -o table"#.to_owned()),
        ("LOGIN-ID", format!("{identity}; of a login app, az ad sp show --id CLIENT-ID --query id -o tsv")),
        ("PRINCIPAL-ID", format!("az ad sp show --id {app} --query id -o tsv")),
        ("FUNCTION-ID", identity.to_owned()),
        ("IDENTITY-OF-EVENTS-TOPIC", topic_identity.to_owned()),
        ("IDENTITY-OF-RESULTS-TOPIC", topic_identity.to_owned()),
        ("VAULT-ID", "az keyvault show -n NAME --query id -o tsv".to_owned()),
        ("RESULTS-TOPIC-ID", "az eventgrid topic show -g GROUP -n NAME --query id -o tsv".to_owned()),
        ("DATA-STORAGE-ID", storage.to_owned()),
        ("EVENT-HUB-ID", "az eventhubs eventhub show -g GROUP --namespace-name NAMESPACE -n NAME --query id -o tsv".to_owned()),
        ("HOST-STORAGE-ID", storage.to_owned()),
        (
            "APPLICATION-INSIGHTS-ID",
            "az resource show -g GROUP -n NAME --resource-type Microsoft.Insights/components --query id -o tsv".to_owned(),
        ),
    ];
    let stands = |name: &str| steps.iter().any(|step| step.command.contains(name));
    let all = all.into_iter().chain(federation::placeholders()).chain(aws::placeholders());
    all.filter(|(name, _)| stands(name)).map(|(name, find)| Placeholder { name, find }).collect()
}

/// A word for bash.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
