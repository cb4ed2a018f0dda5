//! What the deployment logs, kept for this thread's history.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

use tracing_subscriber::fmt::MakeWriter;

thread_local! {
    static WRITTEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The log of the history that runs in this thread.
pub struct Log(());

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        WRITTEN.with_borrow_mut(|written| written.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        Self
    }
}

/// Keeps what is logged from now on, as the hosts log it by default.
pub fn keep() -> Log {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let filter = tracing_subscriber::EnvFilter::new("warn,ispm_onboarder=info");
        let subscriber = tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(Lines).without_time().finish();
        tracing::subscriber::set_global_default(subscriber).expect("nothing else keeps the log");
    });
    WRITTEN.with_borrow_mut(Vec::clear);
    Log(())
}

impl Log {
    /// What was logged.
    pub fn take(&self) -> String {
        let Self(()) = self;
        WRITTEN.with_borrow_mut(|written| String::from_utf8_lossy(&std::mem::take(written)).into_owned())
    }
}
