//! No secret, no token and no word of an upstream service shows, whatever goes wrong. Every scenario's account looks through its results,
//! answers, messages, reports, addresses and logs of the finest level; these look at what no other does, and that the looking finds something.

use std::panic::{AssertUnwindSafe, catch_unwind};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ispm_onboarder::config::Config;
use ispm_onboarder::scope::Guid;
use ispm_onboarder_simulator::{Effect, Fault, Simulator, TokenKey};
use serde_json::json;

use crate::HOST;
use crate::faults::OPERATIONS;
use crate::harness::{CANARY, EPOCH, Given, Host, Scenario, heard, listen, shown};
use crate::logins::{certificate, given_certificate, given_federation, given_role};

#[tokio::test(start_paused = true)]
async fn no_secret_shows_even_with_a_fault_in_every_call() {
    let status = |status| Effect::Status { status, code: None, retry_after: None };
    let effects = [status(400), status(401), status(403), status(404), status(409), status(503), Effect::Html { status: 502 }]
        .into_iter()
        .chain([Effect::InvalidJson, Effect::Truncated, Effect::Altered { pointer: String::new(), value: CANARY.into() }]);
    for effect in effects {
        for operation in OPERATIONS {
            let s = Given::demo().fault(Fault::new(operation, effect.clone()).after()).start();
            listen();
            s.onboard(&s.cast.new).await;
            s.settle(1).await;
            s.count_calls();
            s.distinct_results();
            s.forgive_what_waits();
            assert!(heard().contains("\"message\":\"invocation\""), "there is nothing to look through");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_of_an_onboarding_tells_each_call_at_the_finest_level() {
    let s = Given::demo().start();
    listen();
    s.onboard(&s.cast.new).await;
    for expected in ["\"TRACE\"", "https://management.azure.com/subscriptions/"] {
        assert!(heard().contains(expected), "{expected} was not logged");
    }
    s.count_calls();
    s.expect_results(["onboarded"]);
}

/// What the account would find: each kind of value, wherever it came out.
#[tokio::test(start_paused = true)]
async fn what_is_planted_is_found() {
    let s = Given::demo().start();
    let token = Simulator::sign_token(&json!({ "oid": "x" }), TokenKey::Entra);
    let pem = certificate(EPOCH).pem();
    let (_, key) = pem.split_once("PRIVATE KEY-----\n").expect("a private key");
    let (numbers, key) = (format!("{:?}", STANDARD.decode(&key[..64]).unwrap()), &key[..64]);
    let cast = &s.cast;
    for leak in [cast.login_secret.reveal(), cast.aws.secret_access_key.reveal(), &token, CANARY, &pem, key, &numbers] {
        let checked = |s: &Scenario| catch_unwind(AssertUnwindSafe(|| s.check_secrets())).map_err(|_| "found");
        tracing::trace!(leak, "a careless line");
        assert_eq!(checked(&s), Err("found"), "in a log");
        assert_eq!(checked(&s), Ok(()), "what was found is not found again");
        assert!(shown(leak).is_some());
        s.enqueue(leak);
        assert_eq!(checked(&s), Err("found"), "in the queue");
        s.empty_queue();
    }
}

/// `Debug` of a tenant's session, of what signs in, and of who may call.
#[tokio::test(start_paused = true)]
async fn no_part_of_the_deployment_shows_a_secret_to_debug() {
    let managed_identity = || {
        Given::demo().record(|record| {
            record["login"] = json!({ "method": "managed-identity" });
        })
    };
    // Each way to sign in, and the host that does not have it.
    for (given, lacking) in [
        (Given::demo(), None),
        (managed_identity(), Some(Host::Lambda)),
        (given_certificate(), None),
        (given_federation(), Some(Host::Lambda)),
        (given_role(), Some(Host::Functions)),
    ] {
        let s = given.start();
        let sessions = s.sessions();
        let session = sessions.open(Guid::parse(&s.cast.tenant).unwrap()).await;
        assert_eq!(session.is_ok(), lacking != Some(HOST), "{session:?}");
        s.count_calls();
        for text in [format!("{sessions:?}"), format!("{session:?}"), format!("{session:#?}")] {
            assert_eq!(shown(&text), None);
        }
    }
}

/// Whoever formats a part of the deployment for a log must not have to know what is in it.
#[tokio::test(start_paused = true)]
async fn configuration_shows_no_secret_that_somebody_put_into_it() {
    for name in ["ONBOARDER_SECRET_STORE", "ONBOARDER_RESULTS", "ONBOARDER_QUEUE", "ONBOARDER_REPORT", "ONBOARDER_DEAD_LETTERS"] {
        for value in ["https://contoso:of~no~value@example.com/x", "https://x.queue.core.windows.net/q?sig=of~no~value", "of~no~value"] {
            match Config::read(|own| (own == name).then(|| value.to_owned())) {
                Ok(config) => assert_eq!(shown(&format!("{config:?}")), None, "{name}"),
                Err(faults) => assert_eq!(shown(&format!("{faults} {faults:?}")), None, "{name}"),
            }
        }
    }
}
