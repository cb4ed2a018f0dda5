//! `ispm-onboarder sweep`

use ispm_onboarder_simulator::world::{Connection, Status};
use ispm_onboarder_simulator::{DemoCast, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::Ran;
use crate::simulator::Simulator;

impl Simulator {
    fn sweep(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["sweep"], arguments].concat())
    }

    /// What the one tenant's sweep came to.
    fn swept(&self, arguments: &[&str]) -> Value {
        let ran = self.sweep(&[&["--output", "json"], arguments].concat());
        let [document] = ran.document()["tenants"].as_array().unwrap().clone().try_into().unwrap();
        document
    }

    /// Lets time pass until the late subscription shows.
    async fn five_minutes_later(&self) {
        self.control(Method::POST, "clock", Some(&json!({ "advanceSeconds": 300 }))).await;
    }

    /// The same, without the subscription that can have no further role.
    async fn calm(&self, cast: &DemoCast) {
        self.five_minutes_later().await;
        self.control(Method::DELETE, &format!("subscriptions/{}", cast.at_limit), None).await;
    }
}

fn count(document: &Value, member: &str) -> Option<usize> {
    document[member].as_array().map(Vec::len)
}

/// An estate of 60 with another tenant record.
fn with_record(change: impl FnOnce(&mut Value)) -> World {
    let (mut world, cast) = (World::demo(60), DemoCast::of(60));
    let name = format!("ispm-onboarder-{}", cast.tenant);
    let record = world.vaults[&cast.vault].secret(&name, None).unwrap().value.reveal().to_owned();
    let mut record: Value = serde_json::from_str(&record).unwrap();
    change(&mut record);
    world.set_secret(&cast.vault, &name, &record.to_string());
    world
}

#[tokio::test]
async fn a_dry_run_says_what_it_would_do_and_changes_nothing() {
    let simulator = Simulator::start_of(60).await;
    let before = simulator.world().await;
    let ran = simulator.sweep(&["--dry-run"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let new = simulator.variable("SIMULATOR_SUBSCRIPTION_ID");
    for words in ["WOULD", "payments", new, "would onboard 56 and offboard 0", "54 subscriptions right below the management group sandbox"]
    {
        assert!(ran.stdout.contains(words), "{words} in\n{}", ran.stdout);
    }
    let swept = simulator.swept(&["--dry-run"]);
    assert_eq!((count(&swept, "wanted"), count(&swept, "results"), &swept["enqueued"]), (Some(56), Some(0), &json!(0)));
    assert_eq!(simulator.world().await, before);
}

#[tokio::test]
async fn after_a_sweep_nothing_is_missing_and_the_next_plans_and_changes_nothing() {
    let simulator = Simulator::start_of(1000).await;
    simulator.five_minutes_later().await;
    let ran = simulator.sweep(&[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("997 onboarded") && !ran.stdout.contains("WHY"), "of many, only those that need a look: {}", ran.stdout);
    let totals = simulator.run(&["coverage", "--output", "json"]).document()["totals"].clone();
    assert_eq!(totals, json!({ "covered": 999, "pending": 0, "missing": 0, "failed": 0, "excluded": 1 }));

    let before = simulator.world().await;
    assert_eq!(before["connections"].as_array().map(Vec::len), Some(1));
    let swept = simulator.swept(&[]);
    assert_eq!((count(&swept, "wanted"), count(&swept, "results"), count(&swept, "notDone")), (Some(0), Some(0), Some(0)));
    let ran = simulator.sweep(&[]);
    assert!(ran.code == Some(0) && ran.stdout.contains("nothing to do"), "{ran:?}");
    let after = simulator.world().await;
    for what in ["roleAssignments", "connections", "results", "queues"] {
        assert_eq!(before[what], after[what], "{what}");
    }
}

#[tokio::test]
async fn one_that_fails_is_exit_1_with_a_hint_and_keeps_no_other() {
    let (simulator, cast) = (Simulator::start_in(&World::demo(60)).await, DemoCast::of(60));
    let ran = simulator.sweep(&[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("55 onboarded"), "{}", ran.stdout);
    assert!(ran.hints().iter().any(|hint| hint.contains(&cast.at_limit)), "{ran:?}");
    let report = simulator.run(&["coverage", "--output", "json"]).document();
    assert_eq!(report["totals"]["missing"], 1);
    let rows = report["scopes"].as_array().unwrap();
    assert!(rows.iter().all(|row| (row["verdict"] == "missing") == row["scope"].as_str().unwrap().ends_with(&cast.at_limit)));
}

#[tokio::test]
async fn to_the_queue_it_does_nothing_itself() {
    let mut simulator = Simulator::start_of(60).await;
    let before = simulator.world().await;
    let ran = simulator.sweep(&["--enqueue"]);
    assert!(ran.code == Some(0) && ran.stdout.contains("56 requests are in the queue"), "{ran:?}");
    let after = simulator.world().await;
    assert_eq!((&before["roleAssignments"], &before["connections"]), (&after["roleAssignments"], &after["connections"]));
    let messages = simulator.messages().await;
    assert_eq!(messages.len(), 56);
    for message in messages {
        let text = message["text"].as_str().unwrap_or_else(|| panic!("{message:#}"));
        let request: Value = serde_json::from_str(text).unwrap();
        assert_eq!((&request["action"], &request["cause"]["source"]), (&json!("onboard"), &json!("urn:ispm-onboarder:sweep")), "{text}");
    }
    let refused = simulator.sweep(&["--enqueue", "--dry-run"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
    simulator.environment.remove("ONBOARDER_QUEUE");
    let refused = simulator.sweep(&["--enqueue"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("ONBOARDER_QUEUE"), "{refused:?}");
}

#[tokio::test]
async fn without_a_tenant_every_record_is_swept_and_a_broken_one_keeps_no_other() {
    const BROKEN: &str = "77777777-7777-4777-8777-777777777777";
    let (mut world, cast) = (World::demo(12), DemoCast::of(12));
    world.set_secret(&cast.vault, &format!("ispm-onboarder-{BROKEN}"), "{}");
    let simulator = Simulator::start_in(&world).await;
    simulator.calm(&cast).await;
    let ran = simulator.sweep(&["--output", "json"]);
    let tenants = ran.document()["tenants"].as_array().unwrap().clone();
    let of = |tenant: &str| tenants.iter().find(|one| one["tenantId"] == tenant).unwrap_or_else(|| panic!("{tenant} in {tenants:#?}"));
    assert_eq!(of(BROKEN)["code"], "record-invalid");
    assert_eq!(count(of(&cast.tenant), "results"), Some(8), "{ran:?}");
    assert_ne!(ran.code, Some(0));
    let ran = simulator.sweep(&["--tenant", &cast.tenant]);
    assert!(ran.code == Some(0) && !ran.stdout.contains(BROKEN), "{ran:?}");
    let ran = simulator.sweep(&["--tenant", BROKEN]);
    assert!(ran.stdout.contains("record") && !ran.hints().is_empty(), "{ran:?}");
    assert_eq!(simulator.sweep(&["--tenant", "contoso"]).code, Some(2));
}

#[tokio::test]
async fn what_cannot_be_read_now_is_exit_3() {
    let simulator = Simulator::start().await;
    simulator.break_with("arm.*", json!({ "kind": "status", "status": 503 })).await;
    let ran = simulator.sweep(&[]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let ran = simulator.sweep(&["--dry-run", "--output", "json"]);
    assert_eq!((ran.code, &ran.document()["tenants"][0]["code"]), (Some(3), &json!("unavailable")));
}

#[tokio::test]
async fn what_is_taken_back_is_told_as_that() {
    let world = with_record(|record| {
        record["policy"]["exclude"] = json!([{ "managementGroup": "platform" }]);
        record["policy"]["offboard"] = json!("excluded-or-gone");
    });
    let (simulator, cast) = (Simulator::start_in(&world).await, DemoCast::of(60));
    simulator.calm(&cast).await;
    simulator.sweep(&[]);
    for id in &cast.more {
        simulator.control(Method::PATCH, &format!("subscriptions/{id}"), Some(&json!({ "managementGroup": "platform" }))).await;
    }
    let ran = simulator.sweep(&["--dry-run"]);
    assert!(ran.stdout.contains("would onboard 0 and offboard 54"), "{}", ran.stdout);
    let ran = simulator.sweep(&[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let orphan = format!("orphan (made here): /subscriptions/{}/providers/Microsoft.Authorization/roleAssignments/", cast.more[0]);
    let told = ran.stdout.lines().find(|line| line.starts_with(&orphan)).unwrap_or_else(|| panic!("{orphan} in {}", ran.stdout));
    assert!(told.ends_with("policy.exclude {\"managementGroup\": \"platform\"}") && !told.contains('…'), "{told}");
    assert!(ran.stdout.contains("54 offboarded") && !ran.stdout.contains("54 onboarded"), "{}", ran.stdout);
    let swept = simulator.swept(&[]);
    assert_eq!((count(&swept, "wanted"), count(&swept, "results")), (Some(0), Some(0)), "{swept:#}");
}

/// An estate of 60 where each subscription has a connection of its own, as a profile of the customer's describes it.
fn with_connections_of_their_own() -> World {
    let cast = DemoCast::of(60);
    let mut profile: Value = serde_json::from_str(include_str!("../../../src/ispm/profiles/default.json")).unwrap();
    profile["name"] = json!("own");
    profile["connectionPer"] = json!("scope");
    profile["connectionName"] = json!("azure-{scopeId}");
    profile["connection"]["where"]["/name"] = json!("{connectionName}");
    let mut world = with_record(|record| {
        record["ispm"]["connect"] = json!({ "mode": "profile", "name": "own" });
        record["policy"]["offboard"] = json!("excluded-or-gone");
    });
    world.set_secret(&cast.vault, "ispm-onboarder-profile-own", &profile.to_string());
    let connection = Connection {
        name: format!("azure-{}", cast.new),
        related_source: cast.entra_source.clone(),
        status: Status::Connected,
        cause: None,
        managed_by: Some("ispm-onboarder/1".to_owned()),
        created_at: time::OffsetDateTime::UNIX_EPOCH,
    };
    world.ispm.get_mut(&cast.ispm_host).unwrap().connections.insert("theirs".to_owned(), connection);
    world
}

#[tokio::test]
async fn the_plan_shows_what_is_to_be_taken_back_for_what_is_gone() {
    let (simulator, cast) = (Simulator::start_in(&with_connections_of_their_own()).await, DemoCast::of(60));
    // The report remembers what the connection served.
    simulator.sweep(&["--enqueue"]);
    simulator.control(Method::DELETE, &format!("subscriptions/{}", cast.new), None).await;
    let ran = simulator.sweep(&["--dry-run"]);
    assert!(ran.stdout.contains("and offboard 1"), "{}", ran.stdout);
    let scope = format!("/subscriptions/{}", cast.new);
    let row = ran.stdout.lines().find(|line| line.trim_start().starts_with("offboard")).unwrap_or_else(|| panic!("{}", ran.stdout));
    assert!(row.contains(&scope) && row.contains("not in this tenant's estate any more"), "{row}");
}
