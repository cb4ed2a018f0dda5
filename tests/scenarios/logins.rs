//! The ways to sign in to a tenant, and their rotation while the deployment runs: whatever is renewed when, no event is lost and none is
//! done twice.

use ispm_onboarder_simulator::world::{Application, FederatedCredential, IspmToken, Sensitive};
use ispm_onboarder_simulator::{ClientCertificate, DemoCast, Effect, Fault, World};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::HOST;
use crate::harness::{ASSIGN, EPOCH, Given, Host, PUBLISH, Scenario, cold, store_secret, subscription, warm};

const SECRET: &str = "contoso-login-secret";
const TOKEN: &str = "contoso-ispm-token";
/// The tenant of a service provider, whose function serves the demo's tenant.
const PROVIDER: &str = "77777777-7777-4777-8777-777777777777";
/// What is told of a secret that is gone. On AWS a secret beside this program's own is allowed by its ARN, and a name that has none is denied.
const SECRET_IS_GONE: &str = match HOST {
    Host::Functions => "tenant.failed secret-missing",
    Host::Lambda => "tenant.failed secret-store-refused",
};
const YEAR: Duration = Duration::days(365);

fn login_app<'a>(world: &'a mut World, cast: &DemoCast) -> &'a mut Application {
    world.applications.get_mut(&cast.login_client_id).expect("the demo has a login app")
}

fn delete_secret(world: &mut World, cast: &DemoCast, name: &str) {
    match HOST {
        Host::Functions => drop(world.vaults.get_mut(&cast.vault).expect("the demo has a vault").secrets.remove(name)),
        Host::Lambda => drop(world.aws_mut(&cast.aws.account, &cast.aws.region).secrets.remove(name)),
    }
}

/// A certificate that ends then.
pub fn certificate(until: OffsetDateTime) -> ClientCertificate {
    ClientCertificate::made(EPOCH - YEAR, until).expect("a certificate")
}

/// PEM as a store keeps it, with a word in it by which the account would find it wherever it shows.
fn pem(certificate: &ClientCertificate) -> String {
    format!("Bag Attributes: key~of~no~value\n{}", certificate.pem())
}

fn signs_in_by(method: &'static str) -> impl FnOnce(&mut Value) {
    move |record| {
        record["login"]["method"] = json!(method);
        if method.ends_with("federation") || method == "aws-web-identity" {
            record["login"].as_object_mut().expect("the demo's login").remove("secretName");
        }
    }
}

/// Lets the login app have this certificate alone, and the store its key.
pub fn use_certificate(world: &mut World, cast: &DemoCast, certificate: &ClientCertificate) {
    login_app(world, cast).certificates = vec![certificate.credential.clone()];
    store_secret(world, cast, SECRET, &pem(certificate));
}

pub fn given_certificate() -> Given {
    Given::demo().record(signs_in_by("client-certificate")).world(|world, cast| {
        login_app(world, cast).secrets.clear();
        use_certificate(world, cast, &certificate(EPOCH + YEAR));
    })
}

/// The function, its vault and all are a provider's, and so is the login app, to which the demo's tenant has consented.
pub fn given_federation() -> Given {
    Given::demo().record(signs_in_by("managed-identity-federation")).world(|world, cast| {
        world.tenant_mut(PROVIDER).add_service_principal(&cast.function_client_id, &cast.function_principal_id);
        world.platform.identities.iter_mut().for_each(|identity| identity.tenant_id = PROVIDER.to_owned());
        world.vaults.values_mut().for_each(|vault| vault.tenant_id = PROVIDER.to_owned());
        world.topics.values_mut().for_each(|topic| topic.tenant_id = PROVIDER.to_owned());
        world.storage_accounts.values_mut().for_each(|account| account.tenant_id = PROVIDER.to_owned());
        delete_secret(world, cast, SECRET);
        let app = login_app(world, cast);
        (app.secrets, app.home_tenant_id) = (Vec::new(), Some(PROVIDER.to_owned()));
        app.trust_identity(PROVIDER, &cast.function_principal_id);
    })
}

pub fn given_role() -> Given {
    Given::demo().record(signs_in_by("aws-web-identity")).world(|world, cast| {
        delete_secret(world, cast, SECRET);
        login_app(world, cast).secrets.clear();
    })
}

/// The federated credentials that the login app has on this host.
fn trust(world: &mut World, cast: &DemoCast, since: OffsetDateTime) {
    let issuer = cast.aws.issuer.clone();
    let app = login_app(world, cast);
    let made: &mut FederatedCredential = match HOST {
        Host::Functions => app.trust_identity(PROVIDER, &cast.function_principal_id),
        Host::Lambda => app.trust("aws", &issuer, &cast.aws.role_arn),
    };
    made.created_on = since;
}

/// A credential that is taken away and given anew.
struct Method {
    name: &'static str,
    given: fn() -> Given,
    /// The old one is no longer taken, and gone from the store.
    revoke: fn(&mut World, &DemoCast),
    /// A new one is taken, and in the store.
    renew: fn(&mut World, &DemoCast, OffsetDateTime),
    /// What is told while there is none.
    told: &'static str,
    /// What refuses a token of the old one.
    refuses: &'static str,
}

const SECRET_METHOD: Method = Method {
    name: "client-secret",
    given: Given::demo,
    revoke: |world, cast| {
        login_app(world, cast).secrets.clear();
        delete_secret(world, cast, SECRET);
    },
    renew: |world, cast, _| {
        login_app(world, cast).rotate_secret("another~login~secret~of~no~value");
        store_secret(world, cast, SECRET, "another~login~secret~of~no~value");
    },
    told: SECRET_IS_GONE,
    refuses: "arm.*",
};

const CERTIFICATE_METHOD: Method = Method {
    name: "client-certificate",
    given: given_certificate,
    revoke: |world, cast| {
        login_app(world, cast).certificates.clear();
        delete_secret(world, cast, SECRET);
    },
    renew: |world, cast, _| use_certificate(world, cast, &certificate(EPOCH + YEAR + YEAR)),
    told: SECRET_IS_GONE,
    refuses: "arm.*",
};

const FEDERATED_METHOD: Method = Method {
    name: "a federated credential",
    given: match HOST {
        Host::Functions => given_federation,
        Host::Lambda => given_role,
    },
    revoke: |world, cast| login_app(world, cast).federated_credentials.clear(),
    renew: trust,
    told: "tenant.failed federated-credential-missing",
    refuses: "arm.*",
};

const ISPM_METHOD: Method = Method {
    name: "the ISPM token",
    given: Given::demo,
    revoke: |world, cast| {
        world.ispm.get_mut(&cast.ispm_host).expect("the demo's console").tokens.clear();
        delete_secret(world, cast, TOKEN);
    },
    renew: |world, cast, _| {
        let value = Sensitive::from("another~ispm~token~of~no~value");
        world.ispm.get_mut(&cast.ispm_host).expect("the demo's console").tokens = vec![IspmToken { value, forbidden: false }];
        store_secret(world, cast, TOKEN, "another~ispm~token~of~no~value");
    },
    told: SECRET_IS_GONE,
    refuses: "ispm.*",
};

const METHODS: [Method; 4] = [SECRET_METHOD, CERTIFICATE_METHOD, FEDERATED_METHOD, ISPM_METHOD];

/// Onboarded, once.
fn expect_one_of_each(s: &Scenario) {
    assert_eq!(s.assignments_at(&subscription(&s.cast.new)).len(), 1);
    assert_eq!(s.connections().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn every_method_signs_in_and_a_session_keeps_its_tokens() {
    for method in METHODS {
        let s = (method.given)().start();
        s.warm_up().await;
        s.onboard(&s.cast.new).await;
        s.expect_calls(warm([ASSIGN, PUBLISH]));
        s.expect_results(["onboarded"]);
        expect_one_of_each(&s);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_renewed_between_two_events_is_picked_up_within_the_delivery() {
    for method in METHODS {
        let s = (method.given)().start();
        s.warm_up().await;
        let now = s.now();
        s.change(|world, cast| {
            (method.revoke)(world, cast);
            (method.renew)(world, cast, now);
        });
        s.fault(Fault::status(method.refuses, 401).times(1));
        s.onboard(&s.cast.new).await;
        s.count_calls();
        s.expect_results(["onboarded"]);
        expect_one_of_each(&s);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_renewed_between_reading_and_writing_is_picked_up_within_the_delivery() {
    for method in [SECRET_METHOD, CERTIFICATE_METHOD, FEDERATED_METHOD] {
        let s = (method.given)().start();
        s.warm_up().await;
        let now = s.now();
        s.change(|world, cast| {
            (method.revoke)(world, cast);
            (method.renew)(world, cast, now);
        });
        // All reads are done with the old token, which lives on.
        s.fault(Fault::status(ASSIGN, 401).times(1));
        s.onboard(&s.cast.new).await;
        let calls = s.count_calls();
        assert_eq!(calls[ASSIGN], 2, "{}: {calls:?}", method.name);
        s.expect_results(["onboarded"]);
        expect_one_of_each(&s);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_away_before_the_new_one_is_there_holds_events_and_loses_none() {
    for method in METHODS {
        let s = (method.given)().start();
        s.warm_up().await;
        s.change(method.revoke);
        s.fault(Fault::status(method.refuses, 401).times(1));
        s.onboard(&s.cast.new).await;
        s.deliver(s.event("another", &subscription(&s.cast.inherited))).await;
        s.settle(3).await;
        assert!(!s.count_calls().contains_key(ASSIGN), "{}", method.name);
        // A day's trouble is told once for each tenant, and both events wait.
        let told = s.distinct_results();
        assert_eq!(told.into_values().collect::<Vec<_>>(), [method.told], "{}", method.name);
        let waiting: [_; 2] = s.expect_all_waiting();
        assert!(waiting.iter().all(|request| request.attempts() > 0));

        let now = s.now();
        s.change(|world, cast| (method.renew)(world, cast, now));
        s.settle(1).await;
        s.count_calls();
        s.expect_results(["onboarded", "onboarded"]);
        expect_one_of_each(&s);
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_credential_that_is_still_in_the_store_is_told_with_entras_number() {
    let s = given_certificate().start();
    s.warm_up().await;
    s.change(|world, cast| login_app(world, cast).certificates = vec![certificate(EPOCH + YEAR + YEAR).credential]);
    s.fault(Fault::status("arm.*", 401).times(1));
    s.onboard(&s.cast.new).await;
    assert!(!s.count_calls().contains_key(ASSIGN));
    let [told] = s.expect_results(["tenant.failed credential-refused"]);
    assert!(told["data"]["message"].as_str().is_some_and(|words| words.contains("AADSTS700027")), "{told:#}");
    assert!(told["data"]["hint"].as_str().is_some_and(|words| words.contains("certificate")), "{told:#}");
    s.expect_waiting();
    s.change(|world, cast| store_secret(world, cast, SECRET, &pem(&certificate(EPOCH + YEAR + YEAR))));
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_federated_credential_made_anew_is_waited_for_until_it_is_known_everywhere() {
    let s = (FEDERATED_METHOD.given)().world(|world, _| world.settings.replication_lag_seconds = 300).start();
    s.change(|world, cast| {
        login_app(world, cast).federated_credentials.clear();
        trust(world, cast, EPOCH);
    });
    s.onboard(&s.cast.new).await;
    assert!(!s.count_calls().contains_key(PUBLISH), "nobody has done anything wrong");
    s.expect_waiting();
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_has_a_word_of_its_own_for_each_token() {
    let s = given_certificate().start();
    s.onboard(&s.cast.new).await;
    s.expect_calls(cold([ASSIGN, crate::harness::CONNECT, PUBLISH]));
    s.expect_results(["onboarded"]);
}

/// Delivers an event while the login's secret is this, and accounts for words that hold `expected` and nothing of the secret.
async fn unusable(text: &str, code: &str, expected: &str) {
    let s = given_certificate().world(|world, cast| store_secret(world, cast, SECRET, text)).start();
    s.onboard(&s.cast.new).await;
    let calls = s.count_calls();
    assert!(!calls.contains_key(ASSIGN), "{calls:?}");
    let [told] = s.expect_results([&format!("tenant.failed {code}")]);
    let message = told["data"]["message"].as_str().unwrap_or_default();
    assert!(message.contains(expected) && message.contains(SECRET), "{expected:?} in {message:?}");
    assert!(told["data"]["hint"].is_string());
    let body = text.lines().find(|line| line.len() == 64).unwrap_or("of~no~value");
    assert!(!s.everything_said().iter().any(|said| said.contains(body)), "a key shows");
    s.expect_waiting();
    s.change(|world, cast| store_secret(world, cast, SECRET, &pem(&certificate(EPOCH + YEAR))));
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_no_certificate_with_its_key_is_the_tenants_trouble() {
    let own = certificate(EPOCH + YEAR);
    let (key, certificate) = (own.key.reveal(), &own.certificate);
    let stranger = ClientCertificate::of_a_stranger(EPOCH - YEAR, EPOCH + YEAR).expect("a certificate");
    for (text, expected) in [
        (certificate.clone(), "a private key beside the certificate"),
        (key.to_owned(), "a certificate beside the private key"),
        (format!("{}{certificate}", stranger.key.reveal()), "found another's"),
        (format!("{}{certificate}", key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")), "not encrypted"),
        (pem(&own).replace('\n', " "), "line breaks"),
        ("MIIJqQIBAzCCCW8GCSqGSIb3DQEHAaCCCWAEgglcMIIJWDCCBA8GCSqGSIb3DQEH".to_owned(), "PKCS #12"),
        ("a~password~of~no~value".to_owned(), "expected PEM"),
    ] {
        unusable(&text, "secret-missing", expected).await;
    }
    let ended = self::certificate(EPOCH - Duration::DAY);
    unusable(&pem(&ended), "credential-refused", "has expired on 2126-11-21").await;
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_ends_while_the_deployment_runs_is_told_by_its_date() {
    let s = given_certificate().world(|world, cast| use_certificate(world, cast, &certificate(EPOCH + Duration::HOUR))).start();
    s.warm_up().await;
    s.settle(2).await;
    s.onboard(&s.cast.new).await;
    s.count_calls();
    let [told] = s.expect_results(["tenant.failed credential-refused"]);
    assert!(told["data"]["message"].as_str().is_some_and(|words| words.contains("expired on 2126-11-22")), "{told:#}");
    s.expect_waiting();
    s.change(|world, cast| use_certificate(world, cast, &certificate(EPOCH + YEAR)));
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_tenant_has_against_the_login_app_is_no_missing_right() {
    type Change = fn(&mut World, &DemoCast);
    let disabled: Change = |world, cast| {
        let principals = &mut world.tenants.get_mut(&cast.tenant).expect("the demo's tenant").service_principals;
        principals.get_mut(&cast.login_principal_id).expect("the login's").disabled = true;
    };
    let not_consented: Change = |world, cast| {
        let principals = &mut world.tenants.get_mut(&cast.tenant).expect("the demo's tenant").service_principals;
        principals.remove(&cast.login_principal_id);
    };
    for (change, number, hint) in [(disabled, "7000112", "switched off"), (not_consented, "7000229", "consented")] {
        let s = given_certificate().world(change).start();
        s.onboard(&s.cast.new).await;
        s.count_calls();
        let [told] = s.expect_results(["tenant.failed credential-refused"]);
        assert!(told["data"]["message"].as_str().is_some_and(|words| words.contains(number)), "{told:#}");
        assert!(told["data"]["hint"].as_str().is_some_and(|words| words.contains(hint)), "{told:#}");
        s.expect_waiting();
    }
}

#[tokio::test(start_paused = true)]
async fn entra_that_is_not_well_is_nobodys_fault_whatever_signs_in() {
    for method in [CERTIFICATE_METHOD, FEDERATED_METHOD] {
        for effect in [Effect::Html { status: 502 }, Effect::Status { status: 503, code: None, retry_after: None }, Effect::Reset] {
            let s = (method.given)().fault(Fault::new("entra.token", effect)).start();
            s.onboard(&s.cast.new).await;
            assert!(!s.count_calls().contains_key(PUBLISH), "a tenant is blamed: {}", method.name);
            s.expect_waiting();
            s.mend();
            s.settle(1).await;
            s.count_calls();
            s.expect_results(["onboarded"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn on_aws_there_is_no_managed_identity_whose_word_could_be_given() {
    if HOST == Host::Functions {
        return;
    }
    let s = Given::demo().record(signs_in_by("managed-identity-federation")).start();
    s.onboard(&s.cast.new).await;
    s.count_calls();
    let [told] = s.expect_results(["tenant.failed record-invalid"]);
    assert!(told["data"]["hint"].as_str().is_some_and(|words| words.contains("aws-web-identity")), "{told:#}");
    s.expect_waiting();
}
