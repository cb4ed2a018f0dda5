//! Requests have to arrive in time, on no more connections than there is room for. Whoever sends slowly holds a connection, and memory, and
//! would keep the process from stopping.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use futures_util::stream::{self, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep, timeout_at};

/// How long the head of a request may take, from its first byte on. The Functions host is on the same machine.
const HEAD: Duration = Duration::from_secs(10);
/// How long the body may take. The largest are some MB.
const BODY: Duration = Duration::from_secs(15);
/// How long a connection may say nothing between two requests, and how long an answer may take to be fetched. .NET, which the Functions host
/// is written in, keeps an idle connection for one minute, and did for two before .NET 6
/// (<https://learn.microsoft.com/dotnet/api/system.net.http.socketshttphandler.pooledconnectionidletimeout>): to end one of those earlier would
/// fail the call that is just being sent on it.
const IDLE: Duration = Duration::from_mins(3);
/// How many connections there may be. The next ones wait in the kernel, so that open files are left for the calls to others: many systems
/// allow a process 1,024.
const MOST: usize = 512;

/// A body beyond this size is large: only the events of busy days, and batches of log entries, are.
const LARGE: usize = 256 * 1024;
/// How many large bodies arrive at once. Without it, memory would be theirs to take.
const MOST_LARGE: usize = 4;

/// A listener of patience, but not without end.
pub(super) struct Bounded {
    listener: TcpListener,
    room: Arc<Semaphore>,
    room_for_large: Arc<Semaphore>,
}

impl Bounded {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, room: Arc::new(Semaphore::new(MOST)), room_for_large: Arc::new(Semaphore::new(MOST_LARGE)) }
    }
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // The semaphore is never closed, so there always is a permit.
        let place = self.room.clone().acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Without it a small answer waits for the peer's delayed acknowledgement; failing to set it costs only that.
        let _ = stream.set_nodelay(true);
        let arrivals = Arrivals { so_far: Arc::default(), room: self.room.clone(), room_for_large: self.room_for_large.clone() };
        (Connection { stream, waiting: Waiting::after(0), arrivals, _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// What a connection and the requests that arrive on it know of each other.
#[derive(Clone)]
pub(super) struct Arrivals {
    so_far: Arc<SoFar>,
    room: Arc<Semaphore>,
    room_for_large: Arc<Semaphore>,
}

impl Connected<IncomingStream<'_, Bounded>> for Arrivals {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        stream.io().arrivals.clone()
    }
}

/// The requests of a connection whose heads have arrived.
#[derive(Default)]
struct SoFar {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A request that is worked on, until it is answered or given up.
struct AtWork<'a>(&'a SoFar);

impl<'a> AtWork<'a> {
    fn on(so_far: &'a SoFar) -> Self {
        so_far.begun.fetch_add(1, Ordering::Relaxed);
        Self(so_far)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// Has a request's body arrive in time, and gives its connection up afterwards where others will need the room.
pub(super) async fn in_time(ConnectInfo(arrivals): ConnectInfo<Arrivals>, request: Request, next: Next) -> Response {
    let _at_work = AtWork::on(&arrivals.so_far);
    let until = Instant::now() + BODY;
    let arriving = |body: Body| {
        let arriving = Arriving { pieces: body.into_data_stream(), until, size: 0, room: arrivals.room_for_large.clone(), place: None };
        stream::unfold(Some(arriving), async |arriving| arriving?.next().await)
    };
    let mut response = next.run(request.map(|body| Body::from_stream(arriving(body)))).await;
    if arrivals.room.available_permits() < MOST / 2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A body on its way.
struct Arriving {
    pieces: BodyDataStream,
    until: Instant,
    /// How much of it is here, in bytes.
    size: usize,
    room: Arc<Semaphore>,
    /// Held by a large body.
    place: Option<OwnedSemaphorePermit>,
}

impl Arriving {
    /// The next piece, and what is to come behind it: nothing, if it did not come in time.
    async fn next(mut self) -> Option<(Result<Bytes, axum::Error>, Option<Self>)> {
        match timeout_at(self.until, self.piece()).await {
            Ok(piece) => Some((piece?, Some(self))),
            Err(_) => Some((Err(axum::Error::new(io::Error::from(io::ErrorKind::TimedOut))), None)),
        }
    }

    async fn piece(&mut self) -> Option<Result<Bytes, axum::Error>> {
        let piece = self.pieces.next().await?;
        self.size += piece.as_ref().map_or(0, Bytes::len);
        if self.size > LARGE && self.place.is_none() {
            self.place = self.room.clone().acquire_owned().await.ok();
        }
        Some(piece)
    }
}

/// A connection that waits for requests, and not for ever.
pub(super) struct Connection {
    stream: TcpStream,
    arrivals: Arrivals,
    waiting: Waiting,
    _place: Option<OwnedSemaphorePermit>,
}

/// What a connection waits for while no request is worked on: the first byte of the next one, then the rest of its head.
struct Waiting {
    /// How many requests came before it.
    before: u64,
    has_begun: bool,
    until: Pin<Box<Sleep>>,
}

impl Waiting {
    fn after(before: u64) -> Self {
        Self { before, has_begun: false, until: Box::pin(sleep(IDLE)) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let already = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let so_far = &self.arrivals.so_far;
        let (begun, ended) = (so_far.begun.load(Ordering::Relaxed), so_far.ended.load(Ordering::Relaxed));
        // What arrives then is a body, which has a time of its own.
        if begun > ended {
            return read;
        }
        if self.waiting.before < begun {
            self.waiting = Waiting::after(begun);
        }
        let waiting = &mut self.waiting;
        if buffer.filled().len() > already && !waiting.has_begun {
            waiting.has_begun = true;
            waiting.until.as_mut().reset(Instant::now() + HEAD);
        }
        match waiting.until.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => read,
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
