//! The one list, given to the simulated AWS account: the function's role and whoever replays may do there what is listed, and nothing else.

use std::collections::BTreeSet;

use ispm_onboarder_simulator::Cloud as SimulatedCloud;
use ispm_onboarder_simulator::world::aws::{Account, Effect, Policy, SecretValue, Statement, Texts};
use ispm_onboarder_simulator::{DemoCast, World};
use serde_json::Value;

use super::{AwsPermission, Holder, Permissions, Place};
use crate::cloud::Cloud;

/// What the names of the secrets begin with that the function may read by its own right; others are named to the template one by one.
const OWN_SECRETS: &str = "ispm-onboarder-";
/// The log group of the demo's function, which the simulator does not have.
const LOG_GROUP: &str = "log-group:/ispm-onboarder/demo/0b1f6471:*";

/// What the rights of a deployment depend on.
struct Deployed<'a> {
    cast: &'a DemoCast,
    /// What stands before the name of each secret.
    prefix: &'a str,
    /// The secrets of other names that its records name.
    named: BTreeSet<String>,
    /// Whom the role's word is for, by the cloud of the tenants.
    audience: &'static str,
}

/// Gives the demo's roles what the list says, in place of what they had.
pub fn grant(world: &mut World, cast: &DemoCast) {
    grant_some(world, cast, "", None);
}

/// As [`grant`], where the names of all secrets stand behind a prefix, and `without` one action where that is said.
pub fn grant_some(world: &mut World, cast: &DemoCast, prefix: &str, without: Option<&str>) {
    // A test sees to it that the list can be read; a world without rights would show it too.
    let Ok(permissions) = Permissions::shipped() else { return };
    let audience = match world.settings.cloud {
        SimulatedCloud::Public => Cloud::Public,
        SimulatedCloud::UsGovernment => Cloud::UsGovernment,
    };
    let account = world.aws_mut(&cast.aws.account, &cast.aws.region);
    let named = secrets_of_records(account, prefix);
    let deployed = Deployed { cast, prefix, named, audience: audience.token_exchange_audience() };
    for (holder, role) in [(Holder::AwsRole, &cast.aws.role_arn), (Holder::AwsReplayer, &cast.aws.replayer_role_arn)] {
        let of_holder = permissions.aws.iter().filter(|listed| listed.holder == holder && Some(&*listed.action) != without);
        let statement = of_holder.filter_map(|permission| deployed.statement(permission, account)).collect();
        account.policies.insert(role.clone(), Policy { statement, ..Policy::default() });
    }
}

impl Deployed<'_> {
    /// A permission as the template gives it; none where the demo has nothing that it is on, or with a condition that the simulator does not
    /// know.
    fn statement(&self, permission: &AwsPermission, account: &Account) -> Option<Statement> {
        // The list has the audience of the public cloud.
        let condition = permission.condition.as_ref().map(Value::to_string);
        let condition = condition.map(|text| text.replace(Cloud::Public.token_exchange_audience(), self.audience));
        let condition = condition.map(|text| serde_json::from_str(&text)).transpose().ok()?.unwrap_or_default();
        let statement = Statement {
            sid: None,
            effect: Effect::Allow,
            action: Texts(vec![permission.action.clone()]),
            resource: Texts(self.resources(permission, account)),
            condition,
        };
        Some(statement).filter(|statement| !statement.resource.0.is_empty())
    }

    /// The ARNs of a place in the demo's account, as `infra/aws/template.yaml` resolves to them.
    fn resources(&self, permission: &AwsPermission, account: &Account) -> Vec<String> {
        let aws = &self.cast.aws;
        let arn = |service: &str, resource: &str| account.arn(&aws.account, service, resource);
        let bucket = |below: &str| format!("arn:{}:s3:::{}{below}", account.partition(), aws.bucket);
        match permission.on {
            Place::Secrets => {
                let named = self.named.iter().map(|name| arn("secretsmanager", &format!("secret:{name}-??????")));
                [arn("secretsmanager", &format!("secret:{}{OWN_SECRETS}*", self.prefix))].into_iter().chain(named).collect()
            }
            Place::SecretNames | Place::Account => vec!["*".to_owned()],
            Place::SqsQueue => vec![arn("sqs", &aws.queue)],
            Place::SqsDeadLetters => vec![arn("sqs", &aws.dead_letter_queue)],
            Place::ResultsBus => vec![arn("events", &format!("event-bus/{}", aws.bus))],
            Place::ReportBucket => vec![bucket("")],
            Place::ReportObjects => vec![bucket("/reports/*")],
            Place::DeadLetters if permission.action == "s3:ListBucket" => vec![bucket("")],
            Place::DeadLetters => vec![bucket("/dead-letters/*")],
            Place::LogGroup => vec![arn("logs", LOG_GROUP)],
            _ => Vec::new(),
        }
    }
}

/// The secrets that tenant records name and whose names are not this program's own: what `SecretArns` is set to.
fn secrets_of_records(account: &Account, prefix: &str) -> BTreeSet<String> {
    let own = format!("{prefix}{OWN_SECRETS}");
    let records = account.secrets.iter().filter(|(name, _)| name.starts_with(&own));
    let records = records.filter_map(|(_, secret)| match &secret.version(None, None)?.value {
        SecretValue::Text(text) => serde_json::from_str::<Value>(text.reveal()).ok(),
        SecretValue::Binary(_) => None,
    });
    let named = records.flat_map(|record| [record["login"]["secretName"].clone(), record["ispm"]["tokenSecretName"].clone()]);
    let named = named.filter_map(|name| name.as_str().map(|name| format!("{prefix}{name}")));
    named.filter(|name| !name.starts_with(&own)).collect()
}
