//! The person who is signed in, and where (Graph v1.0 reference, "Get user", "List a user's memberships (direct and transitive)" and "List
//! organizations").

use serde_json::{Map, Value, json};

use super::super::{Answer, Call, answer};
use super::{admit, error, metadata};
use crate::Response;
use crate::token::Claims;
use crate::world::made_up_id;

/// The id of the template of the role Global Administrator (documentation, "Microsoft Entra built-in roles").
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

pub(super) fn get(call: &mut Call<'_>) -> Answer {
    let caller = person(call)?;
    let user = call.world.tenants.get(&caller.tid).and_then(|tenant| tenant.users.get(&caller.oid));
    let Some(user) = user else {
        let message = format!("Resource '{}' does not exist or one of its queried reference-property objects are not present.", caller.oid);
        return Err(error(call, 404, "Request_ResourceNotFound", &message));
    };
    let all = json!({ "id": caller.oid, "displayName": user.display_name, "userPrincipalName": user.user_principal_name });
    let mut shown = selected(call, all, "users")?;
    shown.insert("@odata.context".to_owned(), json!(format!("{}#users/$entity", metadata(call))));
    Ok(answer::json(200, &Value::Object(shown)))
}

/// The roles that the person has now: what could be activated is not among them.
pub(super) fn directory_roles(call: &mut Call<'_>) -> Answer {
    let caller = person(call)?;
    let user = call.world.tenants.get(&caller.tid).and_then(|tenant| tenant.users.get(&caller.oid));
    let mut roles = Vec::new();
    if user.is_some_and(|user| user.global_administrator) {
        let id = made_up_id(&format!("{}/directory role/{GLOBAL_ADMINISTRATOR}", caller.tid));
        let all = json!({ "id": id, "displayName": "Global Administrator", "roleTemplateId": GLOBAL_ADMINISTRATOR });
        roles.push(Value::Object(selected(call, all, "directory roles")?));
    }
    Ok(answer::json(200, &json!({ "@odata.context": format!("{}#directoryRoles", metadata(call)), "value": roles })))
}

pub(super) fn organization(call: &mut Call<'_>) -> Answer {
    let caller = admit(call, &["$select"])?;
    if caller.person.is_none() {
        return Err(error(call, 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."));
    }
    let name = call.world.tenants.get(&caller.tid).map(|tenant| tenant.display_name.clone());
    let shown = selected(call, json!({ "id": caller.tid, "displayName": name }), "organizations")?;
    Ok(answer::json(200, &json!({ "@odata.context": format!("{}#organization", metadata(call)), "value": [shown] })))
}

/// The caller, who has to be a person.
fn person(call: &Call<'_>) -> Result<Claims, Box<Response>> {
    let caller = admit(call, &["$select"])?;
    match caller.person {
        Some(_) => Ok(caller),
        None => Err(error(call, 400, "BadRequest", "/me request is only valid with delegated authentication flow.")),
    }
}

/// The properties that `$select` asks for, or all.
fn selected(call: &Call<'_>, all: Value, kind: &str) -> Result<Map<String, Value>, Box<Response>> {
    let Value::Object(mut all) = all else { return Ok(Map::new()) };
    if let Some(select) = call.target.query("$select") {
        let wanted: Vec<&str> = select.split(',').map(str::trim).collect();
        if let Some(unknown) = wanted.iter().find(|name| !all.contains_key(**name)) {
            return Err(answer::not_modelled(&format!("the property {unknown} of {kind}")));
        }
        all.retain(|name, _| wanted.contains(&name.as_str()));
    }
    Ok(all)
}
