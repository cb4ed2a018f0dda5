//! `infra/permissions.json` is the one list of rights: Terraform gives what it lists, and has no list of its own.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::terraform::{STAGES, Stage, files, literal, written};
use crate::{json, project, read};

fn entries(list: &str) -> Vec<Value> {
    json("infra/permissions.json")[list].as_array().unwrap().clone()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The built-in roles for what stage app makes; that of the ISPM app is for stage platform.
fn of_app() -> Vec<Value> {
    entries("builtInRoles").into_iter().filter(|role| role["holder"] != "ispm-app").collect()
}

#[test]
fn terraform_knows_each_holder_place_and_condition_and_no_other() {
    let app = Stage::read("app");
    let known = |local: &str| app.keys(app.attribute(&format!("locals.{local}")));
    let listed = |member: &str| of_app().iter().map(|role| text(&role[member])).collect::<BTreeSet<_>>();
    assert_eq!(known("role_holders"), listed("holder"));
    assert_eq!(known("role_places"), listed("on"));
    let conditions = of_app().iter().map(|role| role["when"].as_str().unwrap_or("always").to_owned()).collect();
    assert_eq!(known("role_conditions"), conditions);
}

#[test]
fn what_is_given_at_a_management_group_is_all_that_stage_platform_gives() {
    let roles: Vec<Value> = entries("customRoles").into_iter().chain(entries("builtInRoles")).collect();
    let at_group = roles.iter().filter(|role| role["on"] == "management-group");
    let holders: BTreeSet<String> = at_group.map(|role| text(&role["holder"])).collect();
    assert_eq!(holders, BTreeSet::from(["ispm-app".to_owned(), "login".to_owned()]));
    for role in entries("customRoles") {
        assert_eq!((&role["holder"], &role["on"]), (&"login".into(), &"management-group".into()), "{}", role["name"]);
    }
    let platform = Stage::read("platform");
    let conditions = entries("customRoles").iter().map(|role| text(&role["when"])).collect();
    assert_eq!(platform.keys(platform.attribute("locals.role_conditions")), conditions);
    assert!(written(platform.attribute("locals.roles")).contains("customRoles"));
    assert!(written(platform.attribute("locals.reader")).contains(r#"role.holder == "ispm-app""#));
}

#[test]
fn no_role_and_no_action_is_written_a_second_time() {
    let ids = entries("builtInRoles").into_iter().map(|role| text(&role["id"]));
    let actions = entries("customRoles").into_iter().flat_map(|role| role["permissions"].as_array().unwrap().clone());
    let once: Vec<String> = ids.chain(actions.map(|permission| text(&permission["action"]))).collect();
    for stage in STAGES {
        for file in files(stage) {
            let text = read(&file).to_ascii_lowercase();
            let again = once.iter().find(|right| text.contains(&right.to_ascii_lowercase()));
            assert_eq!(again, None, "{}", file.display());
        }
    }
}

/// A role by its name would be one that the list does not know.
#[test]
fn each_assignment_takes_its_role_from_the_list() {
    let mut seen = 0;
    for stage in Stage::all() {
        for (address, value) in stage.below("resource.azurerm_role_assignment.") {
            assert!(!address.ends_with(".role_definition_name"), "{address}");
            if address.ends_with(".role_definition_id") {
                let role = written(value);
                let from_list = ["each.value.id", "local.reader", "azurerm_role_definition.this[each.key]"];
                assert!(from_list.iter().any(|source| role.contains(source)), "{address} = {role}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 3, "only {seen} assignments were found");
}

/// The program and Terraform assign Reader under one name, so that the two meet at one assignment.
#[test]
fn both_name_assignments_in_one_namespace() {
    let platform = Stage::read("platform");
    let namespace = literal(platform.attribute("locals.arm_guid_namespace"));
    let code = read(&project("src/azure/names.rs"));
    assert!(code.contains(&format!("uuid!(\"{namespace}\")")), "{namespace} is not in src/azure/names.rs");
}
