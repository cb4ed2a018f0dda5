//! The handler signs in to a tenant by each method, over sockets.

use ispm_onboarder_simulator::{ClientCertificate, DemoCast, World};
use reqwest::StatusCode;
use serde_json::{Value, json};
use time::macros::datetime;

use crate::functions_host::FunctionApp;
use crate::simulator::Simulator;

const SECRET: &str = "contoso-login-secret";

/// The demo's world, where the tenant's record says this of the login.
fn world_with(login: &Value) -> (World, DemoCast) {
    let (mut world, cast) = (World::demo(7), DemoCast::of(7));
    let name = format!("ispm-onboarder-{}", cast.tenant);
    let text = world.vaults[&cast.vault].secret(&name, None).unwrap().value.reveal().to_owned();
    let mut record: Value = serde_json::from_str(&text).unwrap();
    record["login"] = login.clone();
    // So no call to Graph is needed, for which only the login app has the permission.
    record["app"]["principalId"] = json!(cast.ispm_principal_id);
    world.set_secret(&cast.vault, &name, &record.to_string());
    world.applications.get_mut(&cast.login_client_id).unwrap().secrets.clear();
    (world, cast)
}

/// Lets a handler onboard a subscription of this world, with more app settings, and says which tokens the identity endpoint gave.
async fn onboards(world: &World, settings: &[(&str, &str)]) -> Vec<String> {
    let simulator = Simulator::start_in(world).await;
    let mut environment = simulator.environment.clone();
    environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let app = FunctionApp::start(&environment).await;
    let event = simulator.new_subscription().await;
    let answer = app.deliver(&event).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let results = simulator.results().await;
    assert_eq!(results[0]["type"], "dev.ispm-onboarder.scope.onboarded.v1", "{results:?}");
    assert_eq!(simulator.assignments_at(event["data"]["scope"].as_str().unwrap()).await.len(), 1);
    for shown in ["PRIVATE KEY", "of~no~value", ".eyJ"] {
        assert!(!app.process.stderr().contains(shown), "{shown} is logged");
    }
    let calls = simulator.control(reqwest::Method::GET, "requests?operation=identity.token", None).await;
    calls.as_array().unwrap().iter().map(|call| call["url"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn with_a_certificate() {
    let cast = DemoCast::of(7);
    let (mut world, _) = world_with(&json!({ "method": "client-certificate", "clientId": cast.login_client_id, "secretName": SECRET }));
    let certificate = ClientCertificate::made(datetime!(2020-01-01 0:00 UTC), datetime!(2099-01-01 0:00 UTC)).unwrap();
    world.applications.get_mut(&cast.login_client_id).unwrap().certificates.push(certificate.credential.clone());
    world.set_secret(&cast.vault, SECRET, &certificate.pem());
    onboards(&world, &[]).await;
}

#[tokio::test]
async fn with_the_word_of_its_user_assigned_identity() {
    let cast = DemoCast::of(7);
    let (mut world, _) = world_with(&json!({ "method": "managed-identity-federation", "clientId": cast.login_client_id }));
    world.platform.identities.iter_mut().for_each(|identity| identity.system_assigned = false);
    world.applications.get_mut(&cast.login_client_id).unwrap().trust_identity(&cast.tenant, &cast.function_principal_id);
    let asked = onboards(&world, &[("AZURE_CLIENT_ID", &cast.function_client_id)]).await;
    assert!(asked.iter().all(|url| url.contains(&cast.function_client_id)), "{asked:?}");
    assert_eq!(asked.iter().filter(|url| url.contains("AzureADTokenExchange")).count(), 1, "one word for all audiences: {asked:?}");
}

#[tokio::test]
async fn as_its_system_assigned_or_its_user_assigned_identity() {
    for user_assigned in [false, true] {
        let (mut world, cast) = world_with(&json!({ "method": "managed-identity" }));
        // The rights of the login app.
        let tenant = world.tenants.get_mut(&cast.tenant).unwrap();
        for assignment in tenant.role_assignments.values_mut() {
            if assignment.principal_id == cast.login_principal_id {
                assignment.principal_id = cast.function_principal_id.clone();
            }
        }
        world.platform.identities.iter_mut().for_each(|identity| identity.system_assigned = !user_assigned);
        let setting = [("AZURE_CLIENT_ID", cast.function_client_id.as_str())];
        let asked = onboards(&world, if user_assigned { &setting } else { &[] }).await;
        assert!(asked.iter().all(|url| url.contains(&cast.function_client_id) == user_assigned), "{asked:?}");
    }
}
