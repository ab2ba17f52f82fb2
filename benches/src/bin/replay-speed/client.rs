//! A client that asks as fast as it is answered, on connections that stay open.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use countersign_benches::exchanges::{self, ENTRIES, Exchange};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Connections of a round.
const CONNECTIONS: usize = 32;
/// Exchanges that a connection takes at once.
const BATCH: usize = 100;

/// The requests for one server, and the answer to each.
pub(crate) struct Client {
    address: SocketAddr,
    pairs: Arc<[Pair]>,
}

/// A request, and what must come back, head and body.
struct Pair {
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Client {
    /// Asks each exchange once, and takes its answer for the right one where its body is what `body` says.
    pub(crate) async fn acquainted<'e>(
        address: SocketAddr,
        exchanges: &'e [Exchange],
        body: impl Fn(&'e Exchange) -> &'e str,
    ) -> io::Result<Self> {
        let mut socket = TcpStream::connect(address).await?;
        let mut pairs = Vec::with_capacity(exchanges.len());
        for exchange in exchanges {
            let request = exchange.wire(&address.to_string());
            socket.write_all(&request).await?;
            let answer = answer(&mut socket, body(exchange).as_bytes()).await?;
            pairs.push(Pair { request, answer });
        }
        Ok(Self { address, pairs: pairs.into() })
    }

    /// The head of the answers, names and values in lower case.
    pub(crate) fn head(&self) -> Option<String> {
        let answer = &self.pairs.first()?.answer;
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
        Some(String::from_utf8_lossy(&answer[..end]).to_lowercase())
    }

    /// The time that so many exchanges take.
    pub(crate) async fn round(&self, exchanges: usize) -> io::Result<Duration> {
        let mut sockets = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let socket = TcpStream::connect(self.address).await?;
            socket.set_nodelay(true)?;
            sockets.push(socket);
        }
        let left = Arc::new(AtomicUsize::new(exchanges / BATCH));
        let started = Instant::now();
        let mut connections = JoinSet::new();
        for (number, socket) in sockets.into_iter().enumerate() {
            let offset = number * ENTRIES / CONNECTIONS;
            connections.spawn(converse(socket, Arc::clone(&self.pairs), Arc::clone(&left), offset));
        }
        while let Some(ended) = connections.join_next().await {
            ended??;
        }
        Ok(started.elapsed())
    }
}

/// Takes batches until none is left.
async fn converse(mut socket: TcpStream, pairs: Arc<[Pair]>, left: Arc<AtomicUsize>, offset: usize) -> io::Result<()> {
    let mut came = vec![0; pairs.iter().map(|pair| pair.answer.len()).max().unwrap_or_default()];
    let mut positions = exchanges::positions().skip(offset);
    let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    while take().is_ok() {
        for position in positions.by_ref().take(BATCH) {
            let pair = &pairs[position];
            let came = &mut came[..pair.answer.len()];
            socket.write_all(&pair.request).await?;
            socket.read_exact(came).await?;
            if *came != *pair.answer {
                return Err(wrong("an exchange got the answer of another"));
            }
        }
    }
    Ok(())
}

/// Reads an answer whose body must be this.
async fn answer(socket: &mut TcpStream, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    loop {
        if socket.read_buf(&mut answer).await? == 0 {
            return Err(wrong("the server closed the connection"));
        }
        let head = answer.windows(4).position(|window| window == b"\r\n\r\n");
        match head.map(|end| &answer[end + 4..]) {
            Some(came) if came == body => return Ok(answer),
            Some(came) if came.len() >= body.len() => return Err(wrong("an exchange got the answer of another")),
            _ => {}
        }
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
