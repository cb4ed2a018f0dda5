//! What an executable says of the machine that it needs.

use std::fmt;

use object::Endianness;
use object::read::elf::{ElfFile64, FileHeader as _};

use super::description::Machine;
use crate::step::Done;

/// A version of the GNU C library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glibc(pub u32, pub u32);

impl Glibc {
    /// Of a symbol version such as `GLIBC_2.2.5`; the last part counts for nothing here.
    fn of_symbol_version(name: &str) -> Option<Self> {
        let mut numbers = name.strip_prefix("GLIBC_")?.split('.').map(str::parse);
        Some(Self(numbers.next()?.ok()?, numbers.next()?.ok()?))
    }
}

impl fmt::Display for Glibc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.0, self.1)
    }
}

/// The oldest glibc that an executable starts with: the latest of its symbols' versions.
///
/// # Errors
/// Where it is no executable for this machine, or needs a later glibc than the machine is said to have.
pub fn needed_glibc(executable: &[u8], machine: &Machine) -> Done<Glibc> {
    let unreadable = |error| format!("it is no executable for {}: {error}", machine.name);
    let file = ElfFile64::<Endianness>::parse(executable).map_err(unreadable)?;
    let endian = file.endian();
    let number = file.elf_header().e_machine(endian);
    if number != machine.elf {
        return Err(format!("it is for another machine than {}: number {number} in its ELF header, not {}", machine.name, machine.elf));
    }
    let sections = file.elf_section_table();
    let mut latest = None;
    if let Some((mut libraries, link)) = sections.gnu_verneed(endian, executable).map_err(unreadable)? {
        let names = sections.strings(endian, executable, link).map_err(unreadable)?;
        while let Some((_, mut versions)) = libraries.next().map_err(unreadable)? {
            while let Some(version) = versions.next().map_err(unreadable)? {
                let name = String::from_utf8_lossy(version.name(endian, names).map_err(unreadable)?);
                latest = latest.max(Glibc::of_symbol_version(&name));
            }
        }
    }
    match latest {
        None => Err("it needs no glibc, so it is not what was to be built".to_owned()),
        Some(glibc) if glibc > machine.glibc => Err(format!("it needs glibc {glibc}, later than {}", machine.glibc)),
        Some(glibc) => Ok(glibc),
    }
}

#[cfg(test)]
mod tests {
    use object::elf::{EM_AARCH64, EM_X86_64};

    use super::*;
    use crate::package::description::Processor;

    fn machine(elf: u16, glibc: Glibc) -> Machine {
        Machine { name: "linux-here", processor: Processor::X86_64, triple: "", debian: "", elf, glibc }
    }

    /// The executable of these very tests.
    fn executable() -> Vec<u8> {
        std::fs::read(std::env::current_exe().unwrap()).unwrap()
    }

    const HERE: u16 = if cfg!(target_arch = "aarch64") { EM_AARCH64 } else { EM_X86_64 };
    const ELSEWHERE: u16 = if cfg!(target_arch = "aarch64") { EM_X86_64 } else { EM_AARCH64 };

    #[test]
    #[cfg(target_os = "linux")]
    fn an_executable_names_the_glibc_it_needs() {
        let glibc = needed_glibc(&executable(), &machine(HERE, Glibc(2, 999))).unwrap();
        assert!(glibc >= Glibc(2, 17), "{glibc}");
        let words = needed_glibc(&executable(), &machine(HERE, Glibc(2, 16))).unwrap_err();
        assert_eq!(words, format!("it needs glibc {glibc}, later than 2.16"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_executable_for_another_machine_is_refused() {
        let words = needed_glibc(&executable(), &machine(ELSEWHERE, Glibc(2, 999))).unwrap_err();
        assert!(words.starts_with("it is for another machine than linux-here"), "{words}");
    }

    #[test]
    fn what_is_no_executable_is_refused() {
        for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF"] {
            let words = needed_glibc(bytes, &machine(HERE, Glibc(2, 17))).unwrap_err();
            assert!(words.starts_with("it is no executable for linux-here"), "{words}");
        }
    }

    #[test]
    fn symbol_versions_are_compared_as_numbers() {
        let of = |name| Glibc::of_symbol_version(name);
        assert_eq!(of("GLIBC_2.2.5"), Some(Glibc(2, 2)));
        assert!(of("GLIBC_2.9") < of("GLIBC_2.17"));
        assert_eq!((of("GCC_3.0"), of("GLIBC_PRIVATE")), (None, None));
    }
}
