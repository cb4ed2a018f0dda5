use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_types::DateTime;
use serde_json::{Value, json};

use super::client::{config, refused};
use crate::stage::Stage;

const REQUESTED: &str = "dev.ispm-onboarder.onboarding.requested.v1";
const ONBOARDED: &str = "dev.ispm-onboarder.scope.onboarded.v1";

fn entry(stage: &Stage, kind: &str, detail: &Value) -> PutEventsRequestEntry {
    PutEventsRequestEntry::builder()
        .event_bus_name(&stage.cast.aws.bus)
        .source("dev.ispm-onboarder")
        .detail_type(kind)
        .detail(detail.to_string())
        .build()
}

#[tokio::test(start_paused = true)]
async fn a_result_is_visible_as_the_event_that_a_topic_would_have_got() {
    let stage = Stage::new();
    let client = Client::new(&config(&stage));
    let mut entry = entry(&stage, ONBOARDED, &json!({"eventId": "e-1", "tenantId": "t"}));
    entry.resources = Some(vec!["/subscriptions/s".to_owned()]);
    let answered = client.put_events().entries(entry).send().await.expect("an answer");
    assert_eq!((answered.failed_entry_count(), answered.entries().len()), (0, 1));
    let world = &stage.simulator.state().world;
    let expected = json!({"id": "e-1", "source": "dev.ispm-onboarder", "type": ONBOARDED, "time": "2026-11-22T10:00:00Z", "subject": "/subscriptions/s", "data": {"tenantId": "t"}});
    assert_eq!(world.bus_results(), [expected]);
    assert_eq!(answered.entries()[0].event_id(), Some(world.bus_events()[0].id.as_str()));
    assert!(world.sqs_messages("onboarding").is_empty(), "the rule is for requests");
    let bus = "arn:aws:events:eu-central-1:111122223333:event-bus/ispm-onboarder";
    assert_eq!(world.summary()["busEvents"][bus][0]["detailType"], ONBOARDED);
}

#[tokio::test(start_paused = true)]
async fn a_rule_sends_requests_to_its_queue_in_the_envelope() {
    let stage = Stage::new();
    let client = Client::new(&config(&stage));
    let mut entry = entry(&stage, REQUESTED, &json!({"tenantId": "t", "scope": "s"}));
    entry.time = Some(DateTime::from_secs(1_700_000_000));
    let answered = client.put_events().entries(entry).send().await.expect("an answer");
    let world = &stage.simulator.state().world;
    let [message] = world.sqs_messages("onboarding")[..] else { panic!("one message") };
    let envelope: Value = serde_json::from_str(&message.body).expect("JSON");
    let expected = json!({
        "version": "0", "id": answered.entries()[0].event_id(), "detail-type": REQUESTED, "source": "dev.ispm-onboarder",
        "account": "111122223333", "time": "2023-11-14T22:13:20Z", "region": "eu-central-1", "resources": [],
        "detail": {"tenantId": "t", "scope": "s"},
    });
    assert_eq!(envelope, expected);
    assert!(world.bus_results().is_empty(), "a request is no result");
}

#[tokio::test(start_paused = true)]
async fn entries_fail_one_by_one() {
    let stage = Stage::new();
    let client = Client::new(&config(&stage));
    let good = || entry(&stage, ONBOARDED, &json!({"eventId": "e"}));
    let mut nameless = good();
    nameless.detail_type = None;
    let mut foreign = good();
    foreign.source = Some("aws.s3".to_owned());
    let text = entry(&stage, ONBOARDED, &json!("text"));
    let answered = client.put_events().set_entries(Some(vec![nameless, good(), foreign, text])).send().await.expect("an answer");
    let codes: Vec<_> = answered.entries().iter().map(|entry| entry.error_code().unwrap_or_default()).collect();
    assert_eq!(codes, ["InvalidArgument", "", "NotAuthorizedForSourceException", "MalformedDetail"]);
    assert_eq!(answered.failed_entry_count(), 3);
    assert_eq!(
        answered.entries()[0].error_message(),
        Some("Parameter DetailType is not valid. Reason: DetailType is a required argument.")
    );
    let account = stage.cast.aws.account.as_str();
    stage.simulator.state().world.aws_mut(account, "").add_bus(&stage.cast.aws.bus).failing_entries = 1;
    let answered = client.put_events().set_entries(Some(vec![good(), good()])).send().await.expect("an answer");
    assert_eq!((answered.failed_entry_count(), answered.entries()[0].error_code()), (1, Some("InternalFailure")));
    assert_eq!(stage.simulator.state().world.bus_events().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_is_not_there_takes_events_and_loses_them() {
    let stage = Stage::new();
    let client = Client::new(&config(&stage));
    let mut entry = entry(&stage, ONBOARDED, &json!({"eventId": "e"}));
    entry.event_bus_name = Some("nothing".to_owned());
    let answered = client.put_events().entries(entry).send().await.expect("an answer");
    assert_eq!((answered.failed_entry_count(), answered.entries()[0].event_id().is_some()), (0, true));
    assert!(stage.simulator.state().world.bus_events().is_empty());
}

#[tokio::test(start_paused = true)]
async fn too_many_too_large_and_denied_calls_fail_whole() {
    let stage = Stage::new();
    let client = Client::new(&config(&stage));
    let good = || entry(&stage, ONBOARDED, &json!({"eventId": "e"}));
    for number in [0, 11] {
        let entries = (0..number).map(|_| good()).collect();
        let error = client.put_events().set_entries(Some(entries)).send().await.expect_err("a wrong number");
        assert_eq!((refused(&error).0, refused(&error).1), (400, "ValidationException"));
    }
    let large = entry(&stage, ONBOARDED, &json!({"eventId": "e", "text": "a".repeat(1_048_576)}));
    let error = client.put_events().entries(large).send().await.expect_err("too large");
    assert_eq!(refused(&error), (400, "ValidationException", "Total size of the entries in the request is over the limit."));
    stage.simulator.state().world.aws_mut(&stage.cast.aws.account, "").deny(&stage.cast.aws.role_arn, "events:PutEvents");
    let error = client.put_events().entries(good()).send().await.expect_err("denied");
    assert_eq!((refused(&error).0, refused(&error).1), (400, "AccessDeniedException"));
    assert!(refused(&error).2.contains("on resource: arn:aws:events:eu-central-1:111122223333:event-bus/ispm-onboarder because"));
}
