//! `cargo xtask check`

use crate::step::{Done, Step};
use crate::tools;

/// Checks everything that needs no running program, from the quickest to the slowest.
pub fn run() -> Done {
    Step::cargo(&["fmt", "--all", "--check"]).run()?;
    Step::cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]).run()?;
    // What is deployed is built without the default features, and has to be clean that way too.
    Step::cargo(&["clippy", "--no-default-features", "--bin", "handler", "--", "--deny", "warnings"]).run()?;
    Step::cargo(&["clippy", "--no-default-features", "--features", "aws", "--bin", "bootstrap", "--", "--deny", "warnings"]).run()?;
    Step::cargo(&["doc", "--workspace", "--no-deps", "--document-private-items"]).with("RUSTDOCFLAGS", "--deny warnings").run()?;
    Step::new(tools::cargo_deny()?, &["--all-features", "check", "bans", "licenses", "sources"]).run()?;
    Step::new(tools::cargo_machete()?, &["--skip-target-dir", "."]).run()?;
    crate::broken::apply_all()?;
    // What makes the package is no part of what `cargo test` tests.
    Step::cargo(&["test", "--package", "xtask"]).run()?;
    Step::cargo(&["test", "--test", "processes", "layout::"]).run()
}
