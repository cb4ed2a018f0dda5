//! What is left at scopes that are kept out or gone: always reported, taken back only where it was made here and the policy says so.

use ispm_onboarder_simulator::World;
use ispm_onboarder_simulator::world::{Connection, Scope, Status};
use serde_json::{Value, json};

use crate::harness::{ASSIGN, CONNECT, EPOCH, Given, PUT_BACK, Scenario, group, store_secret, subscription};
use crate::sweep::{given, requests, row};

const REMOVE: &str = "arm.role-assignments.delete";

/// Onboards everything, and accounts for it.
async fn onboarded(given: Given) -> Scenario {
    let s = given.start();
    s.sweep().await;
    s.settle(1).await;
    s.sweep().await;
    s.count_calls();
    s.distinct_results();
    assert_eq!(s.report().await["totals"]["missing"], 0);
    s
}

/// Puts this policy into the record, and waits until it is read.
async fn change_policy(s: &Scenario, policy: Value) {
    let mut record = s.record();
    record["policy"] = policy;
    s.put_record(&record);
    s.settle(1).await;
}

/// Sweeps, and answers the orphans.
async fn orphans(s: &Scenario) -> Vec<Value> {
    s.sweep().await;
    s.report().await["orphans"].as_array().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn our_reader_at_what_the_policy_keeps_out_now_is_reported_and_left() {
    let s = onboarded(given()).await;
    let scope = subscription(&s.cast.new);
    change_policy(&s, json!({"exclude": [{"name": "payments"}], "offboard": "never"})).await;
    let [orphan] = orphans(&s).await.try_into().unwrap();
    assert_eq!((&orphan["kind"], &orphan["ours"], &orphan["scope"]), (&json!("role-assignment"), &json!(true), &json!(scope)));
    assert_eq!(orphan["why"], "policy.exclude {\"name\": \"payments\"}");
    assert_eq!(orphan["id"].as_str().map(str::to_lowercase), s.assignments_at(&scope).first().map(|found| found.id.to_lowercase()));
    assert!(s.waiting_texts().is_empty());
    s.settle(2).await;
    assert_eq!(s.assignments_at(&scope).len(), 1);
    assert!(!s.count_calls().contains_key(REMOVE));
}

#[tokio::test(start_paused = true)]
async fn where_the_policy_says_so_it_is_taken_back_once_and_not_brought_back() {
    let s = onboarded(given()).await;
    let scope = subscription(&s.cast.new);
    change_policy(&s, json!({"exclude": [{"id": s.cast.new}], "offboard": "excluded-or-gone"})).await;
    assert_eq!(orphans(&s).await.len(), 1);
    assert_eq!(requests(&s), [format!("offboard {scope}")]);
    s.settle(1).await;
    let [result] = s.expect_results(["offboarded"]);
    assert_eq!((&result["subject"], &result["data"]["roleAssignment"]["outcome"]), (&json!(scope), &json!("removed")));
    assert_eq!(result["data"]["cause"]["source"], "urn:ispm-onboarder:sweep");
    assert!(s.assignments_at(&scope).is_empty());
    assert_eq!(s.connections().len(), 1, "the others need it");
    s.count_calls();

    assert!(orphans(&s).await.is_empty());
    let report = s.report().await;
    let new = row(&report, &s.cast.new);
    assert_eq!((&new["role"], &new["verdict"]), (&json!("missing"), &json!("excluded")));
    s.settle(3).await;
    s.sweep().await;
    let calls = s.count_calls();
    for write in [ASSIGN, CONNECT, PUT_BACK, REMOVE] {
        assert!(!calls.contains_key(write), "{write} in {calls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_assigned_there_is_reported_as_theirs_and_stays() {
    let s = onboarded(given()).await;
    let scope = subscription(&s.cast.by_hand);
    change_policy(&s, json!({"exclude": [{"id": s.cast.by_hand}], "offboard": "excluded-or-gone"})).await;
    let [orphan] = orphans(&s).await.try_into().unwrap();
    assert_eq!((&orphan["ours"], &orphan["scope"]), (&json!(false), &json!(scope)), "{orphan:#}");
    assert!(s.waiting_texts().is_empty());
    s.settle(2).await;
    assert_eq!(s.assignments_at(&scope).len(), 1);
    assert!(!s.count_calls().contains_key(REMOVE));
}

#[tokio::test(start_paused = true)]
async fn what_is_only_switched_off_keeps_its_reader() {
    let s = onboarded(given().record(|record| record["policy"] = json!({"offboard": "excluded-or-gone"}))).await;
    s.change(|world, cast| {
        let tenant = world.tenant_mut(&cast.tenant);
        "Disabled".clone_into(&mut tenant.subscriptions.get_mut(&cast.new).unwrap().state);
    });
    let [orphan] = orphans(&s).await.try_into().unwrap();
    assert_eq!((&orphan["ours"], &orphan["why"]), (&json!(true), &json!("is Disabled")));
    assert!(s.waiting_texts().is_empty(), "it may be switched on again");
    s.count_calls();
}

/// A tenant where each scope has a connection of its own, which are listed all at once. They are there already, as onboarding would have made
/// them: the simulated console makes one for each source.
fn per_scope(offboard: &str) -> Given {
    let mut profile: Value = serde_json::from_str(include_str!("../../src/ispm/profiles/default.json")).unwrap();
    profile["name"] = json!("own");
    profile["connectionPer"] = json!("scope");
    profile["connectionName"] = json!("azure-{scopeId}");
    profile["connection"]["where"]["/name"] = json!("{connectionName}");
    let change = |record: &mut Value| {
        record["ispm"]["connect"] = json!({"mode": "profile", "name": "own"});
        record["policy"]["offboard"] = json!(offboard);
    };
    given().record(change).world(|world, cast| {
        store_secret(world, cast, "ispm-onboarder-profile-own", &profile.to_string());
        let ids: Vec<String> = world.tenant_mut(&cast.tenant).subscriptions.keys().filter(|id| **id != cast.disabled).cloned().collect();
        let console = world.ispm.get_mut(&cast.ispm_host).unwrap();
        for id in ids {
            let connection = Connection {
                name: format!("azure-{id}"),
                related_source: cast.entra_source.clone(),
                status: Status::Connected,
                cause: None,
                managed_by: Some("ispm-onboarder/1".to_owned()),
                created_at: EPOCH,
            };
            console.connections.insert(format!("connection-{id}"), connection);
        }
    })
}

/// Deletes `new`, with its role assignment, as Azure does.
fn delete_new(s: &Scenario) {
    s.change(|world: &mut World, cast| {
        let tenant = world.tenant_mut(&cast.tenant);
        tenant.subscriptions.remove(&cast.new);
        let scope = Scope::Subscription(cast.new.clone());
        tenant.role_assignments.retain(|_, found| found.scope != scope);
    });
}

fn is_connected(s: &Scenario, id: &str) -> bool {
    s.connections().iter().any(|connection| connection["name"] == format!("azure-{id}"))
}

#[tokio::test(start_paused = true)]
async fn the_connection_of_a_subscription_that_is_gone_is_reported_and_left() {
    let s = onboarded(per_scope("never")).await;
    assert!(is_connected(&s, &s.cast.new));
    delete_new(&s);
    for _ in 0..2 {
        let [orphan] = orphans(&s).await.try_into().unwrap();
        let scope = subscription(&s.cast.new);
        assert_eq!((&orphan["kind"], &orphan["ours"], &orphan["scope"]), (&json!("connection"), &json!(true), &json!(scope)), "{orphan:#}");
    }
    assert!(s.waiting_texts().is_empty() && is_connected(&s, &s.cast.new));
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn where_the_policy_says_so_it_goes_too() {
    let s = onboarded(per_scope("excluded-or-gone")).await;
    delete_new(&s);
    assert_eq!(orphans(&s).await.len(), 1);
    assert_eq!(requests(&s), [format!("offboard {}", subscription(&s.cast.new))]);
    s.settle(2).await;
    s.expect_results(["offboarded"]);
    assert!(!is_connected(&s, &s.cast.new) && is_connected(&s, &s.cast.more[0]));
    assert!(orphans(&s).await.is_empty() && s.waiting_texts().is_empty());
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn it_goes_even_where_an_earlier_sweep_could_not_ask_for_it() {
    let s = onboarded(per_scope("never")).await;
    delete_new(&s);
    assert_eq!(orphans(&s).await.len(), 1);
    change_policy(&s, json!({"offboard": "excluded-or-gone"})).await;
    assert_eq!(orphans(&s).await.len(), 1);
    assert_eq!(requests(&s), [format!("offboard {}", subscription(&s.cast.new))]);
    s.settle(2).await;
    s.expect_results(["offboarded"]);
    assert!(!is_connected(&s, &s.cast.new));
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn the_connection_of_a_management_group_is_no_orphan() {
    let s = per_scope("excluded-or-gone")
        .world(|world, cast| {
            let console = world.ispm.get_mut(&cast.ispm_host).unwrap();
            let mut corp = console.connections.values().next().unwrap().clone();
            "azure-corp".clone_into(&mut corp.name);
            console.connections.insert("connection-corp".to_owned(), corp);
        })
        .start();
    assert!(orphans(&s).await.is_empty());
    let report = s.report().await;
    let connections = report["connections"].as_array().unwrap();
    assert!(connections.iter().any(|row| row["id"] == "connection-corp" && row["scope"] == group("corp")), "{connections:#?}");
    s.forgive_what_waits();
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn the_connection_of_what_the_policy_keeps_out_goes_with_its_reader() {
    let s = onboarded(per_scope("never")).await;
    change_policy(&s, json!({"exclude": [{"id": s.cast.new}], "offboard": "excluded-or-gone"})).await;
    let mut kinds: Vec<String> = orphans(&s).await.iter().map(|orphan| orphan["kind"].to_string()).collect();
    kinds.sort();
    assert_eq!(kinds, ["\"connection\"", "\"role-assignment\""]);
    s.settle(1).await;
    s.expect_results(["offboarded"]);
    assert!(!is_connected(&s, &s.cast.new) && s.assignments_at(&subscription(&s.cast.new)).is_empty());
    assert!(orphans(&s).await.is_empty());
    s.count_calls();
}
