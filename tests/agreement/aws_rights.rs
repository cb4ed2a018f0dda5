//! The rights that the template gives the function's role are those that the scenarios run under: each in its own words, resolved to the
//! demo's account.

use std::collections::BTreeSet;

use ispm_onboarder::permissions::simulated_aws;
use ispm_onboarder_simulator::world::aws::{Effect, Policy, Statement};
use ispm_onboarder_simulator::{DemoCast, World};
use serde_json::{Map, Value, json};

use crate::template::Template;

/// The demo's deployment as `CloudFormation` would have made it.
struct Stack {
    cast: DemoCast,
    /// `SecretPrefix`.
    prefix: &'static str,
    /// `Cloud`.
    cloud: &'static str,
    /// `SecretArns`: what the demo's record names.
    secret_arns: Vec<String>,
    /// Whether `TenantIds` is left out, or `FunctionUrlAuth` is `NONE`.
    lists_secrets: bool,
}

impl Stack {
    fn demo() -> Self {
        Self::behind("")
    }

    /// The same with this prefix before the names of all secrets.
    fn behind(prefix: &'static str) -> Self {
        let cast = DemoCast::of(7);
        let named = ["contoso-ispm-token", "contoso-login-secret"];
        let arn = |name: &str| format!("arn:aws:secretsmanager:{}:{}:secret:{prefix}{name}-??????", cast.aws.region, cast.aws.account);
        Self { secret_arns: named.map(arn).to_vec(), cast, prefix, cloud: "public", lists_secrets: true }
    }

    /// What `Ref`, `Fn::GetAtt` and `${}` of this name stand for.
    fn value(&self, name: &str) -> String {
        let aws = &self.cast.aws;
        let arn = |service: &str, resource: &str| format!("arn:aws:{service}:{}:{}:{resource}", aws.region, aws.account);
        match name {
            "AWS::Partition" => "aws".to_owned(),
            "AWS::Region" => aws.region.clone(),
            "AWS::AccountId" => aws.account.clone(),
            "SecretPrefix" => self.prefix.to_owned(),
            "Cloud" => self.cloud.to_owned(),
            "Queue.Arn" => arn("sqs", &aws.queue),
            "ResultsBus.Arn" => arn("events", &format!("event-bus/{}", aws.bus)),
            "ReportBucket.Arn" => format!("arn:aws:s3:::{}", aws.bucket),
            "LogGroup.Arn" => arn("logs", "log-group:/ispm-onboarder/demo/0b1f6471:*"),
            other => panic!("{other} is not known of the demo's stack"),
        }
    }

    /// What holds of the demo: it has secrets of other names, and no key of its own.
    fn holds(&self, condition: &str) -> bool {
        match condition {
            "ListsSecrets" => self.lists_secrets,
            "HasSecretArns" => true,
            "HasKey" => false,
            other => panic!("{other} is not known of the demo's stack"),
        }
    }

    /// A part of the template with its functions carried out; none where it stands for `AWS::NoValue`.
    fn resolved(&self, part: &Value) -> Option<Value> {
        let object = match part {
            Value::Array(items) => return Some(items.iter().filter_map(|item| self.resolved(item)).collect()),
            Value::Object(object) => object,
            other => return Some(other.clone()),
        };
        let function = object.iter().next().filter(|_| object.len() == 1).map(|(name, value)| (name.as_str(), value));
        match function {
            Some(("Fn::If", choice)) => self.resolved(&choice[if self.holds(choice[0].as_str()?) { 1 } else { 2 }]),
            Some(("Ref", name)) if name == "AWS::NoValue" => None,
            Some(("Ref", name)) if name == "SecretArns" => Some(self.secret_arns.iter().map(|arn| Value::String(arn.clone())).collect()),
            Some(("Ref", name)) => Some(self.value(name.as_str()?).into()),
            Some(("Fn::GetAtt", path)) => Some(self.value(&format!("{}.{}", path[0].as_str()?, path[1].as_str()?)).into()),
            Some(("Fn::FindInMap", place)) => self.mapped(place),
            Some(("Fn::Sub", text)) => Some(self.substituted(text.as_str()?).into()),
            _ => Some(Value::Object(
                object.iter().filter_map(|(name, value)| Some((name.clone(), self.resolved(value)?))).collect::<Map<_, _>>(),
            )),
        }
    }

    fn mapped(&self, place: &Value) -> Option<Value> {
        let path = self.resolved(place)?;
        let [map, key, name] = [0, 1, 2].map(|part| path[part].as_str().unwrap_or_default());
        Some(Template::read().section("Mappings")[map][key][name].clone())
    }

    fn substituted(&self, text: &str) -> String {
        let mut parts = text.trim().split("${");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |done, part| {
            let (name, rest) = part.split_once('}').unwrap();
            format!("{done}{}{rest}", self.value(name))
        })
    }
}

/// Each action on each resource, with what must hold.
fn flat(statements: &[Statement]) -> BTreeSet<String> {
    let each = statements.iter().flat_map(|statement| {
        assert_eq!(statement.effect, Effect::Allow);
        let condition = serde_json::to_string(&statement.condition).unwrap();
        let on = statement.resource.0.iter();
        let each = on.flat_map(|resource| statement.action.0.iter().map(move |action| format!("{action} on {resource}")));
        each.map(|right| format!("{right} where {condition}")).collect::<Vec<_>>()
    });
    each.collect()
}

/// What the template gives the function's role in this deployment.
fn written(stack: &Stack) -> BTreeSet<String> {
    let template = Template::read();
    let document = &template.properties("Role")["Policies"][0]["PolicyDocument"];
    let policy: Policy = serde_json::from_value(stack.resolved(document).unwrap()).unwrap();
    flat(&policy.statement)
}

#[test]
fn the_templates_own_words_are_what_scenarios_run_under() {
    let in_government = |mut world: World| {
        world.move_to_us_government(&mut DemoCast::of(7));
        world
    };
    let behind = |prefix: &str, mut world: World| {
        let account = world.aws.values_mut().next().unwrap();
        let secrets = std::mem::take(&mut account.secrets).into_iter();
        account.secrets = secrets.map(|(name, secret)| (format!("{prefix}{name}"), secret)).collect();
        world
    };
    for (stack, mut world) in [
        (Stack::demo(), World::demo(7)),
        (Stack::behind("prod/ispm/"), behind("prod/ispm/", World::demo(7))),
        (Stack { cloud: "usgovernment", ..Stack::demo() }, in_government(World::demo(7))),
    ] {
        simulated_aws::grant_some(&mut world, &stack.cast, stack.prefix, None);
        let granted = &world.aws[&stack.cast.aws.account].policies[&stack.cast.aws.role_arn];
        let written = written(&stack);
        assert_eq!(written, flat(&granted.statement));
        assert!(written.len() > 12, "{written:#?}");
    }
}

#[test]
fn who_names_the_tenants_and_opens_no_url_gives_no_right_to_list_secrets() {
    let demo = Stack::demo();
    let named = written(&Stack { lists_secrets: false, ..Stack::demo() });
    let lost: Vec<String> = written(&demo).difference(&named).cloned().collect();
    assert_eq!(lost, ["secretsmanager:ListSecrets on * where {}"]);
    let either = json!({ "Fn::Or": [{ "Condition": "FindsTenants" }, { "Condition": "IsPublic" }] });
    assert_eq!(Template::read().section("Conditions")["ListsSecrets"], either);
}
