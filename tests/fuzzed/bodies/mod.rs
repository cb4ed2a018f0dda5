//! What has to hold of whatever comes in, one file for each kind of input. Each has a `check`, which panics where it does not hold:
//! libFuzzer calls it from `fuzz/`, and `cargo test --test fuzzed` with all inputs that are kept and some that are made of them.

pub mod connect_profile;
pub mod dead_letters;
pub mod inbound;
pub mod ispm_answers;
pub mod mutation;
pub mod tenant_record;

mod cloud;
mod vendor;
mod words;

/// Panics where something does not hold.
pub type Check = fn(&[u8]);

/// The kinds of input by name, which is that of a fuzz target and of a folder below `tests/fixtures/fuzz`.
pub const CHECKS: [(&str, Check); 5] = [
    ("inbound", inbound::check),
    ("tenant_record", tenant_record::check),
    ("connect_profile", connect_profile::check),
    ("ispm_answers", ispm_answers::check),
    ("dead_letters", dead_letters::check),
];
