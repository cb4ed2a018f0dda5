//! The package as it is deployed: unpacked by others' means, and its handler driven as its own `host.json` and `function.json` say.

pub mod unpacked;

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::deployable::assert_no_simulator;
use crate::functions_host::FunctionApp;
use crate::simulator::Simulator;
use unpacked::Unpacked;

#[test]
#[ignore = "needs the package; `cargo xtask real` makes it"]
fn the_zip_holds_the_function_app_at_its_root_and_nothing_else() {
    let package = Unpacked::named_by("PACKAGE");
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = std::fs::read_dir(project.join("functions")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let functions = folders.map(|name| (format!("{name}/function.json"), project.join("functions").join(name).join("function.json")));
    let read = functions.chain([("host.json".to_owned(), project.join("host.json"))]);
    let mut expected: BTreeSet<_> = read.map(|(name, source)| (name, "644".to_owned(), Some(std::fs::read(source).unwrap()))).collect();
    expected.insert(("handler".to_owned(), "755".to_owned(), None));
    let found = package.files().map(|(name, mode)| {
        let content = (name != "handler").then(|| std::fs::read(package.folder().join(name)).unwrap());
        (name.to_owned(), mode.to_owned(), content)
    });
    let found: Vec<_> = found.collect();
    assert_eq!(found.len(), expected.len(), "{:?}", package.files().collect::<Vec<_>>());
    assert!(found.into_iter().collect::<BTreeSet<_>>() == expected, "{:?}", package.files().collect::<Vec<_>>());
    assert_no_simulator(&package.folder().join("handler"));
}

#[test]
#[ignore = "needs the package; `cargo xtask real` makes it"]
fn the_checksum_and_the_bill_of_materials_are_of_this_zip() {
    let names = assert_papers_are_of(&Unpacked::named_by("PACKAGE"), "handler");
    assert!(["axum", "azure_identity", "aws-lc-sys", "std"].iter().all(|name| names.contains(*name)), "{names:?}");
    assert!(!names.contains("lambda_runtime"), "it is Azure's alone: {names:?}");
}

/// Fails where what lies beside a zip is not about it and its executable, or names what is not deployed. Answers the names of what is
/// compiled in.
pub fn assert_papers_are_of(package: &Unpacked, executable: &str) -> BTreeSet<String> {
    let name = package.zip.file_name().unwrap().to_str().unwrap();
    assert_eq!(package.beside("zip.sha256"), format!("{}  {name}\n", package.sha256()));

    let bill: Value = serde_json::from_str(&package.beside("cdx.json")).unwrap();
    let product = &bill["metadata"]["component"];
    assert_eq!(product["hashes"], json!([{ "alg": "SHA-256", "content": package.sha256_of(executable) }]));
    let components = bill["components"].as_array().unwrap();
    for component in components.iter().chain([product]) {
        assert!(["name", "version"].iter().all(|member| component[member].as_str().is_some_and(|text| !text.is_empty())), "{component:#}");
        assert!(component["licenses"][0]["expression"].as_str().is_some_and(|licence| !licence.is_empty()), "{component:#}");
        assert!(component["purl"].as_str().is_some_and(|purl| purl.starts_with("pkg:")), "{component:#}");
    }
    let names: BTreeSet<_> = components.iter().map(|component| component["name"].as_str().unwrap().to_owned()).collect();
    for absent in ["ispm-onboarder-simulator", "clap", "comfy-table", "schemars", "proptest", "xtask", "syn"] {
        assert!(!names.contains(absent), "{absent} is not in what is deployed");
    }
    names
}

#[tokio::test]
#[ignore = "needs the package; `cargo xtask real` makes it"]
async fn each_function_of_the_package_does_its_work() {
    let package = Unpacked::named_by("PACKAGE");
    let simulator = Simulator::start().await;
    let app = FunctionApp::start_in(package.folder(), &simulator.environment).await;
    let triggers: BTreeSet<_> = package.functions().iter().map(|function| function.trigger["type"].to_string()).collect();
    assert_eq!((triggers.len(), package.functions().len()), (5, 7), "each function is driven below: {triggers:?}");

    let events = package.function("eventGridTrigger");
    let onboarded = simulator.new_subscription().await;
    let answer = app.call(&events.name, events.binding(), onboarded.clone()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(simulator.assignments_at(onboarded["data"]["scope"].as_str().unwrap()).await.len(), 1);

    simulator.break_with("ispm.*", json!({ "kind": "status", "status": 503 })).await;
    let delayed = simulator.new_subscription().await;
    app.call(&events.name, events.binding(), delayed.clone()).await;
    simulator.mend().await;
    let message = simulator.messages().await[0]["text"].clone();
    let queue = package.function("queueTrigger");
    let answer = app.call(&queue.name, queue.binding(), Value::String(message.to_string())).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(simulator.assignments_at(delayed["data"]["scope"].as_str().unwrap()).await.len(), 1);

    let asked = simulator.new_subscription().await["data"].take();
    let answer = app.post(&package.http_path("Onboard"), &json!({ "tenantId": asked["tenantId"], "scope": asked["scope"] })).await;
    assert_eq!((answer.status, &answer.body["subject"]), (StatusCode::OK, &asked["scope"]), "{answer:?}");

    let results = simulator.results().await;
    let subjects: Vec<_> = results.iter().map(|result| &result["subject"]).collect();
    assert_eq!(subjects, [&onboarded["data"]["scope"], &delayed["data"]["scope"], &asked["scope"]]);

    let (tenant, told) = (&asked["tenantId"], simulator.new_subscription().await["data"]["scope"].take());
    let id = told.as_str().unwrap().trim_start_matches("/subscriptions/");
    let entry = json!({
        "time": "2026-11-24T10:00:00Z", "operationName": "Microsoft.Management", "resultType": "Succeeded", "correlationId": "c", "tenantId": tenant,
        "resourceId": format!("/PROVIDERS/MICROSOFT.MANAGEMENT/MANAGEMENTGROUPS/{}", tenant.as_str().unwrap()),
        "properties": { "message": format!("Entity {id} is created with parent entity {}", tenant.as_str().unwrap()) },
    });
    let log = package.function("eventHubTrigger");
    let answer = app.call(&log.name, log.binding(), json!([json!({ "records": [entry] }).to_string()])).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert!(simulator.messages().await.iter().any(|message| message["text"].as_str().is_some_and(|text| text.contains(id))));

    let timer = package.function("timerTrigger");
    let answer = app.call(&timer.name, timer.binding(), json!("{\"IsPastDue\":false}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let coverage = format!("{}?tenant={}", package.http_path("Coverage"), tenant.as_str().unwrap());
    let answer = app.get(&coverage).await;
    assert!(answer.status == StatusCode::OK && answer.body["totals"]["covered"].as_u64() > Some(2), "{answer:?}");
    let answer = app.post(&package.http_path("Offboard"), &asked).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "no Entra tokens are taken here: {answer:?}");
}
