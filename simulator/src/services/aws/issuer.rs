//! What others verify STS's tokens by: an account's own issuer (`OpenID` Connect Discovery 1.0; RFC 7517).

use http::Method;
use serde_json::json;

use super::sts;
use crate::jwt;
use crate::services::{Routed, answer};
use crate::target::Target;

pub(in crate::services) fn route(account_id: &str, method: &Method, target: &Target) -> Routed {
    let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
    let account_id = account_id.to_owned();
    match (method, path.as_slice()) {
        (&Method::GET, [".well-known", "openid-configuration"]) => Routed::new("sts.issuer.configuration", move |call| {
            let configuration = sts::configuration(call.world, &account_id);
            configuration.map(|body| answer::json(200, &body)).ok_or_else(|| answer::not_modelled("an account that was removed"))
        }),
        (&Method::GET, [".well-known", "jwks.json"]) => {
            Routed::new("sts.issuer.keys", |_| Ok(answer::json(200, &json!({"keys": [jwt::AWS_STS.jwk()]}))))
        }
        _ => Routed::not_modelled("sts.issuer.unknown", method, target),
    }
}
