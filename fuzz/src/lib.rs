//! What libFuzzer needs of the checks in `tests/fuzzed`: they themselves, and a way from one document to another.

#[path = "../../tests/fuzzed/bodies/mod.rs"]
pub mod bodies;

use std::sync::OnceLock;

use bodies::mutation::{Dice, Vocabulary, mutated};

/// Where the inputs are kept.
pub const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/fuzz");

/// Changes an input in place: JSON as JSON, mostly, and all else as libFuzzer does.
pub fn mutate(kind: &str, data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    static WORDS: OnceLock<Vocabulary> = OnceLock::new();
    let words = WORDS.get_or_init(|| vocabulary(kind));
    let mut dice = Dice::new(seed.into());
    if dice.below(8) != 0
        && let Some(made) = mutated(&data[..size], words, &mut dice).filter(|made| made.len() <= most)
    {
        data[..made.len()].copy_from_slice(&made);
        return made.len();
    }
    libfuzzer_sys::fuzzer_mutate(data, size, most)
}

/// The words of the inputs that are kept.
fn vocabulary(kind: &str) -> Vocabulary {
    let files = std::fs::read_dir(format!("{FIXTURES}/{kind}")).into_iter().flatten().flatten();
    let documents: Vec<Vec<u8>> = files.filter_map(|file| std::fs::read(file.path()).ok()).collect();
    Vocabulary::of(documents.iter().map(Vec::as_slice))
}

/// A fuzz target of one of the kinds of input.
#[macro_export]
macro_rules! fuzz {
    ($kind:ident) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::bodies::$kind::check(data));
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
            $crate::mutate(stringify!($kind), data, size, most, seed)
        });
    };
}
