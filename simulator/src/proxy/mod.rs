//! The socket face: an HTTPS proxy for the official names, on 127.0.0.1 only.
//!
//! One plain HTTP listener takes three kinds of request:
//! - `CONNECT host:443` for a host of the world: TLS is ended here with a certificate made for that name, and what comes through goes to
//!   [`Simulator::exchange`]. Any other host or port is refused with 502.
//! - `GET http://127.0.0.1:{port}/…`, which is what a client behind `ALL_PROXY` sends for a local address, and
//! - `GET /…`, what a client without a proxy sends: both reach the control surface and the identity endpoint.
//!
//! There is no code that opens a connection to anywhere: no byte can leave the machine.

mod answer;
mod front;
mod tunnel;

use std::{
    error::Error,
    io,
    net::{Ipv4Addr, TcpListener as Listener},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use hyper::{
    body::Incoming,
    rt::{Read, Write},
    server::conn::http1,
    service::HttpService,
};
use hyper_util::rt::TokioTimer;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time,
};

use crate::{Simulator, certificate::Authority};
use answer::Answer;

/// The path of the App Service identity endpoint on this listener; `IDENTITY_ENDPOINT` names it.
pub const IDENTITY_PATH: &str = "/msi/token";

/// Connections served at once. The next one waits in the kernel's backlog, so file descriptors stay bounded.
const CONNECTIONS: usize = 4096;
/// How long a stop waits for requests that are being answered.
const GRACE: Duration = Duration::from_secs(2);
/// How long to rest when the system gives no connection, which is nearly always a lack of file descriptors.
const REST: Duration = Duration::from_millis(50);

/// A bound listener with its certificate authority. It accepts from the moment it is bound and answers once it is served.
pub struct Proxy {
    listener: Listener,
    face: Arc<Face>,
}

/// What every connection needs.
struct Face {
    simulator: Simulator,
    authority: Authority,
    port: u16,
}

impl Proxy {
    /// Binds 127.0.0.1 at `port`, or at any free port for 0.
    ///
    /// # Errors
    /// When the port is taken, or no key for the certificate authority can be made.
    pub fn bind(simulator: Simulator, port: u16) -> io::Result<Self> {
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let authority = Authority::new()?;
        Ok(Self { listener, face: Arc::new(Face { simulator, authority, port }) })
    }

    /// The port in use.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.face.port
    }

    /// The proxy's own address, as `HTTPS_PROXY` wants it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.face.port)
    }

    /// The certificate that clients have to trust, in PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        self.face.authority.pem()
    }

    /// The simulator behind it.
    #[must_use]
    pub fn simulator(&self) -> &Simulator {
        &self.face.simulator
    }

    /// Serves until `shutdown` completes. Requests being answered then get two seconds to end; idle connections are closed at once.
    ///
    /// # Errors
    /// When the listener cannot be handed to the async runtime.
    pub async fn serve(self, shutdown: impl Future) -> io::Result<()> {
        let listener = TcpListener::from_std(self.listener)?;
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        let (running, stop) = watch::channel(());
        // Dropping the set ends what it still holds, also when this future itself is dropped.
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                _ = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                (stream, slot) = accept(&listener, &slots) => {
                    let (face, stop) = (self.face.clone(), stop.clone());
                    connections.spawn(async move {
                        front::serve(stream, face, stop).await;
                        drop(slot);
                    });
                }
            }
        }
        drop(listener);
        drop(running);
        // Whoever is still busy after the grace is cut off when `connections` is dropped.
        let _ = time::timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
        Ok(())
    }
}

/// Serves HTTP/1.1 on one stream until the client ends it, or until the proxy stops and the request being answered is done.
///
/// # Errors
/// When the client went away or spoke no HTTP, or the service wants the connection dropped.
async fn converse<I, S>(stream: I, service: S, stop: &mut watch::Receiver<()>) -> hyper::Result<()>
where
    I: Read + Write + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody = Answer>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(stream, service);
    let mut connection = pin!(connection.with_upgrades());
    tokio::select! {
        biased;
        ended = &mut connection => return ended,
        // Nothing is ever sent: the sender's end is the sign.
        _ = stop.changed() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed, so there always is a permit.
    let slot = slots.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            // Without it an answer written in two pieces waits 40 ms for the client's delayed acknowledgement.
            Ok((stream, _)) if stream.set_nodelay(true).is_ok() => return (stream, slot),
            Ok(_) => {}
            Err(_) => time::sleep(REST).await,
        }
    }
}
