//! Signing in with a certificate: PEM from the store, and the assertions that it signs
//! (<https://learn.microsoft.com/entra/identity-platform/certificate-credentials>).

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256, RsaKeyPair};
use azure_core::error::{Error as SdkError, ErrorKind};
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls_pki_types::pem::{PemObject as _, SectionKind};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::x509::Certificate;
use crate::clock::Clock;
use crate::error::{Code, Error};
use crate::net::Invocation;
use crate::scope::Guid;

/// Entra advises 5 to 10 minutes; it looks at an assertion once, at once.
const LIFETIME: Duration = Duration::minutes(5);

/// A certificate with its private key, fit to sign in with.
pub struct ClientCertificate {
    key: RsaKeyPair,
    /// SHA-256 of the certificate in DER, which is how Entra finds it among those of the app.
    thumbprint: String,
    not_after: OffsetDateTime,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

impl ClientCertificate {
    /// Reads a PEM text with a private key and its certificate, of several for this key the one that lasts longest; others, such as those of
    /// issuers, are passed over.
    ///
    /// # Errors
    /// What was expected instead, in words that show nothing of the text.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let sections = sections(text)?;
        let (kind, key) = sections.iter().find(|(kind, _)| is_key(*kind)).ok_or_else(|| without_key(text))?;
        let key = match kind {
            SectionKind::PrivateKey => RsaKeyPair::from_pkcs8(key).ok(),
            SectionKind::RsaPrivateKey => RsaKeyPair::from_der(key).ok(),
            _ => None,
        };
        // Entra verifies assertions by RSA keys only.
        let key = key.ok_or("expected an RSA key of at least 2048 bits")?;
        let certificates = certificates(&sections)?;
        let own = certificates.into_iter().filter(|(_, certificate)| certificate.public_key == key.public_key().as_ref());
        let own = own.max_by_key(|(_, certificate)| certificate.not_after);
        let (der, certificate) = own.ok_or("expected the certificate of the private key beside it, and found another's")?;
        Ok(Self { key, thumbprint: URL_SAFE_NO_PAD.encode(digest(&SHA256, der)), not_after: certificate.not_after })
    }

    /// Until when the certificate is valid.
    #[must_use]
    pub const fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// An assertion for an app, to be sent to `endpoint` now. `id` is for this one alone.
    fn assertion(&self, client_id: Guid, endpoint: &str, now: OffsetDateTime, id: Uuid) -> Option<String> {
        let begins = now.unix_timestamp();
        let ends = begins.saturating_add(LIFETIME.whole_seconds());
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint });
        let claims = json!({ "aud": endpoint, "iss": client_id, "sub": client_id, "jti": id, "iat": begins, "nbf": begins, "exp": ends });
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A login app's own word for itself, made anew for each of Entra's tokens.
#[derive(Debug)]
pub(super) struct OwnWord {
    pub certificate: Arc<ClientCertificate>,
    pub client_id: Guid,
    /// The token endpoint that the assertion is for.
    pub endpoint: String,
    pub clock: Clock,
}

#[async_trait]
impl ClientAssertion for OwnWord {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let now = self.clock.now();
        // A delivery that is made again has the ids of the first; the time keeps them apart.
        let id = Uuid::new_v5(&Invocation::next_request_id(), &now.unix_timestamp_nanos().to_be_bytes());
        self.certificate.assertion(self.client_id, &self.endpoint, now, id).ok_or_else(|| {
            let error = Error::new(Code::CredentialRefused, "the login's private key does not sign");
            SdkError::new(ErrorKind::Credential, error)
        })
    }
}

/// Until when the certificate in a login's PEM is valid; `None` where there is none that can be used.
#[must_use]
pub fn not_after(pem: &str) -> Option<OffsetDateTime> {
    ClientCertificate::read(pem).ok().map(|certificate| certificate.not_after)
}

type Section = (SectionKind, Vec<u8>);

fn sections(text: &str) -> Result<Vec<Section>, &'static str> {
    if text.contains("ENCRYPTED") {
        return Err("expected a private key that is not encrypted");
    }
    if !text.contains("-----BEGIN ") {
        return Err(if is_pfx(text) {
            "expected PEM, and found PKCS #12 (PFX)"
        } else {
            "expected PEM: a private key and its certificate, each between its BEGIN and END lines"
        });
    }
    let read = Section::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>().ok();
    read.filter(|sections| !sections.is_empty()).ok_or("expected PEM with its line breaks, and found a part that cannot be read")
}

const fn is_key(kind: SectionKind) -> bool {
    matches!(kind, SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey)
}

fn without_key(text: &str) -> &'static str {
    // Labels of other kinds of keys are passed over by the reader.
    if text.contains("PRIVATE KEY-----") {
        "expected an RSA key of at least 2048 bits"
    } else {
        "expected a private key beside the certificate"
    }
}

fn certificates(sections: &[Section]) -> Result<Vec<(&[u8], Certificate<'_>)>, &'static str> {
    let ders = sections.iter().filter(|(kind, _)| *kind == SectionKind::Certificate).map(|(_, der)| der.as_slice());
    let read: Option<Vec<_>> = ders.map(|der| Some((der, Certificate::read(der)?))).collect();
    match read {
        Some(found) if found.is_empty() => Err("expected a certificate beside the private key"),
        Some(found) => Ok(found),
        None => Err("expected a certificate of X.509, and found one that cannot be read"),
    }
}

/// Key Vault keeps a certificate as PKCS #12 in base64, where its policy does not say PEM: a sequence that begins with version 3
/// (RFC 7292, section 4).
fn is_pfx(text: &str) -> bool {
    let text: String = text.split_whitespace().collect();
    let begin = STANDARD.decode(text).ok().and_then(|bytes| bytes.get(..7).map(<[u8]>::to_vec));
    matches!(begin.as_deref(), Some([0x30, 0x82, _, _, 2, 1, 3] | [0x30, 0x80, 2, 1, 3, ..]))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, PublicKeyData as _};
    use serde_json::Value;
    use time::macros::datetime;

    use super::*;

    const UNTIL: OffsetDateTime = datetime!(2027-11-24 23:30:01 UTC);

    fn certificate(key: &KeyPair) -> rcgen::Certificate {
        let mut params = CertificateParams::new(["login.example".to_owned()]).unwrap();
        params.not_after = UNTIL;
        params.self_signed(key).unwrap()
    }

    fn rsa() -> KeyPair {
        KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap()
    }

    /// PKCS #8 holds a key of PKCS #1 at its end, behind 26 octets where the key has 2048 bits.
    fn as_pkcs_1(key: &KeyPair) -> String {
        let body = STANDARD.encode(&key.serialize_der()[26..]);
        let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", lines.join("\n"))
    }

    #[test]
    fn reads_key_and_certificate_in_any_order_among_others() {
        let (key, issuer) = (rsa(), KeyPair::generate().unwrap());
        let (own, issuers) = (certificate(&key).pem(), certificate(&issuer).pem());
        let pkcs_8 = key.serialize_pem();
        for pem in [
            format!("{pkcs_8}{own}"),
            format!("Bag Attributes\n{issuers}\n{own}\nKey Attributes: none\n{pkcs_8}"),
            format!("{own}{issuers}{}", as_pkcs_1(&key)),
            format!("{pkcs_8}{own}").replace('\n', "\r\n"),
        ] {
            let read = ClientCertificate::read(&pem).unwrap();
            assert_eq!((read.not_after(), not_after(&pem)), (UNTIL, Some(UNTIL)));
            assert_eq!(read.thumbprint, URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate(&key).der())));
            assert_eq!(format!("{read:?}"), "ClientCertificate { not_after: 2027-11-24 23:30:01.0 +00:00:00, .. }");
        }
    }

    #[test]
    fn of_two_certificates_of_the_key_the_one_that_lasts_longer_counts() {
        let key = rsa();
        let mut former = CertificateParams::new(["login.example".to_owned()]).unwrap();
        former.not_after = datetime!(2025-11-24 23:30:01 UTC);
        let (own, former) = (certificate(&key).pem(), former.self_signed(&key).unwrap().pem());
        for pem in [format!("{}{former}{own}", key.serialize_pem()), format!("{}{own}{former}", key.serialize_pem())] {
            let read = ClientCertificate::read(&pem).unwrap();
            assert_eq!(read.not_after(), UNTIL);
            assert_eq!(read.thumbprint, URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate(&key).der())));
        }
    }

    #[test]
    fn the_assertion_is_what_entra_asks_for() {
        let key = rsa();
        let read = ClientCertificate::read(&format!("{}{}", key.serialize_pem(), certificate(&key).pem())).unwrap();
        let client = Guid::parse("1663ee10-1dee-56a0-b4e4-b8249a0debef").unwrap();
        let assertion = read.assertion(client, "https://login.example/token", datetime!(2026-11-24 12:00 UTC), Uuid::nil()).unwrap();
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.der_bytes()).verify(signed.as_bytes(), &signature).unwrap();
        let parts: Vec<Value> =
            signed.split('.').map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()).collect();
        assert_eq!(parts[0], json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": read.thumbprint }));
        let expected = json!({
            "aud": "https://login.example/token", "iss": client, "sub": client, "jti": "00000000-0000-0000-0000-000000000000",
            "iat": 1_795_521_600, "nbf": 1_795_521_600, "exp": 1_795_521_900,
        });
        assert_eq!(parts[1], expected);
    }

    #[test]
    fn what_cannot_sign_in_is_refused_with_what_was_expected() {
        let (key, other, curve) = (rsa(), rsa(), KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap());
        let (pkcs_8, own) = (key.serialize_pem(), certificate(&key).pem());
        let encrypted = pkcs_8.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        let openssl = format!("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n{own}");
        let pfx = STANDARD.encode([&[0x30, 0x82, 9, 9, 2, 1, 3][..], &[7; 200]].concat());
        let broken = format!("{pkcs_8}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        for (text, expected) in [
            (pkcs_8.clone(), "a certificate beside"),
            (own.clone(), "a private key beside"),
            (format!("{}{own}", other.serialize_pem()), "found another's"),
            (format!("{}{}", curve.serialize_pem(), certificate(&curve).pem()), "RSA key"),
            (format!("{}{own}", pkcs_8.replace("PRIVATE KEY", "EC PRIVATE KEY")), "RSA key"),
            (format!("{}{own}", pkcs_8.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY")), "RSA key"),
            (format!("{encrypted}{own}"), "not encrypted"),
            (openssl, "not encrypted"),
            (pfx.clone(), "PKCS #12"),
            (format!("{}\n{}", &pfx[..76], &pfx[76..]), "PKCS #12"),
            (format!("{pkcs_8}{own}").replace('\n', " "), "line breaks"),
            (broken, "cannot be read"),
            ("hunter2".to_owned(), "expected PEM"),
            (String::new(), "expected PEM"),
        ] {
            let refused = ClientCertificate::read(&text).unwrap_err();
            assert!(refused.contains(expected), "{expected:?} in {refused:?}");
            assert_eq!(not_after(&text), None);
        }
    }
}
