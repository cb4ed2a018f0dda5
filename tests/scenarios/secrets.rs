//! No secret and no token shows, whatever goes wrong. (Every scenario's account looks through results, answers, messages and addresses; this one
//! looks through all logs too.)

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use ispm_onboarder::telemetry::may_be_logged;
use ispm_onboarder_simulator::{Effect, Fault};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::faults::OPERATIONS;
use crate::harness::{Given, SECRETS};

thread_local! {
    /// What was logged by this thread since it began to listen. A scenario lives on one thread, and others run beside it.
    static LOG: RefCell<Option<String>> = const { RefCell::new(None) };
}

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.iter_mut().for_each(|log| log.push_str(&String::from_utf8_lossy(bytes))));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to keep all that this thread logs, at the finest level.
pub fn listen() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let listening = dynamic_filter_fn(|metadata, _| LOG.with_borrow(Option::is_some) && may_be_logged(metadata));
        let layer = tracing_subscriber::fmt::layer().json().with_writer(|| Log).with_filter(listening);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).expect("nothing else listens");
    });
    LOG.set(Some(String::new()));
}

/// What was logged since, and no more of it.
pub fn heard() -> String {
    LOG.take().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_logged_even_at_the_finest_level_and_with_a_fault_in_every_call() {
    listen();
    let effects = [
        Effect::Status { status: 400, code: None, retry_after: None },
        Effect::Status { status: 401, code: None, retry_after: None },
        Effect::Status { status: 503, code: None, retry_after: None },
        Effect::InvalidJson,
        Effect::Truncated,
    ];
    for operation in OPERATIONS {
        for effect in &effects {
            let s = Given::demo().fault(Fault::new(operation, effect.clone()).after()).start();
            s.onboard(&s.cast.new).await;
            s.settle(1).await;
            s.count_calls();
            s.distinct_results();
            s.forgive_what_waits();
        }
    }
    let text = heard();
    for expected in ["\"TRACE\"", "\"outcome\":\"onboarded\"", "https://management.azure.com/subscriptions/"] {
        assert!(text.contains(expected), "{expected} was not logged: there is nothing to look through");
    }
    for secret in SECRETS {
        let place = text.find(secret).map(|at| &text[text.floor_char_boundary(at.saturating_sub(400))..text.ceil_char_boundary(at + 80)]);
        assert_eq!(place, None, "{secret} is logged");
    }
}
