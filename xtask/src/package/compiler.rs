//! The compiler that builds for a machine.

use std::path::{Path, PathBuf};

use super::description::Machine;
use crate::step::{Done, Step};
use crate::tools::debian::{self, Rust};

/// A compiler that has the machine's standard library.
pub struct Compiler {
    /// Its release.
    pub release: String,
    /// The commit that it was made of.
    pub commit: String,
    /// Where the standard library's sources are, if they are installed.
    pub library: PathBuf,
    /// Debian's, in the place of the toolchain's.
    pub debian: Option<Rust>,
}

impl Compiler {
    /// The toolchain's, if it has the machine's standard library. Where rustup can bring none, Debian's of another release does as well:
    /// what is built then is not what the toolchain builds, and its bill of materials names the release.
    ///
    /// # Errors
    /// Where neither is there: the words name the command that brings the toolchain's.
    pub fn of(sources: &Path, machine: &Machine) -> Done<Self> {
        let triple = machine.triple;
        let library = Step::new("rustc", &["--print", "target-libdir", "--target", triple]).within(sources).text()?;
        if Path::new(library.trim()).is_dir() {
            return Self::that_says(sources, None);
        }
        let missing = format!("the toolchain has no standard library for {triple}; `rustup target add {triple}` brings it");
        eprintln!("warning: {missing}. Debian's compiler is used instead");
        let debian = debian::rust(machine.debian).map_err(|words| format!("{missing}. Debian's could not be had instead: {words}"))?;
        Self::that_says(sources, Some(debian))
    }

    /// A step in which cargo uses this compiler.
    pub fn chosen_for(&self, step: Step) -> Step {
        match &self.debian {
            None => step,
            Some(rust) => step.with("RUSTC", &rust.compiler).with("LD_LIBRARY_PATH", &rust.libraries),
        }
    }

    fn that_says(sources: &Path, debian: Option<Rust>) -> Done<Self> {
        let mut found = Self { release: String::new(), commit: String::new(), library: PathBuf::new(), debian };
        let program = found.debian.as_ref().map_or(Path::new("rustc"), |rust| &rust.compiler).to_path_buf();
        let rustc = |arguments: &[&str]| found.chosen_for(Step::new(&program, arguments)).within(sources).text();
        let (version, sysroot) = (rustc(&["--version", "--verbose"])?, rustc(&["--print", "sysroot"])?);
        let field = |name: &str| {
            let value = version.lines().find_map(|line| line.strip_prefix(name));
            value.map(|value| value.trim().to_owned()).ok_or_else(|| format!("`rustc --version --verbose` does not print `{name}`"))
        };
        (found.release, found.commit) = (field("release:")?, field("commit-hash:")?);
        found.library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
        Ok(found)
    }
}
