//! Tenant sessions: tokens and secrets that are refused while the deployment runs.

use std::time::Duration;

use ispm_onboarder::permissions::simulated::Without;
use ispm_onboarder_simulator::world::{Application, ClientSecret, Sensitive};
use ispm_onboarder_simulator::{DemoCast, Effect, Fault, World};

use crate::harness::{ASSIGN, COLD_START, EPOCH, Given, PUBLISH, PUT_BACK, Scenario, cold, store_secret, subscription, warm};

const NEW_SECRET: &str = "another~login~secret~of~no~value";

fn login_app<'a>(world: &'a mut World, cast: &DemoCast) -> &'a mut Application {
    world.applications.get_mut(&cast.login_client_id).expect("the demo has a login app")
}

fn store_new_secret(s: &Scenario) {
    s.change(|world, cast| {
        store_secret(world, cast, "contoso-login-secret", NEW_SECRET);
    });
}

#[tokio::test(start_paused = true)]
async fn a_token_that_resource_manager_refuses_once_costs_a_new_session_and_nothing_else() {
    let s = Given::demo().start();
    s.warm_up().await;
    s.fault(Fault::status("arm.subscription.get", 401).times(1));
    s.onboard(&s.cast.new).await;
    s.expect_calls([warm([]), cold([ASSIGN, PUBLISH])].concat());
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_write_refused_once_is_done_by_a_new_session() {
    let s = Given::demo().start();
    s.warm_up().await;
    s.fault(Fault::status(ASSIGN, 401).times(1));
    s.onboard(&s.cast.new).await;
    let calls = s.count_calls();
    assert_eq!(calls[ASSIGN], 2, "{calls:?}");
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn tokens_refused_twice_are_the_tenants_trouble_and_nothing_is_lost() {
    let s = Given::demo().fault(Fault::status("arm.subscription.get", 401).times(2)).start();
    s.onboard(&s.cast.new).await;
    s.expect_calls([cold([]), cold([PUBLISH, PUT_BACK])].concat().into_iter().collect::<OneColdStart>());
    let [told] = s.expect_results(["tenant.failed token-refused"]);
    assert!(told["data"]["message"].as_str().is_some_and(|words| words.contains("401")), "{told:#}");
    s.expect_waiting();
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

/// Calls of several sessions in one delivery, whose cold starts are told as one.
struct OneColdStart(Vec<&'static str>);

impl FromIterator<&'static str> for OneColdStart {
    fn from_iter<I: IntoIterator<Item = &'static str>>(calls: I) -> Self {
        let calls = calls.into_iter().filter(|call| *call != COLD_START);
        Self(std::iter::once(COLD_START).chain(calls).collect())
    }
}

impl IntoIterator for OneColdStart {
    type Item = &'static str;
    type IntoIter = std::vec::IntoIter<&'static str>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_while_its_session_lives_is_replaced_within_the_delivery() {
    let s = Given::demo().world(|world, _| world.settings.token_lifetime_seconds = 300).start();
    s.warm_up().await;
    s.settle_for(Duration::from_mins(6)).await;
    s.onboard(&s.cast.new).await;
    assert_eq!(s.assignments_at(&subscription(&s.cast.new)).len(), 1, "assigned at once, by a new session");
    // The topic's token has ended too: its request comes back in half a minute, and the result is published then.
    s.settle_for(Duration::from_mins(1)).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_secret_rotated_while_the_deployment_runs_is_picked_up_within_the_delivery() {
    let s = Given::demo().start();
    s.warm_up().await;
    s.change(|world, cast| login_app(world, cast).rotate_secret(NEW_SECRET));
    store_new_secret(&s);
    // The session's token ends with the old secret.
    s.fault(Fault::status("arm.*", 401).times(2));
    s.onboard(&s.cast.new).await;
    s.expect_calls([warm([]), cold([ASSIGN, PUBLISH])].concat());
    s.expect_results(["onboarded"]);
}

/// Delivers an event that Entra refuses the login for, mends that, and accounts for both.
async fn refused_and_mended(s: &Scenario, number: &str, hint: &str) {
    s.onboard(&s.cast.new).await;
    s.settle(3).await;
    assert!(!s.count_calls().contains_key(ASSIGN));
    let [told] = s.expect_results(["tenant.failed credential-refused"]);
    assert!(told["data"]["message"].as_str().is_some_and(|words| words.contains(number)), "{told:#}");
    assert!(told["data"]["hint"].as_str().is_some_and(|words| words.contains(hint)), "{told:#}");
    s.expect_waiting();

    s.change(|world, cast| login_app(world, cast).rotate_secret(NEW_SECRET));
    store_new_secret(s);
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_told_with_entras_number_and_waits_for_the_right_one() {
    let s = Given::demo().world(|world, cast| login_app(world, cast).rotate_secret("rotated~without~telling~of~no~value")).start();
    refused_and_mended(&s, "7000215", "secret").await;
}

#[tokio::test(start_paused = true)]
async fn an_expired_secret_is_told_with_entras_number_and_waits_for_a_new_one() {
    let expired = |world: &mut World, cast: &DemoCast| {
        let value = Sensitive::from(cast.login_secret.reveal());
        login_app(world, cast).secrets = vec![ClientSecret { value, expires_on: Some(EPOCH) }];
    };
    let s = Given::demo().world(expired).start();
    refused_and_mended(&s, "7000222", "expired").await;
}

#[tokio::test(start_paused = true)]
async fn entra_that_is_not_well_is_nobodys_fault() {
    let effects = [
        Effect::Html { status: 502 },
        Effect::Html { status: 200 },
        Effect::Status { status: 503, code: None, retry_after: None },
        Effect::Status { status: 429, code: None, retry_after: Some("120".to_owned()) },
        Effect::Reset,
        Effect::Truncated,
        Effect::InvalidJson,
    ];
    for effect in effects {
        let told = effect.to_string();
        let s = Given::demo().fault(Fault::new("entra.token", effect)).start();
        s.onboard(&s.cast.new).await;
        let calls = s.count_calls();
        assert!(!calls.contains_key(PUBLISH), "a tenant is blamed when a token request {told}: {calls:?}");
        s.expect_waiting();
        s.mend();
        s.settle(1).await;
        s.count_calls();
        s.expect_results(["onboarded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_consent_in_graph_counts_at_the_next_try() {
    let s = Given::demo().without(Without::Graph("Application.Read.All".to_owned())).start();
    s.onboard(&s.cast.new).await;
    s.count_calls();
    s.expect_results(["tenant.failed graph-refused"]);
    s.expect_waiting();
    // The token of a session that stayed open would not know of it for an hour.
    s.change(|world, cast| {
        let principals = &mut world.tenant_mut(&cast.tenant).service_principals;
        principals.get_mut(&cast.login_principal_id).expect("the login").grant_in_graph("Application.Read.All");
    });
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

/// Two deliveries at once find that the session's token is refused, one of them late: it must not drop what the other has opened by then.
#[tokio::test(start_paused = true)]
async fn who_fails_late_leaves_the_new_session_alone() {
    let s = Given::demo().start();
    s.warm_up().await;
    let (early, late) = (&s.cast.new, &s.cast.more[0]);
    s.fault(Fault::new("arm.subscription.get", Effect::Delay { seconds: 5 }).about(late).times(1));
    s.fault(Fault::status("arm.subscription.get", 401).about(late).times(1));
    s.fault(Fault::status("arm.subscription.get", 401).about(early).times(1));
    tokio::join!(s.deliver(s.event("early", &subscription(early))), s.deliver(s.event("late", &subscription(late))));
    let calls = s.count_calls();
    assert_eq!((calls[ASSIGN], calls["graph.service-principal.get"]), (1, 1), "one new session for both: {calls:?}");
    s.expect_results(["onboarded", "onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn entra_is_left_alone_for_as_long_as_it_asks() {
    let effect = Effect::Status { status: 429, code: None, retry_after: Some("300".to_owned()) };
    let s = Given::demo().fault(Fault::new("entra.token", effect)).start();
    s.onboard(&s.cast.new).await;
    let asked = s.unread_calls().into_iter().filter(|call| call.operation == "entra.token").count();
    assert_eq!(asked, 2, "one for each audience");
    let waiting = s.expect_waiting();
    assert!(waiting.delay >= time::Duration::seconds(299), "{}", waiting.delay);
    s.mend();
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}
