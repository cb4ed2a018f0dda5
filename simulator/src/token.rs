//! Access tokens: shaped like Entra's, signed by a key that only this simulator has.

use std::collections::BTreeSet;
use std::fmt;

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::world::made_up_id;
use crate::{Caller, World};

/// The claims of an access token, version 1.0 (Microsoft identity platform, "Access token claims reference").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// The resource without `/.default`.
    pub aud: String,
    /// `https://sts.windows.net/{tenant}/`.
    pub iss: String,
    /// When the token was issued, in seconds since 1970.
    pub iat: i64,
    /// From when it is valid, in seconds since 1970.
    pub nbf: i64,
    /// From when it is no longer valid, in seconds since 1970.
    pub exp: i64,
    /// The tenant's id.
    pub tid: String,
    /// The client id.
    pub appid: String,
    /// The object id of the service principal, or of the person.
    pub oid: String,
    /// Whom the token speaks for: for an app, the same as `oid`.
    pub sub: String,
    /// `app`, or `user` where a person has signed in.
    pub idtyp: String,
    /// Makes two tokens of one second differ.
    pub uti: String,
    /// An app's permissions in the resource, as they were when the token was issued.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<String>,
    /// What only people's tokens hold.
    #[serde(flatten)]
    pub person: Option<Person>,
}

/// The claims about a person who has signed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// The name that the person signs in with.
    pub upn: String,
    /// What the app may do in the person's name, separated by spaces.
    pub scp: String,
    /// The ids of the directory roles that the person had when the token was issued.
    pub wids: Vec<String>,
}

impl Claims {
    /// Who calls, as Azure writes it in its refusals: a person by name, an app by its client id.
    #[must_use]
    pub fn client(&self) -> &str {
        self.person.as_ref().map_or(&self.appid, |person| &person.upn)
    }
}

/// Whom a token is for.
pub(crate) struct Subject<'a> {
    pub tenant_id: &'a str,
    pub client_id: &'a str,
    pub principal_id: &'a str,
    /// What an app may do with the resource by consent.
    pub roles: BTreeSet<String>,
}

/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no bearer token.
    Missing,
    /// It is not of this simulator's making.
    Forged,
    /// Its time is over, or has not come.
    Expired,
    /// It is for this other audience.
    Audience(String),
    /// It is of this other tenant.
    Tenant(String),
}

/// Signs and verifies tokens.
pub(crate) struct Signer {
    key: hmac::Key,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(..)")
    }
}

impl Signer {
    /// A key that depends on the world alone, so that the same run issues the same tokens.
    pub fn derived_from(world: &World) -> Self {
        // Every part of a world can be written as JSON; were one not to be, two simulators would merely share a key.
        let text = serde_json::to_vec(world).unwrap_or_default();
        let seed = digest::digest(&digest::SHA256, &text);
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, seed.as_ref()) }
    }

    /// A token for `audience`, valid for `lifetime` seconds from `now`. `serial` makes it unique.
    pub fn issue(&self, subject: &Subject<'_>, audience: &str, now: OffsetDateTime, lifetime: u64, serial: u64) -> String {
        self.issue_for(subject, None, audience, now, lifetime, serial)
    }

    /// As [`Signer::issue`], for a person if there is one.
    pub fn issue_for(
        &self,
        subject: &Subject<'_>,
        person: Option<Person>,
        audience: &str,
        now: OffsetDateTime,
        lifetime: u64,
        serial: u64,
    ) -> String {
        let issued = now.unix_timestamp();
        let lifetime = i64::try_from(lifetime).unwrap_or(i64::MAX);
        let claims = Claims {
            aud: audience.to_owned(),
            iss: format!("https://sts.windows.net/{}/", subject.tenant_id),
            iat: issued,
            nbf: issued,
            exp: issued.saturating_add(lifetime),
            tid: subject.tenant_id.to_owned(),
            appid: subject.client_id.to_owned(),
            oid: subject.principal_id.to_owned(),
            sub: subject.principal_id.to_owned(),
            idtyp: if person.is_some() { "user" } else { "app" }.to_owned(),
            uti: made_up_id(&format!("token/{serial}")).simple().to_string(),
            roles: subject.roles.clone(),
            person,
        };
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let signed = format!("{}.{}", BASE64.encode(r#"{"typ":"JWT","alg":"HS256"}"#), BASE64.encode(claims));
        let signature = hmac::sign(&self.key, signed.as_bytes());
        format!("{signed}.{}", BASE64.encode(signature))
    }

    /// The claims of the bearer token in an `Authorization` header, when it is ours, in time and for one of `audiences`. A slash at an
    /// audience's end makes no difference.
    pub fn verify(&self, authorization: Option<&str>, audiences: &[&str], now: OffsetDateTime) -> Result<Claims, Refusal> {
        let token = authorization.and_then(bearer).ok_or(Refusal::Missing)?;
        let claims = self.authentic(token).ok_or(Refusal::Forged)?;
        let now = now.unix_timestamp();
        if now >= claims.exp || now < claims.nbf {
            return Err(Refusal::Expired);
        }
        let audience = claims.aud.trim_end_matches('/');
        if !audiences.contains(&audience) {
            return Err(Refusal::Audience(claims.aud));
        }
        Ok(claims)
    }

    /// Whom the bearer token in an `Authorization` header speaks for, when it is ours, in time or not.
    pub fn caller(&self, authorization: Option<&str>) -> Option<Caller> {
        let claims = self.authentic(authorization.and_then(bearer)?)?;
        Some(Caller { tenant_id: claims.tid, object_id: claims.oid })
    }

    fn authentic(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64.decode(signature).ok()?;
        hmac::verify(&self.key, signed.as_bytes(), &signature).ok()?;
        let (_, claims) = signed.split_once('.')?;
        serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()
    }
}

/// The credentials of an `Authorization` header of the scheme Bearer, whose name ignores case (RFC 9110, section 11.1).
pub(crate) fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("Bearer") && !token.trim().is_empty()).then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-22 10:00 UTC);
    const SUBJECT: Subject<'_> = Subject { tenant_id: "t", client_id: "c", principal_id: "p", roles: BTreeSet::new() };

    fn header(signer: &Signer) -> String {
        format!("Bearer {}", signer.issue(&SUBJECT, "https://management.azure.com/", NOW, 3599, 1))
    }

    #[test]
    fn takes_its_own_token_until_it_expires() {
        let signer = Signer::derived_from(&World::empty());
        let header = header(&signer);
        let verify = |at| signer.verify(Some(&header), &["https://management.azure.com"], at);
        assert_eq!(verify(NOW + Duration::seconds(3598)).map(|claims| claims.oid), Ok("p".to_owned()));
        assert_eq!(verify(NOW + Duration::seconds(3599)), Err(Refusal::Expired));
    }

    #[test]
    fn refuses_other_audiences_other_signers_and_changed_tokens() {
        let signer = Signer::derived_from(&World::empty());
        let header = header(&signer);
        let other = Signer::derived_from(&World::demo(7));
        let audiences = ["https://management.azure.com"];
        assert_eq!(other.verify(Some(&header), &audiences, NOW), Err(Refusal::Forged));
        assert_eq!(signer.verify(Some(&header.replacen("Bearer e", "Bearer f", 1)), &audiences, NOW), Err(Refusal::Forged));
        let refused = signer.verify(Some(&header), &["https://vault.azure.net"], NOW);
        assert_eq!(refused, Err(Refusal::Audience("https://management.azure.com/".to_owned())));
        assert_eq!(signer.verify(Some("Basic eA=="), &audiences, NOW), Err(Refusal::Missing));
        assert_eq!(signer.verify(None, &audiences, NOW), Err(Refusal::Missing));
    }
}
