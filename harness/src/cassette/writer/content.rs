//! Undoes content encodings: HAR holds decoded bodies, and a secret inside gzip would not be found.

use std::io::Read;
use std::sync::Arc;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::problem::WriteProblem;
use crate::cassette::draft::Draft;
use crate::cassette::problem::Body;
use crate::cassette::reader::BODY_LIMIT;
use crate::cassette::shown::Shown;
use crate::wire::{WireAnswer, WireReply};

/// The draft with all bodies decoded.
///
/// # Errors
/// [`WriteProblem`] for encodings that cannot be undone, and for bodies above [`BODY_LIMIT`].
pub(super) fn decoded(draft: &Draft) -> Result<Draft, WriteProblem> {
    let mut draft = draft.clone();
    for (entry, exchange) in draft.entries.iter_mut().enumerate() {
        let request = &mut exchange.request;
        let encodings = encodings(&request.headers);
        request.body = undone(std::mem::take(&mut request.body), &encodings)
            .map_err(|failed| failed.problem(entry, Body::Request))?;
        if !encodings.is_empty() {
            request.headers = without_framing(&request.headers);
        }
        // Nobody records how an answer came, and what does not arrive holds no secret.
        exchange.answer = match exchange.answer.received() {
            Ok(reply) => WireAnswer::Reply(reply.clone()),
            Err(kind) => WireAnswer::Failure(kind),
        };
        if let WireAnswer::Reply(reply) = &mut exchange.answer {
            let encodings = self::encodings(&reply.headers);
            if reply.body.len() > BODY_LIMIT || !encodings.is_empty() {
                let body = undone(reply.body.to_vec(), &encodings);
                let body = body.map_err(|failed| failed.problem(entry, Body::Response))?;
                let headers: Arc<[_]> = without_framing(&reply.headers).into();
                *reply = WireReply { status: reply.status, headers, body: body.into() };
            }
        }
    }
    Ok(draft)
}

/// Decodes a body that begins like gzip, whatever its headers say.
pub(crate) fn unzipped(body: &[u8]) -> Option<Vec<u8>> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return None;
    }
    // Of a body that was cut off, what can be read counts.
    let mut decoded = Vec::new();
    let _ = MultiGzDecoder::new(body).take(limit()).read_to_end(&mut decoded);
    Some(decoded)
}

/// Why a body was not decoded.
enum Failed {
    TooLarge,
    Unknown(String),
    Broken(String),
}

impl Failed {
    fn problem(self, entry: usize, body: Body) -> WriteProblem {
        match self {
            Self::TooLarge => WriteProblem::BodyTooLarge { entry, body, limit: BODY_LIMIT },
            Self::Unknown(encoding) => WriteProblem::Encoding { entry, body, encoding: Shown::of(&encoding) },
            Self::Broken(encoding) => WriteProblem::Undecodable { entry, body, encoding: Shown::of(&encoding) },
        }
    }
}

/// The encodings in the order in which they were applied (RFC 9110 §8.4).
fn encodings(headers: &[(String, String)]) -> Vec<String> {
    let values = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
    values
        .flat_map(|(_, value)| value.split(','))
        .map(|encoding| encoding.trim().to_ascii_lowercase())
        .filter(|encoding| !encoding.is_empty() && encoding != "identity")
        .collect()
}

fn undone(mut body: Vec<u8>, encodings: &[String]) -> Result<Vec<u8>, Failed> {
    for encoding in encodings.iter().rev() {
        // An answer to HEAD, or a 304: encoded, had it been there.
        if body.is_empty() {
            break;
        }
        let mut decoded = Vec::new();
        let read = match encoding.as_str() {
            "gzip" | "x-gzip" => MultiGzDecoder::new(&*body).take(limit()).read_to_end(&mut decoded),
            // Some servers leave the zlib wrapper out.
            "deflate" => match ZlibDecoder::new(&*body).take(limit()).read_to_end(&mut decoded) {
                Ok(read) => Ok(read),
                Err(_) => {
                    decoded.clear();
                    DeflateDecoder::new(&*body).take(limit()).read_to_end(&mut decoded)
                }
            },
            _ => return Err(Failed::Unknown(encoding.clone())),
        };
        if read.is_err() {
            return Err(Failed::Broken(encoding.clone()));
        }
        body = decoded;
        if body.len() > BODY_LIMIT {
            break;
        }
    }
    if body.len() > BODY_LIMIT { Err(Failed::TooLarge) } else { Ok(body) }
}

/// One byte more than may be, so that too much is seen without reading it all.
fn limit() -> u64 {
    u64::try_from(BODY_LIMIT).unwrap_or(u64::MAX).saturating_add(1)
}

fn without_framing(headers: &[(String, String)]) -> Vec<(String, String)> {
    let about_encoding =
        |name: &str| ["content-encoding", "content-length"].iter().any(|known| name.eq_ignore_ascii_case(known));
    headers.iter().filter(|(name, _)| !about_encoding(name)).cloned().collect()
}
