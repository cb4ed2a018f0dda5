//! Custom roles that are made and removed.

use http::Method;
use ispm_onboarder_simulator::world::Scope;
use serde_json::{Value, json};

use crate::stage::{ARM, Answered, READER, Stage};

const CUSTOM: &str = "7b082443-c50f-4a2a-87a6-d8385d2edfe3";
const OTHER: &str = "7b082443-c50f-4a2a-87a6-d8385d2edfe4";
const CORP: &str = "/providers/Microsoft.Management/managementGroups/corp";

async fn call(stage: &Stage, method: Method, token: &str, id: &str, body: Value) -> Answered {
    let url = format!("{ARM}{CORP}/providers/Microsoft.Authorization/roleDefinitions/{id}?api-version=2022-04-01");
    stage.call(method, &url, token, body).await
}

fn role(name: &str, assignable: &[&str]) -> Value {
    json!({"properties": {
        "roleName": name, "description": "Assigns roles", "type": "CustomRole",
        "permissions": [{"actions": ["Microsoft.Authorization/roleAssignments/write"], "notActions": []}],
        "assignableScopes": assignable,
    }})
}

#[tokio::test(start_paused = true)]
async fn is_made_changed_assigned_and_removed() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let made = call(&stage, Method::PUT, &token, &CUSTOM.to_uppercase(), role("Assigner", &[CORP])).await;
    assert_eq!((made.status, &made.body["name"]), (201, &json!(CUSTOM)));
    let properties = &made.body["properties"];
    assert_eq!((&properties["type"], &properties["assignableScopes"]), (&json!("CustomRole"), &json!([CORP])));
    let renamed = call(&stage, Method::PUT, &token, CUSTOM, role("Giver", &[CORP])).await;
    assert_eq!((renamed.status, &renamed.body["properties"]["roleName"]), (201, &json!("Giver")));
    let read = call(&stage, Method::GET, &token, CUSTOM, Value::Null).await;
    assert_eq!(read.body, renamed.body);
    let corp = Scope::ManagementGroup("corp".to_owned());
    let principal = stage.cast.function_principal_id.clone();
    stage.simulator.state().world.tenant_mut(&stage.cast.tenant).assign(&corp, CUSTOM, &principal);
    let refused = call(&stage, Method::DELETE, &token, CUSTOM, Value::Null).await;
    assert_eq!(refused.outcome(), (400, "RoleDefinitionHasAssignments"));
    stage.simulator.state().world.tenant_mut(&stage.cast.tenant).role_assignments.retain(|_, own| own.role != CUSTOM);
    assert_eq!(call(&stage, Method::DELETE, &token, CUSTOM, Value::Null).await.body, renamed.body);
    assert_eq!(call(&stage, Method::DELETE, &token, CUSTOM, Value::Null).await.status, 204);
    let changed: Vec<bool> = stage.recorded("arm.role-definitions.create").iter().map(|call| call.changed).collect();
    assert_eq!(changed, [true, true]);
}

#[tokio::test(start_paused = true)]
async fn is_refused_when_malformed_or_there_already() {
    let stage = Stage::new();
    let token = stage.token(ARM).await;
    let landing = "/providers/Microsoft.Management/managementGroups/landing-zones";
    assert_eq!(call(&stage, Method::PUT, &token, CUSTOM, role("Assigner", &[CORP])).await.status, 201);
    let with = |pointer: &str, value: Value| {
        let mut body = role("Another", &[CORP]);
        *body.pointer_mut(pointer).expect("a member") = value;
        body
    };
    let cases = [
        (OTHER, role("assigner", &[CORP]), 409, "RoleDefinitionWithSameNameExists"),
        (OTHER, role("Reader", &[CORP]), 409, "RoleDefinitionWithSameNameExists"),
        (READER, role("Another", &[CORP]), 409, "RoleDefinitionExists"),
        (OTHER, role("", &[CORP]), 400, "RoleDefinitionNameNullOrEmpty"),
        (OTHER, role("Another", &[]), 400, "MissingAssignableScopes"),
        (OTHER, role("Another", &["Invalid_Scope"]), 400, "LinkedInvalidPropertyId"),
        (OTHER, role("Another", &[CORP, landing]), 400, "InvalidAssignableScopes"),
        (OTHER, role("Another", &["/"]), 400, "InvalidAssignableScopes"),
        (OTHER, with("/properties/type", json!("BuiltInRole")), 400, "InvalidRoleDefinitionType"),
        (OTHER, with("/properties/permissions/0/actions", json!(["*/a/*"])), 400, "InvalidActionOrNotAction"),
        (OTHER, with("/properties/permissions", json!([])), 501, "NotModelled"),
        (OTHER, json!([]), 400, "InvalidRequestContent"),
        ("not-a-guid", role("Another", &[CORP]), 400, "InvalidRoleDefinitionId"),
    ];
    for (id, body, status, code) in cases {
        assert_eq!(call(&stage, Method::PUT, &token, id, body).await.outcome(), (status, code));
    }
}

#[tokio::test(start_paused = true)]
async fn needs_the_right_at_each_scope_where_it_can_be_assigned() {
    let stage = Stage::without_rights();
    let token = stage.token(ARM).await;
    let login = stage.cast.login_principal_id.clone();
    let corp = Scope::ManagementGroup("corp".to_owned());
    let right = "Microsoft.Authorization/roleDefinitions/write";
    stage.simulator.state().world.tenant_mut(&stage.cast.tenant).assign_custom(&corp, "Definer", &[right], &login);
    let elsewhere = format!("/subscriptions/{}", stage.cast.new);
    let refused = call(&stage, Method::PUT, &token, CUSTOM, role("Assigner", &[CORP, &elsewhere])).await;
    assert_eq!(refused.outcome(), (403, "LinkedAuthorizationFailed"));
    assert!(refused.text.contains(&format!("on the linked scope(s) '{elsewhere}'")), "{}", refused.text);
    assert_eq!(call(&stage, Method::PUT, &token, CUSTOM, role("Assigner", &[CORP])).await.status, 201);
}
