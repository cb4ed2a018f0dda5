//! Entities: where one management group or subscription hangs in the hierarchy (specification Microsoft.Management, `Entities_List`,
//! 2020-05-01).

use serde_json::{Value, json};

use super::super::{Answer, Call, answer};
use super::api_version::ResourceType;
use super::condition::Asked;
use super::filter::quoted;
use super::management_groups::{self, API_VERSIONS, GROUP_TYPE, display_name, group_id};
use super::paging::{Items, page};
use super::rights::Asker;
use super::{access, check_parameters, subscriptions};
use crate::token::Claims;
use crate::world::{Scope, Tenant};

const RESOURCE_TYPE: ResourceType = ResourceType { namespace: "Microsoft.Management", name: "getEntities", api_versions: &API_VERSIONS };

const ACTION: &str = "Microsoft.Management/getEntities/action";

pub(super) fn list(call: &mut Call<'_>, caller: &Claims, _scope: &Scope) -> Answer {
    RESOURCE_TYPE.check_api_version(call)?;
    check_parameters(call, &["api-version", "$filter", "$skiptoken"])?;
    let filter = call.target.query("$filter").unwrap_or_default();
    let name = filter.trim().strip_prefix("name eq ").and_then(quoted);
    let Some(name) = name else {
        return Err(answer::not_modelled(&format!("getEntities with $filter={filter:?}; it does name eq '...'")));
    };
    let Some(asker) = Asker::of(call, caller) else {
        return page(call, caller, Items::new(), None);
    };
    let tenant = asker.tenant;
    // The service gives an empty list to who may see nothing. No source says which of the two rights it asks for, so both are needed.
    let sees = |read: &str, scope: &Scope| [ACTION, read].into_iter().all(|action| asker.may(&Asked::of(action), scope));
    let mut items = Items::new();
    if let Some((name, group)) = tenant.group(name)
        && sees(management_groups::READ, &Scope::ManagementGroup(name.to_owned()))
    {
        let scope = Scope::ManagementGroup(name.to_owned());
        items.push((name.to_owned(), entity(tenant, &caller.tid, &scope, GROUP_TYPE, name, &group.display_name)));
    }
    let id = name.to_ascii_lowercase();
    let scope = Scope::Subscription(id.clone());
    let visible = tenant.subscriptions.get(&id).filter(|subscription| access::is_visible(call, subscription));
    if let Some(subscription) = visible.filter(|_| sees(subscriptions::READ, &scope)) {
        let shown = entity(tenant, &caller.tid, &scope, "/subscriptions", &id, &subscription.display_name);
        items.push((id, shown));
    }
    page(call, caller, items, None)
}

fn entity(tenant: &Tenant, tenant_id: &str, scope: &Scope, kind: &str, name: &str, shown_name: &str) -> Value {
    // Chains go from the root down to the parent.
    let mut chain = tenant.groups_above(scope);
    let parent = chain.first().map(|parent| json!({"id": group_id(parent)}));
    chain.reverse();
    let display_chain: Vec<&str> = chain.iter().map(|group| display_name(tenant, group)).collect();
    json!({
        "id": scope.to_string(),
        "type": kind,
        "name": name,
        "properties": {
            "tenantId": tenant_id,
            "displayName": shown_name,
            "parent": parent,
            "permissions": "view",
            "inheritedPermissions": "view",
            "parentDisplayNameChain": display_chain,
            "parentNameChain": chain,
        },
    })
}
