//! STS over the query protocol (API reference, `GetCallerIdentity`, `GetWebIdentityToken`; IAM user guide, "Understanding token claims").

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use url::form_urlencoded;

use super::{Caller, Outcome, Refusal, Wish};
use crate::jwt;
use crate::services::{Call, answer, xml};
use crate::world::made_up_id;
use crate::{Response, World};

/// The XML namespace of the API's only version.
pub(super) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const ACTION: &str = "sts:GetWebIdentityToken";
/// The claim below which STS puts what is AWS's own.
const AWS_CLAIMS: &str = "https://sts.amazonaws.com/";
const USUAL_SECONDS: i64 = 300;

pub(super) fn get_web_identity_token(call: &mut Call<'_>, caller: &Caller) -> Outcome<Response> {
    let form: BTreeMap<String, String> = form_urlencoded::parse(call.request.body()).into_owned().collect();
    let lifetime = lifetime(&form)?;
    let audiences = audiences(&form)?;
    match form.get("SigningAlgorithm").map(String::as_str) {
        Some("RS256") => {}
        // Such a signature is another one each time, which nothing in the simulator is.
        Some("ES384") => return Ok(*answer::not_modelled("web identity tokens signed with ES384")),
        other => {
            return Err(invalid(
                &other.map_or_else(|| "null".to_owned(), |own| format!("'{own}'")),
                "signingAlgorithm",
                "enum value set: [RS256, ES384]",
            ));
        }
    }
    if form.keys().any(|name| name.starts_with("Tags.")) {
        return Ok(*answer::not_modelled("web identity tokens with tags"));
    }
    // A duration that is not asked for is no key of the call (IAM user guide, "IAM and AWS STS condition context keys").
    let wish = Wish::new(ACTION, "*")
        .with("sts:IdentityTokenAudience", audiences.iter().cloned())
        .with("sts:SigningAlgorithm", form.get("SigningAlgorithm").cloned())
        .with("sts:DurationSeconds", form.get("DurationSeconds").cloned());
    caller.may(call, 403, wish)?;
    let expires = call.now.saturating_add(Duration::seconds(lifetime));
    check_session(call, caller, expires)?;
    let token = issue(call, caller, &audiences, expires)?;
    let result = format!(
        "<GetWebIdentityTokenResponse xmlns=\"{NAMESPACE}\"><GetWebIdentityTokenResult><WebIdentityToken>{}</WebIdentityToken>\
         <Expiration>{}</Expiration></GetWebIdentityTokenResult><ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata>\
         </GetWebIdentityTokenResponse>",
        xml::escaped(&token),
        expires.replace_nanosecond(0).unwrap_or(expires).format(&Rfc3339).unwrap_or_default(),
        call.id
    );
    Ok(answer::with_body(200, "text/xml", result))
}

/// Every caller may ask who it is, whatever its policies say.
pub(super) fn get_caller_identity(call: &mut Call<'_>, caller: &Caller) -> Outcome<Response> {
    let key = caller.key(call)?;
    let result = format!(
        "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\"><GetCallerIdentityResult><Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>\
         </GetCallerIdentityResult><ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></GetCallerIdentityResponse>",
        xml::escaped(&key.caller_arn()),
        xml::escaped(&caller.key_id),
        caller.account_id,
        call.id
    );
    Ok(answer::with_body(200, "text/xml", result))
}

fn lifetime(form: &BTreeMap<String, String>) -> Outcome<i64> {
    let Some(text) = form.get("DurationSeconds") else { return Ok(USUAL_SECONDS) };
    let seconds = text.parse().ok().filter(|seconds| (60..=3600).contains(seconds));
    seconds.ok_or_else(|| invalid(&format!("'{text}'"), "durationSeconds", "Member must have a value between 60 and 3600"))
}

/// `Audience.member.1` and so on: one to ten.
fn audiences(form: &BTreeMap<String, String>) -> Outcome<Vec<String>> {
    let given: Vec<String> = (1..).map_while(|number| form.get(&format!("Audience.member.{number}")).cloned()).collect();
    match (1..=10).contains(&given.len()) && given.iter().all(|audience| (1..=1000).contains(&audience.len())) {
        true => Ok(given),
        false => Err(invalid(&format!("'{given:?}'"), "audience", "Member must have length between 1 and 10")),
    }
}

fn invalid(value: &str, member: &str, constraint: &str) -> Refusal {
    let message = format!("1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: {constraint}");
    Refusal::bad_request("ValidationError", message)
}

/// A token may not outlive the session that asks for it.
fn check_session(call: &Call<'_>, caller: &Caller, expires: OffsetDateTime) -> Outcome<()> {
    let session_ends = caller.key(call)?.expires_on;
    match session_ends.is_some_and(|ends| ends < expires) {
        true => Err(Refusal::new(
            403,
            "SessionDurationEscalationException",
            "The requested token duration would extend the session beyond its original expiration time.",
        )),
        false => Ok(()),
    }
}

fn issue(call: &Call<'_>, caller: &Caller, audiences: &[String], expires: OffsetDateTime) -> Outcome<String> {
    let account = caller.account(call)?;
    if !account.federation.enabled {
        let message = "Outbound web identity federation is not enabled for this account.";
        return Err(Refusal::new(403, "OutboundWebIdentityFederationDisabledException", message));
    }
    let audience = if let [one] = audiences { json!(one) } else { json!(audiences) };
    let claims = json!({
        "iss": account.federation.issuer,
        "sub": caller.key(call)?.role_arn,
        "aud": audience,
        "iat": call.now.unix_timestamp(),
        "exp": expires.unix_timestamp(),
        "jti": made_up_id(&format!("aws token/{}", call.number)),
        AWS_CLAIMS: {"aws_account": caller.account_id, "source_region": account.region},
    });
    Ok(jwt::AWS_STS.sign(&claims))
}

/// What an account's issuer publishes about itself.
pub(super) fn configuration(world: &World, account_id: &str) -> Option<Value> {
    let issuer = &world.aws.get(account_id)?.federation.issuer;
    Some(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES384"],
        "claims_supported": ["iss", "sub", "aud", "iat", "exp", "jti", AWS_CLAIMS],
    }))
}
