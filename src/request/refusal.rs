//! Inputs that ask for nothing that can be done as they are.

use time::OffsetDateTime;

use super::{NoTenant, Request};
use crate::error::{Code, Error};
use crate::scope::Guid;

/// Why an input asks for nothing that can be done.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The reason.
    pub error: Error,
    /// The tenant that it names, if that could be read.
    pub tenant: Option<Guid>,
    /// The message itself, where it has to wait for a newer version of this program.
    pub kept: Option<Kept>,
    /// What it asks for, where only the tenant is missing: a deployment that serves one tenant knows which.
    pub nameless: Option<Request<NoTenant>>,
}

/// A message of a newer version.
#[derive(Clone, Debug)]
pub struct Kept {
    /// When its request was first taken up: it does not wait for ever.
    pub first_seen: OffsetDateTime,
    /// The message.
    pub text: String,
}

impl Refusal {
    /// When the input was first taken up, where it is one that was put back.
    #[must_use]
    pub fn first_seen(&self) -> Option<OffsetDateTime> {
        let nameless = self.nameless.as_ref().map(|request| request.history.first_seen);
        self.kept.as_ref().map(|kept| kept.first_seen).or(nameless.flatten())
    }
}

impl From<Error> for Box<Refusal> {
    fn from(error: Error) -> Self {
        Self::new(error.into())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, tenant: None, kept: None, nameless: None }
    }
}

impl From<Request<NoTenant>> for Box<Refusal> {
    fn from(request: Request<NoTenant>) -> Self {
        let error = Error::new(Code::InvalidEvent, format!("the event about {} names no tenant", request.scope))
            .hint("Serve one tenant by this deployment, or send an event that names the tenant.");
        Self::new(Refusal { nameless: Some(request), ..error.into() })
    }
}
