//! Each alert has its query and its section in the runbook, and each section its alert.

use std::collections::BTreeSet;

use crate::terraform::Stage;
use crate::{aws, files, project, read};

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
