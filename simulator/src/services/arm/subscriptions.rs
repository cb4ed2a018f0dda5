//! Subscriptions (specification Microsoft.Resources, subscriptions, 2022-12-01).

use serde_json::{Value, json};

use super::super::{Answer, Call, answer};
use super::api_version::check_api_version;
use super::paging::{Window, page_of};
use super::{access, check_parameters, errors};
use crate::token::Claims;
use crate::world::{Scope, Subscription};

const API_VERSIONS: [&str; 1] = ["2022-12-01"];

pub(super) fn get(call: &mut Call<'_>, caller: &Claims, scope: &Scope) -> Answer {
    check_api_version(call, &API_VERSIONS)?;
    check_parameters(call, &["api-version"])?;
    access::authorize(call, caller, "Microsoft.Resources/subscriptions/read", scope)?;
    let Scope::Subscription(id) = scope else {
        return Err(answer::not_modelled(&scope.to_string()));
    };
    let tenant = call.world.tenants.get(&caller.tid);
    let subscription = tenant.and_then(|tenant| tenant.subscriptions.get(id));
    let subscription = subscription.ok_or_else(|| errors::subscription_not_found(id))?;
    Ok(answer::json(200, &shown(&caller.tid, id, subscription)))
}

pub(super) fn list(call: &mut Call<'_>, caller: &Claims, _scope: &Scope) -> Answer {
    check_api_version(call, &API_VERSIONS)?;
    check_parameters(call, &["api-version", "$skiptoken"])?;
    let window = Window::of(call, caller, None)?;
    let subscriptions = call.world.tenants.get(&caller.tid).map(|tenant| window.over(&tenant.subscriptions));
    let visible = subscriptions.into_iter().flatten().filter(|(_, subscription)| access::is_visible(call, subscription));
    let items = visible.take(window.most).collect();
    page_of(call, caller, items, None, |id, subscription| shown(&caller.tid, id, subscription))
}

fn shown(tenant_id: &str, id: &str, subscription: &Subscription) -> Value {
    json!({
        "id": format!("/subscriptions/{id}"),
        "subscriptionId": id,
        "tenantId": tenant_id,
        "displayName": subscription.display_name,
        "state": subscription.state,
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": subscription.quota_id,
            "spendingLimit": "Off",
        },
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
    })
}
