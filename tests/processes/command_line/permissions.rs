//! `ispm-onboarder permissions`

mod aws;
mod federation;

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Ran, run, run_with};

const APP: &str = "6e1239c4-dd93-5aa0-8b77-12b55eb662fd";
const PRINCIPAL: &str = "22222222-2222-2222-2222-222222222222";
const LOGIN: &str = "33333333-3333-3333-3333-333333333333";
const ALL: [&str; 8] = ["--scope", "mg:Corp", "--app", APP, "--principal", PRINCIPAL, "--login", LOGIN];
const CONDITION: &str = "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR \
    (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] \
    ForAnyOfAnyValues:GuidEquals {acdd72a7-3385-48ef-bd42-f606fba81ae7} AND \
    @Request[Microsoft.Authorization/roleAssignments:PrincipalId] \
    ForAnyOfAnyValues:GuidEquals {22222222-2222-2222-2222-222222222222}))";

fn permissions(arguments: &[&str]) -> Ran {
    run(&[&["permissions"], arguments].concat())
}

fn document(arguments: &[&str]) -> Value {
    let ran = permissions(&[arguments, &["--output", "json"]].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    ran.document()
}

fn texts<'a>(list: &'a Value, member: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|item| item[member].as_str().unwrap()).collect()
}

/// What bash makes of the commands: the arguments of each call of `az` and `aws`, with the content of a file that they name in its place.
fn typed_into_bash(commands: &[&str]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    // Each argument ends with a NUL, each call with one more. `az ad sp show` prints an id, as the real one does.
    let script = "#!/bin/bash\n\
        [ \"$1 $2 $3\" = 'ad sp show' ] && echo 99999999-9999-4999-8999-999999999999\n\
        for word; do case $word in @*) cat \"${word#@}\" ;; file://*) cat \"${word#file://}\" ;; *) printf %s \"$word\" ;; esac; printf '\\0'; done >> \"$CALLS\"\n\
        printf '\\0' >> \"$CALLS\"\n";
    for program in ["az", "aws"] {
        let program = folder.path().join(program);
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let calls = folder.path().join("calls");
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &commands.join("\n")]).current_dir(folder.path()).stdin(Stdio::null());
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let done = bash.env("PATH", path).env("CALLS", &calls).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let recorded = std::fs::read_to_string(calls).unwrap();
    let words = |call: &str| call.split('\0').map(str::to_owned).collect();
    recorded.split("\0\0").filter(|call| !call.is_empty()).map(words).collect()
}

/// The value of an option.
fn option<'a>(call: &'a [String], name: &str) -> Option<&'a str> {
    let position = call.iter().position(|word| word == name)?;
    call.get(position + 1).map(String::as_str)
}

/// The calls that create a role assignment for an object id.
fn assignments<'a>(calls: &'a [Vec<String>], assignee: &str) -> Vec<&'a Vec<String>> {
    let creates = |call: &&Vec<String>| call.starts_with(&["role", "assignment", "create"].map(str::to_owned));
    calls.iter().filter(creates).filter(|call| option(call, "--assignee-object-id") == Some(assignee)).collect()
}

#[test]
fn the_commands_define_the_roles_and_assign_them_under_the_condition() {
    let document = document(&ALL);
    let calls = typed_into_bash(&texts(&document["commands"], "command"));
    let definitions: Vec<Value> =
        calls.iter().filter_map(|call| option(call, "--role-definition")).map(|text| serde_json::from_str(text).unwrap()).collect();
    let given: Vec<&Value> = document["customRoles"].as_array().unwrap().iter().map(|role| &role["definition"]).collect();
    assert_eq!(definitions.iter().collect::<Vec<_>>(), given);
    for definition in &definitions {
        assert_eq!(definition["AssignableScopes"], serde_json::json!(["/providers/Microsoft.Management/managementGroups/corp"]));
    }
    let of_login = assignments(&calls, LOGIN);
    let roles: Vec<_> = of_login.iter().map(|call| option(call, "--role").unwrap()).collect();
    assert_eq!(roles, definitions.iter().map(|definition| definition["Name"].as_str().unwrap()).collect::<Vec<_>>());
    let conditions: Vec<_> = of_login.iter().map(|call| (option(call, "--condition"), option(call, "--condition-version"))).collect();
    assert_eq!(conditions, [(None, None), (Some(CONDITION), Some("2.0"))]);
    assert_eq!(document["customRoles"][1]["condition"], CONDITION);
    assert!(assignments(&calls, PRINCIPAL).is_empty(), "Reader is the function's to assign");
    assert!(!calls.iter().any(|call| call[0] == "rest"), "with a principal id in the record, nobody asks Graph");
}

#[test]
fn to_verify_only_is_reader_here_and_no_right_to_assign() {
    let document = document(&[&ALL as &[&str], &["--verify-only"]].concat());
    assert!(!document.to_string().contains("roleAssignments/write"), "{document:#}");
    let calls = typed_into_bash(&texts(&document["commands"], "command"));
    assert_eq!(assignments(&calls, LOGIN).len(), 1, "it may look");
    let reader = assignments(&calls, PRINCIPAL);
    assert_eq!(reader.len(), 1);
    assert_eq!(option(reader[0], "--role"), Some("Reader"));
    assert_eq!(option(reader[0], "--scope"), Some("/providers/Microsoft.Management/managementGroups/corp"));
    assert_eq!(option(reader[0], "--name"), Some("da8ac752-7d99-568e-8f08-1106d6b6401b"), "the name that the program would choose");
}

#[test]
fn the_right_to_remove_is_asked_for_by_itself_and_held_by_a_condition_of_its_own() {
    let calls =
        typed_into_bash(&texts(&document(&[&ALL as &[&str], &["--verify-only", "--allow-offboarding"]].concat())["commands"], "command"));
    let of_login = assignments(&calls, LOGIN);
    let roles: Vec<_> = of_login.iter().map(|call| option(call, "--role").unwrap()).collect();
    assert_eq!(roles, ["ISPM onboarder: read", "ISPM onboarder: remove Reader"]);
    let condition = CONDITION.replace("/write'", "/delete'").replace("@Request", "@Resource");
    assert_eq!(option(of_login[1], "--condition"), Some(condition.as_str()));
    let without = document(&ALL).to_string();
    assert!(!without.contains("roleAssignments/delete"), "nobody asked for it: {without}");
}

#[test]
fn graph_is_asked_for_by_a_body_of_json() {
    let document = document(&["--login", LOGIN]);
    let calls = typed_into_bash(&texts(&document["commands"], "command"));
    let call = calls.iter().find(|call| call[0] == "rest").unwrap();
    let body: Value = serde_json::from_str(option(call, "--body").unwrap()).unwrap();
    assert_eq!(body["principalId"], LOGIN);
    assert_eq!(body["resourceId"], "99999999-9999-4999-8999-999999999999", "what `az ad sp show` printed");
    assert!(option(call, "--url").unwrap().ends_with(&format!("/servicePrincipals/{LOGIN}/appRoleAssignments")));
}

#[test]
fn what_is_not_given_stands_in_capitals_with_the_way_to_find_it() {
    let document = document(&["--app", APP]);
    let commands = texts(&document["commands"], "command").join("\n");
    let placeholders = texts(&document["placeholders"], "name");
    for name in ["MANAGEMENT-GROUP", "LOGIN-ID", "PRINCIPAL-ID", "VAULT-ID"] {
        assert!(placeholders.contains(&name) && commands.contains(name), "{name} of {placeholders:?}");
    }
    let is_placeholder = |word: &&str| word.contains('-') && word.chars().all(|c| c.is_ascii_uppercase() || c == '-') && word.len() > 2;
    for word in commands.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(is_placeholder) {
        assert!(placeholders.contains(&word), "how to find {word} is not said");
    }
    assert!(texts(&document["placeholders"], "find").iter().any(|find| find.contains(APP)), "{document:#}");
    let known = self::document(&ALL);
    for name in texts(&known["placeholders"], "name") {
        assert!(!["MANAGEMENT-GROUP", "LOGIN-ID", "PRINCIPAL-ID"].contains(&name), "{name} was given");
    }
}

#[test]
fn the_table_names_each_permission_with_its_code_and_then_the_commands() {
    let (ran, document) = (permissions(&ALL), document(&ALL));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    for row in document["permissions"].as_array().unwrap() {
        for member in ["permission", "for", "code"] {
            assert!(ran.stdout.contains(row[member].as_str().unwrap()), "{row}");
        }
    }
    let after_table: Vec<&str> = ran.stdout.split("\n\n").skip(1).collect();
    let after_table = after_table.join("\n\n");
    assert!(!texts(&document["commands"], "command").is_empty());
    let mut rest = after_table.as_str();
    for command in texts(&document["commands"], "command") {
        rest = rest.split_once(command).unwrap_or_else(|| panic!("{command} in\n{rest}")).1;
    }
    assert_eq!(typed_into_bash(&[&after_table]), typed_into_bash(&texts(&document["commands"], "command")), "it can be pasted whole");
}

#[test]
fn in_azure_us_government_the_commands_are_for_that_cloud() {
    let in_government = [("ONBOARDER_CLOUD", "usgovernment")];
    // Without the principal, which is then read in Graph.
    let given = ["permissions", "--scope", "mg:Corp", "--app", APP, "--login", LOGIN];
    for output in ["json", "table"] {
        let ran = run_with(in_government, &[&given[..], &["--output", output]].concat(), "");
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        for words in ["az cloud set --name AzureUSGovernment", "https://graph.microsoft.us/v1.0/servicePrincipals/"] {
            assert!(ran.stdout.contains(words), "{words} in {}", ran.stdout);
        }
        for public in ["graph.microsoft.com", "management.azure.com", "login.microsoftonline.com", "core.windows.net"] {
            assert!(!ran.stdout.contains(public), "{public} in {}", ran.stdout);
        }
    }
    let ran = run_with([("ONBOARDER_CLOUD", "germany")], &[&["permissions"], &ALL[..]].concat(), "");
    assert!(ran.code == Some(2) && ran.stderr.contains("ONBOARDER_CLOUD"), "{ran:?}");
}

#[test]
fn a_scope_is_written_as_for_onboard() {
    let subscription = "0b1f6471-1bf0-4dda-aec3-111122223333";
    let group = |name: &str| format!("/providers/Microsoft.Management/managementGroups/{name}");
    let ways: [(&[&str], String); 5] = [
        (&["mg:corp"], group("corp")),
        (&[&group("corp")], group("corp")),
        (&["tenant-root", "--tenant", subscription], group(subscription)),
        (&[subscription], format!("/subscriptions/{subscription}")),
        (&[&format!("/subscriptions/{subscription}")], format!("/subscriptions/{subscription}")),
    ];
    for (typed, path) in ways {
        let document = document(&[&["--scope"], typed].concat());
        assert_eq!(document["customRoles"][0]["definition"]["AssignableScopes"][0], path, "{typed:?}");
    }
    let document = document(&["--scope", subscription]);
    let actions = document["customRoles"][0]["definition"]["Actions"].to_string();
    assert!(actions.contains("Microsoft.Resources/") && !actions.contains("Microsoft.Management/"), "{actions}");
}

#[test]
fn a_wrong_value_is_exit_2_with_the_way_to_the_right_one() {
    let cases: [(&[&str], &str, &str); 7] = [
        (&["--scope", "tenant-root"], "the tenant is not said", "az account show"),
        (&["--scope", "tenant-root", "--tenant", "contoso"], "--tenant", "az account show"),
        (&["--scope", "mg:Corp and all below"], "--scope", "mg:NAME"),
        (&["--app", "Okta ISPM"], "--app", "az ad sp list"),
        (&["--principal", "Okta ISPM"], "--principal", "az ad sp show"),
        (&["--app", APP, "--principal", APP], "--principal is the client id", "az ad sp show"),
        (&["--app", APP, "--login", APP], "--login is the client id", "az ad sp show"),
    ];
    for (arguments, words, hint) in cases {
        let ran = permissions(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(words), "{words} in {}", ran.stderr);
        assert!(ran.hints().iter().any(|shown| shown.contains(hint)), "{hint} in {}", ran.stderr);
    }
}
