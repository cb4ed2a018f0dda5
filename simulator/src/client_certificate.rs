//! Certificates that sign an app in: made from keys that are part of this program, so that the same times give the same certificate.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PublicKeyData as _};
use rustls::pki_types::PrivatePkcs8KeyDer;
use time::OffsetDateTime;

use crate::jwt;
use crate::world::{KeyCredential, Sensitive};

/// A certificate with its private key, and what its app is told of it.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The private key, as PEM.
    pub key: Sensitive,
    /// The certificate, as PEM.
    pub certificate: String,
    /// What stands at the app.
    pub credential: KeyCredential,
}

impl ClientCertificate {
    /// A certificate of the login's key for this time.
    ///
    /// # Errors
    /// When the cryptographic library can make none.
    pub fn made(from: OffsetDateTime, until: OffsetDateTime) -> io::Result<Self> {
        Self::of(jwt::LOGIN_KEY, from, until)
    }

    /// As [`ClientCertificate::made`], of another key.
    ///
    /// # Errors
    /// When the cryptographic library can make none.
    pub fn of_a_stranger(from: OffsetDateTime, until: OffsetDateTime) -> io::Result<Self> {
        Self::of(jwt::STRANGERS_KEY, from, until)
    }

    fn of(key: &[u8], from: OffsetDateTime, until: OffsetDateTime) -> io::Result<Self> {
        let key = KeyPair::try_from(&PrivatePkcs8KeyDer::from(key)).map_err(io::Error::other)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "ispm-onboarder login");
        (params.not_before, params.not_after) = (from, until);
        let certificate = params.self_signed(&key).map_err(io::Error::other)?;
        let (der, public_key) = (BASE64.encode(certificate.der()), BASE64.encode(key.der_bytes()));
        let credential = KeyCredential { key: der, public_key, start: from, end: until };
        Ok(Self { key: Sensitive::from(key.serialize_pem().as_str()), certificate: certificate.pem(), credential })
    }

    /// Key and certificate as one text, as a secret store keeps them.
    #[must_use]
    pub fn pem(&self) -> String {
        format!("{}{}", self.key.reveal(), self.certificate)
    }
}
