//! Subscriptions (specification Microsoft.Resources, subscriptions, 2022-12-01).

use serde_json::{Value, json};

use super::super::{Answer, Call, answer};
use super::api_version::check_api_version;
use super::paging::{Window, page_of};
use super::rights::Asker;
use super::{access, check_parameters, errors};
use crate::token::Claims;
use crate::world::{Scope, Subscription};

const API_VERSIONS: [&str; 1] = ["2022-12-01"];
/// What reading a subscription takes.
pub(super) const READ: &str = "Microsoft.Resources/subscriptions/read";

pub(super) fn get(call: &mut Call<'_>, caller: &Claims, scope: &Scope) -> Answer {
    check_api_version(call, &API_VERSIONS)?;
    check_parameters(call, &["api-version"])?;
    access::authorize(call, caller, READ, scope)?;
    let Scope::Subscription(id) = scope else {
        return Err(answer::not_modelled(&scope.to_string()));
    };
    let tenant = call.world.tenants.get(&caller.tid);
    let subscription = tenant.and_then(|tenant| tenant.subscriptions.get(id));
    let subscription = subscription.ok_or_else(|| errors::subscription_not_found(id))?;
    Ok(answer::json(200, &shown(&caller.tid, id, subscription)))
}

/// The caller's subscriptions: those that it may read. In Azure it may be enough to have any role there.
pub(super) fn list(call: &mut Call<'_>, caller: &Claims, _scope: &Scope) -> Answer {
    check_api_version(call, &API_VERSIONS)?;
    check_parameters(call, &["api-version", "$skiptoken"])?;
    let window = Window::of(call, caller, None)?;
    let mut items = Vec::new();
    if let Some(asker) = Asker::of(call, caller) {
        let subscriptions = window.over(&asker.tenant.subscriptions);
        let mut reach = asker.reach(READ);
        let visible = subscriptions.filter(|(id, own)| access::is_visible(call, own) && reach.has_subscription(id, own));
        items.extend(visible.take(window.most));
    }
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
