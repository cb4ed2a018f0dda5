use http::Method;
use ispm_onboarder_simulator::world::{Scope, World};
use serde_json::{Value, json};

use crate::stage::{ARM, Answered, OTHER_TENANT, READER, Stage};

/// The caller, its token and the world.
struct Asker {
    stage: Stage,
    token: String,
}

impl Asker {
    async fn new(change: impl FnOnce(&mut World)) -> Self {
        Self::on(Stage::new(), change).await
    }

    async fn on(stage: Stage, change: impl FnOnce(&mut World)) -> Self {
        change(&mut stage.simulator.state().world);
        let token = stage.token(ARM).await;
        Self { stage, token }
    }

    async fn post(&self, version: &str, body: Value) -> Answered {
        let url = format!("{ARM}/providers/Microsoft.ResourceGraph/resources?api-version={version}");
        self.stage.call(Method::POST, &url, &self.token, body).await
    }

    async fn ask(&self, body: Value) -> Answered {
        self.post("2024-04-01", body).await
    }

    /// The scopes at which the ISPM app has Reader, as seen from some subscriptions.
    async fn scopes(&self, subscriptions: &[&str], filter: Option<&str>) -> Vec<String> {
        let mut body = json!({"subscriptions": subscriptions, "query": readers(&self.stage)});
        if let Some(filter) = filter {
            body["options"] = json!({"authorizationScopeFilter": filter});
        }
        texts(&self.ask(body).await, "scope")
    }

    async fn subscriptions(&self, group: &str) -> Vec<String> {
        let query = "resourcecontainers | where type == 'microsoft.resources/subscriptions' | order by name asc";
        texts(&self.ask(json!({"managementGroups": [group], "query": query})).await, "name")
    }
}

/// The query for the Reader assignments of the ISPM app.
fn readers(stage: &Stage) -> String {
    format!(
        "authorizationresources\n| where type =~ 'microsoft.authorization/roleassignments'\n\
         | where tostring(properties.principalId) =~ '{}'\n| where tostring(properties.roleDefinitionId) endswith '{READER}'\n\
         | project id, scope = tostring(properties.scope), createdOn = tostring(properties.createdOn), \
         description = tostring(properties.description), condition = tostring(properties.condition)\n| order by id asc",
        stage.cast.ispm_principal_id
    )
}

fn texts(answered: &Answered, column: &str) -> Vec<String> {
    let rows = answered.body["data"].as_array().unwrap_or_else(|| panic!("no rows: {}", answered.text));
    rows.iter().map(|row| row[column].as_str().unwrap_or_default().to_owned()).collect()
}

/// The codes of a refusal's details, below the status and the code.
fn refusal(answered: &Answered) -> (u16, &str, Vec<&str>) {
    let details = answered.body["error"]["details"].as_array().into_iter().flatten();
    let (status, code) = answered.outcome();
    (status, code, details.filter_map(|detail| detail["code"].as_str()).collect())
}

#[tokio::test(start_paused = true)]
async fn shows_role_assignments_of_named_subscriptions_and_those_above_only_when_asked() {
    let asker = Asker::new(|_| {}).await;
    let cast = &asker.stage.cast;
    let asked = [cast.by_hand.as_str(), &cast.inherited, &cast.new];
    let direct = [format!("/subscriptions/{}", cast.by_hand)];
    let above = "/providers/Microsoft.Management/managementGroups/corp".to_owned();
    assert_eq!(asker.scopes(&asked, None).await, direct, "the default misses what is inherited");
    assert_eq!(asker.scopes(&asked, Some("AtScopeExact")).await, direct);
    assert_eq!(asker.scopes(&asked, Some("AtScopeAboveAndBelow")).await, [above.clone(), direct[0].clone()]);
    assert_eq!(asker.scopes(&asked, Some("AtScopeAndAbove")).await, [above.clone(), direct[0].clone()]);
    assert_eq!(asker.scopes(&[&cast.inherited], Some("AtScopeAboveAndBelow")).await, [above]);
    assert!(asker.scopes(&[&cast.new], Some("AtScopeAboveAndBelow")).await.is_empty());
    asker.stage.simulator.state().world.tenant_mut(&cast.tenant).assign_reader(&Scope::Tenant, &cast.ispm_principal_id);
    assert_eq!(asker.scopes(&[&cast.new], Some("AtScopeAboveAndBelow")).await, ["/"]);
}

#[tokio::test(start_paused = true)]
async fn shows_what_lies_under_management_groups() {
    let asker = Asker::new(|_| {}).await;
    let body = json!({"managementGroups": ["landing-zones"], "query": readers(&asker.stage)});
    assert_eq!(texts(&asker.ask(body).await, "scope"), ["/providers/Microsoft.Management/managementGroups/corp"]);
    let everywhere = asker.ask(json!({"query": readers(&asker.stage)})).await;
    assert_eq!(texts(&everywhere, "scope").len(), 2, "without scopes, the whole tenant");
    assert_eq!(asker.subscriptions("landing-zones").await, ["data-platform", "intranet", "payments"]);
    let groups = asker.ask(json!({"managementGroups": ["landing-zones"], "query": "resourcecontainers | where name =~ 'CORP'"})).await;
    assert_eq!(groups.body["data"][0]["properties"]["details"]["parent"]["name"], "landing-zones");
    let unknown = asker.ask(json!({"managementGroups": ["nowhere"], "query": "resourcecontainers"})).await;
    assert_eq!(refusal(&unknown), (403, "AccessDenied", vec!["AccessDenied"]));
}

#[tokio::test(start_paused = true)]
async fn rows_look_as_the_cloud_shows_them() {
    let asker = Asker::new(|_| {}).await;
    let (cast, root) = (&asker.stage.cast, &asker.stage.cast.tenant);
    let query = "resourcecontainers | where type =~ 'Microsoft.Resources/Subscriptions'";
    let answered = asker.post("2022-10-01", json!({"subscriptions": [cast.inherited.to_uppercase()], "query": query})).await;
    let row = &answered.body["data"][0];
    assert_eq!((&row["name"], &row["subscriptionId"]), (&json!("intranet"), &json!(cast.inherited)));
    assert_eq!((&row["tenantId"], &row["tags"]), (&json!(root), &Value::Null));
    let properties = &row["properties"];
    assert_eq!(
        (&properties["state"], &properties["subscriptionPolicies"]["quotaId"]),
        (&json!("Enabled"), &json!("PayAsYouGo_2014-09-01"))
    );
    let chain: Vec<&Value> = properties["managementGroupAncestorsChain"].as_array().expect("a chain").iter().collect();
    assert_eq!(chain[0], &json!({"displayName": "corp", "name": "corp"}), "nearest first");
    assert_eq!(chain[2], &json!({"displayName": "Tenant Root Group", "name": root}));
    assert_eq!((&answered.body["totalRecords"], &answered.body["count"]), (&json!(1), &json!(1)));
    assert_eq!((&answered.body["resultTruncated"], &answered.body["facets"]), (&json!("false"), &json!([])));
    let assignment = asker.ask(json!({"subscriptions": [cast.by_hand], "query": "AuthorizationResources"})).await;
    let row = &assignment.body["data"][0];
    assert_eq!((&row["type"], &row["subscriptionId"]), (&json!("microsoft.authorization/roleassignments"), &json!(cast.by_hand)));
    assert_eq!(row["properties"]["createdOn"], "2024-01-01T00:00:00Z");
    assert!(row["properties"]["roleDefinitionId"].as_str().is_some_and(|id| id.ends_with(READER)));
}

#[tokio::test(start_paused = true)]
async fn pages_by_token_of_the_same_query_only() {
    let asker = Asker::new(|world| {
        let tenant = world.tenants.keys().next().cloned().expect("a tenant");
        for number in 0..2100 {
            world.tenant_mut(&tenant).add_subscription(&format!("dddddddd-0000-4000-8000-{number:012}"), "many", "sandbox");
        }
    })
    .await;
    let query = "resourcecontainers | where type == 'microsoft.resources/subscriptions' | project id, name | order by id asc";
    let mut body = json!({"managementGroups": ["sandbox"], "query": query});
    let (mut sizes, mut ids) = (Vec::new(), Vec::new());
    loop {
        let page = asker.ask(body.clone()).await;
        assert_eq!((&page.body["totalRecords"], &page.body["resultTruncated"]), (&json!(2102), &json!("false")));
        sizes.push(page.body["count"].as_u64().unwrap_or_default());
        ids.extend(texts(&page, "id"));
        let Some(token) = page.body["$skipToken"].as_str() else { break };
        body["options"] = json!({"$skipToken": token});
    }
    assert_eq!(sizes, [1000, 1000, 102]);
    ids.dedup();
    assert_eq!(ids.len(), 2102);
    let first = asker.ask(json!({"managementGroups": ["sandbox"], "query": query, "options": {"$top": 10, "$skip": 5}})).await;
    assert_eq!(texts(&first, "id"), ids[5..15]);
    let other = json!({"managementGroups": ["platform"], "query": query, "options": {"$skipToken": first.body["$skipToken"]}});
    assert_eq!(refusal(&asker.ask(other).await), (400, "BadRequest", vec!["InvalidSkipToken"]));
    let limited = asker.ask(json!({"managementGroups": ["sandbox"], "query": format!("{query} | limit 1500")})).await;
    assert_eq!((&limited.body["count"], &limited.body["resultTruncated"]), (&json!(1000), &json!("true")));
    assert_eq!(limited.body["$skipToken"], Value::Null, "with a limit there is no next page");
    let unordered = json!({"managementGroups": ["sandbox"], "query": "resourcecontainers | project id", "options": {"$top": 1}});
    let (one, two) = (asker.ask(unordered.clone()).await, asker.ask(unordered).await);
    assert_ne!(one.body["data"], two.body["data"], "what nothing orders comes in another order each time");
    let too_large = json!({"query": query, "options": {"$top": 1001}});
    assert_eq!(refusal(&asker.ask(too_large).await).1, "BadRequest");
}

#[tokio::test(start_paused = true)]
async fn refuses_too_many_subscriptions() {
    let asker = Asker::new(|world| {
        let tenant = world.tenants.keys().next().cloned().expect("a tenant");
        for number in 0..10_001 {
            world.tenant_mut(&tenant).add_subscription(&format!("dddddddd-0000-4000-8000-{number:012}"), "many", "sandbox");
        }
    })
    .await;
    let named: Vec<String> = (0..1001).map(|number| format!("dddddddd-0000-4000-8000-{number:012}")).collect();
    let query = "resourcecontainers | where name == 'many' | count";
    let answered = asker.ask(json!({"subscriptions": named, "query": query})).await;
    assert_eq!(refusal(&answered), (400, "BadRequest", vec!["TooManySubscriptions"]));
    let answered = asker.ask(json!({"subscriptions": named[1..], "query": query})).await;
    assert_eq!(answered.body["data"], json!([{"Count": 1000}]));
    let under = |partial: bool| json!({"managementGroups": ["sandbox"], "query": query, "options": {"allowPartialScopes": partial}});
    let answered = asker.ask(under(false)).await;
    assert_eq!(refusal(&answered), (400, "BadRequest", vec!["TooManySubscriptionsUnderScope"]));
    let partial = asker.ask(under(true)).await;
    assert!(partial.body["data"][0]["Count"].as_u64().is_some_and(|count| count <= 10_000), "cut off without a word in the body");
    assert_eq!(partial.body["resultTruncated"], "false");
    assert_eq!(partial.header("x-ms-tenant-subscription-limit-hit"), "true");
}

#[tokio::test(start_paused = true)]
async fn shows_only_what_the_caller_may_read() {
    let foreign = "bbbbbbbb-0000-4000-8000-000000000001";
    let asker = Asker::new(|world| {
        world.tenant_mut(OTHER_TENANT).add_subscription(foreign, "foreign", OTHER_TENANT);
    })
    .await;
    let cast = &asker.stage.cast;
    let ask = async |ids: &[&str]| asker.ask(json!({"subscriptions": ids, "query": "resourcecontainers | project name"})).await;
    assert_eq!(texts(&ask(&[&cast.new, &cast.late, foreign]).await, "name"), ["payments"], "the others are left out without a word");
    for hidden in [cast.late.as_str(), foreign, "dddddddd-0000-4000-8000-000000000001"] {
        assert_eq!(refusal(&ask(&[hidden]).await), (403, "AccessDenied", vec!["AccessDenied"]), "{hidden}");
    }
    let deny = |action: &str| asker.stage.simulator.state().world.tenant_mut(&cast.tenant).deny(&cast.login_principal_id, action);
    deny("Microsoft.Authorization/roleAssignments/read");
    assert!(asker.scopes(&[&cast.by_hand], None).await.is_empty());
    deny("Microsoft.Resources/subscriptions/read");
    assert_eq!(ask(&[&cast.new]).await.outcome(), (403, "AccessDenied"));
}

#[tokio::test(start_paused = true)]
async fn shows_only_where_roles_allow_it() {
    let asker = Asker::on(Stage::without_rights(), |_| {}).await;
    let cast = &asker.stage.cast;
    asker.stage.simulator.state().world.tenant_mut(&cast.tenant).role_assignments.retain(|_, own| !own.is_of(&cast.login_principal_id));
    let give = |group: &str, name: &str, action: &str| {
        let mut state = asker.stage.simulator.state();
        let scope = Scope::ManagementGroup(group.to_owned());
        state.world.tenant_mut(&cast.tenant).assign_custom(&scope, name, &[action], &cast.login_principal_id);
    };
    let query = "resourcecontainers | project name | order by name asc";
    let containers = async || asker.ask(json!({"managementGroups": [cast.tenant], "query": query})).await;
    give(&cast.tenant, "Read", "Microsoft.Resources/subscriptions/read");
    assert_eq!(containers().await.outcome(), (403, "AccessDenied"), "no queries without the right to query");
    give("landing-zones", "Query", "Microsoft.ResourceGraph/resources/read");
    assert_eq!(texts(&containers().await, "name"), ["data-platform", "intranet", "payments"]);
    give("corp", "Groups", "Microsoft.Management/managementGroups/read");
    assert_eq!(texts(&containers().await, "name"), ["corp", "data-platform", "intranet", "payments"]);
    let body = json!({"managementGroups": [cast.tenant], "query": readers(&asker.stage)});
    assert!(texts(&asker.ask(body.clone()).await, "scope").is_empty(), "role assignments are not read yet");
    give("online", "Roles", "Microsoft.Authorization/roleAssignments/read");
    assert!(texts(&asker.ask(body.clone()).await, "scope").is_empty(), "and elsewhere does not help");
    give("landing-zones", "More roles", "Microsoft.Authorization/roleAssignments/read");
    assert_eq!(texts(&asker.ask(body).await, "scope"), ["/providers/Microsoft.Management/managementGroups/corp"]);
    assert_eq!(asker.scopes(&[&cast.inherited], Some("AtScopeAndAbove")).await.len(), 1, "what is inherited shows with the subscription");
}

#[tokio::test(start_paused = true)]
async fn has_a_quota_of_its_own() {
    let asker = Asker::new(|world| world.settings.throttle = true).await;
    let ask = async || asker.ask(json!({"query": "resourcecontainers | count"})).await;
    for left in (0..15).rev() {
        let answered = ask().await;
        assert_eq!((answered.status, answered.header("x-ms-user-quota-remaining")), (200, left.to_string().as_str()));
        assert_eq!(answered.header("x-ms-user-quota-resets-after"), "00:00:05");
    }
    asker.stage.advance(2);
    let throttled = ask().await;
    assert_eq!(refusal(&throttled), (429, "RateLimiting", vec!["RateLimiting"]));
    assert_eq!((throttled.header("retry-after"), throttled.header("x-ms-user-quota-remaining")), ("3", "0"));
    asker.stage.advance(3);
    assert_eq!(ask().await.header("x-ms-user-quota-remaining"), "14");
}

#[tokio::test(start_paused = true)]
async fn learns_of_changes_late() {
    let asker = Asker::new(|world| world.settings.graph_lag_seconds = 60).await;
    let cast = &asker.stage.cast;
    let all = [cast.new.as_str(), &cast.by_hand];
    let before = asker.scopes(&all, None).await;
    assert_eq!(asker.subscriptions("landing-zones").await, ["data-platform", "intranet", "payments"]);
    asker.stage.advance(100);
    {
        let mut state = asker.stage.simulator.state();
        let tenant = state.world.tenant_mut(&cast.tenant);
        tenant.role_assignments.retain(|_, assignment| !assignment.is_of(&cast.ispm_principal_id));
        tenant.assign_reader(&Scope::Subscription(cast.new.clone()), &cast.ispm_principal_id);
        tenant.subscriptions.get_mut(&cast.new).expect("new").parent = "sandbox".to_owned();
        tenant.subscriptions.remove(&cast.inherited);
        tenant.add_subscription("dddddddd-0000-4000-8000-000000000001", "young", "landing-zones");
    }
    asker.stage.advance(59);
    assert_eq!(asker.scopes(&all, None).await, before);
    assert_eq!(asker.subscriptions("landing-zones").await, ["data-platform", "intranet", "payments"]);
    asker.stage.advance(1);
    assert_eq!(asker.scopes(&all, None).await, [format!("/subscriptions/{}", cast.new)]);
    assert_eq!(asker.subscriptions("landing-zones").await, ["data-platform", "young"]);
    let of = format!("principalId%20eq%20'{}'", cast.ispm_principal_id);
    let url =
        format!("{ARM}/subscriptions/{}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter={of}", cast.new);
    let list = asker.stage.get(&url, &asker.token).await;
    let name = list.body["value"][0]["name"].as_str().expect("one").to_owned();
    let url = format!("{ARM}/subscriptions/{}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version=2022-04-01", cast.new);
    assert_eq!(asker.stage.call(Method::DELETE, &url, &asker.token, Value::Null).await.status, 200);
    assert_eq!(asker.scopes(&all, None).await.len(), 1, "what Resource Manager removed shows on");
    asker.stage.advance(60);
    assert!(asker.scopes(&all, None).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn refuses_queries_and_bodies_that_it_does_not_understand() {
    let asker = Asker::new(|_| {}).await;
    let ask = async |query: &str| asker.ask(json!({"query": query})).await;
    let syntax = ask("resourcecontainers | where name ~ 'x'").await;
    assert_eq!(refusal(&syntax), (400, "BadRequest", vec!["InvalidQuery", "ParserFailure"]));
    assert_eq!(syntax.body["error"]["details"][1]["characterPositionInLine"], 32);
    let meaning = ask("resourcecontainers | where nobody == 'x'").await;
    assert_eq!(refusal(&meaning), (400, "BadRequest", vec!["InvalidQuery", "Default"]));
    for beyond in ["resourcecontainers | summarize count()", "resources"] {
        assert_eq!(ask(beyond).await.outcome(), (501, "NotModelled"), "{beyond}");
    }
    for body in [json!({}), json!({"query": "resourcecontainers", "options": {"authorizationScopeFilter": "Above"}})] {
        assert_eq!(refusal(&asker.ask(body.clone()).await), (400, "BadRequest", vec!["InvalidRequest"]), "{body}");
    }
    let bad_id = asker.ask(json!({"subscriptions": ["production"], "query": "resourcecontainers"})).await;
    assert_eq!(refusal(&bad_id), (400, "BadRequest", vec!["InvalidSubscriptionId"]));
    let table = json!({"query": "resourcecontainers", "options": {"resultFormat": "table"}});
    assert_eq!(asker.ask(table).await.outcome(), (501, "NotModelled"));
    assert_eq!(asker.post("2021-03-01", json!({"query": "resourcecontainers"})).await.outcome(), (404, "InvalidResourceType"));
}
