//! The official crates over the memory face: what they send is understood, and they understand what they get.

use azure_core::credentials::{Secret, TokenCredential};
use azure_core::error::ErrorKind;
use azure_core::http::{ClientOptions, RetryOptions, Transport};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use azure_security_keyvault_secrets::{SecretClient, SecretClientOptions};
use azure_storage_queue::models::{QueueClientSendMessageOptions, QueueMessage};
use azure_storage_queue::{QueueClient, QueueClientOptions};
use ispm_onboarder_simulator::{Effect, Fault};
use std::sync::Arc;

use crate::stage::Stage;

fn options(stage: &Stage) -> ClientOptions {
    ClientOptions { transport: Some(Transport::new(stage.simulator.transport())), retry: RetryOptions::none(), ..ClientOptions::default() }
}

fn login(stage: &Stage) -> Arc<dyn TokenCredential> {
    let options = ClientSecretCredentialOptions { client_options: options(stage) };
    let secret = Secret::new(stage.cast.login_secret.reveal().to_owned());
    ClientSecretCredential::new(&stage.cast.tenant, stage.cast.login_client_id.clone(), secret, Some(options)).expect("a credential")
}

#[tokio::test(start_paused = true)]
async fn key_vault_answers_its_challenge_with_either_credential() {
    let stage = Stage::new();
    for credential in [login(&stage), stage.simulator.identity()] {
        let vault = format!("https://{}.vault.azure.net", stage.cast.vault);
        let options = SecretClientOptions { client_options: options(&stage), ..SecretClientOptions::default() };
        let client = SecretClient::new(&vault, credential, Some(options)).expect("a client");
        let secret = client.get_secret("contoso-login-secret", None).await.expect("an answer").into_model().expect("a secret");
        assert_eq!(secret.value.as_deref(), Some(stage.cast.login_secret.reveal()));
        let missing = client.get_secret("nothing", None).await.expect_err("no such secret");
        assert_eq!(missing.http_status().map(u16::from), Some(404));
    }
    let statuses: Vec<Option<u16>> = stage.recorded("key-vault.secret.get").iter().map(|call| call.status).collect();
    assert_eq!(statuses[..2], [Some(401), Some(200)], "first the challenge, then the secret");
}

#[tokio::test(start_paused = true)]
async fn a_queue_takes_what_the_crate_sends() {
    let stage = Stage::new();
    let client = queue(&stage, "onboarding");
    let text = r#"{"scope":"/subscriptions/<id>","why":"a & b"}"#;
    let message = QueueMessage { message_text: Some(text.to_owned()) };
    let options = QueueClientSendMessageOptions { visibility_timeout: Some(60), ..QueueClientSendMessageOptions::default() };
    client.send_message(message.try_into().expect("XML"), Some(options)).await.expect("sent");
    let stored = stage.simulator.state().world.queue_messages("onboarding")[0].text.clone();
    assert_eq!(stored, text, "neither escaped nor encoded");
    stage.advance(60);
    let received = client.receive_messages(None).await.expect("an answer").into_model().expect("a list");
    let received = received.items.expect("messages").remove(0);
    assert_eq!(received.message_text.as_deref(), Some(text));
    let (id, receipt) = (received.message_id.expect("an id"), received.pop_receipt.expect("a receipt"));
    client.delete_message(&id, &receipt, None).await.expect("deleted");
    assert!(stage.simulator.state().world.queue_messages("onboarding").is_empty());
}

fn queue(stage: &Stage, name: &str) -> QueueClient {
    let options = QueueClientOptions { client_options: options(stage), ..QueueClientOptions::default() };
    let url = format!("https://{}.queue.core.windows.net/{name}", stage.cast.storage_account);
    QueueClient::new(url.parse().expect("a URL"), Some(stage.simulator.identity()), Some(options)).expect("a client")
}

#[tokio::test(start_paused = true)]
async fn queues_are_made_and_their_absence_is_understood() {
    let stage = Stage::new();
    let client = queue(&stage, "another");
    let missing = client.get_properties(None).await.expect_err("no such queue");
    assert_eq!(missing.http_status().map(u16::from), Some(404));
    client.create(None).await.expect("made");
    client.get_properties(None).await.expect("there");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_and_a_broken_connection_reach_the_caller_as_errors() {
    let stage = Stage::new();
    let scopes = ["https://management.azure.com/.default"];
    stage.simulator.state().faults.push(Fault::new("entra.token", Effect::Reset).times(1));
    let broken = login(&stage).get_token(&scopes, None).await.expect_err("a reset");
    assert!(broken.http_status().is_none());
    stage.simulator.state().world.applications.get_mut(&stage.cast.login_client_id).expect("the app").rotate_secret("other");
    let refused = login(&stage).get_token(&scopes, None).await.expect_err("a wrong secret");
    assert!(refused.to_string().contains("AADSTS7000215"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_is_told_whether_anything_was_sent() {
    let stage = Stage::new();
    let transport = stage.simulator.transport();
    let url = "https://management.azure.com/subscriptions?api-version=2022-12-01".parse().expect("an address");
    let request = azure_core::http::Request::new(url, azure_core::http::Method::Get);
    for (effect, kind) in [
        (Effect::Unresolved, ErrorKind::Connection),
        (Effect::Handshake, ErrorKind::Connection),
        (Effect::Reset, ErrorKind::Io),
        (Effect::Truncated, ErrorKind::Io),
    ] {
        stage.simulator.state().faults.push(Fault::new("arm.subscriptions.list", effect.clone()).times(1));
        let error = transport.execute_request(&request).await.expect_err("a fault");
        assert_eq!(error.kind(), &kind, "{effect}");
    }
}
