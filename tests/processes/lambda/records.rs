//! What SQS hands to a function (<https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event>), and
//! what the simulated world shows of it.

use serde_json::{Value, json};
use uuid::Uuid;

use super::runtime_api::Ended;
use crate::simulator::Simulator;

/// A batch with one record for each text, with the ids `record-1`, `record-2`, ….
pub fn batch(texts: &[&str]) -> Value {
    let records: Vec<Value> = texts.iter().enumerate().map(|(index, text)| record(&format!("record-{}", index + 1), text)).collect();
    json!({ "Records": records })
}

fn record(id: &str, text: &str) -> Value {
    json!({
        "messageId": id,
        "receiptHandle": Uuid::new_v4().to_string(),
        "body": text,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1795341600000",
            "SenderId": "AROAEXAMPLE:events",
            "ApproximateFirstReceiveTimestamp": "1795341600005",
        },
        "messageAttributes": {},
        "md5OfBody": "00000000000000000000000000000000",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:111122223333:onboarding",
        "awsRegion": "eu-central-1",
    })
}

/// The answer to a batch of which nothing comes back.
pub fn all_done() -> Ended {
    Ended::Response(json!({ "batchItemFailures": [] }))
}

/// The results on the buses of the world, oldest first, each as the `CloudEvent` that a topic would have got. An event that asks for
/// something has no `eventId` of ours.
pub async fn results(simulator: &Simulator) -> Vec<Value> {
    let world = simulator.world().await;
    let buses = world["busEvents"].as_object().unwrap();
    let events = buses.values().flat_map(|events| events.as_array().unwrap());
    let result = |event: &Value| {
        let mut data: Value = serde_json::from_str(event["detail"].as_str().unwrap()).unwrap();
        let id = data.as_object_mut().unwrap().remove("eventId")?;
        Some(json!({ "id": id, "source": event["source"], "type": event["detailType"], "subject": event["resources"][0], "data": data }))
    };
    events.filter_map(result).collect()
}

/// The texts of the messages in the queue that `ONBOARDER_QUEUE` names.
pub async fn messages(simulator: &Simulator) -> Vec<String> {
    let messages = simulator.world().await["sqsQueues"][simulator.variable("SIMULATOR_AWS_QUEUE")].take();
    messages.as_array().expect("the queue is there").iter().map(|message| message["body"].as_str().unwrap().to_owned()).collect()
}
