//! Words on standard error. A terminal that has gone away must not keep anybody from stepping down, as a panic of `eprintln!` would.

use std::io::{self, Write as _};

/// One line for people.
pub(super) fn say(line: &str) {
    if cfg!(test) {
        // What goes through this macro is shown with the test that failed, and with no other.
        eprintln!("{line}");
    } else {
        let _ = writeln!(io::stderr(), "{line}");
    }
}
