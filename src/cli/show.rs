//! Results, as a table for people or as one JSON document.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table};
use serde_json::{Value, json};

use super::Tally;
use crate::result_event::Kind;
use crate::take_up::{Ending, TakenUp};

/// The narrowest terminal that a table is wrapped to.
const NARROWEST: u16 = 60;

/// Up to this many results are all shown after a sweep.
const MOST_ROWS: usize = 50;

/// What came of a list of inputs.
#[derive(Debug, Default)]
pub(super) struct Show {
    taken: Vec<TakenUp>,
}

/// One row of the results table.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) result: String,
    pub(super) good: bool,
    pub(super) scope: String,
    pub(super) role: String,
    pub(super) connection: String,
    pub(super) why: String,
    pub(super) hint: Option<String>,
}

impl Tally {
    /// What one ending comes to.
    pub(super) const fn of(ending: &Ending) -> Self {
        let (failed, later) = match ending {
            Ending::Published { outcome, .. } => (!matches!(outcome.kind, Kind::Onboarded | Kind::Offboarded | Kind::Pending), false),
            Ending::Later { .. } | Ending::Unfinished(_) => (false, true),
            Ending::Queued | Ending::Ignored(_) => (false, false),
        };
        Self { failed, later }
    }
}

impl Show {
    pub(super) fn add(&mut self, taken: TakenUp) {
        self.taken.push(taken);
    }

    pub(super) fn tally(&self) -> Tally {
        self.taken.iter().fold(Tally::default(), |tally, taken| tally.and(Tally::of(&taken.ending)))
    }

    /// `{"results": [event, …], "later": […], "queued": [scope, …], "ignored": […]}`
    pub(super) fn document(&self) -> Value {
        let (mut results, mut later, mut queued, mut ignored) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for taken in &self.taken {
            let scope = taken.request.as_ref().map(|request| &request.scope);
            match &taken.ending {
                Ending::Published { event, .. } => results.push(json!(event)),
                Ending::Later { error, .. } | Ending::Unfinished(error) => {
                    later.push(json!({ "scope": scope, "code": error.code, "message": error.message, "hint": error.hint }));
                }
                Ending::Queued => queued.push(json!(scope)),
                Ending::Ignored(error) => ignored.push(json!({ "message": error.message })),
            }
        }
        json!({ "results": results, "later": later, "queued": queued, "ignored": ignored })
    }

    pub(super) fn print(&self) {
        print_results(&self.rows());
    }

    /// What [`Show::print`] prints.
    pub(super) fn words(&self) -> String {
        results(&self.rows())
    }

    /// Of many, only those that need a look.
    pub(super) fn print_briefly(&self) {
        let (good, other): (Vec<Row>, Vec<Row>) = self.rows().into_iter().partition(|row| row.good);
        if good.len() + other.len() <= MOST_ROWS {
            return self.print();
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &good {
            *counts.entry(&row.result).or_default() += 1;
        }
        for (result, count) in counts {
            println!("{count} {result}");
        }
        if !other.is_empty() {
            print_results(&other);
        }
    }

    fn rows(&self) -> Vec<Row> {
        let row = |taken: &TakenUp| Row::of(&taken.ending, taken.request.as_ref().map(|request| request.scope.to_string()));
        self.taken.iter().map(row).collect()
    }
}

/// Prints the table, then the hints, each with its scope.
pub(super) fn print_results(rows: &[Row]) {
    println!("{}", results(rows));
}

fn results(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "nothing to do".to_owned();
    }
    let mut table = table(&["RESULT", "SCOPE", "ROLE", "CONNECTION", "WHY"]);
    for row in rows {
        let colour = if row.good { Color::Green } else { Color::Yellow };
        table.add_row([
            coloured(&row.result, colour),
            Cell::new(&row.scope),
            Cell::new(&row.role),
            Cell::new(&row.connection),
            Cell::new(&row.why),
        ]);
    }
    let hints = rows.iter().filter_map(|row| row.hint.as_ref().map(|hint| format!("\nhint: {}: {hint}", row.scope)));
    format!("{table}{}", hints.collect::<String>())
}

/// A table in the house style. Its columns are wrapped to the terminal's width; a pipe gets them whole.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    // Some terminals, those of CI among them, say that they have no width: a table squeezed into it would be a column of letters.
    let fits = std::io::stdout().is_terminal() && table.width().is_some_and(|width| width >= NARROWEST);
    table.set_content_arrangement(if fits { ContentArrangement::Dynamic } else { ContentArrangement::Disabled });
    table.set_header(header.iter().map(|title| bold(title)));
    table
}

pub(super) fn coloured(text: &str, colour: Color) -> Cell {
    if colours() { Cell::new(text).fg(colour) } else { Cell::new(text) }
}

fn bold(text: &str) -> Cell {
    if colours() { Cell::new(text).add_attribute(Attribute::Bold) } else { Cell::new(text) }
}

/// Colour only on a terminal, and not where `NO_COLOR` is set (<https://no-color.org>).
pub(super) fn colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
