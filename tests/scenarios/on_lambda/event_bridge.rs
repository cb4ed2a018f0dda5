//! EventBridge: requests by a rule into the queue, and results on the bus.

use ispm_onboarder::request::ONBOARDING_REQUESTED;
use ispm_onboarder_simulator::{Effect, Fault};
use serde_json::{Value, json};

use crate::harness::{ASSIGN, CONNECT, Given, PUBLISH, PUT_BACK, Scenario, cold, subscription};

fn entry(s: &Scenario, detail_type: &str) -> Value {
    let detail = json!({ "tenantId": s.cast.tenant, "scope": subscription(&s.cast.new) });
    json!({ "Source": "contoso.pipeline", "DetailType": detail_type, "Detail": detail.to_string() })
}

#[tokio::test(start_paused = true)]
async fn an_event_on_the_bus_is_put_into_the_queue_and_worked_on() {
    let s = Given::demo().start();
    let deliveries = s.put_event(entry(&s, ONBOARDING_REQUESTED)).await;
    assert_eq!(deliveries.len(), 1);
    s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(
        (&result["data"]["cause"]["source"], &result["data"]["cause"]["type"]),
        (&json!("contoso.pipeline"), &json!(ONBOARDING_REQUESTED))
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_of_another_type_matches_no_rule() {
    let s = Given::demo().start();
    assert!(s.put_event(entry(&s, "com.example.other")).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn malformed_details_are_failed_and_say_what_is_missing() {
    for (detail, code) in [
        (json!({}), "failed invalid-event"),
        (json!({ "tenantId": "contoso", "scope": "/subscriptions/x" }), "failed invalid-event"),
        (json!({ "tenantId": "0b1f6471-1bf0-4dda-aec3-cb9272f09590", "scope": "/subscriptions/x" }), "failed invalid-scope"),
        (json!({ "tenantId": 7, "scope": [] }), "failed invalid-event"),
    ] {
        let s = Given::demo().start();
        s.put_event(json!({ "Source": "contoso.pipeline", "DetailType": ONBOARDING_REQUESTED, "Detail": detail.to_string() })).await;
        s.count_calls();
        let [result] = s.expect_results([code]);
        assert!(result["data"]["hint"].is_string(), "{result:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_straight_to_the_function_goes_into_the_queue() {
    let s = Given::demo().start();
    let event = json!({
        "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": ONBOARDING_REQUESTED, "source": "contoso.pipeline",
        "account": "123456789012", "time": "2126-11-22T10:00:00Z", "region": "eu-central-1", "resources": [],
        "detail": { "tenantId": s.cast.tenant, "scope": subscription(&s.cast.new) },
    });
    assert_eq!(s.invoke(&event).await.unwrap(), json!({ "queued": 1 }));
    s.expect_calls([PUT_BACK]);
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);

    s.fault(Fault::status(PUT_BACK, 503));
    assert!(s.invoke(&event).await.is_err(), "what could not be kept is not acknowledged");
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_the_bus_did_not_take_is_not_taken_for_published() {
    let failing = |s: &Scenario, entries| {
        s.change(|world, cast| {
            let account = world.aws_mut(&cast.aws.account, &cast.aws.region);
            account.buses.get_mut(&cast.aws.bus).unwrap().failing_entries = entries;
        });
    };
    let s = Given::demo().start();
    failing(&s, 1);
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH, PUT_BACK]));
    s.expect_waiting();
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_is_not_there_or_denies_the_function_is_told_in_the_log_and_waited_for() {
    let denied = Effect::Status { status: 400, code: Some("AccessDeniedException".to_owned()), retry_after: None };
    for fault in [denied, Effect::Status { status: 400, code: Some("ResourceNotFoundException".to_owned()), retry_after: None }] {
        let s = Given::demo().fault(Fault::new(PUBLISH, fault)).start();
        let answer = s.invoke(&json!({ "tenantId": s.cast.tenant, "scope": s.cast.new })).await.unwrap();
        assert_eq!(answer["code"], "results-refused", "{answer}");
        assert!(answer["hint"].as_str().is_some_and(|hint| hint.contains("events:PutEvents")), "{answer}");
        s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH, PUT_BACK]));
        s.expect_waiting();
        s.mend();
        s.settle(1).await;
        s.count_calls();
        s.expect_results(["onboarded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_has_a_fixed_source_its_type_its_data_and_the_id_by_which_a_repeat_is_known() {
    let s = Given::demo().start();
    s.onboard(&s.cast.new).await;
    s.onboard(&s.cast.new).await;
    s.count_calls();
    let [first, again] = s.expect_results(["onboarded"; 2]);
    assert_eq!(first["id"], again["id"]);
    assert_eq!(first["source"], "dev.ispm-onboarder");
    assert_eq!(first["subject"], subscription(&s.cast.new));
    assert_eq!(first["type"], "dev.ispm-onboarder.scope.onboarded.v1");
}
