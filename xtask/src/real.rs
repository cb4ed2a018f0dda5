//! `cargo xtask real`

use std::env;

use crate::step::{Done, Step};
use crate::tools;

const ONBOARDER: &str = "target/debug/ispm-onboarder";
const HANDLER: &str = "target/debug/handler";
const RECORDER: &str = "target/debug/examples/record-exchanges";
const TOOLS: &str = "target/tools";

/// Runs the tests that plain `cargo test` leaves out, since they need parts that are not the project's own.
pub fn run() -> Done {
    ignored_tests()?;
    judges()
}

/// Chosen by the test's name alone, so that cargo builds what it builds for `cargo test`, and not a second time with other features.
fn ignored_tests() -> Done {
    Step::new("curl", &["--version"]).run()?;
    let python = tools::python_with_requests()?;
    let others = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([python].into_iter().chain(env::split_paths(&others))).map_err(|error| format!("PATH: {error}"))?;
    Step::cargo(&["test", "--test", "proxy", "--", "--ignored"]).with("PATH", &path).run()?;
    let azurite = tools::azurite_queue()?;
    Step::cargo(&["test", "--test", "processes", "--", "--ignored"]).with("AZURITE_QUEUE", azurite).run()
}

/// What others wrote judges what is ours: `tests/real`. Each judge installs what it needs.
fn judges() -> Done {
    Step::new("python3", &["tests/real/documents/run.py", "--tools", TOOLS]).run()?;
    Step::cargo(&["build", "--bins", "--examples"]).run()?;
    Step::new("bash", &["tests/real/specifications/run.sh", RECORDER, TOOLS]).run()?;
    Step::new("python3", &["tests/real/cloudevents/run.py", "--onboarder", ONBOARDER, "--tools", TOOLS]).run()?;
    let clients = "tests/real/azure-clients/run.py";
    Step::new("python3", &[clients, "--onboarder", ONBOARDER, "--handler", HANDLER, "--tools", TOOLS]).run()
}
