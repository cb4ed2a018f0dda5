//! The services, one file each: wire shapes in, the world changed or read, wire shapes out.

pub(crate) mod answer;
pub(crate) mod arm;
mod aws;
mod blob;
pub(crate) mod canary;
mod entra;
mod event_grid;
mod graph;
pub mod identity;
mod ispm;
mod key_vault;
mod people;
mod queue;
mod storage;
mod xml;

use http::Method;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::cloud::Cloud;
use crate::target::Target;
use crate::token::{Claims, Refusal, Signer};
use crate::world::{DataGrant, allows, has_passed};
use crate::{Request, Response, World};
use arm::resource_graph;
use arm::throttle::Throttle;
pub(crate) use storage::http_date;

/// Who answers at a host, with the resource that the host names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Entra,
    Graph,
    ResourceManager,
    /// The platform's identity endpoint, which has no official host.
    Identity,
    /// By the vault's name.
    KeyVault(String),
    /// By the topic's host.
    EventGrid(String),
    /// By the account's name.
    Queue(String),
    /// By the account's name.
    Blob(String),
    /// By the console's host.
    Ispm(String),
    /// A service of AWS in a region.
    Aws(aws::Endpoint),
    /// Where an AWS account publishes what its tokens are verified by; by the account's id.
    AwsIssuer(String),
}

/// A call that found its operation.
pub(crate) struct Routed {
    pub operation: &'static str,
    pub answer: Box<dyn FnOnce(&mut Call<'_>) -> Response + Send>,
}

/// What an operation yields: an answer, or a refusal that is one too. Both reach the caller.
pub(crate) type Answer = Result<Response, Box<Response>>;

/// One call while it takes effect.
pub(crate) struct Call<'a> {
    pub world: &'a mut World,
    pub signer: &'a Signer,
    pub throttle: &'a mut Throttle,
    pub resource_graph: &'a mut resource_graph::Memory,
    pub request: &'a Request,
    pub target: &'a Target,
    pub now: OffsetDateTime,
    /// When the simulator started.
    pub start: OffsetDateTime,
    pub number: u64,
    /// The call's id, as services put it into their headers and errors.
    pub id: Uuid,
    /// Whether the call changed the world.
    pub changed: bool,
}

impl Routed {
    pub fn new(operation: &'static str, answer: impl FnOnce(&mut Call<'_>) -> Answer + Send + 'static) -> Self {
        Self { operation, answer: Box::new(move |call| answer(call).unwrap_or_else(|refusal| *refusal)) }
    }

    /// An operation that the simulator does not model: 501, naming it.
    pub fn not_modelled(operation: &'static str, method: &Method, target: &Target) -> Self {
        let what = format!("{method} {}", target.shown());
        Self::new(operation, move |_| Err(answer::not_modelled(&what)))
    }
}

impl Call<'_> {
    /// A request header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name)?.to_str().ok()
    }

    /// The cloud of Azure in which it is made.
    pub fn cloud(&self) -> Cloud {
        self.world.settings.cloud
    }

    /// The claims of the caller's token.
    pub fn verify(&self, audiences: &[&str]) -> Result<Claims, Refusal> {
        self.signer.verify(self.header("authorization"), audiences, self.now)
    }

    /// The claims of the caller's token, which must be of this tenant.
    pub fn verify_in(&self, tenant_id: &str, audiences: &[&str]) -> Result<Claims, Refusal> {
        let claims = self.verify(audiences)?;
        match claims.tid == tenant_id {
            true => Ok(claims),
            false => Err(Refusal::Tenant(claims.tid)),
        }
    }

    /// Whether what a principal was given on a resource, or on this part of it, allows an action on data by now.
    pub fn allows(&self, grants: &[DataGrant], principal_id: &str, on: Option<&str>, action: &str) -> bool {
        let lag = self.world.settings.propagation_seconds;
        allows(grants.iter().filter(|grant| has_passed(lag, grant.created_on, self.now)), principal_id, on, action)
    }

    /// The media type of the request's body, in lower case and without parameters.
    pub fn media_type(&self) -> String {
        let full = self.header("content-type").unwrap_or_default();
        full.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

impl Service {
    /// Who answers at this host, if the world knows it.
    pub fn of_host(world: &World, host: &str) -> Option<Self> {
        let host = host.to_ascii_lowercase();
        let cloud = world.settings.cloud;
        match host.as_str() {
            host if host == cloud.entra() => return Some(Self::Entra),
            host if host == cloud.graph() => return Some(Self::Graph),
            host if host == cloud.arm() => return Some(Self::ResourceManager),
            _ => {}
        }
        if world.topics.contains_key(&host) {
            return Some(Self::EventGrid(host));
        }
        if world.ispm.contains_key(&host) {
            return Some(Self::Ispm(host));
        }
        let named = |suffix: &str| host.strip_suffix(suffix)?.strip_suffix('.');
        if let Some(vault) = named(cloud.key_vault()) {
            return world.vaults.contains_key(vault).then(|| Self::KeyVault(vault.to_owned()));
        }
        match named(cloud.storage()).and_then(|account| account.rsplit_once('.')) {
            Some((account, "queue")) => world.storage_accounts.contains_key(account).then(|| Self::Queue(account.to_owned())),
            Some((account, "blob")) => world.storage_accounts.contains_key(account).then(|| Self::Blob(account.to_owned())),
            Some(_) => None,
            None => aws::of_host(world, &host),
        }
    }

    /// What the names of its operations begin with, before the first dot.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Graph => "graph",
            Self::ResourceManager => "arm",
            Self::Identity => "identity",
            Self::KeyVault(_) => "key-vault",
            Self::EventGrid(_) => "event-grid",
            Self::Queue(_) => "queue",
            Self::Blob(_) => "blob",
            Self::Ispm(_) => "ispm",
            Self::Aws(endpoint) => endpoint.family(),
            Self::AwsIssuer(_) => "sts",
        }
    }

    /// Which operation a request asks for.
    pub fn route(&self, request: &Request, target: &Target) -> Routed {
        let method = request.method();
        match self {
            Self::Entra => entra::route(method, target),
            Self::Graph => graph::route(method, target),
            Self::ResourceManager => arm::route(method, target),
            Self::Identity => identity::route(method, target),
            Self::KeyVault(vault) => key_vault::route(vault, method, target),
            Self::EventGrid(topic) => event_grid::route(topic, method, target),
            Self::Queue(account) => queue::route(account, method, target),
            Self::Blob(account) => blob::route(account, method, target),
            Self::Ispm(console) => ispm::route(console, method, target),
            Self::Aws(endpoint) => aws::route(endpoint, request, target),
            Self::AwsIssuer(account) => aws::route_issuer(account, method, target),
        }
    }

    /// An error of this service that a fault asked for.
    pub fn faulty(&self, status: u16, code: Option<&str>, retry_after: Option<&str>) -> Response {
        let message = "This fault was switched on in the simulator.";
        let own = code.unwrap_or_else(|| usual_code(status));
        let mut response = match self {
            Self::Aws(endpoint) => endpoint.faulty(status, code, message),
            Self::Entra => answer::json(status, &serde_json::json!({"error": own, "error_description": message})),
            Self::Queue(_) | Self::Blob(_) => answer::xml(status, &xml::error(own, message)),
            _ => *answer::error(status, own, message),
        };
        if let Some(value) = retry_after.and_then(|text| text.parse().ok()) {
            response.headers_mut().insert(http::header::RETRY_AFTER, value);
        }
        response
    }
}

/// The code that services send with a status when there is nothing more to say.
fn usual_code(status: u16) -> &'static str {
    match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        408 => "RequestTimeout",
        409 => "Conflict",
        429 => "TooManyRequests",
        500 => "InternalServerError",
        502 => "BadGateway",
        503 => "ServiceUnavailable",
        504 => "GatewayTimeout",
        _ => "Error",
    }
}
