//! `aws lambda invoke`, and payloads of no known shape.

use ispm_onboarder_simulator::Fault;
use serde_json::json;

use crate::harness::{ASSIGN, CONNECT, Given, PUBLISH, PUT_BACK, cold, subscription};

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_with_the_result() {
    let s = Given::demo().start();
    let answer = s.invoke(&json!({ "tenantId": s.cast.tenant, "scope": s.cast.new })).await.unwrap();
    s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!((&answer["id"], &answer["data"]["roleAssignment"]), (&result["id"], &result["data"]["roleAssignment"]));
    assert_eq!(answer["data"]["cause"]["source"], "urn:ispm-onboarder:call");
}

#[tokio::test(start_paused = true)]
async fn an_event_or_message_is_taken_as_it_would_be_from_the_queue() {
    let s = Given::demo().start();
    let answer = s.invoke(&s.asking_for(&s.cast.new)).await.unwrap();
    s.count_calls();
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!((&answer["id"], &answer["data"]["cause"]["id"]), (&result["id"], &json!("event-1")));
}

#[tokio::test(start_paused = true)]
async fn what_has_to_wait_is_answered_so_and_what_is_refused_with_a_problem() {
    let s = Given::demo().fault(Fault::status("arm.*", 503)).start();
    let call = json!({ "tenantId": s.cast.tenant, "scope": subscription(&s.cast.new) });
    let answer = s.invoke(&call).await.unwrap();
    assert_eq!((&answer["status"], &answer["code"]), (&json!("later"), &json!("unavailable")), "{answer}");
    s.count_calls();
    s.expect_waiting();

    let s = Given::demo().start();
    let answer =
        s.invoke(&json!({ "tenantId": "77777777-7777-4777-8777-777777777777", "scope": subscription(&s.cast.new) })).await.unwrap();
    assert_eq!((&answer["status"], &answer["code"]), (&json!(403), &json!("tenant-not-served")), "{answer}");
    s.count_calls();
    s.expect_results(["failed tenant-not-served"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_could_not_be_kept_is_a_function_error() {
    let s = Given::demo().fault(Fault::status("arm.*", 503)).fault(Fault::status(PUT_BACK, 503)).start();
    let words = s.invoke(&json!({ "tenantId": s.cast.tenant, "scope": s.cast.new })).await.unwrap_err();
    assert!(words.contains("could not be put back"), "{words}");
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn a_payload_of_no_known_shape_is_a_clear_error() {
    let s = Given::demo().start();
    for payload in
        [json!({}), json!([]), json!("text"), json!({ "Records": "none" }), json!({ "hello": "world" }), json!({ "requestContext": {} })]
    {
        let words = s.invoke(&payload).await.unwrap_err();
        assert!(words.contains("Expected a batch of SQS records") && words.contains("docs/events.md"), "{payload}: {words}");
    }
    let words = s.invoke(&json!({ "tenantId": s.cast.tenant })).await.unwrap_err();
    assert!(words.contains("data.scope is missing"), "{words}");
}

/// A forwarder of the activity log's event hub may call the function: what nobody waits for is put into the queue.
#[tokio::test(start_paused = true)]
async fn entries_of_the_activity_log_are_queued() {
    let s = Given::demo().start();
    let entry = |operation: &str| {
        json!({
            "time": "2126-11-22T10:00:00Z", "operationName": operation, "resultType": "Success", "correlationId": "c-1", "tenantId": s.cast.tenant,
            "resourceId": format!("/subscriptions/{}", s.cast.new), "callerIpAddress": "203.0.113.7",
        })
    };
    let entries = json!({ "records": [entry("Microsoft.Subscription/enable/action"), entry("Microsoft.Compute/virtualMachines/write")] });
    assert_eq!(s.invoke(&entries).await.unwrap(), json!({ "queued": 1 }));
    s.expect_calls([PUT_BACK]);
    assert!(!s.expect_waiting().message.to_string().contains("203.0.113.7"));
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);

    s.fault(Fault::status(PUT_BACK, 503));
    assert!(s.invoke(&entries).await.is_err(), "what could not be kept is not acknowledged");
    s.count_calls();
}
