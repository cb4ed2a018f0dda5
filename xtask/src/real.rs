//! `cargo xtask real`

use crate::package::{self, Package, Platform};
use crate::step::{Done, Step};
use crate::tools;

const ONBOARDER: &str = "target/debug/ispm-onboarder";
const HANDLER: &str = "target/debug/handler";
const RECORDER: &str = "target/debug/examples/record-exchanges";
const TOOLS: &str = "target/tools";

/// Runs the tests that plain `cargo test` leaves out, since they need parts that are not the project's own.
pub fn run() -> Done {
    let package = package()?;
    ignored_tests(&package)?;
    judges()
}

/// What is deployed, as a reader of the documentation makes it.
fn package() -> Done<Package> {
    let package = package::run_twice(Platform::Azure)?;
    let python = tools::python_with_cyclonedx()?.join("python3");
    Step::new(python, &["xtask/judge_materials.py", &package.materials.to_string_lossy()]).run()?;
    Ok(package)
}

/// Chosen by the test's name alone, so that cargo builds what it builds for `cargo test`, and not a second time with other features.
fn ignored_tests(package: &Package) -> Done {
    Step::new("curl", &["--version"]).run()?;
    let path = tools::path_with(&tools::python_with_requests()?)?;
    Step::cargo(&["test", "--test", "proxy", "--", "--ignored"]).with("PATH", &path).run()?;
    let azurite = tools::azurite_queue()?;
    Step::cargo(&["test", "--test", "processes", "--", "--ignored"]).with("AZURITE_QUEUE", azurite).with("PACKAGE", &package.zip).run()
}

/// What others wrote judges what is ours: `tests/real`. Each judge installs what it needs.
fn judges() -> Done {
    Step::new("python3", &["tests/real/documents/run.py", "--tools", TOOLS]).run()?;
    Step::cargo(&["build", "--bins", "--examples"]).run()?;
    Step::new("bash", &["tests/real/specifications/run.sh", RECORDER, TOOLS]).run()?;
    Step::new("python3", &["tests/real/terraform/run.py", "--tools", TOOLS]).run()?;
    Step::new("bash", &["tests/real/terraform/kql.sh", TOOLS]).run()?;
    Step::new("python3", &["tests/real/cloudevents/run.py", "--onboarder", ONBOARDER, "--tools", TOOLS]).run()?;
    let clients = "tests/real/azure-clients/run.py";
    Step::new("python3", &[clients, "--onboarder", ONBOARDER, "--handler", HANDLER, "--tools", TOOLS]).run()
}
