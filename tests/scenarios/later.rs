//! What may pass is put back: with growing delays, for a day, and never lost.

use std::time::Duration;

use ispm_onboarder_simulator::platform::Fate;
use ispm_onboarder_simulator::{Effect, Fault};
use time::Duration as Span;

use crate::HOST;
use crate::harness::{ASSIGN, CONNECT, EPOCH, Given, Host, LONGEST_DELAY, NEXT_DELIVERY, PUBLISH, PUT_BACK, cold, subscription};

/// How long the tries of one delivery take.
const TRIES: Span = Span::seconds(5);
const READ: &str = "arm.subscription.get";

fn throttled(retry_after: &str) -> Fault {
    Fault::new(READ, Effect::Status { status: 429, code: None, retry_after: Some(retry_after.to_owned()) })
}

#[tokio::test(start_paused = true)]
async fn delays_double_from_half_a_minute_to_half_an_hour_and_the_first_time_is_kept() {
    let s = Given::demo().fault(Fault::status(READ, 503)).start();
    s.onboard(&s.cast.new).await;
    for attempt in 1..=10 {
        let waiting = s.expect_waiting();
        let grown = (Span::seconds(30) * 2_i32.pow(attempt - 1)).min(Span::minutes(30)).min(LONGEST_DELAY);
        // Requests that failed together are spread by up to a fifth; the last tries took their time.
        assert!(waiting.delay >= grown - TRIES && waiting.delay <= grown * 6 / 5, "attempt {attempt}: {waiting:?}");
        assert_eq!(waiting.attempts(), u64::from(attempt));
        assert_eq!(waiting.first_seen().date(), EPOCH.date());
        assert!(waiting.first_seen() - EPOCH < Span::seconds(25), "{waiting:?}");
        s.settle_for(waiting.delay.unsigned_abs() + Duration::from_secs(5)).await;
    }
    assert!(!s.count_calls().contains_key(PUBLISH), "later publishes nothing");
    s.expect_waiting();
}

#[tokio::test(start_paused = true)]
async fn requests_that_failed_together_do_not_come_back_together() {
    let s = Given::demo().fault(Fault::status(READ, 503)).start();
    for id in ["one", "two", "three"] {
        s.deliver(s.event(id, &subscription(&s.cast.new))).await;
    }
    let [one, two, three] = s.expect_all_waiting();
    let at = |delay: Span| s.now() + delay;
    assert!(at(one.delay) != at(two.delay) && at(two.delay) != at(three.delay), "{one:?} {two:?} {three:?}");
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn a_short_wish_to_wait_is_granted_within_the_delivery() {
    let s = Given::demo().fault(throttled("3").times(1)).start();
    s.onboard(&s.cast.new).await;
    let calls = s.unread_calls();
    let [refused, again] = calls.iter().filter(|call| call.operation == READ).collect::<Vec<_>>()[..] else { panic!("{calls:#?}") };
    assert!(again.at - refused.at >= Span::seconds(3), "{} and again at {}", refused.at, again.at);
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_long_wish_to_wait_is_granted_by_the_queue() {
    let s = Given::demo().fault(throttled("600")).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([PUT_BACK]));
    let delay = s.expect_waiting().delay;
    assert!(delay >= Span::minutes(10) && delay <= Span::minutes(12), "{delay}");
}

#[tokio::test(start_paused = true)]
async fn an_absurd_wish_to_wait_is_bounded() {
    for wish in ["86400", "99999999999", "18446744073709551615", "184467440737095516150", "-1", "soon", "Wed, 21 Oct 2126 07:28:00 GMT"] {
        let s = Given::demo().fault(throttled(wish)).start();
        s.onboard(&s.cast.new).await;
        let delay = s.expect_waiting().delay;
        assert!(delay >= Span::seconds(30) && delay <= Span::minutes(72), "{wish}: {delay}");
        s.count_calls();
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_of_resource_manager_that_runs_empty_loses_nothing() {
    let s = Given::demo().world(|world, _| world.settings.throttle = true).start();
    let event = s.asking_for(&s.cast.new);
    for _ in 0..130 {
        s.deliver(event.clone()).await;
    }
    let throttled = s.unread_calls().iter().filter(|call| call.status == Some(429)).count();
    assert!(throttled > 0, "130 deliveries read more than a bucket of 250 holds");
    s.expect_results(["onboarded"; 130]);
}

#[tokio::test(start_paused = true)]
async fn after_24_hours_it_has_failed() {
    let s = Given::demo().fault(Fault::status(READ, 503)).start();
    s.onboard(&s.cast.new).await;
    s.settle(23).await;
    s.expect_results([]);
    s.expect_waiting();
    s.settle(2).await;
    s.count_calls();
    let [result] = s.expect_results(["failed unavailable"]);
    assert!(result["data"]["hint"].as_str().is_some_and(|words| words.contains("24 hours")), "{result:#}");
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_down_leaves_the_event_to_the_platform() {
    let s = Given::demo().fault(Fault::status(READ, 503)).fault(Fault::status(PUT_BACK, 503)).start();
    let delivery = s.onboard(&s.cast.new).await;
    assert_eq!(delivery.status, 500);
    assert!(matches!(delivery.fate, Fate::Again(_)));
    s.mend();
    s.settle_for(NEXT_DELIVERY).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_down_leaves_a_message_in_it() {
    let s = Given::demo().fault(Fault::status(READ, 503)).start();
    s.onboard(&s.cast.new).await;
    s.fault(Fault::status(PUT_BACK, 503));
    let again = s.settle_for(Duration::from_mins(2)).await;
    assert!(again.iter().any(|delivery| delivery.status == 500), "{again:#?}");
    s.mend();
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_results_topic_that_is_down_delays_the_result_and_keeps_its_id() {
    let usual = Given::demo().start();
    usual.onboard(&usual.cast.new).await;
    usual.count_calls();
    let [usual] = usual.expect_results(["onboarded"]);

    for status in [401, 403, 404, 429, 503] {
        let s = Given::demo().fault(Fault::status(PUBLISH, status)).start();
        let delivery = s.onboard(&s.cast.new).await;
        assert_eq!(delivery.status, 200);
        // A refused token is not a published event: it is tried once more with a new one.
        let again: &[&str] = if status == 401 && HOST == Host::Functions { &[PUBLISH, PUT_BACK] } else { &[PUT_BACK] };
        s.expect_calls([&cold([ASSIGN, CONNECT, PUBLISH])[..], again].concat());
        s.expect_waiting();
        s.mend();
        s.settle(1).await;
        s.count_calls();
        let [result] = s.expect_results(["onboarded"]);
        assert_eq!(result["id"], usual["id"], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_that_could_not_be_told_for_days_is_told_in_the_end() {
    let s = Given::demo().fault(Fault::status(PUBLISH, 503)).start();
    s.onboard(&s.cast.new).await;
    s.settle(50).await;
    s.count_calls();
    s.expect_results([]);
    s.expect_waiting();
    s.mend();
    s.settle(1).await;
    s.expect_calls(cold([PUBLISH]));
    s.expect_results(["onboarded"]);
}
