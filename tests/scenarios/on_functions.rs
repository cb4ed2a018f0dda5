//! What is particular to Azure Functions: managed identities, the host's own calls, Event Grid's schedule.

mod places;

use ispm_onboarder_simulator::Fault;
use serde_json::json;

use crate::faults::undone;
use crate::harness::{EPOCH, Given, PUT_BACK, logs, subscription};

#[tokio::test(start_paused = true)]
async fn the_hosts_log_says_what_was_asked_two_steps_and_the_end() {
    let s = Given::demo().start();
    let delivery = s.onboard(&s.cast.new).await;
    assert_eq!(logs(&delivery).len(), 4, "{:?}", logs(&delivery));
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_cold_start_reads_three_secrets_and_fetches_a_token_for_each_audience() {
    let s = Given::demo().start();
    s.onboard(&s.cast.new).await;

    let mut calls: Vec<String> = s.unread_calls().into_iter().map(|call| call.operation).collect();
    calls.retain(|name| ["identity.", "entra.", "key-vault."].iter().any(|service| name.starts_with(service)));
    calls.sort_unstable();
    // The first read of the vault is its challenge, which the SDK asks for to learn where to sign in.
    let expected = [
        ("entra.token", 2, "Resource Manager and Graph, as the login app"),
        ("identity.token", 2, "the vault and Event Grid, as the function"),
        ("key-vault.secret.get", 4, "the challenge, the record, the login's secret and the API token"),
    ];
    let expected: Vec<&str> = expected.into_iter().flat_map(|(name, times, _)| vec![name; times]).collect();
    assert_eq!(calls, expected);
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_managed_identity_signs_in_without_any_stored_secret() {
    let s = Given::demo()
        .record(|record| record["login"] = json!({"method": "managed-identity"}))
        .world(|world, cast| {
            let vault = world.vaults.get_mut(&cast.vault).unwrap();
            vault.secrets.remove("contoso-login-secret").unwrap();
        })
        .start();
    s.onboard(&s.cast.new).await;
    let calls = s.unread_calls();
    assert!(!calls.iter().any(|call| call.operation.starts_with("entra.")), "{calls:#?}");
    let created = s.assignments_at(&subscription(&s.cast.new));
    assert_eq!(created.len(), 1);
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_id_of_its_own_takes_the_invocations() {
    let s = Given::demo().start();
    let body = json!({"tenantId": s.cast.tenant, "scope": subscription(&s.cast.new)}).to_string();
    let invocation = "0b1f6471-1bf0-4dda-aec3-111122223333";
    s.post("/api/onboard", &[("x-azure-functions-invocationid", invocation)], body).await;
    s.count_calls();
    let [result] = s.expect_results(["onboarded"]);
    assert_eq!(result["data"]["cause"]["id"], invocation);
}

#[tokio::test(start_paused = true)]
async fn the_host_is_answered_at_once() {
    let s = Given::demo().start();
    let answer = s.get("/").await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.is_empty());
}

#[tokio::test(start_paused = true)]
async fn other_routes_and_methods_do_nothing() {
    let s = Given::demo().start();
    assert_eq!(s.get("/api/onboard").await.status, 405);
    assert_eq!(s.get("/OnOnboardingEvent").await.status, 405);
    assert_eq!(s.post("/api/unknown", &[], "{}").await.status, 404);
    assert!(s.unread_calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_host_never_makes_is_answered_and_does_nothing() {
    for body in ["", "hello", "[]", "{}", "{\"Data\": []}", "{\"Data\": {\"other\": 1}}", "\u{feff}{}"] {
        let s = Given::demo().start();
        for route in ["/OnOnboardingEvent", "/OnOnboardingMessage"] {
            let answer = s.post(route, &[], body).await;
            assert_eq!(answer.status, 400, "{body}");
            assert_eq!(answer.json()["code"], "invalid-event", "{body}");
        }
        assert!(s.unread_calls().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_without_its_own_identity_leaves_the_event_to_event_grid() {
    let s = Given::demo().fault(Fault::status("identity.token", 500)).start();
    let delivery = s.onboard(&s.cast.new).await;
    assert_eq!(delivery.status, 500, "neither done nor stored: {:?}", delivery.answer);
    s.mend();
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_token_of_the_queue_that_is_refused_is_replaced_at_once() {
    let s = Given::demo().fault(Fault::status("arm.*", 503)).fault(Fault::status(PUT_BACK, 401).times(1)).start();
    let delivery = s.onboard(&s.cast.new).await;
    assert_eq!(delivery.status, 200);
    s.expect_waiting();
    s.mend();
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_token_of_the_vault_that_is_refused_for_the_list_of_tenants_is_replaced_at_once() {
    let s = Given::demo().start();
    s.warm_up().await;
    s.fault(Fault::status("key-vault.secrets.list", 401).times(1));
    let answer = s.sweep().await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    s.settle(1).await;
    s.count_calls();
    s.distinct_results();
}

/// Found by the histories: a token that is too old for the record, and the next one for the secrets that the record names.
#[tokio::test(start_paused = true)]
async fn a_token_of_the_vault_that_is_refused_twice_on_the_way_is_replaced_twice() {
    let refused = |name: &str, skip| Fault::status("key-vault.secret.get", 401).about(name).skipping(skip).times(1);
    // The first read of all is the SDK's challenge.
    let s = Given::demo().fault(refused("ispm-onboarder-", 1)).fault(refused("contoso-login-secret", 0)).start();
    s.onboard(&s.cast.new).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn everything_down_at_once_and_up_again_loses_nothing() {
    let s = Given::demo().fault(Fault::status("*", 503)).start();
    s.onboard(&s.cast.new).await;
    s.settle(3).await;
    s.mend();
    // Event Grid's own schedule has grown to hours by now.
    s.settle(6).await;
    assert_eq!(undone(&s), None);
}

/// What an event hub brings is put into the queue, with one call for each entry that counts; the tenant is for the worker to find.
#[tokio::test(start_paused = true)]
async fn entries_of_the_activity_log_are_queued_and_nothing_else_is_done() {
    let s = Given::demo().start();
    let entry = |id: &str| {
        json!({
            "time": "2126-11-22T09:50:00Z", "operationName": "Microsoft.Management", "resultType": "Succeeded", "correlationId": "c-1",
            "resourceId": format!("/providers/Microsoft.Management/managementGroups/{}", s.cast.tenant),
            "identity": { "claims": { "upn": "alice@contoso.example" } }, "callerIpAddress": "203.0.113.7",
            "properties": { "message": format!("Entity {id} is created with parent entity corp") },
        })
    };
    let text = json!({ "records": [entry(&s.cast.new), entry("corp"), entry(&s.cast.more[0])] }).to_string();
    let body = json!({ "Data": { "records": json!([text]).to_string() }, "Metadata": {} }).to_string();
    let answer = s.post("/OnActivityLog", &[], body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["Logs"], json!(["queued", "queued", "ignored: 1 entries"]));
    let calls: Vec<String> = s.unread_calls().into_iter().map(|call| call.operation).filter(|call| call != "identity.token").collect();
    assert_eq!(calls, [PUT_BACK; 2]);
    let [one, two] = s.expect_all_waiting();
    let scopes = [&one, &two].map(|waiting| waiting.message["scope"].as_str().unwrap().to_owned());
    assert!(scopes.contains(&subscription(&s.cast.new)) && scopes.contains(&subscription(&s.cast.more[0])), "{scopes:?}");
    let mut rest = one.message.clone();
    rest["scope"] = json!(null);
    let first_seen = one.first_seen();
    assert_eq!(first_seen, EPOCH);
    let expected = json!({
        "version": 2, "scope": null, "action": "onboard", "attempts": 0, "unconfirmed": true, "causedAt": "2126-11-22T09:50:00Z",
        "firstSeen": rest["firstSeen"],
        "cause": {
            "source": format!("/providers/microsoft.management/managementgroups/{}", s.cast.tenant), "id": "c-1", "type": "Microsoft.Management",
        },
    });
    assert_eq!(rest, expected);
}
