//! `cargo xtask soak`

use crate::step::{Done, Step};

/// How many events each program works on, where the variable `EVENTS` does not say.
const EVENTS: &str = "100000";

/// Has `handler` and `bootstrap` work on very many events, and prints what they hold after a tenth, half and all of them.
pub fn run() -> Done {
    // One after the other, so that the rates are those of one process.
    let arguments = ["test", "--test", "processes", "--", "--ignored", "--show-output", "--test-threads", "1", "burdened::soaked::"];
    Step::cargo(&arguments).with("EVENTS", std::env::var("EVENTS").unwrap_or_else(|_| EVENTS.to_owned())).run()
}
