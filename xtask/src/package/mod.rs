//! `cargo xtask package`: what is deployed, as one zip with its checksum and its bill of materials beside it.
//!
//! The same commit gives the same bytes, in whatever folder and by whomever it is made. [`again`] proves it.

mod again;
mod archive;
mod build;
mod commit;
mod compiler;
mod description;
mod elf;
mod materials;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

pub use description::{Platform, Processor};

use crate::step::{Done, at, project};
use archive::Entry;
use build::Place;
use commit::Commit;
use description::{CRATE, Description};
use elf::Glibc;
use materials::Product;

/// What was made, as files.
pub struct Package {
    /// What is deployed.
    pub zip: PathBuf,
    /// Its SHA-256, in the format that `sha256sum --check` reads.
    pub checksum: PathBuf,
    /// What is in it: a `CycloneDX` document.
    pub materials: PathBuf,
    sha256: String,
    executable: Executable,
}

struct Executable {
    size: usize,
    glibc: Glibc,
}

/// `cargo xtask package PLATFORM --machine PROCESSOR --out DIR`
pub fn run(platform: Platform, processor: Option<Processor>, out: &Path) -> Done {
    let commit = commit()?;
    for description in platform.descriptions(processor)? {
        let package = make(&description, &here(), &commit, &project().join(out))?;
        println!("{}", summary(&package, &description)?);
    }
    Ok(())
}

/// Makes a platform's package for a processor.
pub fn run_once(platform: Platform, processor: Processor) -> Done<Package> {
    let description = platform.descriptions(Some(processor))?.remove(0);
    make(&description, &here(), &commit()?, &here().target.join("package"))
}

/// Makes a platform's package for a processor, and once more of a copy in another folder, to see that it has the same bytes.
pub fn run_twice(platform: Platform, processor: Processor) -> Done<Package> {
    let (commit, target) = (commit()?, here().target);
    let description = platform.descriptions(Some(processor))?.remove(0);
    let package = make(&description, &here(), &commit, &target.join("package"))?;
    again::same_elsewhere(&package, &description, &commit, &target.join("package-again"))?;
    Ok(package)
}

fn here() -> Place {
    Place { sources: project(), target: project().join("target") }
}

fn commit() -> Done<Commit> {
    let commit = Commit::of(&project())?;
    if commit.dirty {
        eprintln!("warning: the working tree is not as committed: this package is not that of commit {}", commit.id);
    }
    Ok(commit)
}

fn make(description: &Description, place: &Place, commit: &Commit, out: &Path) -> Done<Package> {
    let built = build::build(description, place, commit)?;
    let executable = fs::read(&built.executable).map_err(at(&built.executable))?;
    let glibc = elf::needed_glibc(&executable, &description.machine).map_err(|words| format!("{}: {words}", built.executable.display()))?;
    let size = executable.len();
    let product = Product { description, commit, rustc: &built.rustc, sha256: &sha256(&executable) };
    let materials = materials::document(&place.sources, &product)?;

    let mut entries = (description.files)(&place.sources)?;
    entries.push(Entry::executable(description.executable, executable));
    let zip = archive::zip(entries)?;
    let sha256 = sha256(&zip);

    let name = format!("{CRATE}-{}-{}-{}", description.platform, env!("CARGO_PKG_VERSION"), description.machine.name);
    let file = |ending: &str| out.join(format!("{name}{ending}"));
    let package = Package {
        zip: file(".zip"),
        checksum: file(".zip.sha256"),
        materials: file(".cdx.json"),
        executable: Executable { size, glibc },
        sha256,
    };
    fs::create_dir_all(out).map_err(at(out))?;
    fs::write(&package.zip, zip).map_err(at(&package.zip))?;
    fs::write(&package.checksum, format!("{}  {name}.zip\n", package.sha256)).map_err(at(&package.checksum))?;
    fs::write(&package.materials, materials).map_err(at(&package.materials))?;
    Ok(package)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn summary(package: &Package, description: &Description) -> Done<String> {
    let size = fs::metadata(&package.zip).map_err(at(&package.zip))?.len();
    let (machine, zip) = (&description.machine, package.zip.display());
    Ok(format!(
        "{zip}\n  {size} bytes, sha256 {sha256}\n  {executable}: {executable_size} bytes, {machine}, needs glibc {glibc} or later\n\
         {checksum}\n{materials}\n\nnext: {next}",
        sha256 = package.sha256,
        executable = description.executable,
        executable_size = package.executable.size,
        machine = machine.name,
        glibc = package.executable.glibc,
        checksum = package.checksum.display(),
        materials = package.materials.display(),
        next = description.next,
    ))
}
