//! The bill of materials: a `CycloneDX` 1.6 document of what is compiled into an executable.
//!
//! `cargo tree` resolves features as the build does. What only builds the executable (build scripts, macros) is not in it, and not listed.
//! The format: <https://cyclonedx.org/docs/1.6/json/>; the names of packages: <https://github.com/package-url/purl-spec>.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;

use super::commit::Commit;
use super::description::{CRATE, Description};
use super::tree::{Crate, Crates};
use crate::step::{Done, Step, at};
use crate::tools;

const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// What the document is about.
pub struct Product<'a> {
    /// Which package it is in.
    pub description: &'a Description,
    /// What it was made of.
    pub commit: &'a Commit,
    /// The compiler's release, and so its standard library's.
    pub rustc: &'a str,
    /// The executable's hash.
    pub sha256: &'a str,
}

/// The document, as text.
///
/// # Errors
/// Where cargo does not tell what is compiled in.
pub fn document(sources: &Path, product: &Product<'_>) -> Done<String> {
    let what = ["tree", "--locked", "--package", CRATE, "--target", product.description.machine.triple];
    let how = ["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", "\t{p}\t{l}\t"];
    let tree = Step::cargo(&[&what[..], product.description.features, &how].concat()).within(sources).text()?;
    let lock = sources.join("Cargo.lock");
    let lock = fs::read_to_string(&lock).map_err(at(&lock))?;
    let crates = Crates::of(&tree, &lock).ok_or("`cargo tree` printed another tree than expected")?;
    let bill = bill(&crates, product);
    serde_json::to_string_pretty(&bill).map(|text| text + "\n").map_err(|error| format!("the bill of materials: {error}"))
}

fn bill(crates: &Crates, product: &Product<'_>) -> Value {
    let library = standard_library(product.rustc);
    let components: Vec<Value> = crates.others().map(component).chain([library.clone()]).collect();
    let mut dependencies: Vec<Value> = crates.edges.iter().map(|(of, on)| json!({ "ref": of, "dependsOn": on })).collect();
    dependencies.push(json!({ "ref": library["bom-ref"] }));
    let mut bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": product.commit.time,
            "tools": { "components": [tool("rustc", product.rustc), tool("zig", tools::ZIG)] },
            "component": executable(&crates.root, product),
        },
        "components": components,
        "dependencies": dependencies,
    });
    // A number of its own, and the same one for the same content.
    let serial = Uuid::new_v5(&Uuid::NAMESPACE_URL, bill.to_string().as_bytes());
    bill["serialNumber"] = json!(serial.urn().to_string());
    bill
}

fn executable(root: &Crate, product: &Product<'_>) -> Value {
    let commit = &product.commit.id;
    json!({
        "type": "application",
        "bom-ref": root.reference(),
        "name": root.name,
        "version": root.version,
        "description": format!("the executable `{}` of the package for {}", product.description.executable, product.description.platform),
        "licenses": [{ "expression": root.licence }],
        "purl": format!("{}?vcs_url=git%2B{REPOSITORY}%40{commit}", root.reference()),
        "hashes": [{ "alg": "SHA-256", "content": product.sha256 }],
        "externalReferences": [{ "type": "vcs", "url": REPOSITORY, "comment": format!("commit {commit}") }],
    })
}

fn component(of: &Crate) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": of.reference(),
        "name": of.name,
        "version": of.version,
        "licenses": [{ "expression": of.licence }],
        "purl": of.reference(),
    });
    if let Some(checksum) = &of.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

/// What every executable of Rust has in it, and no lock file names.
fn standard_library(rustc: &str) -> Value {
    let purl = format!("pkg:github/rust-lang/rust@{rustc}");
    json!({
        "type": "library",
        "bom-ref": purl,
        "name": "std",
        "version": rustc,
        "description": "the standard library of Rust",
        "licenses": [{ "expression": "MIT OR Apache-2.0" }],
        "purl": purl,
    })
}

fn tool(name: &str, version: &str) -> Value {
    json!({ "type": "application", "name": name, "version": version })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::description::Platform;
    use crate::package::tree::tests::{LOCK, TREE};

    fn made(commit: &str) -> Value {
        let commit = Commit { id: commit.to_owned(), seconds: "0".to_owned(), time: "2026-11-22T10:00:00Z".to_owned(), dirty: false };
        let description = &Platform::Azure.descriptions(None).unwrap()[0];
        let product = Product { description, commit: &commit, rustc: "1.95.0", sha256: "ab12" };
        bill(&Crates::of(TREE, LOCK).unwrap(), &product)
    }

    #[test]
    fn it_lists_what_is_compiled_in_with_licence_hash_and_where_it_came_from() {
        let bill = made("c0ffee");
        let names: Vec<_> = bill["components"].as_array().unwrap().iter().map(|component| component["name"].clone()).collect();
        assert_eq!(names, ["axum", "http", "std"]);
        let axum = &bill["components"][0];
        assert_eq!((&axum["purl"], &axum["licenses"][0]["expression"]), (&json!("pkg:cargo/axum@0.8.9"), &json!("MIT")));
        assert_eq!(axum["hashes"][0]["content"], "aa11");
        let dependencies = bill["dependencies"].as_array().unwrap();
        assert!(
            dependencies.contains(&json!({ "ref": "pkg:cargo/axum@0.8.9", "dependsOn": ["pkg:cargo/http@1.5.0"] })),
            "{dependencies:?}"
        );
        assert_eq!(bill["metadata"]["component"]["hashes"][0]["content"], "ab12");
    }

    #[test]
    fn its_serial_number_is_that_of_its_content() {
        assert_eq!(made("c0ffee"), made("c0ffee"));
        assert_ne!(made("c0ffee")["serialNumber"], made("decade")["serialNumber"]);
    }
}
