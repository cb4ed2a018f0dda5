//! What must be true, whatever happens.

use std::fmt;

/// What must be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// At most one assignment of this program at a scope.
    OneAssignment,
    /// At most one connection for a key.
    OneConnection,
    /// No other role, no other principal.
    OnlyReader,
    /// The name of an assignment follows from scope, principal and role.
    DeterministicName,
    /// No write for one tenant in another.
    OwnTenant,
    /// What is accepted ends in a published result, or is still with the platform.
    NothingLost,
    /// Equal ids for equal outcomes, and for no others.
    EqualIds,
    /// No elevation outlives the command that asked for it.
    NoElevation,
    /// Nothing is removed that this program did not make.
    OnlyOurs,
    /// No secret in anything emitted.
    NoSecret,
    /// Once all is well, every eligible scope is onboarded.
    AllOnboarded,
    /// The calls, the time and the bytes of one delivery are bounded.
    BoundedWork,
    /// No service is called again earlier than it asked for.
    ObeysRetryAfter,
    /// Where Reader is inherited and that counts, none is assigned.
    InheritedCounts,
    /// What is told as done is true.
    TellsTheTruth,
    /// What is told as failed did fail.
    NoFalseAlarm,
    /// When the schedules have run, nothing is under way any more.
    ComesToAnEnd,
    /// The same seed is the same history.
    Deterministic,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneAssignment => "one assignment per scope",
            Self::OneConnection => "one connection per key",
            Self::OnlyReader => "no other role or principal",
            Self::DeterministicName => "deterministic names",
            Self::OwnTenant => "no write outside the tenant",
            Self::NothingLost => "nothing lost",
            Self::EqualIds => "equal ids for equal outcomes",
            Self::NoElevation => "no elevation left",
            Self::OnlyOurs => "nothing removed that is not ours",
            Self::NoSecret => "no secret in anything emitted",
            Self::AllOnboarded => "every eligible scope onboarded in the end",
            Self::BoundedWork => "bounded work",
            Self::ObeysRetryAfter => "Retry-After obeyed",
            Self::InheritedCounts => "inherited Reader counts",
            Self::TellsTheTruth => "what is told is true",
            Self::NoFalseAlarm => "no false alarm",
            Self::ComesToAnEnd => "everything comes to an end",
            Self::Deterministic => "one seed, one history",
        })
    }
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub invariant: Invariant,
    /// What was there instead.
    pub words: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.words)
    }
}
