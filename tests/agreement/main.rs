//! Infrastructure, host.json, function folders, code and documents agree.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a check fails by panicking")]

mod alerts;
mod aws;
mod aws_rights;
mod commands;
mod handover;
mod messaging;
mod rights;
mod settings;
mod template;
mod terraform;

use std::path::{Path, PathBuf};

use serde_json::Value;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&read(&project(path))).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files below a folder whose names end in one of these ways. What tools put there in hidden folders is not looked at.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let seen = entries.filter(|path| !path.file_name().unwrap().to_str().unwrap().starts_with('.'));
    let found = seen.flat_map(|path| match path.is_dir() {
        true => files(&path, endings),
        false if endings.iter().any(|ending| path.to_str().unwrap().ends_with(ending)) => vec![path],
        false => vec![],
    });
    found.collect()
}

/// Each function's name and bindings.
fn functions() -> Vec<(String, Vec<Value>)> {
    let files = files(&project("functions"), &["function.json"]);
    let read = files.into_iter().map(|file| {
        let name = file.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        (name, json(file.to_str().unwrap())["bindings"].as_array().unwrap().clone())
    });
    read.collect()
}

/// The pages that tell people what to type: their paths and texts.
fn pages() -> Vec<(String, String)> {
    let docs = std::fs::read_dir(project("docs")).unwrap().map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let others = ["README.md", "ARCHITECTURE.md", "infra/README.md"].map(project);
    let all = docs.chain(others.into_iter().filter(|path| path.is_file()));
    all.map(|path| (path.display().to_string(), read(&path))).collect()
}
