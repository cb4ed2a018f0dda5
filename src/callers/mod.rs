//! Who calls over HTTP, and what they may ask for: Entra's tokens; on AWS also callers whom it vouches for, and webhook keys.
//!
//! A caller that is known may ask only for what names a tenant that it may name. On AWS nothing is taken from others. On Azure the
//! Functions host checks a key first; here is checked what a key is not enough for.

mod entra;
#[cfg(feature = "aws")]
mod keys;

use std::collections::BTreeSet;
use std::fmt;

use axum::http::{HeaderMap, header};

use crate::error::{Code, Error};
use crate::event::CallerId;
use crate::scope::Guid;

pub use entra::{EntraTokens, Role};
#[cfg(feature = "aws")]
pub use keys::{KEY_HEADER, WebhookKeys};

/// A caller that was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    who: Who,
    may_name: Tenants,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    Entra(CallerId),
    /// Whoever holds a key that the Functions host has checked.
    HostKey,
    #[cfg(feature = "aws")]
    Iam(String),
    #[cfg(feature = "aws")]
    Key(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tenants {
    All,
    Only(BTreeSet<Guid>),
}

impl fmt::Display for Caller {
    /// For logs: an ARN, an object id, a key's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.who {
            Who::Entra(id) => write!(f, "{id}"),
            Who::HostKey => f.write_str("holder of a function key"),
            #[cfg(feature = "aws")]
            Who::Iam(arn) => write!(f, "{arn}"),
            #[cfg(feature = "aws")]
            Who::Key(name) => write!(f, "webhook key {name}"),
        }
    }
}

impl Caller {
    /// A caller whom the Functions host has let through, by one of its keys: which, it does not say.
    const fn of_host_key() -> Self {
        Self { who: Who::HostKey, may_name: Tenants::All }
    }

    /// The caller as results name it, where its token says who it is.
    #[must_use]
    pub const fn id(&self) -> Option<CallerId> {
        match self.who {
            Who::Entra(id) => Some(id),
            Who::HostKey => None,
            #[cfg(feature = "aws")]
            Who::Iam(_) | Who::Key(_) => None,
        }
    }

    /// Under which name its calls are counted. A session of AWS's is named by whoever begins it, so all of a role's are one.
    #[must_use]
    pub fn counted_as(&self) -> String {
        match &self.who {
            #[cfg(feature = "aws")]
            Who::Iam(arn) => of_all_sessions(arn).to_owned(),
            _ => self.to_string(),
        }
    }

    /// A caller whom AWS has let through, by its ARN. IAM decides who is: whoever may call may name each tenant that is served.
    #[cfg(feature = "aws")]
    #[must_use]
    pub fn of_iam(arn: &str) -> Self {
        Self { who: Who::Iam(crate::scope::inert(arn)), may_name: Tenants::All }
    }

    /// Makes sure that the caller may name a tenant.
    ///
    /// # Errors
    /// `NotPermitted` where it may not.
    pub fn may_name(&self, tenant: Guid) -> Result<(), Error> {
        let allowed = match &self.may_name {
            Tenants::All => true,
            Tenants::Only(tenants) => tenants.contains(&tenant),
        };
        if allowed {
            return Ok(());
        }
        Err(Error::new(Code::NotPermitted, format!("this caller ({self}) may not name tenant {tenant}"))
            .hint("Add the tenant to those of the webhook key, or set =all for the caller's tenant in ONBOARDER_ENTRA_CALLERS."))
    }
}

/// The bearer token of a request, if it has one, and one only: of two, the platform before this one may have looked at the other. The scheme's
/// name ignores case (RFC 9110, section 11.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).into_iter();
    let (Some(only), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

/// An ARN without the name of its session, which is the last part of those that STS gives: `assumed-role/ROLE/SESSION`, `federated-user/NAME`
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns>).
#[cfg(feature = "aws")]
fn of_all_sessions(arn: &str) -> &str {
    let is_of_sts = arn.split(':').nth(2) == Some("sts");
    arn.rsplit_once('/').filter(|_| is_of_sts).map_or(arn, |(all, _)| all)
}

fn not_authenticated(words: &str) -> Error {
    Error::new(Code::NotAuthenticated, words)
}

/// Recognises callers by what they send along.
#[derive(Debug)]
pub struct Callers {
    tokens: EntraTokens,
}

impl Callers {
    /// Recognises callers by these.
    #[must_use]
    pub const fn new(tokens: EntraTokens) -> Self {
        Self { tokens }
    }

    /// Recognises a caller by an Entra token with one of these app roles, and by nothing else: what a key or a signature is not enough for.
    ///
    /// # Errors
    /// `NotPermitted` where the deployment takes no tokens, or the role is missing; `NotAuthenticated`; those of reading Entra's keys.
    pub async fn of_token(&self, headers: &HeaderMap, roles: &[Role]) -> Result<Caller, Error> {
        let wanted = || roles.iter().map(|role| role.value()).collect::<Vec<_>>().join(" or ");
        if !self.tokens.are_taken() {
            return Err(Error::new(Code::NotPermitted, "this deployment takes no Entra tokens, and nothing else is enough here").hint(
                format!("Set ONBOARDER_ENTRA_AUDIENCE and ONBOARDER_ENTRA_CALLERS, and assign the app role {} to the caller.", wanted()),
            ));
        }
        match bearer(headers) {
            Some(token) => self.tokens.caller(token, roles).await,
            None => Err(not_authenticated("the call has no Entra token, or more than one")
                .hint(format!("Send an Entra token with the app role {} as `Authorization: Bearer`.", wanted()))),
        }
    }
}

impl Callers {
    /// Recognises the caller of an ops route whose key the Functions host has checked. The key is enough where the deployment takes no Entra
    /// tokens; where it does, one with the app role is needed too. Whoever sends one where none is taken is refused, and not let in as nobody.
    ///
    /// # Errors
    /// Those of [`Callers::of_token`].
    pub async fn of_keyed_call(&self, headers: &HeaderMap, roles: &[Role]) -> Result<Caller, Error> {
        if !self.tokens.are_taken() && !headers.contains_key(header::AUTHORIZATION) {
            return Ok(Caller::of_host_key());
        }
        self.of_token(headers, roles).await
    }
}

#[cfg(feature = "aws")]
impl Callers {
    /// Recognises the caller of an ops route: one whom AWS let through, or one with an Entra token and the app role.
    ///
    /// # Errors
    /// `NotAuthenticated` and `NotPermitted`, which the caller has to mend, and those of reading Entra's keys, which may pass.
    pub async fn of_call(&self, iam: Option<&str>, headers: &HeaderMap, roles: &[Role]) -> Result<Caller, Error> {
        match (iam, bearer(headers)) {
            (Some(arn), _) => Ok(Caller::of_iam(arn)),
            (None, Some(token)) => self.tokens.caller(token, roles).await,
            (None, None) => Err(not_authenticated("the call has no Entra token, and AWS did not sign the caller in")
                .hint("Send an Entra token as `Authorization: Bearer`, or call a URL whose AuthType is AWS_IAM with a signed request.")),
        }
    }

    /// Recognises the sender of a delivery: one with a webhook key, or as [`Callers::of_call`].
    ///
    /// # Errors
    /// Those of [`Callers::of_call`], and those of reading the key.
    pub async fn of_delivery(&self, keys: &WebhookKeys, iam: Option<&str>, headers: &HeaderMap) -> Result<Caller, Error> {
        match headers.get(KEY_HEADER) {
            Some(value) if iam.is_none() => keys.caller(value.to_str().unwrap_or_default()).await,
            None if iam.is_none() && bearer(headers).is_none() => {
                Err(not_authenticated("the delivery has neither a webhook key nor an Entra token")
                    .hint(format!("Give the event subscription the secret delivery header {KEY_HEADER}, or let it sign in to Entra.")))
            }
            _ => self.of_call(iam, headers, &[Role::Send, Role::EventGrid]).await,
        }
    }
}
