//! `ispm-onboarder coverage`

use ispm_onboarder_simulator::{DemoCast, World};
use serde_json::json;

use crate::simulator::Simulator;

#[tokio::test]
async fn the_table_the_document_and_the_page_tell_the_same_and_change_nothing() {
    let (simulator, cast) = (Simulator::start_of(60).await, DemoCast::of(60));
    let before = simulator.world().await;
    let table = simulator.run(&["coverage"]);
    assert_eq!(table.code, Some(0), "{table:?}");
    let totals = "59 subscriptions: 0 covered, 0 pending, 58 missing, 0 failed, 1 excluded";
    for words in ["COVERAGE", "WHY NOT", "payments", "inherited from corp", "policy.exclude {\"state\": \"Disabled\"}", totals] {
        assert!(table.stdout.contains(words), "{words} in\n{}", table.stdout);
    }
    let document = simulator.run(&["coverage", "--output", "json"]).document();
    assert_eq!((&document["tenantId"], &document["totals"]["missing"]), (&json!(cast.tenant), &json!(58)));
    assert_eq!(document["scopes"].as_array().map(Vec::len), Some(59));
    let page = simulator.run(&["coverage", "--output", "html"]);
    assert!(page.code == Some(0) && page.stdout.starts_with("<!doctype html>"), "{page:?}");
    for words in [cast.tenant.as_str(), &cast.new, "content-security-policy", "payments"] {
        assert!(page.stdout.contains(words), "{words} in the page");
    }
    assert_eq!(simulator.world().await, before);
}

#[tokio::test]
async fn names_with_control_characters_do_nothing_to_the_terminal() {
    let (mut world, cast) = (World::demo(12), DemoCast::of(12));
    let evil = "evil\u{1b}]0;owned\u{7}\u{1b}[2J\r\n\u{9b}31mname";
    let tenant = world.tenant_mut(&cast.tenant);
    tenant.add_management_group("crowd", &cast.tenant).display_name = evil.to_owned();
    for number in 0..6 {
        tenant.add_subscription(&format!("00000000-0000-4000-8000-00000000000{number}"), evil, "crowd");
    }
    let simulator = Simulator::start_in(&world).await;
    for arguments in [&["coverage"][..], &["sweep", "--dry-run"], &["sweep", "--enqueue"], &["coverage", "--output", "html"]] {
        let ran = simulator.run(arguments);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let control = ran.stdout.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(control, None, "{arguments:?}: {ran:?}");
        let notes = ran.stdout.lines().filter(|line| line.contains("6 subscriptions right below the management group evil")).count();
        assert_eq!(notes, 1, "{arguments:?}: a name breaks no line: {ran:?}");
    }
    let report = simulator.run(&["coverage", "--output", "json"]);
    assert!(!report.stdout.contains('\u{1b}') && report.document()["groups"]["crowd"]["name"] == evil, "{report:?}");
}

#[tokio::test]
async fn of_several_tenants_one_has_to_be_named() {
    const OTHER: &str = "77777777-7777-4777-8777-777777777777";
    let (mut world, cast) = (World::demo(12), DemoCast::of(12));
    world.set_secret(&cast.vault, &format!("ispm-onboarder-{OTHER}"), "{}");
    let mut simulator = Simulator::start_in(&world).await;
    let ran = simulator.run(&["coverage"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.hints().iter().any(|hint| hint.contains("--tenant")), "{ran:?}");
    assert_eq!(simulator.run(&["coverage", "--tenant", &cast.tenant]).code, Some(0));
    assert_eq!(simulator.run(&["coverage", "--tenant", "contoso"]).code, Some(2));
    simulator.environment.insert("ONBOARDER_TENANTS".to_owned(), cast.tenant);
    assert_eq!(simulator.run(&["coverage"]).code, Some(0));
}

#[tokio::test]
async fn what_cannot_be_read_is_said_and_no_table_is_shown() {
    let simulator = Simulator::start().await;
    for operation in ["arm.resource-graph.query", "key-vault.secret.get"] {
        simulator.break_with(operation, json!({ "kind": "status", "status": 503 })).await;
        let ran = simulator.run(&["coverage"]);
        assert!(ran.code.is_some_and(|code| code != 0) && ran.stdout.is_empty() && !ran.stderr.is_empty(), "{operation}: {ran:?}");
        simulator.mend().await;
    }
    assert_eq!(simulator.run(&["coverage"]).code, Some(0));
}
