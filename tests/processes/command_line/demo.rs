//! `ispm-onboarder demo`

use std::collections::BTreeSet;

use serde_json::Value;

use super::{run, run_with};

fn texts<'a>(items: &'a Value, member: &str) -> Vec<&'a str> {
    items.as_array().unwrap().iter().map(|item| item[member].as_str().unwrap()).collect()
}

#[test]
fn shows_every_story_its_results_its_coverage_and_that_a_repeat_changes_nothing() {
    let shown = run(&["demo"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let stories = [
        "a new subscription",
        "assigned by hand before",
        "covered by its management group",
        "a whole management group",
        "disabled",
        "full of role assignments",
        "again: Azure needs minutes to show it",
    ];
    let steps = ["assign Reader at /subscriptions/", "create the ISPM connection", "Reader found at", "later in"];
    for words in stories.iter().chain(&steps).chain(&["RESULT", "COVERAGE", "with the same ids, 0 changes"]) {
        assert!(shown.stdout.contains(words), "{words} in\n{}", shown.stdout);
    }
    assert!(!shown.hints().is_empty(), "what failed says what to do");
    assert!(!shown.stdout.contains('\u{1b}'), "a pipe gets no colours");
}

#[test]
fn prints_one_document_in_which_the_second_pass_has_the_same_ids_and_no_writes() {
    let document = run(&["demo", "--output", "json"]).document();
    assert_eq!(document.as_object().unwrap().keys().collect::<Vec<_>>(), ["coverage", "passes"]);
    let [first, second] = document["passes"].as_array().unwrap().as_slice() else { panic!("two passes: {document}") };
    for pass in [first, second] {
        assert_eq!(pass.as_object().unwrap().keys().collect::<Vec<_>>(), ["results", "writes"]);
        assert!(pass["results"].as_array().unwrap().iter().all(|event| event["specversion"] == "1.0" && event["data"].is_object()));
    }
    assert_eq!(texts(&first["results"], "id"), texts(&second["results"], "id"));
    assert_eq!(first["results"].as_array().unwrap().len(), 8, "seven subscriptions and a management group");
    assert_eq!(first["writes"], 5, "four assignments and one connection");
    assert_eq!(second["writes"], 0);
}

#[test]
fn plays_every_part() {
    let document = run(&["demo", "--output", "json"]).document();
    let results = &document["passes"][0]["results"];
    let kinds: BTreeSet<_> = texts(results, "type").into_iter().collect();
    let scope = |kind: &str| format!("dev.ispm-onboarder.scope.{kind}.v1");
    assert_eq!(kinds, BTreeSet::from([scope("blocked").as_str(), &scope("failed"), &scope("onboarded")]));
    let roles = results.as_array().unwrap().iter().filter_map(|event| event["data"]["roleAssignment"]["outcome"].as_str());
    assert_eq!(roles.collect::<BTreeSet<_>>(), BTreeSet::from(["already-assigned", "created", "inherited"]));
    assert!(texts(results, "subject").iter().any(|subject| subject.starts_with("/providers/Microsoft.Management/managementGroups/")));
    for event in results.as_array().unwrap().iter().filter(|event| event["data"]["code"].is_string()) {
        assert!(event["data"]["hint"].is_string(), "{event}");
    }
}

#[test]
fn covers_each_scope_once_in_the_stated_words() {
    let document = run(&["demo", "--output", "json"]).document();
    let coverage = &document["coverage"]["scopes"];
    for row in coverage.as_array().unwrap() {
        assert_eq!(row["why"].is_string(), row["verdict"] != "covered", "what is not covered says why: {row}");
    }
    let scopes: BTreeSet<_> = texts(coverage, "scope").into_iter().collect();
    let results: BTreeSet<_> = texts(&document["passes"][0]["results"], "subject").into_iter().collect();
    assert!(scopes.is_subset(&results) && results.len() == scopes.len() + 1, "all but the management group are subscriptions");
    let states = texts(coverage, "role").into_iter().zip(texts(coverage, "verdict")).collect::<BTreeSet<_>>();
    let expected = [("direct", "covered"), ("inherited", "covered"), ("missing", "excluded"), ("missing", "missing")];
    assert_eq!(states, BTreeSet::from(expected));
}

#[test]
fn takes_a_larger_estate_and_refuses_one_too_small_for_its_stories() {
    let document = run(&["demo", "--subscriptions", "40", "--output", "json"]).document();
    assert_eq!(document["coverage"]["scopes"].as_array().unwrap().len(), 40);
    let refused = run(&["demo", "--subscriptions", "6"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains('7'), "{refused:?}");
}

#[test]
fn needs_no_network() {
    // A proxy that nobody listens at: whoever tried to call would fail.
    let nowhere = [("HTTPS_PROXY", "http://127.0.0.1:9"), ("ALL_PROXY", "http://127.0.0.1:9"), ("SSL_CERT_FILE", "/dev/null")];
    assert_eq!(run_with(nowhere, &["demo"], "").code, Some(0));
}
