//! The connection in ISPM, made through a connect profile.
//!
//! Okta publishes no API that creates an ISPM source. So the calls are not written in code: a [`Profile`] says how a connection is found,
//! created and read over HTTP. The profile that ships is this project's own documented contract (`docs/connect-profile.md`).

mod client;
mod profile;
mod template;

pub use client::{Connection, IspmClient, Status};
pub use profile::Profile;
pub use template::Values;
