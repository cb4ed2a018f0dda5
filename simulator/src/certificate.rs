//! The certificate authority of one run, and a certificate for each host it speaks for.
//!
//! The authority is made at start and its key never leaves the process, so trusting it in one shell trusts nothing beyond that run.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use time::{Duration, OffsetDateTime};

/// Signs a certificate for any host it is asked for. It is the proxy that decides which hosts those are.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// Finished TLS configurations by host name, so that each host keeps one certificate for the whole run.
    hosts: Mutex<BTreeMap<String, Arc<ServerConfig>>>,
}

impl Authority {
    /// Makes a new authority, valid from yesterday (clocks differ) for a year.
    ///
    /// # Errors
    /// When the cryptographic library can make no key.
    pub fn new() -> io::Result<Self> {
        let mut params = validity(CertificateParams::default());
        params.distinguished_name = name("ispm-onboarder simulator");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        // OpenSSL's strict mode, Python's default since 3.13, refuses an authority without these.
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        Ok(Self { issuer, hosts: Mutex::default() })
    }

    /// The authority's own certificate, for `SSL_CERT_FILE` and its like.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The TLS server configuration for one host: HTTP/1.1 over TLS 1.2 or 1.3 with a certificate for that name.
    ///
    /// # Errors
    /// When `host` is no DNS name that a certificate can carry.
    pub fn server_config(&self, host: &str) -> io::Result<Arc<ServerConfig>> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = hosts.get(host) {
            return Ok(config.clone());
        }
        let config = Arc::new(self.issue(host)?);
        hosts.insert(host.to_owned(), config.clone());
        Ok(config)
    }

    fn issue(&self, host: &str) -> io::Result<ServerConfig> {
        let mut params = validity(CertificateParams::new([host.to_owned()]).map_err(io::Error::other)?);
        params.distinguished_name = name("simulated service");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        // The provider is named because a process may hold another rustls user that installed no default one.
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key))
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

#[expect(clippy::disallowed_methods, reason = "TLS clients judge certificates by the wall clock, not by the simulator's")]
fn validity(mut params: CertificateParams) -> CertificateParams {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::DAY;
    params.not_after = now + Duration::days(365);
    params
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}
