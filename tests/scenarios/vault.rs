//! The secret store, and which tenants a deployment serves.

use std::time::Duration;

use ispm_onboarder_simulator::{DemoCast, Effect, Fault, World};
use serde_json::json;

use crate::HOST;
use crate::harness::{
    ASSIGN, COLD_START, EPOCH, EVENT, GET_SECRET, Given, Host, PUBLISH, PUT_BACK, requested, store_secret, subscription, warm,
};

const OTHER_TENANT: &str = "77777777-7777-4777-8777-777777777777";

#[tokio::test(start_paused = true)]
async fn a_vault_that_refuses_the_function_is_told_and_waited_for() {
    let s = Given::demo().fault(Fault::status(GET_SECRET, 403)).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls([COLD_START, PUBLISH, PUT_BACK]);
    let [told] = s.expect_results(["tenant.failed secret-store-refused"]);
    let right = match HOST {
        Host::Functions => "Key Vault Secrets User",
        Host::Lambda => "secretsmanager:GetSecretValue",
    };
    assert!(told["data"]["hint"].as_str().is_some_and(|words| words.contains(right)), "{told:#}");
    s.expect_waiting();
    s.mend();
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_is_down_is_waited_for_and_nobody_is_blamed() {
    for effect in [
        Effect::Status { status: 503, code: None, retry_after: None },
        Effect::Status { status: 429, code: None, retry_after: Some("60".to_owned()) },
        Effect::Html { status: 502 },
        Effect::Reset,
        Effect::Truncated,
        Effect::InvalidJson,
    ] {
        let told = effect.to_string();
        let s = Given::demo().fault(Fault::new(GET_SECRET, effect)).start();
        s.onboard(&s.cast.new).await;
        assert!(!s.count_calls().contains_key(PUBLISH), "a tenant is blamed when the vault {told}");
        s.expect_waiting();
        s.mend();
        s.settle(1).await;
        s.count_calls();
        s.expect_results(["onboarded"]);
    }
}

/// `az keyvault secret set --file` takes the line break with it that an editor puts at the end of a file.
#[tokio::test(start_paused = true)]
async fn a_line_break_at_the_end_of_a_secret_does_not_count() {
    let written = |world: &mut World, cast: &DemoCast| {
        let secret = format!("{}\r\n", cast.login_secret.reveal());
        store_secret(world, cast, "contoso-login-secret", &secret);
    };
    let s = Given::demo().world(written).start();
    s.onboard(&s.cast.new).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_missing_empty_or_disabled_is_told_by_its_name() {
    type Change = fn(&mut World, &DemoCast, &str);
    let missing: Change = |world, cast, name| match HOST {
        Host::Functions => drop(world.vaults.get_mut(&cast.vault).and_then(|vault| vault.secrets.remove(name))),
        Host::Lambda => drop(world.aws_mut(&cast.aws.account, &cast.aws.region).secrets.remove(name)),
    };
    let empty: Change = |world, cast, name| store_secret(world, cast, name, " ");
    let disabled: Change = |world, cast, name| match HOST {
        Host::Functions => world.set_secret(&cast.vault, name, "x").enabled = false,
        Host::Lambda => {
            let secret = world.aws_mut(&cast.aws.account, &cast.aws.region).secrets.get_mut(name);
            secret.expect("the demo has it").deleted_on = Some(EPOCH);
        }
    };
    // On AWS a right to one secret is none to its name while it is not there.
    let without = match HOST {
        Host::Functions => "secret-missing",
        Host::Lambda => "secret-store-refused",
    };
    for (change, code) in [(missing, without), (empty, "secret-missing"), (disabled, "secret-store-refused")] {
        for name in ["contoso-login-secret", "contoso-ispm-token"] {
            let s = Given::demo().world(|world, cast| change(world, cast, name)).start();
            s.onboard(&s.cast.new).await;
            s.expect_calls([COLD_START, PUBLISH, PUT_BACK]);
            let told = format!("tenant.failed {code}");
            let [told] = s.expect_results([told.as_str()]);
            assert!(told["data"]["message"].as_str().is_some_and(|words| words.contains(name)), "{told:#}");
            assert!(told["data"]["hint"].is_string());
            s.expect_waiting();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_policy_takes_effect_within_ten_minutes() {
    let s = Given::demo().start();
    s.warm_up().await;
    let mut record = s.record();
    record["policy"]["exclude"] = json!([{"name": "payments"}]);
    s.put_record(&record);
    s.settle_for(Duration::from_mins(10)).await;
    s.onboard(&s.cast.new).await;
    assert!(!s.count_calls().contains_key(ASSIGN));
    s.expect_results(["blocked excluded-by-policy"]);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_without_a_record_is_refused_outside_every_served_tenant() {
    let s = Given::demo().start();
    s.deliver(requested(EVENT, EPOCH, &json!({"tenantId": OTHER_TENANT, "scope": subscription(&s.cast.new)}))).await;
    s.expect_calls([COLD_START, PUBLISH]);
    let [result] = s.expect_results(["failed tenant-not-served"]);
    let source = match HOST {
        Host::Functions => "urn:ispm-onboarder:unserved",
        Host::Lambda => "dev.ispm-onboarder",
    };
    assert_eq!(result["source"], source);
    assert!(result["data"].get("tenantId").is_none(), "no served tenant is named: {result:#}");
    let said = format!("{} {}", result["data"]["message"], result["data"]["hint"]);
    assert!(said.contains(OTHER_TENANT) && said.contains(&format!("ispm-onboarder-{OTHER_TENANT}")), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_tenant_outside_the_list_is_refused_without_a_look_into_the_vault() {
    let s = Given::demo().setting("ONBOARDER_TENANTS", OTHER_TENANT).start();
    s.onboard(&s.cast.new).await;
    let calls: Vec<String> = s.unread_calls().into_iter().map(|call| call.operation).collect();
    let expected: &[&str] = match HOST {
        Host::Functions => &["identity.token", PUBLISH],
        Host::Lambda => &[PUBLISH],
    };
    assert_eq!(calls, expected);
    let [result] = s.expect_results(["failed tenant-not-served"]);
    assert!(result["data"]["hint"].as_str().is_some_and(|words| words.contains("ONBOARDER_TENANTS")), "{result:#}");
}

#[tokio::test(start_paused = true)]
async fn a_tenant_in_the_list_is_served() {
    let cast = DemoCast::of(7);
    let s = Given::demo().setting("ONBOARDER_TENANTS", &format!("{OTHER_TENANT}, {}", cast.tenant.to_uppercase())).start();
    s.warm_up().await;
    s.onboard(&s.cast.new).await;
    s.expect_calls(warm([ASSIGN, PUBLISH]));
    s.expect_results(["onboarded"]);
}
