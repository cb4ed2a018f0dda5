//! The demo's estate with the onboarder in it, and a recorder between them.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_core::http::headers::{AUTHORIZATION, CONTENT_TYPE};
use azure_core::http::{HttpClient as _, Method, Request, Url};
use ispm_onboarder::Onboarder;
use ispm_onboarder::clock::Clock;
use ispm_onboarder::config::Config;
use ispm_onboarder::error::Error as Refusal;
use ispm_onboarder::identity::Platform;
use ispm_onboarder::permissions::simulated;
use ispm_onboarder_simulator::{Clock as SimulatorClock, DemoCast, Simulator, World};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::recorder::Recorder;

/// When every story begins: ahead of any machine's clock, since `azure_core` judges the age of cached tokens by that one.
const EPOCH: OffsetDateTime = datetime!(2126-11-22 10:00 UTC);

/// A change to the world before a story begins.
pub type Prepare = fn(&mut World, &DemoCast);

/// Where a story is played.
pub struct Stage {
    pub cast: DemoCast,
    pub simulator: Simulator,
    pub recorder: Recorder,
    pub onboarder: Onboarder,
}

/// An answer to a request that was sent directly.
pub struct Answered {
    pub status: u16,
    pub body: Value,
}

impl Stage {
    pub fn new(story: &str, prepare: Prepare) -> Result<Self, Box<dyn Error>> {
        let (mut world, cast) = (World::demo(7), DemoCast::of(7));
        prepare(&mut world, &cast);
        simulated::grant(&mut world, &cast);
        let simulator = Simulator::new(world, SimulatorClock::starting_at(EPOCH));
        let recorder = Recorder::new(simulator.transport(), story);
        let settings = BTreeMap::from([
            ("ONBOARDER_SECRET_STORE", format!("https://{}.vault.azure.net", cast.vault)),
            ("ONBOARDER_RESULTS", format!("https://{}/api/events", cast.topic)),
            ("ONBOARDER_QUEUE", format!("https://{}.queue.core.windows.net/{}", cast.storage_account, cast.queue)),
        ]);
        let config = Config::read(|name| settings.get(name).cloned())?;
        let platform = Arc::new(SimulatedIdentity(simulator.clone()));
        let onboarder = Onboarder::new(config, platform, Arc::new(recorder.clone()), Clock::starting_at(EPOCH));
        Ok(Self { cast, simulator, recorder, onboarder })
    }

    /// A token of the operator, who may do everything, for a resource.
    pub async fn token(&self, resource: &str) -> Result<String, Box<dyn Error>> {
        self.token_of(&self.cast.operator_client_id, resource).await
    }

    /// A token of an app for a resource.
    pub async fn token_of(&self, client_id: &str, resource: &str) -> Result<String, Box<dyn Error>> {
        let scope = format!("{resource}/.default");
        Ok(self.simulator.identity_of(client_id).get_token(&[&scope], None).await?.token.secret().to_owned())
    }

    /// Sends one request past the onboarder.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        token: Option<&str>,
        body: Option<(&'static str, &Value)>,
    ) -> Result<Answered, Box<dyn Error>> {
        let mut request = request(method, url, token)?;
        if let Some((media_type, body)) = body {
            request.insert_header(CONTENT_TYPE, media_type);
            request.set_body(body.to_string());
        }
        let (status, _, body) = self.recorder.execute_request(&request).await?.deconstruct();
        Ok(Answered { status: status.into(), body: serde_json::from_slice(&body.collect().await?).unwrap_or_default() })
    }

    /// Reads, unrecorded, until the service has had enough.
    pub async fn use_up(&self, url: &str, token: Option<&str>) -> Result<(), Box<dyn Error>> {
        let request = request(Method::Get, url, token)?;
        while self.simulator.transport().execute_request(&request).await?.status().is_success() {}
        Ok(())
    }
}

fn request(method: Method, url: &str, token: Option<&str>) -> Result<Request, Box<dyn Error>> {
    let mut request = Request::new(Url::parse(url)?, method);
    if let Some(token) = token {
        request.insert_header(AUTHORIZATION, format!("Bearer {token}"));
    }
    Ok(request)
}

/// The simulated platform's managed identity.
#[derive(Debug)]
struct SimulatedIdentity(Simulator);

impl Platform for SimulatedIdentity {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Refusal> {
        Ok(self.0.identity())
    }
}
