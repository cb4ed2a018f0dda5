//! `host.json`, the function folders and the router agree: each folder's one trigger has its route, and each route its folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ispm_onboarder::hosts::functions::router;
use ispm_onboarder::hosts::http::Readiness;
use serde_json::Value;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Each function's name and bindings.
fn functions() -> Vec<(String, Vec<Value>)> {
    let folders = std::fs::read_dir(project("functions")).unwrap().map(|entry| entry.unwrap().path());
    let read = folders.map(|folder| {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, ["function.json"], "{name} holds its function.json and nothing else");
        (name, json(&folder.join("function.json"))["bindings"].as_array().unwrap().clone())
    });
    read.collect()
}

fn trigger(name: &str, bindings: &[Value]) -> Value {
    let is_trigger = |binding: &&Value| binding["type"].as_str().is_some_and(|kind| kind.ends_with("Trigger"));
    let triggers: Vec<_> = bindings.iter().filter(is_trigger).collect();
    assert_eq!(triggers.len(), 1, "{name} has one trigger");
    assert_eq!(triggers[0]["direction"], "in", "{name}");
    triggers[0].clone()
}

#[test]
fn each_function_folder_has_its_route_and_each_route_its_folder() {
    let prefix = json(&project("host.json"))["extensions"]["http"]["routePrefix"].clone();
    let route = |(name, bindings): &(String, Vec<Value>)| match trigger(name, bindings)["route"].as_str() {
        Some(route) => format!("/{}/{route}", prefix.as_str().unwrap()),
        None => format!("/{name}"),
    };
    let mut expected: BTreeSet<String> = functions().iter().map(route).collect();
    expected.insert("/".to_owned());
    assert_eq!(routes(), expected);
}

/// The paths that the router knows. It has no list of them, but its `Debug` shows them as quoted strings.
fn routes() -> BTreeSet<String> {
    let shown = format!("{:?}", router(Readiness::default()));
    shown.split('"').filter(|text| text.starts_with('/') && !text.contains("fallback")).map(str::to_owned).collect()
}

#[test]
fn http_functions_are_such_that_the_host_proxies_them() {
    let host = json(&project("host.json"));
    assert_eq!(host["customHandler"]["enableProxyingHttpRequest"], true);
    for (name, bindings) in functions() {
        let trigger = trigger(&name, &bindings);
        if trigger["type"] == "httpTrigger" {
            let kinds: Vec<_> = bindings.iter().map(|binding| (&binding["type"], &binding["direction"])).collect();
            assert_eq!(kinds.len(), 2, "{name}: one trigger in and one http out, or the host does not proxy it");
            assert!(kinds.iter().any(|(kind, direction)| *kind == "http" && *direction == "out"), "{name}");
            assert_eq!(trigger["authLevel"], "function", "{name} is not open to everyone");
        }
    }
}

#[test]
fn the_host_starts_the_handler_and_hands_it_messages_as_they_are() {
    let host = json(&project("host.json"));
    assert_eq!(host["customHandler"]["description"]["defaultExecutablePath"], "handler");
    assert_eq!(host["extensions"]["queues"]["messageEncoding"], "none", "Event Grid and this program write plain text");
    let (minutes, seconds) = host["functionTimeout"].as_str().unwrap().rsplit_once(':').unwrap();
    let limit = minutes.rsplit(':').next().unwrap().parse::<u64>().unwrap() * 60 + seconds.parse::<u64>().unwrap();
    assert!(limit > 30, "the host waits longer than an invocation works");
}

/// Event Hubs delivers nothing again by itself: where the queue could not be reached, the host has to try until it can.
#[test]
fn what_reads_an_event_hub_is_tried_again_in_batches_that_the_handler_takes() {
    let host = json(&project("host.json"));
    assert!(host["extensions"]["eventHubs"]["maxEventBatchSize"].as_u64().unwrap() <= 10);
    for (name, bindings) in functions() {
        if trigger(&name, &bindings)["type"] == "eventHubTrigger" {
            assert_eq!(trigger(&name, &bindings)["cardinality"], "many");
            let retry = json(&project("functions").join(&name).join("function.json"))["retry"].clone();
            assert_eq!(retry["maxRetryCount"], -1, "{name} is tried without end");
        }
    }
}
