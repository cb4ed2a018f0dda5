//! Inside a `CONNECT`: TLS with a certificate for the host, then HTTP/1.1 that goes to the simulator.

use std::{io, time::Duration};

use http::{StatusCode, Uri, header, uri::Authority};
use hyper::{Request, body::Incoming, service::service_fn, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{io::AsyncReadExt as _, sync::watch, time};
use tokio_rustls::TlsAcceptor;

use super::{
    Face,
    answer::{self, Answer},
    converse, front,
};
use crate::{control, fault::Connection};

/// A client that has asked for a tunnel and then says nothing is not waited for any longer.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Lets the client begin its handshake, and ends the connection.
pub async fn break_off(stream: Upgraded) {
    let _ = time::timeout(HANDSHAKE, TokioIo::new(stream).read(&mut [0; 1024])).await;
}

/// Serves what comes through one tunnel until either side ends it.
pub async fn serve(stream: Upgraded, host: String, face: &Face, mut stop: watch::Receiver<()>) {
    let Ok(config) = face.authority.server_config(&host) else { return };
    let handshake = TlsAcceptor::from(config).accept(TokioIo::new(stream));
    // A failed handshake is most often a client that does not trust the authority; it is the one to say so.
    let Ok(Ok(stream)) = time::timeout(HANDSHAKE, handshake).await else { return };
    let service = service_fn(|request| face.forward(request, &host));
    // An error is a client that is gone, or a fault that dropped the connection; either way it is over.
    let _ = converse(TokioIo::new(stream), service, &mut stop).await;
}

impl Face {
    /// Hands one request to the simulator, under the official name it was sent to.
    async fn forward(&self, request: Request<Incoming>, host: &str) -> io::Result<hyper::Response<Answer>> {
        if !is_meant_for(&request, host) {
            let message = format!("This tunnel leads to {host}, and the request names another host.");
            return Ok(answer::whole(control::refusal(StatusCode::MISDIRECTED_REQUEST, "WrongHost", &message)));
        }
        let mut request = match front::collect(request).await {
            Ok(request) => request,
            Err(response) => return Ok(answer::whole(response)),
        };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let uri = Uri::builder().scheme("https").authority(host).path_and_query(path).build();
        *request.uri_mut() = uri.map_err(io::Error::other)?;
        answer::of(self.simulator.exchange_over(Connection::Open, request).await)
    }
}

/// Whether the Host header is the tunnel's host, alone or with the port that https implies.
fn is_meant_for(request: &Request<Incoming>, host: &str) -> bool {
    let named = request.headers().get(header::HOST).and_then(|named| named.to_str().ok());
    let named = named.and_then(|named| named.parse::<Authority>().ok());
    named.is_some_and(|named| named.host().eq_ignore_ascii_case(host) && matches!(named.port_u16(), None | Some(443)))
}
