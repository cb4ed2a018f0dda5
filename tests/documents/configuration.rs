//! The parts of docs/configuration.md that list what the code reads and what the deployed files set.

use std::collections::BTreeMap;

use ispm_onboarder::config::variables::{Needed, OF_OTHERS, OWN, OfOthers, On, Variable};
use ispm_onboarder::permissions::{Permissions, Row};
use serde_json::Value;

use super::{files, json, project};

pub fn parts() -> Vec<(&'static str, String)> {
    vec![
        ("variables", variables()),
        ("where to find values", commands()),
        ("variables of others", of_others()),
        ("app settings", app_settings()),
        ("host", host()),
        ("rights", rights()),
    ]
}

fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | ")).replace("|  |", "| |");
    let rows: String = rows.into_iter().map(|row| line(&row)).collect();
    format!("{}{}|\n{rows}", line(&head.map(str::to_owned)), "|---".repeat(N))
}

fn code(text: impl std::fmt::Display) -> String {
    format!("`{text}`")
}

/// Words of an error as a page shows them: what can be typed is code.
fn spans(text: &str) -> String {
    let typed = |word: &str| {
        ["https://", "aws-secretsmanager:", "eventbridge:", "file:", "stdout:", "*.", "=all"].iter().any(|start| word.starts_with(start))
    };
    let words = text.split(' ').map(|word| match word.trim_end_matches(',') {
        bare if typed(bare) => word.replace(bare, &code(bare)),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn variables() -> String {
    let needed = |variable: &Variable| match variable.needed {
        Needed::Always => "yes",
        Needed::ByFunction => "by `handler` and `bootstrap`",
        Needed::Never => "no",
    };
    let row = |variable: &&Variable| {
        let default = variable.default.map(code).unwrap_or_default();
        let on = match variable.on {
            On::All => "",
            On::Azure => "on Azure: ",
            On::Aws => "on AWS: ",
        };
        [code(variable.name), needed(variable).to_owned(), spans(variable.expected), default, format!("{on}{}", variable.meaning)]
    };
    table(["name", "needed", "value", "default", "meaning"], OWN.iter().map(row))
}

fn commands() -> String {
    let rows = OWN.iter().filter_map(|variable| Some((variable.name, variable.find?)));
    table(["value of", "to find it"], rows.map(|(name, find)| [code(name), command(find)]))
}

/// A command as code, with the words after it as they are.
fn command(find: &str) -> String {
    match find.split_once(", ") {
        Some((command, words)) if command.starts_with("az ") => format!("{}, {words}", code(command)),
        None if find.starts_with("az ") => code(find),
        _ => spans(find),
    }
}

fn of_others() -> String {
    let row = |variable: &OfOthers| {
        let names: Vec<String> = variable.names.iter().map(code).collect();
        [names.join(", "), variable.set_by.to_owned(), variable.effect.to_owned()]
    };
    table(["name", "set by", "effect"], OF_OTHERS.iter().map(row))
}

/// What the members of an identity-based connection mean, by the trigger that connects
/// (<https://learn.microsoft.com/azure/azure-functions/functions-reference#common-properties-for-identity-based-connections>).
const CONNECTIONS: [(&str, &str, &str); 2] = [
    ("queueTrigger", "queueServiceUri", "`https://ACCOUNT.queue.core.windows.net`, the first part of `ONBOARDER_QUEUE`"),
    ("eventHubTrigger", "fullyQualifiedNamespace", "`NAMESPACE.servicebus.windows.net`, without which the function has to be off"),
];
const IDENTITY: [(&str, &str); 2] =
    [("credential", "`managedidentity`, with a user-assigned identity"), ("clientId", "its client id, the same as `AZURE_CLIENT_ID`")];

/// What stands between percent signs in function.json, by the member that it is the value of.
const NAMED: [(&str, &str); 3] = [
    ("queueName", "the queue's name, the last part of `ONBOARDER_QUEUE`"),
    ("eventHubName", "the name of the Event Hub with the activity log"),
    ("schedule", "when a sweep begins, in UTC: second, minute, hour, day, month, day of the week. `0 0 * * * *` is every hour"),
];

/// Functions that a deployment may do without (<https://learn.microsoft.com/azure/azure-functions/disable-function>).
const CAN_BE_OFF: [&str; 2] = ["timerTrigger", "eventHubTrigger"];

fn app_settings() -> String {
    let mut rows = Vec::new();
    let mut folders = files(&project("functions"), "function.json");
    folders.sort();
    for file in folders {
        let function = file.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        for binding in json(file.to_str().unwrap())["bindings"].as_array().unwrap() {
            let mut row = |name: String, value: &str| rows.push([code(name), code(&function), value.to_owned()]);
            for (member, value) in NAMED {
                if let Some(name) = binding[member].as_str().and_then(|name| name.strip_prefix('%')?.strip_suffix('%')) {
                    row(name.to_owned(), value);
                }
            }
            let kind = binding["type"].as_str().unwrap();
            if let Some(connection) = binding["connection"].as_str() {
                let (_, place, meaning) = CONNECTIONS.iter().find(|(trigger, ..)| *trigger == kind).unwrap();
                for (member, value) in [(*place, *meaning)].into_iter().chain(IDENTITY) {
                    row(format!("{connection}__{member}"), value);
                }
            }
            if CAN_BE_OFF.contains(&kind) {
                row(format!("AzureWebJobs.{function}.Disabled"), "`true` where it is to be off; else not set");
            }
        }
    }
    table(["app setting", "function", "value"], rows)
}

/// Why each value of host.json is what it is.
const HOST: [(&str, &str); 17] = [
    ("version", "the only schema there is"),
    ("customHandler.description.defaultExecutablePath", "the binary of this project, at the root of the package"),
    ("customHandler.enableProxyingHttpRequest", "`/api/onboard` gets the request as it came, and its answer is the handler's own"),
    ("extensionBundle.id", "brings the triggers of Event Grid, queues and Event Hubs"),
    ("extensionBundle.version", "the bundles of the Functions host 4"),
    (
        "extensions.eventHubs.maxEventBatchSize",
        "events of the activity log's hub in one call: with the largest, as many bytes as the handler takes",
    ),
    ("extensions.http.routePrefix", "the path of `Onboard` is `/api/onboard`"),
    ("extensions.queues.batchSize", "messages that an instance takes at once; with the next line, at most 12 at a time"),
    ("extensions.queues.newBatchThreshold", "it fetches more when so many are left"),
    ("extensions.queues.maxDequeueCount", "after so many failed calls the message goes to `{queue}-poison`"),
    ("extensions.queues.visibilityTimeout", "how long a message waits after a failed call"),
    ("extensions.queues.messageEncoding", "messages are plain JSON. Base64 text, such as Event Grid can put there, is read too"),
    (
        "functionTimeout",
        "the longest that a sweep may take, and what every plan allows. All else ends itself after 25 seconds, and 4 for publishing or putting back",
    ),
    ("logging.logLevel.Host.Function.Console", "the handler's own lines"),
    ("logging.logLevel.Host.Results", "one line for each call of a function"),
    ("logging.applicationInsights.samplingSettings.isEnabled", "Application Insights keeps a share of what is logged under load"),
    ("logging.applicationInsights.samplingSettings.excludedTypes", "of these, all are kept"),
];

/// The values of a JSON document, by their place.
fn leaves(place: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                leaves(&place, member, into);
            }
        }
        Value::String(text) => drop(into.insert(place.to_owned(), text.clone())),
        other => drop(into.insert(place.to_owned(), other.to_string())),
    }
}

fn host() -> String {
    let mut values = BTreeMap::new();
    leaves("", &json("host.json"), &mut values);
    let rows: Vec<_> = HOST
        .into_iter()
        .map(|(place, why)| {
            let value = values.remove(place).unwrap_or_else(|| panic!("host.json does not set {place}"));
            [code(place), code(value), why.to_owned()]
        })
        .collect();
    assert!(values.is_empty(), "say in HOST why host.json sets {values:?}");
    table(["setting", "value", "why"], rows)
}

/// The same rows as in infra/README.md, which has the code that needs each too.
fn rights() -> String {
    let row = |row: Row| {
        let right = if row.permission.contains('/') { code(row.permission) } else { row.permission };
        [row.holder.to_string(), right, row.on, row.purpose, row.when.unwrap_or_default()]
    };
    table(["who", "right", "where", "for", "when"], Permissions::shipped().unwrap().rows().into_iter().map(row))
}
