//! Files, and parts of pages, that are made of the code and of the files that are deployed.
//!
//! `UPDATE_DOCS=1 cargo test --test documents generated` writes them anew; without it they are compared.

use std::fs;

use ispm_onboarder::{doctor, schemas};

use super::{configuration, files, permissions, project, read, reliability};

const UPDATE: &str = "UPDATE_DOCS";

/// A page's parts: what stands between `<!-- generated: NAME -->` and `<!-- end -->`.
type Parts = Vec<(&'static str, String)>;

/// Each page that has generated parts.
fn pages() -> Vec<(&'static str, Parts)> {
    vec![
        ("docs/configuration.md", configuration::parts()),
        ("docs/operate.md", vec![("checks", doctor::markdown())]),
        ("docs/reliability.md", reliability::parts()),
        ("docs/security.md", vec![permissions::why_not_less()]),
        ("infra/README.md", permissions::parts()),
    ]
}

fn begin(name: &str) -> String {
    format!("<!-- generated: {name} -->\n")
}

/// A page with its parts made anew.
fn with_parts(page: &str, text: &str, parts: &Parts) -> String {
    parts.iter().fold(text.to_owned(), |text, (name, part)| {
        let (before, rest) = text.split_once(&begin(name)).unwrap_or_else(|| panic!("{page} has no {}", begin(name)));
        let (_, after) = rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("{page}: the part {name} has no end"));
        format!("{before}{}{}\n<!-- end -->{after}", begin(name), part.trim_end())
    })
}

/// Each generated file: its path and its content.
fn generated() -> Vec<(String, String)> {
    let schemas = schemas::documents().into_iter().map(|(name, document)| {
        let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
        (format!("docs/schemas/{name}"), text)
    });
    let pages = pages().into_iter().map(|(page, parts)| {
        let text = with_parts(page, &read(&project(page)), &parts);
        (page.to_owned(), text)
    });
    schemas.chain(pages).collect()
}

#[test]
fn what_is_generated_is_what_the_code_says() {
    for (path, content) in generated() {
        if std::env::var_os(UPDATE).is_some() {
            fs::write(project(&path), &content).unwrap();
        }
        let stored = fs::read_to_string(project(&path)).unwrap_or_default();
        assert!(stored == content, "{path} is not what the code says: run {UPDATE}=1 cargo test --test documents generated");
    }
}

/// A part that nothing makes would look as if it were kept up.
#[test]
fn each_part_that_is_marked_as_generated_is() {
    let made: Vec<(String, usize)> = pages().into_iter().map(|(page, parts)| (page.to_owned(), parts.len())).collect();
    for file in files(&project(""), ".md") {
        let marked = read(&file).matches("<!-- generated: ").count();
        let made = made.iter().find(|(page, _)| project(page) == file).map_or(0, |(_, parts)| *parts);
        assert_eq!(marked, made, "{}", file.display());
    }
}
