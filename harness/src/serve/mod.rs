//! Carries a [`Responder`] or an [`AsyncResponder`] over HTTP/1.1: the same answers as in-process, for any client.

mod authority;
mod cassettes;
mod connection;
mod disturbed;
#[cfg(test)]
mod disturbed_tests;
mod proxy;
#[cfg(test)]
mod tests;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) use authority::valid_for;
pub use authority::{Authority, AuthorityError};
pub use cassettes::Cassettes;
pub(crate) use cassettes::{answer as played, not_recorded, sent};
pub use proxy::{Hosts, Proxy};
pub use tls::{Tls, TlsError};

use crate::wire::{AsyncResponder, AtOnce, Responder};

/// How long is waited after a connection could not be taken.
const BREATH: Duration = Duration::from_millis(50);

/// Listens on one address.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
    proxy: Option<Arc<Proxy>>,
}

impl Server {
    /// Takes the address; port 0 is any free one.
    ///
    /// # Errors
    /// What the system says, above all where the port is taken.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, tls: None, proxy: None })
    }

    /// Speaks TLS on every connection.
    #[must_use]
    pub fn with_tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Is a proxy as well.
    #[must_use]
    pub fn with_proxy(self, proxy: Proxy) -> Self {
        Self { proxy: Some(Arc::new(proxy)), ..self }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `over` is ready; connections that are open then are dropped.
    pub async fn run(self, responder: Arc<dyn Responder>, over: impl Future<Output = ()>) {
        self.run_async(Arc::new(AtOnce(responder)), over).await;
    }

    /// As [`Server::run`], with answers that may take their time.
    pub async fn run_async(self, responder: Arc<dyn AsyncResponder>, over: impl Future<Output = ()>) {
        let mut connections = JoinSet::new();
        let mut over = std::pin::pin!(over);
        loop {
            tokio::select! {
                biased;
                () = &mut over => return,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) => {
                        let line = Line {
                            address: self.address,
                            tls: self.tls.clone(),
                            proxy: self.proxy.clone(),
                            responder: Arc::clone(&responder),
                        };
                        connections.spawn(line.serve(socket));
                    }
                    // The client gave up, or this process has no descriptor left: both pass, the latter not at once.
                    Err(_) => tokio::time::sleep(BREATH).await,
                },
            }
        }
    }
}

/// What a connection needs.
struct Line {
    address: SocketAddr,
    tls: Option<Tls>,
    proxy: Option<Arc<Proxy>>,
    responder: Arc<dyn AsyncResponder>,
}

impl Line {
    async fn serve(self, socket: TcpStream) {
        let _ = socket.set_nodelay(true);
        match self.tls.clone() {
            None => self.speak(socket).await,
            Some(tls) => {
                // A client that does not like the certificate hangs up, and that is its answer.
                if let Ok(stream) = tls.accept(socket).await {
                    self.speak(stream).await;
                }
            }
        }
    }

    async fn speak<S: disturbed::Socket + Send + 'static>(self, stream: S) {
        let Self { address, proxy, responder, .. } = self;
        match proxy {
            None => connection::serve(stream, connection::Whose::Own(address), responder).await,
            Some(proxy) => proxy::serve(stream, address, proxy, responder).await,
        }
    }
}
