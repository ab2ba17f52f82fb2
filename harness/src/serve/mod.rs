//! Carries a [`Responder`] over HTTP/1.1: the same answers as in-process, for any client.

mod cassettes;
mod connection;
mod disturbed;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use cassettes::Cassettes;

use crate::wire::Responder;

/// Listens on one address.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Takes the address; port 0 is any free one.
    ///
    /// # Errors
    /// What the system says, above all where the port is taken.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
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
                        let _ = socket.set_nodelay(true);
                        connections.spawn(connection::serve(socket, self.address, Arc::clone(&responder)));
                    }
                    // The client gave up, or this process has no descriptor left: both pass.
                    Err(_) => tokio::task::yield_now().await,
                },
            }
        }
    }
}
