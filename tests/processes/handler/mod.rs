//! The handler as a process.

mod delivering;
mod logins;
mod many;
mod starting;
mod stopping;
