//! Being asked to stop. From the moment that this listens, no such signal ends the process by itself.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Where the wish to stop comes from.
pub trait Stop {
    /// Waits until somebody wishes to stop, and says how.
    fn asked(&mut self) -> impl Future<Output = &'static str>;
}

/// SIGTSTP, by which a terminal suspends: nobody may be elevated while the program sleeps.
const SUSPEND: i32 = if cfg!(target_os = "linux") { 20 } else { 18 };

/// Ctrl-C, Ctrl-\, Ctrl-Z, SIGTERM, and the terminal that goes away.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    quit: Signal,
    suspend: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            suspend: signal(SignalKind::from_raw(SUSPEND))?,
        })
    }
}

impl Stop for Signals {
    async fn asked(&mut self) -> &'static str {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hang_up.recv() => "SIGHUP",
            _ = self.quit.recv() => "SIGQUIT",
            _ = self.suspend.recv() => "Ctrl-Z",
        }
    }
}
