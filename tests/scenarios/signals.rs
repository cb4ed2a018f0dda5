//! Events that Azure raises by itself, in both schemas.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::harness::{ASSIGN, EPOCH, EVENT, Given, PUBLISH, Scenario, group, subscription};

const OTHER_TENANT: &str = "77777777-7777-4777-8777-777777777777";

/// An event of a type in both schemas.
fn both(kind: &str, source: &str, subject: &str, data: &Value) -> [Value; 2] {
    let time = EPOCH.format(&Rfc3339).unwrap();
    [
        json!({
            "specversion": "1.0", "id": EVENT, "source": source, "subject": subject, "type": kind, "time": time,
            "datacontenttype": "application/json", "data": data,
        }),
        json!({
            "id": EVENT, "topic": source, "subject": subject, "eventType": kind, "eventTime": time, "data": data,
            "dataVersion": "2", "metadataVersion": "1",
        }),
    ]
}

fn policy_event(source: &str, subject: &str) -> [Value; 2] {
    let data = json!({ "timestamp": "2126-11-22T09:58:00Z", "complianceState": "NonCompliant", "complianceReasonCode": "" });
    both("Microsoft.PolicyInsights.PolicyStateCreated", source, subject, &data)
}

fn operation(s: &Scenario, kind: &str, operation: &str, resource: &str) -> [Value; 2] {
    let data = json!({
        "authorization": { "scope": resource, "action": operation }, "operationName": operation, "resourceUri": resource,
        "resourceProvider": "Microsoft.Management", "status": "Succeeded", "subscriptionId": s.cast.new, "tenantId": s.cast.tenant,
        "correlationId": EVENT, "claims": { "name": "Alice" }, "httpRequest": { "clientIpAddress": "203.0.113.7" },
    });
    both(kind, &subscription(&s.cast.new), resource, &data)
}

async fn onboarded(s: &Scenario, event: Value) {
    let cause = json!({ "id": EVENT, "type": event.get("type").or(event.get("eventType")) });
    s.deliver(event).await;
    s.count_calls();
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["subject"], subscription(&s.cast.new));
    let told = &result["data"]["cause"];
    assert_eq!((&told["id"], &told["type"]), (&cause["id"], &cause["type"]));
}

async fn ignored(s: &Scenario, event: Value) {
    s.deliver(event).await;
    let calls: Vec<String> = s.unread_calls().into_iter().map(|call| call.operation).collect();
    assert!(calls.is_empty(), "nothing was to be done: {calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_was_evaluated_for_a_subscription_brings_it() {
    let s = Given::demo().start();
    let source = format!("/tenants/{}/providers/Microsoft.Management/managementGroups/corp", s.cast.tenant);
    for event in policy_event(&source, &subscription(&s.cast.new)) {
        onboarded(&s, event).await;
    }
    for subject in [format!("{}/resourceGroups/web", subscription(&s.cast.new)), group("corp"), "corp".to_owned()] {
        for event in policy_event(&source, &subject) {
            ignored(&s, event).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_event_of_a_subscriptions_topic_names_no_tenant() {
    let cast = ispm_onboarder_simulator::DemoCast::of(7);
    let source = subscription(&cast.new);
    for event in policy_event(&source, &source) {
        let s = Given::demo().setting("ONBOARDER_TENANTS", &cast.tenant).start();
        onboarded(&s, event.clone()).await;

        let s = Given::demo().setting("ONBOARDER_TENANTS", &format!("{},{OTHER_TENANT}", cast.tenant)).start();
        s.deliver(event).await;
        s.count_calls();
        s.expect_results(["failed invalid-event"]);
    }
}

#[tokio::test(start_paused = true)]
async fn operations_that_bring_or_move_a_subscription_are_taken_up() {
    let s = Given::demo().start();
    let moved = format!("/PROVIDERS/MICROSOFT.MANAGEMENT/MANAGEMENTGROUPS/CORP/SUBSCRIPTIONS/{}", s.cast.new.to_uppercase());
    for (kind, name, resource) in [
        (
            "Microsoft.Resources.ResourceWriteSuccess",
            "Microsoft.Subscription/aliases/write",
            "/providers/Microsoft.Subscription/aliases/new",
        ),
        ("Microsoft.Resources.ResourceActionSuccess", "microsoft.subscription/ALIASES/write", subscription(&s.cast.new).as_str()),
        ("Microsoft.Resources.ResourceActionSuccess", "Microsoft.Subscription/enable/action", subscription(&s.cast.new).as_str()),
        ("Microsoft.Resources.ResourceWriteSuccess", "Microsoft.Management/managementGroups/subscriptions/write", moved.as_str()),
        ("Microsoft.Resources.ResourceDeleteSuccess", "Microsoft.Management/managementGroups/subscriptions/delete", moved.as_str()),
    ] {
        for event in operation(&s, kind, name, resource) {
            onboarded(&s, event).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn other_operations_and_those_without_a_subscription_are_ignored() {
    let s = Given::demo().start();
    let alias = "/providers/Microsoft.Subscription/aliases/new";
    for (kind, name) in [
        ("Microsoft.Resources.ResourceWriteSuccess", "Microsoft.Compute/virtualMachines/write"),
        ("Microsoft.Resources.ResourceWriteFailure", "Microsoft.Subscription/aliases/write"),
        ("Microsoft.PolicyInsights.PolicyStateChanged", "Microsoft.Subscription/aliases/write"),
    ] {
        for event in operation(&s, kind, name, &subscription(&s.cast.new)) {
            ignored(&s, event).await;
        }
    }
    for mut event in operation(&s, "Microsoft.Resources.ResourceWriteSuccess", "Microsoft.Subscription/aliases/write", alias) {
        event["data"]["subscriptionId"] = json!("");
        ignored(&s, event).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_subscription_takes_nothing_away_where_offboarding_is_off() {
    let s = Given::demo().start();
    let cancel = "Microsoft.Subscription/cancel/action";
    for event in operation(&s, "Microsoft.Resources.ResourceActionSuccess", cancel, &subscription(&s.cast.new)) {
        s.deliver(event).await;
        let calls = s.count_calls();
        assert!(!calls.contains_key(ASSIGN) && !calls.contains_key(PUBLISH), "{calls:?}");
    }
}
