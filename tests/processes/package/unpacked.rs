//! A package, unpacked into a folder by Python.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// What Python found in a zip.
pub struct Unpacked {
    /// The zip.
    pub zip: PathBuf,
    folder: TempDir,
    told: Value,
}

/// One function of the package.
pub struct Function {
    /// Its folder's name.
    pub name: String,
    /// The binding that it is called by.
    pub trigger: Value,
}

impl Function {
    /// The name under which the host sends what the trigger brings.
    pub fn binding(&self) -> &str {
        self.trigger["name"].as_str().unwrap()
    }
}

impl Unpacked {
    /// Unpacks the zip that a variable names. Its files' modes come from it alone.
    pub fn named_by(variable: &str) -> Self {
        let zip = std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} names a zip: run `cargo xtask real`"));
        let zip = PathBuf::from(zip);
        let folder = tempfile::tempdir().unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/processes/package/unpack.py");
        let printed = Command::new("python3").arg(script).arg(&zip).arg(folder.path()).output().expect("python3 is on the PATH");
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        Self { zip, folder, told: serde_json::from_slice(&printed.stdout).unwrap() }
    }

    /// Where it was unpacked to.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The names of the files and their modes.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.told["files"].as_array().unwrap();
        files.iter().map(|file| {
            assert_eq!(file["system"], 3, "the modes are those of Unix: {file}");
            (file["name"].as_str().unwrap(), file["mode"].as_str().unwrap())
        })
    }

    /// The zip's SHA-256.
    pub fn sha256(&self) -> &str {
        self.told["sha256"].as_str().unwrap()
    }

    /// The SHA-256 of a file in it.
    pub fn sha256_of(&self, name: &str) -> &Value {
        &self.told["files"].as_array().unwrap().iter().find(|file| file["name"] == name).expect("the file is there")["sha256"]
    }

    /// The text of a file that lies beside the zip, and has another ending.
    pub fn beside(&self, ending: &str) -> String {
        let path = self.zip.with_extension(ending);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Its functions, as their files say.
    pub fn functions(&self) -> Vec<Function> {
        let folders = self.files().filter_map(|(name, _)| name.strip_suffix("/function.json"));
        let read = folders.map(|name| {
            let bindings = self.json(&format!("{name}/function.json"))["bindings"].take();
            let is_trigger = |binding: &&Value| binding["type"].as_str().is_some_and(|kind| kind.ends_with("Trigger"));
            let trigger = bindings.as_array().unwrap().iter().find(is_trigger).expect("it has a trigger").clone();
            Function { name: name.to_owned(), trigger }
        });
        read.collect()
    }

    /// The function with a trigger of this type.
    pub fn function(&self, trigger: &str) -> Function {
        self.functions().into_iter().find(|function| function.trigger["type"] == trigger).expect("there is a function with this trigger")
    }

    /// Where the host passes on calls of a function that has an address.
    pub fn http_path(&self, name: &str) -> String {
        let prefix = self.json("host.json")["extensions"]["http"]["routePrefix"].take();
        let function = self.functions().into_iter().find(|function| function.name == name).expect("there is a function of this name");
        format!("/{}/{}", prefix.as_str().unwrap(), function.trigger["route"].as_str().unwrap())
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.folder().join(name)).unwrap()).unwrap()
    }
}
