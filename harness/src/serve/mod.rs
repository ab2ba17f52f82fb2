//! Carries a [`Responder`] over HTTP/1.1: the same answers as in-process, for any client.

mod authority;
mod cassettes;
mod connection;
mod disturbed;
#[cfg(test)]
mod tests;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub use authority::{Authority, AuthorityError};
pub use cassettes::Cassettes;
pub use tls::{Tls, TlsError};

use crate::wire::Responder;

/// Listens on one address.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
}

impl Server {
    /// Takes the address; port 0 is any free one.
    ///
    /// # Errors
    /// What the system says, above all where the port is taken.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, tls: None })
    }

    /// Speaks TLS on every connection.
    #[must_use]
    pub fn with_tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `over` is ready; connections that are open then are dropped.
    pub async fn run(self, responder: Arc<dyn Responder>, over: impl Future<Output = ()>) {
        let mut connections = JoinSet::new();
        let mut over = std::pin::pin!(over);
        loop {
            tokio::select! {
                biased;
                () = &mut over => return,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) => {
                        connections.spawn(serve(socket, self.address, self.tls.clone(), Arc::clone(&responder)));
                    }
                    // The client gave up, or this process has no descriptor left: both pass.
                    Err(_) => tokio::task::yield_now().await,
                },
            }
        }
    }
}

/// Serves one connection. A client that does not like the certificate hangs up, and that is its answer.
async fn serve(socket: TcpStream, address: SocketAddr, tls: Option<Tls>, responder: Arc<dyn Responder>) {
    let _ = socket.set_nodelay(true);
    match tls {
        None => connection::serve(socket, address, responder).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(socket).await {
                connection::serve(stream, address, responder).await;
            }
        }
    }
}
