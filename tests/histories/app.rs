//! One instance of the deployed app, as its platform calls it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::Request;
use azure_core::credentials::TokenCredential;
use azure_core::http::HttpClient;
use ispm_onboarder::aws::Aws;
use ispm_onboarder::callers::WebhookKeys;
use ispm_onboarder::clock::Clock;
use ispm_onboarder::config::Config;
use ispm_onboarder::error::Error;
use ispm_onboarder::hosts::Deployment;
use ispm_onboarder::hosts::functions::router;
use ispm_onboarder::hosts::http::Readiness;
use ispm_onboarder::hosts::lambda::LambdaFunction;
use ispm_onboarder::identity::{AwsRole, Platform};
use ispm_onboarder::secrets::SecretStore;
use ispm_onboarder_simulator::platform::{Function, Worker};
use ispm_onboarder_simulator::{DemoCast, Simulator};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::history::{Ask, Host};
use crate::mortal::Life;
use crate::watch::{Watch, WatchedIdentity};

/// How long Lambda lets the function run.
const FUNCTION_TIMEOUT: Duration = Duration::from_mins(1);
/// How long Lambda lets a sweep run.
const SWEEP_TIMEOUT: Duration = Duration::from_mins(10);

/// One instance: what it remembers ends with its life.
pub struct Instance {
    pub life: Rc<Life>,
    pub app: Arc<App>,
}

/// The program of an instance.
pub struct App {
    kind: Kind,
    /// By what this instance's invocations are told from others'.
    id: Uuid,
    invocations: AtomicU64,
}

enum Kind {
    Functions(Router),
    Lambda(LambdaFunction),
}

/// The simulated platform's managed identity.
#[derive(Debug)]
struct Managed(Simulator, Arc<Watch>);

impl Platform for Managed {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(Arc::new(WatchedIdentity(self.0.identity(), self.1.clone())))
    }
}

/// The settings of the deployment, as they stand in its environment.
pub fn configured(host: Host, cast: &DemoCast) -> Config {
    let (secrets, results, queue, report) = match host {
        Host::Functions => (
            format!("https://{}.vault.azure.net", cast.vault),
            format!("https://{}/api/events", cast.topic),
            format!("https://{}.queue.core.windows.net/{}", cast.storage_account, cast.queue),
            format!("https://{}.blob.core.windows.net/{}", cast.storage_account, cast.report_container),
        ),
        Host::Lambda => {
            let (bus, queue) = (format!("eventbridge:{}", cast.aws.bus), cast.aws.queue_url.clone());
            ("aws-secretsmanager:".to_owned(), bus, queue, format!("s3://{}/reports", cast.aws.bucket))
        }
    };
    let settings = BTreeMap::from([
        ("ONBOARDER_SECRET_STORE", secrets),
        ("ONBOARDER_RESULTS", results),
        ("ONBOARDER_QUEUE", queue),
        ("ONBOARDER_REPORT", report),
    ]);
    Config::read(|name| settings.get(name).cloned()).expect("the settings are valid")
}

/// Who the deployment is on its platform.
pub fn platform(host: Host, simulator: &Simulator, watch: &Arc<Watch>, cast: &DemoCast) -> Arc<dyn Platform> {
    match host {
        Host::Functions => Arc::new(Managed(simulator.clone(), watch.clone())),
        Host::Lambda => {
            let keys = Credentials::from_keys(&cast.aws.access_key_id, cast.aws.secret_access_key.reveal(), None);
            let sdk = SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(cast.aws.region.clone()))
                .credentials_provider(SharedCredentialsProvider::new(keys))
                .build();
            Arc::new(AwsRole(Aws::new(sdk, watch.clone(), Clock::starting_at(simulator.now()))))
        }
    }
}

impl Instance {
    /// A new instance, which remembers nothing.
    pub fn start(host: Host, config: &Config, simulator: &Simulator, watch: &Arc<Watch>, cast: &DemoCast, id: Uuid) -> Self {
        let transport: Arc<dyn HttpClient> = watch.clone();
        let clock = Clock::starting_at(simulator.now());
        let platform = platform(host, simulator, watch, cast);
        let kind = match host {
            Host::Functions => Kind::Functions(router(Readiness::ready(Deployment::new(config.clone(), platform, transport, clock)))),
            Host::Lambda => {
                let keys = WebhookKeys::new(SecretStore::open(&config.secret_store, &platform, &transport), clock);
                Kind::Lambda(LambdaFunction::new(Deployment::new(config.clone(), platform, transport, clock), keys))
            }
        };
        Self { life: Rc::default(), app: Arc::new(App { kind, id, invocations: AtomicU64::new(0) }) }
    }
}

impl App {
    fn invocation(&self) -> Uuid {
        let number = self.invocations.fetch_add(1, Ordering::Relaxed);
        Uuid::new_v5(&self.id, &number.to_be_bytes())
    }

    async fn send(&self, path: &str, id: Uuid, body: Vec<u8>) -> (u16, Bytes) {
        let Kind::Functions(router) = &self.kind else { return (404, Bytes::new()) };
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("x-azure-functions-invocationid", id.to_string())
            .body(Body::from(body))
            .expect("the request is valid");
        let Ok(answer) = router.clone().oneshot(request).await;
        let (parts, body) = answer.into_parts();
        (parts.status.as_u16(), to_bytes(body, usize::MAX).await.expect("answers in memory do not break"))
    }

    async fn invoke_with(&self, payload: &Value, id: Uuid, time: Duration) -> Result<Value, String> {
        let Kind::Lambda(function) = &self.kind else { return Err("no function".to_owned()) };
        Box::pin(function.invoke(payload, &id.to_string(), time)).await.map_err(|error| error.to_string())
    }

    /// A person's call, which waits for the answer: its status and text. The call's cause is known by this id.
    pub async fn call(&self, asked: &Value, id: Uuid) -> (u16, String) {
        match &self.kind {
            Kind::Functions(_) => {
                let (status, body) = self.send("/api/onboard", id, asked.to_string().into_bytes()).await;
                (status, String::from_utf8_lossy(&body).into_owned())
            }
            Kind::Lambda(_) => match self.invoke_with(asked, id, FUNCTION_TIMEOUT).await {
                // Without a status line: whoever has a result has its type.
                Ok(answer) if answer.get("type").is_some() && answer.get("specversion").is_some() => (200, answer.to_string()),
                Ok(answer) => (answer["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(202), answer.to_string()),
                Err(words) => (500, words),
            },
        }
    }

    /// The timer of the sweep: whether it ended well, and what it told.
    pub async fn sweep(&self) -> (u16, String) {
        match &self.kind {
            Kind::Functions(_) => {
                let call = json!({ "Data": { "timer": "{\"IsPastDue\":false}" }, "Metadata": { "sys": { "MethodName": "Sweep" } } });
                let (status, body) = self.send("/Sweep", self.invocation(), call.to_string().into_bytes()).await;
                (status, String::from_utf8_lossy(&body).into_owned())
            }
            Kind::Lambda(_) => match self.invoke_with(&json!({ "command": "sweep" }), self.invocation(), SWEEP_TIMEOUT).await {
                Ok(answer) => (200, answer.to_string()),
                Err(words) => (500, words),
            },
        }
    }
}

/// What a call of it was about: whose asked-for scope, for the story.
pub fn call_id(seed: u64, ask: Ask) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{seed}/call/{}", ask.number).as_bytes())
}

#[async_trait]
impl Worker for App {
    async fn post(&self, path: &str, body: Bytes) -> (u16, Bytes) {
        self.send(path, self.invocation(), body.to_vec()).await
    }
}

#[async_trait]
impl Function for App {
    async fn invoke(&self, payload: Bytes) -> Result<Bytes, String> {
        let payload: Value = serde_json::from_slice(&payload).expect("the platform's payloads are JSON");
        self.invoke_with(&payload, self.invocation(), FUNCTION_TIMEOUT).await.map(|answer| Bytes::from(answer.to_string()))
    }
}
