//! Signed calls of S3's REST protocol.
//!
//! The SDK's own crate would add 1.6 MB to the function, ten crates, and more than a minute to each clean build, for four calls. What is
//! hard about them, the signature, is the SDK's all the same.

use std::fmt::{self, Write as _};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_types::service_config::ServiceConfigKey;

use super::OverPipeline;
use super::failure::no_identity;
use crate::error::{Code, Error};
use crate::net;

/// A client for one call of S3.
pub(crate) struct S3Client {
    pub(super) name: &'static str,
    pub(super) config: SdkConfig,
    pub(super) way: OverPipeline,
}

impl fmt::Debug for S3Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Client").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One call, before it is signed.
pub(super) struct Call<'a> {
    pub method: &'static str,
    pub bucket: &'a str,
    /// The object; empty for the bucket itself.
    pub key: &'a str,
    pub query: &'a [(&'static str, &'a str)],
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl S3Client {
    /// Signs and sends a call, whatever is answered.
    ///
    /// # Errors
    /// `CredentialRefused` where there is nothing to sign with, `Unavailable` where no answer came.
    pub(super) async fn send(&self, call: Call<'_>) -> Result<HttpResponse, Error> {
        let request = self.signed(call).await?;
        self.way.clone().send(request).await.map_err(|error| net::from_sdk(&error, self.name))
    }

    /// The request with its signature
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>): the path is signed as it is sent, and the body's
    /// digest is one of the headers.
    async fn signed(&self, call: Call<'_>) -> Result<HttpRequest, Error> {
        let unsigned = || no_identity(self.name);
        let region = self.config.region().ok_or_else(unsigned)?.clone();
        let provider = self.config.credentials_provider().ok_or_else(unsigned)?;
        let identity = provider.provide_credentials().await.map_err(|_| unsigned())?.into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let params = v4::SigningParams::builder().identity(&identity).region(region.as_ref()).name("s3").settings(settings);
        let params = params.time(self.config.time_source().ok_or_else(unsigned)?.now()).build().map_err(|_| unsigned())?.into();

        let malformed = || Error::new(Code::UnexpectedAnswer, format!("{}: the request cannot be written", self.name));
        let url = self.url(region.as_ref(), &call);
        let headers = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let signable = SignableRequest::new(call.method, &url, headers, SignableBody::Bytes(&call.body)).map_err(|_| malformed())?;
        let (signature, _) = sign(signable, &params).map_err(|_| malformed())?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(call.body));
        request.set_method(call.method).map_err(|_| malformed())?;
        request.set_uri(url).map_err(|_| malformed())?;
        let signature = signature.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
        for (name, value) in call.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(signature) {
            request.headers_mut().try_insert(name, value).map_err(|_| malformed())?;
        }
        Ok(request)
    }

    /// Where the call goes: the bucket is part of the host
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>), unless dots in its name would keep the certificate
    /// from fitting, or the SDK's settings name an endpoint
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>).
    fn url(&self, region: &str, call: &Call<'_>) -> String {
        let fips = if self.config.use_fips() == Some(true) { "-fips" } else { "" };
        let dual_stack = if self.config.use_dual_stack() == Some(true) { ".dualstack" } else { "" };
        let china = if region.starts_with("cn-") { ".cn" } else { "" };
        let host = format!("s3{fips}{dual_stack}.{region}.amazonaws.com{china}");
        let base = match self.endpoint() {
            Some(endpoint) => format!("{}/{}", endpoint.trim_end_matches('/'), call.bucket),
            None if call.bucket.contains('.') => format!("https://{host}/{}", call.bucket),
            None => format!("https://{}.{host}", call.bucket),
        };
        let query: Vec<String> = call.query.iter().map(|(name, value)| format!("{name}={}", encoded(value, false))).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{base}/{}{mark}{}", encoded(call.key, true), query.join("&"))
    }

    fn endpoint(&self) -> Option<String> {
        let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url").build().ok();
        let own = key.and_then(|key| self.config.service_config()?.load_config(key));
        own.or_else(|| self.config.endpoint_url().map(str::to_owned))
    }
}

/// Percent-encoded as signatures ask for it: all but letters, digits, `-._~`, and the slashes of a key.
fn encoded(text: &str, is_key: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            b'/' if is_key => encoded.push('/'),
            // Writing to a String does not fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}
