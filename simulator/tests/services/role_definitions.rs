use ispm_onboarder_simulator::world::{CustomRole, Scope};

use crate::stage::{ARM, Answered, READER, Stage};

const CUSTOM: &str = "7b082443-c50f-4a2a-87a6-d8385d2edfe3";

async fn list(stage: &Stage, scope: &str, filter: &str) -> Answered {
    let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    let url = format!("{ARM}{scope}/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01&$filter={filter}");
    stage.get(&url, &stage.token(ARM).await).await
}

fn names(answered: &Answered) -> Vec<&str> {
    let items = answered.body["value"].as_array().unwrap_or_else(|| panic!("no list: {}", answered.text));
    items.iter().filter_map(|item| item["properties"]["roleName"].as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn finds_a_built_in_role_by_name_in_the_form_of_the_scope() {
    let stage = Stage::new();
    let subscription = format!("/subscriptions/{}", stage.cast.new);
    for (scope, prefix) in [(subscription.as_str(), subscription.as_str()), ("/providers/Microsoft.Management/managementGroups/corp", "")] {
        let answered = list(&stage, scope, "roleName eq 'Reader'").await;
        assert_eq!(names(&answered), ["Reader"]);
        let id = format!("{prefix}/providers/Microsoft.Authorization/roleDefinitions/{READER}");
        assert_eq!(answered.body["value"][0]["id"], id);
    }
    assert_eq!(names(&list(&stage, &subscription, "roleName eq 'Nobody'").await), [""; 0]);
    assert_eq!(names(&list(&stage, &subscription, "type eq 'BuiltInRole'").await).len(), 6);
}

#[tokio::test(start_paused = true)]
async fn shows_a_custom_role_where_it_can_be_assigned() {
    let stage = Stage::new();
    let role = CustomRole {
        role_name: "Onboarder".to_owned(),
        actions: vec!["Microsoft.Authorization/roleAssignments/write".to_owned()],
        assignable_scopes: vec![Scope::ManagementGroup("corp".to_owned())],
        ..CustomRole::default()
    };
    stage.simulator.state().world.tenant_mut(&stage.cast.tenant).custom_roles.insert(CUSTOM.to_owned(), role);
    let covered = format!("/subscriptions/{}", stage.cast.inherited);
    let elsewhere = format!("/subscriptions/{}", stage.cast.new);
    assert_eq!(names(&list(&stage, &covered, "type eq 'CustomRole'").await), ["Onboarder"]);
    assert_eq!(names(&list(&stage, &elsewhere, "type eq 'CustomRole'").await), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn gets_one_by_its_guid_and_refuses_the_rest() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let base = format!("{ARM}/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions", stage.cast.new);
    let get = async |rest: &str| stage.get(&format!("{base}/{rest}"), &token).await;
    let reader = get(&format!("{}?api-version=2022-05-01-preview", READER.to_uppercase())).await;
    assert_eq!((reader.status, &reader.body["properties"]["permissions"][0]["actions"][0]), (200, &"*/read".into()));
    assert_eq!(get(&format!("{CUSTOM}?api-version=2022-04-01")).await.outcome(), (404, "RoleDefinitionDoesNotExist"));
    assert_eq!(get("not-a-guid?api-version=2022-04-01").await.outcome(), (400, "InvalidRoleDefinitionId"));
    assert_eq!(get(&format!("{READER}?api-version=1999-01-01")).await.outcome(), (404, "InvalidResourceType"));
    let scope = format!("/subscriptions/{}", stage.cast.new);
    let filtered = list(&stage, &scope, "atScopeAndBelow()").await;
    assert_eq!(filtered.outcome(), (501, "NotModelled"));
    assert!(filtered.text.contains("atScopeAndBelow()"), "{}", filtered.text);
}
