//! The world that histories play in: two tenants that are served, one that is not, and what is true of each scope.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ispm_onboarder::permissions::{simulated, simulated_aws};
use ispm_onboarder_simulator::world::aws::SecretValue;
use ispm_onboarder_simulator::world::{Scope, Status, Subscription};
use ispm_onboarder_simulator::{DemoCast, World};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::{Uuid, uuid};

use crate::history::{Act, Ask, Host, Place, Policy, Weather};

/// When every history begins. It lies far ahead of any machine's clock, by which `azure_core` judges the age of tokens: so none looks expired
/// to it, and only the simulated services refuse what is too old by the simulated time.
pub const EPOCH: OffsetDateTime = datetime!(2126-11-25 10:00 UTC);
/// The built-in role Reader (<https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/general#reader>).
pub const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
/// What the description of an assignment begins with that this program made.
pub const MARK: &str = "ispm-onboarder/1";
/// The namespace of ARM's `guid()`.
const ARM_GUID: Uuid = uuid!("11fb06fb-712d-4ddd-98c7-e71bbd588830");
/// `MessageRetentionPeriod` of both queues in infra/aws/template.yaml, which is the longest that SQS has: 14 days.
const RETENTION: u64 = 1_209_600;
/// Longer than any history.
const LONG: u64 = 30 * 24 * 3600;

const LOGIN_SECRET: &str = "contoso-login-secret";
const TOKEN_SECRET: &str = "contoso-ispm-token";

/// A tenant that is served beside Contoso and shares nothing with it.
pub struct Fabrikam;

impl Fabrikam {
    pub const TENANT: &str = "fab00000-8888-4888-8888-000000000000";
    pub const SUBSCRIPTION: &str = "fab00000-8888-4888-8888-000000000001";
    pub const LOGIN: [&str; 2] = ["fab00000-8888-4888-8888-000000000002", "fab00000-8888-4888-8888-000000000003"];
    pub const ISPM: [&str; 2] = ["fab00000-8888-4888-8888-000000000004", "fab00000-8888-4888-8888-000000000005"];
    pub const HOST: &str = "fabrikam.spera-app.com";
}

/// A tenant that nobody wants served.
pub struct Unserved;

impl Unserved {
    pub const TENANT: &str = "bad00000-8888-4888-8888-000000000000";
    pub const SUBSCRIPTION: &str = "bad00000-8888-4888-8888-000000000001";
}

/// Who plays which part, and the scopes by their place.
pub struct Estate {
    pub cast: DemoCast,
}

/// What must never leave the deployment but to where it belongs.
pub fn secrets() -> Vec<String> {
    ["login~secret", "ispm~token", "secret~access~key", "fabrikam~", "identity-header", "rotated~"].map(str::to_owned).to_vec()
}

thread_local! {
    /// Worlds are cloned from these: building one takes as long as a short history.
    static WORLDS: RefCell<BTreeMap<(Host, Policy), World>> = const { RefCell::new(BTreeMap::new()) };
}

impl Estate {
    pub fn new() -> Self {
        Self { cast: DemoCast::of(7) }
    }

    /// The world before anything happens.
    pub fn world(&self, host: Host, policy: Policy, weather: &Weather) -> World {
        let mut world = WORLDS.with_borrow_mut(|worlds| worlds.entry((host, policy)).or_insert_with(|| self.built(host, policy)).clone());
        let settings = &mut world.settings;
        settings.latency_milliseconds = weather.latency;
        settings.replication_lag_seconds = weather.replication;
        settings.role_list_lag_seconds = weather.list_lag;
        settings.propagation_seconds = weather.propagation;
        settings.connection_test_seconds = weather.connection_test;
        settings.graph_lag_seconds = weather.graph_lag;
        settings.page_size = weather.page_size;
        settings.throttle = weather.throttles;
        settings.token_lifetime_seconds = if weather.token_lifetime == 0 { LONG } else { weather.token_lifetime };
        world
    }

    fn built(&self, host: Host, policy: Policy) -> World {
        let (mut world, cast) = (World::demo(7), &self.cast);
        self.store(&mut world, host, &format!("ispm-onboarder-{}", cast.tenant), &self.record(policy).to_string());
        world.add_app(Fabrikam::TENANT, Fabrikam::LOGIN[0], Fabrikam::LOGIN[1], Some("fabrikam~login"));
        world.add_app(Fabrikam::TENANT, Fabrikam::ISPM[0], Fabrikam::ISPM[1], None);
        world.tenant_mut(Fabrikam::TENANT).add_subscription(Fabrikam::SUBSCRIPTION, "theirs", Fabrikam::TENANT);
        world.add_entra_source(Fabrikam::HOST, "fabrikam~token", "Entra ID", Fabrikam::TENANT, Fabrikam::ISPM[0]);
        self.store(&mut world, host, "fabrikam-login", "fabrikam~login");
        self.store(&mut world, host, "fabrikam-ispm", "fabrikam~token");
        self.store(&mut world, host, &format!("ispm-onboarder-{}", Fabrikam::TENANT), &fabrikams_record().to_string());
        world.tenant_mut(Unserved::TENANT).add_subscription(Unserved::SUBSCRIPTION, "nobody's", Unserved::TENANT);
        let records = [self.record(policy), fabrikams_record()];
        simulated::grant_some(&mut world, cast, &records, None);
        if host == Host::Lambda {
            simulated_aws::grant(&mut world, cast);
            let queues = &mut world.aws_mut(&cast.aws.account, &cast.aws.region).queues;
            for queue in queues.values_mut() {
                queue.message_retention_seconds = RETENTION;
            }
        }
        world
    }

    /// Contoso's record.
    fn record(&self, policy: Policy) -> Value {
        let cast = &self.cast;
        let mut record = json!({
            "schemaVersion": 1,
            "tenantId": cast.tenant,
            "app": { "clientId": cast.ispm_client_id },
            "login": { "method": "client-secret", "clientId": cast.login_client_id, "secretName": LOGIN_SECRET },
            "ispm": {
                "url": format!("https://{}", cast.ispm_host), "tokenSecretName": TOKEN_SECRET, "entraSource": cast.entra_source,
                "connect": { "mode": "default" },
            },
            "policy": { "assign": "always", "acceptInherited": true, "exclude": [{ "state": "Disabled" }], "offboard": "excluded-or-gone" },
        });
        match policy {
            Policy::Usual => {}
            Policy::LeavesOutGroup => record["policy"]["exclude"] = json!([{ "state": "Disabled" }, { "managementGroup": "sandbox" }]),
            Policy::Direct => record["policy"]["acceptInherited"] = json!(false),
            Policy::ReadOnly => record["policy"]["assign"] = json!("never"),
            Policy::Console => record["ispm"]["connect"] = json!({ "mode": "console" }),
        }
        record
    }

    fn store(&self, world: &mut World, host: Host, name: &str, value: &str) {
        match host {
            Host::Functions => drop(world.set_secret(&self.cast.vault, name, value).version.clone()),
            Host::Lambda => drop(world.aws_mut(&self.cast.aws.account, &self.cast.aws.region).set_secret(name, value).id.clone()),
        }
    }

    fn stored(&self, world: &World, host: Host, name: &str) -> Option<String> {
        match host {
            Host::Functions => world.vaults[&self.cast.vault].secret(name, None).map(|version| version.value.reveal().to_owned()),
            Host::Lambda => match &world.aws[&self.cast.aws.account].secrets.get(name)?.versions.last()?.value {
                SecretValue::Text(text) => Some(text.reveal().to_owned()),
                SecretValue::Binary(_) => None,
            },
        }
    }

    /// The tenant that an event names for a place.
    pub fn named_tenant(&self, place: Place) -> &str {
        match place {
            Place::Theirs => Fabrikam::TENANT,
            Place::Unserved => Unserved::TENANT,
            _ => &self.cast.tenant,
        }
    }

    /// The scope at a place.
    pub fn scope(&self, place: Place) -> Scope {
        let cast = &self.cast;
        Scope::Subscription(match place {
            Place::New => cast.new.clone(),
            Place::More => cast.more[0].clone(),
            Place::ByHand => cast.by_hand.clone(),
            Place::Inherited => cast.inherited.clone(),
            Place::Disabled => cast.disabled.clone(),
            Place::AtLimit => cast.at_limit.clone(),
            Place::Late => cast.late.clone(),
            Place::Group => return Scope::ManagementGroup(cast.management_group.clone()),
            Place::Theirs | Place::Foreign => Fabrikam::SUBSCRIPTION.to_owned(),
            Place::Unserved => Unserved::SUBSCRIPTION.to_owned(),
        })
    }

    /// What an event asks for.
    pub fn asked(&self, ask: Ask) -> Value {
        json!({ "tenantId": self.named_tenant(ask.place), "scope": self.scope(ask.place).to_string() })
    }

    /// The ISPM app's object id in a tenant that is served.
    pub fn ispm_principal(&self, tenant: &str) -> Option<&str> {
        match tenant {
            Fabrikam::TENANT => Some(Fabrikam::ISPM[1]),
            tenant => (tenant == self.cast.tenant).then_some(&*self.cast.ispm_principal_id),
        }
    }

    /// The tenant whose ISPM a host is.
    pub fn tenant_of_console(&self, host: &str) -> Option<&str> {
        match host {
            Fabrikam::HOST => Some(Fabrikam::TENANT),
            host => (host == self.cast.ispm_host).then_some(&*self.cast.tenant),
        }
    }

    /// Does what somebody else does.
    pub fn act(&self, world: &mut World, host: Host, act: Act, now: OffsetDateTime) {
        match act {
            Act::Assigns(place) => {
                let (scope, tenant) = (self.scope(place), self.named_tenant(place).to_owned());
                let Some(principal) = self.ispm_principal(&tenant).map(str::to_owned) else { return };
                let there =
                    world.tenant_mut(&tenant).role_assignments.at(&scope).any(|(_, found)| found.grants(&scope, READER, &principal));
                if !there {
                    let made = world.tenant_mut(&tenant).assign_reader(&scope, &principal);
                    (made.created_on, made.updated_on) = (now, now);
                }
            }
            Act::Removes(place) => {
                let (scope, tenant) = (self.scope(place), self.named_tenant(place).to_owned());
                let Some(principal) = self.ispm_principal(&tenant).map(str::to_owned) else { return };
                let assignments = &mut world.tenant_mut(&tenant).role_assignments;
                let names: Vec<String> =
                    assignments.at(&scope).filter(|(_, found)| found.is_of(&principal)).map(|(name, _)| name.to_owned()).collect();
                for name in names {
                    assignments.remove(&name);
                }
            }
            // Fabrikam has no groups.
            Act::Moves(Place::Theirs) => {}
            Act::Moves(place) => self.change_subscription(world, place, |found| "platform".clone_into(&mut found.parent)),
            Act::Cancels(place) => self.change_subscription(world, place, |found| "Disabled".clone_into(&mut found.state)),
            Act::Revives(place) => self.change_subscription(world, place, |found| "Enabled".clone_into(&mut found.state)),
            Act::RotatesLogin => {
                self.rotate_login(world, &format!("rotated~{}", now.unix_timestamp()));
                self.store_logins_secret(world, host);
            }
            Act::RotatesLoginFirst { .. } => self.rotate_login(world, &format!("rotated~{}", now.unix_timestamp())),
            Act::StoresLogin => self.store_logins_secret(world, host),
            Act::RotatesToken => {
                let token = format!("rotated~token~{}", now.unix_timestamp());
                if let Some(console) = world.ispm.get_mut(&self.cast.ispm_host) {
                    console.tokens.iter_mut().for_each(|known| known.value = token.as_str().into());
                }
                self.store(world, host, TOKEN_SECRET, &token);
            }
            Act::RemovesConnection => {
                world.ispm.get_mut(&self.cast.ispm_host).into_iter().for_each(|console| console.connections.clear());
            }
        }
    }

    fn change_subscription(&self, world: &mut World, place: Place, change: impl FnMut(&mut Subscription)) {
        let Scope::Subscription(id) = self.scope(place) else { return };
        world.tenant_mut(self.named_tenant(place)).subscriptions.get_mut(&id).into_iter().for_each(change);
    }

    fn rotate_login(&self, world: &mut World, secret: &str) {
        world.applications.entry(self.cast.login_client_id.clone()).or_default().rotate_secret(secret);
    }

    /// Brings the secret with which the login signs in into the store.
    pub fn store_logins_secret(&self, world: &mut World, host: Host) {
        let app = world.applications.get(&self.cast.login_client_id);
        let Some(secret) = app.and_then(|app| app.secrets.last()).map(|secret| secret.value.reveal().to_owned()) else { return };
        if self.stored(world, host, LOGIN_SECRET).as_deref() != Some(&*secret) {
            self.store(world, host, LOGIN_SECRET, &secret);
        }
    }

    /// Makes the clouds quick and the credentials good.
    pub fn mend(&self, world: &mut World, host: Host) {
        let settings = &mut world.settings;
        (settings.latency_milliseconds, settings.throttle) = (0, false);
        (settings.graph_lag_seconds, settings.role_list_lag_seconds) = (0, 0);
        (settings.propagation_seconds, settings.connection_test_seconds) = (0, 0);
        (settings.token_lifetime_seconds, settings.page_size) = (LONG, 0);
        self.store_logins_secret(world, host);
    }

    /// The scopes that shall be onboarded when all is well: subscriptions that are there, active and not left out, by the record's own rules.
    pub fn eligible(&self, world: &World, policy: Policy) -> Vec<(String, Scope)> {
        let mut eligible = vec![(Fabrikam::TENANT.to_owned(), Scope::Subscription(Fabrikam::SUBSCRIPTION.to_owned()))];
        let Some(tenant) = world.tenants.get(&self.cast.tenant) else { return eligible };
        for (id, subscription) in &tenant.subscriptions {
            let scope = Scope::Subscription(id.clone());
            let left_out = policy == Policy::LeavesOutGroup
                && tenant.lineage(&scope).scopes().any(|above| above.is(&Scope::ManagementGroup("sandbox".to_owned())));
            if subscription.state != "Disabled" && !left_out && *id != self.cast.at_limit && policy != Policy::ReadOnly {
                eligible.push((self.cast.tenant.clone(), scope));
            }
        }
        eligible.retain(|(tenant, scope)| {
            let Scope::Subscription(id) = scope else { return true };
            world.tenants.get(tenant).and_then(|tenant| tenant.subscriptions.get(id)).is_some_and(|found| found.state != "Disabled")
        });
        eligible
    }

    /// Whether the ISPM app has Reader at a scope without a condition, or, where that counts, above it.
    pub fn has_reader(&self, world: &World, tenant_id: &str, scope: &Scope, policy: Policy) -> bool {
        let (Some(tenant), Some(principal)) = (world.tenants.get(tenant_id), self.ispm_principal(tenant_id)) else { return false };
        let direct_only = policy == Policy::Direct && tenant_id == self.cast.tenant;
        tenant.role_assignments.values().any(|found| {
            let here = found.scope.is(scope) || (!direct_only && tenant.covers(&found.scope, scope));
            here && found.condition.is_none() && found.role == READER && found.is_of(principal)
        })
    }

    /// Whether ISPM has a connection for a tenant that works, or a person is to make it.
    pub fn is_connected(&self, world: &World, tenant: &str, policy: Policy) -> bool {
        let host = if tenant == Fabrikam::TENANT { Fabrikam::HOST } else { &self.cast.ispm_host };
        let console = policy == Policy::Console && tenant == self.cast.tenant;
        console || world.ispm.get(host).is_some_and(|console| console.connections.values().any(|one| one.status == Status::Connected))
    }
}

fn fabrikams_record() -> Value {
    json!({
        "schemaVersion": 1,
        "tenantId": Fabrikam::TENANT,
        "app": { "clientId": Fabrikam::ISPM[0], "principalId": Fabrikam::ISPM[1] },
        "login": { "method": "client-secret", "clientId": Fabrikam::LOGIN[0], "secretName": "fabrikam-login" },
        "ispm": {
            "url": format!("https://{}", Fabrikam::HOST), "tokenSecretName": "fabrikam-ispm", "entraSource": "Entra ID",
            "connect": { "mode": "default" },
        },
        "policy": { "assign": "always", "acceptInherited": true, "exclude": [], "offboard": "never" },
    })
}

/// The name that an assignment of this program has: ARM's `guid()` of the scope's id, the principal and the role, all in lower case.
pub fn expected_name(scope: &str, principal: &str) -> String {
    Uuid::new_v5(&ARM_GUID, format!("{}-{principal}-{READER}", scope.to_ascii_lowercase()).as_bytes()).to_string()
}
