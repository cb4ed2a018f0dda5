//! The connection in ISPM, made through a connect profile.
//!
//! Okta publishes no API that creates an ISPM source. So the calls are not written in code: a [`Profile`] says how a connection is found,
//! created, read and removed over HTTP. The profile that ships is this project's own documented contract (`docs/connect-profile.md`).

mod answers;
mod check;
mod client;
mod profile;
mod template;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use client::IspmClient;
pub use profile::Profile;

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
}
