//! The commit that a package is made of.

use std::path::Path;

use crate::step::{Done, Step};

/// A commit, and whether the files are those of it.
pub struct Commit {
    /// Its full hash.
    pub id: String,
    /// When it was made, in seconds since 1970.
    pub seconds: String,
    /// The same in ISO 8601, UTC.
    pub time: String,
    /// Whether a file differs from the commit's, or is not in it.
    pub dirty: bool,
}

impl Commit {
    /// The commit that is checked out in a folder.
    ///
    /// # Errors
    /// Where git is not there, or the folder is no clone.
    pub fn of(sources: &Path) -> Done<Self> {
        let git = |arguments: &[&str]| Step::new("git", arguments).with("TZ", "UTC").within(sources).text();
        let shown = git(&["log", "-1", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%H %ct %cd"])?;
        let mut parts = shown.split_whitespace().map(str::to_owned);
        let mut part = || parts.next().ok_or("git shows no commit");
        let (id, seconds, time) = (part()?, part()?, part()?);
        let dirty = !git(&["status", "--porcelain"])?.is_empty();
        Ok(Self { id, seconds, time, dirty })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::project;

    #[test]
    fn the_commit_of_this_clone_has_its_time_in_both_spellings() {
        let commit = Commit::of(&project()).unwrap();
        assert_eq!(commit.id.len(), 40);
        assert!(commit.time.ends_with('Z') && commit.time.len() == 20, "{}", commit.time);
        assert!(commit.seconds.parse::<u64>().unwrap() > 1_700_000_000);
    }

    #[test]
    fn a_folder_that_is_no_clone_is_an_error() {
        assert!(Commit::of(Path::new("/")).err().unwrap().contains("git log"));
    }
}
