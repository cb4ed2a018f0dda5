//! App Service's managed identity endpoint (App Service documentation, "REST endpoint reference", api-version 2019-08-01).

use std::fmt;

use http::Method;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::{Answer, Call, Routed, Service, answer};
use crate::fault::Connection;
use crate::jwt;
use crate::target::Target;
use crate::token::{Signer, Subject};
use crate::world::{ManagedIdentity, made_up_id};
use crate::{Broken, Request, Response, Simulator, World};

/// The app id of the resource whose tokens sign apps in, which is the audience of its tokens: that of the public cloud, and here of all.
pub(crate) const EXCHANGE_APP: &str = "fb60f99c-7a34-4190-8149-302f77469936";
/// The only version that the endpoint takes.
const API_VERSION: &str = "2019-08-01";

/// A token for one of the platform's managed identities.
#[derive(Clone)]
pub struct PlatformToken {
    /// The access token.
    pub token: String,
    /// The identity's client id.
    pub client_id: String,
    /// When the token expires.
    pub expires_on: OffsetDateTime,
}

impl fmt::Debug for PlatformToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlatformToken").field("client_id", &self.client_id).field("expires_on", &self.expires_on).finish_non_exhaustive()
    }
}

/// Why there is no token: the platform has no such identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRefusal {
    /// The client id asked for; without it, the system-assigned identity was.
    pub client_id: Option<String>,
}

impl fmt::Display for IdentityRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.client_id {
            Some(id) => {
                write!(f, "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId: {id}.")
            }
            None => f.write_str("No System Assigned Managed Identity found."),
        }
    }
}

impl std::error::Error for IdentityRefusal {}

impl Simulator {
    /// The identity endpoint, `GET {any host}/msi/token`, with its faults and its record. A connection that a fault breaks is answered 502
    /// here: the endpoint is a process on the same machine.
    pub async fn identity_endpoint(&self, request: Request) -> Response {
        match self.identity_exchange(request).await {
            Ok(response) => response,
            Err(broken) => *answer::error(502, "BadGateway", &broken.to_string()),
        }
    }

    /// As [`Simulator::identity_endpoint`], broken connections included.
    pub(crate) async fn identity_exchange(&self, mut request: Request) -> Result<Response, Broken> {
        // A server sees the path only; what stands before it makes no difference.
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let absolute = format!("http://127.0.0.1{path}");
        *request.uri_mut() = absolute.parse().map_err(|_| Broken::UnknownHost(absolute))?;
        let target = Target::of(&request).ok_or_else(|| Broken::UnknownHost(request.uri().to_string()))?;
        self.carry(Connection::New, &Service::Identity, &request, &target).await
    }

    /// A token for `resource` as the platform's system-assigned identity, or as the one with this client id. Neither faults nor the record
    /// know of it.
    ///
    /// # Errors
    ///
    /// The platform has no such identity.
    pub fn platform_token(&self, resource: &str, client_id: Option<&str>) -> Result<PlatformToken, IdentityRefusal> {
        let now = self.now();
        let mut state = self.lock();
        state.calls += 1;
        token_for(&state.world, &state.signer, resource, client_id, now, state.calls)
    }
}

pub(super) fn route(method: &Method, target: &Target) -> Routed {
    let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
    match (method, path.as_slice()) {
        (&Method::GET, ["msi", "token"]) => Routed::new("identity.token", answer_token),
        _ => Routed::not_modelled("identity.unknown", method, target),
    }
}

fn answer_token(call: &mut Call<'_>) -> Answer {
    let refused = |status, message: &str| Box::new(answer::json(status, &json!({"statusCode": status, "message": message})));
    let expected = call.world.platform.identity_header.reveal();
    if expected.is_empty() || call.header("x-identity-header") != Some(expected) {
        return Err(refused(401, "The X-IDENTITY-HEADER header is missing or does not hold the value of IDENTITY_HEADER."));
    }
    match call.target.query("api-version") {
        Some(API_VERSION) => {}
        Some(other) => return Err(refused(400, &format!("The api-version '{other}' is not supported. Supported is '{API_VERSION}'."))),
        None => return Err(refused(400, "The api-version query parameter is required.")),
    }
    if let Some(other) = call.target.query_beyond(&["api-version", "resource", "client_id"]) {
        return Err(answer::not_modelled(&format!("the query parameter {other} of the identity endpoint")));
    }
    let Some(resource) = call.target.query("resource").filter(|resource| !resource.is_empty()) else {
        return Err(refused(400, "The resource query parameter is required."));
    };
    let issued = token_for(call.world, call.signer, resource, call.target.query("client_id"), call.now, call.number);
    let issued = issued.map_err(|refusal| refused(400, &refusal.to_string()))?;
    Ok(answer::json(
        200,
        &json!({
            "access_token": issued.token,
            "client_id": issued.client_id,
            "expires_on": issued.expires_on.unix_timestamp().to_string(),
            "resource": resource,
            "token_type": "Bearer",
        }),
    ))
}

fn token_for(
    world: &World,
    signer: &Signer,
    resource: &str,
    client_id: Option<&str>,
    now: OffsetDateTime,
    serial: u64,
) -> Result<PlatformToken, IdentityRefusal> {
    let asked = |identity: &&ManagedIdentity| match client_id {
        Some(id) => identity.client_id.eq_ignore_ascii_case(id),
        None => identity.system_assigned,
    };
    let identity =
        world.platform.identities.iter().find(asked).ok_or_else(|| IdentityRefusal { client_id: client_id.map(str::to_owned) })?;
    let roles = world.consented(&identity.tenant_id, &identity.principal_id, resource);
    let subject = Subject { tenant_id: &identity.tenant_id, client_id: &identity.client_id, principal_id: &identity.principal_id, roles };
    let lifetime = world.settings.token_lifetime_seconds;
    let seconds = Duration::seconds(i64::try_from(lifetime).unwrap_or(i64::MAX));
    Ok(PlatformToken {
        token: match resource == world.settings.cloud.token_exchange_audience() {
            true => exchange_token(world, identity, now, seconds, serial),
            false => signer.issue(&subject, resource, now, lifetime, serial),
        },
        client_id: identity.client_id.clone(),
        expires_on: now.saturating_add(seconds),
    })
}

/// A token by which others recognise the identity: of version 2.0, and signed with the key that Entra publishes.
fn exchange_token(world: &World, identity: &ManagedIdentity, now: OffsetDateTime, lifetime: Duration, serial: u64) -> String {
    let issued = now.unix_timestamp();
    jwt::ENTRA.sign(&json!({
        "aud": EXCHANGE_APP,
        "iss": format!("https://{}/{}/v2.0", world.settings.cloud.entra(), identity.tenant_id),
        "iat": issued,
        "nbf": issued,
        "exp": issued.saturating_add(lifetime.whole_seconds()),
        "azp": identity.client_id,
        "azpacr": "2",
        "idtyp": "app",
        "oid": identity.principal_id,
        "sub": identity.principal_id,
        "tid": identity.tenant_id,
        "uti": made_up_id(&format!("token/{serial}")).simple().to_string(),
        "ver": "2.0",
    }))
}
