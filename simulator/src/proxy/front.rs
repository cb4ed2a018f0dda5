//! What arrives in plain HTTP: `CONNECT`, the control surface and the identity endpoint.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, Uri, header, uri::Authority};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    Request,
    body::Incoming,
    service::service_fn,
    upgrade::{self, OnUpgrade},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::watch};

use super::{
    Face, IDENTITY_PATH,
    answer::{self, Answer},
    converse, tunnel,
};
use crate::{Broken, Response, control};

/// The largest request body that is taken: a report of 100,000 subscriptions, as a blob, stays below.
const BODY_LIMIT: usize = 64 << 20;
const HOST_NOT_ALLOWED: &str = "Only requests to 127.0.0.1 or localhost are answered here. Official names are reached through CONNECT.";

/// What is to become of a tunnel: it leads to this host, or its handshake fails.
enum Tunnel {
    To(String),
    BrokenOff,
}

/// A tunnel that a client asked for, and the connection once hyper lets go of it.
type Asked = Mutex<Option<(Tunnel, OnUpgrade)>>;

/// Serves one connection to its end, tunnel included, so that one task owns everything that belongs to it.
pub async fn serve(stream: TcpStream, face: Arc<Face>, mut stop: watch::Receiver<()>) {
    let asked = Asked::default();
    let service = service_fn(|request| face.front(request, &asked));
    // An error is a client that is gone; there is no one left to tell.
    if converse(TokioIo::new(stream), service, &mut stop).await.is_err() {
        return;
    }
    let tunnel = asked.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((tunnel, upgrade)) = tunnel
        && let Ok(stream) = upgrade.await
    {
        match tunnel {
            Tunnel::To(host) => tunnel::serve(stream, host, &face, stop).await,
            Tunnel::BrokenOff => tunnel::break_off(stream).await,
        }
    }
}

/// Reads a request's body.
///
/// # Errors
/// The answer to give instead: 413 beyond the limit, 400 when the body breaks off.
pub async fn collect(request: Request<Incoming>) -> Result<Request<Bytes>, Response> {
    let (parts, body) = request.into_parts();
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => Ok(Request::from_parts(parts, body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(control::refusal(StatusCode::PAYLOAD_TOO_LARGE, "BodyTooLarge", "The simulator takes request bodies of up to 64 MiB."))
        }
        Err(_) => Err(control::refusal(StatusCode::BAD_REQUEST, "BodyBroken", "The request's body ended before its announced length.")),
    }
}

impl Face {
    async fn front(&self, request: Request<Incoming>, asked: &Asked) -> io::Result<hyper::Response<Answer>> {
        if request.method() == Method::CONNECT {
            return Ok(answer::whole(self.connect(request, asked)));
        }
        if let Some(refusal) = self.refusal(&request) {
            return Ok(answer::whole(refusal));
        }
        let request = match collect(request).await {
            Ok(request) => request,
            Err(refusal) => return Ok(answer::whole(refusal)),
        };
        let path = request.uri().path();
        if path == IDENTITY_PATH {
            return answer::of(self.simulator.identity_exchange(request).await);
        }
        if path.starts_with(control::PREFIX) {
            return Ok(answer::whole(control::answer(&self.simulator, &request)));
        }
        let message = format!("There is nothing at {path}. Here are {IDENTITY_PATH}, {}.", control::routes());
        Ok(answer::whole(control::refusal(StatusCode::NOT_FOUND, "NotFound", &message)))
    }

    /// Agrees to a tunnel to a host of the world at port 443 and notes it; hyper hands the connection over once the answer is sent.
    fn connect(&self, mut request: Request<Incoming>, asked: &Asked) -> Response {
        let Some(target) = request.uri().authority() else {
            return control::refusal(StatusCode::BAD_REQUEST, "NoTarget", "CONNECT needs a target such as management.azure.com:443.");
        };
        let host = target.host().to_ascii_lowercase();
        if !self.simulator.serves(&host) {
            return unknown_host(&host);
        }
        if target.port_u16() != Some(443) {
            let message = format!("The simulator speaks for {host} at port 443 only; CONNECT asked for {target}.");
            return control::refusal(StatusCode::BAD_GATEWAY, "PortNotSimulated", &message);
        }
        let tunnel = match self.simulator.prevented(&host) {
            None => Tunnel::To(host),
            Some(Broken::Handshake) => Tunnel::BrokenOff,
            Some(_) => return unresolved(&host),
        };
        *asked.lock().unwrap_or_else(PoisonError::into_inner) = Some((tunnel, upgrade::on(&mut request)));
        Response::default()
    }

    /// Why a plain request is not answered, if it is not meant for this listener or comes from a stranger.
    fn refusal(&self, request: &Request<Incoming>) -> Option<Response> {
        match request.uri().authority() {
            Some(authority) if !self.is_here(request.uri().scheme_str(), authority) => return Some(not_forwarded(authority)),
            // The address in the request line is this listener's: whatever the Host header says, the client meant us.
            Some(_) => {}
            None if names_loopback(request) => {}
            // A page on the web can point a name of its own at 127.0.0.1; its requests carry that name.
            None => return Some(control::refusal(StatusCode::FORBIDDEN, "HostNotAllowed", HOST_NOT_ALLOWED)),
        }
        let foreign = request.headers().get(header::ORIGIN).is_some_and(|origin| !is_loopback_page(origin));
        foreign
            .then(|| control::refusal(StatusCode::FORBIDDEN, "OriginNotAllowed", "Web pages of other origins may not use the simulator."))
    }

    fn is_here(&self, scheme: Option<&str>, authority: &Authority) -> bool {
        scheme == Some("http") && is_loopback(authority.host()) && authority.port_u16() == Some(self.port)
    }
}

/// The answer for a host that the world does not know; it never becomes a guess or a real connection.
pub fn unknown_host(host: &str) -> Response {
    let message = format!("The simulated world has no host {host}, and nothing is forwarded to the real one.");
    control::refusal(StatusCode::BAD_GATEWAY, "UnknownHost", &message)
}

/// The answer for a host whose name does not resolve, since a fault says so.
pub fn unresolved(host: &str) -> Response {
    let message = format!("The name {host} does not resolve: this fault was switched on in the simulator.");
    control::refusal(StatusCode::BAD_GATEWAY, "NameNotResolved", &message)
}

fn not_forwarded(target: &Authority) -> Response {
    let message = format!(
        "Nothing is forwarded to {target}: plain HTTP ends here, and https:// reaches the simulated hosts only. A program on this machine is \
         reached without the proxy (NO_PROXY=127.0.0.1,localhost)."
    );
    control::refusal(StatusCode::BAD_GATEWAY, "NotForwarded", &message)
}

fn names_loopback(request: &Request<Incoming>) -> bool {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    host.and_then(|host| host.parse::<Authority>().ok()).is_some_and(|authority| is_loopback(authority.host()))
}

fn is_loopback_page(origin: &HeaderValue) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    origin.as_ref().and_then(Uri::host).is_some_and(is_loopback)
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "[::1]") || host.eq_ignore_ascii_case("localhost")
}
