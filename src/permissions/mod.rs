//! What a deployment may do, and which code needs it: `infra/permissions.json`, which Terraform reads too.

mod aws;
mod names;
#[cfg(feature = "simulator")]
pub mod simulated;
#[cfg(feature = "simulator")]
pub mod simulated_aws;

use serde::{Deserialize, Serialize};

use crate::scope::{Guid, Scope};

pub use aws::AwsPermission;
pub use names::{Holder, Place};

/// The one list of permissions.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Permissions {
    #[serde(rename = "$comment")]
    _comment: String,
    /// Roles of this project's own.
    pub custom_roles: Vec<CustomRole>,
    /// Azure's own roles.
    pub built_in_roles: Vec<BuiltInRole>,
    /// Application permissions in Microsoft Graph.
    pub graph: Vec<GraphPermission>,
    /// Rights in an AWS account, for a deployment there.
    pub aws: Vec<AwsPermission>,
}

/// A role of this project's own (<https://learn.microsoft.com/azure/role-based-access-control/custom-roles>).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomRole {
    /// What code and Terraform call it.
    pub key: String,
    /// What Azure shows; unique in a tenant.
    pub name: String,
    /// What Azure shows beneath.
    pub description: String,
    /// Who has it.
    pub holder: Holder,
    /// Where it is assigned.
    pub on: Place,
    /// In which deployments.
    pub when: String,
    /// What it allows, one action each.
    pub permissions: Vec<Permission>,
    /// The condition of its assignment, with `{READER}` and `{PRINCIPAL}` where sets of one GUID belong.
    condition: Option<String>,
}

/// One action of a custom role.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// The resource provider's operation.
    pub action: String,
    /// What it is needed for.
    #[serde(rename = "for")]
    pub purpose: String,
    /// Why it could not be smaller.
    pub least: String,
    /// The code that needs it: `path#function`.
    pub code: String,
    /// The names that this project's own calls go by.
    #[serde(default)]
    pub calls: Vec<String>,
}

/// One of Azure's own roles (<https://learn.microsoft.com/azure/role-based-access-control/built-in-roles>).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuiltInRole {
    /// Its name.
    pub role: String,
    /// The GUID of its definition, the same in every tenant.
    pub id: Guid,
    /// Who has it.
    pub holder: Holder,
    /// Where it is assigned.
    pub on: Place,
    /// In which deployments; in all, where nothing is said.
    pub when: Option<String>,
    /// What it is needed for.
    #[serde(rename = "for")]
    pub purpose: String,
    /// Why it could not be smaller.
    pub least: String,
    /// The code that needs it: a file, or `path#function`.
    pub code: String,
    /// The names that this project's own calls go by.
    #[serde(default)]
    pub calls: Vec<String>,
}

/// An application permission (<https://learn.microsoft.com/graph/permissions-reference>).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphPermission {
    /// Its name.
    pub permission: String,
    /// The id of the app role, the same in every tenant.
    pub id: Guid,
    /// Who has it.
    pub holder: Holder,
    /// In which deployments.
    pub when: String,
    /// What it is needed for.
    #[serde(rename = "for")]
    pub purpose: String,
    /// Why it could not be smaller.
    pub least: String,
    /// The code that needs it: `path#function`.
    pub code: String,
    /// The names that this project's own calls go by.
    #[serde(default)]
    pub calls: Vec<String>,
}

/// One permission in words, for tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Who has it.
    pub holder: Holder,
    /// An action, a role's name or a Graph permission.
    pub permission: String,
    /// Where it is given.
    pub on: String,
    /// In which deployments; in all, where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What it is needed for.
    #[serde(rename = "for")]
    pub purpose: String,
    /// Why it could not be smaller.
    pub least: String,
    /// The code that needs it.
    pub code: String,
}

impl Row {
    /// The permission as pages show it: roles by their names, all others as code.
    fn shown_right(&self) -> String {
        match self.permission.contains(['/', '.', ':']) {
            true => format!("`{}`", self.permission),
            false => self.permission.clone(),
        }
    }
}

impl Permissions {
    /// The list that ships with this program.
    ///
    /// # Errors
    /// Where the file that the program was built with is not such a list; a test sees to it that it is.
    pub fn shipped() -> Result<Self, serde_json::Error> {
        serde_json::from_str(include_str!("../../infra/permissions.json"))
    }

    /// Each permission in words, in the file's order.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let custom = self.custom_roles.iter().flat_map(CustomRole::rows);
        let built_in = self.built_in_roles.iter().map(|role| Row {
            holder: role.holder,
            permission: role.role.clone(),
            on: role.on.to_string(),
            when: role.when.clone(),
            purpose: role.purpose.clone(),
            least: role.least.clone(),
            code: role.code.clone(),
        });
        let graph = self.graph.iter().map(|graph| Row {
            holder: graph.holder,
            permission: graph.permission.clone(),
            on: "Microsoft Graph".to_owned(),
            when: Some(graph.when.clone()),
            purpose: graph.purpose.clone(),
            least: graph.least.clone(),
            code: graph.code.clone(),
        });
        custom.chain(graph).chain(built_in).chain(self.aws.iter().map(AwsPermission::row)).collect()
    }

    /// What a holder may do, as a Markdown table.
    #[must_use]
    pub fn markdown(&self, holder: Holder) -> String {
        let line = |row: Row| {
            let permission = row.shown_right();
            let when = row.when.map(|when| format!(" {when}")).unwrap_or_default();
            format!("| {permission} | {} | {} |{when} | `{}` |\n", row.on, row.purpose, row.code)
        };
        let rows: String = self.rows().into_iter().filter(|row| row.holder == holder).map(line).collect();
        format!("| right | where | for | when | code |\n|---|---|---|---|---|\n{rows}")
    }

    /// Each permission with the code that needs it and why it could not be smaller, as a Markdown table.
    #[must_use]
    pub fn why_not_less(&self) -> String {
        let line = |row: Row| format!("| {} | {} | {} | {} | `{}` |\n", row.holder, row.shown_right(), row.on, row.least, row.code);
        let rows: String = self.rows().into_iter().map(line).collect();
        format!("| who | right | where | why not less | code |\n|---|---|---|---|---|\n{rows}")
    }
}

impl CustomRole {
    /// Each of its actions in words.
    fn rows(&self) -> impl Iterator<Item = Row> {
        self.permissions.iter().map(|permission| Row {
            holder: self.holder,
            permission: permission.action.clone(),
            on: self.on.to_string(),
            when: (self.when != "always").then(|| self.when.clone()),
            purpose: permission.purpose.clone(),
            least: permission.least.clone(),
            code: permission.code.clone(),
        })
    }

    /// Whether its assignment is held by a condition. Such a role lets its holder assign or remove roles, and no other does.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.condition.is_some()
    }

    /// Whether it lets its holder remove roles, which only a deployment that may offboard needs.
    #[must_use]
    pub fn removes(&self) -> bool {
        self.permissions.iter().any(|permission| permission.action.ends_with("/roleAssignments/delete"))
    }

    /// The condition of its assignment: one role, for one principal
    /// (<https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-examples>).
    #[must_use]
    pub fn condition(&self, reader: Guid, principal: &str) -> Option<String> {
        let template = self.condition.as_ref()?;
        Some(template.replace("{READER}", &format!("{{{reader}}}")).replace("{PRINCIPAL}", &format!("{{{principal}}}")))
    }

    /// What it allows at a scope. Rights over management groups have no effect at a subscription.
    #[must_use]
    pub fn actions(&self, scope: Option<&Scope>) -> Vec<&str> {
        let at_subscription = matches!(scope, Some(Scope::Subscription(_)));
        let actions = self.permissions.iter().map(|permission| permission.action.as_str());
        actions.filter(|action| !at_subscription || !action.starts_with("Microsoft.Management/")).collect()
    }
}

/// A condition without what makes no difference to it: blanks and case.
#[must_use]
pub fn squeezed(condition: Option<&str>) -> String {
    condition.unwrap_or_default().split_whitespace().collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::azure::READER;

    fn project(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn shipped() -> Permissions {
        Permissions::shipped().unwrap()
    }

    #[test]
    fn each_permission_names_code_that_is_there() {
        for row in shipped().rows() {
            let (path, function) = row.code.split_once('#').unwrap_or((&row.code, ""));
            assert!(project(path).is_file(), "{}: there is no {path}", row.permission);
            let is_rust = path.strip_suffix(".rs").is_some();
            assert_eq!(is_rust, !function.is_empty(), "{}: a function is named in Rust files, and there only", row.permission);
            let defined = format!("fn {function}(");
            assert!(!is_rust || read(&project(path)).contains(&defined), "{}: {path} has no {function}", row.permission);
        }
    }

    /// What the command line does with the rights of whoever types: taking up again what lies in a queue or a container, and elevating to
    /// grant.
    const OF_A_PERSON: [&str; 11] = [
        "blob.delete",
        "queue.receive",
        "queue.delete",
        "queue.release",
        "arm.elevate-access",
        "arm.role-definitions.list",
        "arm.role-definitions.get",
        "arm.role-definitions.create",
        "graph.me.get",
        "graph.me.roles.list",
        "graph.organization.list",
    ];

    /// What needs no permission at all (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>).
    const OF_ANYONE: &str = "sts.caller-identity.get";

    /// Quoted names in the clients' code that look like `service.operation`, of the services that ask for a permission.
    fn calls_in_code() -> BTreeSet<String> {
        let services = ["arm", "blob", "event-bridge", "event-grid", "graph", "key-vault", "queue", "s3", "secrets-manager", "sqs", "sts"];
        let is_call = |text: &str| {
            let known = text.split_once('.').is_some_and(|(service, _)| services.contains(&service));
            let is_host = matches!(text.rsplit('.').next(), Some("com" | "net"));
            known && !is_host && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-'))
        };
        let folders = ["src/azure", "src/aws", "src/secrets"];
        let clients = folders.into_iter().flat_map(|folder| std::fs::read_dir(project(folder)).unwrap()).map(|entry| entry.unwrap().path());
        let texts = clients.chain(["src/net/guard.rs", "src/queue.rs", "src/storage.rs"].map(project)).map(|path| read(&path));
        let quoted = texts.flat_map(|text| text.split('"').map(str::to_owned).collect::<Vec<_>>());
        quoted.filter(|text| is_call(text) && !OF_A_PERSON.contains(&text.as_str()) && text != OF_ANYONE).collect()
    }

    #[test]
    fn each_call_has_its_permission_and_each_permission_its_call() {
        let permissions = shipped();
        let custom = permissions.custom_roles.iter().flat_map(|role| &role.permissions).flat_map(|permission| &permission.calls);
        let built_in = permissions.built_in_roles.iter().flat_map(|role| &role.calls);
        let graph = permissions.graph.iter().flat_map(|graph| &graph.calls);
        let aws = permissions.aws.iter().flat_map(|permission| &permission.calls);
        let named: Vec<&String> = custom.chain(built_in).chain(graph).chain(aws).collect();
        let once: BTreeSet<String> = named.iter().map(|call| (*call).clone()).collect();
        assert_eq!(named.len(), once.len(), "no call is named twice: {named:?}");
        assert_eq!(once, calls_in_code());
    }

    /// What is on the list though none of this project's calls asks for it, by who needs it instead.
    const WITHOUT_A_CALL: [(&str, &[&str]); 7] = [
        ("ISPM, which reads by it", &["the ISPM app: Reader on the management group"]),
        (
            "the Functions host: its triggers, and its own storage and logs",
            &[
                "the function's identity: Storage Queue Data Message Processor on the queue",
                "the function's identity: Storage Queue Data Message Sender on the poison queue",
                "the function's identity: Azure Event Hubs Data Receiver on the Event Hub of the activity log",
                "the function's identity: Storage Blob Data Owner on the Functions host's storage account",
                "the function's identity: Monitoring Metrics Publisher on Application Insights",
            ],
        ),
        (
            "Event Grid, which delivers and keeps what it could not deliver",
            &[
                "the events topic's identity: Storage Blob Data Contributor on the container of dead letters",
                "the events topic's identity: Storage Queue Data Message Sender on the queue",
                "the results topic's identity: Storage Blob Data Contributor on the container of dead letters",
                "the results topic's identity: Storage Queue Data Message Sender on the results queue",
            ],
        ),
        ("S3, which answers a GET for what is not there by it", &["the function's role: s3:ListBucket on the report bucket"]),
        (
            "Lambda: its event source mapping and its log",
            &[
                "the function's role: sqs:ReceiveMessage on the SQS queue",
                "the function's role: sqs:DeleteMessage on the SQS queue",
                "the function's role: logs:CreateLogStream on the log group",
                "the function's role: logs:PutLogEvents on the log group",
            ],
        ),
        (
            "AWS's other services: KMS below those that encrypt, EventBridge's rules and schedules",
            &[
                "the function's role: kms:Decrypt on the KMS key",
                "the function's role: kms:GenerateDataKey on the KMS key",
                "the events bus's rule: sqs:SendMessage on the SQS queue",
                "the events bus's rule: sqs:SendMessage on the rule's dead-letter queue",
                "the sweep's timer: lambda:InvokeFunction on the sweep function",
            ],
        ),
        (
            "a replay, whose calls are the function's, by another's role",
            &[
                "whoever replays: secretsmanager:GetSecretValue on the secrets",
                "whoever replays: secretsmanager:ListSecrets on all secrets' names",
                "whoever replays: events:PutEvents on the results bus",
                "whoever replays: s3:GetObject on the container of dead letters",
            ],
        ),
    ];

    #[test]
    fn what_no_call_asks_for_is_needed_by_someone_else() {
        let permissions = shipped();
        let built_in = permissions.built_in_roles.iter().filter(|role| role.calls.is_empty());
        let built_in = built_in.map(|role| format!("{}: {} on {}", role.holder, role.role, role.on));
        let aws = permissions.aws.iter().filter(|permission| permission.calls.is_empty());
        let aws = aws.map(|permission| format!("{}: {} on {}", permission.holder, permission.action, permission.on));
        let others = WITHOUT_A_CALL.iter().flat_map(|(_, needed)| needed.iter().map(|right| (*right).to_owned()));
        assert_eq!(built_in.chain(aws).collect::<BTreeSet<_>>(), others.collect());
        assert!(permissions.graph.iter().all(|graph| !graph.calls.is_empty()));
    }

    #[test]
    fn every_action_is_asked_for_by_a_call() {
        for role in shipped().custom_roles {
            for permission in role.permissions {
                assert!(!permission.calls.is_empty(), "{} is needed by no call", permission.action);
            }
        }
    }

    #[test]
    fn nothing_is_wide_and_nothing_is_there_twice() {
        let rows = shipped().rows();
        for row in &rows {
            assert!(!row.permission.contains('*'), "{}", row.permission);
            assert!(!["Owner", "Contributor", "User Access Administrator"].contains(&row.permission.as_str()));
        }
        let places: BTreeSet<String> = rows.iter().map(|row| format!("{} {} {}", row.holder, row.permission, row.on)).collect();
        assert_eq!(places.len(), rows.len());
        let permissions = shipped();
        let ids: BTreeSet<_> = permissions.built_in_roles.iter().map(|role| (&role.role, role.id)).collect();
        let names: BTreeSet<_> = permissions.built_in_roles.iter().map(|role| &role.role).collect();
        assert_eq!(ids.len(), names.len(), "a role has one id");
    }

    #[test]
    fn only_the_rights_to_assign_and_to_remove_have_a_condition_and_it_allows_one_role_of_one_principal() {
        let permissions = shipped();
        for role in &permissions.custom_roles {
            let writes =
                role.actions(None).iter().any(|action| action.starts_with("Microsoft.Authorization/") && !action.ends_with("/read"));
            assert_eq!(writes, role.is_held(), "{}", role.key);
        }
        let held: Vec<_> = permissions.custom_roles.iter().filter(|role| role.is_held()).collect();
        assert_eq!(held.iter().map(|role| (role.key.as_str(), role.removes())).collect::<Vec<_>>(), [("assign", false), ("remove", true)]);
        // What is written is in the request; of what is removed, only the resource is there to be asked
        // (https://learn.microsoft.com/azure/role-based-access-control/conditions-authorization-actions-attributes).
        for (role, operation, source) in [(held[0], "write", "@Request"), (held[1], "delete", "@Resource")] {
            assert_eq!(
                role.condition(READER, "22222222-2222-2222-2222-222222222222").unwrap(),
                format!(
                    "((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/{operation}'}})) OR \
                     ({source}[Microsoft.Authorization/roleAssignments:RoleDefinitionId] \
                     ForAnyOfAnyValues:GuidEquals {{acdd72a7-3385-48ef-bd42-f606fba81ae7}} \
                     AND {source}[Microsoft.Authorization/roleAssignments:PrincipalId] \
                     ForAnyOfAnyValues:GuidEquals {{22222222-2222-2222-2222-222222222222}}))"
                )
            );
        }
    }

    #[test]
    fn reader_is_the_role_that_the_program_assigns() {
        let reader = shipped().built_in_roles.into_iter().find(|role| role.holder == Holder::IspmApp).unwrap();
        assert_eq!((reader.role.as_str(), reader.id), ("Reader", READER));
    }

    #[test]
    fn at_a_subscription_there_are_no_rights_over_management_groups() {
        let permissions = shipped();
        let read = permissions.custom_roles.iter().find(|role| role.key == "read").unwrap();
        let scope = Scope::parse("0b1f6471-1bf0-4dda-aec3-111122223333").unwrap();
        let (at_group, at_subscription) = (read.actions(None), read.actions(Some(&scope)));
        assert!(at_group.iter().any(|action| action.starts_with("Microsoft.Management/")));
        assert!(!at_subscription.iter().any(|action| action.starts_with("Microsoft.Management/")));
        assert!(at_subscription.contains(&"Microsoft.Authorization/roleAssignments/read"));
    }
}
