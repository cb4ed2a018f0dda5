//! The report as the page reads it. States are text, not enums: a word that a later version writes is shown as it is.

use std::collections::BTreeMap;

use serde::Deserialize;
use time::OffsetDateTime;
use time::serde::rfc3339;

use crate::report;

/// What a sweep found in one tenant.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Which tenant.
    pub tenant_id: String,
    /// When it was read.
    #[serde(with = "rfc3339")]
    pub at: OffsetDateTime,
    /// How many subscriptions have which verdict.
    pub totals: Totals,
    /// The management groups, by their names in ids.
    #[serde(default)]
    pub groups: BTreeMap<String, GroupInfo>,
    /// The connections in ISPM.
    #[serde(default)]
    pub connections: Vec<ConnectionRow>,
    /// The subscriptions.
    #[serde(default)]
    pub scopes: Vec<Row>,
    /// What serves nothing any more.
    #[serde(default)]
    pub orphans: Vec<Orphan>,
    /// What a person should know besides.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// How many subscriptions have which verdict.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// ISPM reads them.
    pub covered: u64,
    /// They wait for ISPM, or for a person.
    pub pending: u64,
    /// They should be covered, and are not.
    pub missing: u64,
    /// It was tried, and failed.
    pub failed: u64,
    /// The policy leaves them out.
    pub excluded: u64,
}

/// A management group.
#[derive(Clone, Debug, Deserialize)]
pub struct GroupInfo {
    /// What people call it.
    pub name: String,
    /// The group above. The tenant root has none.
    pub parent: Option<String>,
}

/// A connection in ISPM.
#[derive(Clone, Debug, Deserialize)]
pub struct ConnectionRow {
    /// ISPM's id of it; none where a person has to make it, and while its creation is only accepted.
    pub id: Option<String>,
    /// Its name there.
    #[serde(default)]
    pub name: String,
    /// How it is.
    pub status: String,
    /// Why it failed.
    pub cause: Option<String>,
    /// Since when it is so.
    #[serde(default, with = "rfc3339::option")]
    pub since: Option<OffsetDateTime>,
}

/// One subscription.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its full id.
    pub scope: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// The management group it is in; none where it could not be placed.
    pub group: Option<String>,
    /// Its state in Azure.
    pub state: Option<String>,
    /// `direct`, `inherited` or `missing`.
    pub role: String,
    /// The scope an inherited role comes from.
    pub role_at: Option<String>,
    /// How the connection that serves it is.
    pub connection: String,
    /// Why that connection failed.
    pub cause: Option<String>,
    /// `covered`, `pending`, `missing`, `failed` or `excluded`.
    pub verdict: String,
    /// Why it has this verdict.
    pub why: Option<String>,
    /// When a sweep first met it.
    #[serde(default, with = "rfc3339::option")]
    pub first_seen: Option<OffsetDateTime>,
    /// When the verdict last changed.
    #[serde(default, with = "rfc3339::option")]
    pub changed: Option<OffsetDateTime>,
}

/// Something that serves nothing any more.
#[derive(Clone, Debug, Deserialize)]
pub struct Orphan {
    /// `role-assignment` or `connection`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What it was for.
    pub scope: Option<String>,
    /// Whether this program made it.
    #[serde(default)]
    pub ours: bool,
    /// Why it is one.
    pub why: Option<String>,
}

impl From<&report::Report> for Report {
    fn from(report: &report::Report) -> Self {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let report::Totals { covered, pending, missing, failed, excluded } = report.totals;
        let group = |(name, facts): (&crate::scope::GroupName, &crate::estate::GroupFacts)| {
            let parent = facts.parent.as_ref().map(ToString::to_string);
            (name.to_string(), GroupInfo { name: facts.name.clone(), parent })
        };
        Self {
            tenant_id: report.tenant_id.to_string(),
            at: report.at,
            totals: Totals {
                covered: count(covered),
                pending: count(pending),
                missing: count(missing),
                failed: count(failed),
                excluded: count(excluded),
            },
            groups: report.groups.iter().map(group).collect(),
            connections: report.connections.iter().map(ConnectionRow::from).collect(),
            scopes: report.scopes.iter().map(Row::from).collect(),
            orphans: report.orphans.iter().map(Orphan::from).collect(),
            notes: report.notes.clone(),
        }
    }
}

impl From<&report::ConnectionRow> for ConnectionRow {
    fn from(row: &report::ConnectionRow) -> Self {
        Self {
            id: row.id.clone(),
            name: row.name.clone(),
            status: row.status.to_string(),
            cause: row.cause.map(|cause| cause.to_string()),
            since: Some(row.since),
        }
    }
}

impl From<&report::Row> for Row {
    fn from(row: &report::Row) -> Self {
        Self {
            scope: row.scope.path(),
            name: row.name.clone(),
            group: row.group.as_ref().map(ToString::to_string),
            state: row.state.clone(),
            role: row.role.to_string(),
            role_at: row.role_at.clone(),
            connection: row.connection.to_string(),
            cause: row.cause.map(|cause| cause.to_string()),
            verdict: row.verdict.to_string(),
            why: row.why.clone(),
            first_seen: Some(row.first_seen),
            changed: row.changed,
        }
    }
}

impl From<&report::Orphan> for Orphan {
    fn from(orphan: &report::Orphan) -> Self {
        Self {
            kind: orphan.kind.to_string(),
            id: orphan.id.clone(),
            scope: orphan.scope.as_ref().map(ToString::to_string),
            ours: orphan.ours,
            why: Some(orphan.why.clone()),
        }
    }
}
