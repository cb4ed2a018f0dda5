//! Values that must not show anywhere: they are planted into every secret and every answer, and at the end of each scenario all that came out
//! is looked through for them.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use ispm_onboarder::telemetry::may_be_logged;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;

/// What every answer of the simulated clouds has in it.
pub const CANARY: &str = "upstream~words~of~no~use";
/// What must not show: what the world's secrets have in common, as it is and in a form's encoding; the way in to the identity endpoint; where
/// the parts of a token begin; and [`CANARY`]. Of the private key that is a login's: its frame, and how every RSA key begins (RFC 5208), in
/// base64 and as numbers.
const SECRETS: [&str; 10] = [
    "of~no~value",
    "of%7Eno%7Evalue",
    "demo-identity-header",
    ".eyJ",
    "eyJhbGci",
    "eyJ0eXAi",
    "PRIVATE KEY-----",
    "BADANBgkqhkiG9w0BAQEFAASC",
    "247, 13, 1, 1, 1, 5, 0, 4, 130",
    CANARY,
];

thread_local! {
    /// What was logged by this thread since a scenario ended. A scenario lives on one thread, and others run beside it.
    static LOG: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// What was logged, and from where on a test listens.
#[derive(Default)]
struct Log {
    text: String,
    heard_from: usize,
}

struct Ear;

impl io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.iter_mut().for_each(|log| log.text.push_str(&String::from_utf8_lossy(bytes))));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to keep all that this thread logs, of all libraries and at the finest level, as far as the hosts let it through.
pub fn keep_log() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let listening = dynamic_filter_fn(|metadata, _| LOG.with_borrow(Option::is_some) && may_be_logged(metadata));
        let layer = tracing_subscriber::fmt::layer().json().with_writer(|| Ear).with_filter(listening);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).expect("nothing else listens");
    });
    LOG.with_borrow_mut(|log| {
        log.get_or_insert_default();
    });
}

/// From here on a test wants to hear what is logged.
pub fn listen() {
    keep_log();
    LOG.with_borrow_mut(|log| log.iter_mut().for_each(|log| log.heard_from = log.text.len()));
}

/// What was logged since. It stays, to be looked through.
pub fn heard() -> String {
    LOG.with_borrow(|log| log.as_ref().map(|log| log.text[log.heard_from..].to_owned()).unwrap_or_default())
}

/// All that was logged since the last scenario of this thread ended.
pub fn take_log() -> String {
    LOG.with_borrow_mut(|log| log.as_mut().map(std::mem::take).unwrap_or_default().text)
}

/// The place where a secret shows, if one does.
pub fn shown(said: &str) -> Option<String> {
    let at = SECRETS.into_iter().find_map(|secret| said.find(secret))?;
    Some(said[said.floor_char_boundary(at.saturating_sub(400))..said.ceil_char_boundary(at + 80)].to_owned())
}
