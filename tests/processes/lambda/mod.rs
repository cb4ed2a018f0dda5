//! `bootstrap` as a process, with nothing but the variables that Lambda and a deployment give it.
//!
//! `BOOTSTRAP_BIN` names another one to test than the one that was just built: the one that is to be deployed. The tests with AWS's own
//! emulator, and those on 64-bit Arm, run the packages.

mod arm;
mod delivering;
mod emulated;
mod emulator;
pub mod function;
mod logging;
mod packaged;
pub mod records;
mod runtime_api;
mod starting;
mod stopping;
