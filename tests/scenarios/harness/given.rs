//! The world before anything happens.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use ispm_onboarder::aws::Aws;
use ispm_onboarder::callers::WebhookKeys;
use ispm_onboarder::clock::Clock;
use ispm_onboarder::config::Config;
use ispm_onboarder::hosts::Deployment;
use ispm_onboarder::hosts::functions::router;
use ispm_onboarder::hosts::http::Readiness;
use ispm_onboarder::hosts::lambda::LambdaFunction;
use ispm_onboarder::identity::AwsRole;
use ispm_onboarder::permissions::simulated::{self, Without};
use ispm_onboarder::permissions::simulated_aws;
use ispm_onboarder::secrets::SecretStore;
use ispm_onboarder_simulator::platform::FunctionsHost;
use ispm_onboarder_simulator::world::QueueMessage;
use ispm_onboarder_simulator::world::aws::{Message, SecretValue};
use ispm_onboarder_simulator::{Clock as SimulatorClock, DemoCast, Fault, Simulator, World};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::canary::{CANARY, keep_log};
use super::host::{self, Host, Platform};
use super::worker::{InMemory, SimulatedIdentity, Worked};
use super::{EPOCH, Scenario};
use crate::HOST;

/// `visibilityTimeout` in host.json.
const VISIBILITY_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(1);

/// A world that is being put together.
pub struct Given {
    cast: DemoCast,
    world: World,
    settings: BTreeMap<&'static str, String>,
    faults: Vec<Fault>,
    people_offboard: bool,
    without: Option<Without>,
    without_on_aws: Option<String>,
}

/// The tenant record's name in the vault.
pub fn record_name(cast: &DemoCast) -> String {
    format!("ispm-onboarder-{}", cast.tenant)
}

/// The tenant record in the vault.
pub fn record_in(world: &World, cast: &DemoCast) -> Value {
    serde_json::from_str(&stored_secret(world, cast, &record_name(cast))).expect("the world's tenant record is JSON")
}

impl Given {
    /// The demo's estate: one tenant, one subscription for each story.
    pub fn demo() -> Self {
        Self::of(World::demo(7))
    }

    /// The same deployment before a large estate, whose cast is `EstateCast::of` the same numbers.
    pub fn estate(subscriptions: usize, groups: usize, covered_percent: usize) -> Self {
        Self::of(World::estate(subscriptions, groups, covered_percent))
    }

    /// The demo's estate in Azure US Government.
    pub fn government() -> Self {
        let (mut world, mut cast) = (World::demo(7), DemoCast::of(7));
        world.move_to_us_government(&mut cast);
        Self::played_by(world, cast).setting("ONBOARDER_CLOUD", "usgovernment")
    }

    fn of(world: World) -> Self {
        Self::played_by(world, DemoCast::of(7))
    }

    fn played_by(mut world: World, cast: DemoCast) -> Self {
        let cloud = world.settings.cloud;
        let (secrets, results, queue, report) = match HOST {
            Host::Functions => (
                format!("https://{}.{}", cast.vault, cloud.key_vault()),
                format!("https://{}/api/events", cast.topic),
                format!("https://{}.queue.{}/{}", cast.storage_account, cloud.storage(), cast.queue),
                format!("https://{}.blob.{}/report", cast.storage_account, cloud.storage()),
            ),
            Host::Lambda => {
                let (bus, queue) = (format!("eventbridge:{}", cast.aws.bus), cast.aws.queue_url.clone());
                ("aws-secretsmanager:".to_owned(), bus, queue, format!("s3://{}/reports", cast.aws.bucket))
            }
        };
        let settings = BTreeMap::from([
            ("ONBOARDER_SECRET_STORE", secrets),
            ("ONBOARDER_RESULTS", results),
            ("ONBOARDER_QUEUE", queue),
            ("ONBOARDER_REPORT", report),
        ]);
        // `azure_core` renews a token in time by the machine's clock, which stands still here: let tokens last, but where their end is told.
        world.settings.token_lifetime_seconds = 7 * 24 * 3600;
        world.settings.canary = Some(CANARY.to_owned());
        Self { world, cast, settings, faults: Vec::new(), people_offboard: false, without: None, without_on_aws: None }
    }

    /// With another tenant record.
    pub fn record(self, change: impl FnOnce(&mut Value)) -> Self {
        let mut record = record_in(&self.world, &self.cast);
        change(&mut record);
        self.world(|world, cast| {
            store_secret(world, cast, &record_name(cast), &record.to_string());
        })
    }

    /// With something else in the world.
    pub fn world(mut self, change: impl FnOnce(&mut World, &DemoCast)) -> Self {
        change(&mut self.world, &self.cast);
        self
    }

    /// With an app setting.
    pub fn setting(mut self, name: &'static str, value: &str) -> Self {
        self.settings.insert(name, value.to_owned());
        self
    }

    /// With the right to remove for the tenant's login, whatever its record says: its people offboard.
    pub fn people_offboard(mut self) -> Self {
        self.people_offboard = true;
        self
    }

    /// Without one permission of the list.
    pub fn without(mut self, without: Without) -> Self {
        self.without = Some(without);
        self
    }

    /// Without one action of the list on AWS.
    pub fn without_on_aws(mut self, action: &str) -> Self {
        self.without_on_aws = Some(action.to_owned());
        self
    }

    /// Gives the deployment exactly what the list of permissions says, by the records of its store.
    fn grant(&mut self) {
        let mut records = records(&self.world, &self.cast);
        if self.people_offboard {
            for record in &mut records {
                record["policy"]["offboard"] = json!("excluded-or-gone");
            }
        }
        simulated::grant_some(&mut self.world, &self.cast, &records, self.without.as_ref());
        let prefix = self.settings["ONBOARDER_SECRET_STORE"].strip_prefix("aws-secretsmanager:").unwrap_or_default();
        grant_on_aws(&mut self.world, &self.cast, prefix, self.without_on_aws.as_deref());
    }

    /// With something that goes wrong.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Starts the deployment. To be called inside the scenario's runtime, whose clock it takes.
    pub fn start(mut self) -> Scenario {
        self.grant();
        let config = Config::read(|name| self.settings.get(name).cloned()).expect("a scenario's settings are valid");
        let simulator = Simulator::new(self.world, SimulatorClock::starting_at(EPOCH));
        simulator.state().faults = self.faults;
        keep_log();
        let worked = Worked::default();
        let (host, face) = match HOST {
            Host::Functions => on_functions(config.clone(), &simulator, &worked),
            Host::Lambda => on_lambda(config.clone(), &simulator, &worked, &self.cast),
        };
        let nothing = || Cell::new(0);
        Scenario {
            cast: self.cast,
            config,
            simulator,
            host,
            worked,
            face,
            calls_read: nothing(),
            results_read: nothing(),
            waiting: nothing(),
            given_up: nothing(),
        }
    }
}

fn on_functions(config: Config, simulator: &Simulator, worked: &Worked) -> (Platform, String) {
    let platform = Arc::new(SimulatedIdentity(simulator.clone()));
    let deployment = Deployment::new(config, platform, simulator.transport(), Clock::starting_at(EPOCH));
    let face = format!("{deployment:?}");
    let router = router(Readiness::ready(deployment));
    let worker = Arc::new(InMemory { router: router.clone(), worked: worked.clone() });
    let host = FunctionsHost::new(simulator.clone(), worker).with_visibility_timeout(VISIBILITY_TIMEOUT);
    (Platform::Functions { host, router }, face)
}

/// Who the deployment is on its platform.
pub fn platform(simulator: &Simulator, cast: &DemoCast) -> Arc<dyn ispm_onboarder::identity::Platform> {
    match HOST {
        Host::Functions => Arc::new(SimulatedIdentity(simulator.clone())),
        Host::Lambda => aws_role(simulator, cast),
    }
}

/// The function's role in the demo's AWS account.
pub fn aws_role(simulator: &Simulator, cast: &DemoCast) -> Arc<dyn ispm_onboarder::identity::Platform> {
    aws_platform(simulator, cast, &cast.aws.access_key_id, cast.aws.secret_access_key.reveal())
}

/// The role of whoever replays dead letters there.
pub fn aws_replayer(simulator: &Simulator, cast: &DemoCast) -> Arc<dyn ispm_onboarder::identity::Platform> {
    aws_platform(simulator, cast, &cast.aws.replayer_access_key_id, cast.aws.replayer_secret_access_key.reveal())
}

fn aws_platform(simulator: &Simulator, cast: &DemoCast, id: &str, secret: &str) -> Arc<dyn ispm_onboarder::identity::Platform> {
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(cast.aws.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::from_keys(id, secret, None)))
        .build();
    Arc::new(AwsRole(Aws::new(sdk, simulator.transport(), Clock::starting_at(simulator.now()))))
}

fn on_lambda(config: Config, simulator: &Simulator, worked: &Worked, cast: &DemoCast) -> (Platform, String) {
    let (transport, clock) = (simulator.transport(), Clock::starting_at(EPOCH));
    let platform = aws_role(simulator, cast);
    let keys = WebhookKeys::new(SecretStore::open(&config.secret_store, &platform, &transport), clock);
    let function = LambdaFunction::new(Deployment::new(config, platform, transport, clock), keys);
    let face = format!("{function:?}");
    (host::lambda(simulator, function, worked, &cast.aws.queue_url), face)
}

/// Gives the deployment what the list of permissions says, by the records of its store as they are now.
pub fn grant(world: &mut World, cast: &DemoCast) {
    let records = records(world, cast);
    simulated::grant_some(world, cast, &records, None);
    grant_on_aws(world, cast, "", None);
}

/// Gives the roles on AWS what the list says, beside what a scenario lets them do.
fn grant_on_aws(world: &mut World, cast: &DemoCast, prefix: &str, without: Option<&str>) {
    let before = std::mem::take(&mut world.aws_mut(&cast.aws.account, &cast.aws.region).policies);
    simulated_aws::grant_some(world, cast, prefix, without);
    let policies = &mut world.aws_mut(&cast.aws.account, &cast.aws.region).policies;
    for (role, policy) in before {
        let granted = &mut policies.entry(role).or_default().statement;
        let beside: Vec<_> = policy.statement.into_iter().filter(|statement| !granted.contains(statement)).collect();
        granted.extend(beside);
    }
}

/// The tenant records of the deployment's store, as they are when the deployment is given its rights.
fn records(world: &World, cast: &DemoCast) -> Vec<Value> {
    match HOST {
        Host::Functions => simulated::records(world, cast),
        Host::Lambda => simulated::records_among(world.aws[&cast.aws.account].secrets.iter().filter_map(|(name, secret)| {
            match &secret.versions.last()?.value {
                SecretValue::Text(text) => Some((name.as_str(), text.reveal())),
                SecretValue::Binary(_) => None,
            }
        })),
    }
}

/// The newest value of a secret of the deployment's store.
pub fn stored_secret(world: &World, cast: &DemoCast, name: &str) -> String {
    match HOST {
        Host::Functions => world.vaults[&cast.vault].secret(name, None).expect("the vault has it").value.reveal().to_owned(),
        Host::Lambda => match &world.aws[&cast.aws.account].secrets[name].versions.last().expect("a secret has a version").value {
            SecretValue::Text(text) => text.reveal().to_owned(),
            SecretValue::Binary(_) => panic!("{name} is binary"),
        },
    }
}

/// Adds a version to a secret of the deployment's store, the newest from now on.
pub fn store_secret(world: &mut World, cast: &DemoCast, name: &str, value: &str) {
    match HOST {
        Host::Functions => drop(world.set_secret(&cast.vault, name, value).version.clone()),
        Host::Lambda => drop(world.aws_mut(&cast.aws.account, &cast.aws.region).set_secret(name, value).id.clone()),
    }
}

/// Puts text into the deployment's queue, visible at once.
pub fn enqueue(world: &mut World, cast: &DemoCast, text: String, now: OffsetDateTime) {
    let (id, receipt) = (world.new_id().to_string(), world.new_id().to_string());
    match HOST {
        Host::Functions => {
            let message =
                QueueMessage { id, text, inserted_on: now, expires_on: None, visible_from: now, dequeue_count: 0, pop_receipt: receipt };
            let account = world.storage_accounts.get_mut(&cast.storage_account).expect("the demo has a storage account");
            account.queues.get_mut(&cast.queue).expect("the demo has a queue").push(message);
        }
        Host::Lambda => {
            let message = Message {
                id,
                body: text,
                sent_on: now,
                visible_from: now,
                first_received_on: None,
                receive_count: 0,
                receipt_handle: receipt,
            };
            let account = world.aws_mut(&cast.aws.account, &cast.aws.region);
            account.queues.get_mut(&cast.aws.queue).expect("the demo has a queue on AWS").messages.push(message);
        }
    }
}
