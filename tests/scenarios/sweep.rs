//! The sweep: what no event announced is found, once, and the report says what is true.

use std::time::Duration;

use ispm_onboarder_simulator::world::Scope;
use ispm_onboarder_simulator::{DemoCast, Effect, Fault, World};
use serde_json::{Value, json};

use crate::harness::{ASSIGN, CONNECT, Given, PUBLISH, PUT_BACK, SECRET_STORE, Scenario, group, store_secret, subscription};

/// The queue's requests, each as its action and scope.
pub fn requests(s: &Scenario) -> Vec<String> {
    let mut requests: Vec<String> = s
        .waiting_texts()
        .iter()
        .map(|text| serde_json::from_str(text).expect("the queue holds JSON"))
        .map(|message: Value| {
            format!("{} {}", message["action"].as_str().unwrap_or_default(), message["scope"].as_str().unwrap_or_default())
        })
        .collect();
    requests.sort();
    requests
}

pub fn onboarding<'a>(ids: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut wanted: Vec<String> = ids.into_iter().map(|id| format!("onboard {}", subscription(id))).collect();
    wanted.sort();
    wanted
}

pub fn row<'a>(report: &'a Value, id: &str) -> &'a Value {
    let rows = report["scopes"].as_array().expect("a report has scopes");
    rows.iter().find(|row| row["scope"] == subscription(id)).unwrap_or_else(|| panic!("{id} is not in {report:#}"))
}

/// The estate without the subscription that shows late and the one that is full.
pub fn calm(world: &mut World, cast: &DemoCast) {
    let tenant = world.tenant_mut(&cast.tenant);
    for id in [&cast.late, &cast.at_limit] {
        tenant.subscriptions.remove(id);
    }
    tenant.role_assignments.retain(|_, found| !found.scope.is(&Scope::Subscription(cast.at_limit.clone())));
}

pub fn given() -> Given {
    Given::demo().world(calm)
}

#[tokio::test(start_paused = true)]
async fn what_no_event_announced_is_found_and_onboarded_and_the_next_sweep_finds_nothing() {
    let s = given().start();
    s.sweep().await;
    let found = onboarding(s.cast.more.iter().chain([&s.cast.new]));
    assert_eq!(requests(&s), found);
    let calls = s.count_calls();
    assert_eq!(calls[PUT_BACK], found.len());
    assert!(!calls.contains_key("arm.subscription.get") && !calls.contains_key("arm.role-assignments.list"), "one by one: {calls:?}");
    s.settle(1).await;
    let results = s.distinct_results();
    assert_eq!(results.len(), found.len());
    assert!(results.values().all(|told| told == "onboarded"), "{results:?}");
    s.count_calls();
    s.sweep().await;
    let calls = s.count_calls();
    for write in [ASSIGN, CONNECT, PUBLISH, PUT_BACK] {
        assert!(!calls.contains_key(write), "{write} in {calls:?}");
    }
    let report = s.report().await;
    assert_eq!(report["totals"]["missing"], 0, "{report:#}");
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn the_report_says_of_each_subscription_what_is_true_and_why_not() {
    let s = given().record(|record| record["policy"]["exclude"] = json!([{ "state": "Disabled" }, { "id": DemoCast::of(7).new }])).start();
    s.sweep().await;
    let report = s.report().await;
    let inherited = row(&report, &s.cast.inherited);
    assert_eq!((&inherited["role"], &inherited["roleAt"]), (&json!("inherited"), &json!(group("corp"))), "{inherited:#}");
    let by_hand = row(&report, &s.cast.by_hand);
    assert_eq!((&by_hand["role"], &by_hand["verdict"]), (&json!("direct"), &json!("missing")), "there is no connection yet: {by_hand:#}");
    let disabled = row(&report, &s.cast.disabled);
    assert_eq!((&disabled["verdict"], &disabled["why"]), (&json!("excluded"), &json!("policy.exclude {\"state\": \"Disabled\"}")));
    let new = row(&report, &s.cast.new);
    assert_eq!(new["why"], format!("policy.exclude {{\"id\": \"{}\"}}", s.cast.new));
    assert_eq!(report["totals"]["excluded"], 2);
    assert_eq!(report["tenantId"], s.cast.tenant);
    assert_eq!(report["ageSeconds"], 0);
    s.count_calls();
    s.forgive_what_waits();
}

#[tokio::test(start_paused = true)]
async fn where_every_role_is_there_one_request_makes_the_connection() {
    let everything = |world: &mut World, cast: &DemoCast| {
        calm(world, cast);
        let root = Scope::ManagementGroup(cast.tenant.clone());
        world.tenant_mut(&cast.tenant).assign_reader(&root, &cast.ispm_principal_id);
    };
    let s = Given::demo().world(everything).start();
    s.sweep().await;
    assert_eq!(requests(&s).len(), 1);
    s.settle(1).await;
    s.expect_results(["onboarded"]);
    assert_eq!(s.connections().len(), 1);
    s.sweep().await;
    s.count_calls();
    assert_eq!(s.report().await["totals"]["missing"], 0);
    s.count_calls();
}

/// Found by the histories: the only scope that was asked for could not have its role, and the connection was never made.
#[tokio::test(start_paused = true)]
async fn a_scope_whose_role_cannot_be_assigned_does_not_keep_the_others_from_their_connection() {
    let all_but_one = |world: &mut World, cast: &DemoCast| {
        let tenant = world.tenant_mut(&cast.tenant);
        for name in ["corp", "landing-zones", "platform", "sandbox"] {
            tenant.assign_reader(&Scope::ManagementGroup(name.to_owned()), &cast.ispm_principal_id);
        }
        let root = cast.tenant.clone();
        tenant.subscriptions.get_mut(&cast.at_limit).unwrap().parent = root;
    };
    let s = Given::demo().world(all_but_one).start();
    s.sweep().await;
    s.settle(2).await;
    assert!(s.connections().is_empty(), "what was wanted anyway was tried first");
    s.sweep().await;
    s.settle(1).await;
    s.count_calls();
    let results = s.distinct_results();
    assert_eq!(s.connections().len(), 1, "{results:?}");
}

#[tokio::test(start_paused = true)]
async fn a_changed_connection_is_told_once_and_nothing_else_is() {
    let s = given().start();
    s.sweep().await;
    s.settle(1).await;
    s.distinct_results();
    s.sweep().await;
    s.sweep().await;
    s.expect_results([]);
    s.change(|world, cast| reading(world, cast, false));
    s.sweep().await;
    let [failed] = s.expect_results(["failed connection-failed"]);
    assert_eq!(failed["data"]["cause"]["source"], "urn:ispm-onboarder:sweep");
    assert_eq!(failed["subject"], group(&s.cast.tenant), "one connection serves the whole tenant");
    let report = s.report().await;
    assert_eq!(report["connections"][0]["cause"], "missing-permissions");
    s.sweep().await;
    s.expect_results([]);
    s.change(|world, cast| reading(world, cast, true));
    s.sweep().await;
    s.expect_results(["onboarded"]);
    s.count_calls();
    s.forgive_what_waits();
}

/// Takes the role away everywhere, as the console's next test will notice, or gives it back at the root.
fn reading(world: &mut World, cast: &DemoCast, may: bool) {
    let tenant = world.tenant_mut(&cast.tenant);
    tenant.role_assignments.retain(|_, found| found.principal_id != cast.ispm_principal_id);
    if may {
        tenant.assign_reader(&Scope::ManagementGroup(cast.tenant.clone()), &cast.ispm_principal_id);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_could_not_be_told_is_told_by_the_next_sweep_under_the_same_id() {
    let s = given().start();
    s.sweep().await;
    s.settle(1).await;
    s.distinct_results();
    s.sweep().await;
    s.change(|world, cast| reading(world, cast, false));
    s.fault(Fault::status(PUBLISH, 503).after());
    s.sweep().await;
    let [lost] = s.expect_results(["failed connection-failed"]);
    s.mend();
    s.sweep().await;
    let [again] = s.expect_results(["failed connection-failed"]);
    assert_eq!(lost["id"], again["id"]);
    s.sweep().await;
    s.expect_results([]);
    s.count_calls();
    s.forgive_what_waits();
}

#[tokio::test(start_paused = true)]
async fn a_change_behind_an_outage_is_told_once_when_it_is_over() {
    let s = given().start();
    s.sweep().await;
    s.settle(1).await;
    s.distinct_results();
    s.sweep().await;
    let changed = row(&s.report().await, &s.cast.new)["changed"].clone();
    s.change(|world, cast| reading(world, cast, false));
    s.fault(Fault::status("ispm.connections.list", 503));
    tokio::time::sleep(Duration::from_mins(61)).await;
    s.sweep().await;
    s.expect_results([]);
    assert_eq!(s.report().await["connections"][0]["status"], "connected", "what cannot be read is remembered as it was");
    s.mend();
    tokio::time::sleep(Duration::from_mins(61)).await;
    s.sweep().await;
    s.expect_results(["failed connection-failed"]);
    s.change(|world, cast| reading(world, cast, true));
    tokio::time::sleep(Duration::from_mins(61)).await;
    s.fault(Fault::status("ispm.connections.list", 503));
    s.sweep().await;
    s.mend();
    s.sweep().await;
    s.expect_results(["onboarded"]);
    assert_ne!(row(&s.report().await, &s.cast.new)["changed"], changed);
    s.count_calls();
    s.forgive_what_waits();
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_azure_does_not_list_yet_is_not_judged_by_its_offer() {
    let s = given()
        .record(|record| record["policy"]["include"] = json!([{ "offer": "PayAsYouGo_*" }]))
        .world(|world, cast| world.tenant_mut(&cast.tenant).role_assignments.clear())
        .fault(altered("arm.subscriptions.list", "/value", json!([])).times(1))
        .start();
    s.sweep().await;
    let report = s.report().await;
    let new = row(&report, &s.cast.new);
    assert_eq!(
        (&new["verdict"], &new["why"]),
        (&json!("missing"), &json!("Azure does not list it yet, and the policy asks for its state or offer"))
    );
    assert!(s.waiting_texts().is_empty());
    s.sweep().await;
    assert_eq!(requests(&s), onboarding(s.cast.more.iter().chain([&s.cast.new, &s.cast.by_hand, &s.cast.inherited])));
    s.count_calls();
    s.forgive_what_waits();
}

#[tokio::test(start_paused = true)]
async fn a_sweep_whose_requests_do_not_get_in_is_made_up_for_by_the_next() {
    let s = given().fault(Fault::status(PUT_BACK, 503)).start();
    let answer = s.sweep().await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    s.mend();
    s.sweep().await;
    assert_eq!(requests(&s), onboarding(s.cast.more.iter().chain([&s.cast.new])));
    s.settle(1).await;
    s.count_calls();
    s.distinct_results();
}

#[tokio::test(start_paused = true)]
async fn an_absurd_wish_to_wait_does_not_hold_a_sweep_up() {
    let wish = || Effect::Status { status: 429, code: None, retry_after: Some("86400".to_owned()) };
    for operation in ["arm.subscriptions.list", "arm.descendants.list", "arm.resource-graph.query", PUT_BACK] {
        let s = given().fault(Fault::new(operation, wish())).start();
        let begin = s.now();
        let answer = s.sweep().await;
        assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
        assert!(s.now() - begin < time::Duration::minutes(2), "{operation}: {}", s.now() - begin);
        s.mend();
        s.sweep().await;
        assert_eq!(requests(&s), onboarding(s.cast.more.iter().chain([&s.cast.new])), "{operation}");
        s.count_calls();
    }
}

#[tokio::test(start_paused = true)]
async fn ispm_trouble_is_told_once_a_day_and_nothing_is_queued_for_it() {
    let s = given().fault(Fault::status("ispm.connections.list", 403)).start();
    for _ in 0..3 {
        s.sweep().await;
        tokio::time::sleep(Duration::from_mins(61)).await;
    }
    s.expect_results(["tenant.failed ispm-refused"]);
    let report = s.report().await;
    assert!(report["notes"][0].as_str().is_some_and(|note| note.starts_with("ISPM's connections could not be read")), "{report:#}");
    assert_eq!(row(&report, &s.cast.inherited)["connection"], "unknown");
    assert!(s.waiting_texts().is_empty());
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn without_a_word_of_the_secret_store_the_sweep_fails_as_an_invocation() {
    let s = given().fault(Fault::status(SECRET_STORE, 503)).start();
    let answer = s.sweep().await;
    assert_eq!(answer.status, 500, "{}", answer.body);
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_forbids_assigning_asks_for_nothing() {
    let s = given().record(|record| record["policy"]["assign"] = json!("never")).start();
    s.sweep().await;
    let report = s.report().await;
    let new = row(&report, &s.cast.new);
    assert_eq!(new["why"], "Reader is missing, and the policy forbids assigning it");
    // One request is for the connection, which may be made.
    assert_eq!(requests(&s).len(), 1);
    s.settle(1).await;
    s.expect_results(["onboarded"]);
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn many_roles_below_one_group_are_pointed_out_with_the_groups_name() {
    let crowd = |world: &mut World, cast: &DemoCast| {
        calm(world, cast);
        let tenant = world.tenant_mut(&cast.tenant);
        tenant.add_management_group("crowd", &cast.tenant).display_name = "The Crowd".to_owned();
        for number in 0..6 {
            let id = format!("00000000-0000-4000-8000-00000000000{number}");
            tenant.add_subscription(&id, &format!("crowd {number}"), "crowd");
        }
    };
    let s = Given::demo().world(crowd).start();
    s.sweep().await;
    let notes = s.report().await["notes"].to_string();
    assert!(notes.contains("6 subscriptions right below the management group The Crowd are onboarded one by one"), "{notes}");
    assert!(notes.contains("ispm-onboarder onboard mg:crowd"), "{notes}");
    s.count_calls();
    s.forgive_what_waits();
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_an_earlier_sweep_saw_is_one_that_no_event_brought() {
    let s = given().fault(Fault::status(PUT_BACK, 503)).start();
    let found = s.cast.more.len() + 1;
    let answer = s.sweep().await;
    assert!(answer.body.contains(&format!("{found} found of which events missed 0")), "{}", answer.body);
    let first = row(&s.report().await, &s.cast.new)["firstSeen"].clone();
    tokio::time::sleep(Duration::from_hours(2)).await;
    let answer = s.sweep().await;
    let with_the_connection = found + 1;
    assert!(answer.body.contains(&format!("{with_the_connection} found of which events missed {found}")), "{}", answer.body);
    let report = s.report().await;
    assert_eq!(row(&report, &s.cast.new)["firstSeen"], first, "it is remembered since when it is there");
    assert_ne!(report["at"], first);
    s.count_calls();
}

/// An answer with another value at a place.
fn altered(operation: &str, pointer: &str, value: Value) -> Fault {
    Fault::new(operation, Effect::Altered { pointer: pointer.to_owned(), value }).after()
}

/// Sweeps a world in which the sweep of the tenant fails, with these words.
async fn expect_not_swept(fault: Fault, words: &str) {
    let s = given().fault(fault).start();
    let answer = s.sweep().await;
    assert!(answer.status == 200 && answer.body.contains(words), "{words} in {}", answer.body);
    assert!(s.waiting_texts().is_empty(), "nothing is asked for on half a list");
    s.mend();
    s.sweep().await;
    assert!(!s.waiting_texts().is_empty(), "the next sweep makes up for it");
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn a_page_link_that_leads_elsewhere_is_not_followed() {
    for operation in ["arm.subscriptions.list", "arm.descendants.list"] {
        let fault = altered(operation, "/nextLink", json!("https://management.azure.example/subscriptions?api-version=2022-12-01"));
        expect_not_swept(fault, &format!("a page link of {operation} leads away from ARM")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn pages_that_lead_back_to_themselves_end() {
    let root = group(&DemoCast::of(7).tenant);
    let first = format!("https://management.azure.com{root}/descendants?api-version=2023-04-01&%24top=1000");
    expect_not_swept(altered("arm.descendants.list", "/nextLink", json!(first)), "the pages of arm.descendants.list do not end").await;
    let same = json!({ "data": [], "count": 0, "totalRecords": 1, "resultTruncated": "false", "$skipToken": "again" });
    let again = Fault::new("arm.resource-graph.query", Effect::Altered { pointer: String::new(), value: same });
    expect_not_swept(again, "the pages of arm.resource-graph.query do not end").await;
}

#[tokio::test(start_paused = true)]
async fn rows_that_were_cut_off_are_not_taken_for_all() {
    let fault = altered("arm.resource-graph.query", "/resultTruncated", json!("true"));
    expect_not_swept(fault, "Resource Graph cut off the rows").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_listed_twice_in_two_groups_or_of_an_unknown_kind_changes_nothing_else() {
    let cast = DemoCast::of(7);
    let kind = "Microsoft.Management/managementGroups/subscriptions";
    let elsewhere = json!({
        "id": subscription(&cast.new), "type": kind, "name": cast.new,
        "properties": { "displayName": "payments", "parent": { "id": group("corp") } },
    });
    let unknown =
        json!({ "id": "/providers/Microsoft.Management/managementGroups/x", "type": "Microsoft.Management/orchards", "name": "x" });
    let s = given()
        .record(|record| record["policy"]["exclude"] = json!([{ "managementGroup": "corp" }]))
        .fault(altered("arm.descendants.list", "/value/-", elsewhere).times(1))
        .start();
    s.sweep().await;
    let report = s.report().await;
    assert_eq!(row(&report, &cast.new)["why"], "policy.exclude {\"managementGroup\": \"corp\"}", "one of its two places is kept out");
    assert!(report["notes"].to_string().contains("1 subscriptions were seen in two management groups"), "{report:#}");
    let rows = report["scopes"].as_array().map_or(0, Vec::len);
    s.fault(altered("arm.descendants.list", "/value/-", unknown));
    s.sweep().await;
    let report = s.report().await;
    assert_eq!(report["scopes"].as_array().map_or(0, Vec::len), rows);
    assert!(report["notes"].to_string().contains("of a kind that this version does not know"), "{report:#}");
    assert_eq!(row(&report, &cast.new)["verdict"], "missing", "it is in one place again");
    s.count_calls();
    s.forgive_what_waits();
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_status_nobody_knows_hides_nothing_else() {
    let s = given().start();
    s.sweep().await;
    s.settle(1).await;
    s.distinct_results();
    s.fault(altered("ispm.connections.list", "/data/0/status", json!("quarantined")));
    s.sweep().await;
    s.expect_results([]);
    let report = s.report().await;
    let new = row(&report, &s.cast.new);
    assert_eq!((&new["role"], &new["connection"], &new["verdict"]), (&json!("direct"), &json!("unknown"), &json!("pending")), "{new:#}");
    assert!(new["why"].as_str().is_some_and(|why| why.contains("does not map the word \"quarantined\"")), "{new:#}");
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn small_pages_change_nothing_but_the_number_of_calls() {
    let s = given().world(|world, _| world.settings.page_size = 2).start();
    s.sweep().await;
    assert_eq!(requests(&s), onboarding(s.cast.more.iter().chain([&s.cast.new])));
    assert!(s.count_calls()["arm.subscriptions.list"] > 1);
}

#[tokio::test(start_paused = true)]
async fn one_tenants_trouble_keeps_no_other_from_its_sweep() {
    let broken = "77777777-7777-4777-8777-777777777777";
    let s = given().world(|world, cast| store_secret(world, cast, &format!("ispm-onboarder-{broken}"), "{}")).start();
    let answer = s.sweep().await;
    assert!(answer.status == 200 && answer.body.contains(&format!("tenant {broken}: the tenant record")), "{}", answer.body);
    assert_eq!(requests(&s), onboarding(s.cast.more.iter().chain([&s.cast.new])));
    s.expect_results(["tenant.failed record-invalid"]);
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn subscriptions_of_another_directory_that_delegates_them_are_not_of_this_tenant() {
    let s = given().start();
    s.fault(altered(
        "arm.subscriptions.list",
        "/value/-",
        json!({
            "id": subscription("77777777-7777-4777-8777-000000000001"), "subscriptionId": "77777777-7777-4777-8777-000000000001",
            "tenantId": "77777777-7777-4777-8777-777777777777", "displayName": "theirs", "state": "Enabled",
        }),
    ));
    s.sweep().await;
    assert!(!s.report().await.to_string().contains("theirs"));
    s.count_calls();
    s.forgive_what_waits();
}

#[tokio::test(start_paused = true)]
async fn the_page_shows_a_connection_that_is_to_be_made_in_the_console() {
    let s = given().record(|record| record["ispm"]["connect"] = json!({ "mode": "console" })).start();
    s.sweep().await;
    let page = s.get(&format!("/api/coverage?tenant={}&format=html", s.cast.tenant)).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("awaiting-console"), "{}", page.body);
    s.count_calls();
    s.forgive_what_waits();
}
