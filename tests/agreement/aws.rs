//! The template for AWS, the list of permissions, code and documents agree.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ispm_onboarder::cloud::Cloud;
use ispm_onboarder::config::variables::{CLOUD, DEAD_LETTERS, ISPM_HOSTS, OWN, On, PROPAGATION_MINUTES, Variable};
use ispm_onboarder::delivery::DEADLINE;
use serde_json::{Value, json};

use crate::template::{Template, text};
use crate::{files, json, pages, project, read};

/// Lambda takes so many bytes of names and values together
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const MOST_VARIABLE_BYTES: u64 = 4096;
/// What the values hold beside the parameters: names, prefixes, a bus, a bucket and a queue's URL with a stack's name of 128 letters each.
const BYTES_BESIDE_PARAMETERS: u64 = 700;

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

/// The statements of the function's role, those under a condition too.
fn statements(template: &Template) -> Vec<Value> {
    let policies = template.properties("Role")["Policies"].as_array().unwrap();
    assert_eq!(policies.len(), 1);
    let statements = policies[0]["PolicyDocument"]["Statement"].as_array().unwrap();
    let chosen = statements.iter().map(|statement| statement.get("Fn::If").map_or(statement, |choice| &choice[1]));
    chosen.map(|statement| in_the_public_cloud(template, statement)).collect()
}

/// A value as it is where the template's parameter `Cloud` has its default.
fn in_the_public_cloud(template: &Template, value: &Value) -> Value {
    match value {
        Value::Object(members) => match members.get("Fn::FindInMap") {
            Some(place) => {
                assert_eq!((&place[0], &place[1]), (&json!("Clouds"), &json!({ "Ref": "Cloud" })));
                template.section("Mappings")["Clouds"]["public"][place[2].as_str().unwrap()].clone()
            }
            None => members.iter().map(|(name, value)| (name.clone(), in_the_public_cloud(template, value))).collect(),
        },
        Value::Array(items) => items.iter().map(|item| in_the_public_cloud(template, item)).collect(),
        other => other.clone(),
    }
}

/// Where an action is given, as the list names the place and as the template does.
fn resource(place: &str) -> Value {
    let secrets = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${SecretPrefix}ispm-onboarder-*";
    match place {
        "secrets" => json!([{ "Fn::Sub": secrets }, { "Ref": "SecretArns" }]),
        "sqs-queue" => json!([{ "Fn::GetAtt": ["Queue", "Arn"] }]),
        "results-bus" => json!([{ "Fn::GetAtt": ["ResultsBus", "Arn"] }]),
        "log-group" => json!([{ "Fn::GetAtt": ["LogGroup", "Arn"] }]),
        "key" => json!([{ "Ref": "KmsKeyArn" }]),
        "report-bucket" => json!([{ "Fn::GetAtt": ["ReportBucket", "Arn"] }]),
        "report-objects" => json!([{ "Fn::Sub": "${ReportBucket.Arn}/reports/*" }]),
        "account" | "secret-names" => json!(["*"]),
        other => panic!("the role has no right on {other}"),
    }
}

/// What both functions are configured with.
fn variables(template: &Template) -> &Value {
    &template.section("Globals")["Function"]["Environment"]["Variables"]
}

#[test]
fn the_role_may_do_what_is_listed_and_nothing_else() {
    let template = Template::read();
    let mut given: BTreeMap<String, (Vec<Value>, Value)> = BTreeMap::new();
    for statement in statements(&template) {
        assert_eq!(statement["Effect"], "Allow");
        for action in list(&statement["Action"]) {
            let entry = given.entry(action.as_str().unwrap().to_owned()).or_default();
            entry.0.extend(list(&statement["Resource"]));
            entry.1 = statement["Condition"].clone();
        }
    }
    let listed = json("infra/permissions.json")["aws"].as_array().unwrap().clone();
    let of_role = listed.into_iter().filter(|permission| permission["holder"] == "aws-role");
    let wanted: BTreeMap<String, (Vec<Value>, Value)> = of_role
        .map(|permission| {
            // The key's condition names the services through which it is used, by region.
            let condition = match permission["on"].as_str() {
                Some("key") => given[permission["action"].as_str().unwrap()].1.clone(),
                _ => permission["condition"].clone(),
            };
            let places = list(&resource(permission["on"].as_str().unwrap()));
            (permission["action"].as_str().unwrap().to_owned(), (places, condition))
        })
        .collect();
    assert_eq!(given, wanted);
}

/// What the code asks STS for is what the role may ask for.
#[test]
fn the_login_asks_for_what_its_conditions_allow() {
    let code = read(&project("src/aws/web_identity.rs"));
    let statements = statements(&Template::read());
    let condition = &statements.iter().find(|statement| statement["Sid"] == "Login").unwrap()["Condition"];
    assert_eq!(condition["ForAllValues:StringEquals"]["sts:IdentityTokenAudience"], Cloud::Public.token_exchange_audience());
    let algorithm = condition["StringEquals"]["sts:SigningAlgorithm"].as_str().unwrap();
    let seconds = &condition["NumericLessThanEquals"]["sts:DurationSeconds"];
    for constant in [format!("&str = \"{algorithm}\""), format!("i32 = {seconds}")] {
        assert!(code.contains(&constant), "{constant} is not in src/aws/web_identity.rs");
    }
}

#[test]
fn the_template_knows_the_clouds_that_the_code_knows() {
    let template = Template::read();
    let parameter = &template.section("Parameters")["Cloud"];
    assert_eq!(parameter["Default"].as_str(), CLOUD.default);
    assert_eq!(parameter["AllowedValues"], json!(Cloud::ALL.map(Cloud::word)));
    for cloud in Cloud::ALL {
        assert_eq!(template.section("Mappings")["Clouds"][cloud.word()]["TokenAudience"], cloud.token_exchange_audience());
    }
}

#[test]
fn the_template_sets_what_is_read_and_nothing_else() {
    let template = Template::read();
    let variables = variables(&template).as_object().unwrap();
    // The command line alone reads dead letters.
    let of_function = |variable: &&Variable| variable.on != On::Azure && variable.name != DEAD_LETTERS.name;
    let own = OWN.iter().copied().filter(of_function).map(|variable| variable.name.to_string());
    assert_eq!(variables.keys().cloned().collect::<BTreeSet<_>>(), own.collect());
    let default = |parameter: &str| template.section("Parameters")[parameter]["Default"].to_string();
    assert_eq!(Some(default("PropagationMinutes").as_str()), PROPAGATION_MINUTES.default);
    let hosts = template.section("Parameters")["IspmHosts"]["Description"].as_str().unwrap();
    assert!(hosts.contains(ISPM_HOSTS.default.unwrap()), "{hosts}");
}

#[test]
fn the_longest_values_fit_into_lambdas_environment() {
    let template = Template::read();
    let variables = variables(&template).to_string();
    let parameters = template.section("Parameters").iter().filter(|(name, _)| {
        [format!("{{\"Ref\":\"{name}\"}}"), format!("${{{name}}}")].iter().any(|reference| variables.contains(reference))
    });
    let longest = parameters.map(|(name, parameter)| match parameter["Type"].as_str() {
        Some("Number") => 4,
        _ => parameter["MaxLength"].as_u64().unwrap_or_else(|| panic!("{name} has no MaxLength")),
    });
    let together: u64 = longest.sum::<u64>() + BYTES_BESIDE_PARAMETERS;
    assert!(together <= MOST_VARIABLE_BYTES, "{together} bytes");
}

#[test]
fn a_message_is_hidden_for_six_timeouts_and_the_work_ends_before_one() {
    let template = Template::read();
    let timeout = template.properties("Function")["Timeout"].as_u64().unwrap();
    let hidden = template.properties("Queue")["VisibilityTimeout"].as_u64().unwrap();
    assert!(hidden >= 6 * timeout, "{hidden} s and {timeout} s");
    assert!(DEADLINE < Duration::from_secs(timeout));
}

#[test]
fn rules_target_the_queue_and_match_what_is_understood() {
    let template = Template::read();
    let queue = json!({ "Fn::GetAtt": ["Queue", "Arn"] });
    for (name, rule) in template.of_type("AWS::Events::Rule") {
        for target in rule["Targets"].as_array().unwrap() {
            assert_eq!(target["Arn"], queue, "{name}");
        }
        let matched: BTreeSet<_> = list(&rule["EventPattern"]["detail-type"]).iter().map(Value::to_string).collect();
        // The schema is made of the types that the code knows.
        let schema = json("docs/schemas/requested-event.schema.json");
        let understood = schema["$defs"]["Requested"]["oneOf"].as_array().unwrap().iter().map(|kind| kind["const"].to_string()).collect();
        assert_eq!(matched, understood, "{name}");
    }
}

/// Names that are the stack's own or begin with it let a second deployment live beside.
#[test]
fn each_name_is_of_its_stack() {
    let template = Template::read();
    let mut seen = 0;
    for (resource, body) in template.section("Resources") {
        let properties = body["Properties"].as_object().unwrap();
        // Names of others, by which a resource refers to them. A bucket's is made up.
        let own = properties.iter().filter(|(name, _)| {
            name.ends_with("Name") && !["LogGroupName", "MetricName", "EventBusName", "FunctionName"].contains(&name.as_str())
                || *name == "Name"
        });
        for (name, value) in own {
            let is_stack = *value == json!({ "Ref": "AWS::StackName" });
            assert!(is_stack || text(value).starts_with("${AWS::StackName}"), "{resource}.{name} = {value}");
            seen += 1;
        }
    }
    assert!(seen > 15, "only {seen} names were found");
    assert_eq!(template.properties("Function")["FunctionName"], json!({ "Ref": "AWS::StackName" }));
    assert!(template.properties("LogGroup")["LogGroupName"]["Fn::Sub"][0].as_str().unwrap().contains("/${AWS::StackName}/"));
}

/// The alarms, by what stands after the stack's name.
pub fn alarms() -> BTreeSet<String> {
    let template = Template::read();
    let alarms = template.of_type("AWS::CloudWatch::Alarm");
    let keys = alarms.iter().map(|(name, alarm)| {
        let key = text(&alarm["AlarmName"]).strip_prefix("${AWS::StackName}-").unwrap();
        let section = format!("docs/operate.md#alert-{key}");
        assert!(alarm["AlarmDescription"].as_str().unwrap().ends_with(&section), "{name} does not name {section}");
        key.to_owned()
    });
    keys.collect()
}

#[test]
fn what_is_counted_in_the_log_is_logged() {
    let logged: String = files(&project("src"), &[".rs"]).iter().map(|file| read(file)).collect();
    for (name, filter) in Template::read().of_type("AWS::Logs::MetricFilter") {
        let pattern = filter["FilterPattern"].as_str().unwrap();
        let fields = pattern.split("$.").skip(1).map(|rest| rest.split([' ', ')']).next().unwrap()).filter(|field| *field != "message");
        for word in fields.chain(pattern.split('"').skip(1).step_by(2)) {
            assert!(logged.contains(word), "{name}: {word} is not logged");
        }
    }
}

/// Words of pages that name parameters and outputs: `Name=value` after `--parameter-overrides`, `OutputKey=='Name'`, `output Name`.
#[test]
fn pages_name_parameters_and_outputs_that_there_are() {
    let template = Template::read();
    let (parameters, outputs) = (template.names("Parameters"), template.names("Outputs"));
    let is_word = |c: char| !c.is_ascii_alphanumeric();
    let mut seen = 0;
    for (page, text) in pages() {
        let text = text.replace("\\\n", " ");
        for overrides in text.split("--parameter-overrides ").skip(1).filter_map(|rest| rest.lines().next()) {
            for (name, _) in overrides.split(' ').filter_map(|word| word.trim_matches(['"', '`']).split_once('=')) {
                assert!(parameters.contains(name), "{page}: the template has no parameter {name}");
                seen += 1;
            }
        }
        let by_key = text.split("OutputKey=='").skip(1);
        for rest in by_key.chain(text.split("$(output ").skip(1)) {
            let name = rest.split(is_word).next().unwrap();
            assert!(name.is_empty() || outputs.contains(name), "{page}: the template has no output {name}");
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} names were found");
}

/// Where the template looks for the package is where the page puts it.
#[test]
fn the_package_is_put_where_the_template_looks_for_it() {
    let place = Template::read().properties("Function")["CodeUri"].as_str().unwrap().strip_prefix("../../").unwrap().to_owned();
    assert!(read(&project("docs/deploy-aws.md")).contains(&place), "docs/deploy-aws.md does not name {place}");
    let template = Template::read();
    assert_eq!(template.properties("SweepFunction")["CodeUri"], template.properties("Function")["CodeUri"]);
}

/// The sweep is the same program, started as `hosts/lambda` understands it, and ended before Lambda's longest.
#[test]
fn the_sweep_is_the_same_program_with_more_time() {
    let template = Template::read();
    let (function, sweep) = (template.properties("Function"), template.properties("SweepFunction"));
    assert_eq!((&sweep["Role"], &sweep["Timeout"]), (&function["Role"], &json!(900)));
    assert_eq!(sweep["EventInvokeConfig"]["MaximumRetryAttempts"], 0);
    let reserved = json!({ "Fn::If": ["ReservesSweep", 1, { "Ref": "AWS::NoValue" }] });
    assert_eq!(sweep["ReservedConcurrentExecutions"], reserved);
    let timer = template.properties("SweepTimer");
    let input: Value = serde_json::from_str(timer["Target"]["Input"].as_str().unwrap()).unwrap();
    assert_eq!(input, json!({ "command": "sweep" }));
    assert_eq!(timer["Target"]["Arn"], json!({ "Fn::GetAtt": ["SweepFunction", "Arn"] }));
    let statements = &template.properties("SweepTimerRole")["Policies"][0]["PolicyDocument"]["Statement"];
    assert_eq!(statements[0]["Action"], "lambda:InvokeFunction");
    assert_eq!((statements.as_array().unwrap().len(), &statements[0]["Resource"]), (1, &timer["Target"]["Arn"]));
}

/// ministack makes the bucket without these, so no judge sees them deployed.
#[test]
fn reports_are_encrypted_private_and_end() {
    let template = Template::read();
    let bucket = template.properties("ReportBucket");
    let access = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
    assert_eq!((access.len(), access.values().all(|value| *value == true)), (4, true));
    let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"]["Fn::If"];
    let with_key = json!({ "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": { "Ref": "KmsKeyArn" } });
    assert_eq!(*encryption, json!(["HasKey", with_key, { "SSEAlgorithm": "AES256" }]));
    let rule = &bucket["LifecycleConfiguration"]["Rules"][0];
    assert_eq!((&rule["Status"], &rule["NoncurrentVersionExpiration"]["NoncurrentDays"]), (&json!("Enabled"), &json!(30)));
}
