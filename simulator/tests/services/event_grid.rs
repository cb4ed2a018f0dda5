use http::Method;
use serde_json::{Value, json};

use crate::stage::{Answered, Stage};

const TOPIC: &str = "https://contoso-results.westeurope-1.eventgrid.azure.net/api/events?api-version=2018-01-01";
const AUDIENCE: &str = "https://eventgrid.azure.net";
const ONE: &str = "application/cloudevents+json; charset=utf-8";
const SEVERAL: &str = "application/cloudevents-batch+json; charset=utf-8";

fn event(id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "urn:test", "type": "t", "data": {}})
}

async fn publish(stage: &Stage, token: &str, media_type: &str, body: &str) -> Answered {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("content-type", media_type)];
    stage.send(Method::POST, TOPIC, &headers, body.to_owned()).await
}

#[tokio::test(start_paused = true)]
async fn takes_one_event_or_several_in_order() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    assert_eq!(publish(&stage, &token, ONE, &event("1").to_string()).await.status, 200);
    assert_eq!(publish(&stage, &token, SEVERAL, &json!([event("2"), event("3")]).to_string()).await.status, 200);
    assert_eq!(stage.simulator.state().world.results(), [event("1"), event("2"), event("3")]);
    assert!(stage.recorded("event-grid.publish").iter().all(|call| call.changed));
}

#[tokio::test(start_paused = true)]
async fn refuses_bad_tokens() {
    let stage = Stage::new();
    for (kind, token) in stage.bad_tokens(AUDIENCE).await {
        let answered = publish(&stage, &token, ONE, &event("1").to_string()).await;
        assert_eq!(answered.outcome(), (401, "Unauthorized"), "{kind}");
    }
    assert!(stage.simulator.state().world.results().is_empty());
}

#[tokio::test(start_paused = true)]
async fn refuses_what_is_no_cloud_event() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    let mut without_type = event("1");
    without_type.as_object_mut().expect("an object").remove("type");
    let mut other_version = event("1");
    other_version["specversion"] = json!("0.3");
    let long = json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": "x".repeat(1024 * 1024)});
    let cases = [
        (ONE, without_type.to_string(), 400),
        (ONE, other_version.to_string(), 400),
        (ONE, json!([event("1")]).to_string(), 400),
        (SEVERAL, event("1").to_string(), 400),
        (SEVERAL, json!([event("1"), {"id": "2"}]).to_string(), 400),
        (ONE, "{".to_owned(), 400),
        ("application/json", event("1").to_string(), 415),
        (ONE, long.to_string(), 413),
    ];
    for (media_type, body, status) in cases {
        assert_eq!(publish(&stage, &token, media_type, &body).await.status, status, "{}", body.get(..60).unwrap_or(&body));
    }
    assert!(stage.simulator.state().world.results().is_empty(), "a batch is taken whole or not at all");
    let elsewhere = TOPIC.replace("2018-01-01", "2020-01-01");
    assert_eq!(stage.call(Method::POST, &elsewhere, &token, event("1")).await.status, 400);
    let path = TOPIC.replace("/api/events", "/events");
    assert_eq!(stage.call(Method::POST, &path, &token, event("1")).await.outcome(), (501, "NotModelled"));
}
