//! How subscriptions leave: deleted, or transferred to another directory. Cancelling one and moving it to another group are changes of its
//! `state` and `parent`.

use super::{Scope, Subscription, Tenant, World};

impl Tenant {
    /// Deletes a subscription, and with it the role assignments at it.
    pub fn remove_subscription(&mut self, id: &str) -> Option<Subscription> {
        let removed = self.subscriptions.remove(id)?;
        let scope = Scope::Subscription(id.to_owned());
        let names: Vec<String> = self.role_assignments.at(&scope).map(|(name, _)| name.to_owned()).collect();
        for name in names {
            self.role_assignments.remove(&name);
        }
        Some(removed)
    }
}

impl World {
    /// Transfers a subscription to another directory, where it comes to lie in the root group. Its role assignments are gone for good
    /// (documentation, "Transfer an Azure subscription to a different Microsoft Entra directory"). Whether it was there.
    pub fn transfer_subscription(&mut self, id: &str, tenant_id: &str) -> bool {
        let Some(mut subscription) = self.tenants.values_mut().find_map(|tenant| tenant.remove_subscription(id)) else {
            return false;
        };
        tenant_id.clone_into(&mut subscription.parent);
        self.tenant_mut(tenant_id).subscriptions.insert(id.to_owned(), subscription);
        true
    }
}
