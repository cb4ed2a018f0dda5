//! Whether a scope is covered: its role, the connection that serves it, and why not.

use serde::Serialize;

use crate::ispm::Status;
use crate::observe::Observed;
use crate::plan::{find_reader, judge};
use crate::request::Request;
use crate::scope::Scope;
use crate::tenant::{Connect, TenantRecord};

/// Reader of the ISPM app, seen from a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleCoverage {
    /// At the scope itself.
    Direct,
    /// At a management group above.
    Inherited,
    /// Nowhere.
    Missing,
}

/// The connection that serves a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionCoverage {
    /// ISPM reads through it.
    Connected,
    /// Not tested yet, or to be made by a person.
    Pending,
    /// There is none, or it has nothing to read here since the role is missing.
    Missing,
    /// The policy keeps the scope out.
    Blocked,
    /// ISPM's test of it failed.
    Failed,
}

/// Whether one scope is covered.
#[derive(Clone, Debug, Serialize)]
pub struct Coverage {
    /// The scope.
    pub scope: Scope,
    /// What people call it.
    #[serde(skip)]
    pub name: String,
    /// Its role.
    pub role: RoleCoverage,
    /// Its connection.
    pub connection: ConnectionCoverage,
    /// Why it is not covered.
    pub why: Option<String>,
}

impl Coverage {
    /// Judges what was observed of a scope.
    #[must_use]
    pub fn of(request: &Request, record: &TenantRecord, observed: &Observed) -> Self {
        let role = match find_reader(request, &record.policy, observed) {
            Some(role) if role.inherited => RoleCoverage::Inherited,
            Some(_) => RoleCoverage::Direct,
            None => RoleCoverage::Missing,
        };
        let judged = judge(request, &record.policy, &observed.scope);
        let found = observed.connection.as_ref().map(|found| found.connection.as_ref().map(|connection| connection.status));
        let (status, unread) = match found {
            Ok(status) => (status, None),
            Err(error) => (None, Some(error.message.clone())),
        };
        let (connection, why) = match (judged, role, status) {
            (Err(error), _, _) => (ConnectionCoverage::Blocked, Some(error.message)),
            (Ok(()), RoleCoverage::Missing, _) => (ConnectionCoverage::Missing, Some("Reader is missing".to_owned())),
            (Ok(()), _, Some(Status::Connected)) => (ConnectionCoverage::Connected, None),
            (Ok(()), _, Some(Status::Pending)) => (ConnectionCoverage::Pending, Some("ISPM has not tested the connection yet".to_owned())),
            (Ok(()), _, Some(Status::Failed(cause))) => (
                ConnectionCoverage::Failed,
                Some(format!("ISPM's test failed: {}", cause.map_or_else(|| "no cause given".to_owned(), |cause| cause.to_string()))),
            ),
            (Ok(()), _, None) if unread.is_some() => (ConnectionCoverage::Missing, unread),
            (Ok(()), _, None) if record.ispm.connect == (Connect::Console {}) => {
                (ConnectionCoverage::Pending, Some("whether the connection was made in the ISPM console cannot be read".to_owned()))
            }
            (Ok(()), _, None) => (ConnectionCoverage::Missing, Some("there is no connection for the Entra source".to_owned())),
        };
        Self { scope: request.scope.clone(), name: observed.scope.display_name.clone(), role, connection, why }
    }
}
