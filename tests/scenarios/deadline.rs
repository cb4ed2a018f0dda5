//! The 25 seconds of a delivery. The account checks that every trigger is answered within Event Grid's 30.

use ispm_onboarder_simulator::{Effect, Fault};

use crate::harness::{ASSIGN, CONNECT, Given, NEXT_DELIVERY, PUBLISH, PUT_BACK, SECRET_STORE, Scenario, subscription};

fn slow(operation: &str, seconds: u64) -> Fault {
    Fault::new(operation, Effect::Delay { seconds })
}

/// Accounts for a request that was put back in time, lets the cloud recover, and accounts for its success.
async fn recovers(s: &Scenario) {
    s.expect_waiting();
    s.mend();
    s.settle(1).await;
    let calls = s.count_calls();
    assert_eq!(calls[PUBLISH], 1, "{calls:?}");
    s.expect_results(["onboarded"]);
    assert_eq!(s.assignments_at(&subscription(&s.cast.new)).len(), 1);
    assert_eq!(s.connections().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn calls_that_hang_are_put_back_and_answered_in_time() {
    for hanging in ["arm.subscription.get", "arm.role-assignments.list", ASSIGN, "ispm.*", "graph.*", "entra.token", SECRET_STORE] {
        let s = Given::demo().fault(slow(hanging, 3600)).start();
        let delivery = s.onboard(&s.cast.new).await;
        assert_eq!(delivery.status, 200, "{hanging}");
        s.count_calls();
        recovers(&s).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_is_slow_everywhere_is_put_back_and_answered_in_time() {
    let s = Given::demo().fault(slow("arm.*", 7)).fault(slow("ispm.*", 7)).fault(slow(SECRET_STORE, 2)).start();
    let delivery = s.onboard(&s.cast.new).await;
    assert_eq!(delivery.status, 200);
    s.count_calls();
    recovers(&s).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_takes_longer_than_the_delivery_is_not_made_twice() {
    let s = Given::demo().fault(slow(CONNECT, 3600).after()).start();
    let delivery = s.onboard(&s.cast.new).await;
    assert_eq!(delivery.status, 200);
    let calls = s.count_calls();
    assert_eq!(calls[CONNECT], 1, "{calls:?}");
    recovers(&s).await;
}

#[tokio::test(start_paused = true)]
async fn a_results_topic_that_hangs_leaves_time_to_put_the_request_back() {
    let s = Given::demo().fault(slow(PUBLISH, 3600)).start();
    let delivery = s.onboard(&s.cast.new).await;
    assert_eq!(delivery.status, 200);
    s.count_calls();
    recovers(&s).await;
}

#[tokio::test(start_paused = true)]
async fn a_results_topic_that_hangs_after_slow_work_leaves_time_to_put_the_request_back() {
    // The work ends just before the deadline.
    let s = Given::demo()
        .fault(slow("arm.subscription.get", 9))
        .fault(slow(ASSIGN, 9))
        .fault(slow(CONNECT, 6))
        .fault(slow(PUBLISH, 3600))
        .start();
    let delivery = s.onboard(&s.cast.new).await;
    assert_eq!(delivery.status, 200, "{}", String::from_utf8_lossy(&delivery.answer));
    s.count_calls();
    recovers(&s).await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_hangs_is_answered_in_time_too() {
    let s = Given::demo().fault(slow("arm.*", 3600)).fault(slow(PUT_BACK, 3600)).start();
    let delivery = s.onboard(&s.cast.new).await;
    assert_eq!(delivery.status, 500, "the event has to come again");
    s.mend();
    s.settle_for(NEXT_DELIVERY).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_is_answered_while_the_vault_hangs() {
    let s = Given::demo().fault(slow(SECRET_STORE, 3600)).start();
    let delivery = s.deliver(s.event("bad", "/subscriptions/not-an-id")).await;
    assert_eq!(delivery.status, 200, "{}", String::from_utf8_lossy(&delivery.answer));
    s.count_calls();
    s.expect_results(["failed invalid-scope"]);
}

#[tokio::test(start_paused = true)]
async fn several_events_in_one_call_share_its_time() {
    let s = Given::demo().fault(slow("arm.*", 3600)).fault(slow(PUT_BACK, 3)).start();
    let events: Vec<_> = [&s.cast.new, &s.cast.by_hand, &s.cast.inherited].into_iter().map(|id| s.event(id, &subscription(id))).collect();
    s.deliver(serde_json::Value::Array(events)).await;
    s.mend();
    s.settle(1).await;
    s.count_calls();
    let results = s.distinct_results();
    assert_eq!(results.values().collect::<Vec<_>>(), ["onboarded"; 3], "nothing is lost");
}
