//! The server in front of which a recording is made.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls_platform_verifier::BuilderVerifierExt;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use url::{Host, Url};

use crate::cassette::{BODY_LIMIT, Scheme};
use crate::wire::{WireReply, WireRequest};

/// Time for name, connection and TLS.
const CONNECT: Duration = Duration::from_secs(10);
/// Headers that are about one connection and not about the exchange (RFC 9110 §7.6.1); what `Connection` names besides
/// is dropped, too.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Headers that are written anew for the body and the server that there are.
const ANEW: [&str; 3] = ["content-length", "expect", "host"];
/// Content encodings that can be undone, to search what is inside for secrets.
const ENCODINGS: [&str; 4] = ["gzip", "x-gzip", "deflate", "identity"];

/// A server, by its address: TLS with the system's trusted roots, HTTP/1.1, one connection for each exchange. Redirects
/// are answers like any other. `SSL_CERT_FILE` and `SSL_CERT_DIR` name other roots, where the system is Linux.
pub struct Upstream {
    origin: Url,
    scheme: Scheme,
    host: String,
    port: u16,
    /// What stands before each path, without a slash at its end.
    base: String,
    patience: Duration,
    tls: OnceLock<Arc<ClientConfig>>,
}

/// Not the address of a server that can be recorded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UpstreamError {
    /// No address, or of another protocol.
    #[error("`{address}` is no address of a server; write it as https://api.example.com")]
    NotAnAddress {
        /// What was given.
        address: String,
    },
    /// Credentials would go in the clear.
    #[error(
        "http://{host} is not this machine, and plain http would show credentials to everybody on the way; use https"
    )]
    PlainHttp {
        /// The host.
        host: String,
    },
    /// Credentials belong to the client's requests.
    #[error("the address holds a user name or password; leave it to the client to send them")]
    Credentials,
    /// A base address has neither.
    #[error("the address has a query or a fragment; give it without")]
    Query,
}

/// Why an exchange did not come about, or not to its end.
#[derive(Debug, Error)]
pub enum ExchangeError {
    /// No TLS on this machine.
    #[error(
        "this machine has no trusted root certificates that can be used: {0}; install them (often `ca-certificates`)"
    )]
    Roots(tokio_rustls::rustls::Error),
    /// The request cannot be sent.
    #[error("the request cannot be sent as it is: its {part} holds characters that HTTP does not have")]
    Request {
        /// Which part.
        part: &'static str,
    },
    /// There is no connection.
    #[error("no connection with `{host}`: {error}")]
    Connect {
        /// The host.
        host: String,
        /// Why.
        error: io::Error,
    },
    /// It takes too long.
    #[error("`{host}` gave no complete answer within {} s", patience.as_secs())]
    TooLate {
        /// The host.
        host: String,
        /// The time that it had.
        patience: Duration,
    },
    /// The connection broke.
    #[error("the connection with `{host}` broke: {error}")]
    Broken {
        /// The host.
        host: String,
        /// Why.
        error: hyper::Error,
    },
    /// More than a cassette holds.
    #[error(
        "the answer of `{host}` (HTTP {status}) has more than {limit} bytes, and a cassette may hold no larger body"
    )]
    TooLarge {
        /// The host.
        host: String,
        /// Its status.
        status: u16,
        /// The limit in bytes.
        limit: usize,
    },
}

impl Upstream {
    /// The server at this address, whose path stands before the path of every request. Each exchange may take
    /// `patience`.
    ///
    /// # Errors
    /// [`UpstreamError`], also for plain http to another machine.
    pub fn new(address: &str, patience: Duration) -> Result<Self, UpstreamError> {
        let unusable = || {
            let shown = if address.contains('@') { "…" } else { address };
            UpstreamError::NotAnAddress { address: shown.chars().filter(|c| !c.is_control()).take(200).collect() }
        };
        let mut origin = Url::parse(address).map_err(|_| unusable())?;
        let scheme = match origin.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => return Err(unusable()),
        };
        let host = origin.host_str().ok_or_else(unusable)?.to_owned();
        if !origin.username().is_empty() || origin.password().is_some() {
            return Err(UpstreamError::Credentials);
        }
        if origin.query().is_some() || origin.fragment().is_some() {
            return Err(UpstreamError::Query);
        }
        if scheme == Scheme::Http && !is_loopback(&origin) {
            return Err(UpstreamError::PlainHttp { host });
        }
        let base = origin.path().trim_end_matches('/').to_owned();
        origin.set_path("/");
        let port = origin.port_or_known_default().unwrap_or_else(|| scheme.port());
        Ok(Self { origin, scheme, host, port, base, patience, tls: OnceLock::new() })
    }

    /// Its address without a path.
    pub const fn origin(&self) -> &Url {
        &self.origin
    }

    /// How it is spoken to.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// A client's request as this server gets it.
    pub fn request(&self, request: &WireRequest) -> WireRequest {
        let mut headers = vec![("host".to_owned(), self.authority())];
        headers.extend(passed_on(&request.headers));
        for (name, value) in &mut headers {
            if name.eq_ignore_ascii_case("accept-encoding") {
                *value = undoable(value);
            }
        }
        WireRequest {
            method: request.method.clone(),
            host: Some(self.host.clone()),
            target: format!("{}{}", self.base, request.target),
            headers,
            body: request.body.clone(),
        }
    }

    /// Sends a request, as [`Upstream::request`] made it, and gives the answer.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub async fn exchange(&self, request: &WireRequest) -> Result<WireReply, ExchangeError> {
        let request = self.outgoing(request)?;
        tokio::time::timeout(self.patience, self.exchanged(request))
            .await
            .unwrap_or_else(|_| Err(ExchangeError::TooLate { host: self.host.clone(), patience: self.patience }))
    }

    async fn exchanged(&self, request: Request<Full<Bytes>>) -> Result<WireReply, ExchangeError> {
        let name = self.host.trim_matches(['[', ']']);
        let failed = |error| ExchangeError::Connect { host: self.host.clone(), error };
        let late = |_| failed(io::ErrorKind::TimedOut.into());
        let socket = TcpStream::connect((name, self.port));
        let socket = tokio::time::timeout(CONNECT, socket).await.map_err(late)?.map_err(failed)?;
        // A recorder asks for one thing at a time; a delay there would be recorded as the server's.
        let _ = socket.set_nodelay(true);
        if self.scheme == Scheme::Http {
            return self.spoken(socket, request).await;
        }
        let server = ServerName::try_from(name.to_owned()).map_err(|_| failed(io::ErrorKind::InvalidInput.into()))?;
        let handshake = TlsConnector::from(self.tls()?).connect(server, socket);
        let stream = tokio::time::timeout(CONNECT, handshake).await.map_err(late)?.map_err(failed)?;
        self.spoken(stream, request).await
    }

    async fn spoken<S>(&self, stream: S, request: Request<Full<Bytes>>) -> Result<WireReply, ExchangeError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = |error| ExchangeError::Broken { host: self.host.clone(), error };
        let (mut sender, connection) =
            http1::Builder::new().title_case_headers(true).handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(broken)?;
        let reply = self.read(answer).await;
        connection.abort();
        reply
    }

    async fn read(&self, answer: Response<hyper::body::Incoming>) -> Result<WireReply, ExchangeError> {
        let (head, body) = answer.into_parts();
        let status = head.status.as_u16();
        let host = || self.host.clone();
        let body = match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return Err(ExchangeError::TooLarge { host: host(), status, limit: BODY_LIMIT });
            }
            Err(error) => {
                return Err(match error.downcast::<hyper::Error>() {
                    Ok(error) => ExchangeError::Broken { host: host(), error: *error },
                    Err(other) => ExchangeError::Connect { host: host(), error: io::Error::other(other) },
                });
            }
        };
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers: Vec<_> =
            head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let headers: Vec<_> = passed_on(&headers).collect();
        Ok(WireReply { status, headers: headers.into(), body: body.to_vec().into() })
    }

    fn outgoing(&self, request: &WireRequest) -> Result<Request<Full<Bytes>>, ExchangeError> {
        let unsendable = |part| ExchangeError::Request { part };
        let mut outgoing = Request::new(Full::new(Bytes::from(request.body.clone())));
        *outgoing.method_mut() = Method::from_bytes(request.method.as_bytes()).map_err(|_| unsendable("method"))?;
        *outgoing.uri_mut() = Uri::try_from(request.target.as_str()).map_err(|_| unsendable("address"))?;
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unsendable("headers"))?;
            let mut value = HeaderValue::from_str(value).map_err(|_| unsendable("headers"))?;
            value.set_sensitive(name != HOST);
            outgoing.headers_mut().append(name, value);
        }
        Ok(outgoing)
    }

    /// Made at the first exchange, which is when the trusted roots are read.
    fn tls(&self) -> Result<Arc<ClientConfig>, ExchangeError> {
        if let Some(config) = self.tls.get() {
            return Ok(Arc::clone(config));
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(ExchangeError::Roots)?
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::clone(self.tls.get_or_init(|| Arc::new(config))))
    }

    /// Host and, where it is not the scheme's own, port.
    fn authority(&self) -> String {
        let own = self.port == self.scheme.port();
        if own { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("origin", &self.origin.as_str()).finish_non_exhaustive()
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// The headers that are about the exchange.
fn passed_on(headers: &[(String, String)]) -> impl Iterator<Item = (String, String)> {
    let connection = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
    let named: Vec<&str> = connection.flat_map(|(_, value)| value.split(',')).map(str::trim).collect();
    let passes = move |name: &str| {
        let is = |other: &&str| name.eq_ignore_ascii_case(other);
        !(HOP_BY_HOP.iter().any(is) || ANEW.iter().any(is) || named.iter().any(is))
    };
    headers.iter().filter(move |(name, _)| passes(name)).cloned()
}

/// What remains of the encodings that a client accepts.
fn undoable(accepted: &str) -> String {
    let is_known = |coding: &&str| {
        let name = coding.split(';').next().unwrap_or_default().trim();
        ENCODINGS.iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    let left: Vec<&str> = accepted.split(',').map(str::trim).filter(is_known).collect();
    if left.is_empty() { "identity".to_owned() } else { left.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(address: &str) -> Result<Upstream, UpstreamError> {
        Upstream::new(address, Duration::from_secs(1))
    }

    #[test]
    fn only_servers_are_recorded_and_others_machines_only_over_tls() {
        #[track_caller]
        fn check(address: &str, expected: &str) {
            let told = upstream(address).map_or_else(|error| error.to_string(), |upstream| upstream.authority());
            assert!(told.contains(expected), "{address}: {told}");
        }
        check("https://api.example.com", "api.example.com");
        check("https://api.example.com:8443/base/", "api.example.com:8443");
        check("http://127.0.0.1:8080", "127.0.0.1:8080");
        check("http://[::1]:80", "[::1]");
        check("http://localhost:1", "localhost:1");
        check("http://api.example.com", "use https");
        check("http://10.0.0.1", "use https");
        check("ftp://api.example.com", "no address of a server");
        check("api.example.com", "no address of a server");
        check("https://user:canary@api.example.com", "leave it to the client");
        check("https://api.example.com/?a=b", "query or a fragment");
        let bad = upstream("x user:canary@h").expect_err("is none").to_string();
        assert!(!bad.contains("canary"), "{bad}");
    }

    #[test]
    fn what_belongs_to_one_connection_is_not_passed_on() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let request = WireRequest {
            method: "POST".to_owned(),
            host: None,
            target: "/send?a=%2f".to_owned(),
            headers: vec![
                header("host", "127.0.0.1:1"),
                header("connection", "close, X-Hop"),
                header("x-hop", "1"),
                header("keep-alive", "timeout=5"),
                header("te", "trailers"),
                header("content-length", "3"),
                header("accept-encoding", "br, gzip;q=0.5, zstd"),
                header("authorization", "Basic x"),
            ],
            body: b"a=b".to_vec(),
        };
        let sent = upstream("https://api.example.com:8443/base/").expect("an address").request(&request);
        assert_eq!((sent.target.as_str(), sent.host.as_deref()), ("/base/send?a=%2f", Some("api.example.com")));
        let expected = [
            header("host", "api.example.com:8443"),
            header("accept-encoding", "gzip;q=0.5"),
            header("authorization", "Basic x"),
        ];
        assert_eq!(sent.headers, expected);
        assert_eq!(undoable("br"), "identity");
    }
}
