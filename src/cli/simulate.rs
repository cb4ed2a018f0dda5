//! `ispm-onboarder simulate`

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ispm_onboarder_simulator::environment::Environment;
use ispm_onboarder_simulator::proxy::Proxy;
use ispm_onboarder_simulator::world::Settings;
use ispm_onboarder_simulator::{Clock, DemoCast, Simulator, World};
use serde_json::json;

use super::{Output, Tally, Wrong, compose};
use crate::clock::Clock as SystemClock;
use crate::permissions::{simulated, simulated_aws};

/// Run the simulator as a proxy that any program can be pointed at.
#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// The port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 7171)]
    port: u16,
    /// How many subscriptions the simulated estate has, at least 7, all of which can be covered. Without it there are 12, of which one is full
    /// of role assignments.
    #[arg(long, value_parser = clap::value_parser!(u32).range(7..=100_000))]
    subscriptions: Option<u32>,
    /// A world of your own, as JSON, instead of the built-in estate.
    #[arg(long, conflicts_with = "subscriptions")]
    world: Option<PathBuf>,
    /// Spread the subscriptions over this many management groups, and leave out the stories of the built-in estate.
    #[arg(long, conflicts_with = "world")]
    groups: Option<u16>,
    /// What part of them has the role already.
    #[arg(long, value_name = "PERCENT", requires = "groups", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    covered: u8,
    /// Which of Azure's clouds it is: all services have their names there, and no others.
    #[arg(long, value_enum, conflicts_with = "world", default_value_t)]
    cloud: CloudName,
    /// How long every call takes.
    #[arg(long, value_name = "MILLISECONDS")]
    latency: Option<u16>,
    /// How many things there are on a page of a list.
    #[arg(long, value_name = "N")]
    page_size: Option<u16>,
    /// Refuse those who call too often, as Resource Manager and Resource Graph do.
    #[arg(long)]
    throttle: bool,
    /// Where the `export` lines are written too.
    #[arg(long)]
    env_file: Option<PathBuf>,
    /// `table` prints the `export` lines, `json` the same as one document.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// A cloud by the name that `ONBOARDER_CLOUD` has for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum CloudName {
    #[default]
    Public,
    Usgovernment,
}

impl Simulate {
    pub(super) fn run(self) -> Result<Tally, Wrong> {
        let mut world = self.world()?;
        self.change(&mut world.settings);
        compose::block_on(async {
            let simulator = Simulator::new(world, Clock::starting_at(SystemClock::System.now()));
            let proxy = Proxy::bind(simulator, self.port).map_err(|error| {
                Wrong::new(format!("port {} cannot be listened on: {error}", self.port))
                    .hint("Choose another with --port, or --port 0 for any.")
            })?;
            let environment = Environment::of(&proxy, self.env_file.as_deref()).map_err(|error| Wrong::new(error.to_string()))?;
            match self.output {
                Output::Table => print!("{}", environment.exports()),
                Output::Json => {
                    let pairs: BTreeMap<&str, &String> = environment.pairs.iter().map(|(name, value)| (*name, value)).collect();
                    println!("{}", json!({ "url": proxy.url(), "environment": pairs }));
                }
            }
            if let Some(file) = &self.env_file {
                environment.write(file).map_err(|error| Wrong::new(format!("{} cannot be written: {error}", file.display())))?;
                eprintln!("The same lines are in {0}; in another shell: . {0}", file.display());
            }
            eprintln!("The simulator runs at {0} until Ctrl-C; its world is at {0}/_simulator/world", proxy.url());
            proxy.serve(stop()).await.map_err(|error| Wrong::new(format!("the simulator stopped: {error}")))?;
            Ok(Tally::default())
        })?
    }

    fn world(&self) -> Result<World, Wrong> {
        let subscriptions = self.subscriptions.map_or(FEW, |count| count as usize);
        let Some(file) = &self.world else {
            let world = match self.groups {
                Some(groups) => World::estate(subscriptions, groups.into(), self.covered.into()),
                None if self.subscriptions.is_some() => with_room(World::demo(subscriptions)),
                None => World::demo(subscriptions),
            };
            return Ok(self.with_rights(world));
        };
        let text = std::fs::read_to_string(file).map_err(|error| Wrong::new(format!("{} cannot be read: {error}", file.display())))?;
        serde_json::from_str(&text).map_err(|error| Wrong::new(format!("{} is not a world: {error}", file.display())))
    }

    /// The world in its cloud, with what a deployment is given there, the right to remove included, since whoever tries things out offboards
    /// too. In a world of one's own counts what stands in its file.
    fn with_rights(&self, mut world: World) -> World {
        let mut cast = DemoCast::of(FEW);
        if self.cloud == CloudName::Usgovernment {
            world.move_to_us_government(&mut cast);
        }
        simulated::grant_removal(&mut world, &cast);
        simulated_aws::grant(&mut world, &cast);
        world
    }

    /// What is not asked for stays as the world has it.
    fn change(&self, settings: &mut Settings) {
        settings.latency_milliseconds = self.latency.map_or(settings.latency_milliseconds, u64::from);
        settings.page_size = self.page_size.map_or(settings.page_size, usize::from);
        settings.throttle |= self.throttle;
    }
}

/// How many subscriptions there are where nobody says: each story of the demo, and some more.
const FEW: usize = 12;

/// The demo's estate without its subscription that is full of role assignments: whoever sweeps here can cover everything.
fn with_room(mut world: World) -> World {
    world.tenants.values_mut().for_each(|tenant| tenant.role_assignment_limits.clear());
    world
}

/// Ends at SIGINT or SIGTERM.
async fn stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        biased;
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
