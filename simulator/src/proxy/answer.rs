//! The body of an answer on the wire: whole, or cut off in the middle.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::front;
use crate::{Broken, Response};

/// An answer's body. Its size is announced in `Content-Length`, also where less than that will be sent.
pub struct Answer {
    /// The bytes still to send; `None` once they are on their way.
    bytes: Option<Bytes>,
    cut: Cut,
}

/// How far a cut body has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Never,
    /// Announced in full; half of it is to be sent.
    Halfway,
    /// The half is handed over and has to reach the socket.
    Flush,
    Broken,
}

/// The whole response.
pub fn whole(response: Response) -> hyper::Response<Answer> {
    response.map(|bytes| Answer { bytes: Some(bytes), cut: Cut::Never })
}

/// What a client sees of an exchange. A truncated response goes out with half of its body, and then the connection ends.
///
/// # Errors
/// For a reset: an error makes hyper drop the connection without an answer.
pub fn of(exchange: Result<Response, Broken>) -> io::Result<hyper::Response<Answer>> {
    match exchange {
        Ok(response) => Ok(whole(response)),
        Err(Broken::UnknownHost(host)) => Ok(whole(front::unknown_host(&host))),
        Err(Broken::Unresolved(host)) => Ok(whole(front::unresolved(&host))),
        Err(Broken::Truncated(response)) => Ok(response.map(|bytes| Answer { bytes: Some(bytes), cut: Cut::Halfway })),
        Err(Broken::Reset | Broken::Handshake) => Err(io::ErrorKind::ConnectionReset.into()),
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.cut {
            Cut::Never => Poll::Ready(self.bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes)))),
            Cut::Halfway => {
                self.cut = Cut::Flush;
                let bytes = self.bytes.take().unwrap_or_default();
                Poll::Ready(Some(Ok(Frame::data(bytes.slice(..bytes.len() / 2)))))
            }
            // hyper writes what it holds only when the body has nothing more to give at the moment.
            Cut::Flush => {
                self.cut = Cut::Broken;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Cut::Broken => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.cut == Cut::Never && self.bytes.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
