//! Resource Graph: pages, both tables, and each refusal.

use azure_core::http::Method;
use serde_json::{Value, json};

use super::{ARM, Caller, JSON};
use crate::Told;

const ASSIGNMENTS: &str = "authorizationresources | where type =~ 'microsoft.authorization/roleassignments' | order by id asc";

pub async fn tell(arm: &Caller<'_>) -> Told {
    let cast = &arm.stage.cast;
    let named = json!([cast.by_hand, cast.inherited]);
    let above = json!({ "authorizationScopeFilter": "AtScopeAboveAndBelow", "$top": 1, "resultFormat": "objectArray" });
    let first = json!({ "subscriptions": named, "query": ASSIGNMENTS, "options": above });
    let page = ask(arm, "assignments, in pages", first.clone(), 200).await?;
    let mut second = first;
    second["options"]["$skipToken"] = page["$skipToken"].clone();
    ask(arm, "the next page of assignments", second, 200).await?;
    let groups = json!({ "managementGroups": ["landing-zones"], "query": "resourcecontainers | order by id asc" });
    ask(arm, "subscriptions and management groups", groups, 200).await?;
    ask(arm, "a limit", json!({ "query": "resourcecontainers | take 2000", "options": { "$top": 2 } }), 200).await?;
    ask(arm, "a query that cannot be read", json!({ "query": "resourcecontainers | where name ~ 'x'" }), 400).await?;
    ask(arm, "a column that is not there", json!({ "query": "resourcecontainers | project nobody" }), 400).await?;
    ask(arm, "a management group that is not there", json!({ "managementGroups": ["nowhere"], "query": ASSIGNMENTS }), 403).await?;
    arm.stage.simulator.state().world.settings.throttle = true;
    for _ in 0..15 {
        ask(arm, "as many queries as there may be", json!({ "query": "resourcecontainers | count" }), 200).await?;
    }
    ask(arm, "one query too many", json!({ "query": "resourcecontainers | count" }), 429).await?;
    arm.stage.simulator.state().world.settings.throttle = false;
    Ok(())
}

async fn ask(arm: &Caller<'_>, step: &str, body: Value, status: u16) -> Result<Value, Box<dyn std::error::Error>> {
    let url = format!("{ARM}/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01");
    Ok(arm.call(step, Method::Post, &url, Some((JSON, body)), status).await?.body)
}
