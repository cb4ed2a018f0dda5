//! App settings: what Terraform sets is what the code and the Functions host read, and so is the example for a laptop.

use std::collections::BTreeSet;

use ispm_onboarder::config::variables::{CLIENT_ID, DEAD_LETTERS, Needed, OWN, On, PROPAGATION_MINUTES};
use ispm_onboarder::config::{Config, QueueUrl};
use ispm_onboarder_simulator::World;
use serde_json::Value;

use crate::terraform::{Stage, literal, written};
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

/// The members of a connection as a user-assigned identity, by the trigger that connects
/// (<https://learn.microsoft.com/azure/azure-functions/functions-reference#common-properties-for-identity-based-connections>).
const CONNECTIONS_BY_IDENTITY: [(&str, [&str; 3]); 2] = [
    ("queueTrigger", ["queueServiceUri", "credential", "clientId"]),
    ("eventHubTrigger", ["fullyQualifiedNamespace", "credential", "clientId"]),
];

/// What function.json asks of the app settings.
#[derive(Default)]
struct Asked {
    /// Values between percent signs.
    names: BTreeSet<String>,
    /// Connections, with the trigger that connects.
    connections: BTreeSet<(String, String)>,
}

impl Asked {
    fn by(bindings: &[Value]) -> Self {
        let texts = bindings.iter().flat_map(|binding| binding.as_object().unwrap().values()).filter_map(Value::as_str);
        let connections = bindings.iter().filter_map(|binding| Some((binding["type"].as_str()?, binding["connection"].as_str()?)));
        Self {
            names: texts.filter_map(|text| text.strip_prefix('%')?.strip_suffix('%')).map(str::to_owned).collect(),
            connections: connections.map(|(kind, name)| (kind.to_owned(), name.to_owned())).collect(),
        }
    }

    /// The settings of its connections.
    fn by_identity(&self) -> impl Iterator<Item = String> {
        self.connections.iter().flat_map(|(kind, name)| {
            let known = CONNECTIONS_BY_IDENTITY.iter().find(|(trigger, _)| trigger == kind);
            let (_, members) = known.unwrap_or_else(|| panic!("a {kind} with a connection"));
            members.map(|member| format!("{name}__{member}"))
        })
    }
}

/// Each function with a trigger of one of these kinds, and what it asks for.
fn triggered_by(kinds: &[&str]) -> Vec<(String, Asked)> {
    let is_one = |bindings: &[Value]| bindings.iter().any(|binding| kinds.iter().any(|kind| binding["type"] == *kind));
    functions().into_iter().filter(|(_, bindings)| is_one(bindings)).map(|(name, bindings)| (name, Asked::by(&bindings))).collect()
}

fn asked() -> Asked {
    Asked::by(&functions().into_iter().flat_map(|(_, bindings)| bindings).collect::<Vec<_>>())
}

/// The setting that keeps a function from being triggered (<https://learn.microsoft.com/azure/azure-functions/disable-function>).
fn switch(function: &str) -> String {
    format!("AzureWebJobs.{function}.Disabled")
}

/// The names of this program's own variables on Azure.
fn own() -> impl Iterator<Item = String> {
    OWN.iter().filter(|variable| variable.on != On::Aws).map(|variable| variable.name.to_string())
}

#[test]
fn terraform_sets_what_is_read_and_nothing_else() {
    let app = Stage::read("app");
    let flex = app.keys(app.attribute("locals.flex_app_settings"));
    let other_plans = app.keys(app.attribute("resource.azurerm_linux_function_app.this.app_settings"));
    let asked = asked();
    // What a deployment may do without can be off.
    let switches = triggered_by(&["timerTrigger", "eventHubTrigger"]).into_iter().map(|(function, _)| switch(&function));
    let by_host = asked.by_identity().chain(switches).chain(OF_THE_HOST.map(str::to_owned));
    let by_function = own().filter(|name| *name != DEAD_LETTERS.name.to_string());
    let read: BTreeSet<String> = by_function.chain(by_host).chain(asked.names.clone()).collect();
    assert_eq!(flex.union(&other_plans).cloned().collect::<BTreeSet<_>>(), read);
}

/// The command line works with the same things, as whoever types.
#[test]
fn the_environment_of_the_command_line_is_what_it_reads() {
    let app = Stage::read("app");
    let hcl::Expression::Array(typed) = app.attribute("locals.typed_settings") else { panic!("no list") };
    let typed: BTreeSet<String> = typed.iter().map(|name| literal(name).to_owned()).chain([DEAD_LETTERS.name.to_string()]).collect();
    let of_the_function = |name: &String| *name == CLIENT_ID.name.to_string() || name.starts_with("ONBOARDER_ENTRA_");
    assert_eq!(typed, own().filter(|name| !of_the_function(name)).collect());
    assert!(written(app.attribute("output.environment.value")).contains("local.typed_settings"));
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

/// A connection is a connection string there: Azurite's, which has no Event Hubs. So what reads one is off.
#[test]
fn the_example_for_a_laptop_has_what_is_needed_and_nothing_else() {
    let needed = OWN.iter().filter(|variable| variable.needed != Needed::Never).map(|variable| variable.name.to_string());
    let of_the_host =
        ["AzureFunctionsJobHost__customHandler__description__defaultExecutablePath", "AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME"];
    let on = triggered_by(&["queueTrigger", "timerTrigger"]).into_iter().map(|(_, asked)| asked);
    let on = on.flat_map(|asked| asked.names.into_iter().chain(asked.connections.into_iter().map(|(_, name)| name)));
    let off = triggered_by(&["eventHubTrigger"]).into_iter().map(|(function, _)| switch(&function));
    let expected: BTreeSet<String> = needed.chain(on).chain(off).chain(of_the_host.map(str::to_owned)).collect();
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
