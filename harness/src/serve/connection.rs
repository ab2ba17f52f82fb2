//! One connection: HTTP/1.1 on the socket, [`WireRequest`] and [`WireAnswer`] behind it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_plugin::TransportFailureKind;
use countersign_plugin::limits::REPLY_BODY_BYTES;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;

use super::disturbed::{Disturbable, Plan, Socket};
use crate::wire::{AsyncResponder, Disturbance, WireAnswer, WireReply, WireRequest};

/// Largest body of a request, in bytes. Nothing that a plugin sends is larger than its step.
const REQUEST_BODY_BYTES: usize = countersign_plugin::limits::STEP_BYTES;
/// How long a client may take for the head of its request.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// Ends the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the answer is that there is none")]
pub(super) struct NoAnswer;

/// Whose requests a connection carries.
#[derive(Clone, Debug)]
pub(super) enum Whose {
    /// The carrier's own, which listens at this address; another host is told by the request.
    Own(SocketAddr),
    /// Those of the host that a tunnel leads to, whatever they say.
    Host(String),
}

/// Serves one connection to its end. What goes wrong on it is its client's business.
pub(super) async fn serve<S: Socket>(socket: S, whose: Whose, responder: Arc<dyn AsyncResponder>) {
    let plan = Plan::default();
    let service = hyper::service::service_fn(|request| answer(request, &whose, &*responder, &plan));
    let socket = Disturbable::new(socket, plan.clone());
    let _ = http().serve_connection(TokioIo::new(socket), service).await;
}

/// HTTP/1.1 as the carrier speaks it.
pub(super) fn http() -> hyper::server::conn::http1::Builder {
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .title_case_headers(true)
        // What comes back is what the responder says, whenever it is asked.
        .auto_date_header(false);
    builder
}

pub(super) async fn answer(
    request: Request<Incoming>,
    whose: &Whose,
    responder: &dyn AsyncResponder,
    plan: &Plan,
) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, REQUEST_BODY_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Ok(too_large()),
        Err(_) => return Err(NoAnswer),
    };
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let authority = head.uri.authority().map(|authority| authority.as_str().to_owned());
    let authority = authority.or_else(|| head.headers.get(HOST).map(text));
    let request = WireRequest {
        method: head.method.as_str().to_owned(),
        host: match whose {
            Whose::Own(address) => authority.and_then(|authority| meant(&authority, *address)),
            Whose::Host(host) => Some(host.clone()),
        },
        target: head.uri.path_and_query().map_or_else(|| "/".to_owned(), |target| target.as_str().to_owned()),
        headers: head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: body.to_vec(),
    };
    plan.forget();
    match responder.answer(&request).await {
        WireAnswer::Reply(reply) => response(&reply),
        WireAnswer::Disturbed(reply, Disturbance::Late(by)) => {
            tokio::time::sleep(by).await;
            response(&reply)
        }
        WireAnswer::Disturbed(reply, how) => {
            plan.disturb(how);
            response(&reply)
        }
        WireAnswer::Failure(TransportFailureKind::Deadline) => std::future::pending().await,
        WireAnswer::Failure(TransportFailureKind::TooLarge) => {
            Ok(Response::new(Full::new(vec![b' '; REPLY_BODY_BYTES + 1].into())))
        }
        // A socket has no way to say that nothing left: it is closed, and the client cannot know.
        WireAnswer::Failure(_) => Err(NoAnswer),
    }
}

/// The host that the client means, if it is not this carrier.
pub(super) fn meant(authority: &str, address: SocketAddr) -> Option<String> {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    let is_own = |ip: IpAddr| ip == address.ip() || address.ip().is_unspecified();
    let own = host == "localhost" || host.parse().is_ok_and(is_own);
    (!own && !host.is_empty()).then_some(host)
}

fn response(reply: &WireReply) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let mut response = Response::new(Full::new(Bytes::from_owner(Arc::clone(&reply.body))));
    *response.status_mut() = StatusCode::from_u16(reply.status).map_err(|_| NoAnswer)?;
    for (name, value) in &*reply.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| NoAnswer)?;
        response.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).map_err(|_| NoAnswer)?);
    }
    Ok(response)
}

fn too_large() -> Response<Full<Bytes>> {
    let error = json!({"error": {"kind": "too_large", "message":
        format!("the body of the request is larger than {REQUEST_BODY_BYTES} bytes")}});
    let mut response = Response::new(Full::new(error.to_string().into()));
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_what_the_client_means_unless_it_is_the_carrier_itself() {
        let carrier: SocketAddr = "127.0.0.1:8080".parse().expect("an address");
        for (authority, expected) in [
            ("127.0.0.1:8080", None),
            ("localhost:8080", None),
            ("LOCALHOST", None),
            ("api.twilio.com", Some("api.twilio.com")),
            ("API.twilio.com:443", Some("api.twilio.com")),
            ("10.0.0.1:80", Some("10.0.0.1")),
            ("[::1]:80", Some("::1")),
            ("", None),
        ] {
            assert_eq!(meant(authority, carrier).as_deref(), expected, "{authority}");
        }
        let everywhere: SocketAddr = "[::]:80".parse().expect("an address");
        assert_eq!(meant("[::1]:80", everywhere), None);
    }
}
