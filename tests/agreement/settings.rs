//! App settings: what Terraform sets is what the code and the Functions host read, and so is the example for a laptop.

use std::collections::BTreeSet;

use ispm_onboarder::config::variables::{CLIENT_ID, Needed, OWN, On, PROPAGATION_MINUTES};
use ispm_onboarder::config::{Config, QueueUrl};
use ispm_onboarder_simulator::World;
use serde_json::Value;

use crate::terraform::{Stage, written};
use crate::{functions, json};

/// What the Functions host reads for itself, on every plan or on some.
const OF_THE_HOST: [&str; 7] = [
    // Its own storage, by identity (https://learn.microsoft.com/azure/azure-functions/functions-reference#configure-an-identity-based-connection).
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    // Where its logs go, and as whom it sends them.
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    // Where a Premium or Dedicated plan finds the package, and as whom it reads it.
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID",
];

/// The members of a connection to queues as a user-assigned identity.
const CONNECTION_BY_IDENTITY: [&str; 3] = ["queueServiceUri", "credential", "clientId"];

/// The settings that function.json names: values between percent signs, and connections.
fn of_functions() -> (BTreeSet<String>, BTreeSet<String>) {
    let bindings: Vec<Value> = functions().into_iter().flat_map(|(_, bindings)| bindings).collect();
    let texts = bindings.iter().flat_map(|binding| binding.as_object().unwrap().values()).filter_map(Value::as_str);
    let names = texts.filter_map(|text| text.strip_prefix('%')?.strip_suffix('%')).map(str::to_owned).collect();
    let connections = bindings.iter().filter_map(|binding| binding["connection"].as_str()).map(str::to_owned).collect();
    (names, connections)
}

#[test]
fn terraform_sets_what_is_read_and_nothing_else() {
    let app = Stage::read("app");
    let flex = app.keys(app.attribute("locals.flex_app_settings"));
    let other_plans = app.keys(app.attribute("resource.azurerm_linux_function_app.this.app_settings"));
    let (names, connections) = of_functions();
    let own = OWN.iter().filter(|variable| variable.on != On::Aws).map(|variable| variable.name.to_string());
    let by_identity = |connection: &String| CONNECTION_BY_IDENTITY.map(|member| format!("{connection}__{member}"));
    let read: BTreeSet<String> =
        own.chain(names).chain(connections.iter().flat_map(by_identity)).chain(OF_THE_HOST.map(str::to_owned)).collect();
    assert_eq!(flex.union(&other_plans).cloned().collect::<BTreeSet<_>>(), read);
}

#[test]
fn one_identity_is_meant_everywhere() {
    let app = Stage::read("app");
    let settings = app.members(app.attribute("locals.app_settings"));
    let value = |wanted: &str| written(settings.iter().find(|(name, _)| name == wanted).unwrap_or_else(|| panic!("no {wanted}")).1);
    let id = value(CLIENT_ID.name.as_str());
    let by_id = settings.iter().filter(|(name, _)| name.ends_with("__clientId"));
    assert_eq!(by_id.map(|(_, value)| written(value)).collect::<BTreeSet<_>>(), BTreeSet::from([id.clone()]));
    assert!(value("APPLICATIONINSIGHTS_AUTHENTICATION_STRING").contains(&format!("ClientId=${{{id}}}")));
}

#[test]
fn the_defaults_are_the_same() {
    let app = Stage::read("app");
    let minutes = written(app.attribute("variable.propagation_minutes.default"));
    assert_eq!(Some(minutes.as_str()), PROPAGATION_MINUTES.default);
}

/// The values of local.settings.example.json.
fn local() -> serde_json::Map<String, Value> {
    json("local.settings.example.json")["Values"].as_object().unwrap().clone()
}

/// A connection is a connection string there: Azurite's.
#[test]
fn the_example_for_a_laptop_has_what_is_needed_and_nothing_else() {
    let (names, connections) = of_functions();
    let needed = OWN.iter().filter(|variable| variable.needed != Needed::Never).map(|variable| variable.name.to_string());
    let of_the_host =
        ["AzureFunctionsJobHost__customHandler__description__defaultExecutablePath", "AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME"];
    let expected: BTreeSet<String> = needed.chain(names).chain(connections).chain(of_the_host.map(str::to_owned)).collect();
    assert_eq!(local().keys().cloned().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn the_example_for_a_laptop_is_taken_and_leads_into_the_simulated_world() {
    let values = local();
    let config = Config::read(|name| values.get(name)?.as_str().map(str::to_owned)).unwrap();
    let QueueUrl::Storage(queue) = config.required_queue().unwrap() else { panic!("the example is of Azure") };
    let text = |name: &str| values[name].as_str().unwrap();
    assert_eq!(queue.path(), format!("/{}", text("ONBOARDER_QUEUE_NAME")));
    let world = World::demo(12);
    let account = queue.host_str().unwrap().split('.').next().unwrap();
    assert!(world.storage_accounts[account].queues.contains_key(text("ONBOARDER_QUEUE_NAME")));
    assert!(world.vaults.keys().any(|vault| text("ONBOARDER_SECRET_STORE") == format!("https://{vault}.vault.azure.net")));
    assert!(world.topics.keys().any(|host| text("ONBOARDER_RESULTS") == format!("https://{host}/api/events")));
}
