//! `ispm-onboarder onboard`

use clap::Args;
use uuid::Uuid;

use super::{Output, Tally, Wrong, compose, inputs};
use crate::request::{Action, Inbound};
use crate::scope::Scope;

/// Onboard scopes by hand.
#[derive(Debug, Args)]
pub(super) struct Onboard {
    /// A subscription's id, `/subscriptions/{id}`, `mg:NAME`, a management group's full id, or `tenant-root`.
    #[arg(required = true)]
    scopes: Vec<String>,
    /// The tenant's id; not needed where there is only one.
    #[arg(long)]
    tenant: Option<String>,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Onboard {
    pub(super) fn run(self) -> Result<Tally, Wrong> {
        let config = compose::config()?;
        let onboarder = compose::onboarder(config.clone())?;
        let tenant = compose::block_on(compose::only_tenant(self.tenant.as_deref(), &config, &onboarder))??;
        let call = Uuid::new_v4().to_string();
        let inputs = self.scopes.iter().map(|typed| {
            let scope = Scope::parse_typed(typed, tenant).map_err(|error| Wrong::new(error.to_string()).hint(SCOPES))?;
            Ok(Inbound::by_hand(tenant, scope, Action::Onboard, &call))
        });
        let inputs = inputs.collect::<Result<Vec<_>, Wrong>>()?;
        inputs::work_through(&onboarder, inputs, self.dry_run, self.output)
    }
}

pub(super) const SCOPES: &str =
    "A scope is a subscription id, /subscriptions/{id}, mg:NAME, /providers/Microsoft.Management/managementGroups/{name}, or tenant-root.";
