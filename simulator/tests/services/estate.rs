//! Fifty thousand subscriptions: that every page is quick enough for a sweep to be tried on them.

use std::time::{Duration, Instant};

use http::Method;
use ispm_onboarder_simulator::{EstateCast, World};
use serde_json::{Value, json};

use crate::stage::{ARM, Stage};

const SUBSCRIPTIONS: usize = 50_000;
const GROUPS: usize = 300;

/// All items of a list, and its number of pages.
async fn walk(stage: &Stage, token: &str, first: String) -> (usize, usize) {
    let (mut items, mut pages, mut next) = (0, 0, Some(first));
    while let Some(url) = next {
        let answered = stage.get(&url, token).await;
        items += answered.body["value"].as_array().map_or(0, Vec::len);
        pages += 1;
        next = answered.body["nextLink"].as_str().map(str::to_owned);
    }
    (items, pages)
}

#[tokio::test(start_paused = true)]
async fn a_sweep_of_fifty_thousand_is_read_in_pages() {
    let started = Instant::now();
    let cast = EstateCast::of(SUBSCRIPTIONS, GROUPS, 40);
    let stage = Stage::new();
    let mut world = World::estate(SUBSCRIPTIONS, GROUPS, 40);
    world.settings.page_size = 1000;
    world.tenant_mut(&stage.cast.tenant).assign_owner(&stage.cast.login_principal_id);
    stage.simulator.state().world = world;
    let token = stage.token(ARM).await;
    assert_eq!(walk(&stage, &token, format!("{ARM}/subscriptions?api-version=2022-12-01")).await, (SUBSCRIPTIONS, 50));
    let root = &stage.cast.tenant;
    let descendants = format!("{ARM}/providers/Microsoft.Management/managementGroups/{root}/descendants?api-version=2023-04-01");
    assert_eq!(walk(&stage, &token, descendants).await, (SUBSCRIPTIONS + GROUPS, 51));
    let ids: Vec<&String> = [&cast.covered, &cast.missing, &cast.disabled].into_iter().flatten().collect();
    let query = "authorizationresources | where type =~ 'microsoft.authorization/roleassignments' \
                 | where tostring(properties.roleDefinitionId) endswith 'acdd72a7-3385-48ef-bd42-f606fba81ae7' \
                 | project id, scope = tostring(properties.scope) | order by id asc";
    let url = format!("{ARM}/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01");
    let mut covered = 0;
    for batch in ids.chunks(1000) {
        let options = json!({"authorizationScopeFilter": "AtScopeAboveAndBelow"});
        let body = json!({"subscriptions": batch, "query": query, "options": options});
        let answered = stage.call(Method::POST, &url, &token, body).await;
        assert_eq!(answered.body["$skipToken"], Value::Null);
        covered += answered.body["data"].as_array().map_or(0, Vec::len);
    }
    assert_eq!(covered, cast.covered.len());
    // A second or so, without optimisation and on a busy machine several; a scan of everything for each subscription takes minutes.
    assert!(started.elapsed() < Duration::from_mins(2), "took {:?}", started.elapsed());
}
