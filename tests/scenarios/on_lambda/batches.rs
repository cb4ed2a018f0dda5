//! Batches of the queue: each record by itself.

use ispm_onboarder_simulator::{Effect, Fault};
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::harness::{ASSIGN, Given, PUBLISH, PUT_BACK, Scenario, group, subscription};
use crate::tenants::{serving, two};

fn asking(s: &Scenario, id: &str, scope: &str) -> String {
    s.event(id, scope).to_string()
}

#[tokio::test(start_paused = true)]
async fn unreadable_duplicate_and_mixed_records_end_each_by_itself() {
    let s = Given::demo().start();
    let new = asking(&s, "one", &subscription(&s.cast.new));
    let bodies = [
        new.clone(),
        "no JSON".to_owned(),
        new,
        asking(&s, "two", &group("no such group")),
        json!({ "specversion": "1.0", "id": "3", "source": "/x", "type": "com.example.other" }).to_string(),
        String::new(),
    ];
    assert_eq!(s.invoke_with_batch(&bodies).await, [""; 0], "everything was finished");
    assert_eq!(s.count_calls()[ASSIGN], 2, "two at once, the second of which finds the first");
    assert_eq!(s.assignments_at(&subscription(&s.cast.new)).len(), 1);
    let results = s.distinct_results();
    let told: Vec<&str> = results.values().map(String::as_str).collect();
    assert_eq!(told.iter().filter(|told| **told == "onboarded").count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|told| told.starts_with("failed invalid-event")).count(), 2, "{told:?}");
    assert_eq!(told.iter().filter(|told| told.starts_with("failed invalid-scope")).count(), 1, "{told:?}");
    assert_eq!(results.len(), 4, "{results:?}");
}

#[tokio::test(start_paused = true)]
async fn what_has_to_wait_goes_back_as_a_new_message_and_its_record_is_done() {
    let s = Given::demo().fault(Fault::status("arm.*", 503)).start();
    let bodies = [asking(&s, "one", &subscription(&s.cast.new)), asking(&s, "two", &subscription(&s.cast.more[0]))];
    assert_eq!(s.invoke_with_batch(&bodies).await, [""; 0]);
    assert_eq!(s.count_calls()[PUT_BACK], 2);
    let [one, two] = s.expect_all_waiting();
    assert!(one.first_seen() <= s.now() && two.attempts() == 1, "{one:?} {two:?}");
    s.mend();
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded", "onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn no_delay_is_longer_than_what_the_queue_takes() {
    let long = Effect::Status { status: 429, code: None, retry_after: Some("3600".to_owned()) };
    let s = Given::demo().fault(Fault::new("arm.subscription.get", long)).start();
    s.onboard(&s.cast.new).await;
    s.count_calls();
    assert_eq!(s.expect_waiting().delay, Duration::minutes(15));
}

#[tokio::test(start_paused = true)]
async fn only_records_that_could_not_be_put_back_come_back() {
    let s = Given::demo().fault(Fault::status("arm.subscription.get", 503)).fault(Fault::status(PUT_BACK, 503)).start();
    let bodies = [asking(&s, "one", &subscription(&s.cast.new)), "no JSON".to_owned()];
    assert_eq!(s.invoke_with_batch(&bodies).await, ["0"]);
    s.count_calls();
    s.expect_results(["failed invalid-event"]);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_can_neither_be_told_nor_put_back_ends_in_the_dead_letter_queue() {
    let s = Given::demo().fault(Fault::status(PUBLISH, 503)).fault(Fault::status(PUT_BACK, 503)).start();
    s.enqueue("no JSON");
    s.settle(1).await;
    s.count_calls();
    s.expect_given_up(1);
}

#[tokio::test(start_paused = true)]
async fn records_of_another_source_are_a_clear_error() {
    let s = Given::demo().start();
    let payload = json!({ "Records": [{ "eventSource": "aws:s3", "s3": {} }] });
    let words = s.invoke(&payload).await.unwrap_err();
    assert!(words.contains("aws:s3") && words.contains("docs/events.md"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_with_a_tenant_that_hangs_is_answered_in_time_and_the_next_at_once() {
    let (ill, well) = two();
    let hangs = Fault::new("ispm.*", Effect::Delay { seconds: 600 }).about(&ill.ispm_host);
    let s = serving(&[ill.clone(), well.clone()]).fault(hangs).start();
    let batch = |round: &str| {
        let ills = (0..9).map(|number| ill.event(&s, &format!("{round} {number}")));
        ills.chain([well.event(&s, round)]).map(|event| event.to_string()).collect::<Vec<_>>()
    };
    let time = async |round: &str| {
        let (bodies, since) = (batch(round), s.now());
        assert_eq!(s.invoke_with_batch(&bodies).await, [""; 0], "the queue has all that is not finished");
        assert_eq!(s.count_calls()[PUT_BACK], 9);
        let [result] = s.expect_results(["onboarded"]);
        let at = OffsetDateTime::parse(result["time"].as_str().unwrap(), &Rfc3339).unwrap();
        [at - since, s.now() - since]
    };
    let [own, batchs] = time("first").await;
    assert!(own < Duration::seconds(1) && batchs < Duration::seconds(30), "{own} of {batchs}");
    let [own, batchs] = time("second").await;
    assert!(own < Duration::seconds(1) && batchs < Duration::seconds(1), "{own} of {batchs}");
    s.mend();
    s.settle(1).await;
    s.expect_results(["onboarded"; 18]);
    s.count_calls();
}
