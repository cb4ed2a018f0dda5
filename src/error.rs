//! One error type, and the one place that decides what a failure means.
//!
//! An [`Error`] is made of words of our own: a code, a message, the next step. It never carries an upstream body, since bodies can hold
//! secrets and text that somebody else chose.

use std::time::Duration;

use serde::Serialize;

/// What went wrong, by the name under which `docs/operate.md` explains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Not for this project; nothing to do.
    Irrelevant,
    /// The input is not an event or message that this version understands.
    InvalidEvent,
    /// A stored message was written by a newer version of this program.
    MessageNewer,
    /// The event names something that is not a subscription or management group.
    InvalidScope,
    /// No tenant record, or a tenant outside this deployment's list.
    TenantNotServed,
    /// The scope belongs to another tenant than the event says.
    ForeignScope,
    /// The scope does not exist, or this identity may not see it.
    ScopeNotFound,
    /// A right is missing in Azure.
    AuthorizationFailed,
    /// The ISPM app's service principal does not exist in the tenant.
    PrincipalNotFound,
    /// The assignment's name is taken by another assignment.
    RoleAssignmentConflict,
    /// The scope holds as many role assignments as Azure allows.
    RoleAssignmentLimitExceeded,
    /// An upstream service answered what its contract does not foresee.
    UnexpectedAnswer,
    /// ISPM refused the connection for good.
    ConnectionRefused,
    /// A connection of that name exists with other values.
    ConnectionConflict,
    /// Offboarding was asked for by an event, and the policy lets only people offboard.
    OffboardingByEvent,
    /// Offboarding was asked for by an event, and the scope's state does not justify it.
    OffboardingNotJustified,
    /// What is ours was removed, and the ISPM app still has a Reader that others assigned.
    ReaderRemains,
    /// Kept out by the tenant's policy.
    ExcludedByPolicy,
    /// The subscription's state does not allow it.
    SubscriptionNotActive,
    /// Reader is missing and the policy forbids assigning it.
    RoleMissing,
    /// The ISPM console has to be used by a person.
    AwaitingConsole,
    /// ISPM's own test of the connection has not passed yet.
    ConnectionPending,
    /// ISPM's own test of the connection failed.
    ConnectionFailed,
    /// The tenant record cannot be read.
    RecordInvalid,
    /// The tenant record was written for a newer version of this program.
    RecordNewer,
    /// A secret that the record names is missing or empty.
    SecretMissing,
    /// The secret store refused this deployment's identity.
    SecretStoreRefused,
    /// Entra refused the tenant's credential.
    CredentialRefused,
    /// Entra knows no federated credential of the login app that fits, or does not know it yet.
    FederatedCredentialMissing,
    /// An upstream service refused a fresh token.
    TokenRefused,
    /// Graph denied reading the service principal.
    GraphRefused,
    /// ISPM refused its token.
    IspmRefused,
    /// The Related AAD is not in ISPM, or is another directory.
    RelatedSourceMismatch,
    /// The connect profile cannot be used.
    ProfileInvalid,
    /// Too many requests upstream.
    Throttled,
    /// An upstream service or the network failed.
    Unavailable,
    /// The invocation's time ran out.
    DeadlineReached,
    /// The results topic denied this deployment's identity.
    ResultsRefused,
    /// The storage of reports and dead letters denied this deployment's identity, or is not there.
    ReportRefused,
    /// The deployment's configuration is wrong.
    NotConfigured,
    /// A caller did not say who it is, or not in a way that is taken here.
    NotAuthenticated,
    /// A caller may not do this, or not for this tenant.
    NotPermitted,
    /// A caller over HTTP asked too often.
    TooManyCalls,
}

impl Code {
    /// The code as it stands in results and logs.
    #[must_use]
    pub fn as_str(self) -> String {
        serde_json::to_value(self).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// What is to be done with the input whose handling failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// May pass: put back with a growing delay, for 24 hours at most.
    Later,
    /// Nothing of this tenant can pass until someone mends it: put back the same way, and `tenant.failed` published.
    TenantLater,
    /// Cannot pass: publish `failed`, then acknowledge.
    Reject,
    /// Nothing to do: acknowledge.
    Ignore,
}

/// A failure, in words that can be shown to anyone.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What kind of failure.
    pub code: Code,
    /// What happened, to which id.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The time after which the service asked to be called again.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// A failure of a kind, with what happened to which id.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, retry_after: None }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds when the service asked to be called again.
    #[must_use]
    pub const fn retry_after(mut self, after: Option<Duration>) -> Self {
        self.retry_after = after;
        self
    }

    /// Decides what this failure means. `young` says whether the cause lies within the propagation window: until it ends, Azure may
    /// answer 403 and 404 for things that exist (contract: role assignments take 10 minutes, group caches 30).
    #[must_use]
    pub const fn disposition(&self, young: bool) -> Disposition {
        match self.code {
            Code::Irrelevant => Disposition::Ignore,
            Code::Throttled
            | Code::Unavailable
            | Code::DeadlineReached
            | Code::NotConfigured
            | Code::ResultsRefused
            | Code::ReportRefused
            | Code::RecordNewer
            | Code::MessageNewer => Disposition::Later,
            Code::ScopeNotFound
            | Code::AuthorizationFailed
            | Code::PrincipalNotFound
            | Code::ConnectionPending
            | Code::ConnectionFailed
            | Code::FederatedCredentialMissing
                if young =>
            {
                Disposition::Later
            }
            Code::RecordInvalid
            | Code::SecretMissing
            | Code::SecretStoreRefused
            | Code::CredentialRefused
            | Code::FederatedCredentialMissing
            | Code::TokenRefused
            | Code::GraphRefused
            | Code::IspmRefused
            | Code::RelatedSourceMismatch
            | Code::ProfileInvalid => Disposition::TenantLater,
            Code::InvalidEvent
            | Code::InvalidScope
            | Code::TenantNotServed
            | Code::ForeignScope
            | Code::ScopeNotFound
            | Code::AuthorizationFailed
            | Code::PrincipalNotFound
            | Code::RoleAssignmentConflict
            | Code::RoleAssignmentLimitExceeded
            | Code::UnexpectedAnswer
            | Code::ConnectionRefused
            | Code::ConnectionConflict
            | Code::ConnectionPending
            | Code::ConnectionFailed
            | Code::OffboardingByEvent
            | Code::OffboardingNotJustified
            | Code::ReaderRemains
            | Code::ExcludedByPolicy
            | Code::SubscriptionNotActive
            | Code::RoleMissing
            | Code::AwaitingConsole
            | Code::NotAuthenticated
            | Code::NotPermitted
            | Code::TooManyCalls => Disposition::Reject,
        }
    }

    /// Whether a new tenant session (fresh record, secrets and tokens) may cure this failure within the same delivery.
    #[must_use]
    pub const fn stale_session(&self) -> bool {
        matches!(
            self.code,
            Code::CredentialRefused | Code::FederatedCredentialMissing | Code::TokenRefused | Code::IspmRefused | Code::SecretStoreRefused
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_young_cause_explains_may_pass_and_later_it_cannot() {
        for (code, young, old) in [
            (Code::Irrelevant, Disposition::Ignore, Disposition::Ignore),
            (Code::Throttled, Disposition::Later, Disposition::Later),
            (Code::MessageNewer, Disposition::Later, Disposition::Later),
            (Code::AuthorizationFailed, Disposition::Later, Disposition::Reject),
            (Code::ScopeNotFound, Disposition::Later, Disposition::Reject),
            (Code::ConnectionFailed, Disposition::Later, Disposition::Reject),
            (Code::FederatedCredentialMissing, Disposition::Later, Disposition::TenantLater),
            (Code::CredentialRefused, Disposition::TenantLater, Disposition::TenantLater),
            (Code::ConnectionRefused, Disposition::Reject, Disposition::Reject),
            (Code::ExcludedByPolicy, Disposition::Reject, Disposition::Reject),
        ] {
            let error = Error::new(code, "words");
            assert_eq!((error.disposition(true), error.disposition(false)), (young, old), "{code:?}");
        }
    }

    #[test]
    fn a_new_session_is_tried_for_what_another_secret_or_token_may_cure() {
        let cures = |code| Error::new(code, "words").stale_session();
        assert!([Code::CredentialRefused, Code::TokenRefused, Code::IspmRefused, Code::SecretStoreRefused].into_iter().all(cures));
        assert!(![Code::AuthorizationFailed, Code::SecretMissing, Code::Unavailable, Code::GraphRefused].into_iter().any(cures));
    }

    #[test]
    fn codes_are_told_by_their_names() {
        assert_eq!(Code::RoleAssignmentLimitExceeded.as_str(), "role-assignment-limit-exceeded");
    }
}
