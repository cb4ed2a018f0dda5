//! Roles for data, and Graph's permissions: what each allows, and how each service refuses.

use std::time::Duration;

use http::Method;
use ispm_onboarder_simulator::world::data_role;
use serde_json::{Value, json};

use crate::stage::{OTHER_TENANT, Stage};

const VAULT: &str = "https://vault.azure.net";
const STORAGE: &str = "https://storage.azure.com";
const GRAPH: &str = "https://graph.microsoft.com";

/// The stage without any role for data.
fn bare() -> Stage {
    let stage = Stage::new();
    {
        let world = &mut stage.simulator.state().world;
        world.vaults.values_mut().for_each(|vault| vault.grants.clear());
        world.topics.values_mut().for_each(|topic| topic.grants.clear());
        world.storage_accounts.values_mut().for_each(|account| account.grants.clear());
    }
    stage
}

#[tokio::test(start_paused = true)]
async fn a_vault_asks_for_the_action_of_each_operation() {
    let stage = bare();
    let token = stage.token(VAULT).await;
    let vault = format!("https://{}.vault.azure.net/secrets", stage.cast.vault);
    let (secret, list) = (format!("{vault}/contoso-ispm-token?api-version=7.4"), format!("{vault}?api-version=7.4"));
    let set = |value: &str| json!({ "value": value });
    let refused = stage.get(&secret, &token).await;
    assert_eq!((refused.outcome(), &refused.body["error"]["innererror"]["code"]), ((403, "Forbidden"), &json!("ForbiddenByRbac")));
    let message = refused.body["error"]["message"].as_str().expect("a message");
    assert!(message.contains("Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'"), "{message}");
    assert!(message.contains(&format!("oid={}", stage.cast.login_principal_id)), "{message}");
    assert_eq!(stage.get(&format!("{vault}/nothing?api-version=7.4"), &token).await.status, 403, "before what is there");
    for (role, statuses) in [(data_role::SECRETS_USER, [200, 200, 403]), (data_role::SECRETS_OFFICER, [200, 200, 200])] {
        stage.simulator.state().world.vaults.get_mut(&stage.cast.vault).expect("a vault").grant(&stage.cast.login_principal_id, role);
        let answers = [
            stage.get(&secret, &token).await.status,
            stage.get(&list, &token).await.status,
            stage.call(Method::PUT, &secret, &token, set("new")).await.status,
        ];
        assert_eq!(answers, statuses, "{role}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_for_data_counts_once_it_has_propagated() {
    let stage = bare();
    let token = stage.token(VAULT).await;
    let secret = format!("https://{}.vault.azure.net/secrets/contoso-ispm-token?api-version=7.4", stage.cast.vault);
    {
        let now = stage.simulator.now();
        let world = &mut stage.simulator.state().world;
        world.settings.propagation_seconds = 60;
        let vault = world.vaults.get_mut(&stage.cast.vault).expect("a vault");
        vault.grant(&stage.cast.login_principal_id, data_role::SECRETS_USER);
        vault.grants.iter_mut().for_each(|grant| grant.created_on = now);
    }
    assert_eq!(stage.get(&secret, &token).await.outcome(), (403, "Forbidden"));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(stage.get(&secret, &token).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn queues_and_containers_ask_for_theirs_and_each_role_counts_where_it_is_given() {
    let stage = bare();
    let token = format!("Bearer {}", stage.token(STORAGE).await);
    let account = &stage.cast.storage_account;
    let queue = |rest: &str| format!("https://{account}.queue.core.windows.net/onboarding{rest}");
    let blob = |rest: &str| format!("https://{account}.blob.core.windows.net/report{rest}");
    let message = "<QueueMessage><MessageText>x</MessageText></QueueMessage>";
    let (read, write) = (data_role::QUEUE_READER, data_role::MESSAGE_SENDER);
    let (process, contribute) = (data_role::MESSAGE_PROCESSOR, data_role::QUEUE_CONTRIBUTOR);
    let calls = [
        (Method::POST, queue("/messages"), message, vec![write, contribute]),
        (Method::GET, queue("/messages"), "", vec![process, contribute]),
        (Method::GET, queue("?comp=metadata"), "", vec![read, contribute]),
        (Method::DELETE, queue("/messages/one?popreceipt=x"), "", vec![process, contribute]),
        // To hide a message for another time is to write it.
        (Method::PUT, queue("/messages/one?popreceipt=x&visibilitytimeout=0"), "", vec![contribute]),
        (Method::PUT, queue(""), "", vec![contribute]),
        (Method::PUT, blob("/a"), "text", vec![data_role::BLOB_CONTRIBUTOR, data_role::BLOB_OWNER]),
        (Method::GET, blob("/a"), "", vec![data_role::BLOB_READER, data_role::BLOB_CONTRIBUTOR, data_role::BLOB_OWNER]),
        (Method::GET, blob("?restype=container&comp=list"), "", vec![data_role::BLOB_READER, data_role::BLOB_OWNER]),
        (Method::DELETE, blob("/b"), "", vec![data_role::BLOB_CONTRIBUTOR, data_role::BLOB_OWNER]),
    ];
    let headers = [("authorization", token.as_str()), ("x-ms-version", "2024-11-04"), ("x-ms-blob-type", "BlockBlob")];
    let all = [read, write, process, contribute, data_role::BLOB_READER, data_role::BLOB_CONTRIBUTOR, data_role::BLOB_OWNER];
    for (method, url, body, roles) in calls {
        let place = if url.contains(".queue.") { "onboarding" } else { "report" };
        for (on, role) in all.iter().flat_map(|role| [(place, *role), ("elsewhere", *role)]) {
            {
                let accounts = &mut stage.simulator.state().world.storage_accounts;
                let grants = accounts.get_mut(account).expect("an account");
                grants.grants.clear();
                grants.grant(&stage.cast.login_principal_id, role, Some(on));
            }
            let answered = stage.send(method.clone(), &url, &headers, body).await;
            let is_refused = answered.status == 403 && answered.header("x-ms-error-code") == "AuthorizationPermissionMismatch";
            let allowed = on == place && (roles.contains(&role) || (role == data_role::BLOB_CONTRIBUTOR && url.contains("comp=list")));
            assert_eq!(!is_refused, allowed, "{method} {url} with {role} on {on}: {}", answered.text);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_says_401_to_who_may_not_send() {
    let stage = bare();
    let token = stage.token("https://eventgrid.azure.net").await;
    let url = format!("https://{}/api/events?api-version=2018-01-01", stage.cast.topic);
    let event = json!([{ "id": "1", "source": "s", "type": "t", "specversion": "1.0" }]).to_string();
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/cloudevents-batch+json")];
    let refused = stage.send(Method::POST, &url, &headers, event.clone()).await;
    assert_eq!(refused.outcome(), (401, "Unauthorized"));
    assert!(refused.text.contains("does not have permission to send data to"), "{}", refused.text);
    let (principal, topic) = (&stage.cast.login_principal_id, &stage.cast.topic);
    stage.simulator.state().world.topics.get_mut(topic).expect("a topic").grant(principal, data_role::EVENT_SENDER);
    assert_eq!(stage.send(Method::POST, &url, &headers, event).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn graph_shows_an_app_itself_and_others_by_permission() {
    let stage = Stage::new();
    let cast = &stage.cast;
    stage.simulator.state().world.tenant_mut(&cast.tenant).service_principals.values_mut().for_each(|own| own.app_roles.clear());
    let token = stage.token(GRAPH).await;
    let of = |app: &str| format!("{GRAPH}/v1.0/servicePrincipals(appId='{app}')");
    assert_eq!(stage.get(&of(&cast.login_client_id), &token).await.status, 200, "itself");
    for url in [of(&cast.ispm_client_id), of(OTHER_TENANT), format!("{GRAPH}/v1.0/servicePrincipals")] {
        assert_eq!(stage.get(&url, &token).await.outcome(), (403, "Authorization_RequestDenied"), "{url}");
    }
    let by_ids = |stage: &Stage| {
        let (url, body) = (format!("{GRAPH}/v1.0/directoryObjects/getByIds"), json!({ "ids": [stage.cast.ispm_principal_id] }));
        (url, body)
    };
    let (url, body) = by_ids(&stage);
    assert_eq!(stage.call(Method::POST, &url, &token, body).await.status, 403);
    let tenant = |stage: &Stage, permission: &str| {
        let world = &mut stage.simulator.state().world;
        let principals = &mut world.tenant_mut(&stage.cast.tenant).service_principals;
        principals.get_mut(&stage.cast.login_principal_id).expect("the login app").grant_in_graph(permission);
    };
    tenant(&stage, "User.Read.All");
    let token = stage.token(GRAPH).await;
    assert_eq!(stage.get(&of(&cast.ispm_client_id), &token).await.status, 403, "another permission");
    tenant(&stage, "Application.Read.All");
    assert_eq!(stage.get(&of(&cast.ispm_client_id), &token).await.status, 403, "the token does not know of it");
    let token = stage.token(GRAPH).await;
    assert_eq!(stage.get(&of(&cast.ispm_client_id), &token).await.status, 200);
    let person = stage.user_token(GRAPH, &cast.administrator);
    assert_eq!(stage.call(Method::GET, &of(&cast.ispm_client_id), &person, Value::Null).await.status, 200, "people read the directory");
}
