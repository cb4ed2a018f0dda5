//! The command in memory: a world, a person in it, and tokio's paused clock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use ispm_onboarder_simulator::world::AssignmentView;
use ispm_onboarder_simulator::{Clock as SimulatorClock, DemoCast, Fault, Simulator, World};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use super::super::admin::Admin;
use super::super::{Elevate, Stop, Stopped, Voice};
use crate::Onboarder;
use crate::azure::USER_ACCESS_ADMINISTRATOR;
use crate::cli::{Output, Tally};
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::config::Config;
use crate::error::Error;
use crate::identity::Platform;
use crate::permissions::simulated;
use crate::scope::Guid;

/// Far ahead of any machine's clock, by which `azure_core` judges the age of tokens.
const EPOCH: OffsetDateTime = datetime!(2126-11-24 10:00 UTC);

/// A simulated world, the deployment in it, and who sits at the command line.
pub(super) struct Stage {
    pub(super) cast: DemoCast,
    pub(super) simulator: Simulator,
    onboarder: Onboarder,
}

/// Whoever is signed in to the Azure CLI when Graph is asked, and when anything else is: a person or an app, by object id.
#[derive(Clone, Debug)]
struct SignedIn(Simulator, [String; 2]);

impl Platform for SignedIn {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl TokenCredential for SignedIn {
    async fn get_token(&self, scopes: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let resource = scopes[0].trim_end_matches("/.default");
        let [at_first, afterwards] = &self.1;
        let who = if resource.contains("graph") { at_first } else { afterwards };
        let token = match self.0.user_token(resource, who) {
            Some(token) => token,
            None => self.0.platform_token(resource, None).unwrap(),
        };
        Ok(AccessToken::new(token.token, token.expires_on))
    }
}

/// The function's identity, which reads the store.
#[derive(Debug)]
struct Function(Simulator);

impl Platform for Function {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(self.0.identity())
    }
}

/// Shown with the test that failed, and with no other.
#[derive(Debug)]
struct Shown;

impl Voice for Shown {
    fn say(&self, line: &str) {
        eprintln!("{line}");
    }

    fn print(&self, text: &str) {
        println!("{text}");
    }
}

/// Stops after these times.
pub(super) struct After(pub(super) VecDeque<Duration>);

impl Stop for After {
    async fn asked(&mut self) -> &'static str {
        let Some(after) = self.0.front().copied() else { return std::future::pending().await };
        tokio::time::sleep(after).await;
        self.0.pop_front();
        "Ctrl-C"
    }
}

impl Stage {
    /// The demo's world as this changes it. To be called inside the test's runtime, whose clock it takes.
    pub(super) fn with(change: impl FnOnce(&mut World, &DemoCast)) -> Self {
        let cast = DemoCast::of(7);
        let mut world = World::demo(7);
        world.settings.token_lifetime_seconds = 7 * 24 * 3600;
        change(&mut world, &cast);
        simulated::grant(&mut world, &cast);
        let simulator = Simulator::new(world, SimulatorClock::starting_at(EPOCH));
        let settings = BTreeMap::from([
            ("ONBOARDER_SECRET_STORE", format!("https://{}.vault.azure.net", cast.vault)),
            ("ONBOARDER_RESULTS", format!("https://{}/api/events", cast.topic)),
        ]);
        let config = Config::read(|name| settings.get(name).cloned()).unwrap();
        let onboarder =
            Onboarder::for_command_line(config, Arc::new(Function(simulator.clone())), simulator.transport(), Clock::starting_at(EPOCH));
        Self { cast, simulator, onboarder }
    }

    pub(super) fn new() -> Self {
        Self::with(|_, _| {})
    }

    pub(super) fn fault(&self, fault: Fault) {
        self.simulator.state().faults.push(fault);
    }

    /// Runs the command as the administrator.
    pub(super) async fn run(&self) -> Result<Tally, Stopped> {
        self.run_as(&self.cast.administrator, None, &[]).await
    }

    /// Runs the command as somebody, who wishes to stop after these times.
    pub(super) async fn run_as(&self, who: &str, grant: Option<&str>, stops: &[Duration]) -> Result<Tally, Stopped> {
        self.run_signed_in([who, who], grant, stops).await
    }

    /// Runs the command while somebody signs in as another.
    pub(super) async fn run_switching(&self, at_first: &str, afterwards: &str) -> Result<Tally, Stopped> {
        self.run_signed_in([at_first, afterwards], None, &[]).await
    }

    async fn run_signed_in(&self, who: [&str; 2], grant: Option<&str>, stops: &[Duration]) -> Result<Tally, Stopped> {
        let tenant = Guid::parse(&self.cast.tenant).unwrap();
        let grant = grant.map(|id| Guid::parse(id).unwrap());
        let elevate =
            Elevate { call: Uuid::new_v4(), cloud: Cloud::Public, tenant, grant, yes: true, dry_run: false, output: Output::Json };
        let who = Arc::new(SignedIn(self.simulator.clone(), who.map(str::to_owned)));
        let stops = After(stops.iter().copied().collect());
        let transport = self.simulator.transport();
        let done = Box::pin(elevate.carry_out(&self.onboarder, &transport, who, Arc::new(Shown), || Ok(stops))).await?;
        Ok(done.tally)
    }

    /// The administrator, signed in.
    pub(super) async fn admin(&self) -> Admin {
        let who = Arc::new(SignedIn(self.simulator.clone(), [(); 2].map(|()| self.cast.administrator.clone())));
        Admin::signed_in(who, &self.simulator.transport(), Cloud::Public, Guid::parse(&self.cast.tenant).unwrap(), Arc::new(Shown))
            .await
            .unwrap()
    }

    /// Somebody else removes the elevation.
    pub(super) fn remove_elevation(&self) {
        let own = self.elevated().remove(0).id;
        let name = own.rsplit('/').next().unwrap();
        self.simulator.state().world.tenant_mut(&self.cast.tenant).role_assignments.remove(name).unwrap();
    }

    /// Who is elevated.
    pub(super) fn elevated(&self) -> Vec<AssignmentView> {
        let role = USER_ACCESS_ADMINISTRATOR.to_string();
        self.assignments().into_iter().filter(|found| found.role == role && found.scope.to_string() == "/").collect()
    }

    /// The ISPM app's Reader at the root group.
    pub(super) fn readers(&self) -> Vec<AssignmentView> {
        let root = format!("/providers/Microsoft.Management/managementGroups/{}", self.cast.tenant);
        let of_app = |found: &AssignmentView| found.principal_id == self.cast.ispm_principal_id && found.scope.to_string() == root;
        self.assignments().into_iter().filter(of_app).collect()
    }

    pub(super) fn assignments(&self) -> Vec<AssignmentView> {
        self.simulator.state().world.role_assignments()
    }

    /// How often an operation was called.
    pub(super) fn calls(&self, operation: &str) -> usize {
        self.simulator.state().requests.iter().filter(|call| call.operation == operation).count()
    }

    /// The operations called so far as the command made them, in order.
    pub(super) fn operations(&self) -> Vec<String> {
        self.simulator.state().requests.iter().map(|call| call.operation.clone()).collect()
    }
}
