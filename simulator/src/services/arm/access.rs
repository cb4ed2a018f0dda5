//! Who may do what: the caller's token, the subscription's tenant, whether the subscription is visible yet, the rights that follow from role
//! assignments, and the principal's denied actions.

use super::super::Call;
use super::condition::Asked;
use super::errors;
use super::rights::Asker;
use crate::Response;
use crate::token::Claims;
use crate::world::{Concealment, Scope, Subscription, guid};

/// The claims of the caller's token.
pub(super) fn authenticate(call: &Call<'_>) -> Result<Claims, Box<Response>> {
    let claims = call.verify(&call.cloud().arm_audiences()).map_err(|refusal| errors::unauthenticated(call.cloud(), &refusal))?;
    match call.world.tenants.contains_key(&claims.tid) {
        true => Ok(claims),
        false => Err(errors::unauthenticated(call.cloud(), &crate::token::Refusal::Tenant(claims.tid))),
    }
}

/// Whether the caller may perform this action at this scope.
pub(super) fn authorize(call: &Call<'_>, caller: &Claims, action: &str, scope: &Scope) -> Result<(), Box<Response>> {
    authorize_for(call, caller, &Asked::of(action), scope)
}

/// As [`authorize`], for what conditions judge too.
pub(super) fn authorize_for(call: &Call<'_>, caller: &Claims, asked: &Asked<'_>, scope: &Scope) -> Result<(), Box<Response>> {
    let refused = || errors::authorization_failed(caller, asked.action, scope);
    let asker = Asker::of(call, caller).ok_or_else(refused)?;
    match scope {
        Scope::Tenant => {}
        Scope::ManagementGroup(name) => {
            asker.tenant.group(name).ok_or_else(refused)?;
        }
        Scope::Subscription(id) => {
            let subscription = owned_subscription(call, caller, id)?;
            if !is_visible(call, subscription) {
                return Err(match subscription.until_visible {
                    Concealment::AuthorizationFailed => refused(),
                    Concealment::SubscriptionNotFound => errors::subscription_not_found(id),
                });
            }
        }
    }
    match asker.may(asked, scope) {
        true => Ok(()),
        false => Err(refused()),
    }
}

/// Whether Resource Manager knows a subscription by now.
pub(super) fn is_visible(call: &Call<'_>, subscription: &Subscription) -> bool {
    subscription.visible_from.is_none_or(|moment| moment.has_come(call.start, call.now))
}

/// A subscription of the caller's own tenant.
fn owned_subscription<'a>(call: &'a Call<'_>, caller: &Claims, id: &str) -> Result<&'a Subscription, Box<Response>> {
    if guid(id).is_none() {
        return Err(errors::malformed_subscription(id));
    }
    let mut tenants = call.world.tenants.iter();
    let found = tenants.find_map(|(tenant_id, tenant)| Some((tenant_id, tenant.subscriptions.get(id)?)));
    match found {
        None => Err(errors::subscription_not_found(id)),
        Some((owner, _)) if *owner != caller.tid => Err(errors::wrong_tenant(call.cloud(), caller, owner)),
        Some((_, subscription)) => Ok(subscription),
    }
}
