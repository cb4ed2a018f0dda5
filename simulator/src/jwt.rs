//! Tokens that others can verify: RS256, signed with keys that are fixed and published.
//!
//! The private keys under `src/keys` were made with `openssl genpkey` for this simulator. Everyone can read them, so they prove nothing to
//! anyone but a program that was pointed at a simulated issuer.

use std::sync::OnceLock;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use crate::{Simulator, World};

/// Where the modulus of a 2048-bit key lies in its DER form, `RSAPublicKey` (RFC 8017, A.1.1), behind a zero that keeps it positive.
const MODULUS: std::ops::Range<usize> = 9..265;

/// A key pair with the name under which its issuer publishes it.
pub(crate) struct Key {
    kid: &'static str,
    der: &'static [u8],
    pair: OnceLock<Option<RsaKeyPair>>,
}

/// Entra's key.
pub(crate) static ENTRA: Key = Key::new("simulated-entra-key", include_bytes!("keys/entra.p8"));
/// The key of AWS STS.
pub(crate) static AWS_STS: Key = Key::new("simulated-aws-sts-key", include_bytes!("keys/aws-sts.p8"));
/// A key that no issuer publishes.
static STRANGER: Key = Key::new("stranger", STRANGERS_KEY);
/// The same, as PKCS #8.
pub(crate) const STRANGERS_KEY: &[u8] = include_bytes!("keys/stranger.p8");
/// The key of a login app's certificates, as PKCS #8.
pub(crate) const LOGIN_KEY: &[u8] = include_bytes!("keys/login.p8");

/// How [`Simulator::sign_token`] signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKey {
    /// As Entra does.
    Entra,
    /// As AWS STS does.
    AwsSts,
    /// With a key that no issuer publishes, under a name that no issuer publishes.
    Stranger,
    /// With a key that no issuer publishes, under the name of Entra's.
    StrangerAsEntra,
    /// Not at all: the algorithm is `none` and the signature is empty.
    Unsigned,
    /// With HS256 and Entra's public key (`RSAPublicKey` in DER) as the secret, under the name of Entra's.
    PublicKeyAsSecret,
}

impl Simulator {
    /// A token with exactly these claims, for tests of those who verify tokens.
    #[must_use]
    pub fn sign_token(claims: &Value, key: TokenKey) -> String {
        match key {
            TokenKey::Entra => ENTRA.sign(claims),
            TokenKey::AwsSts => AWS_STS.sign(claims),
            TokenKey::Stranger => STRANGER.sign(claims),
            TokenKey::StrangerAsEntra => STRANGER.sign_as(ENTRA.kid, claims),
            TokenKey::Unsigned => format!("{}.", unsigned(&json!({"typ": "JWT", "alg": "none"}), claims)),
            TokenKey::PublicKeyAsSecret => {
                let text = unsigned(&json!({"typ": "JWT", "alg": "HS256", "kid": ENTRA.kid}), claims);
                let secret = hmac::Key::new(hmac::HMAC_SHA256, ENTRA.public().unwrap_or_default());
                format!("{text}.{}", BASE64.encode(hmac::sign(&secret, text.as_bytes())))
            }
        }
    }
}

impl Key {
    const fn new(kid: &'static str, der: &'static [u8]) -> Self {
        Self { kid, der, pair: OnceLock::new() }
    }

    /// The pair. The keys are part of the program, and a test reads each of them.
    fn pair(&self) -> Option<&RsaKeyPair> {
        self.pair.get_or_init(|| RsaKeyPair::from_pkcs8(self.der).ok()).as_ref()
    }

    /// The public key as an `RSAPublicKey` in DER.
    fn public(&self) -> Option<&[u8]> {
        self.pair().map(|pair| pair.public_key().as_ref())
    }

    /// A token with these claims. The same claims give the same token.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(self.kid, claims)
    }

    fn sign_as(&self, kid: &str, claims: &Value) -> String {
        let text = unsigned(&json!({"typ": "JWT", "alg": "RS256", "kid": kid}), claims);
        let signature = self.pair().and_then(|pair| {
            let mut signature = vec![0; pair.public_modulus_len()];
            // PKCS #1 v1.5 draws no random numbers, whatever it is handed.
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).ok()?;
            Some(signature)
        });
        format!("{text}.{}", BASE64.encode(signature.unwrap_or_default()))
    }

    /// Whether this key signed the token, with RS256 and under its own name.
    pub fn signed(&self, token: &str) -> bool {
        let header = part(token, 0).unwrap_or_default();
        if header["alg"] != "RS256" || header["kid"] != self.kid {
            return false;
        }
        let verify = || {
            let (text, signature) = token.rsplit_once('.')?;
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.public()?);
            key.verify(text.as_bytes(), &BASE64.decode(signature).ok()?).ok()
        };
        verify().is_some()
    }

    /// The public key as a JSON Web Key (RFC 7517).
    pub fn jwk(&self) -> Value {
        let modulus = self.public().and_then(|der| der.get(MODULUS)).unwrap_or_default();
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": BASE64.encode(modulus), "e": "AQAB"})
    }
}

/// The key that an issuer of this world signs with.
pub(crate) fn key_of(world: &World, issuer: &str) -> Option<&'static Key> {
    if world.aws.values().any(|account| account.federation.enabled && account.federation.issuer == issuer) {
        return Some(&AWS_STS);
    }
    tenant_of(world, issuer).filter(|tenant| world.tenants.contains_key(*tenant)).map(|_| &ENTRA)
}

/// The tenant that issues as this, where it is one of Entra.
pub(crate) fn tenant_of<'a>(world: &World, issuer: &'a str) -> Option<&'a str> {
    let rest = issuer.strip_prefix("https://")?.strip_prefix(world.settings.cloud.entra())?;
    rest.strip_prefix('/')?.strip_suffix("/v2.0")
}

/// The claims of a token, verified or not.
pub(crate) fn claims(token: &str) -> Option<Value> {
    part(token, 1).filter(Value::is_object).filter(|_| token.split('.').count() == 3)
}

/// The header of a token, verified or not.
pub(crate) fn header(token: &str) -> Option<Value> {
    part(token, 0)
}

fn part(token: &str, number: usize) -> Option<Value> {
    serde_json::from_slice(&BASE64.decode(token.split('.').nth(number)?).ok()?).ok()
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_signs_and_knows_its_own_signature_only() {
        let keys = [&ENTRA, &AWS_STS, &STRANGER];
        for key in keys {
            let token = key.sign(&json!({"sub": "s"}));
            assert_eq!(keys.map(|other| other.signed(&token)), keys.map(|other| other.kid == key.kid));
            assert_eq!(claims(&token), Some(json!({"sub": "s"})));
            assert_eq!(token, key.sign(&json!({"sub": "s"})), "signing draws no random numbers");
            let jwk = key.jwk();
            let modulus = BASE64.decode(jwk["n"].as_str().unwrap_or_default()).unwrap_or_default();
            assert_eq!(modulus.len(), 256);
            assert!(modulus[0] >= 0x80, "the modulus begins with its highest bit");
        }
    }

    #[test]
    fn takes_no_wrong_token_for_entras() {
        let claims = json!({"sub": "s"});
        for key in [TokenKey::AwsSts, TokenKey::Stranger, TokenKey::StrangerAsEntra, TokenKey::Unsigned, TokenKey::PublicKeyAsSecret] {
            assert!(!ENTRA.signed(&Simulator::sign_token(&claims, key)), "{key:?}");
        }
        assert!(ENTRA.signed(&Simulator::sign_token(&claims, TokenKey::Entra)));
    }
}
