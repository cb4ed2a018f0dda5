//! What may be said to anybody.

use ispm_onboarder::error::{Code, Error};

/// The longest message or hint about one thing. Both go into results, logs and problem documents.
const LONGEST: usize = 1000;
/// A word that stands for a secret in the inputs: it is never repeated.
pub const SECRET: &str = "hunter2";

/// The words of a failure are short, one line, printable, and free of secrets.
#[track_caller]
pub fn check(error: &Error) {
    check_up_to(error, LONGEST);
}

/// The same, where all faults of something are told at once.
#[track_caller]
pub fn check_up_to(error: &Error, longest: usize) {
    for text in [Some(&error.message), error.hint.as_ref()].into_iter().flatten() {
        printable(text, longest);
    }
}

/// The same of a refusal, which also says what to do; only what is not for this program needs nothing.
#[track_caller]
pub fn check_refusal(error: &Error) {
    check(error);
    assert!(error.hint.is_some() || error.code == Code::Irrelevant, "what is to be done? {error:?}");
}

/// One printable line of at most so many characters.
#[track_caller]
pub fn printable(text: &str, longest: usize) {
    let length = text.chars().count();
    assert!((1..=longest).contains(&length), "{length} characters: {}", text.chars().take(200).collect::<String>());
    assert!(!text.chars().any(char::is_control), "control characters: {text:?}");
}

/// No secret stands in a text.
#[track_caller]
pub fn tells_nothing(text: &str, secret: &str) {
    assert!(!text.contains(secret), "{secret:?} is shown: {text:?}");
}
