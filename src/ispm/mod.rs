//! The connection in ISPM, made through a connect profile.
//!
//! Okta publishes no API that creates an ISPM source. So the calls are not written in code: a [`Profile`] says how a connection is found,
//! created, read and removed over HTTP. The profile that ships is this project's own documented contract (`docs/connect-profile.md`).

mod answers;
mod check;
mod client;
mod profile;
mod template;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use client::IspmClient;
pub use profile::Profile;

use crate::error::Error;
use crate::scope::Scope;

/// The state of a connection, by ISPM's own test of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// ISPM reads through it.
    Connected,
    /// Not tested yet.
    Pending,
    /// The test failed.
    Failed(Option<Cause>),
}

/// ISPM's three causes of a failed test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The credentials were refused.
    FailedAuthentication,
    /// A right is missing.
    MissingPermissions,
    /// Something is not set up.
    MissingConfiguration,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FailedAuthentication => "failed authentication",
            Self::MissingPermissions => "missing permissions",
            Self::MissingConfiguration => "missing configuration",
        })
    }
}

/// What a search for a scope's connection found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The connection; of several, the oldest.
    pub connection: Option<Connection>,
    /// Whether it has the profile's mark of what was made here.
    pub ours: bool,
    /// The ids of younger ones that were made here, where ISPM does not refuse a second.
    pub surplus: Vec<String>,
}

/// A connection as ISPM shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// ISPM's id; absent while its creation is only accepted.
    pub id: Option<String>,
    /// The source name.
    pub name: String,
    /// Its state.
    pub status: Status,
    /// When it was made, where the profile says how to tell and it is a time.
    pub created_on: Option<OffsetDateTime>,
}

/// A connection in a list. One whose status the profile does not describe does not hide the others.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The connection, or what cannot be read of it.
    pub connection: Result<Connection, Error>,
    /// Whether it has the profile's mark of what was made here.
    pub ours: bool,
}

/// All connections of a tenant's Entra source.
#[derive(Clone, Debug)]
pub enum Connections {
    /// One serves whatever the app may read.
    Shared(Option<Seen>),
    /// Each scope has its own.
    PerScope {
        /// Those of the scopes asked for.
        of_scopes: BTreeMap<Scope, Seen>,
        /// Those made here for other scopes.
        others: Vec<Seen>,
    },
}
