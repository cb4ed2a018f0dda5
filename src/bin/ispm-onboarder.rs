//! The command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    ispm_onboarder::cli::run()
}
