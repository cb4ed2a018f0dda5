//! Azure US Government, by one setting: the whole way, there and back, and not one call to a name of the public cloud.

use std::collections::BTreeSet;

use ispm_onboarder::doctor::{Check, Status};
use ispm_onboarder_simulator::{DemoCast, Simulator, TokenKey};
use serde_json::{Value, json};

use crate::HOST;
use crate::harness::{ASSIGN, Given, Host, Scenario, subscription};
use crate::sweep::{calm, row};

/// Every host that a deployment has there.
fn hosts_of_government(cast: &DemoCast) -> BTreeSet<String> {
    let both = ["management.usgovcloudapi.net", "graph.microsoft.us", "login.microsoftonline.us", &cast.ispm_host].map(str::to_owned);
    let of_the_host = match HOST {
        Host::Functions => vec![
            format!("{}.vault.usgovcloudapi.net", cast.vault),
            format!("{}.queue.core.usgovcloudapi.net", cast.storage_account),
            format!("{}.blob.core.usgovcloudapi.net", cast.storage_account),
            cast.topic.clone(),
            // The platform's own endpoint for tokens.
            "127.0.0.1".to_owned(),
        ],
        Host::Lambda => ["events", "s3", "secretsmanager", "sqs", "sts"]
            .map(|service| format!("{service}.{}.amazonaws.com", cast.aws.region))
            .into_iter()
            .chain([format!("{}.s3.{}.amazonaws.com", cast.aws.bucket, cast.aws.region)])
            .collect(),
    };
    both.into_iter().chain(of_the_host).collect()
}

/// Accounts for the calls, by their hosts.
fn hosts_called(s: &Scenario) -> BTreeSet<String> {
    let calls = s.unread_calls();
    assert_eq!(s.unknown_hosts(), [""; 0]);
    calls.iter().filter_map(|call| call.url.split('/').next()).map(|host| host.split(':').next().unwrap_or(host).to_owned()).collect()
}

fn given() -> Given {
    let cast = DemoCast::of(7);
    let tokens = Given::government().people_offboard().setting("ONBOARDER_ENTRA_AUDIENCE", &cast.api.app_id_uri);
    tokens.setting("ONBOARDER_ENTRA_CALLERS", &cast.tenant).world(calm)
}

fn token(s: &Scenario, issuer: &str, version: &str) -> String {
    let now = s.now().unix_timestamp();
    let claims = json!({
        "aud": s.cast.api.app_id_uri, "iss": issuer, "iat": now, "nbf": now, "exp": now + 3599, "tid": s.cast.tenant,
        "oid": s.cast.api.caller_principal_id, "azp": s.cast.api.caller_client_id, "sub": s.cast.api.caller_principal_id,
        "roles": ["Onboarder.Offboard", "Onboarder.Read"], "ver": version,
    });
    format!("Bearer {}", Simulator::sign_token(&claims, TokenKey::Entra))
}

#[tokio::test(start_paused = true)]
async fn the_whole_way_there_and_back_leads_to_no_public_name() {
    let s = given().start();
    let scope = subscription(&s.cast.new);
    s.onboard(&s.cast.new).await;
    assert_eq!(s.assignments_at(&scope).len(), 1);
    s.expect_results(["onboarded"]);
    s.sweep().await;
    s.settle(1).await;
    assert_eq!(s.distinct_results().into_values().collect::<BTreeSet<_>>(), BTreeSet::from(["onboarded".to_owned()]));
    let authority = format!("https://login.microsoftonline.us/{}/v2.0", s.cast.tenant);
    let report = s.report_with(&token(&s, &authority, "2.0")).await;
    assert_eq!(row(&report, &s.cast.new)["verdict"], "covered", "{report:#}");
    let body = json!({ "tenantId": s.cast.tenant, "scope": scope }).to_string();
    let answer = s.post("/api/offboard", &[("authorization", &token(&s, &authority, "2.0"))], body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(s.assignments_at(&scope).is_empty());
    s.expect_results(["offboarded"]);
    let (called, there) = (hosts_called(&s), hosts_of_government(&s.cast));
    assert!(called.is_subset(&there), "{:?} are not of this cloud", called.difference(&there));
    for host in ["management.usgovcloudapi.net", "graph.microsoft.us", "login.microsoftonline.us"] {
        assert!(called.contains(host), "{host} in {called:?}");
    }
}

/// Entra's version 1.0 has one issuer everywhere, version 2.0 one in each cloud.
#[tokio::test(start_paused = true)]
async fn a_callers_token_is_of_the_deployments_own_cloud() {
    let s = given().start();
    let body = json!({ "tenantId": s.cast.tenant, "scope": subscription(&s.cast.new) }).to_string();
    let mut statuses = Vec::new();
    for issuer in
        ["https://sts.windows.net/TENANT/", "https://login.microsoftonline.us/TENANT/v2.0", "https://login.microsoftonline.com/TENANT/v2.0"]
    {
        let token = token(&s, &issuer.replace("TENANT", &s.cast.tenant), "2.0");
        statuses.push(s.post("/api/offboard", &[("authorization", &token)], body.clone()).await.status);
    }
    assert_eq!(statuses, [200, 200, 401]);
    assert!(hosts_called(&s).is_subset(&hosts_of_government(&s.cast)));
    s.expect_results(["offboarded", "offboarded"]);
}

#[tokio::test(start_paused = true)]
async fn the_doctor_looks_at_this_cloud_alone() {
    let s = given().start();
    s.onboard(&s.cast.new).await;
    s.expect_results(["onboarded"]);
    hosts_called(&s);
    let checks = s.doctor(time::Duration::ZERO).examine(None).await;
    let in_order = |check: &&Check| matches!(check.status, Status::Ok | Status::Skipped);
    assert_eq!(checks.iter().find(|check| !in_order(check)).map(|check| &check.detail), None);
    assert!(checks.iter().any(|check| check.id == "clock" && check.status == Status::Ok), "{checks:#?}");
    assert!(hosts_called(&s).is_subset(&hosts_of_government(&s.cast)));
}

#[tokio::test(start_paused = true)]
async fn pages_do_not_lead_into_the_other_cloud() {
    use ispm_onboarder_simulator::{Effect, Fault};
    let elsewhere = Value::from("https://management.azure.com/subscriptions?api-version=2022-12-01&$skiptoken=x");
    let led_away = Effect::Altered { pointer: "/nextLink".to_owned(), value: elsewhere };
    let s = given().fault(Fault::new("arm.role-assignments.list", led_away).after()).start();
    s.onboard(&s.cast.new).await;
    s.expect_results(["failed unexpected-answer"]);
    assert!(!s.count_calls().contains_key(ASSIGN));
}
