//! Builds an executable whose bytes do not depend on where, when or by whom it is built, and which runs on old systems.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::commit::Commit;
use super::compiler::Compiler;
use super::description::{CRATE, Description};
use crate::step::{Done, Step};
use crate::tools;

/// Where the sources are, and where what is built goes.
pub struct Place {
    /// The workspace's folder.
    pub sources: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
}

/// What was built, and with what.
pub struct Built {
    /// The file.
    pub executable: PathBuf,
    /// The compiler's release.
    pub rustc: String,
}

/// Builds a package's executable as the profile `dist` says, with its own features alone.
///
/// Zig links it against the glibc that the machine is said to have, instead of this machine's, and compiles what is C in it.
pub fn build(description: &Description, place: &Place, commit: &Commit) -> Done<Built> {
    let tools = tools::cargo_zigbuild()?;
    let crates = crates(&place.sources, description.machine.triple)?;
    let compiler = Compiler::of(&place.sources, &description.machine)?;
    let target = format!("{}.{}", description.machine.triple, description.machine.glibc);
    // Of this crate alone: what others of the workspace ask of a dependency they share is not wanted in it.
    let binary = ["--package", CRATE, "--bin", description.binary];
    let arguments = [&["zigbuild", "--locked", "--profile", "dist", "--target", &target], &binary[..], description.features].concat();
    let step = Step::new(tools.join("cargo-zigbuild"), &arguments);
    compiler
        .chosen_for(step)
        .with("PATH", tools::path_with(&tools)?)
        .with("CARGO_ENCODED_RUSTFLAGS", flags(place, &crates, &compiler))
        .with("CARGO_TARGET_DIR", &place.target)
        .with("SOURCE_DATE_EPOCH", &commit.seconds)
        .within(&place.sources)
        .run()?;
    let executable = place.target.join(description.machine.triple).join("dist").join(description.binary);
    Ok(Built { executable, rustc: compiler.release })
}

/// Paths stand in the texts of panics, among others. Each folder that differs from machine to machine gets a name that does not; where one
/// lies in another, the later counts.
fn flags(place: &Place, crates: &BTreeSet<PathBuf>, compiler: &Compiler) -> String {
    let own = [(&place.sources, "/project".to_owned()), (&place.target, "/target".to_owned())];
    let crates = crates.iter().map(|folder| (folder, "/crates".to_owned()));
    // The name that the standard library's own build gives to its sources, where they are not installed.
    let library = (&compiler.library, format!("/rustc/{}", compiler.commit));
    let flag = |(folder, name): (&PathBuf, String)| format!("--remap-path-prefix={}={name}", folder.display());
    // The separator that cargo asks for, since a path may hold a blank.
    own.into_iter().chain(crates).chain([library]).map(flag).collect::<Vec<_>>().join("\x1f")
}

/// The folders that hold the sources of others' crates: their names depend on the registry and on the user.
fn crates(sources: &Path, triple: &str) -> Done<BTreeSet<PathBuf>> {
    let arguments = ["metadata", "--locked", "--format-version", "1", "--filter-platform", triple];
    let text = Step::cargo(&arguments).within(sources).text()?;
    let metadata: Value = serde_json::from_str(&text).map_err(|error| format!("`cargo metadata` printed no JSON: {error}"))?;
    crates_of(&metadata).ok_or_else(|| "`cargo metadata` printed another document than expected".to_owned())
}

fn crates_of(metadata: &Value) -> Option<BTreeSet<PathBuf>> {
    let others = metadata["packages"].as_array()?.iter().filter(|package| !package["source"].is_null());
    let folder = |package: &Value| Some(Path::new(package["manifest_path"].as_str()?).parent()?.parent()?.to_path_buf());
    others.map(folder).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_folder_of_this_machine_gets_a_name_of_no_machine() {
        let metadata = json!({ "packages": [
            { "source": null, "manifest_path": "/home/mia/a clone/Cargo.toml" },
            { "source": "registry+…", "manifest_path": "/home/mia/.cargo/registry/src/index-1/axum-0.8.9/Cargo.toml" },
            { "source": "registry+…", "manifest_path": "/home/mia/.cargo/registry/src/index-1/http-1.5.0/Cargo.toml" },
        ] });
        let place = Place { sources: "/home/mia/a clone".into(), target: "/home/mia/a clone/target".into() };
        let compiler =
            Compiler { release: "1.95.0".to_owned(), commit: "5980".to_owned(), library: "/opt/rust/library".into(), debian: None };
        let expected = [
            "/home/mia/a clone=/project",
            "/home/mia/a clone/target=/target",
            "/home/mia/.cargo/registry/src/index-1=/crates",
            "/opt/rust/library=/rustc/5980",
        ];
        let expected = expected.map(|names| format!("--remap-path-prefix={names}"));
        assert_eq!(flags(&place, &crates_of(&metadata).unwrap(), &compiler).split('\x1f').collect::<Vec<_>>(), expected);
    }
}
