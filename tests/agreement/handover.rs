//! What one stage hands on is what the next one asks for.

use std::collections::BTreeSet;

use crate::terraform::{Stage, written};

/// The members of an output of stage app, as they become variables of the stage of that name.
fn handed_on(app: &Stage, stage: &Stage, name: &str) -> BTreeSet<String> {
    let members = app.keys(app.attribute(&format!("output.{name}.value")));
    let unknown: Vec<_> = members.iter().filter(|member| !stage.names("variable").contains(member.as_str())).collect();
    assert!(unknown.is_empty(), "stage {name} has no variables {unknown:?}");
    members
}

fn still_asked_for<'a>(stage: &'a Stage, handed_on: &BTreeSet<String>) -> Vec<&'a str> {
    stage.required().into_iter().filter(|name| !handed_on.contains(*name)).collect()
}

#[test]
fn stage_wiring_asks_for_nothing_more_than_stage_app_hands_on() {
    let (app, wiring) = (Stage::read("app"), Stage::read("wiring"));
    assert_eq!(still_asked_for(&wiring, &handed_on(&app, &wiring, "wiring")), [""; 0]);
}

/// Which group, and which app ISPM reads by, its owners know.
#[test]
fn stage_platform_asks_its_owners_for_the_group_and_the_app_and_nothing_more() {
    let (app, platform) = (Stage::read("app"), Stage::read("platform"));
    assert_eq!(still_asked_for(&platform, &handed_on(&app, &platform, "platform")), ["ispm_app_client_id", "management_group_name"]);
}

#[test]
fn the_words_of_an_output_say_how_it_is_handed_on() {
    let app = Stage::read("app");
    for name in ["platform", "wiring"] {
        let command = format!("terraform -chdir=infra/azure/app output -json {name} > infra/azure/{name}/app.auto.tfvars.json");
        assert!(written(app.attribute(&format!("output.{name}.description"))).contains(&command), "{name}: {command}");
    }
}

/// A tenant's record has the name that the code asks the store for.
#[test]
fn records_are_looked_for_under_the_name_that_the_code_reads() {
    let (app, wiring) = (Stage::read("app"), Stage::read("wiring"));
    let prefix = "ispm-onboarder-";
    let tenant = ispm_onboarder::scope::Guid::parse("0b1f6471-1bf0-4dda-aec3-cb9272f09590").unwrap();
    assert_eq!(ispm_onboarder::tenant::record_name(tenant), format!("{prefix}{tenant}"));
    assert!(written(wiring.attribute("locals.record_names")).contains(&format!("\"{prefix}${{lower(tenant)}}\"")));
    assert!(written(app.attribute("output.record_command.value")).contains(&format!("--name {prefix}TENANT")));
}
