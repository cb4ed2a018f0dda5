//! Signing in with a certificate (Microsoft identity platform, "Certificate credentials"; wording and statuses as issues of
//! microsoft-authentication-library-for-dotnet, -for-js and keycloak quote them).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use time::OffsetDateTime;

use super::{assertion, refused};
use crate::Response;
use crate::jwt;
use crate::services::Call;
use crate::world::KeyCredential;

/// Checks an assertion that the app made itself. Entra does not refuse one that it has seen: MSAL sends one several times.
pub(super) fn check(call: &Call<'_>, tenant_id: &str, client_id: &str, token: &str) -> Result<(), Box<Response>> {
    let header = jwt::header(token).unwrap_or_default();
    let Some(thumbprint) = Thumbprint::of(&header) else {
        let message = "Invalid JWT token. No certificate thumbprint specified in token header.";
        return Err(refused(call, 400, "invalid_request", 50_027, message));
    };
    let own = call.world.applications.get(client_id).map_or(&[][..], |app| &app.certificates);
    let Some(credential) = own.iter().find(|credential| thumbprint.is_of(credential)) else {
        let what = "The certificate with identifier used to sign the client assertion is not registered on application.";
        return Err(invalid(call, client_id, what, "The key was not found.", &thumbprint, None));
    };
    if call.now > credential.end || call.now < credential.start {
        let what = "The certificate with identifier used to sign the client assertion is expired on application.";
        return Err(invalid(call, client_id, what, "The key used is expired.", &thumbprint, Some(credential)));
    }
    if !signed(token, &header, credential) {
        let (what, why) =
            ("Client assertion failed signature validation.", "The provided signature value did not match the expected signature value.");
        return Err(invalid(call, client_id, what, why, &thumbprint, Some(credential)));
    }
    let claims = jwt::claims(token).unwrap_or_default();
    let realm = format!("https://{}/{tenant_id}", call.cloud().entra());
    let (endpoint, realm) = (format!("{realm}/oauth2/v2.0/token"), format!("{realm}/v2.0"));
    if claims["aud"] != endpoint.as_str() && claims["aud"] != realm.as_str() {
        let message = "Client assertion audience claim does not match Realm issuer. Review the documentation at \
                       https://learn.microsoft.com/entra/identity-platform/certificate-credentials .";
        return Err(refused(call, 401, "invalid_client", 700_023, message));
    }
    assertion::check_time(call, &claims)
}

/// Whether an assertion is the app's own word: then it is both issuer and subject.
pub(super) fn is_own(token: &str, client_id: &str) -> bool {
    let claims = jwt::claims(token).unwrap_or_default();
    let is_app = |claim: &Value| claim.as_str().is_some_and(|text| text.eq_ignore_ascii_case(client_id));
    is_app(&claims["iss"]) && is_app(&claims["sub"])
}

/// By what an assertion names its certificate.
enum Thumbprint {
    Sha256(Vec<u8>),
    Sha1(Vec<u8>),
}

impl Thumbprint {
    fn of(header: &Value) -> Option<Self> {
        let named = |name: &str| URL_SAFE_NO_PAD.decode(header[name].as_str()?).ok();
        named("x5t#S256").map(Self::Sha256).or_else(|| named("x5t").map(Self::Sha1))
    }

    fn is_of(&self, credential: &KeyCredential) -> bool {
        let der = STANDARD.decode(&credential.key).unwrap_or_default();
        match self {
            Self::Sha256(own) => digest(&SHA256, &der).as_ref() == own,
            Self::Sha1(own) => digest(&SHA1_FOR_LEGACY_USE_ONLY, &der).as_ref() == own,
        }
    }

    fn shown(&self) -> String {
        let (Self::Sha256(bytes) | Self::Sha1(bytes)) = self;
        bytes.iter().map(|byte| format!("{byte:02X}")).collect()
    }
}

fn signed(token: &str, header: &Value, credential: &KeyCredential) -> bool {
    let algorithm: &'static RsaParameters = match header["alg"].as_str() {
        Some("PS256") => &RSA_PSS_2048_8192_SHA256,
        Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
        _ => return false,
    };
    let verify = || {
        let (text, signature) = token.rsplit_once('.')?;
        let key = STANDARD.decode(&credential.public_key).ok()?;
        UnparsedPublicKey::new(algorithm, key).verify(text.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()
    };
    verify().is_some()
}

fn invalid(
    call: &Call<'_>,
    client_id: &str,
    what: &str,
    why: &str,
    thumbprint: &Thumbprint,
    found: Option<&KeyCredential>,
) -> Box<Response> {
    let thumbprint = thumbprint.shown();
    let found = found.map(|found| format!(", Found key 'Start={}, End={}'", written(found.start), written(found.end))).unwrap_or_default();
    let message = format!(
        "{what} [Reason - {why}, Thumbprint of key used by client: '{thumbprint}'{found}, Please visit the Azure Portal, Graph Explorer or \
         directly use MS Graph to see configured keys for app Id '{client_id}'. Review the documentation at \
         https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service endpoint and \
         https://docs.microsoft.com/en-us/graph/api/application-get?view=graph-rest-1.0&tabs=http to build a query request URL, such as \
         'https://graph.microsoft.com/beta/applications/{client_id}']."
    );
    refused(call, 401, "invalid_client", 700_027, &message)
}

/// As Entra writes the times of keys.
fn written(moment: OffsetDateTime) -> String {
    let (date, time) = (moment.date(), moment.time());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    format!("{month:02}/{day:02}/{year} {:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}
