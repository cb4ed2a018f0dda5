//! Listening where the Functions host expects it, until it says stop.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::middleware::from_fn;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::arrival::{Arrivals, Bounded, in_time};

/// The variable by which the Functions host names the port.
const PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";
/// Where the handler listens when it is started by hand.
const PORT_BY_HAND: u16 = 8080;

/// Serves a router on 127.0.0.1 until SIGTERM or SIGINT; what is being worked on then is finished first.
///
/// # Errors
/// Where the port is not a port, or cannot be listened on.
pub fn serve(router: Router) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port()?))).await?;
        let service = router.layer(from_fn(in_time)).into_make_service_with_connect_info::<Arrivals>();
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = async move {
            tokio::select! {
                biased;
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        axum::serve(Bounded::new(listener), service).with_graceful_shutdown(stop).await
    })
}

fn port() -> io::Result<u16> {
    match std::env::var(PORT) {
        Ok(text) => text.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("{PORT} is not a port: {text}"))),
        Err(_) => Ok(PORT_BY_HAND),
    }
}
