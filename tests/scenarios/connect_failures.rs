//! ISPM refuses, is down, or knows another directory.

use std::time::Duration;

use ispm_onboarder_simulator::{Effect, Fault};
use serde_json::Value;

use crate::harness::{ASSIGN, CONNECT, EPOCH, Given, PUBLISH, PUT_BACK, Scenario, cold, subscription};

const ALL: &str = "ispm.*";

#[tokio::test(start_paused = true)]
async fn what_ispm_refuses_for_good_fails_with_a_hint() {
    for status in [400, 404, 422] {
        let s = Given::demo().fault(Fault::status(CONNECT, status)).start();
        s.onboard(&s.cast.by_hand).await;
        s.expect_calls(cold([CONNECT, PUBLISH]));
        let [result] = s.expect_results(["failed connection-refused"]);
        assert!(result["data"]["message"].as_str().is_some_and(|words| words.contains(&status.to_string())), "{result:#}");
        assert!(result["data"]["hint"].is_string());
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_put_back_and_the_post_is_never_repeated() {
    let reset = Fault::new(CONNECT, Effect::Reset);
    let garbled = Fault::new(CONNECT, Effect::InvalidJson).after();
    let html = Fault::new(CONNECT, Effect::Html { status: 502 });
    let faults = [408, 429, 500, 503].map(|status| Fault::status(CONNECT, status));
    for fault in faults.into_iter().chain([reset, garbled, html]) {
        let told = fault.to_string();
        let s = Given::demo().fault(fault.times(1)).start();
        s.onboard(&s.cast.by_hand).await;
        s.expect_calls(cold([CONNECT, PUT_BACK]));
        s.expect_waiting();
        s.settle(1).await;
        s.count_calls();
        s.expect_results(["onboarded"]);
        assert_eq!(s.connections().len(), 1, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_accepted_and_not_made_yet_is_waited_for() {
    // 202: accepted, then poll. The world has it, the answer says only that it was taken in.
    let s = Given::demo().fault(Fault::status(CONNECT, 202).times(1).after()).start();
    s.onboard(&s.cast.by_hand).await;
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
    assert_eq!(s.connections().len(), 1);
}

/// Accounts for everything up to the first day's end, and gives the tenant's failures.
async fn told_of_tenant<const N: usize>(s: &Scenario, expected: [&str; N]) -> [Value; N] {
    s.deliver(s.event("one", &subscription(&s.cast.by_hand))).await;
    s.deliver(s.event("two", &subscription(&s.cast.new))).await;
    s.settle(3).await;
    let results = s.expect_results(expected);
    for result in &results {
        assert_eq!(result["subject"], s.cast.tenant);
        assert!(result["data"]["hint"].is_string(), "{result:#}");
        assert!(result["data"].get("scope").is_none(), "{result:#}");
    }
    results
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ispm_refuses_is_the_tenants_trouble_told_once_and_mended_later() {
    for status in [401, 403] {
        let s = Given::demo().fault(Fault::status(ALL, status)).start();
        let [told] = told_of_tenant(&s, ["tenant.failed ispm-refused"]).await;
        if status == 401 {
            insta::assert_json_snapshot!("tenant_failed", told, { ".data.message" => "[words]", ".data.hint" => "[words]" });
        }
        let [_, _] = s.expect_all_waiting();
        assert!(!s.count_calls().contains_key(ASSIGN), "nothing is written for a tenant that cannot be served");

        s.mend();
        s.settle(1).await;
        s.count_calls();
        s.expect_results(["onboarded", "onboarded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenants_trouble_is_told_once_a_day_and_its_requests_fail_after_24_hours() {
    let s = Given::demo().fault(Fault::status(ALL, 401)).start();
    s.onboard(&s.cast.by_hand).await;
    s.settle(26).await;
    s.count_calls();
    let [today, tomorrow, failed] = s.expect_results(["tenant.failed ispm-refused", "tenant.failed ispm-refused", "failed ispm-refused"]);
    assert_ne!(today["id"], tomorrow["id"], "another day is another event");
    assert_eq!(failed["subject"], subscription(&s.cast.by_hand));
    assert!(failed["data"]["hint"].as_str().is_some_and(|words| words.contains("24 hours")), "{failed:#}");
}

#[tokio::test(start_paused = true)]
async fn another_process_tells_the_same_day_under_the_same_id() {
    let mut ids = Vec::new();
    for _ in 0..2 {
        let s = Given::demo().fault(Fault::status(ALL, 401)).start();
        s.onboard(&s.cast.by_hand).await;
        s.count_calls();
        s.expect_waiting();
        let [told] = s.expect_results(["tenant.failed ispm-refused"]);
        assert!(told["time"].as_str().is_some_and(|time| time.starts_with(&EPOCH.date().to_string())));
        ids.push(told["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test(start_paused = true)]
async fn a_token_refused_once_is_cured_by_a_new_session() {
    let s = Given::demo().fault(Fault::status("ispm.connections.list", 401).times(1)).start();
    s.onboard(&s.cast.by_hand).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_ispm_does_not_have_is_the_tenants_trouble() {
    let s = Given::demo().record(|record| record["ispm"]["entraSource"] = "Contosso".into()).start();
    let [told] = told_of_tenant(&s, ["tenant.failed related-source-mismatch"]).await;
    assert!(told["data"]["message"].as_str().is_some_and(|words| words.contains("Contosso")), "{told:#}");
    let [_, _] = s.expect_all_waiting();
    assert!(!s.count_calls().contains_key(ASSIGN));
}

#[tokio::test(start_paused = true)]
async fn a_source_of_another_directory_is_the_tenants_trouble() {
    let s = Given::demo()
        .world(|world, cast| {
            let console = world.ispm.get_mut(&cast.ispm_host).expect("the demo has a console");
            let source = console.sources.values_mut().next().expect("the console has a source");
            "99999999-9999-4999-8999-999999999999".clone_into(&mut source.directory_id);
        })
        .start();
    told_of_tenant(&s, ["tenant.failed related-source-mismatch"]).await;
    let [_, _] = s.expect_all_waiting();
    assert!(!s.count_calls().contains_key(ASSIGN));
    assert!(s.connections().is_empty());
}

#[tokio::test(start_paused = true)]
async fn ispm_down_for_an_hour_loses_nothing() {
    let s = Given::demo().fault(Fault::status(ALL, 503)).start();
    s.onboard(&s.cast.new).await;
    s.settle_for(Duration::from_hours(1)).await;
    assert!(!s.count_calls().contains_key(PUBLISH), "later publishes nothing");
    s.expect_waiting();
    s.mend();
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}
