//! `kill -9`, and then the platform's redelivery: what is there at the end is what one whole delivery leaves.

mod between_calls;
mod under_load;

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// What begins the note in each assignment that this program makes.
const OURS: &str = "ispm-onboarder/1";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
/// What a world is made of, beside results: those may be published more than once.
const PARTS: [&str; 6] = ["roleAssignments", "connections", "queues", "sqsQueues", "subscriptions", "managementGroups"];

fn items(world: &Value, part: &str) -> BTreeSet<String> {
    match &world[part] {
        Value::Array(items) => items.iter().map(Value::to_string).collect(),
        Value::Object(items) => items.iter().map(|(name, item)| json!([name, item]).to_string()).collect(),
        _ => panic!("the world has no {part}"),
    }
}

/// Asserts what became of a world: each of the scopes got its one assignment, the tenant has its one connection, each scope has results, which
/// are all the same one, and nothing else changed.
pub fn assert_onboarded(before: &Value, after: &Value, scopes: &[&str], results: &[Value]) {
    for part in PARTS {
        let (before, after) = (items(before, part), items(after, part));
        let gone: Vec<&String> = before.difference(&after).filter(|_| part != "connections").collect();
        assert!(gone.is_empty(), "{part} went or changed: {gone:#?}");
        let new: Vec<Value> = after.difference(&before).map(|item| serde_json::from_str(item).unwrap()).collect();
        match part {
            "roleAssignments" => {
                let mut at: Vec<&str> = new.iter().map(|new| new["id"].as_str().unwrap().split("/providers/").next().unwrap()).collect();
                at.sort_unstable();
                let mut wanted = scopes.to_vec();
                wanted.sort_unstable();
                assert_eq!(at, wanted, "{new:#?}");
                let is_ours = |new: &Value| new["role"] == READER && new["description"].as_str().is_some_and(|note| note.starts_with(OURS));
                assert!(new.iter().all(is_ours), "{new:#?}");
            }
            "connections" => assert_eq!(after.len(), 1, "{after:#?}"),
            _ => assert!(new.is_empty(), "{part} came or changed: {new:#?}"),
        }
    }
    for scope in scopes {
        let of_scope: Vec<&Value> = results.iter().filter(|result| result["subject"] == *scope).collect();
        assert!(!of_scope.is_empty(), "{scope} has no result: {results:#?}");
        assert!(of_scope.iter().all(|result| result["id"] == of_scope[0]["id"]), "{of_scope:#?}");
    }
    let is_success = |result: &Value| result["type"] == "dev.ispm-onboarder.scope.onboarded.v1";
    assert!(results.iter().all(|result| is_success(result) && scopes.iter().any(|scope| result["subject"] == *scope)), "{results:#?}");
}
