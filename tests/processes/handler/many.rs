//! Five hundred tenants in one process, each with credentials and an ISPM console of its own.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _};
use ispm_onboarder::clock::Clock;
use ispm_onboarder_simulator::{DemoCast, World};
use reqwest::StatusCode;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::functions_host::FunctionApp;
use crate::process::allow_open_files;
use crate::simulator::Simulator;

const TENANTS: usize = 500;
const AT_ONCE: usize = 16;

fn id(number: usize, kind: u8) -> String {
    format!("{number:08x}-9999-4999-8999-0000000000{kind:02x}")
}

fn join(world: &mut World, cast: &DemoCast, number: usize) {
    let (tenant, console) = (id(number, 0), format!("tenant-{number}.spera-app.com"));
    let (login, token) = (format!("tenant-{number}-login"), format!("tenant-{number}-ispm"));
    let secret = |what: &str| format!("tenant~{number}~{what}~of~no~value");
    world.add_app(&tenant, &id(number, 2), &id(number, 3), Some(&secret("login")));
    world.add_app(&tenant, &id(number, 4), &id(number, 5), None);
    world.tenant_mut(&tenant).add_subscription(&id(number, 1), "theirs", &tenant);
    world.add_entra_source(&console, &secret("token"), "Entra ID", &tenant, &id(number, 4));
    world.set_secret(&cast.vault, &login, &secret("login"));
    world.set_secret(&cast.vault, &token, &secret("token"));
    let record = json!({
        "schemaVersion": 1, "tenantId": tenant,
        "app": { "clientId": id(number, 4), "principalId": id(number, 5) },
        "login": { "method": "client-secret", "clientId": id(number, 2), "secretName": login },
        "ispm": {
            "url": format!("https://{console}"), "tokenSecretName": token, "entraSource": "Entra ID", "connect": { "mode": "default" },
        },
        "policy": { "assign": "always", "acceptInherited": true, "exclude": [], "offboard": "never" },
    });
    world.set_secret(&cast.vault, &format!("ispm-onboarder-{tenant}"), &record.to_string());
}

fn event(number: usize, round: &str) -> Value {
    json!({
        "specversion": "1.0", "id": format!("{round}-{number}"), "source": "/many", "type": "dev.ispm-onboarder.onboarding.requested.v1",
        "time": Clock::System.now().format(&Rfc3339).unwrap(), "datacontenttype": "application/json",
        "data": { "tenantId": id(number, 0), "scope": format!("/subscriptions/{}", id(number, 1)) },
    })
}

#[tokio::test]
async fn five_hundred_tenants_are_served_and_a_second_round_holds_no_more() {
    allow_open_files();
    let (mut world, cast) = (World::demo(7), DemoCast::of(7));
    (1..=TENANTS).for_each(|number| join(&mut world, &cast, number));
    let simulator = Simulator::start_in(&world).await;
    let app = FunctionApp::start(&simulator.environment).await;
    let mut rounds = BTreeMap::new();
    for round in ["first", "second"] {
        let answers = (1..=TENANTS).map(|number| {
            let app = &app;
            async move { app.deliver(&event(number, round)).await }
        });
        let answers: Vec<_> = stream::iter(answers).buffer_unordered(AT_ONCE).collect().await;
        for answer in &answers {
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
            assert!(answer.body["Logs"].to_string().contains("onboarded"), "{answer:?}");
        }
        let held = app.process.held();
        rounds.insert(round, (held.peak, held.files));
    }
    println!("KiB at most and open files after {TENANTS} tenants: {rounds:?}");
    let ((first, files_first), (second, files_second)) = (rounds["first"], rounds["second"]);
    assert!(second < first + first / 2, "memory grows with events: {rounds:?}");
    assert!(second < 512 * 1024, "{rounds:?}");
    assert!(files_second <= files_first + 2 * AT_ONCE && files_second < 3 * TENANTS, "connections grow with events: {rounds:?}");
}
