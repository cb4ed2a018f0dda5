//! The crates in an executable, as `cargo tree` prints them and `Cargo.lock` pins them.

use std::collections::{BTreeMap, BTreeSet};

/// One crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crate {
    /// Its name in the registry.
    pub name: String,
    /// Its version.
    pub version: String,
    /// An SPDX expression.
    pub licence: String,
    /// The SHA-256 of what was downloaded; of our own there is none.
    pub checksum: Option<String>,
}

impl Crate {
    /// Its package URL. A version may hold a `+`, which is encoded there.
    pub fn reference(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version.replace('+', "%2B"))
    }
}

/// The crates, and which uses which.
pub struct Crates {
    /// The one that the executable is of.
    pub root: Crate,
    /// Of each crate's reference, those of the crates that it uses.
    pub edges: BTreeMap<String, BTreeSet<String>>,
    all: BTreeSet<Crate>,
}

impl Crates {
    /// Reads the lines `DEPTH<tab>NAME vVERSION …<tab>LICENCE<tab>`; below a crate that was printed before, nothing is printed again.
    pub fn of(tree: &str, lock: &str) -> Option<Self> {
        let checksums = checksums(lock);
        let (mut all, mut edges) = (BTreeSet::new(), BTreeMap::<String, BTreeSet<String>>::new());
        let mut above: Vec<Crate> = vec![];
        for line in tree.lines() {
            let mut columns = line.split('\t');
            let (depth, named, licence) = (columns.next()?.parse().ok()?, columns.next()?, columns.next()?);
            let (name, version) = named.split_once(" v")?;
            let version = version.split(' ').next()?;
            let checksum = checksums.get(&(name, version)).map(|&checksum| checksum.to_owned());
            // Older crates write a slash for "or".
            let found = Crate { name: name.to_owned(), version: version.to_owned(), licence: licence.replace('/', " OR "), checksum };
            above.truncate(depth);
            if let Some(user) = above.last() {
                edges.entry(user.reference()).or_default().insert(found.reference());
            }
            edges.entry(found.reference()).or_default();
            all.insert(found.clone());
            above.push(found);
        }
        Some(Self { root: above.into_iter().next()?, edges, all })
    }

    /// All but the root, by name and version.
    pub fn others(&self) -> impl Iterator<Item = &Crate> {
        self.all.iter().filter(|one| **one != self.root)
    }
}

/// The checksum of each name and version. Cargo writes each package as a block, one member to a line.
fn checksums(lock: &str) -> BTreeMap<(&str, &str), &str> {
    let read = |block| Some(((member(block, "name")?, member(block, "version")?), member(block, "checksum")?));
    lock.split("[[package]]").filter_map(read).collect()
}

fn member<'a>(block: &'a str, name: &str) -> Option<&'a str> {
    block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Of an executable that uses two crates.
    pub const TREE: &str = "\
0\tispm-onboarder v0.1.0 (/home/mia/clone)\tApache-2.0\t
1\taxum v0.8.9\tMIT\t
2\thttp v1.5.0\tMIT/Apache-2.0\t
1\thttp v1.5.0\tMIT/Apache-2.0\t (*)
";
    /// Of the same, and of what it does not use.
    pub const LOCK: &str = r#"
version = 4

[[package]]
name = "axum"
version = "0.8.9"
checksum = "aa11"
dependencies = [
 "http",
]

[[package]]
name = "clap"
version = "4.6.9"
checksum = "cc33"

[[package]]
name = "http"
version = "1.5.0"
checksum = "bb22"

[[package]]
name = "ispm-onboarder"
version = "0.1.0"
"#;

    #[test]
    fn each_crate_is_there_once_with_its_licence_and_checksum() {
        let crates = Crates::of(TREE, LOCK).unwrap();
        assert_eq!((crates.root.name.as_str(), &crates.root.checksum), ("ispm-onboarder", &None));
        let others: Vec<_> = crates.others().map(|one| (one.reference(), one.licence.clone(), one.checksum.clone().unwrap())).collect();
        let axum = ("pkg:cargo/axum@0.8.9".to_owned(), "MIT".to_owned(), "aa11".to_owned());
        assert_eq!(others, [axum, ("pkg:cargo/http@1.5.0".to_owned(), "MIT OR Apache-2.0".to_owned(), "bb22".to_owned())]);
    }

    #[test]
    fn who_uses_whom_is_kept_also_where_a_crate_is_printed_again() {
        let edges = Crates::of(TREE, LOCK).unwrap().edges;
        let of = |name: &str| edges[name].iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(of("pkg:cargo/ispm-onboarder@0.1.0"), ["pkg:cargo/axum@0.8.9", "pkg:cargo/http@1.5.0"]);
        assert_eq!(of("pkg:cargo/axum@0.8.9"), ["pkg:cargo/http@1.5.0"]);
        assert!(of("pkg:cargo/http@1.5.0").is_empty());
    }

    #[test]
    fn another_tree_than_asked_for_is_not_guessed_at() {
        for tree in ["", "ispm-onboarder v0.1.0\n", "0\tispm-onboarder\tApache-2.0\t\n"] {
            assert!(Crates::of(tree, LOCK).is_none(), "{tree}");
        }
    }

    #[test]
    fn a_version_with_build_metadata_is_encoded() {
        let found = Crate { name: "wasi".to_owned(), version: "0.11.1+snapshot".to_owned(), licence: String::new(), checksum: None };
        assert_eq!(found.reference(), "pkg:cargo/wasi@0.11.1%2Bsnapshot");
    }
}
