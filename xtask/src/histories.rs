//! `cargo xtask histories`

use crate::step::{Done, Step};

/// How many histories are played, where the variable `SEEDS` does not say.
const SEEDS: &str = "10000";
/// Our own crates optimised a little: it is built sooner than a release, and its dependencies are those of every test.
const OPTIMISED: [&str; 4] =
    ["--config", "profile.dev.package.ispm-onboarder.opt-level=1", "--config", "profile.dev.package.ispm-onboarder-simulator.opt-level=1"];

/// One test after the other, so that each has all processors, and its rate is its own.
const ALONE: [&str; 2] = ["--nocapture", "--test-threads=1"];

/// Plays histories, and the whole matrix of faults, with what must be true judged.
pub fn run() -> Done {
    let arguments: Vec<&str> = ["test"].into_iter().chain(OPTIMISED).chain(["--test", "histories", "--"]).chain(ALONE).collect();
    Step::cargo(&arguments)
        .with("SEEDS", std::env::var("SEEDS").unwrap_or_else(|_| SEEDS.to_owned()))
        // A backtrace for each of many thousand failures would take most of the time.
        .with("RUST_BACKTRACE", "0")
        .run()
}
