//! Signature version 4 (IAM documentation, "Create a signed AWS API request").

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use super::{Api, Caller, Endpoint, Outcome, Refusal};
use crate::services::Call;
use crate::world::Sensitive;
use crate::world::aws::AccessKey;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far the signer's clock may be from the service's.
const SKEW: Duration = Duration::minutes(5);
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// The parts of an `Authorization` header.
struct Authorization<'a> {
    key_id: &'a str,
    /// The day, region, service and `aws4_request` that the signing key is for.
    scope: [&'a str; 4],
    signed_headers: &'a str,
    signature: &'a str,
}

/// Who signed the call, when the signature is right, in time and for this endpoint.
pub(super) fn verify(call: &Call<'_>, endpoint: &Endpoint) -> Outcome<Caller> {
    let header = call
        .header("authorization")
        .ok_or_else(|| Refusal::new(status(endpoint, 403), "MissingAuthenticationTokenException", "Missing Authentication Token"))?;
    let authorization = Authorization::of(header)?;
    let known = call.world.aws.iter().find_map(|(id, account)| Some((id, account.access_keys.get(authorization.key_id)?)));
    let unrecognized = || Refusal { status: status(endpoint, 403), ..unrecognized() };
    let (account_id, key) = known.ok_or_else(unrecognized)?;
    check_session(call, endpoint, key)?;
    let signed_at = call.header("x-amz-date").unwrap_or_default();
    let refuse = |message: String| Refusal::new(status(endpoint, 403), "InvalidSignatureException", message);
    authorization.check_scope(endpoint, signed_at).map_err(refuse)?;
    check_time(signed_at, call.now).map_err(refuse)?;
    if endpoint.service == Api::S3 {
        check_body(call)?;
    }
    if !authorization.is_right(call, key.secret.reveal(), signed_at) {
        let message = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
                       and signing method. Consult the service documentation for details.";
        return Err(refuse(message.to_owned()));
    }
    Ok(Caller { account_id: account_id.clone(), key_id: authorization.key_id.to_owned() })
}

/// The services of JSON 1.1 answer 400 to what the others answer another status to.
fn status(endpoint: &Endpoint, elsewhere: u16) -> u16 {
    if matches!(endpoint.service, Api::Sqs | Api::Sts | Api::S3) { elsewhere } else { 400 }
}

/// S3 alone wants the body's digest in a header, and signs that (S3 API reference, "Signature Calculations").
fn check_body(call: &Call<'_>) -> Outcome<()> {
    let digest = call
        .header("x-amz-content-sha256")
        .ok_or_else(|| Refusal::bad_request("InvalidRequest", "Missing required header for this request: x-amz-content-sha256"))?;
    match digest == hexadecimal(sha256(call.request.body()).as_ref()) {
        true => Ok(()),
        false => Err(Refusal::bad_request(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )),
    }
}

/// The refusal of credentials that nobody has.
pub(super) fn unrecognized() -> Refusal {
    Refusal::bad_request("UnrecognizedClientException", "The security token included in the request is invalid.")
}

fn check_session(call: &Call<'_>, endpoint: &Endpoint, key: &AccessKey) -> Outcome<()> {
    let sent = call.header("x-amz-security-token");
    if sent != key.session_token.as_ref().map(Sensitive::reveal) {
        return Err(Refusal { status: status(endpoint, 403), ..unrecognized() });
    }
    match key.expires_on.is_some_and(|expires| expires <= call.now) {
        true if endpoint.service == Api::S3 => Err(Refusal::bad_request("ExpiredTokenException", "The provided token has expired.")),
        true => Err(Refusal::new(status(endpoint, 403), "ExpiredTokenException", "The security token included in the request is expired")),
        false => Ok(()),
    }
}

fn check_time(signed_at: &str, now: OffsetDateTime) -> Result<(), String> {
    let signed = PrimitiveDateTime::parse(signed_at, DATE).map_err(|_| format!("Date in X-Amz-Date is not ISO 8601 basic: {signed_at}"))?;
    let signed = signed.assume_utc();
    let written = |moment: OffsetDateTime| moment.to_utc().format(DATE).unwrap_or_default();
    if signed < now - SKEW {
        return Err(format!("Signature expired: {signed_at} is now earlier than {} ({} - 5 min.)", written(now - SKEW), written(now)));
    }
    if signed > now + SKEW {
        return Err(format!(
            "Signature not yet current: {signed_at} is still later than {} ({} + 5 min.)",
            written(now + SKEW),
            written(now)
        ));
    }
    Ok(())
}

impl<'a> Authorization<'a> {
    fn of(header: &'a str) -> Outcome<Self> {
        let incomplete =
            |what: &str| Refusal::bad_request("IncompleteSignatureException", format!("Authorization header requires '{what}' parameter."));
        let rest = header.strip_prefix(ALGORITHM).ok_or_else(|| incomplete("Credential"))?;
        let value = |name: &str| {
            let mut pairs = rest.split(',').map(str::trim).filter_map(|pair| pair.split_once('='));
            pairs.find(|(own, _)| *own == name).map(|(_, value)| value).ok_or_else(|| incomplete(name))
        };
        let credential = value("Credential")?;
        let mut parts = credential.split('/');
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let (Some(key_id), Some(day), Some(region), Some(service), Some(end), None) = (next(), next(), next(), next(), next(), next())
        else {
            let message =
                format!("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'");
            return Err(Refusal::bad_request("IncompleteSignatureException", message));
        };
        let scope = [day, region, service, end];
        Ok(Self { key_id, scope, signed_headers: value("SignedHeaders")?, signature: value("Signature")? })
    }

    fn check_scope(&self, endpoint: &Endpoint, signed_at: &str) -> Result<(), String> {
        let [day, region, service, end] = self.scope;
        if end != "aws4_request" {
            return Err(format!("Credential should be scoped with a valid terminator: 'aws4_request', not '{end}'."));
        }
        if region != endpoint.region {
            return Err(format!("Credential should be scoped to a valid region, not '{region}'. "));
        }
        if service != endpoint.service.name() {
            return Err(format!("Credential should be scoped to correct service: '{}'. ", endpoint.service.name()));
        }
        match signed_at.starts_with(day) {
            true => Ok(()),
            false => Err(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{day}' != '{signed_at}'."
            )),
        }
    }

    /// Whether the signature is that of the call, with the host and the time among the signed headers.
    fn is_right(&self, call: &Call<'_>, secret: &str, signed_at: &str) -> bool {
        let signed = |name: &str| self.signed_headers.split(';').any(|own| own == name);
        let canonical = self.canonical_request(call);
        let text = format!("{ALGORITHM}\n{signed_at}\n{}\n{}", self.scope.join("/"), hexadecimal(sha256(canonical.as_bytes()).as_ref()));
        let first = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
        let key = self.scope.iter().fold(first, |key, part| {
            let next = hmac::sign(&key, part.as_bytes());
            hmac::Key::new(hmac::HMAC_SHA256, next.as_ref())
        });
        let expected = hmac::sign(&key, text.as_bytes());
        signed("host") && signed("x-amz-date") && hexadecimal(expected.as_ref()) == self.signature
    }

    fn canonical_request(&self, call: &Call<'_>) -> String {
        let mut query: Vec<String> = call
            .request
            .uri()
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") })
            .collect();
        query.sort();
        let mut headers = String::new();
        for name in self.signed_headers.split(';') {
            // Writing to a String does not fail.
            let _ = writeln!(headers, "{name}:{}", header(call, name));
        }
        let body = hexadecimal(sha256(call.request.body()).as_ref());
        let path = canonical_path(call);
        format!("{}\n{path}\n{}\n{headers}\n{}\n{body}", call.request.method(), query.join("&"), self.signed_headers)
    }
}

/// The path as it is signed: that of S3 is decoded and encoded anew, with all but letters, digits, `-._~` and slashes written as percent
/// signs and capital digits (S3 API reference, "Signature Calculations", `UriEncode`). The others' is a slash.
fn canonical_path(call: &Call<'_>) -> String {
    let path = call.request.uri().path();
    if path == "/" {
        return path.to_owned();
    }
    let segments = call.target.path.iter().map(|segment| {
        let bytes = segment.bytes().map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        });
        format!("/{}", bytes.collect::<String>())
    });
    let slash = if path.ends_with('/') { "/" } else { "" };
    segments.collect::<String>() + slash
}

/// A header as it is signed: its values joined, without spaces around them and with single ones inside. Where the memory face got no
/// `Host`, it is that of the address.
fn header(call: &Call<'_>, name: &str) -> String {
    let values = call.request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
    let values: Vec<String> = values.map(|value| value.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    match values.is_empty() && name == "host" {
        true => call.target.host.clone(),
        false => values.join(","),
    }
}

fn sha256(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, bytes)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
