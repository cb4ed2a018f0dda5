//! The world before anything happens.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use ispm_onboarder::Onboarder;
use ispm_onboarder::clock::Clock;
use ispm_onboarder::config::Config;
use ispm_onboarder::hosts::functions::router;
use ispm_onboarder::hosts::http::Readiness;
use ispm_onboarder_simulator::platform::FunctionsHost;
use ispm_onboarder_simulator::{Clock as SimulatorClock, DemoCast, Fault, Simulator, World};
use serde_json::Value;

use super::worker::{InMemory, SimulatedIdentity, Worked};
use super::{EPOCH, Scenario};

/// `visibilityTimeout` in host.json.
const VISIBILITY_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(1);

/// A world that is being put together.
pub struct Given {
    cast: DemoCast,
    world: World,
    settings: BTreeMap<&'static str, String>,
    faults: Vec<Fault>,
}

/// The tenant record's name in the vault.
pub fn record_name(cast: &DemoCast) -> String {
    format!("ispm-onboarder-{}", cast.tenant)
}

/// The tenant record in the vault.
pub fn record_in(world: &World, cast: &DemoCast) -> Value {
    let secret = world.vaults[&cast.vault].secret(&record_name(cast), None).expect("the world has a tenant record");
    serde_json::from_str(secret.value.reveal()).expect("the world's tenant record is JSON")
}

impl Given {
    /// The demo's estate: one tenant, one subscription for each story.
    pub fn demo() -> Self {
        let cast = DemoCast::of(7);
        let settings = BTreeMap::from([
            ("ONBOARDER_SECRET_STORE", format!("https://{}.vault.azure.net", cast.vault)),
            ("ONBOARDER_RESULTS", format!("https://{}/api/events", cast.topic)),
            ("ONBOARDER_QUEUE", format!("https://{}.queue.core.windows.net/{}", cast.storage_account, cast.queue)),
        ]);
        let mut world = World::demo(7);
        // `azure_core` renews a token in time by the machine's clock, which stands still here: let tokens last, but where their end is told.
        world.settings.token_lifetime_seconds = 7 * 24 * 3600;
        Self { world, cast, settings, faults: Vec::new() }
    }

    /// With another tenant record.
    pub fn record(self, change: impl FnOnce(&mut Value)) -> Self {
        let mut record = record_in(&self.world, &self.cast);
        change(&mut record);
        self.world(|world, cast| {
            world.set_secret(&cast.vault, &record_name(cast), &record.to_string());
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

    /// With something that goes wrong.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Starts the deployment. To be called inside the scenario's runtime, whose clock it takes.
    pub fn start(self) -> Scenario {
        let config = Config::read(|name| self.settings.get(name).cloned()).expect("a scenario's settings are valid");
        let simulator = Simulator::new(self.world, SimulatorClock::starting_at(EPOCH));
        simulator.state().faults = self.faults;
        let platform = Arc::new(SimulatedIdentity(simulator.clone()));
        let onboarder = Onboarder::new(config, platform, simulator.transport(), Clock::starting_at(EPOCH));
        let router = router(Readiness::ready(Arc::new(onboarder)));
        let worked = Worked::default();
        let worker = Arc::new(InMemory { router: router.clone(), worked: worked.clone() });
        let host = FunctionsHost::new(simulator.clone(), worker).with_visibility_timeout(VISIBILITY_TIMEOUT);
        let nothing = || Cell::new(0);
        Scenario {
            cast: self.cast,
            simulator,
            host,
            router,
            worked,
            calls_read: nothing(),
            results_read: nothing(),
            waiting: nothing(),
            given_up: nothing(),
        }
    }
}
