//! `ispm-onboarder doctor`

use clap::Args;
use comfy_table::{Cell, Color};
use serde_json::json;

use super::show::{coloured, table};
use super::{Output, Tally, Wrong, compose};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::doctor::{Check, Doctor, Status, configured, misconfigured};
use crate::scope::inert;

/// Check configuration, identities, secrets, rights, ISPM, results and queue, and say what to mend.
///
/// Nothing is changed: no event is sent, no message put into the queue, no role tried. On a laptop, what belongs to the platform is looked at
/// with your rights, not the function's.
#[derive(Debug, Args)]
pub(super) struct Examine {
    /// The tenant's id; without it, every tenant that this deployment serves.
    #[arg(long)]
    tenant: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Examine {
    pub(super) fn run(self) -> Result<Tally, Wrong> {
        let config = match Config::from_environment() {
            Ok(config) => config,
            Err(ConfigError(faults)) => {
                self.show(&misconfigured(&faults));
                return Err(Wrong::new("the configuration is wrong"));
            }
        };
        let tenant = self.tenant.as_deref().map(|named| compose::tenant(Some(named), &config)).transpose()?;
        let compose::Connected { transport, platform } = compose::connected(&config)?;
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let mut checks = vec![configured(is_set)];
        checks.extend(compose::block_on(Doctor::new(config, platform, transport, Clock::System).examine(tenant))?);
        self.show(&checks);
        Ok(tally(&checks))
    }

    fn show(&self, checks: &[Check]) {
        match self.output {
            Output::Json => println!("{}", json!({ "checks": checks })),
            Output::Table => print(checks),
        }
    }
}

/// Warnings do not count: what they tell of works.
fn tally(checks: &[Check]) -> Tally {
    let failed = checks.iter().filter(|check| check.status == Status::Failed);
    failed.fold(Tally::default(), |tally, check| tally.and(Tally { failed: !check.may_pass, later: check.may_pass }))
}

/// A table of the deployment's checks and one of each tenant's, each followed by what to do.
fn print(checks: &[Check]) {
    for (position, part) in checks.chunk_by(|one, other| one.tenant_id == other.tenant_id).enumerate() {
        if position > 0 {
            println!();
        }
        if let Some(tenant) = part.first().and_then(|check| check.tenant_id) {
            println!("tenant {tenant}");
        }
        let mut shown = table(&["", "CHECK", "FOUND"]);
        for check in part {
            let (mark, colour) = mark(check.status);
            shown.add_row([coloured(mark, colour), Cell::new(check.title), Cell::new(inert(&check.detail))]);
        }
        println!("{shown}");
        for check in part {
            check.hint.iter().for_each(|hint| println!("hint: {}: {}", check.title, inert(hint)));
        }
    }
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    println!("\n{}", summary(count));
}

fn summary(count: impl Fn(Status) -> usize) -> String {
    let warnings = count(Status::Warning);
    format!(
        "{} ok, {warnings} {}, {} failed, {} not looked at",
        count(Status::Ok),
        if warnings == 1 { "warning" } else { "warnings" },
        count(Status::Failed),
        count(Status::Skipped)
    )
}

const fn mark(status: Status) -> (&'static str, Color) {
    match status {
        Status::Ok => ("✓", Color::Green),
        Status::Warning => ("!", Color::Yellow),
        Status::Failed => ("✗", Color::Red),
        Status::Skipped => ("-", Color::DarkGrey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_warning_is_told_as_one() {
        let told = |warnings| summary(|status| if status == Status::Warning { warnings } else { 2 });
        assert_eq!(told(1), "2 ok, 1 warning, 2 failed, 2 not looked at");
        assert_eq!(told(0), "2 ok, 0 warnings, 2 failed, 2 not looked at");
    }
}
