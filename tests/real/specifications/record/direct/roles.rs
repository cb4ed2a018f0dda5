//! Custom roles from their beginning to their end, what a caller may do, and elevated access.

use azure_core::http::Method;
use serde_json::{Value, json};

use super::{ARM, ASSIGNMENTS, Caller, GROUPS, JSON, NAME, OTHER_NAME, READER};
use crate::Told;

const DEFINITIONS: &str = "providers/Microsoft.Authorization/roleDefinitions";
const PERMISSIONS: &str = "providers/Microsoft.Authorization/permissions?api-version=2022-04-01";
/// The only version that a specification was published of; the onboarder calls 2016-07-01, as Azure's documentation does.
const ELEVATE: &str = "https://management.azure.com/providers/Microsoft.Authorization/elevateAccess?api-version=2015-07-01";

pub async fn tell(arm: &Caller<'_>) -> Told {
    definitions(arm).await?;
    permissions(arm).await?;
    elevation(arm).await
}

fn definition(arm: &Caller<'_>, role: &str) -> String {
    format!("{GROUPS}/{}/{DEFINITIONS}/{role}?api-version=2022-04-01", arm.stage.cast.tenant)
}

async fn define(arm: &Caller<'_>, step: &str, role: &str, name: &str, status: u16) -> Told {
    let body = json!({ "properties": {
        "roleName": name,
        "type": "CustomRole",
        "description": "of no use",
        "permissions": [{ "actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": [] }],
        "assignableScopes": [format!("/providers/Microsoft.Management/managementGroups/{}", arm.stage.cast.tenant)],
    }});
    arm.call(step, Method::Put, &definition(arm, role), Some((JSON, body)), status).await.map(drop)
}

async fn definitions(arm: &Caller<'_>) -> Told {
    define(arm, "make a role", NAME, "recorded", 201).await?;
    define(arm, "make the same role again", NAME, "recorded", 201).await?;
    define(arm, "another role of the same name", OTHER_NAME, "recorded", 409).await?;
    define(arm, "a role without a name", OTHER_NAME, "", 400).await?;
    arm.get("get a role", &definition(arm, NAME), 200).await?;
    arm.get("get a role of Azure's own", &definition(arm, READER), 200).await?;
    let list = format!("{GROUPS}/{}/{DEFINITIONS}?api-version=2022-04-01", arm.stage.cast.tenant);
    arm.get("list roles by name", &format!("{list}&$filter=roleName eq 'recorded'"), 200).await?;
    arm.get("list roles of one's own", &format!("{list}&$filter=type eq 'CustomRole'"), 200).await?;
    arm.call("remove a role", Method::Delete, &definition(arm, NAME), None, 200).await?;
    arm.call("remove it again", Method::Delete, &definition(arm, NAME), None, 204).await?;
    arm.get("get a role that is gone", &definition(arm, NAME), 404).await.map(drop)
}

async fn permissions(arm: &Caller<'_>) -> Told {
    let cast = &arm.stage.cast;
    arm.get("who may do everything", &format!("{ARM}/subscriptions/{}/{PERMISSIONS}", cast.new), 200).await?;
    arm.get("the same at a management group", &format!("{GROUPS}/{}/{PERMISSIONS}", cast.tenant), 200).await?;
    let function = Caller { stage: arm.stage, token: Some(arm.stage.token_of(&cast.function_client_id, ARM).await?) };
    function.get("who may do nothing", &format!("{ARM}/subscriptions/{}/{PERMISSIONS}", cast.new), 403).await.map(drop)
}

/// A person's way up and down again.
async fn elevation(arm: &Caller<'_>) -> Told {
    let stage = arm.stage;
    let person = &stage.cast.administrator;
    let token = stage.simulator.user_token(ARM, person).ok_or("the demo has an administrator")?.token;
    let administrator = Caller { stage, token: Some(token) };
    arm.call("an app is not elevated", Method::Post, ELEVATE, None, 403).await?;
    administrator.call("elevate", Method::Post, ELEVATE, None, 200).await?;
    administrator.call("elevate again", Method::Post, ELEVATE, None, 200).await?;
    let list = format!("{ARM}/{ASSIGNMENTS}?api-version=2022-04-01&$filter=principalId eq '{person}'");
    stage.simulator.state().world.settings.page_size = 1;
    administrator.pages("list assignments in the tenant", format!("{ARM}/{ASSIGNMENTS}?api-version=2022-04-01"), 8).await?;
    stage.simulator.state().world.settings.page_size = 0;
    administrator.get("list the tenant's roles", &format!("{ARM}/{DEFINITIONS}?api-version=2022-04-01"), 200).await?;
    let found = administrator.get("the elevation", &list, 200).await?.body;
    let id = found["value"].as_array().and_then(|all| all.first()).and_then(|one: &Value| one["id"].as_str());
    let elevation = format!("{ARM}{}?api-version=2022-04-01", id.ok_or("who is elevated has an assignment")?);
    administrator.call("step down", Method::Delete, &elevation, None, 200).await.map(drop)
}
