//! The connection in ISPM: found, made, met under another's hand, tested, or left to a person.

use ispm_onboarder_simulator::world::{Connection, Status};
use ispm_onboarder_simulator::{DemoCast, World};
use serde_json::json;
use time::Duration;

use crate::harness::{ASSIGN, COLD_START, CONNECT, EPOCH, Given, PUBLISH, PUT_BACK, cold, store_secret, stored_secret, subscription, warm};

const MINUTE: u64 = 60;

fn add_connection(world: &mut World, cast: &DemoCast, name: &str, source: &str) {
    let connection = Connection {
        name: name.to_owned(),
        related_source: source.to_owned(),
        status: Status::Connected,
        cause: None,
        managed_by: None,
        created_at: EPOCH - Duration::days(30),
    };
    world.ispm.get_mut(&cast.ispm_host).expect("the demo has a console").connections.insert("made-by-hand".to_owned(), connection);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_someone_made_under_another_name_is_found_and_kept() {
    let s = Given::demo().world(|world, cast| add_connection(world, cast, "Azure (Alice)", &cast.entra_source)).start();
    s.onboard(&s.cast.by_hand).await;
    s.expect_calls(cold([PUBLISH]));
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["connection"], json!({"id": "made-by-hand", "name": "Azure (Alice)", "status": "connected"}));
    assert_eq!(s.connections().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_made_between_the_look_and_the_write_is_read_and_taken() {
    let s = Given::demo().start();
    let event = s.asking_for(&s.cast.by_hand);
    tokio::join!(s.deliver(event.clone()), s.deliver(event.clone()));
    let calls = s.count_calls();
    assert_eq!(
        (calls[CONNECT], calls["ispm.connections.get"]),
        (2, 1),
        "one POST makes it, the other is answered 409 and reads it: {calls:?}"
    );
    let [one, two] = s.expect_results(["onboarded", "onboarded"]);
    assert_eq!(one["data"]["connection"]["id"], two["data"]["connection"]["id"]);
    assert_eq!(s.connections().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn our_name_on_another_sources_connection_is_a_conflict_and_not_overwritten() {
    let s = Given::demo().world(|world, cast| add_connection(world, cast, &format!("azure-{}", cast.tenant), "Fabrikam Entra ID")).start();
    let before = s.connections();
    s.onboard(&s.cast.by_hand).await;
    s.expect_calls(cold([CONNECT, "ispm.connections.get", "ispm.connections.list", PUBLISH]));
    let [result] = s.expect_results(["failed connection-conflict"]);
    assert!(result["data"]["message"].as_str().is_some_and(|words| words.contains(&s.cast.tenant)), "{result:#}");
    assert!(result["data"]["hint"].is_string());
    let after = s.connections();
    assert_eq!(after.len(), 1);
    assert_eq!((&after[0]["name"], &after[0]["relatedSource"]), (&before[0]["name"], &before[0]["relatedSource"]));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_being_tested_is_waited_for() {
    let s = Given::demo().world(|world, _| world.settings.connection_test_seconds = 10 * MINUTE).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, CONNECT, PUT_BACK]));
    assert_eq!(s.expect_waiting().attempts(), 1);

    s.settle(1).await;
    let calls = s.count_calls();
    assert_eq!((calls.get(ASSIGN), calls.get(CONNECT), calls[PUBLISH]), (None, None, 1), "{calls:?}");
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["connection"]["status"], "connected");
}

#[tokio::test(start_paused = true)]
async fn a_connection_still_being_tested_when_the_window_is_over_is_reported_as_pending() {
    let s = Given::demo().world(|world, _| world.settings.connection_test_seconds = 24 * 60 * MINUTE).start();
    s.onboard(&s.cast.new).await;
    s.settle(3).await;
    s.count_calls();
    let [result] = s.expect_results(["pending connection-pending"]);
    assert_eq!(result["data"]["connection"]["status"], "pending");
    insta::assert_json_snapshot!("pending", result, { ".data.message" => "[words]", ".data.hint" => "[words]" });
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_fails_while_reader_takes_effect_is_waited_for() {
    let s = Given::demo()
        .world(|world, cast| {
            world.tenant_mut(&cast.tenant).role_assignments.clear();
            world.settings.propagation_seconds = 10 * MINUTE;
        })
        .start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, CONNECT, PUT_BACK]));
    s.expect_waiting();
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_still_fails_when_the_window_is_over_fails_with_ispms_cause() {
    let s = Given::demo()
        .world(|world, cast| {
            let console = world.ispm.get_mut(&cast.ispm_host).expect("the demo has a console");
            let source = console.sources.values_mut().next().expect("the console has a source");
            // ISPM signs in as an app that has no Reader.
            cast.login_client_id.clone_into(&mut source.client_id);
        })
        .start();
    s.onboard(&s.cast.new).await;
    s.settle(3).await;
    s.count_calls();
    let [result] = s.expect_results(["failed connection-failed"]);
    assert!(
        result["data"]["message"].as_str().is_some_and(|words| words.contains("missing") && words.contains("permissions")),
        "{result:#}"
    );
    assert!(result["data"]["hint"].is_string());
}

/// Where no interface makes connections, a person does.
mod console {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_role_is_assigned_and_the_person_told_what_to_choose() {
        let s = Given::demo().record(|record| record["ispm"]["connect"] = json!({"mode": "console"})).start();
        s.onboard(&s.cast.new).await;
        let reads = ["arm.subscription.get", "arm.role-assignments.list", "graph.service-principal.get"];
        s.expect_calls([&[COLD_START][..], &reads, &[ASSIGN, PUBLISH]].concat());
        let [result] = s.expect_results(["pending awaiting-console"]);
        assert_eq!(result["data"]["connection"]["status"], "awaiting-console");
        let hint = result["data"]["hint"].as_str().unwrap_or_default();
        for choice in ["Azure Cloud", &s.cast.entra_source, &format!("azure-{}", s.cast.tenant)] {
            assert!(hint.contains(choice), "{choice:?} in {hint:?}");
        }
        assert_eq!(s.assignments_at(&subscription(&s.cast.new)).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn no_token_of_ispm_is_needed() {
        let s = Given::demo()
            .record(|record| {
                record["ispm"]["connect"] = json!({"mode": "console"});
                record["ispm"].as_object_mut().and_then(|ispm| ispm.remove("tokenSecretName"));
            })
            .start();
        s.onboard(&s.cast.new).await;
        assert!(!s.count_calls().keys().any(|name| name.starts_with("ispm.")));
        s.expect_results(["pending awaiting-console"]);
    }

    #[tokio::test(start_paused = true)]
    async fn consumers_see_one_request_per_tenant_and_entra_source() {
        let s = Given::demo().record(|record| record["ispm"]["connect"] = json!({"mode": "console"})).start();
        s.deliver(s.event("one", &subscription(&s.cast.new))).await;
        s.deliver(s.event("two", &subscription(&s.cast.by_hand))).await;
        s.change(|world, cast| {
            let record = stored_secret(world, cast, &format!("ispm-onboarder-{}", cast.tenant));
            let other = record.replace(&cast.entra_source, "Contoso Entra ID (EU)");
            store_secret(world, cast, &format!("ispm-onboarder-{}", cast.tenant), &other);
        });
        s.settle(1).await;
        s.deliver(s.event("three", &subscription(&s.cast.new))).await;
        s.count_calls();
        let [one, two, other] = s.expect_results(["pending awaiting-console"; 3]);
        assert_eq!(one["id"], two["id"], "one tenant, one source");
        assert_ne!(one["id"], other["id"], "another source");
    }
}

#[tokio::test(start_paused = true)]
async fn the_related_source_is_checked_once_a_session() {
    let s = Given::demo().start();
    s.warm_up().await;
    s.onboard(&s.cast.new).await;
    s.expect_calls(warm([ASSIGN, PUBLISH]));
    s.expect_results(["onboarded"]);
}
