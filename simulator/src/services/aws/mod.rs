//! AWS: the endpoints of a region, and what its services share: where an operation's name stands, and the shapes of errors.

mod event_bridge;
mod issuer;
mod s3;
mod secrets_manager;
mod signature;
mod sqs;
mod sts;

use http::Method;
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::{Call, Routed, Service, answer, xml};
use crate::target::Target;
use crate::world::aws::{AccessKey, Account, Context, Verdict, domain};
use crate::world::made_up_id;
use crate::{Request, Response, World};

/// A service in a region: what the host names, and what a signature is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    service: Api,
    region: String,
    /// The bucket, where the host names one.
    bucket: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Api {
    SecretsManager,
    Sqs,
    EventBridge,
    Sts,
    S3,
}

/// Who signed a call.
struct Caller {
    account_id: String,
    key_id: String,
}

/// Why a call is refused, before it is put into the shape of its service.
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// A request that is wrong in itself, with the code that this service has for it.
    fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }
}

/// What an operation yields: its result, or why there is none.
type Outcome<T> = Result<T, Refusal>;

impl Api {
    const ALL: [Self; 5] = [Self::SecretsManager, Self::Sqs, Self::EventBridge, Self::Sts, Self::S3];

    /// The first label of its hosts, which is its name in signatures too.
    fn name(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            Self::Sqs => "sqs",
            Self::EventBridge => "events",
            Self::Sts => "sts",
            Self::S3 => "s3",
        }
    }

    /// The media type of its protocol: awsJson 1.0 and 1.1 (Smithy specification, "AWS JSON protocols"), awsQuery, and restXml.
    fn media_type(self) -> &'static str {
        match self {
            Self::Sqs => "application/x-amz-json-1.0",
            Self::SecretsManager | Self::EventBridge => "application/x-amz-json-1.1",
            Self::Sts => "text/xml",
            Self::S3 => "application/xml",
        }
    }

    /// The code of an error in the query protocol, which SQS sends in a header and STS in its XML. S3 has some of its own
    /// (API reference, "Error responses").
    fn query_code(self, code: &str) -> &str {
        match code {
            "IncompleteSignatureException" if self == Self::S3 => "AuthorizationHeaderMalformed",
            "MissingAuthenticationTokenException" if self == Self::S3 => "AccessDenied",
            "ThrottlingException" if self == Self::S3 => "SlowDown",
            "UnrecognizedClientException" if self == Self::S3 => "InvalidAccessKeyId",
            "AccessDeniedException" => "AccessDenied",
            "ExpiredTokenException" => "ExpiredToken",
            "IncompleteSignatureException" => "IncompleteSignature",
            "InvalidSignatureException" => "SignatureDoesNotMatch",
            "MissingAuthenticationTokenException" => "MissingAuthenticationToken",
            "MessageNotInflight" => "AWS.SimpleQueueService.MessageNotInflight",
            "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue",
            "ThrottlingException" if self == Self::Sts => "Throttling",
            "UnrecognizedClientException" => "InvalidClientTokenId",
            other => other,
        }
    }
}

/// Which endpoint or issuer this host is in a region or an account of the world.
pub(super) fn of_host(world: &World, host: &str) -> Option<Service> {
    if let Some((id, _)) = world.aws.iter().find(|(_, account)| account.issuer_host() == Some(host)) {
        return Some(Service::AwsIssuer(id.clone()));
    }
    let (bucket, host) = match host.rsplit_once(".s3.") {
        Some((bucket, rest)) => (Some(bucket.to_owned()), format!("s3.{rest}")),
        None => (None, host.to_owned()),
    };
    let (label, rest) = host.split_once('.')?;
    let service = Api::ALL.into_iter().find(|service| service.name() == label)?;
    let region = &world.aws.values().find(|account| rest == format!("{}.{}", account.region, domain(&account.region)))?.region;
    Some(Service::Aws(Endpoint { service, region: region.clone(), bucket }))
}

pub(super) use issuer::route as route_issuer;

/// Which operation a request asks for: by `X-Amz-Target`, by the form's `Action` where there is a form, and of S3 by method and path.
pub(super) fn route(endpoint: &Endpoint, request: &Request, target: &Target) -> Routed {
    if endpoint.service == Api::S3 {
        return s3::route(endpoint, request, target);
    }
    let header = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
    let action = action(endpoint.service, request);
    let name = header.or(action.as_deref()).filter(|_| request.method() == Method::POST && target.path.is_empty());
    match (endpoint.service, name.unwrap_or_default()) {
        (Api::SecretsManager, "secretsmanager.GetSecretValue") => {
            json_operation("secrets-manager.secret.get", endpoint, secrets_manager::get_secret_value)
        }
        (Api::SecretsManager, "secretsmanager.ListSecrets") => {
            json_operation("secrets-manager.secrets.list", endpoint, secrets_manager::list_secrets)
        }
        (Api::Sqs, "AmazonSQS.SendMessage") => json_operation("sqs.enqueue", endpoint, sqs::send_message),
        (Api::Sqs, "AmazonSQS.ReceiveMessage") => json_operation("sqs.receive", endpoint, sqs::receive_message),
        (Api::Sqs, "AmazonSQS.GetQueueAttributes") => json_operation("sqs.attributes.get", endpoint, sqs::get_queue_attributes),
        (Api::Sqs, "AmazonSQS.DeleteMessage") => json_operation("sqs.delete", endpoint, sqs::delete_message),
        (Api::Sqs, "AmazonSQS.ChangeMessageVisibility") => json_operation("sqs.release", endpoint, sqs::change_message_visibility),
        (Api::EventBridge, "AWSEvents.PutEvents") => json_operation("event-bridge.publish", endpoint, event_bridge::put_events),
        (Api::Sts, "GetCallerIdentity") => operation("sts.caller-identity.get", endpoint, sts::get_caller_identity),
        (Api::Sts, "GetWebIdentityToken") => operation("sts.web-identity-token.get", endpoint, sts::get_web_identity_token),
        (service, name) => {
            let what = format!("{} {name:?} of {}", request.method(), service.name());
            Routed::new(unknown(service), move |_| Err(answer::not_modelled(&what)))
        }
    }
}

fn action(service: Api, request: &Request) -> Option<String> {
    let mut form = form_urlencoded::parse(request.body()).filter(|_| service == Api::Sts);
    form.find(|(name, _)| name == "Action").map(|(_, action)| action.into_owned())
}

fn unknown(service: Api) -> &'static str {
    match service {
        Api::SecretsManager => "secrets-manager.unknown",
        Api::Sqs => "sqs.unknown",
        Api::EventBridge => "event-bridge.unknown",
        Api::Sts => "sts.unknown",
        Api::S3 => "s3.unknown",
    }
}

/// An operation that takes a JSON object and answers one.
fn json_operation(name: &'static str, endpoint: &Endpoint, act: fn(&mut Call<'_>, &Caller, &Value) -> Outcome<Value>) -> Routed {
    let media_type = endpoint.service.media_type();
    operation(name, endpoint, move |call, caller| {
        if call.media_type() != media_type {
            return Err(Refusal::new(404, "UnknownOperationException", ""));
        }
        let input: Value = serde_json::from_slice(call.request.body())
            .map_err(|cause| Refusal::bad_request("SerializationException", format!("The request body is not JSON: {cause}.")))?;
        let output = act(call, caller, &input)?;
        Ok(answer::with_body(200, media_type, output.to_string()))
    })
}

/// An operation for whoever signed the call.
fn operation(
    name: &'static str,
    endpoint: &Endpoint,
    act: impl FnOnce(&mut Call<'_>, &Caller) -> Outcome<Response> + Send + 'static,
) -> Routed {
    let endpoint = endpoint.clone();
    Routed::new(name, move |call| {
        let outcome = signature::verify(call, &endpoint).and_then(|caller| act(call, &caller));
        let response = outcome.map_err(|refusal| Box::new(endpoint.refuse(&refusal, call.id)))?;
        let header = if endpoint.service == Api::S3 { "x-amz-request-id" } else { "x-amzn-requestid" };
        Ok(answer::with_header(response, header, &call.id.to_string()))
    })
}

impl Endpoint {
    /// What the names of its operations begin with, before the first dot.
    pub fn family(&self) -> &'static str {
        unknown(self.service).trim_end_matches(".unknown")
    }

    /// An error of this service that a fault asked for.
    pub fn faulty(&self, status: u16, code: Option<&str>, message: &str) -> Response {
        let usual = match status {
            400 => "ValidationException",
            401 | 403 => "AccessDeniedException",
            404 if self.service == Api::S3 => "NoSuchKey",
            503 if self.service == Api::S3 => "SlowDown",
            404 => "ResourceNotFoundException",
            429 => "ThrottlingException",
            503 => "ServiceUnavailable",
            _ => "InternalFailure",
        };
        self.error(status, code.unwrap_or(usual), message, made_up_id("fault"))
    }

    fn refuse(&self, refusal: &Refusal, id: Uuid) -> Response {
        self.error(refusal.status, refusal.code, &refusal.message, id)
    }

    /// An error in the service's shape.
    ///
    /// The JSON services name it in the body and in a header; SQS adds the code that its old protocol had, by which SDKs go (Smithy
    /// specification, `awsQueryCompatible`). STS answers `ErrorResponse`, as its SDKs read it, and S3 `Error`.
    fn error(&self, status: u16, code: &str, message: &str, id: Uuid) -> Response {
        let fault = if status < 500 { "Sender" } else { "Receiver" };
        let media_type = self.service.media_type();
        let response = match self.service {
            Api::Sts => {
                let (code, message) = (xml::escaped(self.service.query_code(code)), xml::escaped(message));
                let body = format!(
                    "<ErrorResponse xmlns=\"{}\"><Error><Type>{fault}</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                     <RequestId>{id}</RequestId></ErrorResponse>",
                    sts::NAMESPACE
                );
                return answer::with_header(answer::with_body(status, media_type, body), "x-amzn-requestid", &id.to_string());
            }
            Api::S3 => {
                let (code, message) = (xml::escaped(self.service.query_code(code)), xml::escaped(message));
                let body = format!("<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{id}</RequestId></Error>");
                return answer::with_header(answer::xml(status, &body), "x-amz-request-id", &id.to_string());
            }
            Api::SecretsManager => answer::with_body(status, media_type, json!({"__type": code, "Message": message}).to_string()),
            Api::EventBridge => answer::with_body(status, media_type, json!({"__type": code, "message": message}).to_string()),
            Api::Sqs => {
                let body = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": message});
                let response = answer::with_body(status, media_type, body.to_string());
                answer::with_header(response, "x-amzn-query-error", &format!("{};{fault}", self.service.query_code(code)))
            }
        };
        let response = answer::with_header(response, "x-amzn-errortype", code);
        answer::with_header(response, "x-amzn-requestid", &id.to_string())
    }
}

impl Caller {
    fn account<'a>(&self, call: &'a Call<'_>) -> Outcome<&'a Account> {
        call.world.aws.get(&self.account_id).ok_or_else(signature::unrecognized)
    }

    fn key<'a>(&self, call: &'a Call<'_>) -> Outcome<&'a AccessKey> {
        self.account(call)?.access_keys.get(&self.key_id).ok_or_else(signature::unrecognized)
    }

    /// Refuses what the caller's role may not do (IAM documentation, "Troubleshoot access denied error messages").
    fn may(&self, call: &Call<'_>, status: u16, wish: Wish<'_>) -> Outcome<()> {
        let Wish { action, resource, shown, mut context } = wish;
        let key = self.key(call)?;
        // Nothing reaches the simulator but over TLS, or in memory in its place.
        context.insert("aws:SecureTransport".to_owned(), vec!["true".to_owned()]);
        let reason = match self.account(call)?.judge(&key.role_arn, action, &resource, &context) {
            Verdict::Allowed => return Ok(()),
            Verdict::NotAllowed => format!("because no identity-based policy allows the {action} action"),
            Verdict::Denied => "with an explicit deny in an identity-based policy".to_owned(),
        };
        let on = shown.unwrap_or(resource);
        let on = if on.is_empty() { on } else { format!(" on resource: {on}") };
        let message = format!("User: {} is not authorized to perform: {action}{on} {reason}", key.caller_arn());
        Err(Refusal::new(status, "AccessDeniedException", message))
    }
}

/// What a caller wants to do, as its role's policy judges it.
struct Wish<'a> {
    action: &'a str,
    /// The ARN; `*` where the action knows no resource.
    resource: String,
    /// What a refusal calls it, where that is not the ARN; nothing where it does not name it.
    shown: Option<String>,
    context: Context,
}

impl<'a> Wish<'a> {
    fn new(action: &'a str, resource: impl Into<String>) -> Self {
        Self { action, resource: resource.into(), shown: None, context: Context::new() }
    }

    fn shown(self, shown: impl Into<String>) -> Self {
        Self { shown: Some(shown.into()), ..self }
    }

    /// With a key of the service's own. One that has no values is not there.
    fn with(mut self, key: &str, values: impl IntoIterator<Item = String>) -> Self {
        let values: Vec<String> = values.into_iter().collect();
        if !values.is_empty() {
            self.context.insert(key.to_owned(), values);
        }
        self
    }
}
