//! Parts of Debian's archive, unpacked under `target/tools`. Nothing is installed on the machine, and it needs no root: apt-get keeps its
//! lists and what it downloads in a folder of its own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::folder;
use crate::step::{Done, Step, at};

/// The release of Debian's package rustc-web, whatever revision of it. It comes with Debian's security updates, which keep the newest
/// alone: when they move on, this has to.
const RUST: &str = "1.96.0";
const QEMU: &str = "7.2";
/// The C library of the systems that qemu runs.
const LIBC: &str = "2.36";

/// Debian's compiler.
pub struct Rust {
    /// The program.
    pub compiler: PathBuf,
    /// The folder with its shared libraries.
    pub libraries: PathBuf,
}

/// Programs of 64-bit Arm run on this machine.
pub struct Qemu {
    /// qemu itself, which takes the program as its argument.
    pub program: PathBuf,
    /// The folder that stands for the root of the other machine: it has a C library.
    pub system: PathBuf,
}

/// A browser without a window.
pub struct Chromium {
    /// The program.
    pub program: PathBuf,
    /// The folders with those of its shared libraries that this machine lacks, as the loader takes them.
    pub libraries: String,
}

/// A compiler for this machine, with the standard library for this machine and for another, which has this name at Debian.
///
/// # Errors
/// Where Debian's archive has not got it, or this is no Debian.
pub fn rust(architecture: &str) -> Done<Rust> {
    let own = dpkg(&["--print-architecture"])?;
    let upstream = RUST.rsplit_once('.').map_or(RUST, |(release, _)| release);
    // Each is named: what is installed on the machine would not be downloaded with the others.
    let here = ["rustc-web".to_owned(), "libstd-rust-web-dev".to_owned(), format!("libstd-rust-web-{upstream}")];
    let here = here.map(|name| format!("{name}={RUST}+*"));
    let there = [format!("libstd-rust-web-dev:{architecture}={RUST}+*")];
    let root = unpacked(&format!("rust-{architecture}"), RUST, &[&own, architecture], &here, &there)?;
    let libraries = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    Ok(Rust { compiler: root.join("usr/bin/rustc"), libraries: root.join(libraries) })
}

/// qemu for programs of 64-bit Arm.
///
/// # Errors
/// As of [`rust`].
pub fn qemu_aarch64() -> Done<Qemu> {
    let own = dpkg(&["--print-architecture"])?;
    // Alone: what they depend on is either in them, or not needed by a program that is run by its name.
    let alone = [format!("qemu-user-static=1:{QEMU}+*"), format!("libc6-arm64-cross={LIBC}-*")];
    let root = unpacked("qemu-aarch64", QEMU, &[&own], &[], &alone)?;
    Ok(Qemu { program: root.join("usr/bin/qemu-aarch64-static"), system: root.join("usr/aarch64-linux-gnu") })
}

/// Chromium, in whichever version Debian has when it is unpacked: its security updates come every few days and keep the newest alone, which
/// is also what people look at a page with. The judge prints the version.
///
/// # Errors
/// As of [`rust`].
pub fn chromium() -> Done<Chromium> {
    let own = dpkg(&["--print-architecture"])?;
    let root = unpacked("chromium", "newest", &[&own], &["chromium".to_owned()], &[])?;
    let libraries = root.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH));
    // PulseAudio's has parts in a folder of its own.
    let libraries = format!("{}:{}", libraries.display(), libraries.join("pulseaudio").display());
    Ok(Chromium { program: root.join("usr/lib/chromium/chromium"), libraries })
}

fn dpkg(arguments: &[&str]) -> Done<String> {
    Step::new("dpkg", arguments).text().map(|text| text.trim().to_owned())
}

/// A folder with these packages as they would lie at the root of a machine: `whole` with all that this machine lacks for them, `alone`
/// without.
fn unpacked(name: &str, version: &str, architectures: &[&str], whole: &[String], alone: &[String]) -> Done<PathBuf> {
    let place = folder(name, version);
    let root = place.join("root");
    // Written last, so that half of it is not taken for all of it.
    let done = place.join("whole");
    if done.exists() {
        return Ok(root);
    }
    if place.exists() {
        fs::remove_dir_all(&place).map_err(at(&place))?;
    }
    let apt = Apt::new(&place.join("apt"), architectures)?;
    apt.run(&["update"], &[])?;
    if !whole.is_empty() {
        apt.run(&["install", "--download-only", "--reinstall", "--yes", "--no-install-recommends"], whole)?;
    }
    if !alone.is_empty() {
        apt.run(&["download"], alone)?;
    }
    fs::create_dir_all(&root).map_err(at(&root))?;
    for file in fs::read_dir(&apt.archives).map_err(at(&apt.archives))? {
        let file = file.map_err(at(&apt.archives))?.path();
        if file.extension() == Some(OsStr::new("deb")) {
            Step::new("dpkg-deb", &["--extract", &file.to_string_lossy(), &root.to_string_lossy()]).run()?;
        }
    }
    fs::remove_dir_all(&apt.folder).map_err(at(&apt.folder))?;
    fs::write(&done, "").map_err(at(&done))?;
    Ok(root)
}

/// apt-get with a folder of its own.
struct Apt {
    folder: PathBuf,
    archives: PathBuf,
    configuration: PathBuf,
}

impl Apt {
    fn new(folder: &Path, architectures: &[&str]) -> Done<Self> {
        let (state, cache, configuration) = (folder.join("state"), folder.join("cache"), folder.join("apt.conf"));
        let archives = cache.join("archives");
        for made in [state.join("lists/partial"), archives.join("partial")] {
            fs::create_dir_all(&made).map_err(at(&made))?;
        }
        let text = configuration_of(&state, &cache, architectures);
        fs::write(&configuration, text).map_err(at(&configuration))?;
        Ok(Self { folder: folder.to_path_buf(), archives, configuration })
    }

    fn run(&self, task: &[&str], packages: &[String]) -> Done {
        let configuration = self.configuration.to_string_lossy();
        let packages = packages.iter().map(String::as_str);
        let arguments: Vec<&str> =
            ["--config-file", &configuration, "-qq"].into_iter().chain(task.iter().copied()).chain(packages).collect();
        Step::new("apt-get", &arguments).within(&self.archives).run()
    }
}

/// What is installed is looked up where it always is. Nothing gets installed, so nobody has to wait for a lock; and root downloads as
/// itself, since the user that it would become may not write here.
fn configuration_of(state: &Path, cache: &Path, architectures: &[&str]) -> String {
    let (state, cache) = (state.display(), cache.display());
    let architectures: String = architectures.iter().map(|name| format!("\"{name}\"; ")).collect();
    format!(
        "Dir::State \"{state}\";\nDir::State::status \"/var/lib/dpkg/status\";\nDir::Cache \"{cache}\";\nDebug::NoLocking \"true\";\n\
         APT::Sandbox::User \"root\";\nAPT::Architectures {{ {architectures}}};\n"
    )
}
