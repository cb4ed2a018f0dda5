//! Each alert has its query and its section in the runbook, and each section its alert.

use std::collections::BTreeSet;

use crate::terraform::Stage;
use crate::{aws, files, functions, project, read};

/// The one that stage platform makes.
const ELEVATION: &str = "elevation-without-step-down";

fn made() -> BTreeSet<String> {
    let app = Stage::read("app");
    let by_query = app.keys(app.attribute("locals.query_alerts"));
    let queries = files(&project("infra/azure/app/queries/alerts"), &[".kql"]);
    let queries: BTreeSet<String> = queries.iter().map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(by_query, queries, "each query alert has its file in queries/alerts");
    assert!(project(&format!("infra/azure/platform/queries/{ELEVATION}.kql")).is_file());
    by_query.into_iter().chain(app.keys(app.attribute("locals.topic_alerts"))).chain([ELEVATION.to_owned()]).collect()
}

#[test]
fn the_runbook_has_a_section_for_each_alert_and_for_nothing_else() {
    let page = read(&project("docs/operate.md"));
    let sections: BTreeSet<String> = page.lines().filter_map(|line| line.strip_prefix("### Alert: ").map(str::to_owned)).collect();
    assert_eq!(sections, made().union(&aws::alarms()).cloned().collect());
    for alert in sections {
        assert!(page.contains(&format!("| [`{alert}`](#alert-{alert}) |")), "{alert} stands in the table of alerts");
    }
}

/// `line.NAME` and `line["NAME"]` in a query.
fn fields(query: &str) -> BTreeSet<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    let after = |start: &'static str| query.split(start).skip(1).map(name);
    after("(line.").chain(after("(line[\"")).collect()
}

#[test]
fn what_the_queries_read_in_the_log_is_logged() {
    let code = read(&project("src/telemetry.rs"));
    let read: BTreeSet<String> =
        files(&project("infra/azure/app/queries"), &[".kql"]).iter().flat_map(|file| fields(&read(file))).collect();
    assert!(read.len() > 15, "only {read:?} were found");
    // The subscriber's own fields.
    let of_each_line = ["message", "target"];
    for field in read.iter().filter(|field| !of_each_line.contains(&field.as_str())) {
        let logged = [format!("{field} ="), format!("{field},"), format!("%{field}"), format!("\"{field}\"")];
        assert!(logged.iter().any(|way| code.contains(way)), "{field} is not logged");
    }
}

/// A function that nobody calls from outside fails unseen.
#[test]
fn the_alert_on_failed_calls_looks_at_every_trigger_but_http() {
    let query = read(&project("infra/azure/app/queries/alerts/unfinished.kql"));
    let asked: BTreeSet<String> =
        query.lines().find(|line| line.starts_with("| where Name in")).unwrap().split('"').skip(1).step_by(2).map(str::to_owned).collect();
    let is_http = |bindings: &[serde_json::Value]| bindings.iter().any(|binding| binding["type"] == "httpTrigger");
    assert_eq!(asked, functions().into_iter().filter(|(_, bindings)| !is_http(bindings)).map(|(name, _)| name).collect());
}
