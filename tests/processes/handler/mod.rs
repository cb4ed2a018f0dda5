//! The handler as a process.

mod delivering;
mod starting;
mod stopping;
