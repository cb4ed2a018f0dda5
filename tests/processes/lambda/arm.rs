//! The package for 64-bit Arm, run by qemu.

use std::process::Command;

use super::function::{Function, settings};
use super::records::{all_done, batch, results};
use crate::package::unpacked::Unpacked;
use crate::simulator::Simulator;

/// `bootstrap` of the package, as a command for this machine; `QEMU_LD_PREFIX` says where the other machine's C library is.
fn emulated(package: &Unpacked) -> Command {
    let given = |name: &str| std::env::var_os(name).unwrap_or_else(|| panic!("{name} is set: run `cargo xtask real`"));
    let mut command = Command::new(given("QEMU_AARCH64"));
    command.arg("-L").arg(given("QEMU_LD_PREFIX")).arg(package.folder().join("bootstrap"));
    command
}

#[tokio::test]
#[ignore = "needs the package and qemu; `cargo xtask real` brings them"]
async fn the_package_for_arm_onboards_a_subscription_and_stops_when_asked() {
    let package = Unpacked::named_by("LAMBDA_PACKAGE_AARCH64");
    let simulator = Simulator::start().await;
    let mut function = Function::start_with(&settings(&simulator), emulated(&package)).await;
    let event = simulator.new_subscription().await;
    assert_eq!(function.invoke(&batch(&[&event.to_string()])).await, all_done(), "{:?}", function.log());
    assert_eq!(simulator.assignments_at(event["data"]["scope"].as_str().unwrap()).await.len(), 1);
    assert_eq!(results(&simulator).await.len(), 1);
    function.process.terminate();
    assert_eq!(function.process.ended().await.code(), Some(0), "{}", function.process.stderr());
}
