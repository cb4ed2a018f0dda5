//! Documents in Blob storage, and messages taken out of a Storage queue, by the clients that hold them.

use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use ispm_onboarder::config::{ContainerUrl, QueueUrl};
use ispm_onboarder::error::{Code, Error};
use ispm_onboarder::identity::Platform;
use ispm_onboarder::queue::Queue;
use ispm_onboarder::storage::Container;
use ispm_onboarder_simulator::world::QueueMessage;
use ispm_onboarder_simulator::{Clock, DemoCast, Effect, Fault, Simulator, World};

use crate::harness::EPOCH;

/// Who takes dead letters out: somebody at the command line, and not the function.
#[derive(Debug)]
struct Person {
    simulator: Simulator,
    client_id: String,
}

impl Platform for Person {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(self.simulator.identity_of(&self.client_id))
    }
}

/// A world of which only its storage is used.
struct Stage {
    simulator: Simulator,
    cast: DemoCast,
    platform: Arc<dyn Platform>,
}

impl Stage {
    fn new() -> Self {
        let mut world = World::demo(7);
        world.settings.token_lifetime_seconds = 7 * 24 * 3600;
        let simulator = Simulator::new(world, Clock::starting_at(EPOCH));
        let cast = DemoCast::of(7);
        let platform = Arc::new(Person { simulator: simulator.clone(), client_id: cast.operator_client_id.clone() });
        Self { simulator, cast, platform }
    }

    fn container(&self, name: &str) -> Container {
        let url = format!("https://{}.blob.core.windows.net/{name}", self.cast.storage_account).parse().unwrap();
        Container::open(&ContainerUrl::Blob(url), &self.platform, &self.simulator.transport())
    }

    fn queue(&self, name: &str) -> Queue {
        let url = format!("https://{}.queue.core.windows.net/{name}", self.cast.storage_account).parse().unwrap();
        Queue::open(&QueueUrl::Storage(url), &self.platform, &self.simulator.transport())
    }

    fn calls(&self) -> Vec<String> {
        let mut state = self.simulator.state();
        let calls = std::mem::take(&mut state.requests);
        calls.into_iter().map(|call| call.operation).filter(|name| !name.starts_with("identity.")).collect()
    }

    fn put_message(&self, text: &str) {
        let now = self.simulator.now();
        let mut state = self.simulator.state();
        let (id, pop_receipt) = (state.world.new_id().to_string(), state.world.new_id().to_string());
        let text = text.to_owned();
        let message = QueueMessage { id, text, inserted_on: now, expires_on: None, visible_from: now, dequeue_count: 0, pop_receipt };
        let account = state.world.storage_accounts.get_mut(&self.cast.storage_account).unwrap();
        account.queues.get_mut(&self.cast.queue).unwrap().push(message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_is_written_read_replaced_listed_and_removed() {
    let stage = Stage::new();
    let container = stage.container("report");
    assert_eq!(container.get("a/b.json").await.unwrap(), None);
    container.put("a/b.json", "application/json", b"{}".to_vec()).await.unwrap();
    container.put("a/b.json", "application/json", b"{\"x\":1}".to_vec()).await.unwrap();
    container.put("a c=ü%+", "text/plain", Vec::new()).await.unwrap();
    container.put("d", "text/plain", b"d".to_vec()).await.unwrap();
    assert_eq!(container.get("a/b.json").await.unwrap().unwrap(), b"{\"x\":1}");
    assert_eq!(container.get("a c=ü%+").await.unwrap().unwrap(), b"", "an empty document is there too");
    stage.simulator.state().world.settings.page_size = 1;
    let listed = container.list("a").await.unwrap();
    let names: Vec<&str> = listed.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, ["a c=ü%+", "a/b.json"], "the pages of the prefix");
    assert_eq!(listed[1].modified, Some(EPOCH));
    container.delete("d").await.unwrap();
    container.delete("d").await.unwrap();
    assert_eq!(container.list("").await.unwrap().len(), 2);
    assert_eq!(stage.simulator.state().world.blobs("report").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_large_document_is_written_with_one_call_and_read_in_pieces_of_one_writing() {
    let stage = Stage::new();
    let container = stage.container("report");
    let text: String = (0..1_300_000).map(|number| format!("{number:07}")).collect();
    container.put("large", "text/plain", text.clone().into_bytes()).await.unwrap();
    assert_eq!(stage.calls(), ["blob.put"]);
    assert_eq!(container.get("large").await.unwrap().unwrap(), text.clone().into_bytes());
    assert_eq!(stage.calls(), ["blob.get"; 3]);
    let exactly_one_piece = vec![b'x'; 4 * 1024 * 1024];
    container.put("piece", "text/plain", exactly_one_piece.clone()).await.unwrap();
    assert_eq!(container.get("piece").await.unwrap().unwrap(), exactly_one_piece);
    assert_eq!(stage.calls(), ["blob.put", "blob.get"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_and_a_missing_container_say_what_to_do_and_what_may_pass_passes() {
    let stage = Stage::new();
    let missing = stage.container("nowhere");
    for error in [missing.get("a").await.unwrap_err(), missing.delete("a").await.unwrap_err(), missing.list("").await.unwrap_err()] {
        assert_eq!(error.code, Code::ReportRefused);
        assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("Create the container")), "{error:?}");
    }
    let container = stage.container("report");
    let fault = |status| Effect::Status { status, code: Some("AuthorizationPermissionMismatch".to_owned()), retry_after: None };
    stage.simulator.state().faults.push(Fault::new("blob.put", fault(403)).times(1));
    let error = container.put("a", "text/plain", b"a".to_vec()).await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (Code::ReportRefused, "blob.put answered 403"));
    assert!(error.hint.is_some_and(|hint| hint.contains("Storage Blob Data Contributor")));
    stage.calls();
    for status in [401, 503] {
        stage.simulator.state().faults.push(Fault::new("blob.put", fault(status)).times(1));
        container.put("a", "text/plain", b"a".to_vec()).await.unwrap();
        assert_eq!(stage.calls(), ["blob.put"; 2], "{status}: once more, with a new token or after a moment");
    }
    stage.simulator.state().faults.push(Fault::new("blob.list", fault(503)));
    assert_eq!(container.list("").await.unwrap_err().code, Code::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_taken_out_is_hidden_until_it_is_released_or_deleted() {
    let stage = Stage::new();
    let queue = stage.queue("onboarding");
    for number in 0..40 {
        stage.put_message(&format!("<{number}>"));
    }
    let taken = queue.take(35).await.unwrap();
    let texts: Vec<&str> = taken.iter().map(|one| one.text.as_str()).collect();
    assert_eq!((texts.len(), texts[0], texts[34]), (35, "<0>", "<34>"));
    assert_eq!(taken[0].since, Some(EPOCH));
    assert_eq!(queue.take(100).await.unwrap().len(), 5, "those that are left; the others are hidden");
    queue.release(&taken[7]).await.unwrap();
    let again = queue.take(100).await.unwrap();
    assert_eq!(again.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(), ["<7>"]);
    queue.delete(&again[0]).await.unwrap();
    queue.delete(&again[0]).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_mins(5)).await;
    assert_eq!(queue.take(100).await.unwrap().len(), 39, "they come back by themselves");
    let missing = stage.queue("nowhere").take(1).await.unwrap_err();
    assert!(missing.hint.is_some_and(|hint| hint.contains("ONBOARDER_DEAD_LETTERS")));
}
