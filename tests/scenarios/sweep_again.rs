//! Sweeps of several tenants, and sweeps that were killed and made again.

use std::time::Duration;

use ispm_onboarder_simulator::{DemoCast, Effect, Fault, World};
use serde_json::json;

use crate::HOST;
use crate::harness::{ASSIGN, CONNECT, Given, Host, PUBLISH, PUT_BACK, store_secret, stored_secret, subscription};
use crate::sweep::{given, requests};

const FABRIKAM: &str = "88888888-8888-4888-8888-888888888888";
const FABRIKAMS: &str = "88888888-8888-4888-8888-000000000001";
const LEAVE_REPORT: &str = match HOST {
    Host::Functions => "blob.put",
    Host::Lambda => "s3.put",
};

/// Fabrikam, served beside Contoso: the same apps, an Entra source of its own in the same console, and one subscription.
fn fabrikam(world: &mut World, cast: &DemoCast) {
    world.add_app(FABRIKAM, &cast.ispm_client_id, "88888888-8888-4888-8888-00000000000a", None);
    world.add_app(FABRIKAM, &cast.login_client_id, "88888888-8888-4888-8888-00000000000b", None);
    world.tenant_mut(FABRIKAM).add_subscription(FABRIKAMS, "theirs", FABRIKAM);
    let token = stored_secret(world, cast, "contoso-ispm-token");
    world.add_entra_source(&cast.ispm_host, &token, "Fabrikam Entra ID", FABRIKAM, &cast.ispm_client_id);
    let record = stored_secret(world, cast, &format!("ispm-onboarder-{}", cast.tenant));
    let record = record.replace(&cast.tenant, FABRIKAM).replace("Contoso Entra ID", "Fabrikam Entra ID");
    store_secret(world, cast, &format!("ispm-onboarder-{FABRIKAM}"), &record);
}

fn with_fabrikam() -> Given {
    given().world(fabrikam)
}

#[tokio::test(start_paused = true)]
async fn each_tenant_has_a_sweep_and_a_report_of_its_own() {
    let s = with_fabrikam().start();
    let answer = s.sweep().await;
    for tenant in [s.cast.tenant.as_str(), FABRIKAM] {
        assert!(answer.body.contains(&format!("tenant {tenant}: ")), "{tenant} in {}", answer.body);
    }
    assert!(requests(&s).contains(&format!("onboard {}", subscription(FABRIKAMS))), "{:?}", requests(&s));
    let found = requests(&s).len();
    s.settle(1).await;
    let results = s.distinct_results();
    assert!(results.len() == found && results.values().all(|told| told == "onboarded"), "{results:?}");
    s.sweep().await;
    assert!(s.waiting_texts().is_empty());
    let contoso = s.report().await;
    let theirs = s.get(&format!("/api/coverage?tenant={FABRIKAM}")).await.json();
    assert_eq!((&theirs["tenantId"], &theirs["totals"]["covered"]), (&json!(FABRIKAM), &json!(1)), "{theirs:#}");
    assert_eq!(theirs["scopes"].as_array().map(Vec::len), Some(1), "nothing of Contoso's");
    assert!(!contoso.to_string().contains(FABRIKAMS));
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn only_the_tenants_that_the_deployment_serves_are_swept() {
    let s = with_fabrikam().setting("ONBOARDER_TENANTS", FABRIKAM).start();
    let answer = s.sweep().await;
    assert!(!answer.body.contains(&s.cast.tenant), "{}", answer.body);
    assert_eq!(requests(&s), [format!("onboard {}", subscription(FABRIKAMS))]);
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn a_sweep_killed_anywhere_is_made_up_for_by_the_next() {
    for killed_in in ["arm.descendants.list", "arm.resource-graph.query", "ispm.connections.list", PUT_BACK, LEAVE_REPORT] {
        for after in [false, true] {
            let slow = Fault::new(killed_in, Effect::Delay { seconds: 5 }).times(1);
            let s = given().fault(if after { slow.after() } else { slow }).start();
            let killed = tokio::time::timeout(Duration::from_secs(1), s.sweep()).await;
            assert!(killed.is_err(), "the sweep should have hung in {killed_in}");
            tokio::time::sleep(Duration::from_mins(1)).await;

            s.sweep().await;
            s.settle(1).await;
            let found: Vec<&String> = s.cast.more.iter().chain([&s.cast.new]).collect();
            s.count_calls();
            assert_eq!(s.connections().len(), 1, "killed in {killed_in}");
            for id in &found {
                assert_eq!(s.assignments_at(&subscription(id)).len(), 1, "killed in {killed_in}");
            }
            let results = s.distinct_results();
            assert_eq!(results.len(), found.len(), "killed in {killed_in}, what was asked for twice is told under one id: {results:?}");

            s.sweep().await;
            let calls = s.count_calls();
            for write in [ASSIGN, CONNECT, PUBLISH, PUT_BACK] {
                assert!(!calls.contains_key(write), "killed in {killed_in}: {write} in {calls:?}");
            }
            assert_eq!(s.report().await["totals"]["missing"], 0);
            s.count_calls();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_killed_while_it_tells_a_change_tells_it_again_under_the_same_id() {
    let s = given().start();
    s.sweep().await;
    s.settle(1).await;
    s.sweep().await;
    s.distinct_results();
    s.change(|world, cast| {
        world.tenant_mut(&cast.tenant).role_assignments.retain(|_, found| found.principal_id != cast.ispm_principal_id);
    });
    for after in [true, false] {
        let slow = Fault::new(PUBLISH, Effect::Delay { seconds: 5 }).times(1);
        s.fault(if after { slow.after() } else { slow });
        let killed = tokio::time::timeout(Duration::from_secs(1), s.sweep()).await;
        assert!(killed.is_err(), "the sweep should have hung");
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    s.sweep().await;
    let results = s.distinct_results();
    assert_eq!(results.values().collect::<Vec<_>>(), ["failed connection-failed"], "{results:?}");
    s.count_calls();
    s.forgive_what_waits();
}
