//! Secrets Manager as the secret store.

use std::collections::BTreeSet;

use ispm_onboarder_simulator::world::aws::{SecretValue, SecretVersion};
use ispm_onboarder_simulator::{DemoCast, Effect, Fault, World};

use ispm_onboarder::config::SecretStoreUrl;
use ispm_onboarder::error::{Code, Error};
use ispm_onboarder::secrets::SecretStore;

use crate::harness::{ASSIGN, COLD_START, EPOCH, GET_SECRET, Given, PUBLISH, PUT_BACK, Scenario, store_secret};

fn account<'a>(world: &'a mut World, cast: &DemoCast) -> &'a mut ispm_onboarder_simulator::world::aws::Account {
    world.aws_mut(&cast.aws.account, &cast.aws.region)
}

#[tokio::test(start_paused = true)]
async fn names_stand_behind_the_prefix() {
    let s = Given::demo()
        .setting("ONBOARDER_SECRET_STORE", "aws-secretsmanager:prod/ispm/")
        .world(|world, cast| {
            let account = account(world, cast);
            account.secrets =
                std::mem::take(&mut account.secrets).into_iter().map(|(name, secret)| (format!("prod/ispm/{name}"), secret)).collect();
            // What another deployment would read.
            account.set_secret("contoso-login-secret", "another~secret~of~no~value");
        })
        .start();
    s.onboard(&s.cast.new).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_denied_function_is_told_the_action_that_it_lacks() {
    let s = Given::demo().world(|world, cast| account(world, cast).deny(&cast.aws.role_arn, "secretsmanager:GetSecretValue")).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls([COLD_START, PUBLISH, PUT_BACK]);
    let [told] = s.expect_results(["tenant.failed secret-store-refused"]);
    assert!(told["data"]["hint"].as_str().is_some_and(|words| words.contains("secretsmanager:GetSecretValue")), "{told:#}");
    s.expect_waiting();
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_binary_empty_deleted_or_no_json_is_told_by_its_name() {
    type Change = fn(&mut World, &DemoCast, &str);
    let binary: Change = |world, cast, name| account(world, cast).set_secret(name, "").value = SecretValue::Binary("AAEC".into());
    let empty: Change = |world, cast, name| store_secret(world, cast, name, " ");
    let deleted: Change = |world, cast, name| account(world, cast).secrets.get_mut(name).unwrap().deleted_on = Some(EPOCH);
    for (change, code) in [(binary, "secret-missing"), (empty, "secret-missing"), (deleted, "secret-store-refused")] {
        let s = Given::demo().world(|world, cast| change(world, cast, "contoso-login-secret")).start();
        s.onboard(&s.cast.new).await;
        s.expect_calls([COLD_START, PUBLISH, PUT_BACK]);
        let [told] = s.expect_results([format!("tenant.failed {code}").as_str()]);
        assert!(told["data"]["message"].as_str().is_some_and(|words| words.contains("contoso-login-secret")), "{told:#}");
        assert!(told["data"]["hint"].is_string(), "{told:#}");
        s.expect_waiting();
    }
    let s = Given::demo().world(|world, cast| store_secret(world, cast, &format!("ispm-onboarder-{}", cast.tenant), "no JSON")).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls([COLD_START, PUBLISH, PUT_BACK]);
    s.expect_results(["tenant.failed record-invalid"]);
    s.expect_waiting();
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_not_yet_current_is_not_read() {
    let pending = |world: &mut World, cast: &DemoCast| {
        let secret = account(world, cast).secrets.get_mut("contoso-login-secret").unwrap();
        secret.versions.push(SecretVersion {
            id: "0b1f6471-1bf0-4dda-aec3-cb9272f09590".to_owned(),
            stages: BTreeSet::from(["AWSPENDING".to_owned()]),
            value: SecretValue::Text("not~known~to~entra~yet".into()),
            created_on: EPOCH,
        });
    };
    let s = Given::demo().world(pending).start();
    s.onboard(&s.cast.new).await;
    assert_eq!(s.count_calls()[ASSIGN], 1);
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_store_is_waited_for_and_nobody_is_blamed() {
    let throttled = Effect::Status { status: 400, code: Some("ThrottlingException".to_owned()), retry_after: None };
    let s = Given::demo().fault(Fault::new(GET_SECRET, throttled)).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls([COLD_START, PUT_BACK]);
    s.expect_waiting();
    s.mend();
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

async fn names(s: &Scenario, prefix: &str, begin: &str) -> Result<Vec<String>, Error> {
    let url = SecretStoreUrl::SecretsManager { prefix: prefix.to_owned() };
    let SecretStore::SecretsManager(store) = SecretStore::open(&url, &s.aws_platform(), &s.transport()) else { panic!("another store") };
    store.names(begin).await
}

#[tokio::test(start_paused = true)]
async fn names_are_listed_from_all_pages_without_the_prefix_and_without_what_is_deleted() {
    let s = Given::demo().start();
    s.change(|world, cast| {
        let account = account(world, cast);
        for name in (0..150).map(|number| format!("prod/ispm-onboarder-{number:03}")) {
            account.set_secret(&name, "value");
        }
        account.set_secret("prod/other", "value");
        account.secrets.get_mut("prod/ispm-onboarder-007").unwrap().deleted_on = Some(EPOCH);
    });
    let found = names(&s, "prod/", "ispm-onboarder-").await.unwrap();
    assert_eq!((found.len(), found[0].as_str(), found[148].as_str()), (149, "ispm-onboarder-000", "ispm-onboarder-149"));
    assert_eq!(names(&s, "", "ispm-onboarder-").await.unwrap(), [format!("ispm-onboarder-{}", s.cast.tenant)]);
    assert_eq!(s.count_calls()[COLD_START], 3);
}

#[tokio::test(start_paused = true)]
async fn listing_is_denied_by_its_own_action_and_may_pass_when_throttled() {
    let s = Given::demo().world(|world, cast| account(world, cast).deny(&cast.aws.role_arn, "secretsmanager:ListSecrets")).start();
    let error = names(&s, "", "").await.expect_err("denied");
    assert_eq!(error.code, Code::SecretStoreRefused);
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("secretsmanager:ListSecrets on *")), "{error:?}");
    let throttled = Effect::Status { status: 400, code: Some("ThrottlingException".to_owned()), retry_after: None };
    s.fault(Fault::new("secrets-manager.secrets.list", throttled));
    assert_eq!(names(&s, "", "").await.expect_err("throttled").code, Code::Throttled);
    s.count_calls();
}
