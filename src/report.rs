//! The report of a tenant's coverage: what a sweep leaves behind, `GET /api/coverage` serves and the command line shows.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::error::{Code, Error};
use crate::estate::GroupFacts;
use crate::expiry::ExpiringSecret;
use crate::ispm::Cause;
use crate::scope::{GroupName, Guid, Scope};

/// The version of [`Report`] that this program writes and reads.
pub const VERSION: u64 = 1;

/// What is covered in a tenant, and what is not and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Always 1 in this version.
    pub version: u64,
    /// The Entra tenant.
    pub tenant_id: Guid,
    /// When the estate was read.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "cli", schemars(with = "String", extend("format" = "date-time")))]
    pub at: OffsetDateTime,
    /// How many subscriptions there are of each verdict.
    pub totals: Totals,
    /// The management groups, by name.
    pub groups: BTreeMap<GroupName, GroupFacts>,
    /// The connections in ISPM.
    pub connections: Vec<ConnectionRow>,
    /// The subscriptions, by id.
    pub scopes: Vec<Row>,
    /// What was made here for scopes that are kept out or gone.
    pub orphans: Vec<Orphan>,
    /// Secrets of the tenant that have expired, or expire within 60 days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expiring_secrets: Vec<ExpiringSecret>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// How many subscriptions there are of each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub struct Totals {
    /// ISPM reads them.
    pub covered: usize,
    /// All is done that this program can do.
    pub pending: usize,
    /// Role or connection is missing.
    pub missing: usize,
    /// ISPM's test of their connection failed.
    pub failed: usize,
    /// Kept out by policy, state or offer.
    pub excluded: usize,
}

/// What is true of a subscription, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// ISPM reads it.
    Covered,
    /// All is done that this program can do; ISPM or a person has to follow.
    Pending,
    /// Role or connection is missing.
    Missing,
    /// ISPM's test of its connection failed.
    Failed,
    /// Kept out by policy, state or offer.
    Excluded,
}

/// Reader of the ISPM app, seen from a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RoleCoverage {
    /// At the subscription itself.
    Direct,
    /// At a management group above, or at `/`.
    Inherited,
    /// Nowhere.
    Missing,
}

/// A connection, or the one that should serve a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionCoverage {
    /// ISPM reads through it.
    Connected,
    /// ISPM has not tested it yet.
    Pending,
    /// ISPM's test of it failed.
    Failed,
    /// There is none.
    Missing,
    /// A person has to make it in the ISPM console, where it cannot be read.
    AwaitingConsole,
    /// It cannot be read.
    Unknown,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its scope.
    pub scope: Scope,
    /// What people call it.
    pub name: String,
    /// The management group right above it; absent where it could not be placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupName>,
    /// Its state, such as `Enabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Its offer (`quotaId`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// Reader of the ISPM app.
    pub role: RoleCoverage,
    /// Where an inherited Reader sits: a management group's path, or `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_at: Option<String>,
    /// The connection that serves it.
    pub connection: ConnectionCoverage,
    /// Why ISPM's test of the connection failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// All in one word.
    pub verdict: Verdict,
    /// Why it is not covered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When a sweep saw it for the first time.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "cli", schemars(with = "String", extend("format" = "date-time")))]
    pub first_seen: OffsetDateTime,
    /// Since which sweep it is to be onboarded or taken back.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "cli", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub wanted_since: Option<OffsetDateTime>,
    /// When role, connection or verdict changed for the last time, as far as sweeps or Azure can tell.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[cfg_attr(feature = "cli", schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub changed: Option<OffsetDateTime>,
}

/// A connection in ISPM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConnectionRow {
    /// ISPM's id; absent while its creation is only accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The source name.
    pub name: String,
    /// What it serves: a subscription, or the tenant root where one connection serves all.
    pub scope: Scope,
    /// Its state.
    pub status: ConnectionCoverage,
    /// Why ISPM's test of it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Since which sweep it has this state.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "cli", schemars(with = "String", extend("format" = "date-time")))]
    pub since: OffsetDateTime,
}

/// What an orphan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OrphanKind {
    /// Reader of the ISPM app.
    RoleAssignment,
    /// A connection in ISPM.
    Connection,
}

/// Something that is there for a scope which is kept out or gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
pub struct Orphan {
    /// What it is.
    pub kind: OrphanKind,
    /// Azure's or ISPM's id.
    pub id: String,
    /// The scope, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Whether it was made here: nothing else is ever taken back.
    pub ours: bool,
    /// Why it is not wanted.
    pub why: String,
}

impl Totals {
    /// Counts the verdicts.
    #[must_use]
    pub fn of(rows: &[Row]) -> Self {
        let mut totals = Self::default();
        for row in rows {
            *match row.verdict {
                Verdict::Covered => &mut totals.covered,
                Verdict::Pending => &mut totals.pending,
                Verdict::Missing => &mut totals.missing,
                Verdict::Failed => &mut totals.failed,
                Verdict::Excluded => &mut totals.excluded,
            } += 1;
        }
        totals
    }
}

impl Report {
    /// The groups above a subscription as people call them, root first.
    #[must_use]
    pub fn group_path(&self, row: &Row) -> String {
        let mut path: Vec<&str> = Vec::new();
        let mut next = row.group.as_ref();
        while let Some(group) = next.filter(|_| path.len() < self.groups.len().max(1)) {
            let facts = self.groups.get(group);
            path.push(facts.map(|facts| facts.name.as_str()).filter(|name| !name.is_empty()).unwrap_or(group.as_str()));
            next = facts.and_then(|facts| facts.parent.as_ref());
        }
        path.reverse();
        path.join(" / ")
    }

    /// This report as JSON text.
    ///
    /// # Errors
    /// `UnexpectedAnswer`, which no report has led to.
    pub fn text(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|_| Error::new(Code::UnexpectedAnswer, "the report cannot be written as JSON"))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Covered => "covered",
            Self::Pending => "pending",
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::Excluded => "excluded",
        })
    }
}

impl fmt::Display for RoleCoverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Inherited => "inherited",
            Self::Missing => "missing",
        })
    }
}

impl fmt::Display for ConnectionCoverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connected => "connected",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Missing => "missing",
            Self::AwaitingConsole => "awaiting-console",
            Self::Unknown => "unknown",
        })
    }
}

impl fmt::Display for OrphanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RoleAssignment => "role-assignment",
            Self::Connection => "connection",
        })
    }
}
