//! The same event again: twice, at once, or after half of the work.

use std::time::Duration;

use ispm_onboarder_simulator::platform::Fate;
use ispm_onboarder_simulator::{Effect, Fault};
use serde_json::Value;

use crate::HOST;
use crate::harness::{ASSIGN, COLD_START, CONNECT, Given, Host, PUBLISH, PUT_BACK, Scenario, cold, subscription, warm};

/// What the first result of a deployment costs in addition.
const TOKEN_FOR_RESULTS: &[&str] = match HOST {
    Host::Functions => &[COLD_START],
    Host::Lambda => &[],
};

/// One assignment and one connection, whatever happened.
#[track_caller]
fn assert_done_once(s: &Scenario) {
    let assignments = s.assignments_at(&subscription(&s.cast.new));
    assert_eq!(assignments.len(), 1, "{assignments:#?}");
    assert_eq!(s.connections().len(), 1, "{:#?}", s.connections());
}

#[track_caller]
fn assert_one_id(results: &[Value]) {
    assert!(results.windows(2).all(|pair| pair[0]["id"] == pair[1]["id"]), "one cause, several ids: {results:#?}");
}

#[tokio::test(start_paused = true)]
async fn the_same_event_three_times_changes_things_once() {
    let s = Given::demo().start();
    let event = s.asking_for(&s.cast.new);
    for writes in [cold([ASSIGN, CONNECT, PUBLISH]), warm([PUBLISH]), warm([PUBLISH])] {
        s.deliver(event.clone()).await;
        s.expect_calls(writes);
    }
    assert_one_id(&s.expect_results(["onboarded", "onboarded", "onboarded"]));
    assert_done_once(&s);
}

#[tokio::test(start_paused = true)]
async fn the_same_event_delivered_three_times_at_once_changes_things_once() {
    let s = Given::demo().start();
    let event = s.asking_for(&s.cast.new);
    tokio::join!(s.deliver(event.clone()), s.deliver(event.clone()), s.deliver(event.clone()));
    let calls = s.count_calls();
    assert_eq!(calls[ASSIGN], 3, "each of them found Reader missing, and ARM took the same name three times: {calls:?}");
    assert_eq!(calls[CONNECT], 3, "each of them found no connection, and ISPM made one: {calls:?}");
    assert_one_id(&s.expect_results(["onboarded", "onboarded", "onboarded"]));
    assert_done_once(&s);
}

#[tokio::test(start_paused = true)]
async fn two_events_about_one_subscription_are_two_results_of_one_change() {
    let s = Given::demo().start();
    let scope = subscription(&s.cast.new);
    s.deliver(s.event("one", &scope)).await;
    s.deliver(s.event("two", &scope)).await;
    s.expect_calls([cold([ASSIGN, CONNECT, PUBLISH]), warm([PUBLISH])].concat());
    let [one, two] = s.expect_results(["onboarded", "onboarded"]);
    assert_ne!(one["id"], two["id"]);
    assert_done_once(&s);
}

#[tokio::test(start_paused = true)]
async fn an_assignment_whose_answer_was_lost_once_is_put_again_at_once() {
    let s = Given::demo().fault(Fault::status(ASSIGN, 503).times(1).after()).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, ASSIGN, CONNECT, PUBLISH]));
    s.expect_results(["onboarded"]);
    assert_done_once(&s);
}

#[tokio::test(start_paused = true)]
async fn an_assignment_whose_answers_were_lost_is_found_later() {
    let s = Given::demo().fault(Fault::status(ASSIGN, 503).times(3).after()).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, ASSIGN, ASSIGN, PUT_BACK]));
    s.expect_waiting();

    s.settle(1).await;
    s.expect_calls([TOKEN_FOR_RESULTS, &warm([CONNECT, PUBLISH])].concat());
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["roleAssignment"]["outcome"], "already-assigned");
    assert_done_once(&s);
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_answer_was_lost_is_found_later_and_never_posted_twice() {
    let s = Given::demo().fault(Fault::status(CONNECT, 503).times(1).after()).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, CONNECT, PUT_BACK]));
    s.expect_waiting();

    s.settle(1).await;
    s.expect_calls([TOKEN_FOR_RESULTS, &warm([PUBLISH])].concat());
    s.expect_results(["onboarded"]);
    assert_done_once(&s);
}

#[tokio::test(start_paused = true)]
async fn a_result_whose_answer_was_lost_is_published_again_under_its_id() {
    let s = Given::demo().fault(Fault::status(PUBLISH, 503).times(1).after()).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH, PUT_BACK]));
    s.expect_waiting();

    s.settle(1).await;
    s.expect_calls(warm([PUBLISH]));
    assert_one_id(&s.expect_results(["onboarded", "onboarded"]));
    assert_done_once(&s);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_killed_after_each_write_ends_the_same_when_it_comes_back() {
    for (killed_in, published) in [(ASSIGN, 1), (CONNECT, 1), (PUBLISH, 2)] {
        let slow = Fault::new(killed_in, Effect::Delay { seconds: 5 }).times(1).after();
        let s = Given::demo().fault(slow).start();
        let killed = tokio::time::timeout(Duration::from_secs(1), s.onboard(&s.cast.new)).await;
        assert!(killed.is_err(), "the delivery should have hung in {killed_in}");

        let again = s.settle(1).await;
        assert_eq!(again.iter().map(|delivery| delivery.fate).collect::<Vec<_>>(), [Fate::Done]);
        let calls = s.count_calls();
        assert_eq!(calls[ASSIGN], 1, "killed in {killed_in}: {calls:?}");
        assert_eq!(calls[CONNECT], 1, "killed in {killed_in}: {calls:?}");
        assert_done_once(&s);
        match published {
            1 => assert_one_id(&s.expect_results(["onboarded"])),
            _ => assert_one_id(&s.expect_results(["onboarded", "onboarded"])),
        }
    }
}
