//! The management groups' activity log: batches of entries, of which few tell of a subscription.

use ispm_onboarder_simulator::world::{Concealment, Moment};
use ispm_onboarder_simulator::{DemoCast, Fault, World};
use serde_json::{Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;

use crate::HOST;
use crate::harness::{ASSIGN, EPOCH, Given, Host, LIST_SECRETS, NEXT_DELIVERY, PUBLISH, PUT_BACK, Scenario, store_secret, subscription};

const OTHER_TENANT: &str = "77777777-7777-4777-8777-777777777777";
/// A management group that was never given a name.
const GROUP: &str = "66666666-6666-4666-8666-666666666666";
const CORRELATION: &str = "73CEE831-AAAD-45E4-87E5-AD65391A0944";
/// What of an entry must not be stored anywhere.
const PERSONAL: [&str; 4] = ["alice@contoso.example", "203.0.113.7", "Alice", "principalOid"];

/// An entry as the diagnostic setting exports it, about an operation on a resource.
fn entry(cast: &DemoCast, operation: &str, resource: &str, properties: &Value) -> Value {
    json!({
        "time": EPOCH.format(&Rfc3339).unwrap(), "resourceId": resource, "operationName": operation, "category": "Administrative",
        "resultType": "Success", "resultSignature": "Succeeded.", "durationMs": "0", "callerIpAddress": "203.0.113.7",
        "correlationId": CORRELATION, "level": "Information", "tenantId": cast.tenant, "properties": properties,
        "identity": {
            "authorization": { "scope": resource, "action": operation },
            "claims": { "name": "Alice", "upn": "alice@contoso.example", "ipaddr": "203.0.113.7", "principalOid": "Service:StateAndNameUpdate" },
        },
    })
}

/// An entry about the hierarchy, with such a sentence.
fn told(cast: &DemoCast, message: &str) -> Value {
    let group = format!("/providers/Microsoft.Management/managementGroups/{}", cast.tenant);
    let properties = json!({ "entity": cast.tenant, "message": message, "hierarchy": cast.tenant, "eventCategory": "Administrative" });
    entry(cast, "Microsoft.Management", &group, &properties)
}

fn created(cast: &DemoCast, entity: &str) -> Value {
    told(cast, &format!("Entity {entity} is created with parent entity {}", cast.tenant))
}

/// Hands a batch on as the host does: the text of an array of texts, each with entries.
async fn deliver(s: &Scenario, batches: &[Value]) -> u16 {
    let texts: Vec<String> = batches.iter().map(Value::to_string).collect();
    let body = json!({ "Data": { "records": json!(texts).to_string() }, "Metadata": { "sys": { "MethodName": "OnActivityLog" } } });
    s.post("/OnActivityLog", &[], body.to_string()).await.status
}

async fn deliver_one(s: &Scenario, entry: Value) {
    assert_eq!(deliver(s, &[json!({ "records": [entry] })]).await, 200);
}

/// Delivers an entry, lets it be worked on, and answers which calls that took.
async fn work_on(s: &Scenario, entry: Value) -> Vec<String> {
    deliver_one(s, entry).await;
    s.settle(1).await;
    s.unread_calls().into_iter().map(|call| call.operation).collect()
}

#[tokio::test(start_paused = true)]
async fn a_new_subscription_is_onboarded() {
    let s = Given::demo().start();
    work_on(&s, created(&s.cast, &s.cast.new)).await;
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["subject"], subscription(&s.cast.new));
    let cause = json!({
        "source": format!("/providers/microsoft.management/managementgroups/{}", s.cast.tenant),
        "id": CORRELATION.to_lowercase(), "type": "Microsoft.Management",
    });
    assert_eq!(result["data"]["cause"], cause);
    assert_eq!(s.assignments_at(&subscription(&s.cast.new)).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_entry_in_any_spelling_and_place_is_one_cause() {
    let s = Given::demo().start();
    let plain = created(&s.cast, &s.cast.new);
    let with = |change: fn(&mut Value)| {
        let mut entry = plain.clone();
        change(&mut entry);
        entry
    };
    let spellings = [
        plain.clone(),
        with(|entry| {
            for name in ["resourceId", "operationName", "tenantId", "resultType"] {
                entry[name] = json!(entry[name].as_str().unwrap().to_uppercase());
            }
        }),
        with(|entry| entry["properties"] = json!({ "eventProperties": entry["properties"].take() })),
        with(|entry| entry["properties"] = json!(entry["properties"].to_string())),
        with(|entry| entry["properties"] = json!({ "eventProperties": entry["properties"].take().to_string() })),
        with(|entry| entry["durationMs"] = json!(0)),
        with(|entry| *entry = json!(entry.to_string())),
    ];
    let mut ids = Vec::new();
    for entry in spellings {
        work_on(&s, entry).await;
        let [result] = s.expect_results(["onboarded"]);
        ids.push(result["id"].clone());
    }
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn as_the_portal_shows_it_an_entry_is_taken_too() {
    let s = Given::demo().start();
    let value = |text: &str| json!({ "value": text, "localizedValue": text });
    let mut shown = created(&s.cast, &s.cast.new);
    let members = shown.as_object_mut().unwrap();
    let time = members.remove("time").unwrap();
    members.remove("resultType");
    shown["eventTimestamp"] = time;
    shown["operationName"] = value("Microsoft.Management");
    shown["status"] = value("Succeeded");
    let body = json!({ "Data": { "message": shown }, "Metadata": {} }).to_string();
    s.post("/OnOnboardingMessage", &[], body).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_moved_subscription_is_judged_where_it_is_now() {
    let s = Given::demo().start();
    let group = "/PROVIDERS/MICROSOFT.MANAGEMENT/MANAGEMENTGROUPS/CORP";
    let path = format!("{group}/SUBSCRIPTIONS/{}", s.cast.new.to_uppercase());
    for entry in [
        told(&s.cast, &format!("Entity {} changed the parent entity value from {} to corp", s.cast.new, s.cast.tenant)),
        entry(&s.cast, "MICROSOFT.MANAGEMENT/MANAGEMENTGROUPS/SUBSCRIPTIONS/WRITE", &path, &json!({})),
        entry(&s.cast, "Microsoft.Management/managementGroups/subscriptions/delete", &path, &json!({})),
    ] {
        work_on(&s, entry).await;
        let [result] = s.expect_results(["onboarded"]);
        assert_eq!(result["subject"], subscription(&s.cast.new));
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_alias_names_its_subscription_or_says_nothing() {
    let s = Given::demo().start();
    let alias = |properties: Value| {
        entry(&s.cast, "Microsoft.Subscription/aliases/write", "/providers/Microsoft.Subscription/aliases/x", &properties)
    };
    work_on(&s, alias(json!({ "subscriptionId": s.cast.new }))).await;
    s.expect_results(["onboarded"]);
    assert_eq!(work_on(&s, alias(json!({}))).await, Vec::<String>::new());
}

/// Offboarding is off by default, and nobody asked for it: nothing is told.
#[tokio::test(start_paused = true)]
async fn a_cancelled_or_deleted_subscription_takes_nothing_away_where_that_is_off() {
    let s = Given::demo().start();
    let before = s.assignments_at(&subscription(&s.cast.by_hand));
    let path = format!("/SUBSCRIPTIONS/{}/PROVIDERS/MICROSOFT.SUBSCRIPTION", s.cast.by_hand.to_uppercase());
    for entry in [
        entry(&s.cast, "Microsoft.Subscription/cancel/action", &path, &json!({})),
        entry(&s.cast, "MICROSOFT.SUBSCRIPTION/CANCEL/ACTION", "/providers/x", &json!({ "subscriptionId": s.cast.by_hand })),
        told(&s.cast, &format!("Entity {} is deleted from parent entity {}", s.cast.by_hand, s.cast.tenant)),
    ] {
        let calls = work_on(&s, entry).await;
        assert!(!calls.iter().any(|call| call.ends_with(".delete") || call == PUBLISH), "{calls:?}");
    }
    assert_eq!(s.assignments_at(&subscription(&s.cast.by_hand)), before);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_for_us_makes_no_call() {
    let s = Given::demo().start();
    let with = |name: &str, value: &str| {
        let mut entry = created(&s.cast, &s.cast.new);
        entry[name] = json!(value);
        entry
    };
    let irrelevant = [
        with("operationName", "MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE"),
        with("operationName", ""),
        with("resultType", "Start"),
        with("resultType", "Accept"),
        with("resultType", "Failure"),
        with("properties", "nothing that is known"),
        told(&s.cast, "Entity"),
        told(&s.cast, &format!("Entity {} has a new name", s.cast.new)),
        created(&s.cast, "corp"),
        json!({ "category": "ResourceHealth" }),
    ];
    let count = irrelevant.len();
    assert_eq!(deliver(&s, &[json!({ "records": irrelevant }), json!({ "records": [] })]).await, 200);
    assert!(s.unread_calls().is_empty(), "nothing was to be done");
    if HOST == Host::Functions {
        let said = s.everything_said();
        assert!(said.iter().any(|said| said.contains(&format!("ignored: {} entries", count + 1))), "the host's log counts them: {said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_broken_record_does_not_keep_the_others_out() {
    let s = Given::demo().start();
    let more = created(&s.cast, &s.cast.more[0]);
    let texts = [json!({ "records": [created(&s.cast, &s.cast.new), 7, more] }).to_string(), "{broken".to_owned()];
    let body = json!({ "Data": { "records": json!(texts).to_string() }, "Metadata": {} }).to_string();
    assert_eq!(s.post("/OnActivityLog", &[], body).await.status, 200);
    s.settle(1).await;
    s.count_calls();
    let mut told: Vec<String> = s.distinct_results().into_values().collect();
    told.sort_unstable();
    assert_eq!(told, ["failed invalid-event", "failed invalid-event", "onboarded", "onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_could_not_be_kept_comes_again_whole_and_does_no_harm_twice() {
    let s = Given::demo().fault(Fault::status(PUT_BACK, 503)).fault(Fault::status("arm.*", 503)).start();
    let batch = [json!({ "records": [created(&s.cast, &s.cast.new), created(&s.cast, &s.cast.more[0])] })];
    assert_eq!(deliver(&s, &batch).await, 500);
    s.mend();
    for _ in 0..2 {
        assert_eq!(deliver(&s, &batch).await, 200);
    }
    s.settle(1).await;
    assert_eq!(s.count_calls()[ASSIGN], 2);
    assert_eq!(s.distinct_results().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_management_group_is_told_apart_by_a_read_and_left_alone() {
    let s = Given::demo()
        .world(|world, cast| {
            world.tenant_mut(&cast.tenant).add_management_group(GROUP, &cast.tenant);
        })
        .start();
    let calls = work_on(&s, created(&s.cast, GROUP)).await;
    assert!(calls.iter().any(|call| call == "arm.management-group.get"), "{calls:?}");
    assert!(!calls.iter().any(|call| call == ASSIGN || call == PUBLISH), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_appears_after_twenty_minutes_is_onboarded_then() {
    for concealment in [Concealment::AuthorizationFailed, Concealment::SubscriptionNotFound] {
        let s = Given::demo()
            .world(|world, cast| {
                let late = world.tenant_mut(&cast.tenant).subscriptions.get_mut(&cast.late).unwrap();
                (late.visible_from, late.until_visible) = (Some(Moment::AfterStart(20 * 60)), concealment);
            })
            .start();
        deliver_one(&s, created(&s.cast, &s.cast.late)).await;
        s.settle_for(std::time::Duration::from_mins(19)).await;
        let waiting = s.expect_waiting();
        assert_eq!((&waiting.message["version"], &waiting.message["unconfirmed"]), (&json!(2), &json!(true)), "{waiting:?}");
        let calls: Vec<String> = s.unread_calls().into_iter().map(|call| call.operation).collect();
        let count = |name: &str| calls.iter().filter(|call| *call == name).count();
        assert_eq!(count("graph.service-principal.get"), count("arm.subscription.get"), "each try has a session of its own: {calls:?}");
        s.settle(1).await;
        s.count_calls();
        s.expect_results(["onboarded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_that_stays_unknown_fails_with_a_hint_when_the_window_ends() {
    let s = Given::demo().start();
    let deliveries = {
        deliver_one(&s, created(&s.cast, GROUP)).await;
        s.settle(3).await
    };
    s.count_calls();
    let [result] = s.expect_results(["failed scope-not-found"]);
    assert!(result["data"]["hint"].is_string(), "{result:#}");
    let last = deliveries.last().expect("it came back").at - EPOCH;
    assert!(last >= Duration::minutes(60) && last < Duration::minutes(100), "{last}");
}

#[tokio::test(start_paused = true)]
async fn an_entry_of_another_tenant_is_refused() {
    let s = Given::demo().start();
    let mut foreign = created(&s.cast, &s.cast.new);
    foreign["tenantId"] = json!(OTHER_TENANT);
    let calls = work_on(&s, foreign).await;
    assert!(!calls.iter().any(|call| call.starts_with("arm.")), "{calls:?}");
    s.expect_results(["failed tenant-not-served"]);
}

fn without_tenant(mut entry: Value) -> Value {
    entry.as_object_mut().unwrap().remove("tenantId");
    entry
}

#[tokio::test(start_paused = true)]
async fn an_entry_without_a_tenant_is_about_the_only_one_served() {
    let cast = DemoCast::of(7);
    let s = Given::demo().setting("ONBOARDER_TENANTS", &cast.tenant).start();
    work_on(&s, without_tenant(created(&s.cast, &s.cast.new))).await;
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["tenantId"], s.cast.tenant);
}

#[tokio::test(start_paused = true)]
async fn where_two_are_served_an_entry_without_a_tenant_fails() {
    let cast = DemoCast::of(7);
    let s = Given::demo().setting("ONBOARDER_TENANTS", &format!("{OTHER_TENANT},{}", cast.tenant)).start();
    let calls = work_on(&s, without_tenant(created(&s.cast, &s.cast.new))).await;
    assert!(!calls.iter().any(|call| call.starts_with("arm.")), "{calls:?}");
    let [result] = s.expect_results(["failed invalid-event"]);
    assert!(result["data"].get("tenantId").is_none() && result["data"]["hint"].is_string(), "{result:#}");
}

/// Stores the record of another tenant beside a vault full of other secrets.
fn crowd(world: &mut World, cast: &DemoCast, record: &str) {
    for number in 0..60 {
        store_secret(world, cast, &format!("ispm-onboarder-profile-{number}"), "x");
    }
    store_secret(world, cast, record, "{}");
}

#[tokio::test(start_paused = true)]
async fn without_a_list_the_only_record_in_the_store_tells_and_is_remembered() {
    let s = Given::demo().world(|world, cast| crowd(world, cast, "ispm-onboarder-no-tenant")).start();
    let records = [created(&s.cast, &s.cast.new), created(&s.cast, &s.cast.more[0])].map(without_tenant);
    assert_eq!(deliver(&s, &[json!({ "records": records })]).await, 200);
    s.settle(1).await;
    let listed = s.unread_calls().into_iter().filter(|call| call.operation == LIST_SECRETS && call.status == Some(200)).count();
    assert!((1..=6).contains(&listed), "the pages of one list, or of two that began together: {listed}");
    s.expect_results(["onboarded", "onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_list_two_records_leave_it_open() {
    let s = Given::demo().world(|world, cast| crowd(world, cast, &format!("ispm-onboarder-{OTHER_TENANT}"))).start();
    let calls = work_on(&s, without_tenant(created(&s.cast, &s.cast.new))).await;
    assert!(!calls.iter().any(|call| call.starts_with("arm.")), "{calls:?}");
    s.expect_results(["failed invalid-event"]);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_does_not_say_the_entry_waits_as_it_is() {
    for status in [503, 403] {
        let s = Given::demo().fault(Fault::status(LIST_SECRETS, status)).start();
        deliver_one(&s, without_tenant(created(&s.cast, &s.cast.new))).await;
        s.settle_for(std::time::Duration::from_mins(3)).await;
        let waiting = s.expect_waiting();
        assert!(waiting.attempts() > 0 && waiting.message.get("tenantId").is_none(), "{waiting:?}");
        assert!(!s.count_calls().contains_key(PUBLISH), "nobody is told");
        s.mend();
        s.settle(1).await;
        s.count_calls();
        s.expect_results(["onboarded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_whose_tenant_the_store_never_told_fails_after_a_day() {
    let s = Given::demo().fault(Fault::status(LIST_SECRETS, 503)).start();
    deliver_one(&s, without_tenant(created(&s.cast, &s.cast.new))).await;
    s.settle(26).await;
    s.count_calls();
    let [result] = s.expect_results(["failed unavailable"]);
    assert!(result["data"]["hint"].as_str().is_some_and(|hint| hint.starts_with("Given up after 24 hours")), "{result:#}");
}

/// Where the queue is what takes the entries, it holds what is asked for and nothing else of them.
#[tokio::test(start_paused = true)]
async fn only_the_request_is_stored() {
    let s = Given::demo().fault(Fault::status("arm.*", 503)).start();
    deliver_one(&s, created(&s.cast, &s.cast.new)).await;
    let text = s.expect_waiting().message.to_string();
    assert!(text.contains(&s.cast.new), "{text}");
    for personal in PERSONAL {
        assert!(!text.contains(personal), "{personal} in {text}");
    }
    s.mend();
    s.settle_for(NEXT_DELIVERY).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}
