//! Signing in as the function's role, without a stored secret.

use ispm_onboarder_simulator::world::FederatedCredential;
use ispm_onboarder_simulator::world::aws::{Context, Verdict};
use ispm_onboarder_simulator::{DemoCast, Effect, Fault, World};
use serde_json::{Value, json};

use crate::harness::{ASSIGN, COLD_START, CONNECT, Given, PUBLISH, PUT_BACK, cold};

fn by_role(cast_login: &str) -> impl Fn(&mut Value) + use<> {
    let login = json!({ "method": "aws-web-identity", "clientId": cast_login });
    move |record| record["login"] = login.clone()
}

fn given() -> Given {
    let login = DemoCast::of(7).login_client_id;
    Given::demo().record(by_role(&login))
}

fn trust<'a>(world: &'a mut World, cast: &DemoCast) -> &'a mut FederatedCredential {
    let app = world.applications.get_mut(&cast.login_client_id).unwrap();
    app.secrets.clear();
    app.federated_credentials.iter_mut().find(|trust| trust.subject == cast.aws.role_arn).expect("the demo's login app trusts the role")
}

#[tokio::test(start_paused = true)]
async fn a_role_signs_in_with_no_secret_anywhere() {
    let s = given()
        .world(|world, cast| {
            trust(world, cast);
            world.aws_mut(&cast.aws.account, &cast.aws.region).secrets.remove("contoso-login-secret");
        })
        .start();
    s.onboard(&s.cast.new).await;
    let calls = s.unread_calls();
    let tokens = calls.iter().filter(|call| call.operation == "sts.web-identity-token.get").count();
    assert_eq!(tokens, 2, "one for Graph, one for Resource Manager: {calls:#?}");
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn in_azure_us_government_the_role_has_leave_for_that_clouds_audience_alone() {
    let login = DemoCast::of(7).login_client_id;
    let s = Given::government().record(by_role(&login)).start();
    s.onboard(&s.cast.new).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
    let audience = |text: &str| Context::from([("sts:IdentityTokenAudience".to_owned(), vec![text.to_owned()])]);
    s.change(|world, cast| {
        let account = &world.aws[&cast.aws.account];
        let judged = account.judge(&cast.aws.role_arn, "sts:GetWebIdentityToken", "*", &audience("api://AzureADTokenExchange"));
        assert_eq!(judged, Verdict::NotAllowed);
    });
}

#[tokio::test(start_paused = true)]
async fn a_cold_start_reads_two_secrets_and_fetches_a_token_for_each_audience() {
    let s = given().start();
    s.onboard(&s.cast.new).await;
    let calls = s.unread_calls();
    let mut signing_in: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    signing_in.retain(|name| ["entra.", "secrets-manager.", "sts."].iter().any(|service| name.starts_with(service)));
    signing_in.sort_unstable();
    let expected = [
        ("entra.token", 2, "Resource Manager and Graph, as the login app"),
        ("secrets-manager.secret.get", 2, "the record and the API token"),
        ("sts.web-identity-token.get", 2, "the role's word for each of Entra's tokens"),
    ];
    let expected: Vec<&str> = expected.into_iter().flat_map(|(name, times, _)| vec![name; times]).collect();
    assert_eq!(signing_in, expected);
    assert_eq!(calls.len(), 14, "{calls:#?}");
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn an_app_that_trusts_another_issuer_subject_or_audience_is_told_how_to_mend_it() {
    type Change = fn(&mut FederatedCredential);
    let issuer: Change = |trust| trust.issuer = "https://00000000-0000-4000-8000-000000000000.tokens.sts.global.api.aws".to_owned();
    let subject: Change = |trust| trust.subject = "arn:aws:iam::123456789012:role/another".to_owned();
    let audience: Change = |trust| trust.audiences = vec!["api://another".to_owned()];
    for change in [issuer, subject, audience] {
        let s = given().world(|world, cast| change(trust(world, cast))).start();
        s.onboard(&s.cast.new).await;
        // It may only not be known yet: that is told after an hour.
        s.settle(3).await;
        assert!(!s.count_calls().contains_key(ASSIGN));
        let [told] = s.expect_results(["tenant.failed federated-credential-missing"]);
        assert!(told["data"]["hint"].as_str().is_some_and(|words| words.contains("Add a federated credential")), "{told:#}");
        s.expect_waiting();
    }
}

#[tokio::test(start_paused = true)]
async fn a_federated_credential_that_is_not_known_everywhere_yet_is_waited_for() {
    let s = given()
        .world(|world, cast| {
            world.settings.replication_lag_seconds = 300;
            trust(world, cast).created_on = crate::harness::EPOCH;
        })
        .start();
    s.onboard(&s.cast.new).await;
    s.count_calls();
    s.expect_results([]);
    s.expect_waiting();
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn an_account_without_federation_and_a_role_without_the_right_are_told_what_to_do() {
    type Change = fn(&mut World, &DemoCast);
    let disabled: Change = |world, cast| world.aws_mut(&cast.aws.account, &cast.aws.region).federation.enabled = false;
    let denied: Change =
        |world, cast| world.aws_mut(&cast.aws.account, &cast.aws.region).deny(&cast.aws.role_arn, "sts:GetWebIdentityToken");
    for (change, hint) in [(disabled, "enable-outbound-web-identity-federation"), (denied, "sts:GetWebIdentityToken")] {
        let s = given().world(change).start();
        s.onboard(&s.cast.new).await;
        s.count_calls();
        let [told] = s.expect_results(["tenant.failed credential-refused"]);
        assert!(told["data"]["hint"].as_str().is_some_and(|words| words.contains(hint)), "{told:#}");
        s.expect_waiting();
    }
}

#[tokio::test(start_paused = true)]
async fn a_managed_identity_is_not_looked_for_on_aws() {
    let s = Given::demo().record(|record| record["login"] = json!({ "method": "managed-identity" })).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls([COLD_START, PUBLISH, PUT_BACK]);
    let [told] = s.expect_results(["tenant.failed credential-refused"]);
    assert!(told["data"]["hint"].as_str().is_some_and(|words| words.contains("aws-web-identity")), "{told:#}");
    s.expect_waiting();
}

#[tokio::test(start_paused = true)]
async fn any_fault_of_sts_that_passes_leaves_no_trace() {
    let status = |status| Effect::Status { status, code: None, retry_after: None };
    for effect in
        [status(429), status(500), status(503), Effect::Html { status: 502 }, Effect::Reset, Effect::Truncated, Effect::InvalidJson]
    {
        for times in [1, 4] {
            let fault = Fault::new("sts.web-identity-token.get", effect.clone()).times(times);
            let told = fault.to_string();
            let s = given().fault(fault).start();
            s.onboard(&s.cast.new).await;
            s.settle(3).await;
            assert_eq!(crate::faults::undone(&s), None, "{told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_calls_are_those_of_any_login() {
    let s = given().start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, CONNECT, PUBLISH]));
    s.expect_results(["onboarded"]);
}
