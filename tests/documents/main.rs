//! The documents say what is so: they are compared with the code, the profile that ships and the generated schemas.
//!
//! Whether the examples fit the schemas is for validators that others wrote to say: `tests/real/documents`.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a check fails by panicking")]

mod configuration;
mod generated;
mod permissions;
mod reliability;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ispm_onboarder::config::Config;
use ispm_onboarder::ispm::Profile;
use ispm_onboarder::request::parse;
use ispm_onboarder::scope::Guid;
use ispm_onboarder::tenant::TenantRecord;
use serde_json::Value;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&read(&project(path))).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files below a folder whose names end so. What is built or hidden is not looked at.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let seen = entries.filter(|path| !matches!(path.file_name().unwrap().to_str().unwrap(), "target" | "node_modules" | ".git"));
    let found = seen.flat_map(|path| match path.is_dir() {
        true => files(&path, ending),
        false if path.to_str().unwrap().ends_with(ending) => vec![path],
        false => vec![],
    });
    found.collect()
}

/// The part of a document under a heading, up to the next heading of the same rank.
fn section(text: &str, heading: &str) -> String {
    let rank = heading.split(' ').next().unwrap();
    let under = text.lines().skip_while(|line| *line != heading).skip(1);
    let section: Vec<&str> = under.take_while(|line| !line.starts_with(&format!("{rank} "))).collect();
    assert!(!section.is_empty(), "there is no section {heading:?}");
    section.join("\n")
}

/// What stands in backticks in the first column of a section's tables.
fn first_column(section: &str) -> BTreeSet<String> {
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    cells.flat_map(|cell| cell.split('`').step_by(2)).filter(|name| name.len() > 2).map(str::to_owned).collect()
}

/// The `json` blocks of the documents that follow a comment `<!-- mark -->`.
fn examples(mark: &str) -> Vec<String> {
    let comment = format!("<!-- {mark} -->");
    let texts = files(&project("docs"), ".md").into_iter().map(|file| read(&file));
    let blocks = texts.flat_map(|text| {
        let after = text.split(&comment).skip(1);
        let blocks = after.map(|rest| rest.trim_start().strip_prefix("```json\n").and_then(|rest| rest.split("\n```").next()));
        blocks.map(|block| block.expect("a json block follows").to_owned()).collect::<Vec<_>>()
    });
    let found: Vec<String> = blocks.collect();
    assert!(!found.is_empty(), "no document has an example {comment}");
    found
}

mod connect_api {
    use super::*;

    fn names<'a>(values: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
        values.collect()
    }

    fn keys(value: &Value) -> BTreeSet<&str> {
        names(value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()))
    }

    fn words(value: &Value) -> BTreeSet<&str> {
        names(value.as_array().into_iter().flatten().filter_map(Value::as_str))
    }

    fn placeholders(path: &str) -> BTreeSet<&str> {
        names(path.split('{').skip(1).filter_map(|rest| rest.split('}').next()))
    }

    /// The parameters of an operation, its path's included.
    fn parameters<'a>(path: &'a Value, operation: &'a Value, place: &str) -> BTreeSet<&'a str> {
        let all = [&path["parameters"], &operation["parameters"]].into_iter().filter_map(Value::as_array).flatten();
        names(all.filter(|parameter| parameter["in"] == place).filter_map(|parameter| parameter["name"].as_str()))
    }

    #[test]
    fn each_request_of_the_shipped_profile_is_an_operation_and_each_operation_a_request() {
        let (profile, api) = (json("src/ispm/profiles/default.json"), json("docs/schemas/connect-api.openapi.json"));
        let mut used = BTreeSet::new();
        for step in ["source", "find", "read", "create", "remove"] {
            let request = &profile[step]["request"];
            let (method, path) = (request["method"].as_str().unwrap().to_lowercase(), request["path"].as_str().unwrap());
            let operation = &api["paths"][path][&method];
            assert!(operation.is_object(), "{step}: the OpenAPI document has no {method} {path}");
            assert_eq!(parameters(&api["paths"][path], operation, "path"), placeholders(path), "{step}: path parameters");
            assert_eq!(parameters(&api["paths"][path], operation, "query"), keys(&request["query"]), "{step}: query parameters");
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            assert_eq!(keys(&body["properties"]), keys(&request["body"]), "{step}: the body's members");
            assert!(words(&body["required"]).is_subset(&keys(&request["body"])), "{step}: the body's required members");
            used.insert((path, method));
        }
        let methods = ["get", "put", "post", "patch", "delete"];
        let paths = api["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, item)| keys(item).into_iter().map(move |method| (path.as_str(), method.to_owned())));
        let described: BTreeSet<_> = operations.filter(|(_, method)| methods.contains(&method.as_str())).collect();
        assert_eq!(used, described);
    }

    #[test]
    fn the_shipped_profile_reads_what_the_answers_hold() {
        let (profile, api) = (json("src/ispm/profiles/default.json"), json("docs/schemas/connect-api.openapi.json"));
        let (shape, connection) = (&profile["connection"], &api["components"]["schemas"]["Connection"]);
        for member in ["id", "name", "status"] {
            let pointer = shape[member].as_str().unwrap();
            assert!(words(&connection["required"]).contains(&pointer[1..]), "{member} is always there");
        }
        for member in ["cause", "createdAt"] {
            assert!(keys(&connection["properties"]).contains(&shape[member].as_str().unwrap()[1..]), "{member}");
        }
        assert_eq!(words(&connection["properties"]["status"]["enum"]), keys(&shape["statuses"]));
        assert_eq!(words(&connection["properties"]["cause"]["enum"]), keys(&shape["causes"]));
    }
}

/// Every file that a hint or a comment sends the reader to is there.
#[test]
fn documents_named_in_the_code_exist() {
    for file in files(&project("src"), ".rs") {
        let text = read(&file);
        for rest in text.split("docs/").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/')).collect();
            let Some((name, _)) = name.split_once(".md") else { continue };
            assert!(project(&format!("docs/{name}.md")).is_file(), "{} names docs/{name}.md", file.display());
        }
    }
}

#[test]
fn each_code_is_explained_and_nothing_else_is() {
    let schema = json("docs/schemas/result-event.schema.json");
    let codes = schema["$defs"]["Code"]["oneOf"].as_array().unwrap().iter().map(|code| code["const"].as_str().unwrap().to_owned());
    let explained = section(&read(&project("docs/operate.md")), "## Codes");
    assert_eq!(first_column(&explained), codes.collect::<BTreeSet<_>>());
}

/// Names in capitals that are quoted where the environment is read are variables; the page is made of the list that has them.
#[test]
fn each_variable_that_the_code_names_is_listed() {
    let listed = read(&project("docs/configuration.md"));
    let part = |part: &str| part.len() > 1 && part.chars().all(|c| c.is_ascii_uppercase());
    let mut seen = BTreeSet::new();
    for file in files(&project("src"), ".rs") {
        let text = read(&file);
        let code = text.split("#[cfg(test)]").next().unwrap();
        if code.contains("env::var") {
            let quoted = code.split('"').skip(1).step_by(2).filter(|text| text.contains('_') && text.split('_').all(part));
            seen.extend(quoted.map(str::to_owned));
        }
    }
    assert!(seen.len() > 1, "{seen:?}");
    let missing: Vec<_> = seen.iter().filter(|name| !listed.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "src/config/variables.rs does not list {missing:?}");
}

/// What is said of the simulator, by names that faults and settings go by.
mod simulator {
    use super::*;

    /// Quoted names in the services' code that look like `service.operation`.
    fn operations() -> BTreeSet<String> {
        let services = [
            "arm",
            "blob",
            "entra",
            "event-bridge",
            "event-grid",
            "graph",
            "identity",
            "ispm",
            "key-vault",
            "queue",
            "secrets-manager",
            "s3",
            "sqs",
            "sts",
        ];
        let is_operation = |text: &str| {
            let known = text
                .split_once('.')
                .is_some_and(|(service, rest)| services.contains(&service) && rest.rsplit('.').next() != Some("unknown"));
            let is_host = matches!(text.rsplit('.').next(), Some("com" | "net"));
            known && !is_host && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-'))
        };
        let texts = files(&project("simulator/src/services"), ".rs").into_iter().map(|file| read(&file));
        let quoted = texts.flat_map(|text| text.split('"').map(str::to_owned).collect::<Vec<_>>());
        quoted.filter(|text| is_operation(text)).collect()
    }

    #[test]
    fn each_operation_can_be_looked_up_for_a_fault() {
        let text = section(&read(&project("docs/simulator.md")), "### Faults");
        let table = text.lines().filter(|line| line.starts_with("| ") && line.contains('.'));
        let named: BTreeSet<String> = table.flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
        let operations = operations();
        let missing: Vec<_> = operations.difference(&named).collect();
        assert!(missing.is_empty(), "not in docs/simulator.md: {missing:?}");
        let claimed = named.iter().filter(|name| name.split_once('.').is_some_and(|(_, rest)| !rest.is_empty()) && !name.contains(' '));
        let unknown: Vec<_> = claimed.filter(|name| !operations.contains(*name)).collect();
        assert!(unknown.is_empty(), "no such operation: {unknown:?}");
    }

    #[cfg(feature = "simulator")]
    #[test]
    fn each_setting_is_explained_and_no_other_is_claimed() {
        let settings = serde_json::to_value(ispm_onboarder_simulator::World::empty().settings).unwrap();
        let named: BTreeSet<String> = settings.as_object().unwrap().keys().cloned().collect();
        assert_eq!(first_column(&section(&read(&project("docs/simulator.md")), "### Settings")), named);
    }
}

mod links {
    use super::*;

    /// A document's text without its code blocks.
    fn prose(file: &Path) -> String {
        read(file).split("```").step_by(2).collect()
    }

    /// A heading's anchor, as GitHub makes it.
    fn anchor(heading: &str) -> String {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ')).map(|c| if c == ' ' { '-' } else { c }).collect()
    }

    #[test]
    fn lead_to_what_is_there() {
        for file in files(&project(""), ".md") {
            let text = prose(&file);
            let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            for link in links.filter(|link| !link.contains("://")) {
                let (path, heading) = link.split_once('#').unwrap_or((link, ""));
                let target = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
                assert!(target.exists(), "{} links to {link}", file.display());
                let found = heading.is_empty() || prose(&target).lines().any(|line| line.starts_with('#') && anchor(line) == heading);
                assert!(found, "{} links to {link}, which has no such heading", file.display());
            }
        }
    }
}

/// The program itself takes what the documents show.
mod examples_are_taken {
    use super::*;

    #[test]
    fn events_and_messages() {
        for example in [
            examples("schema: requested-event"),
            examples("schema: queue-message"),
            examples("event-grid-schema"),
            examples("event-bridge"),
            examples("activity-log"),
        ]
        .concat()
        {
            for inbound in parse(example.as_bytes()) {
                assert!(inbound.request.is_ok(), "{:?} of {example}", inbound.request);
            }
        }
    }

    #[test]
    fn tenant_records() {
        let defaults = |name: &str| match name {
            "ONBOARDER_SECRET_STORE" => Some("file:secrets".to_owned()),
            "ONBOARDER_RESULTS" => Some("stdout:".to_owned()),
            _ => None,
        };
        let hosts = Config::read(defaults).unwrap().ispm_hosts;
        for example in examples("schema: tenant-record") {
            let record: Value = serde_json::from_str(&example).unwrap();
            let tenant = Guid::parse(record["tenantId"].as_str().unwrap()).unwrap();
            TenantRecord::read(&example, tenant, &hosts).unwrap_or_else(|error| panic!("{error}: {example}"));
        }
    }

    /// They are those that `tests/connect` onboards through.
    #[test]
    fn connect_profiles() {
        let tried: Vec<Value> =
            files(&project("tests/connect/profiles"), ".json").iter().map(|file| json(file.to_str().unwrap())).collect();
        for example in examples("schema: connect-profile") {
            Profile::read(&example, "example").unwrap_or_else(|error| panic!("{error}: {example}"));
            assert!(tried.contains(&serde_json::from_str(&example).unwrap()), "not tried: {example}");
        }
    }

    #[cfg(feature = "simulator")]
    #[test]
    fn worlds() {
        for example in examples("world") {
            serde_json::from_str::<ispm_onboarder_simulator::World>(&example).unwrap_or_else(|error| panic!("{error}: {example}"));
        }
    }
}
