//! `ispm-onboarder onboard`

use clap::Args;
use uuid::Uuid;

use super::elevate::{self, Elevate};
use super::{Output, Tally, Wrong, compose, inputs};
use crate::request::{Action, Inbound};
use crate::scope::{Guid, Scope};

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
    /// With `tenant-root` only: assign Reader there as the Global Administrator who is signed in to the Azure CLI, elevated for as long as it
    /// takes.
    #[arg(long)]
    elevate: bool,
    /// With --elevate: give the function's identity or the login app's service principal, by object id, the roles it works by.
    #[arg(long, value_name = "OBJECT_ID", requires = "elevate")]
    grant: Option<String>,
    /// With --elevate: do it without asking.
    #[arg(long, requires = "elevate")]
    yes: bool,
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Onboard {
    pub(super) fn run(self) -> Result<Tally, Wrong> {
        if self.elevate {
            return self.elevated();
        }
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

    fn elevated(self) -> Result<Tally, Wrong> {
        if self.scopes.iter().any(|typed| typed.trim() != "tenant-root") || self.scopes.len() > 1 {
            return Err(Wrong::new("--elevate is for the tenant root alone").hint("ispm-onboarder onboard tenant-root --elevate"));
        }
        let grant = self.grant.as_deref().map(Guid::parse).transpose();
        let grant = grant.map_err(|error| {
            Wrong::new(format!("--grant: {error}")).hint("`az ad sp show --id CLIENT-ID --query id -o tsv` prints the object id.")
        })?;
        elevate::check_terminal(self.yes, self.dry_run)?;
        let config = compose::config()?;
        let (onboarder, transport) = compose::onboarder_with_transport(config.clone())?;
        let tenant = compose::block_on(compose::only_tenant(self.tenant.as_deref(), &config, &onboarder))??;
        let elevate =
            Elevate { call: Uuid::new_v4(), cloud: config.cloud, tenant, grant, yes: self.yes, dry_run: self.dry_run, output: self.output };
        elevate.run(&onboarder, &transport)
    }
}

pub(super) const SCOPES: &str =
    "A scope is a subscription id, /subscriptions/{id}, mg:NAME, /providers/Microsoft.Management/managementGroups/{name}, or tenant-root.";
