//! A socket below HTTP: brings what is written to it in pieces, or breaks off in its middle, where an answer says so.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

use crate::wire::{Disturbance, Reached};

/// What a connection runs on.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin {
    /// From now on, closing it resets the connection instead of ending it in good order.
    fn reset_on_close(&self);
}

impl Socket for TcpStream {
    fn reset_on_close(&self) {
        // Where the system cannot, the connection ends without an answer all the same.
        let _ = self.set_zero_linger();
    }
}

impl<S: Socket> Socket for TlsStream<S> {
    fn reset_on_close(&self) {
        self.get_ref().0.reset_on_close();
    }
}

impl Socket for TokioIo<Upgraded> {
    /// A tunnel does not reach down to its socket. It ends without TLS's word that it ends, which is as broken.
    fn reset_on_close(&self) {}
}

/// What is to happen to the answer that is written next. Shared by the connection, which knows the answer, and its
/// socket.
#[derive(Clone, Default)]
pub(super) struct Plan(Arc<Mutex<Option<Course>>>);

/// How far an answer has come.
struct Course {
    how: Disturbance,
    /// Bytes written so far.
    written: usize,
    /// Where the body begins, once the end of the head was seen.
    body: Option<usize>,
    pause: Option<Pin<Box<Sleep>>>,
}

/// A socket that a [`Plan`] disturbs. Without one it changes nothing.
pub(super) struct Disturbable<S> {
    socket: S,
    plan: Plan,
}

/// What may be done with bytes that are to be written.
enum Next {
    /// All of them may go.
    All,
    /// So many may go.
    Some(usize),
    /// None, ever again.
    BreakOff { reset: bool },
}

impl Plan {
    /// The next answer comes like this.
    pub(super) fn disturb(&self, how: Disturbance) {
        *self.lock() = Some(Course { how, written: 0, body: None, pause: None });
    }

    /// The next answer simply comes.
    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Course>> {
        // A plan is replaced whole or counted up; a panic elsewhere leaves it as it was.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Course {
    fn next(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Next> {
        let (reach, reset) = match self.how {
            Disturbance::Late(_) => return Poll::Ready(Next::All),
            Disturbance::Pieces { bytes: size, pause } => {
                let pausing = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
                ready!(pausing.as_mut().poll(context));
                return Poll::Ready(Next::Some(size.max(1)));
            }
            Disturbance::Reset(reached) => (reached, true),
            Disturbance::Truncated(body) => (Reached::Body(body), false),
        };
        // A head is written at once (it is small), so its end is in what comes first or in nothing.
        if self.body.is_none() {
            let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
            self.body = end.map(|end| self.written + end + 4);
        }
        let end = match (reach, self.body) {
            (Reached::Nothing, _) => 0,
            (Reached::Head(length), Some(body)) => length.min(body.saturating_sub(1)),
            (Reached::Head(length), None) => length,
            (Reached::Body(length), Some(body)) => body.saturating_add(length),
            (Reached::Body(_), None) => return Poll::Ready(Next::All),
        };
        Poll::Ready(match end.saturating_sub(self.written) {
            0 => Next::BreakOff { reset },
            more => Next::Some(more),
        })
    }

    fn wrote(&mut self, bytes: usize) {
        self.written += bytes;
        self.pause = None;
    }
}

impl<S> Disturbable<S> {
    pub(super) const fn new(socket: S, plan: Plan) -> Self {
        Self { socket, plan }
    }
}

impl<S: Socket> AsyncWrite for Disturbable<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { socket, plan } = self.get_mut();
        let mut plan = plan.lock();
        let Some(course) = plan.as_mut() else { return Pin::new(socket).poll_write(context, bytes) };
        let most = match ready!(course.next(context, bytes)) {
            Next::All => bytes.len(),
            Next::Some(most) => most.min(bytes.len()),
            Next::BreakOff { reset } => {
                if reset {
                    socket.reset_on_close();
                }
                return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
            }
        };
        let written = ready!(Pin::new(socket).poll_write(context, bytes.get(..most).unwrap_or(bytes)))?;
        course.wrote(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.plan.lock().is_none() {
            return Pin::new(&mut self.get_mut().socket).poll_write_vectored(context, slices);
        }
        let first = slices.iter().find(|slice| !slice.is_empty());
        self.poll_write(context, first.map_or(&[], |slice| slice))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}

impl<S: Socket> AsyncRead for Disturbable<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_read(context, into)
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Plan").field(&self.lock().as_ref().map(|course| course.how)).finish()
    }
}
