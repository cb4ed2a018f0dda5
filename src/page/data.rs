//! What the script shows: each row as the words that stand in it, and each word once.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use time::OffsetDateTime;

use super::document::{ConnectionRow, GroupInfo, Orphan, Report, Row};
use super::text::{in_script, visible};

const SUBSCRIPTION: &str = "/subscriptions/";
const GROUP: &str = "/providers/microsoft.management/managementgroups/";

#[derive(Serialize)]
struct Data {
    /// When the report was read, in seconds since 1970.
    at: i64,
    /// What the rows' numbers stand for.
    words: Vec<String>,
    scopes: Vec<ScopeRow>,
    connections: Vec<Connection>,
    orphans: Vec<OrphanRow>,
}

/// Name, id, then words: state, verdict, role, connection, group path; the last change in minutes since 1970 or null; why, a word.
/// Tuples are arrays in JSON: with names, 50,000 rows would be twice as long.
type ScopeRow = (String, String, usize, usize, usize, usize, usize, Option<i64>, usize);
/// Name, id, status, cause, since.
type Connection = (String, String, String, String, Option<i64>);
/// Kind, id, scope, whose, why.
type OrphanRow = (String, String, String, &'static str, String);

/// The data of the page, fit for a script element.
pub(super) fn json(report: &Report) -> String {
    let mut words = Words::default();
    let paths = Paths(&report.groups);
    let data = Data {
        at: report.at.unix_timestamp(),
        scopes: report.scopes.iter().map(|row| scope(row, &paths, &mut words)).collect(),
        connections: report.connections.iter().map(connection).collect(),
        orphans: report.orphans.iter().map(orphan).collect(),
        words: words.in_order,
    };
    // Strings and numbers only: it cannot fail.
    in_script(&serde_json::to_string(&data).unwrap_or_default())
}

fn scope(row: &Row, paths: &Paths, words: &mut Words) -> ScopeRow {
    let state = row.state.as_deref().filter(|state| *state != "Enabled").unwrap_or_default();
    let role = match (row.role.as_str(), &row.role_at) {
        ("inherited", Some(at)) => format!("Inherited from {}", paths.name_at(at)),
        (role, _) => capital(role),
    };
    let group = row.group.as_deref().map_or_else(|| "Not placed".to_owned(), |group| paths.path(group));
    (
        visible(&row.name),
        visible(short(&row.scope)),
        words.number(state),
        words.number(&row.verdict),
        words.number(&role),
        words.number(&with_cause(&row.connection, row.cause.as_deref())),
        words.number(&group),
        row.changed.or(row.first_seen).map(minutes),
        words.number(row.why.as_deref().unwrap_or_default()),
    )
}

fn connection(row: &ConnectionRow) -> Connection {
    let (id, cause) = (row.id.as_deref().unwrap_or_default(), row.cause.as_deref().unwrap_or_default());
    (visible(&row.name), visible(id), visible(&row.status), visible(cause), row.since.map(minutes))
}

fn orphan(row: &Orphan) -> OrphanRow {
    let (scope, why) = (row.scope.as_deref().unwrap_or_default(), row.why.as_deref().unwrap_or_default());
    let whose = if row.ours { "Made by ispm-onboarder" } else { "Made by others" };
    (capital(&visible(&row.kind)), visible(&row.id), visible(short(scope)), whose, visible(why))
}

fn minutes(time: OffsetDateTime) -> i64 {
    time.unix_timestamp().div_euclid(60)
}

/// A subscription by its bare id, as people search for it; any other scope whole.
fn short(scope: &str) -> &str {
    match scope.split_at_checked(SUBSCRIPTION.len()) {
        Some((prefix, id)) if prefix.eq_ignore_ascii_case(SUBSCRIPTION) => id,
        _ => scope,
    }
}

fn with_cause(connection: &str, cause: Option<&str>) -> String {
    let connection = capital(connection);
    cause.map_or_else(|| connection.clone(), |cause| format!("{connection}: {cause}"))
}

/// A word of the report as a person reads it: `awaiting-console` is `Awaiting console`. What is no such word stays as it is.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    match letters.next() {
        Some(first) if word.chars().all(|c| c.is_ascii_lowercase() || c == '-') => {
            let rest = letters.as_str().replace('-', " ");
            format!("{}{rest}", first.to_ascii_uppercase())
        }
        _ => word.to_owned(),
    }
}

/// Words, each with its number; the empty word is 0.
#[derive(Default)]
struct Words {
    numbers: BTreeMap<String, usize>,
    in_order: Vec<String>,
}

impl Words {
    fn number(&mut self, word: &str) -> usize {
        if self.in_order.is_empty() && !word.is_empty() {
            self.number("");
        }
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let number = self.in_order.len();
        self.numbers.insert(word.to_owned(), number);
        self.in_order.push(visible(word));
        number
    }
}

/// The management groups, and the way down to each.
struct Paths<'a>(&'a BTreeMap<String, GroupInfo>);

impl Paths<'_> {
    fn name<'a>(&'a self, group: &'a str) -> &'a str {
        self.0.get(group).map_or(group, |info| &info.name)
    }

    /// From below the root to the group: the root is above all of them. A parent that is not in the report ends the path, and so does one
    /// that was there before.
    fn path(&self, group: &str) -> String {
        let (mut names, mut seen, mut next) = (vec![], BTreeSet::new(), Some(group));
        while let Some(group) = next.filter(|group| seen.insert((*group).to_owned())) {
            names.push(self.name(group));
            next = self.0.get(group).and_then(|info| info.parent.as_deref());
        }
        if next.is_none() && names.len() > 1 {
            names.pop();
        }
        names.reverse();
        names.join(" / ")
    }

    /// What a scope is called that a role comes from.
    fn name_at<'a>(&'a self, scope: &'a str) -> &'a str {
        match scope.split_at_checked(GROUP.len()) {
            Some((prefix, group)) if prefix.eq_ignore_ascii_case(GROUP) => self.name(group),
            _ => scope,
        }
    }
}
