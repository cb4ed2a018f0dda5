//! `ispm-onboarder offboard`

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::Args;
use uuid::Uuid;

use super::onboard::SCOPES;
use super::plans::Plans;
use super::{Output, Tally, Wrong, compose, inputs};
use crate::Onboarder;
use crate::request::{Action, Inbound};
use crate::scope::{Guid, Scope};

/// Take back what was made here for scopes.
#[derive(Debug, Args)]
pub(super) struct OffboardScopes {
    /// A subscription's id, `/subscriptions/{id}`, `mg:NAME`, a management group's full id, or `tenant-root`.
    #[arg(required = true)]
    scopes: Vec<String>,
    /// The tenant's id; not needed where there is only one.
    #[arg(long)]
    tenant: Option<String>,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do it without asking.
    #[arg(long)]
    yes: bool,
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl OffboardScopes {
    pub(super) fn run(self) -> Result<Tally, Wrong> {
        if !self.dry_run && !self.yes && !io::stdin().is_terminal() {
            return Err(Wrong::new("offboarding has to be confirmed, and there is no terminal to ask at")
                .hint("Look at it with --dry-run, then add --yes."));
        }
        let config = compose::config()?;
        let onboarder = compose::onboarder(config.clone())?;
        let tenant = compose::block_on(compose::only_tenant(self.tenant.as_deref(), &config, &onboarder))??;
        let scopes =
            self.scopes.iter().map(|typed| Scope::parse_typed(typed, tenant).map_err(|error| Wrong::new(error.to_string()).hint(SCOPES)));
        let scopes = scopes.collect::<Result<Vec<_>, Wrong>>()?;
        let call = Uuid::new_v4().to_string();
        if self.dry_run {
            return inputs::work_through(&onboarder, inbound(tenant, &scopes, &call), true, self.output);
        }
        compose::block_on(self.confirmed(&onboarder, tenant, &scopes, &call))
    }

    /// Shows the plans on standard error, since standard output is for results, and goes on only where a person agrees.
    async fn confirmed(&self, onboarder: &Onboarder, tenant: Guid, scopes: &[Scope], call: &str) -> Tally {
        let (mut plans, mut planned) = (Plans::default(), Vec::new());
        for inbound in inbound(tenant, scopes, call) {
            let Ok(request) = &inbound.request else { continue };
            let (scope, plan) = (request.scope.to_string(), onboarder.dry_run(request).await);
            // Nobody agrees to what could not be shown.
            planned.extend(plan.is_ok().then_some(inbound));
            plans.add(Some(scope), plan);
        }
        eprint!("{}", plans.text());
        if planned.is_empty() || (!self.yes && plans.have_steps() && !agreed()) {
            eprintln!("nothing was removed");
            return plans.tally;
        }
        let tally = inputs::take_up_all(onboarder, planned, self.output).await.and(plans.tally);
        eprintln!("The next sweep onboards again what the tenant record's policy does not keep out; see policy.exclude.");
        tally
    }
}

fn inbound(tenant: Guid, scopes: &[Scope], call: &str) -> Vec<Inbound> {
    scopes.iter().map(|scope| Inbound::by_hand(tenant, scope.clone(), Action::Offboard, call)).collect()
}

/// Asks at the terminal; anything but yes is no.
pub(super) fn agreed() -> bool {
    eprint!("Proceed? [y/N] ");
    let mut answer = String::new();
    let read = io::stderr().flush().and_then(|()| io::stdin().lock().read_line(&mut answer));
    read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
