//! `cargo xtask real`

use crate::package::{self, Package, Platform, Processor};
use crate::step::{Done, Step};
use crate::tools::{self, debian};

const ONBOARDER: &str = "target/debug/ispm-onboarder";
const HANDLER: &str = "target/debug/handler";
const RECORDER: &str = "target/debug/examples/record-exchanges";
const PAGE: &str = "target/debug/examples/coverage-page";
const TOOLS: &str = "target/tools";

/// What is deployed.
struct Packages {
    azure: Package,
    aws: Package,
    aws_aarch64: Package,
}

/// Runs the tests that plain `cargo test` leaves out, since they need parts that are not the project's own.
pub fn run() -> Done {
    let packages = packages()?;
    ignored_tests(&packages)?;
    judges(&packages)
}

/// What is deployed, as a reader of the documentation makes it. That the folder changes no byte is seen on the package that has all of the
/// others' crates in it: they take the same way, and minutes each.
fn packages() -> Done<Packages> {
    let packages = Packages {
        azure: package::run_once(Platform::Azure, Processor::X86_64)?,
        aws: package::run_twice(Platform::Aws, Processor::X86_64)?,
        aws_aarch64: package::run_once(Platform::Aws, Processor::Aarch64)?,
    };
    let python = tools::python_with_cyclonedx()?.join("python3");
    for package in [&packages.azure, &packages.aws, &packages.aws_aarch64] {
        Step::new(&python, &["xtask/judge_materials.py", &package.materials.to_string_lossy()]).run()?;
    }
    Ok(packages)
}

/// Chosen by the test's name alone, so that cargo builds what it builds for `cargo test`, and not a second time with other features.
fn ignored_tests(packages: &Packages) -> Done {
    Step::new("curl", &["--version"]).run()?;
    let path = tools::path_with(&tools::python_with_requests()?)?;
    Step::cargo(&["test", "--test", "proxy", "--", "--ignored"]).with("PATH", &path).run()?;
    let (azurite, lambda, qemu) = (tools::azurite()?, tools::lambda_emulator()?, debian::qemu_aarch64()?);
    // What a test prints is what it measured.
    Step::cargo(&["test", "--test", "processes", "--", "--ignored", "--show-output"])
        .with("AZURITE", azurite)
        .with("PACKAGE", &packages.azure.zip)
        .with("LAMBDA_PACKAGE_X86_64", &packages.aws.zip)
        .with("LAMBDA_PACKAGE_AARCH64", &packages.aws_aarch64.zip)
        .with("LAMBDA_RIE", lambda)
        .with("QEMU_AARCH64", qemu.program)
        .with("QEMU_LD_PREFIX", qemu.system)
        .run()
}

/// What others wrote judges what is ours: `tests/real`. Each judge installs what it needs.
fn judges(packages: &Packages) -> Done {
    Step::new("python3", &["tests/real/documents/run.py", "--tools", TOOLS]).run()?;
    Step::cargo(&["build", "--bins", "--examples"]).run()?;
    Step::new("bash", &["tests/real/specifications/run.sh", RECORDER, TOOLS]).run()?;
    coverage_page()?;
    Step::new("python3", &["tests/real/terraform/run.py", "--tools", TOOLS]).run()?;
    Step::new("bash", &["tests/real/terraform/kql.sh", TOOLS]).run()?;
    Step::new("python3", &["tests/real/cloudevents/run.py", "--onboarder", ONBOARDER, "--tools", TOOLS]).run()?;
    let clients = "tests/real/azure-clients/run.py";
    Step::new("python3", &[clients, "--onboarder", ONBOARDER, "--handler", HANDLER, "--tools", TOOLS]).run()?;
    let bootstrap = packages.aws.zip.to_string_lossy();
    let aws = "tests/real/aws/run.py";
    Step::new("python3", &[aws, "--tools", TOOLS, "--bootstrap", &bootstrap, "--onboarder", ONBOARDER]).run()
}

fn coverage_page() -> Done {
    let chromium = debian::chromium()?;
    let (judge, program) = ("tests/real/page/run.py", chromium.program.to_string_lossy());
    let browser = ["--chromium", &*program, "--libraries", &chromium.libraries];
    Step::new("python3", &[&[judge, "--page", PAGE, "--tools", TOOLS], &browser[..]].concat()).run()
}
