//! `ispm-onboarder coverage`

use clap::{Args, ValueEnum};
use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

use super::show::table;
use super::{Tally, Wrong, compose};
use crate::page;
use crate::report::{Report, RoleCoverage, Row};
use crate::scope::{inert, printable};

/// Show for each subscription whether ISPM reads it, and why not.
///
/// Everything is read now; where sweeps leave a report, it tells since when.
#[derive(Debug, Args)]
pub(super) struct ShowCoverage {
    /// The tenant's id; not needed where there is only one.
    #[arg(long)]
    tenant: Option<String>,
    /// `html` prints a page for people that needs nothing but a browser.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// How the coverage is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One HTML page.
    Html,
}

impl ShowCoverage {
    pub(super) fn run(self) -> Result<Tally, Wrong> {
        let config = compose::config()?;
        let onboarder = compose::onboarder(config.clone())?;
        compose::block_on(async {
            let tenant = compose::only_tenant(self.tenant.as_deref(), &config, &onboarder).await?;
            let report = onboarder.coverage(tenant).await?.report;
            match self.output {
                Output::Table => print(&report),
                Output::Json => println!("{}", json!(report)),
                Output::Html => println!("{}", page::render(&(&report).into(), onboarder.now()).html),
            }
            Ok(Tally::default())
        })?
    }
}

fn print(report: &Report) {
    print_rows(report, &report.scopes);
    println!("\n{}", totals(report));
    print_notes(report);
}

/// The subscriptions as a table.
pub(super) fn print_rows<'a>(report: &Report, rows: impl IntoIterator<Item = &'a Row>) {
    let mut shown = table(&["COVERAGE", "NAME", "GROUP", "ROLE", "CONNECTION", "CHANGED", "WHY NOT"]);
    for row in rows {
        shown.add_row([
            row.verdict.to_string(),
            printable(&row.name),
            inert(&report.group_path(row)),
            role(row),
            connection(row),
            row.changed.map(minute).unwrap_or_default(),
            inert(row.why.as_deref().unwrap_or_default()),
        ]);
    }
    println!("{shown}");
}

/// The totals in a line.
pub(super) fn totals(report: &Report) -> String {
    let totals = report.totals;
    format!(
        "{} subscriptions: {} covered, {} pending, {} missing, {} failed, {} excluded",
        report.scopes.len(),
        totals.covered,
        totals.pending,
        totals.missing,
        totals.failed,
        totals.excluded
    )
}

/// What a person should know, and what is there that should not be.
pub(super) fn print_notes(report: &Report) {
    for orphan in &report.orphans {
        let whose = if orphan.ours { "made here" } else { "not made here" };
        println!("orphan ({whose}): {}: {}", inert(&orphan.id), inert(&orphan.why));
    }
    report.notes.iter().for_each(|note| println!("note: {}", inert(note)));
}

fn role(row: &Row) -> String {
    match (row.role, &row.role_at) {
        (RoleCoverage::Inherited, Some(at)) => {
            format!("inherited from {}", at.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("/"))
        }
        (role, _) => role.to_string(),
    }
}

fn connection(row: &Row) -> String {
    let status = row.connection.to_string().replace('-', " ");
    row.cause.map_or_else(|| status.clone(), |cause| format!("{status}: {cause}"))
}

fn minute(time: OffsetDateTime) -> String {
    time.format(format_description!("[year]-[month]-[day] [hour]:[minute]")).unwrap_or_default()
}
