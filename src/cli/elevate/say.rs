//! Where words and documents go. A terminal that has gone away must not keep anybody from stepping down, as a panic of `eprintln!` would.

use std::fmt;
use std::io::{self, Write as _};

/// What a command says while it runs, and what it prints in the end. Neither may fail.
pub trait Voice: fmt::Debug + Send + Sync {
    /// One line for people.
    fn say(&self, line: &str);

    /// What was asked for: a document, or a table.
    fn print(&self, text: &str);
}

/// Standard error for the words, standard output for what is printed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal;

impl Voice for Terminal {
    fn say(&self, line: &str) {
        let _ = writeln!(io::stderr(), "{line}");
    }

    fn print(&self, text: &str) {
        let _ = writeln!(io::stdout(), "{text}");
    }
}
