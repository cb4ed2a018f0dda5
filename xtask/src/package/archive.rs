//! A zip whose bytes depend on nothing but what is in it.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

use crate::step::Done;

/// One file of a package.
pub struct Entry {
    /// Where it lies, from the root of the zip.
    pub name: String,
    mode: u32,
    content: Vec<u8>,
}

impl Entry {
    /// A file that is read.
    pub fn file(name: &str, content: Vec<u8>) -> Self {
        Self { name: name.to_owned(), mode: 0o644, content }
    }

    /// A file that is run.
    pub fn executable(name: &str, content: Vec<u8>) -> Self {
        Self { name: name.to_owned(), mode: 0o755, content }
    }
}

/// The zip of these files: in the order of their names, without folders' entries and without times.
///
/// # Errors
/// Where two files have one name.
pub fn zip(mut entries: Vec<Entry>) -> Done<Vec<u8>> {
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let mut writer = ZipWriter::new(Cursor::new(vec![]));
    for entry in entries {
        // Made on Unix, whatever it was made on: elsewhere nobody would read the mode.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(9))
            .last_modified_time(DateTime::DEFAULT)
            .system(System::Unix)
            .unix_permissions(entry.mode);
        let failed = |error: &dyn std::error::Error| format!("{} cannot be put into the zip: {error}", entry.name);
        writer.start_file(&*entry.name, options).map_err(|error| failed(&error))?;
        writer.write_all(&entry.content).map_err(|error| failed(&error))?;
    }
    let zip = writer.finish().map_err(|error| format!("the zip cannot be finished: {error}"))?;
    Ok(zip.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use zip::ZipArchive;

    use super::*;

    fn entries() -> Vec<Entry> {
        let folder = Entry::file("OnEvent/function.json", b"{}".to_vec());
        vec![Entry::executable("handler", vec![7; 100_000]), folder, Entry::file("host.json", b"{\"version\": \"2.0\"}".to_vec())]
    }

    #[test]
    fn it_holds_the_files_with_their_modes_and_nothing_else() {
        let zip = zip(entries()).unwrap();
        assert!(zip.len() < 10_000, "it is compressed");
        let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
        let mut found = vec![];
        for index in 0..archive.len() {
            let mut file = archive.by_index(index).unwrap();
            let mut content = vec![];
            file.read_to_end(&mut content).unwrap();
            assert_eq!(file.last_modified(), Some(DateTime::DEFAULT));
            found.push((file.name().unwrap().to_string(), file.unix_mode().unwrap(), content.len()));
        }
        let expected = [("OnEvent/function.json", 0o100_644, 2), ("handler", 0o100_755, 100_000), ("host.json", 0o100_644, 18)];
        assert_eq!(found, expected.map(|(name, mode, size)| (name.to_owned(), mode, size)));
    }

    #[test]
    fn the_order_in_which_files_come_changes_no_byte() {
        let mut turned = entries();
        turned.reverse();
        assert_eq!(zip(entries()).unwrap(), zip(turned).unwrap());
    }

    #[test]
    fn two_files_of_one_name_are_refused() {
        let twice = entries().into_iter().chain(entries()).collect();
        assert!(zip(twice).unwrap_err().starts_with("OnEvent/function.json cannot be put into the zip"));
    }
}
