//! Events, queues and the Functions host: who sends what to whom, under which name, and how long each waits.

use std::collections::BTreeSet;
use std::time::Duration;

use hcl::Expression;
use ispm_onboarder::delivery::DEADLINE;
use serde_json::Value;

use crate::terraform::{Stage, literal, written};
use crate::{functions, json, project, read};

/// Event Grid waits so long for an answer (<https://learn.microsoft.com/azure/event-grid/delivery-and-retry>).
const EVENT_GRID_WAITS: Duration = Duration::from_secs(30);
/// The Consumption plan's limit, the shortest of all plans' (<https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout>).
const LONGEST_TIMEOUT: Duration = Duration::from_mins(10);
/// What one call of the queue service gives at most (<https://learn.microsoft.com/rest/api/storageservices/get-messages>).
const MOST_MESSAGES: u64 = 32;

#[test]
fn events_are_delivered_to_a_function_that_takes_them() {
    let stages = Stage::all();
    let values = stages.iter().flat_map(|stage| stage.below("")).map(|(_, value)| written(value));
    let named: BTreeSet<String> = values
        .flat_map(|value| {
            let after: Vec<String> = value.split("}/functions/").skip(1).map(str::to_owned).collect();
            after.into_iter().map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>())
        })
        .collect();
    let takers = functions().into_iter().filter(|(_, bindings)| bindings.iter().any(|binding| binding["type"] == "eventGridTrigger"));
    assert_eq!(named, takers.map(|(name, _)| name).collect());
}

/// The schema is made of the types that the code knows.
#[test]
fn the_event_types_that_are_subscribed_are_those_that_are_understood() {
    let subscribed = Stage::read("wiring");
    let subscribed = subscribed.attribute("resource.azurerm_eventgrid_event_subscription.onboarding.included_event_types");
    let Expression::Array(subscribed) = subscribed else { panic!("{} is no list", written(subscribed)) };
    let schema = json("docs/schemas/requested-event.schema.json");
    let kinds = schema["$defs"]["Requested"]["oneOf"].as_array().unwrap();
    let understood: BTreeSet<&str> = kinds.iter().map(|kind| kind["const"].as_str().unwrap()).collect();
    assert_eq!(subscribed.iter().map(literal).collect::<BTreeSet<_>>(), understood);
}

/// The handler sends and takes CloudEvents: both topics take them, and both subscriptions hand them on as they are.
#[test]
fn topics_and_subscriptions_speak_cloud_events() {
    let mut schemas = 0;
    for stage in Stage::all() {
        for (address, value) in stage.below("resource.azurerm_eventgrid_") {
            if address.ends_with(".input_schema") || address.ends_with(".event_delivery_schema") {
                assert_eq!(literal(value), "CloudEventSchemaV1_0", "{address}");
                schemas += 1;
            }
        }
    }
    assert_eq!(schemas, 4);
}

fn queues() -> Vec<(String, String)> {
    let app = Stage::read("app");
    let members = app.members(app.attribute("locals.queues"));
    members.into_iter().map(|(key, name)| (key, literal(name).to_owned())).collect()
}

/// The Functions host makes the poison queue's name (Azure/azure-webjobs-sdk, `QueueListener`: `"{queue}-poison"`); the demo, the queries
/// and the pages name the same queues.
#[test]
fn queues_have_one_name_everywhere() {
    let queues = queues();
    let name = |wanted: &str| &queues.iter().find(|(key, _)| key == wanted).unwrap_or_else(|| panic!("no queue {wanted}")).1;
    assert_eq!(*name("poison"), format!("{}-poison", name("onboarding")));
    let example = json("local.settings.example.json");
    assert_eq!(example["Values"]["ONBOARDER_QUEUE_NAME"], **name("onboarding"));
    let mut asked_for = 0;
    for file in crate::files(&project("infra/azure"), &[".tf", ".kql", ".tftpl", ".json"]) {
        let text = read(&file);
        for (end, _) in text.match_indices("/messages") {
            let queue = text[..end].rsplit('/').next().unwrap();
            assert!(queues.iter().any(|(_, name)| name == queue), "{} asks for {queue}", file.display());
            asked_for += 1;
        }
    }
    assert!(asked_for > 0, "the alert on poison messages asks for their queue");
}

/// `hh:mm:ss`.
fn duration(value: &Value) -> Duration {
    let parts = value.as_str().unwrap().split(':').map(|part| part.parse::<u64>().unwrap());
    Duration::from_secs(parts.fold(0, |seconds, part| seconds * 60 + part))
}

#[test]
fn whoever_waits_for_an_invocation_waits_longer_than_it_works() {
    let host = json("host.json");
    let timeout = duration(&host["functionTimeout"]);
    assert!(DEADLINE < EVENT_GRID_WAITS);
    assert!(timeout > EVENT_GRID_WAITS && timeout <= LONGEST_TIMEOUT, "{timeout:?}");
    let queues = &host["extensions"]["queues"];
    // A message whose call failed comes back when its call would have ended in any case, so that two do not work on it at once.
    assert!(duration(&queues["visibilityTimeout"]) > EVENT_GRID_WAITS);
    let number = |name: &str| queues[name].as_u64().unwrap();
    assert!(number("newBatchThreshold") < number("batchSize") && number("batchSize") <= MOST_MESSAGES);
    assert!(number("maxDequeueCount") > 1, "what may pass is tried again");
}
