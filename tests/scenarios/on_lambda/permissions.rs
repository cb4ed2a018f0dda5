//! Nothing on AWS needs more than the one list, `infra/permissions.json`, and each permission in it is needed.

use std::collections::{BTreeMap, BTreeSet};

use ispm_onboarder::aws::{S3Container, SqsQueue};
use ispm_onboarder::error::{Code, Error};
use ispm_onboarder::permissions::{AwsPermission, Holder, Permissions};
use ispm_onboarder_simulator::world::aws::{Context, Object, Verdict};
use ispm_onboarder_simulator::{DemoCast, Fault, Recorded, World};
use serde_json::json;
use time::Duration;

use crate::harness::{EPOCH, Given, LIST_SECRETS, Scenario, store_secret};

const KEY: &str = "first~key~of~no~value~0123456789abcdef";
const DEAD_LETTER: &str = "dead-letters/a.json";

/// The services of AWS, as the names of calls begin.
const SERVICES: [&str; 5] = ["event-bridge.", "s3.", "secrets-manager.", "sqs.", "sts."];

/// What this program does on AWS, all of it, and what each part said.
async fn everything(s: &Scenario) -> BTreeMap<&'static str, String> {
    let mut said = BTreeMap::new();
    said.insert("dead letters in a queue", replay_queue(s).await.map_or_else(|error| format!("{error:?}"), |()| String::new()));
    said.insert("dead letters in a bucket", replay_bucket(s).await.map_or_else(|error| format!("{error:?}"), |()| String::new()));
    let by_hand = s.invoke(&json!({ "tenantId": s.cast.tenant, "scope": s.cast.new })).await;
    said.insert("by hand", by_hand.map_or_else(|words| words, |answer| answer.to_string()));
    s.fault(Fault::status("ispm.*", 503).times(8));
    let later = s.invoke(&json!({ "tenantId": s.cast.tenant, "scope": s.cast.more[0] })).await;
    said.insert("later", later.map_or_else(|words| words, |answer| answer.to_string()));
    s.mend();
    let headers = [("x-ispm-onboarder-key", format!("contoso:{KEY}")), ("aeg-event-type", "Notification".to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    said.insert("webhook", s.send_by_url("POST", "/api/events", &headers, s.asking_for(&s.cast.new).to_string()).await.body);
    said.insert("sweep", s.sweep().await.body);
    let path = format!("/api/coverage?tenant={}&format=json", s.cast.tenant);
    said.insert("report", s.get(&path).await.body);
    s.settle(1).await;
    said.insert("second sweep", s.sweep().await.body);
    said.insert("doctor", format!("{:?}", s.doctor(Duration::ZERO).examine(None).await));
    s.change(|world, _| drop(said.insert("results", format!("{:?}", world.bus_events()))));
    s.forgive_what_waits();
    s.distinct_results();
    said
}

/// What a replay does with a queue.
async fn replay_queue(s: &Scenario) -> Result<(), Error> {
    let url = format!("{}-dead-letters", s.cast.aws.queue_url);
    let queue = SqsQueue::open(&url.parse().expect("a URL"), &s.aws_replayer());
    let taken = queue.take(2).await?;
    queue.delete(&taken[0].receipt).await?;
    queue.release(&taken[1].receipt).await
}

/// What a replay does with a bucket.
async fn replay_bucket(s: &Scenario) -> Result<(), Error> {
    let bucket = S3Container::open(&s.cast.aws.bucket, "dead-letters/", &s.aws_replayer());
    for item in bucket.list("").await? {
        assert!(bucket.get(&item.name).await?.is_some());
        bucket.delete(&item.name).await?;
    }
    Ok(())
}

/// A tenant whose login is the function's role, with a webhook key and dead letters.
fn given() -> Given {
    Given::demo().record(|record| record["login"] = json!({ "method": "aws-web-identity", "clientId": record["login"]["clientId"] })).world(
        |world, cast| {
            let keys = json!({ "schemaVersion": 1, "keys": [KEY], "tenants": [cast.tenant] });
            store_secret(world, cast, "ispm-onboarder-webhook-contoso", &keys.to_string());
            for text in ["one", "two"] {
                world
                    .send_message(&cast.aws.account, &cast.aws.dead_letter_queue, text.to_owned(), EPOCH, EPOCH)
                    .expect("there is a queue");
            }
            let letter = Object { content_type: "application/json".to_owned(), body: b"{}".to_vec(), modified_on: EPOCH };
            let account = world.aws_mut(&cast.aws.account, &cast.aws.region);
            account.add_bucket(&cast.aws.bucket).objects.insert(DEAD_LETTER.to_owned(), letter);
        },
    )
}

fn listed() -> Vec<AwsPermission> {
    let listed = Permissions::shipped().expect("the list").aws;
    listed.into_iter().filter(|permission| [Holder::AwsRole, Holder::AwsReplayer].contains(&permission.holder)).collect()
}

/// The calls of AWS, but for the question who asks, which needs no permission.
fn calls_of_aws(s: &Scenario) -> Vec<Recorded> {
    let mut calls = s.unread_calls();
    calls.retain(|call| SERVICES.iter().any(|service| call.operation.starts_with(service)) && call.operation != "sts.caller-identity.get");
    calls
}

/// Whether AWS denied a call: with 400 where the protocol is JSON 1.1, else with 403.
fn is_denied(call: &Recorded) -> bool {
    matches!(call.status, Some(400 | 403))
}

#[tokio::test(start_paused = true)]
async fn under_the_list_nothing_is_denied_and_each_of_its_calls_is_made() {
    let s = given().start();
    let said = everything(&s).await;
    let calls = calls_of_aws(&s);
    assert!(!calls.iter().any(is_denied), "{said:#?} {calls:#?}");
    let made: BTreeSet<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    let listed = listed();
    let needed = listed.iter().flat_map(|permission| permission.calls.iter().map(String::as_str)).collect();
    assert_eq!(made, needed);
}

/// Where the name of an action is told that the list gives and the role lacks. What a sweep could not write, its line in the log tells.
const TOLD: [(&str, &[&str]); 13] = [
    ("secretsmanager:GetSecretValue", &["by hand", "doctor", "later", "results"]),
    ("secretsmanager:ListSecrets", &["doctor", "second sweep", "sweep"]),
    ("s3:GetObject", &["dead letters in a bucket", "report"]),
    ("s3:PutObject", &[]),
    ("s3:ListBucket", &["dead letters in a bucket", "doctor", "report"]),
    ("s3:DeleteObject", &["dead letters in a bucket"]),
    ("sqs:SendMessage", &["later"]),
    ("sqs:GetQueueAttributes", &["doctor"]),
    ("sqs:ReceiveMessage", &["dead letters in a queue"]),
    ("sqs:DeleteMessage", &["dead letters in a queue"]),
    ("sqs:ChangeMessageVisibility", &["dead letters in a queue"]),
    ("events:PutEvents", &["by hand"]),
    ("sts:GetWebIdentityToken", &["by hand", "doctor", "later", "results"]),
];

#[tokio::test(start_paused = true)]
async fn without_any_one_action_calls_of_its_alone_are_denied_and_someone_is_told_its_name() {
    let told = BTreeMap::from(TOLD);
    let mut left_out = BTreeSet::new();
    for permission in listed() {
        let action = permission.action.as_str();
        let calls = match (action, &permission.calls[..]) {
            // It has no call of its own in the function: S3 answers 403 in place of 404 to whoever may not list.
            ("s3:ListBucket", _) => vec!["s3.get".to_owned(), "s3.list".to_owned()],
            (_, []) => continue,
            (_, calls) => calls.to_vec(),
        };
        let s = given().without_on_aws(action).start();
        let said = everything(&s).await;
        let denied: BTreeSet<String> = calls_of_aws(&s).into_iter().filter(is_denied).map(|call| call.operation).collect();
        assert!(!denied.is_empty() && denied.iter().all(|call| calls.contains(call)), "{action}: {denied:?} {said:#?}");
        let where_told: Vec<&str> = said.iter().filter(|(_, words)| words.contains(action)).map(|(part, _)| *part).collect();
        assert_eq!(where_told, told[action], "{action}: {said:#?}");
        left_out.insert(action.to_owned());
    }
    assert_eq!(left_out, told.into_keys().map(str::to_owned).collect());
}

/// The template gives the right to list where nobody names the tenants, and else not.
#[tokio::test(start_paused = true)]
async fn where_the_tenants_are_named_the_names_of_secrets_are_not_listed() {
    let tenant = DemoCast::of(7).tenant;
    let s = given().without_on_aws("secretsmanager:ListSecrets").setting("ONBOARDER_TENANTS", &tenant).start();
    let said = everything(&s).await;
    let calls = calls_of_aws(&s);
    assert!(!calls.iter().any(|call| is_denied(call) || call.operation == LIST_SECRETS), "{said:#?}");
}

/// A report that is not there and one that may not be read look the same without the right to list: then none is written over what may be
/// there, and whoever asks is told both rights.
#[tokio::test(start_paused = true)]
async fn without_the_right_to_list_the_first_report_is_never_written() {
    let s = Given::demo().without_on_aws("s3:ListBucket").start();
    s.sweep().await;
    let calls = s.count_calls();
    assert_eq!((calls["s3.get"], calls.get("s3.put")), (1, None), "{calls:?}");
    let answer = s.get(&format!("/api/coverage?tenant={}", s.cast.tenant)).await;
    assert_eq!(answer.json()["code"], "report-refused", "{}", answer.body);
    assert!(["s3:GetObject", "s3:ListBucket"].iter().all(|action| answer.body.contains(action)), "{}", answer.body);
    s.count_calls();
    s.forgive_what_waits();
}

/// The demo's account with things beside the deployment's own.
fn with_others(world: &mut World, cast: &DemoCast) {
    let account = world.aws_mut(&cast.aws.account, &cast.aws.region);
    account.set_secret("payroll", "secret~of~others~of~no~value");
    account.add_queue("payroll");
    account.add_bus("payroll");
    let object = Object { content_type: "text/plain".to_owned(), body: b"theirs".to_vec(), modified_on: EPOCH };
    account.add_bucket(&cast.aws.bucket).objects.insert("payroll/a".to_owned(), object);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_this_deployments_is_out_of_reach() {
    let s = Given::demo().world(with_others).start();
    let mut record = s.record();
    record["ispm"]["tokenSecretName"] = json!("payroll");
    // Whoever can write a record gives the function no right by it.
    s.change(|world, cast| store_secret(world, cast, &format!("ispm-onboarder-{}", cast.tenant), &record.to_string()));
    s.onboard(&s.cast.new).await;
    s.count_calls();
    s.expect_results(["tenant.failed secret-store-refused"]);
    s.expect_waiting();
    for (call, container) in [("its reports", "payroll/"), ("dead letters", "dead-letters/")] {
        let refused = S3Container::open(&s.cast.aws.bucket, container, &s.aws_platform()).get("a").await.expect_err(call);
        assert_eq!(refused.code, Code::ReportRefused, "{call}");
    }
    s.count_calls();

    let queue = format!("https://sqs.{}.amazonaws.com/{}/payroll", s.cast.aws.region, s.cast.aws.account);
    let s = Given::demo().world(with_others).setting("ONBOARDER_QUEUE", &queue).fault(Fault::status("arm.*", 503)).start();
    let words = s.invoke(&json!({ "tenantId": s.cast.tenant, "scope": s.cast.new })).await.unwrap_err();
    assert!(words.contains("sqs:SendMessage"), "{words}");
    s.count_calls();

    let s = Given::demo().world(with_others).setting("ONBOARDER_RESULTS", "eventbridge:payroll").start();
    let answer = s.invoke(&json!({ "tenantId": s.cast.tenant, "scope": s.cast.new })).await.unwrap();
    assert!(answer["hint"].as_str().is_some_and(|hint| hint.contains("events:PutEvents")), "{answer}");
    s.count_calls();
    s.expect_results([]);
    s.expect_waiting();
}

/// The function asks for nothing else; whoever takes its role over cannot either.
#[tokio::test(start_paused = true)]
async fn a_token_is_for_entra_alone_and_short() {
    let s = Given::demo().start();
    let entra = "api://AzureADTokenExchange";
    let judge = |audiences: &[&str], algorithm: &str, seconds: &str| {
        let mut verdict = Verdict::Denied;
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let context = Context::from([
            ("sts:IdentityTokenAudience".to_owned(), texts(audiences)),
            ("sts:SigningAlgorithm".to_owned(), texts(&[algorithm])),
            ("sts:DurationSeconds".to_owned(), texts(&[seconds])),
        ]);
        s.change(|world, cast| {
            let account = &world.aws[&cast.aws.account];
            verdict = account.judge(&cast.aws.role_arn, "sts:GetWebIdentityToken", "*", &context);
        });
        verdict
    };
    assert_eq!(judge(&[entra], "RS256", "300"), Verdict::Allowed);
    for (audiences, algorithm, seconds) in [
        (&["https://other.example"][..], "RS256", "300"),
        (&[entra, "https://other.example"], "RS256", "300"),
        (&[entra], "ES384", "300"),
        (&[entra], "RS256", "301"),
    ] {
        assert_eq!(judge(audiences, algorithm, seconds), Verdict::NotAllowed, "{audiences:?} {algorithm} {seconds}");
    }
}
