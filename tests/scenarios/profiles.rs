//! Connect profiles of the customer's own.

use serde_json::{Value, json};

use crate::harness::{ASSIGN, CONNECT, Given, PUBLISH, cold, store_secret};

const SHIPPED: &str = include_str!("../../src/ispm/profiles/default.json");

/// A world whose tenant uses this profile.
fn given(profile: &str) -> Given {
    Given::demo().record(|record| record["ispm"]["connect"] = json!({"mode": "profile", "name": "gateway"})).world(|world, cast| {
        store_secret(world, cast, "ispm-onboarder-profile-gateway", profile);
    })
}

fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut profile: Value = serde_json::from_str(SHIPPED).expect("the shipped profile is JSON");
    profile["name"] = json!("gateway");
    change(&mut profile);
    profile.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_profile_of_the_customers_own_makes_the_connection_its_way() {
    let s = given(&changed(|profile| profile["connectionName"] = json!("cloud-{tenantId}-azure"))).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    let name = format!("cloud-{}-azure", s.cast.tenant);
    assert_eq!(result["data"]["connection"]["name"], name);
    assert_eq!(s.connections()[0]["name"], name);
}

/// Delivers an event under a profile that cannot be used, mends the profile, and accounts for both.
async fn is_told_and_mended(profile: &str, place: &str) {
    let s = given(profile).start();
    s.onboard(&s.cast.new).await;
    let [told] = s.expect_results(["tenant.failed profile-invalid"]);
    let message = told["data"]["message"].as_str().unwrap_or_default();
    assert!(message.contains(place) && message.contains("gateway"), "{place:?} in {message:?}");
    assert!(told["data"]["hint"].is_string());
    s.expect_waiting();

    s.change(|world, cast| {
        store_secret(world, cast, "ispm-onboarder-profile-gateway", &changed(|_| {}));
    });
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_broken_profile_is_the_tenants_trouble_told_with_its_place() {
    is_told_and_mended("{\"schemaVersion\": 1", "not valid").await;
    is_told_and_mended(&changed(|profile| profile["surprise"] = json!(true)), "surprise").await;
    is_told_and_mended(&changed(|profile| drop(profile["find"].as_object_mut().map(|find| find.remove("items")))), "items").await;
}

#[tokio::test(start_paused = true)]
async fn a_status_that_the_profile_does_not_map_is_the_tenants_trouble() {
    let unmapped = changed(|profile| {
        let statuses = profile["connection"]["statuses"].as_object_mut().expect("the shipped profile maps statuses");
        statuses.remove("connected");
        statuses.remove("pending");
    });
    is_told_and_mended(&unmapped, "does not map").await;
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_is_not_in_the_store_is_the_tenants_trouble() {
    let s = Given::demo().record(|record| record["ispm"]["connect"] = json!({"mode": "profile", "name": "gateway"})).start();
    s.onboard(&s.cast.new).await;
    s.count_calls();
    let [told] = s.expect_results(["tenant.failed secret-missing"]);
    assert!(told["data"]["message"].as_str().is_some_and(|words| words.contains("ispm-onboarder-profile-gateway")), "{told:#}");
    s.expect_waiting();
}
