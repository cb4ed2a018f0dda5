//! An administrator runs `onboard tenant-root --elevate` in a process of its own, beside the deployment.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use ispm_onboarder::Onboarder;
use ispm_onboarder::cli::elevate::{CarriedOut, Elevate, Stop, Voice};
use ispm_onboarder::cli::{Output, Tally};
use ispm_onboarder::clock::Clock;
use ispm_onboarder::cloud::Cloud;
use ispm_onboarder::config::Config;
use ispm_onboarder::error::Error;
use ispm_onboarder::identity::Platform;
use ispm_onboarder::permissions::simulated;
use ispm_onboarder::scope::Guid;
use ispm_onboarder_simulator::{Clock as SimulatorClock, DemoCast, Fault, Simulator, World};
use uuid::Uuid;

use crate::harness::EPOCH;

/// A person at the Azure CLI, by object id.
#[derive(Clone, Debug)]
struct SignedIn(Simulator, String);

impl Platform for SignedIn {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl TokenCredential for SignedIn {
    async fn get_token(&self, scopes: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let token = self.0.user_token(scopes[0].trim_end_matches("/.default"), &self.1).expect("a person");
        Ok(AccessToken::new(token.token, token.expires_on))
    }
}

/// The function's identity, which reads the store.
#[derive(Debug)]
struct Function(Simulator);

impl Platform for Function {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(self.0.identity())
    }
}

/// Nobody wishes to stop.
struct Never;

impl Stop for Never {
    async fn asked(&mut self) -> &'static str {
        std::future::pending().await
    }
}

/// What was said, and what was printed.
#[derive(Debug, Default)]
struct Heard(Mutex<(Vec<String>, Vec<String>)>);

impl Voice for Heard {
    fn say(&self, line: &str) {
        self.0.lock().unwrap().0.push(line.to_owned());
    }

    fn print(&self, text: &str) {
        self.0.lock().unwrap().1.push(text.to_owned());
    }
}

async fn elevate(faults: Vec<Fault>) -> (CarriedOut, Vec<String>, Vec<String>) {
    let cast = DemoCast::of(7);
    let mut world = World::demo(7);
    world.settings.token_lifetime_seconds = 7 * 24 * 3600;
    simulated::grant(&mut world, &cast);
    let simulator = Simulator::new(world, SimulatorClock::starting_at(EPOCH));
    simulator.state().faults = faults;
    let config = Config::read(|name| match name {
        "ONBOARDER_SECRET_STORE" => Some(format!("https://{}.vault.azure.net", cast.vault)),
        "ONBOARDER_RESULTS" => Some(format!("https://{}/api/events", cast.topic)),
        _ => None,
    });
    let (transport, clock) = (simulator.transport(), Clock::starting_at(EPOCH));
    let function = Arc::new(Function(simulator.clone()));
    let onboarder = Onboarder::for_command_line(config.unwrap(), function, transport.clone(), clock);
    let elevate = Elevate {
        call: Uuid::from_u128(1),
        cloud: Cloud::Public,
        tenant: Guid::parse(&cast.tenant).unwrap(),
        grant: None,
        yes: true,
        dry_run: false,
        output: Output::Json,
    };
    let (who, heard) = (Arc::new(SignedIn(simulator, cast.administrator)), Arc::new(Heard::default()));
    let done = Box::pin(elevate.carry_out(&onboarder, &transport, who, heard.clone(), || Ok(Never))).await;
    let (said, printed) = heard.0.lock().unwrap().clone();
    (done.unwrap(), said, printed)
}

#[tokio::test(start_paused = true)]
async fn its_words_and_its_document_go_where_the_caller_wishes() {
    let (done, said, printed) = elevate(vec![]).await;
    assert_eq!(done, CarriedOut { tally: Tally::default(), left: false });
    assert!(said.iter().any(|line| line.contains("stepping down")), "{said:?}");
    let [document] = printed.as_slice() else { panic!("{printed:?}") };
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    assert_eq!((&document["elevation"]["state"], &document["results"][0]["type"].is_string()), (&"removed".into(), &true), "{document:#}");
    assert_eq!(elevate(vec![]).await.2, printed, "the same call comes to the same result");
}

#[tokio::test(start_paused = true)]
async fn who_may_still_be_elevated_is_told_to_the_caller_too() {
    let (done, said, _) = elevate(vec![Fault::status("arm.role-assignments.delete", 403)]).await;
    assert!(done.left && done.tally.failed, "{done:?}");
    assert!(said.iter().any(|line| line.contains("STEPPING DOWN FAILED")), "{said:?}");
}
