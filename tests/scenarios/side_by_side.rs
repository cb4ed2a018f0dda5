//! Several calls of one client at once, while the platform's identity endpoint refuses.
//!
//! Those who wait for one token may wake each other without end: no time passes then, and on a real machine the processor is busy for
//! nothing. So the polls are counted here.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use futures_util::future::join_all;
use ispm_onboarder::config::{ContainerUrl, QueueUrl, SecretStoreUrl};
use ispm_onboarder::error::Error;
use ispm_onboarder::identity::Platform;
use ispm_onboarder::permissions::simulated;
use ispm_onboarder::queue::Queue;
use ispm_onboarder::secrets::SecretStore;
use ispm_onboarder::storage::Container;
use ispm_onboarder::tenant::SecretName;
use ispm_onboarder_simulator::{Clock, DemoCast, Effect, Fault, Simulator, World};

use crate::harness::EPOCH;

/// More polls than this no six calls need that are awake only when something happened.
const MOST_POLLS: usize = 10_000;
/// How many calls there are at once. It takes one whose token is refused, one that asks next, and two that wait.
const AT_ONCE: usize = 6;

/// The function app's own identity.
#[derive(Debug)]
struct Function(Simulator);

impl Platform for Function {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(self.0.identity())
    }
}

struct Stage {
    simulator: Simulator,
    cast: DemoCast,
    platform: Arc<dyn Platform>,
}

impl Stage {
    fn new() -> Self {
        let (mut world, cast) = (World::demo(7), DemoCast::of(7));
        simulated::grant(&mut world, &cast);
        let simulator = Simulator::new(world, Clock::starting_at(EPOCH));
        let platform = Arc::new(Function(simulator.clone()));
        Self { simulator, cast, platform }
    }

    /// From now on a token takes a second, and the first so many are refused after it.
    fn refuse(&self, times: u32) {
        let refusals = [Fault::new("identity.token", Effect::Delay { seconds: 1 }), Fault::status("identity.token", 400).times(times)];
        self.simulator.state().faults.extend(refusals);
    }

    /// Makes the call once, so that a vault's client knows where to sign in, and then so many times at once. The calls whose tokens are
    /// refused fail, and no other: one token is for all that waited.
    async fn expect_rest<T>(&self, call: impl AsyncFn() -> Result<T, Error>) {
        self.refuse(3);
        assert!(call().await.is_err());
        let mut calls = pin!(join_all((0..AT_ONCE).map(|_| call())));
        let mut polls = 0;
        let done = poll_fn(|cx| {
            polls += 1;
            assert!(polls < MOST_POLLS, "the calls wake each other without end");
            calls.as_mut().poll(cx)
        });
        let done = done.await;
        let failed: Vec<&Error> = done.iter().filter_map(|done| done.as_ref().err()).collect();
        assert_eq!(failed.len(), 2, "{failed:?}");
        let asked = self.simulator.state().requests.iter().filter(|call| call.operation == "identity.token").count();
        assert_eq!(asked, 4);
    }
}

#[tokio::test(start_paused = true)]
async fn readers_of_a_vault_rest_while_they_wait_for_a_token() {
    let stage = Stage::new();
    let url = SecretStoreUrl::KeyVault(format!("https://{}.vault.azure.net", stage.cast.vault).parse().unwrap());
    let store = SecretStore::open(&url, &stage.platform, &stage.simulator.transport());
    let name = SecretName::parse("contoso-login-secret").unwrap();
    stage.expect_rest(async || store.get(&name).await).await;
}

#[tokio::test(start_paused = true)]
async fn writers_of_a_queue_rest_while_they_wait_for_a_token() {
    let stage = Stage::new();
    let url = format!("https://{}.queue.core.windows.net/{}", stage.cast.storage_account, stage.cast.queue).parse().unwrap();
    let queue = Queue::open(&QueueUrl::Storage(url), &stage.platform, &stage.simulator.transport());
    stage.expect_rest(async || queue.put("{}".to_owned(), Duration::ZERO).await).await;
}

#[tokio::test(start_paused = true)]
async fn writers_of_reports_rest_while_they_wait_for_a_token() {
    let stage = Stage::new();
    let url = format!("https://{}.blob.core.windows.net/report", stage.cast.storage_account).parse().unwrap();
    let container = Container::open(&ContainerUrl::Blob(url), &stage.platform, &stage.simulator.transport());
    stage.expect_rest(async || container.put("a", "text/plain", b"a".to_vec()).await).await;
}
