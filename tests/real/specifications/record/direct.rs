//! What other clients say and the onboarder does not (or not in every run): pages, repeats, removals and refusals.

mod graph;
mod roles;

use azure_core::http::Method;
use serde_json::{Value, json};

use crate::Told;
use crate::stage::{Answered, Stage};

const ARM: &str = "https://management.azure.com";
const ASSIGNMENTS: &str = "providers/Microsoft.Authorization/roleAssignments";
const GROUPS: &str = "https://management.azure.com/providers/Microsoft.Management/managementGroups";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const NAME: &str = "11111111-1111-4111-8111-111111111111";
const OTHER_NAME: &str = "22222222-2222-4222-8222-222222222222";
const JSON: &str = "application/json";

pub async fn tell(stage: &Stage) -> Told {
    let arm = Caller { stage, token: Some(stage.token(ARM).await?) };
    assignments(&arm).await?;
    conflicts(&arm).await?;
    bad_assignments(&arm).await?;
    pages(&arm).await?;
    hierarchy(&arm).await?;
    graph::tell(&arm).await?;
    roles::tell(&arm).await?;
    refusals(&arm).await?;
    vault(stage).await?;
    topic(stage).await
}

/// Someone with a token, or without.
struct Caller<'a> {
    stage: &'a Stage,
    token: Option<String>,
}

impl Caller<'_> {
    /// Sends a request and insists on its status: a story that goes another way would record something else than it says.
    async fn call(
        &self,
        step: &str,
        method: Method,
        url: &str,
        body: Option<(&'static str, Value)>,
        status: u16,
    ) -> Result<Answered, Box<dyn std::error::Error>> {
        self.stage.recorder.step(step);
        let body = body.as_ref().map(|(media_type, body)| (*media_type, body));
        let answered = self.stage.send(method, url, self.token.as_deref(), body).await?;
        if answered.status == status {
            Ok(answered)
        } else {
            Err(format!("{step}: expected {status}, came to {}: {}", answered.status, answered.body).into())
        }
    }

    async fn get(&self, step: &str, url: &str, status: u16) -> Result<Answered, Box<dyn std::error::Error>> {
        self.call(step, Method::Get, url, None, status).await
    }

    /// Follows a list to its end and insists on the number of its pages.
    async fn pages(&self, step: &str, first: String, expected: usize) -> Told {
        let (mut next, mut pages) = (Some(first), 0);
        while let Some(url) = next {
            pages += 1;
            next = self.get(step, &url, 200).await?.body["nextLink"].as_str().map(str::to_owned);
        }
        if pages == expected { Ok(()) } else { Err(format!("{step}: expected {expected} pages, came to {pages}").into()) }
    }

    async fn assign(&self, step: &str, name: &str, principal: &str, status: u16) -> Told {
        let subscription = &self.stage.cast.more[0];
        let url = format!("{ARM}/subscriptions/{subscription}/{ASSIGNMENTS}/{name}?api-version=2022-04-01");
        let body = json!({ "properties": {
            "roleDefinitionId": format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{READER}"),
            "principalId": principal,
            "principalType": "ServicePrincipal",
        }});
        self.call(step, Method::Put, &url, Some((JSON, body)), status).await.map(drop)
    }

    fn assignment(&self, name: &str) -> String {
        format!("{ARM}/subscriptions/{}/{ASSIGNMENTS}/{name}?api-version=2022-04-01", self.stage.cast.more[0])
    }
}

/// One assignment from its beginning to its end.
async fn assignments(arm: &Caller<'_>) -> Told {
    let principal = &arm.stage.cast.ispm_principal_id;
    arm.assign("create an assignment", NAME, principal, 201).await?;
    arm.assign("create the same assignment again", NAME, principal, 200).await?;
    arm.get("get an assignment", &arm.assignment(NAME), 200).await?;
    arm.call("delete an assignment", Method::Delete, &arm.assignment(NAME), None, 200).await?;
    arm.call("delete it again", Method::Delete, &arm.assignment(NAME), None, 204).await?;
    arm.get("get an assignment that is gone", &arm.assignment(NAME), 404).await.map(drop)
}

async fn conflicts(arm: &Caller<'_>) -> Told {
    let cast = &arm.stage.cast;
    arm.assign("create an assignment to quarrel about", NAME, &cast.ispm_principal_id, 201).await?;
    arm.assign("the same under another name", OTHER_NAME, &cast.ispm_principal_id, 409).await?;
    arm.stage.simulator.state().world.settings.old_conflict_message = true;
    arm.assign("the same under another name, in the older words", OTHER_NAME, &cast.ispm_principal_id, 409).await?;
    arm.assign("the same name for another principal", NAME, &cast.function_principal_id, 400).await
}

async fn bad_assignments(arm: &Caller<'_>) -> Told {
    let principal = &arm.stage.cast.function_principal_id;
    arm.assign("a principal that is not there", OTHER_NAME, "33333333-3333-4333-8333-333333333333", 400).await?;
    arm.assign("a name that is no GUID", "reader", principal, 400).await?;
    let url = arm.assignment(OTHER_NAME);
    let body = json!({ "properties": { "roleDefinitionId": READER, "principalId": principal, "principalType": "ServicePrincipal" } });
    arm.call("a role that is no id", Method::Put, &url, Some((JSON, body)), 400).await.map(drop)
}

/// Every list in pages of one item, with the number of pages that it has when no link is dropped and no filter ignored.
async fn pages(arm: &Caller<'_>) -> Told {
    let stage = arm.stage;
    let (tenant, subscription) = (&stage.cast.tenant, &stage.cast.inherited);
    stage.simulator.state().world.settings.page_size = 1;
    let lists = [
        ("list subscriptions", format!("{ARM}/subscriptions?api-version=2022-12-01"), 6),
        ("list assignments at a subscription", format!("{ARM}/subscriptions/{subscription}/{ASSIGNMENTS}?api-version=2022-04-01"), 4),
        ("list assignments at and below a management group", format!("{GROUPS}/{tenant}/{ASSIGNMENTS}?api-version=2022-04-01"), 7),
        ("list assignments at a management group", format!("{GROUPS}/{tenant}/{ASSIGNMENTS}?api-version=2022-04-01&$filter=atScope()"), 3),
        ("list descendants", format!("{GROUPS}/{tenant}/descendants?api-version=2023-04-01&$top=2"), 11),
    ];
    for (step, first, expected) in lists {
        arm.pages(step, first, expected).await?;
    }
    stage.simulator.state().world.settings.page_size = 0;
    Ok(())
}

async fn hierarchy(arm: &Caller<'_>) -> Told {
    let tenant = &arm.stage.cast.tenant;
    for (step, query) in [
        ("get a management group", "corp?api-version=2023-04-01"),
        ("get a management group with its path", "corp?api-version=2023-04-01&$expand=path"),
        ("get a management group with its ancestors", "corp?api-version=2023-04-01&$expand=ancestors"),
    ] {
        arm.get(step, &format!("{GROUPS}/{query}"), 200).await?;
    }
    let root = format!("{GROUPS}/{tenant}?api-version=2023-04-01");
    arm.get("get the root management group", &root, 200).await?;
    arm.get("get the root management group with all below", &format!("{root}&$expand=children&$recurse=true"), 200).await?;
    arm.get("a management group that is not there", &format!("{GROUPS}/nowhere?api-version=2023-04-01"), 403).await?;
    for (step, name) in [("a subscription's entity", arm.stage.cast.new.as_str()), ("the root's entity", tenant), ("no entity", "nowhere")]
    {
        let url = format!("{ARM}/providers/Microsoft.Management/getEntities?api-version=2023-04-01&$filter=name%20eq%20'{name}'");
        arm.call(step, Method::Post, &url, None, 200).await?;
    }
    Ok(())
}

/// What Resource Manager refuses before it looks.
async fn refusals(arm: &Caller<'_>) -> Told {
    let url = format!("{ARM}/subscriptions/{}?api-version=2022-12-01", arm.stage.cast.new);
    let stranger = Caller { stage: arm.stage, token: None };
    stranger.get("no token", &url, 401).await?;
    let wrong = Caller { stage: arm.stage, token: Some(arm.stage.token("https://vault.azure.net").await?) };
    wrong.get("a token for another audience", &url, 401).await?;
    let unknown = format!("{ARM}/subscriptions/{NAME}?api-version=2022-12-01");
    arm.get("a subscription that is not there", &unknown, 404).await?;
    let malformed = format!("{ARM}/subscriptions/payments?api-version=2022-12-01");
    arm.get("a subscription's name for its id", &malformed, 400).await?;
    arm.stage.simulator.state().world.settings.throttle = true;
    arm.stage.use_up(&url, arm.token.as_deref()).await?;
    arm.get("one call too many", &url, 429).await?;
    arm.stage.simulator.state().world.settings.throttle = false;
    Ok(())
}

async fn vault(stage: &Stage) -> Told {
    let vault = Caller { stage, token: Some(stage.token("https://vault.azure.net").await?) };
    let secret =
        |name: &str, version: &str| format!("https://{}.vault.azure.net/secrets/{name}/{version}?api-version=2025-07-01", stage.cast.vault);
    let record = format!("ispm-onboarder-{}", stage.cast.tenant);
    let body = vault.get("the newest version of a secret", &secret(&record, ""), 200).await?.body;
    let version = body["id"].as_str().and_then(|id| id.rsplit('/').next()).ok_or("a secret's id ends in its version")?;
    vault.get("one version of a secret", &secret(&record, version), 200).await?;
    vault.get("a version that is not there", &secret(&record, "0123456789abcdef0123456789abcdef"), 404).await?;
    vault.get("a secret that is not there", &secret("nothing", ""), 404).await?;
    let new = format!("https://{}.vault.azure.net/secrets/new?api-version=2025-07-01", stage.cast.vault);
    let value =
        json!({ "value": "of no value", "contentType": "text/plain", "tags": { "recorded": "yes" }, "attributes": { "enabled": true } });
    vault.call("set a secret", Method::Put, &new, Some((JSON, value)), 200).await?;
    vault.get("a secret with all that a secret can have", &secret("new", ""), 200).await?;
    let list = format!("https://{}.vault.azure.net/secrets?api-version=2025-07-01&maxresults=3", stage.cast.vault);
    let mut next = Some(list);
    while let Some(url) = next {
        next = vault.get("list secrets", &url, 200).await?.body["nextLink"].as_str().map(str::to_owned);
    }
    let stranger = Caller { stage, token: None };
    stranger.get("a secret without a token", &secret(&record, version), 401).await?;
    stage.simulator.state().world.set_secret(&stage.cast.vault, "switched-off", "nothing").enabled = false;
    vault.get("a secret that is switched off", &secret("switched-off", ""), 403).await.map(drop)
}

async fn topic(stage: &Stage) -> Told {
    const BATCH: &str = "application/cloudevents-batch+json; charset=utf-8";
    let topic = Caller { stage, token: Some(stage.token("https://eventgrid.azure.net").await?) };
    let url = format!("https://{}/api/events?api-version=2018-01-01", stage.cast.topic);
    let event = json!({ "specversion": "1.0", "id": "1", "source": "/recorded", "type": "recorded", "data": {} });
    let publish = |step, events, status| topic.call(step, Method::Post, &url, Some((BATCH, events)), status);
    publish("publish a batch", json!([event, event]), 200).await?;
    publish("publish an event without a type", json!([{ "specversion": "1.0", "id": "1", "source": "/recorded" }]), 400).await.map(drop)
}
