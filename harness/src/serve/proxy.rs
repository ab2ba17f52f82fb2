//! A forward proxy for clients whose address is fixed: it answers for the hosts that it knows, ends their TLS itself,
//! and forwards nothing to anybody.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;

use super::authority::{Authority, AuthorityError};
use super::connection::{self, Whose};
use super::disturbed::{Disturbable, Plan, Socket};
use crate::wire::AsyncResponder;

/// For which hosts somebody answers.
pub trait Hosts: Send + Sync {
    /// The hosts by name, for texts.
    fn names(&self) -> Vec<String>;

    /// The domains that they lie in, for the authority that vouches for them.
    fn domains(&self) -> Vec<String> {
        self.names()
    }

    /// Whether this is one of them; in lower case, without a port.
    fn answers_for(&self, host: &str) -> bool;
}

/// A proxy and its own authority.
pub struct Proxy {
    authority: Authority,
    hosts: Arc<dyn Hosts>,
}

impl Proxy {
    /// For these hosts, with an authority made now.
    ///
    /// # Errors
    /// [`AuthorityError`] where there is no randomness or no sensible time.
    pub fn new(hosts: Arc<dyn Hosts>, now: Timestamp) -> Result<Self, AuthorityError> {
        Ok(Self { authority: Authority::new(&hosts.domains(), now)?, hosts })
    }

    /// The certificate that clients must trust, as PEM.
    pub fn certificate(&self) -> String {
        self.authority.pem()
    }

    fn refusal(&self, host: &str) -> Response<Full<Bytes>> {
        let host: String = host.chars().filter(|c| !c.is_control()).take(100).collect();
        let text = format!(
            "This proxy answers for {} only, and forwards nothing: there is no way to {host} through it.\n",
            self.hosts.names().join(", ")
        );
        plain(StatusCode::FORBIDDEN, text)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("authority", &self.authority).field("hosts", &self.hosts.names()).finish()
    }
}

/// Serves one connection to the proxy. What is for the carrier itself (controls, clients with another base address)
/// comes this way too.
pub(super) async fn serve<S>(socket: S, address: SocketAddr, proxy: Arc<Proxy>, responder: Arc<dyn AsyncResponder>)
where
    S: Socket + Send + 'static,
{
    let plan = Plan::default();
    let service = hyper::service::service_fn(|request: Request<Incoming>| {
        let (proxy, responder, plan) = (Arc::clone(&proxy), Arc::clone(&responder), plan.clone());
        async move {
            if request.method() == Method::CONNECT {
                return Ok(connect(request, &proxy, responder));
            }
            // Absolute-form (RFC 9112 §3.2.2): plain http through the proxy.
            let asked = request.uri().authority().and_then(|authority| connection::meant(authority.as_str(), address));
            if let Some(host) = asked.filter(|host| !proxy.hosts.answers_for(host)) {
                return Ok(proxy.refusal(&host));
            }
            connection::answer(request, &Whose::Own(address), &*responder, &plan).await
        }
    });
    let socket = Disturbable::new(socket, plan.clone());
    let connection = connection::http().serve_connection(TokioIo::new(socket), service).with_upgrades();
    let _: Result<(), hyper::Error> = connection.await;
}

/// Opens a tunnel that ends here.
fn connect(request: Request<Incoming>, proxy: &Proxy, responder: Arc<dyn AsyncResponder>) -> Response<Full<Bytes>> {
    let Some(host) = request.uri().authority().map(|authority| authority.host().to_ascii_lowercase()) else {
        return plain(StatusCode::BAD_REQUEST, "CONNECT needs a host and a port.\n".to_owned());
    };
    if !proxy.hosts.answers_for(&host) {
        return proxy.refusal(&host);
    }
    let tls = match proxy.authority.tls(&host) {
        Ok(tls) => tls,
        Err(error) => return plain(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    };
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        // A client that hangs up, or does not trust the certificate, has said what it had to say.
        let Ok(upgraded) = upgraded.await else { return };
        let Ok(stream) = tls.accept(TokioIo::new(upgraded)).await else { return };
        connection::serve(stream, Whose::Host(host), responder).await;
    });
    Response::new(Full::default())
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
