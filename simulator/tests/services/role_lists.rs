use http::Method;
use ispm_onboarder_simulator::world::Scope;
use serde_json::{Value, json};

use crate::stage::{ARM, Answered, OTHER_TENANT, OWNER, READER, Stage};

async fn list(stage: &Stage, token: &str, scope: &str, filter: &str) -> Answered {
    let url = format!("{ARM}{scope}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01");
    if filter.is_empty() {
        return stage.get(&url, token).await;
    }
    let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    stage.get(&format!("{url}&$filter={filter}"), token).await
}

/// The scopes in a list, sorted, without the caller's own as Owner.
fn scopes(answered: &Answered) -> Vec<String> {
    let items = answered.body["value"].as_array().unwrap_or_else(|| panic!("no list: {}", answered.text));
    let is_owner = |item: &Value| item["properties"]["roleDefinitionId"].as_str().is_some_and(|id| id.ends_with(OWNER));
    let others = items.iter().filter(|item| !is_owner(item));
    let mut scopes: Vec<String> = others.filter_map(|item| item["properties"]["scope"].as_str()).map(str::to_owned).collect();
    scopes.sort_unstable();
    scopes
}

#[tokio::test(start_paused = true)]
async fn shows_what_is_inherited_through_management_groups() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let scope = format!("/subscriptions/{}", stage.cast.inherited);
    let principal = &stage.cast.ispm_principal_id;
    let answered = list(&stage, &token, &scope, &format!("atScope() and assignedTo('{principal}')")).await;
    assert_eq!(scopes(&answered), ["/providers/Microsoft.Management/managementGroups/corp"]);
    let role = answered.body["value"][0]["properties"]["roleDefinitionId"].as_str().expect("a role");
    assert_eq!(role, format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{READER}"), "in the form of the scope asked at");
}

#[tokio::test(start_paused = true)]
async fn each_filter_shows_its_own() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let cast = &stage.cast;
    let corp = "/providers/Microsoft.Management/managementGroups/corp";
    let by_hand = format!("/subscriptions/{}", cast.by_hand);
    let at_limit = format!("/subscriptions/{}", cast.at_limit);
    let landing = "/providers/Microsoft.Management/managementGroups/landing-zones";
    let ispm = &cast.ispm_principal_id;
    let cases = [
        (corp, "atScope()".to_owned(), vec![corp]),
        (landing, "atScope()".to_owned(), vec![]),
        (landing, format!("principalId eq '{}'", ispm.to_uppercase()), vec![corp]),
        (landing, format!("assignedTo('{ispm}')"), vec![corp]),
        (landing, String::new(), vec![corp, &at_limit]),
        (&by_hand, format!("principalId eq '{ispm}'"), vec![&by_hand]),
        (&by_hand, format!("principalId eq '{}'", cast.function_principal_id), vec![]),
    ];
    for (scope, filter, mut expected) in cases {
        expected.sort_unstable();
        assert_eq!(scopes(&list(&stage, &token, scope, &filter).await), expected, "{filter} at {scope}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_assignment_at_the_root_is_seen_everywhere() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let principal = stage.cast.function_principal_id.clone();
    stage.simulator.state().world.tenant_mut(&stage.cast.tenant).assign_reader(&Scope::Tenant, &principal);
    let scope = format!("/subscriptions/{}", stage.cast.new);
    assert_eq!(scopes(&list(&stage, &token, &scope, "atScope()").await), ["/"]);
    let at_root = format!("principalId eq '{principal}'");
    assert_eq!(list(&stage, &token, "", &at_root).await.outcome(), (403, "AuthorizationFailed"), "Owner below / only");
    let own = stage.token_of_function(ARM);
    assert_eq!(scopes(&list(&stage, &own, "", &at_root).await), ["/"]);
}

#[tokio::test(start_paused = true)]
async fn refuses_filters_and_parameters_that_it_does_not_model() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let scope = format!("/subscriptions/{}", stage.cast.new);
    for filter in ["principalId eq 'x' and atScope()", "roleDefinitionId eq 'x'"] {
        let answered = list(&stage, &token, &scope, filter).await;
        assert_eq!(answered.outcome(), (501, "NotModelled"));
        assert!(answered.text.contains(filter), "the answer names the filter: {}", answered.text);
    }
    let url = format!("{ARM}{scope}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&tenantId=x");
    assert_eq!(stage.get(&url, &token).await.outcome(), (501, "NotModelled"));
    for (version, expected) in [("2015-07-01", (404, "InvalidResourceType")), ("newest", (400, "InvalidApiVersionParameter"))] {
        let url = format!("{ARM}{scope}/providers/Microsoft.Authorization/roleAssignments?api-version={version}");
        assert_eq!(stage.get(&url, &token).await.outcome(), expected, "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_assignment_can_lag_and_pages_follow_each_other() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    {
        let mut state = stage.simulator.state();
        state.world.settings.role_list_lag_seconds = 60;
        state.world.settings.page_size = 1;
    }
    let scope = format!("/subscriptions/{}", stage.cast.by_hand);
    let url = format!(
        "{ARM}{scope}/providers/Microsoft.Authorization/roleAssignments/7b082443-c50f-4a2a-87a6-d8385d2edfe3?api-version=2022-04-01"
    );
    let body = json!({"properties": {
        "roleDefinitionId": format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{READER}"),
        "principalId": stage.cast.function_principal_id, "principalType": "ServicePrincipal",
    }});
    assert_eq!(stage.call(Method::PUT, &url, &token, body).await.status, 201);
    let function = format!("principalId eq '{}'", stage.cast.function_principal_id);
    assert!(scopes(&list(&stage, &token, &scope, &function).await).is_empty(), "not listed yet");
    assert_eq!(stage.get(&url, &token).await.status, 200, "but there");
    stage.advance(60);
    assert_eq!(scopes(&list(&stage, &token, &scope, &function).await), [scope.as_str()]);
    let (mut names, mut next) = (Vec::new(), list(&stage, &token, &scope, "").await);
    loop {
        names.push(next.body["value"][0]["name"].clone());
        let Some(link) = next.body["nextLink"].as_str() else { break };
        next = stage.get(link, &token).await;
    }
    names.dedup();
    assert_eq!(names.len(), 3, "by hand, the new one, and the caller's own above");
}

#[tokio::test(start_paused = true)]
async fn a_page_takes_no_token_of_another_list() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    stage.simulator.state().world.settings.page_size = 1;
    let scope = format!("/subscriptions/{}", stage.cast.by_hand);
    let subscriptions = stage.get(&format!("{ARM}/subscriptions?api-version=2022-12-01"), &token).await;
    let foreign = subscriptions.body["nextLink"].as_str().and_then(|link| link.split_once("skiptoken=")).expect("a token").1.to_owned();
    for skip in [foreign.as_str(), "made-up", "%00", ""] {
        let list = format!("{ARM}{scope}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01");
        assert_eq!(stage.get(&format!("{list}&$skiptoken={skip}"), &token).await.outcome(), (400, "InvalidSkipToken"), "{skip}");
    }
    let neighbour = stage.token_in(OTHER_TENANT, ARM).await;
    let link = subscriptions.body["nextLink"].as_str().expect("a link");
    assert_eq!(stage.get(link, &neighbour).await.outcome(), (400, "InvalidSkipToken"));
    assert_eq!(stage.get(link, &token).await.status, 200);
}
