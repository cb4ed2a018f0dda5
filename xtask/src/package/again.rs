//! Proves that the package of the same files has the same bytes when it is made in another folder.

use std::fs;
use std::path::Path;

use super::build::Place;
use super::commit::Commit;
use super::description::Description;
use super::{Package, make};
use crate::step::{Done, Step, at, project};

/// Makes a package once more, of a copy of the sources in `elsewhere`, and compares the files.
///
/// # Errors
/// Where one differs.
pub fn same_elsewhere(package: &Package, description: &Description, commit: &Commit, elsewhere: &Path) -> Done {
    let copy = elsewhere.join("copy");
    if copy.exists() {
        fs::remove_dir_all(&copy).map_err(at(&copy))?;
    }
    copy_sources(&project(), &copy)?;
    let place = Place { sources: copy, target: elsewhere.join("target") };
    let again = make(description, &place, commit, &elsewhere.join("package"))?;
    let pairs = [(&package.zip, &again.zip), (&package.checksum, &again.checksum), (&package.materials, &again.materials)];
    for (one, other) in pairs {
        if fs::read(one).map_err(at(one))? != fs::read(other).map_err(at(other))? {
            return Err(format!("{} and {} differ: the package depends on the folder that it is made in", one.display(), other.display()));
        }
    }
    eprintln!("{} has the same bytes when it is made in {}", package.zip.display(), place.sources.display());
    Ok(())
}

/// Copies what git knows of, or would ask about: not what is built.
fn copy_sources(from: &Path, to: &Path) -> Done {
    let listed = Step::new("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).within(from).text()?;
    // A file that is removed and not yet committed is listed.
    for name in listed.split_terminator('\0').filter(|name| from.join(name).is_file()) {
        let (source, target) = (from.join(name), to.join(name));
        let folder = target.parent().unwrap_or(to);
        fs::create_dir_all(folder).map_err(at(folder))?;
        fs::copy(&source, &target).map_err(at(&source))?;
    }
    Ok(())
}
