//! What a person takes up again: blobs and messages that were given up, and saved results.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ispm_onboarder::request::{Authority, History, Inbound, Message, parse, reason, replay};
use serde_json::Value;

use super::cloud::NOW;
use super::inbound::{check_all, told};

/// A dead letter is read to its end, as what it was and afresh.
pub fn check(bytes: &[u8]) {
    let read = replay(bytes);
    check_all(&read, bytes.len());
    read.iter().for_each(check_afresh);
    if let Some(reason) = reason(bytes) {
        assert!((1..=64).contains(&reason.len()) && reason.is_ascii(), "{reason:?}");
    }
    check_against_parsing(bytes, &read);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    if !value.is_string() {
        for wrapped in [STANDARD.encode(text), format!("\n{}\n", STANDARD.encode(text)), format!(" {text}\n")] {
            assert_eq!(told(&replay(wrapped.as_bytes())), told(&read), "{wrapped}");
            assert_eq!(reason(wrapped.as_bytes()), reason(bytes));
        }
    }
    if value.is_object() {
        let twice = replay(format!("[{text},{text}]").as_bytes());
        assert_eq!(told(&twice), [told(&read), told(&read)].concat());
    }
}

/// A request starts afresh, and what it is put back as can be replayed again.
fn check_afresh(inbound: &Inbound) {
    match &inbound.request {
        Ok(request) => {
            assert_eq!((request.history, request.authority), (History::default(), Authority::Event));
            let given_up = Message::put_back(request, NOW).to_string();
            let mut again = replay(STANDARD.encode(given_up).as_bytes());
            assert_eq!(again.remove(0).request.ok().as_ref(), Some(request));
        }
        Err(refusal) => {
            assert!(refusal.nameless.as_ref().is_none_or(|nameless| nameless.history == History::default()));
        }
    }
}

/// What asks for something on the way of events asks for the same here; only a saved result and base64 mean more.
fn check_against_parsing(bytes: &[u8], read: &[Inbound]) {
    for inbound in parse(bytes) {
        let Ok(asked) = inbound.request else { continue };
        let found = read.iter().any(|one| {
            one.request.as_ref().is_ok_and(|request| {
                (&request.tenant, &request.scope, request.action, &request.cause)
                    == (&asked.tenant, &asked.scope, asked.action, &asked.cause)
            })
        });
        assert!(found, "{asked:?} cannot be replayed");
    }
}
