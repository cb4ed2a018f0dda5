//! What a package is made of. A platform more, or a machine more, is a description more.

use std::fs;
use std::path::Path;

use clap::ValueEnum;
use object::elf::EM_X86_64;

use super::archive::Entry;
use super::elf::Glibc;
use crate::step::{Done, at};

/// The crate that the executables are of.
pub const CRATE: &str = "ispm-onboarder";

/// Where a package is deployed.
#[derive(Clone, Copy, ValueEnum)]
pub enum Platform {
    /// Azure Functions on Linux, x86-64.
    Azure,
}

/// What makes one package differ from another.
pub struct Description {
    /// The platform, in the name of the file.
    pub platform: &'static str,
    /// The binary target that is built.
    pub binary: &'static str,
    /// The name that the platform starts it by.
    pub executable: &'static str,
    /// What it runs on.
    pub machine: Machine,
    /// What lies beside the executable, taken from the sources.
    pub files: fn(&Path) -> Done<Vec<Entry>>,
    /// How the zip is deployed.
    pub next: &'static str,
}

/// A kind of machine, and the oldest system on it.
pub struct Machine {
    /// The machine, in the name of the file.
    pub name: &'static str,
    /// The compiler's name for it.
    pub triple: &'static str,
    /// Its number in an ELF header.
    pub elf: u16,
    /// The C library that is linked against; any later one does as well. Which one a platform's image has is written nowhere.
    pub glibc: Glibc,
}

/// The oldest glibc that Rust's own standard library runs with.
const OLDEST_GLIBC: Glibc = Glibc(2, 17);

const LINUX_X64: Machine = Machine { name: "linux-x64", triple: "x86_64-unknown-linux-gnu", elf: EM_X86_64, glibc: OLDEST_GLIBC };

impl Platform {
    /// What its package is made of.
    pub fn description(self) -> Description {
        match self {
            Self::Azure => Description {
                platform: "azure",
                binary: "handler",
                executable: "handler",
                machine: LINUX_X64,
                files: function_app,
                next: "type what `terraform -chdir=infra/azure/app output -raw publish_command` prints, with this path for PACKAGE",
            },
        }
    }
}

/// `host.json`, and each function's folder at the root, as the Functions host looks for them.
fn function_app(sources: &Path) -> Done<Vec<Entry>> {
    let read = |name: String, from: &Path| -> Done<Entry> { Ok(Entry::file(&name, fs::read(from).map_err(at(from))?)) };
    let mut entries = vec![read("host.json".to_owned(), &sources.join("host.json"))?];
    let functions = sources.join("functions");
    for folder in fs::read_dir(&functions).map_err(at(&functions))? {
        let folder = folder.map_err(at(&functions))?;
        let name = format!("{}/function.json", folder.file_name().to_string_lossy());
        entries.push(read(name, &folder.path().join("function.json"))?);
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::project;

    #[test]
    fn a_function_app_is_its_host_file_and_its_function_folders_at_the_root() {
        let names: Vec<_> = function_app(&project()).unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names.iter().filter(|name| *name == "host.json").count(), 1);
        assert!(names.contains(&"OnOnboardingEvent/function.json".to_owned()), "{names:?}");
        assert!(names.iter().all(|name| name == "host.json" || name.ends_with("/function.json")), "{names:?}");
    }

    #[test]
    fn a_folder_without_a_function_app_is_told_by_its_name() {
        let words = function_app(Path::new("/nowhere")).err().unwrap();
        assert!(words.starts_with("/nowhere/host.json: "), "{words}");
    }
}
