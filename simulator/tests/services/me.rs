use serde_json::json;

use crate::stage::Stage;

const GRAPH: &str = "https://graph.microsoft.com";
const SAM: &str = "99999999-0000-4000-8000-000000000001";
const ROLES: &str = "https://graph.microsoft.com/v1.0/me/transitiveMemberOf/microsoft.graph.directoryRole?$select=roleTemplateId";

#[tokio::test(start_paused = true)]
async fn a_person_is_told_who_and_where_it_is() {
    let stage = Stage::new();
    let token = stage.user_token(GRAPH, &stage.cast.administrator);
    let me = stage.get(&format!("{GRAPH}/v1.0/me?$select=id,userPrincipalName"), &token).await;
    assert_eq!((me.status, &me.body["id"]), (200, &json!(stage.cast.administrator)), "{}", me.text);
    assert!(me.body["userPrincipalName"].is_string() && me.body["displayName"].is_null(), "{}", me.text);
    let organization = stage.get(&format!("{GRAPH}/v1.0/organization?$select=id"), &token).await;
    assert_eq!(organization.body["value"], json!([{ "id": stage.cast.tenant }]), "{}", organization.text);
    let unknown = stage.get(&format!("{GRAPH}/v1.0/me?$select=shoeSize"), &token).await;
    assert_eq!(unknown.outcome(), (501, "NotModelled"));
}

#[tokio::test(start_paused = true)]
async fn directory_roles_are_those_of_now() {
    let stage = Stage::new();
    stage.simulator.state().world.tenant_mut(&stage.cast.tenant).add_user(SAM, "sam@contoso.example");
    let roles = async |who: &str| stage.get(ROLES, &stage.user_token(GRAPH, who)).await.body["value"].clone();
    assert_eq!(roles(&stage.cast.administrator).await, json!([{ "roleTemplateId": "62e90394-69f5-4237-9190-012177145e10" }]));
    assert_eq!(roles(SAM).await, json!([]));
}

#[tokio::test(start_paused = true)]
async fn an_app_is_nobody() {
    let stage = Stage::new();
    let token = stage.token(GRAPH).await;
    for url in [format!("{GRAPH}/v1.0/me"), ROLES.to_owned()] {
        assert_eq!(stage.get(&url, &token).await.outcome(), (400, "BadRequest"), "{url}");
    }
    assert_eq!(stage.get(&format!("{GRAPH}/v1.0/organization"), &token).await.outcome(), (403, "Authorization_RequestDenied"));
}
