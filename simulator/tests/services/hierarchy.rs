use http::Method;
use ispm_onboarder_simulator::world::{Concealment, Scope};
use serde_json::{Value, json};

use crate::stage::{ARM, Answered, OTHER_TENANT, Stage};

fn group_url(rest: &str) -> String {
    format!("{ARM}/providers/Microsoft.Management/managementGroups/{rest}")
}

#[tokio::test(start_paused = true)]
async fn shows_a_subscription() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let id = &stage.cast.disabled;
    let answered = stage.get(&format!("{ARM}/subscriptions/{}?api-version=2022-12-01", id.to_uppercase()), &token).await;
    assert_eq!(answered.status, 200);
    assert_eq!(answered.body["id"], format!("/subscriptions/{id}"));
    assert_eq!(answered.body["tenantId"], *stage.cast.tenant);
    assert_eq!(answered.body["state"], "Disabled");
    assert_eq!(answered.body["subscriptionPolicies"]["quotaId"], "PayAsYouGo_2014-09-01");
    assert_eq!(answered.header("x-ms-ratelimit-remaining-subscription-reads"), "250");
    assert!(!answered.header("x-ms-request-id").is_empty());
}

#[tokio::test(start_paused = true)]
async fn refuses_subscriptions_that_are_unknown_foreign_malformed_or_early() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let foreign = "bbbbbbbb-0000-4000-8000-000000000001";
    {
        let mut state = stage.simulator.state();
        state.world.tenant_mut(OTHER_TENANT).add_subscription(foreign, "foreign", OTHER_TENANT);
    }
    let outcome = async |id: &str| {
        let answered = stage.get(&format!("{ARM}/subscriptions/{id}?api-version=2022-12-01"), &token).await;
        let (status, code) = answered.outcome();
        (status, code.to_owned())
    };
    assert_eq!(outcome("dddddddd-0000-4000-8000-000000000001").await, (404, "SubscriptionNotFound".to_owned()));
    assert_eq!(outcome(foreign).await, (401, "InvalidAuthenticationTokenTenant".to_owned()));
    for malformed in ["production", &stage.cast.new.replace('-', ""), &format!("%7B{}%7D", stage.cast.new)] {
        assert_eq!(outcome(malformed).await, (400, "InvalidSubscriptionId".to_owned()), "{malformed}");
    }
    assert_eq!(outcome(&stage.cast.late).await, (403, "AuthorizationFailed".to_owned()));
    {
        let mut state = stage.simulator.state();
        let tenant = state.world.tenant_mut(&stage.cast.tenant);
        tenant.subscriptions.get_mut(&stage.cast.late).expect("the late one").until_visible = Concealment::SubscriptionNotFound;
    }
    assert_eq!(outcome(&stage.cast.late).await, (404, "SubscriptionNotFound".to_owned()));
    stage.advance(240);
    assert_eq!(outcome(&stage.cast.late).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn refuses_bad_tokens_and_versions() {
    let stage = Stage::new();
    let url = format!("{ARM}/subscriptions/{}?api-version=2022-12-01", stage.cast.new);
    for (kind, token) in stage.bad_tokens(ARM).await {
        let answered = stage.get(&url, &token).await;
        let code = match kind {
            "none" => "AuthenticationFailed",
            "audience" => "InvalidAuthenticationTokenAudience",
            "tenant" => "InvalidAuthenticationTokenTenant",
            _ => "ExpiredAuthenticationToken",
        };
        assert_eq!(answered.outcome(), (401, code), "{kind}");
        assert!(answered.header("www-authenticate").starts_with("Bearer "), "{kind}");
    }
    let token = stage.token(ARM).await;
    let base = format!("{ARM}/subscriptions/{}", stage.cast.new);
    assert_eq!(stage.get(&base, &token).await.outcome(), (400, "MissingApiVersionParameter"));
    assert_eq!(stage.get(&format!("{base}?api-version=1999-01-01"), &token).await.outcome(), (400, "InvalidApiVersionParameter"));
    assert_eq!(stage.get(&format!("{base}/resourceGroups?api-version=2022-12-01"), &token).await.outcome(), (501, "NotModelled"));
    let forged = format!("{token}x");
    assert_eq!(stage.get(&url, &forged).await.outcome(), (401, "InvalidAuthenticationToken"));
}

#[tokio::test(start_paused = true)]
async fn lists_subscriptions_page_by_page() {
    let stage = Stage::new();
    stage.simulator.state().world.settings.page_size = 3;
    let token = stage.token(ARM).await;
    let mut next = Some(format!("{ARM}/subscriptions?api-version=2022-12-01"));
    let mut pages = Vec::new();
    let mut seen: Vec<Value> = Vec::new();
    while let Some(url) = next {
        let answered = stage.get(&url, &token).await;
        let items = answered.body["value"].as_array().expect("a list").clone();
        pages.push(items.len());
        seen.extend(items);
        next = answered.body["nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!(pages, [3, 3], "the late one is not there yet");
    seen.dedup();
    assert_eq!(seen.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn shows_where_a_group_hangs() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let root = &stage.cast.tenant;
    let path = stage.get(&group_url("CORP?api-version=2020-05-01&$expand=path"), &token).await;
    let names = |list: &Value| -> Vec<String> {
        list.as_array().expect("a list").iter().map(|element| element["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(names(&path.body["properties"]["details"]["path"]), [root, "landing-zones", "corp"]);
    assert_eq!(path.body["properties"]["tenantId"], **root);
    assert_eq!(path.body["name"], "corp", "as it is written, not as it was asked for");
    let ancestors = stage.get(&group_url("corp?api-version=2023-04-01&$expand=ancestors"), &token).await;
    assert_eq!(names(&ancestors.body["properties"]["details"]["managementGroupAncestorsChain"]), ["landing-zones", root]);
    let children = stage.get(&group_url("landing-zones?api-version=2023-04-01&$expand=children&$recurse=true"), &token).await;
    let children = &children.body["properties"]["children"];
    assert_eq!(names(children)[..2], ["corp", "online"]);
    assert_eq!(children[0]["children"][0]["id"], format!("/subscriptions/{}", stage.cast.inherited));
    let unknown = stage.get(&group_url("nowhere?api-version=2023-04-01"), &token).await;
    assert_eq!(unknown.outcome(), (403, "AuthorizationFailed"));
    let unmodelled = stage.get(&group_url("corp?api-version=2023-04-01&$expand=everything"), &token).await;
    assert_eq!(unmodelled.outcome(), (501, "NotModelled"));
}

#[tokio::test(start_paused = true)]
async fn finds_the_entity_of_a_subscription() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let entities = |filter: &str| format!("{ARM}/providers/Microsoft.Management/getEntities?api-version=2020-05-01&$filter={filter}");
    let url = entities(&format!("name%20eq%20%27{}%27", stage.cast.inherited));
    let answered = stage.call(Method::POST, &url, &token, Value::Null).await;
    let entity = &answered.body["value"][0];
    assert_eq!(entity["id"], format!("/subscriptions/{}", stage.cast.inherited));
    assert_eq!(entity["properties"]["parentNameChain"], json!([stage.cast.tenant, "landing-zones", "corp"]));
    assert_eq!(entity["properties"]["parent"]["id"], "/providers/Microsoft.Management/managementGroups/corp");
    let unknown = stage.call(Method::POST, &entities("name%20eq%20%27nowhere%27"), &token, Value::Null).await;
    assert_eq!(unknown.body, json!({"value": []}));
    let unfiltered = format!("{ARM}/providers/Microsoft.Management/getEntities?api-version=2020-05-01");
    assert_eq!(stage.call(Method::POST, &unfiltered, &token, Value::Null).await.outcome(), (501, "NotModelled"));
}

#[tokio::test(start_paused = true)]
async fn lists_descendants_at_every_level() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let url = group_url("landing-zones/descendants?api-version=2023-04-01&$top=2");
    let first = stage.get(&url, &token).await;
    let second = stage.get(first.body["nextLink"].as_str().expect("more"), &token).await;
    let third = stage.get(second.body["nextLink"].as_str().expect("more"), &token).await;
    let mut ids: Vec<&str> = Vec::new();
    for page in [&first, &second, &third] {
        ids.extend(page.body["value"].as_array().expect("a list").iter().filter_map(|item| item["id"].as_str()));
    }
    ids.sort_unstable();
    let subscription = |id: &str| format!("/subscriptions/{id}");
    let mut expected = vec![
        "/providers/Microsoft.Management/managementGroups/corp".to_owned(),
        "/providers/Microsoft.Management/managementGroups/online".to_owned(),
        subscription(&stage.cast.new),
        subscription(&stage.cast.inherited),
        subscription(&stage.cast.at_limit),
    ];
    expected.sort_unstable();
    assert_eq!(ids, expected);
    assert_eq!(third.body["nextLink"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn lists_every_management_group_with_the_link_of_its_version() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    stage.simulator.state().world.settings.page_size = 4;
    for (version, link) in [("2020-05-01", "nextLink"), ("2021-04-01", "nextLink"), ("2023-04-01", "@nextLink")] {
        let url = format!("{ARM}/providers/Microsoft.Management/managementGroups?api-version={version}");
        let first = stage.get(&url, &token).await;
        let second = stage.get(first.body[link].as_str().expect("a second page"), &token).await;
        let names = |answered: &Answered| {
            let groups = answered.body["value"].as_array().expect("a list").iter();
            groups.filter_map(|group| group["name"].as_str()).map(str::to_owned).collect::<Vec<_>>()
        };
        let mut all = [names(&first), names(&second)].concat();
        all.sort_unstable();
        assert_eq!(all, [&stage.cast.tenant, "corp", "landing-zones", "online", "platform", "sandbox"], "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_has_the_management_provider_registered() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let base = format!("{ARM}/subscriptions/{}/providers", stage.cast.new);
    let registered =
        stage.call(Method::POST, &format!("{base}/Microsoft.Management/register?api-version=2024-11-01"), &token, Value::Null).await;
    assert_eq!((registered.status, &registered.body["registrationState"]), (200, &"Registered".into()));
    assert_eq!(stage.get(&format!("{base}/Microsoft.Management?api-version=2021-04-01"), &token).await.body, registered.body);
    assert_eq!(stage.get(&format!("{base}/Microsoft.Storage?api-version=2021-04-01"), &token).await.outcome(), (501, "NotModelled"));
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_leaves_is_gone_with_its_role_assignments() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let cast = &stage.cast;
    let outcome = async |id: &str, rest: &str| {
        let answered = stage.get(&format!("{ARM}/subscriptions/{id}{rest}"), &token).await;
        let (status, code) = answered.outcome();
        (status, code.to_owned())
    };
    let assigned = |id: &str| {
        let state = stage.simulator.state();
        let tenant = &state.world.tenants[&cast.tenant];
        tenant.role_assignments.at(&Scope::Subscription(id.to_owned())).count()
    };
    assert_eq!((assigned(&cast.by_hand), assigned(&cast.at_limit)), (1, 1));
    {
        let mut state = stage.simulator.state();
        assert!(state.world.tenant_mut(&cast.tenant).remove_subscription(&cast.by_hand).is_some());
        assert!(state.world.transfer_subscription(&cast.at_limit, OTHER_TENANT));
        assert!(!state.world.transfer_subscription(&cast.by_hand, OTHER_TENANT));
    }
    assert_eq!((assigned(&cast.by_hand), assigned(&cast.at_limit)), (0, 0));
    let (read, roles) = ("?api-version=2022-12-01", "/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01");
    for rest in [read, roles] {
        assert_eq!(outcome(&cast.by_hand, rest).await, (404, "SubscriptionNotFound".to_owned()));
        assert_eq!(outcome(&cast.at_limit, rest).await, (401, "InvalidAuthenticationTokenTenant".to_owned()));
    }
    let other = stage.token_in(OTHER_TENANT, ARM).await;
    let answered = stage.get(&format!("{ARM}/subscriptions/{}{read}", cast.at_limit), &other).await;
    assert_eq!((answered.status, &answered.body["tenantId"]), (200, &json!(OTHER_TENANT)));
    let list = stage.get(&format!("{ARM}/subscriptions{read}"), &token).await;
    assert_eq!(list.body["value"].as_array().map(Vec::len), Some(4));
}
