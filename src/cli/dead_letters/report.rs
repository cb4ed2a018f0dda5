//! What became of each dead letter, as a table for people or as one JSON document.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Chosen;
use crate::cli::show::{self, Row};
use crate::cli::{Output, Tally};
use crate::error::Error;

/// A dead letter, and what became of it.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    pub(super) id: String,
    pub(super) since: Option<OffsetDateTime>,
    /// Why it lies there, where it says so.
    pub(super) reason: Option<String>,
    /// What stands in it, each with what came of it.
    pub(super) rows: Vec<Row>,
    pub(super) fate: Fate,
    pub(super) tally: Tally,
}

/// Where a dead letter is now.
#[derive(Debug, Default)]
pub(super) enum Fate {
    /// Where it was.
    #[default]
    Kept,
    /// Gone, since all that stood in it has ended.
    Deleted,
    /// All has ended, but it could not be removed: a replay ends the same way.
    NotDeleted(String),
    /// There is none of this name.
    Missing,
}

impl Replayed {
    /// A name under which nothing lies there.
    pub(super) fn missing(id: String) -> Self {
        Self { id, fate: Fate::Missing, tally: Tally { failed: true, later: false }, ..Self::default() }
    }

    pub(super) fn add(&mut self, row: Row, tally: Tally) {
        self.rows.push(row);
        self.tally = self.tally.and(tally);
    }

    fn since(&self) -> Option<String> {
        self.since?.format(&Rfc3339).ok()
    }

    fn document(&self) -> Value {
        let inputs: Vec<_> = self.rows.iter().map(Row::document).collect();
        let note = if let Fate::NotDeleted(why) = &self.fate { Some(why) } else { None };
        json!({
            "id": self.id, "since": self.since(), "reason": self.reason, "inputs": inputs, "fate": self.fate.word(), "message": note,
        })
    }
}

impl Fate {
    fn word(&self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Deleted => "deleted",
            Self::NotDeleted(_) => "not deleted",
            Self::Missing => "not there",
        }
    }
}

impl Row {
    /// What can be replayed.
    pub(super) fn listed(scope: Option<String>) -> Self {
        Self { scope: scope.unwrap_or_else(|| "(nothing to do)".to_owned()), ..Self::default() }
    }

    /// What nothing can be made of.
    pub(super) fn unreadable(error: &Error) -> Self {
        Self {
            result: "unreadable".to_owned(),
            scope: "(unreadable input)".to_owned(),
            why: error.message.clone(),
            hint: error.hint.clone(),
            ..Self::default()
        }
    }

    fn document(&self) -> Value {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        json!({ "scope": self.scope, "result": some(&self.result), "message": some(&self.why), "hint": self.hint })
    }
}

/// Prints what became of them.
pub(super) fn print(replayed: &[Replayed], chosen: &Chosen, output: Output) {
    if output == Output::Json {
        let all: Vec<_> = replayed.iter().map(Replayed::document).collect();
        println!("{}", json!({ "deadLetters": all }));
        return;
    }
    if replayed.is_empty() {
        println!("no dead letters");
        return;
    }
    let is_list = matches!(chosen, Chosen::None);
    let header: &[&str] =
        if is_list { &["DEAD LETTER", "SINCE", "REASON", "SCOPE", "WHY"] } else { &["DEAD LETTER", "RESULT", "SCOPE", "WHY", "NOW"] };
    let mut table = show::table(header);
    let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    for one in replayed {
        let nothing = [Row::default()];
        let rows = if one.rows.is_empty() { &nothing[..] } else { &one.rows };
        for row in rows {
            let (id, scope, why) = (one.id.clone(), dash(&row.scope), row.why.clone());
            table.add_row(if is_list {
                [id, one.since().unwrap_or_else(|| dash("")), dash(one.reason.as_deref().unwrap_or_default()), scope, why]
            } else {
                [id, dash(&row.result), scope, why, one.fate.word().to_owned()]
            });
        }
    }
    println!("{table}");
    print_hints(replayed, is_list);
}

fn print_hints(replayed: &[Replayed], is_list: bool) {
    for one in replayed {
        one.rows.iter().filter_map(|row| row.hint.as_ref()).for_each(|hint| println!("hint: {}: {hint}", one.id));
        if let Fate::NotDeleted(why) = &one.fate {
            println!("hint: {}: it could not be removed, and ends the same way when it is replayed: {why}", one.id);
        }
    }
    if is_list {
        println!("hint: replay them with --id NAME, or all with --all; --dry-run shows what would be done.");
    }
}
