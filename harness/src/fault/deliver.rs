//! Answers as the engine's live transport would report them, had they come over a socket.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign_plugin::http::TransportFailure;
use countersign_plugin::limits::REPLY_BODY_BYTES;
use countersign_plugin::{Reply, TransportFailureKind};

use crate::wire::{Disturbance, WireAnswer, WireReply};

/// How a transport without a socket lets time pass.
#[derive(Clone)]
pub enum Pace {
    /// It does, by the clock of this machine.
    Real,
    /// It is told that it has; nobody waits. For a clock that a test or a case owns.
    Virtual(Arc<dyn Fn(Duration) + Send + Sync>),
}

impl Pace {
    async fn wait(&self, time: Duration) {
        match self {
            Self::Real => tokio::time::sleep(time).await,
            Self::Virtual(pass) => pass(time),
        }
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Real => "Real",
            Self::Virtual(_) => "Virtual",
        })
    }
}

/// What comes of an answer within that time.
pub(super) async fn deliver(answer: WireAnswer, time_left: Duration, pace: &Pace) -> Result<Reply, TransportFailure> {
    let (reply, how) = match answer {
        WireAnswer::Reply(reply) => return read(&reply),
        WireAnswer::Failure(kind) => return Err(TransportFailure::new(kind, "the carrier gives no answer")),
        WireAnswer::Disturbed(reply, how) => (reply, how),
    };
    let took = match how {
        Disturbance::Late(by) => by,
        Disturbance::Pieces { bytes, pause } => {
            let pieces = (head_bytes(&reply) + reply.body.len()).div_ceil(bytes.max(1));
            pause.saturating_mul(u32::try_from(pieces).unwrap_or(u32::MAX))
        }
        Disturbance::Reset(_) => return Err(no_answer("connection reset by peer")),
        Disturbance::Truncated(_) => return Err(no_answer("end of file before message length reached")),
    };
    if took >= time_left {
        pace.wait(time_left).await;
        return Err(no_answer(&format!("no complete answer within {} s", time_left.as_secs_f32())));
    }
    pace.wait(took).await;
    read(&reply)
}

/// A reply of the engine's as one of the wire's.
pub(super) fn wired(reply: &Reply) -> WireReply {
    WireReply { status: reply.status, headers: reply.headers.as_slice().into(), body: reply.body.as_slice().into() }
}

fn read(reply: &WireReply) -> Result<Reply, TransportFailure> {
    let WireReply { status, headers, body } = reply;
    if body.len() > REPLY_BODY_BYTES {
        let detail = format!("the answer (HTTP {status}) is larger than {REPLY_BODY_BYTES} bytes");
        return Err(TransportFailure::new(TransportFailureKind::TooLarge, detail));
    }
    Ok(Reply::new(*status, body.to_vec()).with_headers(headers.iter().cloned()))
}

/// The size of the head as a carrier writes it, without what it adds itself.
fn head_bytes(reply: &WireReply) -> usize {
    const STATUS_LINE: usize = "HTTP/1.1 200 OK\r\n\r\n".len();
    STATUS_LINE + reply.headers.iter().map(|(name, value)| name.len() + value.len() + ": \r\n".len()).sum::<usize>()
}

fn no_answer(detail: &str) -> TransportFailure {
    TransportFailure::new(TransportFailureKind::NoAnswer, detail)
}
