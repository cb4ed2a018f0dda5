//! Many tenants in one deployment: each with its own credentials, its own ISPM and its own trouble.

mod apart;
mod many;
mod mixed;
mod swept;

use std::collections::BTreeMap;
use std::time::Duration;

use ispm_onboarder_simulator::world::Scope;
use ispm_onboarder_simulator::{DemoCast, Recorded, World};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::{Given, Scenario, requested, store_secret, subscription};

/// A tenant that is served beside Contoso, and shares nothing with it: a login app, an ISPM app and an ISPM console of its own.
#[derive(Clone, Debug)]
pub struct Customer {
    pub tenant: String,
    pub subscription: String,
    pub login_secret_name: String,
    pub ispm_token_name: String,
    pub ispm_host: String,
    login: [String; 2],
    ispm: [String; 2],
    number: u16,
}

impl Customer {
    pub fn number(number: u16) -> Self {
        let id = |kind: u8| format!("{number:08x}-8888-4888-8888-0000000000{kind:02x}");
        Self {
            tenant: id(0),
            subscription: id(1),
            login_secret_name: format!("customer-{number}-login"),
            ispm_token_name: format!("customer-{number}-ispm"),
            ispm_host: format!("customer-{number}.spera-app.com"),
            login: [id(2), id(3)],
            ispm: [id(4), id(5)],
            number,
        }
    }

    /// The object id of what signs in to it.
    pub fn login_principal(&self) -> &str {
        &self.login[1]
    }

    pub fn record(&self) -> Value {
        json!({
            "schemaVersion": 1,
            "tenantId": self.tenant,
            "app": { "clientId": self.ispm[0], "principalId": self.ispm[1] },
            "login": { "method": "client-secret", "clientId": self.login[0], "secretName": self.login_secret_name },
            "ispm": {
                "url": format!("https://{}", self.ispm_host), "tokenSecretName": self.ispm_token_name, "entraSource": "Entra ID",
                "connect": { "mode": "default" },
            },
            "policy": { "assign": "always", "acceptInherited": true, "exclude": [], "offboard": "never" },
        })
    }

    /// What the deployment stores of it.
    pub fn store(&self, world: &mut World, cast: &DemoCast, record: &Value) {
        store_secret(world, cast, &format!("ispm-onboarder-{}", self.tenant), &record.to_string());
    }

    pub fn join(&self, world: &mut World, cast: &DemoCast) {
        let secret = |what: &str| format!("customer~{}~{what}~of~no~value", self.number);
        world.add_app(&self.tenant, &self.login[0], &self.login[1], Some(&secret("login")));
        world.add_app(&self.tenant, &self.ispm[0], &self.ispm[1], None);
        world.tenant_mut(&self.tenant).add_subscription(&self.subscription, "theirs", &self.tenant);
        world.add_entra_source(&self.ispm_host, &secret("token"), "Entra ID", &self.tenant, &self.ispm[0]);
        store_secret(world, cast, &self.login_secret_name, &secret("login"));
        store_secret(world, cast, &self.ispm_token_name, &secret("token"));
        self.store(world, cast, &self.record());
    }

    /// The event that asks for its subscription.
    pub fn event(&self, s: &Scenario, id: &str) -> Value {
        asking(s, id, &self.tenant, &self.subscription)
    }

    pub fn is_onboarded(&self, s: &Scenario) -> bool {
        let mut onboarded = false;
        s.change(|world, _| {
            let scope = Scope::Subscription(self.subscription.clone());
            let assignments = &world.tenant_mut(&self.tenant).role_assignments;
            onboarded = assignments.values().any(|found| found.scope == scope && found.principal_id == self.ispm[1]);
        });
        onboarded
    }

    /// Whether a call is made for it: with its token, at its ISPM, or about its name.
    pub fn is_meant(&self, call: &Recorded) -> bool {
        let names = [&self.tenant, &self.ispm_host, &self.login_secret_name, &self.ispm_token_name];
        call.caller.as_ref().is_some_and(|caller| caller.tenant_id == self.tenant)
            || names.into_iter().any(|name| call.url.contains(name.as_str()))
    }
}

pub fn asking(s: &Scenario, id: &str, tenant: &str, scope: &str) -> Value {
    requested(id, s.now(), &json!({ "tenantId": tenant, "scope": subscription(scope) }))
}

/// Two customers beside Contoso.
pub fn two() -> (Customer, Customer) {
    (Customer::number(1), Customer::number(2))
}

pub fn serving(customers: &[Customer]) -> Given {
    customers.iter().fold(Given::demo(), |given, customer| given.world(|world, cast| customer.join(world, cast)))
}

/// Calls by name, of those that are made for a customer.
pub fn calls_for(customer: &Customer, calls: &[Recorded]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls.iter().filter(|call| customer.is_meant(call)) {
        *counts.entry(call.operation.clone()).or_default() += 1;
    }
    counts
}

/// Delivers an event and answers how long that took.
pub async fn timed(s: &Scenario, event: Value) -> Duration {
    let started = Instant::now();
    s.deliver(event).await;
    started.elapsed()
}
