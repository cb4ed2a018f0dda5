//! What a package is made of. A platform more, or a machine more, is a description more.

use std::fs;
use std::path::Path;

use clap::ValueEnum;
use object::elf::{EM_AARCH64, EM_X86_64};

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
    /// AWS Lambda, `provided.al2023`, x86-64 and arm64.
    Aws,
}

/// A kind of processor, by the compiler's name for it.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Processor {
    /// x86-64, which Azure names x64 and AWS `x86_64`.
    #[value(name = "x86_64")]
    X86_64,
    /// 64-bit Arm, which AWS names arm64.
    #[value(name = "aarch64")]
    Aarch64,
}

/// What makes one package differ from another.
pub struct Description {
    /// The platform, in the name of the file.
    pub platform: &'static str,
    /// The binary target that is built.
    pub binary: &'static str,
    /// The features that it is built with, as cargo's arguments.
    pub features: &'static [&'static str],
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
    /// Its processor.
    pub processor: Processor,
    /// The compiler's name for it.
    pub triple: &'static str,
    /// Debian's name for it.
    pub debian: &'static str,
    /// Its number in an ELF header.
    pub elf: u16,
    /// The C library that is linked against; any later one does as well. Which one a platform's image has is written nowhere for Azure;
    /// Amazon Linux 2023 has 2.34.
    pub glibc: Glibc,
}

/// The oldest glibc that Rust's own standard library runs with.
const OLDEST_GLIBC: Glibc = Glibc(2, 17);

const LINUX_X64: Machine = Machine {
    name: "linux-x64",
    processor: Processor::X86_64,
    triple: "x86_64-unknown-linux-gnu",
    debian: "amd64",
    elf: EM_X86_64,
    glibc: OLDEST_GLIBC,
};

const LINUX_ARM64: Machine = Machine {
    name: "linux-arm64",
    processor: Processor::Aarch64,
    triple: "aarch64-unknown-linux-gnu",
    debian: "arm64",
    elf: EM_AARCH64,
    glibc: OLDEST_GLIBC,
};

impl Platform {
    /// What its packages are made of: one for each machine that it offers, or for the one with this processor.
    ///
    /// # Errors
    /// Where it does not offer this processor.
    pub fn descriptions(self, processor: Option<Processor>) -> Done<Vec<Description>> {
        let all = match self {
            Self::Azure => vec![azure()],
            Self::Aws => vec![aws(LINUX_X64), aws(LINUX_ARM64)],
        };
        let machines: Vec<_> = all.iter().map(|description| description.machine.name).collect();
        let words = format!("this platform's packages are for {}, and for no other machine", machines.join(" and "));
        let chosen: Vec<_> = all.into_iter().filter(|one| processor.is_none_or(|processor| one.machine.processor == processor)).collect();
        if chosen.is_empty() { Err(words) } else { Ok(chosen) }
    }
}

fn azure() -> Description {
    Description {
        platform: "azure",
        binary: "handler",
        features: &["--no-default-features"],
        executable: "handler",
        machine: LINUX_X64,
        files: function_app,
        next: "type what `terraform -chdir=infra/azure/app output -raw publish_command` prints, with this path for PACKAGE",
    }
}

/// The executable alone: `provided.al2023` starts what is named `bootstrap`.
fn aws(machine: Machine) -> Description {
    Description {
        platform: "aws",
        binary: "bootstrap",
        features: &["--no-default-features", "--features", "aws"],
        executable: "bootstrap",
        machine,
        files: |_| Ok(vec![]),
        next: "deploy it as docs/deploy-aws.md says",
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
    fn a_platform_has_a_package_for_each_of_its_machines_and_for_no_other() {
        let names = |platform: Platform, processor| -> Done<Vec<_>> {
            Ok(platform.descriptions(processor)?.into_iter().map(|one| (one.executable, one.machine.name)).collect())
        };
        assert_eq!(names(Platform::Aws, None).unwrap(), [("bootstrap", "linux-x64"), ("bootstrap", "linux-arm64")]);
        assert_eq!(names(Platform::Aws, Some(Processor::Aarch64)).unwrap(), [("bootstrap", "linux-arm64")]);
        assert_eq!(names(Platform::Azure, None).unwrap(), [("handler", "linux-x64")]);
        let words = names(Platform::Azure, Some(Processor::Aarch64)).unwrap_err();
        assert_eq!(words, "this platform's packages are for linux-x64, and for no other machine");
    }

    #[test]
    fn a_folder_without_a_function_app_is_told_by_its_name() {
        let words = function_app(Path::new("/nowhere")).err().unwrap();
        assert!(words.starts_with("/nowhere/host.json: "), "{words}");
    }
}
