use http::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::stage::{START, Stage};

const VAULT: &str = "https://contoso-onboarder.vault.azure.net";
const AUDIENCE: &str = "https://vault.azure.net";

#[tokio::test(start_paused = true)]
async fn hands_out_the_newest_version_or_the_named_one() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    let url = format!("{VAULT}/secrets/contoso-ispm-token?api-version=7.4");
    let first = stage.get(&url, &token).await;
    assert_eq!(first.status, 200);
    let old_id = first.body["id"].as_str().expect("an id").to_owned();
    stage.simulator.state().world.set_secret("contoso-onboarder", "contoso-ispm-token", "rotated");
    assert_eq!(stage.get(&url, &token).await.body["value"], "rotated");
    let old = stage.get(&format!("{old_id}?api-version=2025-07-01"), &token).await;
    assert_eq!(old.body["value"], first.body["value"]);
    let trailing_slash = stage.get(&format!("{VAULT}/secrets/contoso-ispm-token/?api-version=7.6"), &token).await;
    assert_eq!(trailing_slash.body["value"], "rotated");
}

#[tokio::test(start_paused = true)]
async fn challenges_whoever_has_no_good_token() {
    let stage = Stage::new();
    for (kind, token) in stage.bad_tokens(AUDIENCE).await {
        let answered = stage.get(&format!("{VAULT}/secrets/contoso-ispm-token?api-version=7.4"), &token).await;
        assert_eq!(answered.outcome(), (401, "Unauthorized"), "{kind}");
        let challenge = answered.header("www-authenticate");
        let tenant = &stage.cast.tenant;
        let expected = format!(r#"Bearer authorization="https://login.microsoftonline.com/{tenant}", resource="https://vault.azure.net""#);
        assert!(challenge.starts_with(&expected), "{kind}: {challenge}");
        assert!(!answered.text.contains("of~no~value"));
    }
}

#[tokio::test(start_paused = true)]
async fn refuses_what_is_missing_disabled_or_not_understood() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    let outcome = async |rest: &str| {
        let answered = stage.get(&format!("{VAULT}/{rest}"), &token).await;
        let (status, code) = answered.outcome();
        (status, code.to_owned())
    };
    assert_eq!(outcome("secrets/nothing?api-version=7.4").await, (404, "SecretNotFound".to_owned()));
    assert_eq!(outcome("secrets/contoso-ispm-token/0123?api-version=7.4").await, (404, "SecretNotFound".to_owned()));
    assert_eq!(outcome("secrets/contoso-ispm-token?api-version=1.0").await, (400, "BadParameter".to_owned()));
    assert_eq!(outcome("secrets/contoso-ispm-token").await, (400, "BadParameter".to_owned()));
    for bad in ["secrets", "secrets?api-version=7.4&maxresults=26", "secrets?api-version=7.4&$skiptoken=!"] {
        assert_eq!(outcome(bad).await, (400, "BadParameter".to_owned()), "{bad}");
    }
    assert_eq!(outcome("secrets?api-version=7.4&filter=x").await, (501, "NotModelled".to_owned()));
    assert_eq!(outcome("keys/k?api-version=7.4").await, (501, "NotModelled".to_owned()));
    stage.simulator.state().world.set_secret("contoso-onboarder", "off", "x").enabled = false;
    let disabled = stage.get(&format!("{VAULT}/secrets/off?api-version=7.4"), &token).await;
    assert_eq!(disabled.outcome(), (403, "Forbidden"));
    assert_eq!(disabled.body["error"]["innererror"]["code"], "SecretDisabled");
}

#[tokio::test(start_paused = true)]
async fn lists_names_without_values_page_by_page() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    {
        let mut state = stage.simulator.state();
        for number in 0..30 {
            state.world.set_secret("contoso-onboarder", &format!("more-{number:02}"), "hidden").enabled = number % 2 == 0;
        }
    }
    let walk = async |first: &str| {
        let (mut sizes, mut names, mut next) = (Vec::new(), Vec::new(), Some(first.to_owned()));
        while let Some(url) = next {
            let answered = stage.get(&url, &token).await;
            assert!(!answered.text.contains("hidden") && !answered.text.contains("of~no~value"), "{}", answered.text);
            let items = answered.body["value"].as_array().expect("a list").clone();
            sizes.push(items.len());
            names.extend(items.iter().filter_map(|item| item["id"].as_str()?.rsplit_once('/')).map(|(_, name)| name.to_owned()));
            next = answered.body["nextLink"].as_str().map(str::to_owned);
            assert!(next.iter().all(|next| next.starts_with("https://contoso-onboarder.vault.azure.net:443/secrets?")), "{next:?}");
        }
        (sizes, names)
    };
    let (sizes, names) = walk(&format!("{VAULT}/secrets?api-version=7.4")).await;
    assert_eq!(sizes, [25, 8]);
    assert!(names.contains(&"more-01".to_owned()), "disabled ones too");
    assert!(names.contains(&format!("ispm-onboarder-{}", stage.cast.tenant)));
    let (sizes, small) = walk(&format!("{VAULT}/secrets?maxresults=20&api-version=2025-07-01")).await;
    assert_eq!((sizes, small), (vec![20, 13], names));
}

#[tokio::test(start_paused = true)]
async fn takes_a_new_version_and_keeps_the_older_ones() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    let url = format!("{VAULT}/secrets/made?api-version=7.4");
    let set = async |body: Value| stage.call(Method::PUT, &url, &token, body).await;
    let first = set(json!({"value": "one", "contentType": "text/plain", "tags": {"a": "b"}, "attributes": {"exp": 1}})).await;
    assert_eq!((first.status, &first.body["tags"]["a"], &first.body["attributes"]["exp"]), (200, &"b".into(), &1.into()));
    let second = set(json!({"value": "two"})).await;
    assert_ne!(first.body["id"], second.body["id"]);
    assert_eq!(stage.get(&format!("{VAULT}/secrets/MADE?api-version=7.4"), &token).await.body["value"], "two");
    let older = first.body["id"].as_str().expect("an id");
    assert_eq!(stage.get(&format!("{older}?api-version=7.4"), &token).await.body["value"], "one");
    let changed: Vec<bool> = stage.recorded("key-vault.secret.set").iter().map(|call| call.changed).collect();
    assert_eq!(changed, [true, true]);
}

#[tokio::test(start_paused = true)]
async fn refuses_what_cannot_be_a_secret() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    let set = async |name: &str, token: &str, body: Value| {
        let url = format!("{VAULT}/secrets/{name}?api-version=7.4");
        stage.call(Method::PUT, &url, token, body).await.status
    };
    assert_eq!(set("good", "", json!({"value": "x"})).await, 401);
    assert_eq!(set("under_score", &token, json!({"value": "x"})).await, 400);
    assert_eq!(set(&"x".repeat(128), &token, json!({"value": "x"})).await, 400);
    assert_eq!(set("good", &token, json!({})).await, 400);
    assert_eq!(set("good", &token, json!({"value": "x".repeat(25_601)})).await, 400);
    assert_eq!(stage.get(&format!("{VAULT}/secrets/good?api-version=7.4"), &token).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn shows_an_expiry_without_enforcing_it() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    {
        let mut state = stage.simulator.state();
        state.world.set_secret("contoso-onboarder", "old", "x").expires_on = Some(START - Duration::days(1));
    }
    let answered = stage.get(&format!("{VAULT}/secrets/old?api-version=7.4"), &token).await;
    assert_eq!((answered.status, &answered.body["attributes"]["exp"]), (200, &(START.unix_timestamp() - 86_400).into()));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_vault_is_an_unknown_host() {
    let stage = Stage::new();
    assert!(stage.simulator.serves("contoso-onboarder.vault.azure.net"));
    for host in ["fabrikam.vault.azure.net", "example.com", "169.254.169.254", "vault.azure.net"] {
        assert!(!stage.simulator.serves(host), "{host}");
    }
}
