//! Entra tokens of callers: signed by Entra, of a tenant that is heard, for this deployment, in time, and with the app role
//! (<https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens>).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use azure_core::http::{HttpClient, Method, Request};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};
use url::Url;

use super::{Caller, Tenants, Who, not_authenticated};
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::config::{Config, MayName};
use crate::error::{Code, Error};
use crate::event::CallerId;
use crate::net::{self, Api, Posts};
use crate::scope::Guid;

/// What a caller may be allowed, as app roles of the app that the tokens are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// To deliver events.
    Send,
    /// To deliver events, by the name that Event Grid's own guide gives the role
    /// (<https://learn.microsoft.com/azure/event-grid/secure-webhook-delivery>).
    EventGrid,
    /// To have a scope onboarded.
    Onboard,
    /// To have a scope offboarded.
    Offboard,
    /// To read what is covered.
    Read,
}

impl Role {
    /// The app role's value, as it stands in a token's `roles`.
    #[must_use]
    pub const fn value(self) -> &'static str {
        match self {
            Self::Send => "Onboarder.Send",
            Self::EventGrid => "AzureEventGridSecureWebhookSubscriber",
            Self::Onboard => "Onboarder.Onboard",
            Self::Offboard => "Onboarder.Offboard",
            Self::Read => "Onboarder.Read",
        }
    }
}

/// How far the clocks may be apart.
const LEEWAY: i64 = 60;
/// How long Entra's keys are used before they are read again. It announces new ones long before it uses them.
const LIFETIME: Duration = Duration::hours(24);
/// How soon they are read again for a token whose key is not among them, or after a read that failed, so that made-up tokens cost few calls.
const READ_AGAIN_AFTER: std::time::Duration = std::time::Duration::from_mins(1);

/// What is looked at in a token.
#[derive(Deserialize)]
struct Claims {
    aud: String,
    exp: i64,
    iss: String,
    nbf: i64,
    oid: Guid,
    tid: Guid,
    /// The app that asked for the token, in version 1.0.
    appid: Option<Guid>,
    /// The same in version 2.0.
    azp: Option<Guid>,
    #[serde(default)]
    roles: Vec<String>,
}

/// Verifies tokens, with the keys that Entra publishes.
pub struct EntraTokens {
    api: Api,
    cloud: Cloud,
    audiences: Vec<String>,
    callers: BTreeMap<Guid, MayName>,
    clock: Clock,
    keys: Mutex<BTreeMap<Guid, Keys>>,
}

/// Entra's keys for a tenant.
#[derive(Clone)]
struct Keys {
    /// When they were last asked for, whether or not they came.
    asked: OffsetDateTime,
    /// As they were when they last came, and when that was.
    came: Option<(OffsetDateTime, Arc<JwkSet>)>,
}

impl fmt::Debug for EntraTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntraTokens").field("audiences", &self.audiences).field("callers", &self.callers).finish_non_exhaustive()
    }
}

impl EntraTokens {
    /// Takes the tokens that a configuration describes; nothing is read yet.
    #[must_use]
    pub fn new(config: &Config, transport: &Arc<dyn HttpClient>, clock: Clock) -> Self {
        Self {
            api: Api::without_sign_in(net::pipeline(transport, Posts::Ask, None)),
            cloud: config.cloud,
            audiences: config.entra_audiences.clone(),
            callers: config.entra_callers.clone(),
            clock,
            keys: Mutex::default(),
        }
    }

    /// Whether any token is taken at all.
    pub(super) const fn are_taken(&self) -> bool {
        !self.audiences.is_empty()
    }

    /// The caller that a token proves, if it has one of these roles.
    ///
    /// # Errors
    /// `NotAuthenticated` where it proves none, `NotPermitted` where the role is missing; those of reading Entra's keys.
    pub async fn caller(&self, token: &str, roles: &[Role]) -> Result<Caller, Error> {
        if !self.are_taken() {
            return Err(not_authenticated("this deployment takes no Entra tokens")
                .hint("Set ONBOARDER_ENTRA_AUDIENCE and ONBOARDER_ENTRA_CALLERS, or call by another way."));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| not_authenticated("the bearer token is not a signed token"))?;
        // Before its signature is checked, a token's tenant only says whose keys to check it with.
        let tenant = unverified_tenant(token).filter(|tenant| self.callers.contains_key(tenant));
        let (Some(tenant), Some(key_id)) = (tenant, header.kid) else {
            return Err(not_authenticated("the Entra token is of no tenant whose callers are heard")
                .hint("Add the caller's tenant to ONBOARDER_ENTRA_CALLERS."));
        };
        let key = self.key(tenant, &key_id).await?;
        let claims = self.verified(token, &key, tenant)?;
        if !roles.iter().any(|role| claims.roles.iter().any(|own| own == role.value())) {
            let wanted: Vec<&str> = roles.iter().map(|role| role.value()).collect();
            return Err(Error::new(Code::NotPermitted, format!("the Entra token of object {} has not the app role for this", claims.oid))
                .hint(format!("Assign the app role {} to the caller.", wanted.join(" or "))));
        }
        let may_name = match self.callers.get(&tenant) {
            Some(MayName::All) => Tenants::All,
            _ => Tenants::Only([tenant].into()),
        };
        Ok(Caller { who: Who::Entra(CallerId { tenant_id: tenant, object_id: claims.oid }), may_name })
    }

    fn verified(&self, token: &str, key: &DecodingKey, tenant: Guid) -> Result<Claims, Error> {
        // Audience and times are checked below: here is the clock that all else goes by.
        let mut validation = Validation::new(Algorithm::RS256);
        (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
        validation.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation)
            .map_err(|_| not_authenticated("the Entra token is not one that Entra signed, or lacks a claim"))?
            .claims;
        let issuers = [format!("https://sts.windows.net/{tenant}/"), format!("{}/{tenant}/v2.0", self.cloud.authority())];
        if claims.tid != tenant || !issuers.contains(&claims.iss) {
            return Err(not_authenticated("the Entra token's issuer is not its tenant"));
        }
        if claims.appid.or(claims.azp).is_none() {
            return Err(not_authenticated("the Entra token is not an access token").hint("Send the access token, not the ID token."));
        }
        if !self.audiences.contains(&claims.aud) {
            return Err(not_authenticated("the Entra token is for another audience")
                .hint("Ask for a token for the app in ONBOARDER_ENTRA_AUDIENCE."));
        }
        let now = self.clock.now().unix_timestamp();
        if now >= claims.exp.saturating_add(LEEWAY) || now < claims.nbf.saturating_sub(LEEWAY) {
            return Err(not_authenticated("the Entra token has expired, or is not valid yet").hint("Ask for a new token."));
        }
        Ok(claims)
    }

    /// The key of this id among those that Entra publishes for a tenant. Only a read that was made for this token says that there is none.
    async fn key(&self, tenant: Guid, key_id: &str) -> Result<DecodingKey, Error> {
        let unusable = || not_authenticated("the Entra token is signed with a key that Entra does not publish");
        let kept = self.remembered(tenant);
        let known = kept.as_ref().and_then(|kept| kept.came.as_ref()?.1.find(key_id).cloned());
        let key = match (known, kept) {
            (Some(key), _) => key,
            (None, Some(kept)) if self.clock.now() - kept.asked < READ_AGAIN_AFTER => {
                return Err(Error::new(
                    Code::Throttled,
                    format!("Entra's keys for tenant {tenant} were read a moment ago, and this is not among them"),
                )
                .retry_after(Some(READ_AGAIN_AFTER)));
            }
            (None, _) => self.read(tenant).await?.find(key_id).cloned().ok_or_else(unusable)?,
        };
        DecodingKey::from_jwk(&key).map_err(|_| unusable())
    }

    /// What is known of a tenant's keys. Those that came too long ago are not.
    fn remembered(&self, tenant: Guid) -> Option<Keys> {
        let kept = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned()?;
        let came = kept.came.filter(|(when, _)| self.clock.now() - *when < LIFETIME);
        Some(Keys { came, ..kept })
    }

    /// Reads the keys of a tenant and notes them. Where they cannot be read, those that came before stay as good as they were: whoever makes
    /// up a token decides when they are read again.
    async fn read(&self, tenant: Guid) -> Result<Arc<JwkSet>, Error> {
        let result = self.published(tenant).await.map(Arc::new);
        let asked = self.clock.now();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let came = match &result {
            Ok(set) => Some((asked, set.clone())),
            Err(_) => keys.remove(&tenant).and_then(|kept| kept.came),
        };
        keys.insert(tenant, Keys { asked, came });
        result
    }

    /// The keys that Entra publishes (<https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-signature>).
    async fn published(&self, tenant: Guid) -> Result<JwkSet, Error> {
        let url = Url::parse(&format!("{}/{tenant}/discovery/v2.0/keys", self.cloud.authority()));
        let url = url.map_err(|_| Error::new(Code::NotConfigured, format!("no keys can be read for tenant {tenant}")))?;
        let answer = self.api.send("entra.keys", Request::new(url, Method::Get)).await?;
        if answer.status() != 200 {
            return Err(answer.refusal(Code::Unavailable, &format!("Entra publishes no keys for tenant {tenant}")));
        }
        answer.json()
    }
}

/// The tenant that a token claims to be of.
fn unverified_tenant(token: &str) -> Option<Guid> {
    #[derive(Deserialize)]
    struct Tenant {
        tid: Guid,
    }
    jsonwebtoken::dangerous::insecure_decode::<Tenant>(token).ok().map(|token| token.claims.tid)
}
