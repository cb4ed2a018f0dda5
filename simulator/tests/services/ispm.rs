use http::Method;
use ispm_onboarder_simulator::world::IspmToken;
use serde_json::{Value, json};

use crate::stage::{READER, START, Stage};

const BASE: &str = "https://contoso.spera-app.com/api/v1";
const TOKEN: &str = "demo~ispm~token~of~no~value";

fn wanted() -> Value {
    json!({"type": "azure", "name": "Azure Contoso", "relatedSource": "Contoso Entra ID", "managedBy": "ispm-onboarder/1"})
}

#[tokio::test(start_paused = true)]
async fn finds_the_entra_source_by_name() {
    let stage = Stage::new();
    let found = stage.get(&format!("{BASE}/sources?type=entra&name=Contoso%20Entra%20ID"), TOKEN).await;
    let source = &found.body["data"][0];
    assert_eq!((found.status, &source["directoryId"]), (200, &stage.cast.tenant.clone().into()));
    assert_eq!((&source["type"], &source["status"]), (&"entra".into(), &"connected".into()));
    let none = stage.get(&format!("{BASE}/sources?type=entra&name=Fabrikam"), TOKEN).await;
    assert_eq!(none.body, json!({"data": []}));
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_made_once_found_and_removed() {
    let stage = Stage::new();
    let created = stage.call(Method::POST, &format!("{BASE}/connections"), TOKEN, wanted()).await;
    assert_eq!((created.status, &created.body["status"]), (201, &"connected".into()), "a test that takes no time is over");
    let id = created.body["id"].as_str().expect("an id").to_owned();
    let listed = stage.get(&format!("{BASE}/connections?type=azure&relatedSource=Contoso%20Entra%20ID"), TOKEN).await;
    let connection = json!({
        "id": id, "type": "azure", "name": "Azure Contoso", "relatedSource": "Contoso Entra ID", "status": "connected", "cause": null,
        "managedBy": "ispm-onboarder/1", "createdAt": "2026-11-22T10:00:00Z",
    });
    assert_eq!(listed.body, json!({"data": [connection]}), "the app has Reader in the directory");
    let again = stage.call(Method::POST, &format!("{BASE}/connections"), TOKEN, wanted()).await;
    assert_eq!((again.outcome(), &again.body["error"]["id"]), ((409, "already_exists"), &id.clone().into()));
    let url = format!("{BASE}/connections/{id}");
    assert_eq!(stage.get(&url, TOKEN).await.body, connection);
    assert_eq!(stage.call(Method::DELETE, &url, TOKEN, Value::Null).await.status, 204);
    assert_eq!(stage.call(Method::DELETE, &url, TOKEN, Value::Null).await.outcome(), (404, "not_found"));
    assert_eq!(stage.get(&url, TOKEN).await.outcome(), (404, "not_found"));
}

#[tokio::test(start_paused = true)]
async fn a_test_takes_its_time_and_needs_a_role_in_effect() {
    let stage = Stage::new();
    {
        let mut state = stage.simulator.state();
        state.world.settings.connection_test_seconds = 60;
        state.world.settings.propagation_seconds = 300;
        let tenant = state.world.tenant_mut(&stage.cast.tenant);
        tenant.role_assignments.retain(|_, assignment| assignment.role != READER);
    }
    let created = stage.call(Method::POST, &format!("{BASE}/connections"), TOKEN, wanted()).await;
    let url = format!("{BASE}/connections/{}", created.body["id"].as_str().expect("an id"));
    assert_eq!(stage.get(&url, TOKEN).await.body["status"], "pending");
    stage.advance(60);
    let failed = stage.get(&url, TOKEN).await.body;
    assert_eq!((&failed["status"], &failed["cause"]), (&"failed".into(), &"missing-permissions".into()));
    {
        let mut state = stage.simulator.state();
        let scope = ispm_onboarder_simulator::world::Scope::Subscription(stage.cast.new.clone());
        let tenant = state.world.tenant_mut(&stage.cast.tenant);
        tenant.assign_reader(&scope, &stage.cast.ispm_principal_id).created_on = START + time::Duration::seconds(60);
    }
    stage.advance(299);
    assert_eq!(stage.simulator.state().world.connections()[0]["status"], "failed");
    stage.advance(1);
    assert_eq!(stage.simulator.state().world.connections()[0]["status"], "connected", "without a call that asks");
}

#[tokio::test(start_paused = true)]
async fn refuses_strangers_and_bad_bodies() {
    let stage = Stage::new();
    {
        let mut state = stage.simulator.state();
        let console = state.world.ispm.get_mut("contoso.spera-app.com").expect("the console");
        console.tokens.push(IspmToken { value: "reader-only".into(), forbidden: true });
    }
    let url = format!("{BASE}/connections");
    for (token, outcome) in [("", (401, "unauthorized")), ("guess", (401, "unauthorized")), ("reader-only", (403, "forbidden"))] {
        assert_eq!(stage.call(Method::POST, &url, token, wanted()).await.outcome(), outcome);
    }
    let with = |field: &str, value: Value| {
        let mut body = wanted();
        body[field] = value;
        body
    };
    let cases = [
        (with("relatedSource", json!("Fabrikam")), 404, "Fabrikam"),
        (with("name", json!("")), 422, "name"),
        (with("type", json!("aws")), 422, "type"),
        (with("scope", json!("/")), 422, "scope"),
        (json!({"type": "azure", "name": "n"}), 422, "relatedSource"),
    ];
    for (body, status, named) in cases {
        let answered = stage.call(Method::POST, &url, TOKEN, body).await;
        let message = answered.body["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(answered.status, status, "{message}");
        assert!(message.contains(named), "{message}");
    }
    assert!(stage.simulator.state().world.connections().is_empty());
}

#[tokio::test(start_paused = true)]
async fn never_shows_an_unfiltered_list() {
    let stage = Stage::new();
    for rest in ["sources", "sources?type=entra", "connections?type=azure", "connections?type=aws&relatedSource=x"] {
        assert_eq!(stage.get(&format!("{BASE}/{rest}"), TOKEN).await.status, 422, "{rest}");
    }
    let other = format!("{BASE}/connections?type=azure&relatedSource=x&page=2");
    assert_eq!(stage.get(&other, TOKEN).await.outcome(), (501, "NotModelled"));
    assert_eq!(stage.get("https://contoso.spera-app.com/api/v2/sources", TOKEN).await.outcome(), (501, "NotModelled"));
}
