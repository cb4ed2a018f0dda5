//! What becomes of the connection.

use ispm_onboarder_simulator::Fault;
use serde_json::{Value, json};

use super::{DISCONNECT, assert_result, given, given_alone, offboard, onboarded};
use crate::harness::{Given, store_secret};

const SHIPPED: &str = include_str!("../../../src/ispm/profiles/default.json");

/// A tenant where each scope has a connection of its own.
fn per_scope(given: Given) -> Given {
    let mut profile: Value = serde_json::from_str(SHIPPED).unwrap();
    profile["name"] = json!("own");
    profile["connectionPer"] = json!("scope");
    profile["connectionName"] = json!("azure-{scopeId}");
    profile["connection"]["where"]["/name"] = json!("{connectionName}");
    given.record(|record| record["ispm"]["connect"] = json!({"mode": "profile", "name": "own"})).world(|world, cast| {
        store_secret(world, cast, "ispm-onboarder-profile-own", &profile.to_string());
    })
}

#[tokio::test(start_paused = true)]
async fn the_only_one_is_removed_after_the_last_reader_and_not_before() {
    let s = given_alone().start();
    let (one, other) = (onboarded(&s, &s.cast.new).await, onboarded(&s, &s.cast.more[0]).await);
    offboard(&s, &one).await;
    assert!(!s.count_calls().contains_key(DISCONNECT));
    let [result] = s.expect_results(["offboarded"]);
    assert_result(&result, "removed", Some("connected"));
    offboard(&s, &other).await;
    assert_eq!(s.count_calls()[DISCONNECT], 1);
    let [result] = s.expect_results(["offboarded"]);
    assert_result(&result, "removed", Some("removed"));
    assert!(s.connections().is_empty());
    offboard(&s, &other).await;
    s.count_calls();
    let [result] = s.expect_results(["offboarded"]);
    assert_result(&result, "absent", None);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_resource_graph_still_shows_only_keeps_it_longer() {
    let s = given_alone().world(|world, _| world.settings.graph_lag_seconds = 600).start();
    let (one, other) = (onboarded(&s, &s.cast.new).await, onboarded(&s, &s.cast.more[0]).await);
    offboard(&s, &one).await;
    offboard(&s, &other).await;
    s.expect_results(["offboarded"; 2]);
    assert_eq!(s.connections().len(), 1);
    s.settle(1).await;
    offboard(&s, &other).await;
    s.count_calls();
    let [result] = s.expect_results(["offboarded"]);
    assert_result(&result, "absent", Some("removed"));
}

#[tokio::test(start_paused = true)]
async fn where_resource_graph_cannot_tell_it_stays() {
    let s = given_alone().start();
    let scope = onboarded(&s, &s.cast.new).await;
    s.fault(Fault::status("arm.resource-graph.query", 403));
    offboard(&s, &scope).await;
    s.count_calls();
    let [result] = s.expect_results(["offboarded"]);
    assert_result(&result, "removed", Some("connected"));
}

#[tokio::test(start_paused = true)]
async fn one_that_others_made_stays() {
    let s = given_alone().start();
    let scope = onboarded(&s, &s.cast.new).await;
    s.change(|world, cast| {
        let console = world.ispm.get_mut(&cast.ispm_host).unwrap();
        console.connections.values_mut().for_each(|connection| connection.managed_by = None);
    });
    offboard(&s, &scope).await;
    s.count_calls();
    let [result] = s.expect_results(["offboarded"]);
    assert_result(&result, "removed", Some("connected"));
    assert_eq!(s.connections().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_scopes_own_goes_with_its_scope() {
    let s = per_scope(given()).start();
    let scope = onboarded(&s, &s.cast.new).await;
    let others = format!("azure-{}", s.cast.by_hand);
    s.change(|world, cast| {
        let connections = &mut world.ispm.get_mut(&cast.ispm_host).unwrap().connections;
        let mut other = connections.values().next().unwrap().clone();
        other.name.clone_from(&others);
        connections.insert("another".to_owned(), other);
    });
    offboard(&s, &scope).await;
    s.count_calls();
    let [result] = s.expect_results(["offboarded"]);
    assert_result(&result, "removed", Some("removed"));
    let left = s.connections();
    assert_eq!((left.len(), left[0]["name"].as_str()), (1, Some(others.as_str())));
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_names_no_owner_removes_none() {
    let mut profile: Value = serde_json::from_str(SHIPPED).unwrap();
    profile["connection"]["owner"] = json!({});
    let s = given_alone()
        .record(|record| record["ispm"]["connect"] = json!({"mode": "profile", "name": "own"}))
        .world(|world, cast| {
            store_secret(world, cast, "ispm-onboarder-profile-own", &profile.to_string());
        })
        .start();
    let scope = onboarded(&s, &s.cast.new).await;
    offboard(&s, &scope).await;
    assert!(!s.count_calls().contains_key(DISCONNECT));
    s.expect_results(["offboarded"]);
}

#[tokio::test(start_paused = true)]
async fn in_console_mode_there_is_none_to_remove() {
    let s = given_alone().record(|record| record["ispm"]["connect"] = json!({"mode": "console"})).start();
    let scope = crate::harness::subscription(&s.cast.new);
    s.onboard(&s.cast.new).await;
    s.expect_results(["pending awaiting-console"]);
    offboard(&s, &scope).await;
    s.count_calls();
    let [result] = s.expect_results(["offboarded"]);
    assert_result(&result, "removed", None);
}
