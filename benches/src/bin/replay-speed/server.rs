//! The two servers. Each is this program again, in a process of its own.

use std::convert::Infallible;
use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _, stdin, stdout};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use countersign_benches::exchanges::{self, CONTENT_TYPE, STATUS};
use countersign_harness::serve::{Cassettes, Server};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE as CONTENT_TYPE_NAME, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Makes this program a server.
pub(crate) const ARGUMENT: &str = "serve";
/// The bare hyper server.
pub(crate) const BARE: &str = "bare hyper";
/// The harness's server with the cassette.
pub(crate) const CASSETTES: &str = "cassettes";

/// A server in a process of its own. It ends with this value.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Running {
    /// Starts the server of this name.
    pub(crate) fn start(name: &str) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([ARGUMENT, name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().ok_or("a server without output")?;
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse().map_err(|_| format!("the server said `{}`, not its address", line.trim()))?;
        Ok(Self { child, address })
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Where it is gone already, all is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the server of this name until its standard input ends.
pub(crate) fn run(name: &str) -> Result<(), Box<dyn Error>> {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let address = match name {
        BARE => {
            let listener = runtime.block_on(TcpListener::bind(any))?;
            let address = listener.local_addr()?;
            runtime.spawn(bare(listener));
            address
        }
        CASSETTES => {
            let cassettes = Cassettes::new(vec![exchanges::cassette(&exchanges::all())?]);
            let server = runtime.block_on(Server::bind(any))?;
            let address = server.address();
            runtime.spawn(server.run(Arc::new(cassettes), std::future::pending()));
            address
        }
        other => return Err(format!("there is no server `{other}`").into()),
    };
    writeln!(stdout(), "{address}")?;
    // Ends with the process that started it, however that ends.
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// The least that hyper can do: the same answer to everything, unread.
async fn bare(listener: TcpListener) {
    let body = exchanges::all().swap_remove(0).body;
    let body = Bytes::from(body);
    while let Ok((socket, _)) = listener.accept().await {
        let body = body.clone();
        let answer = move |_: Request<Incoming>| {
            let mut response = Response::new(Full::new(body.clone()));
            *response.status_mut() = StatusCode::from_u16(STATUS).unwrap_or_default();
            response.headers_mut().insert(CONTENT_TYPE_NAME, HeaderValue::from_static(CONTENT_TYPE.1));
            std::future::ready(Ok::<_, Infallible>(response))
        };
        tokio::spawn(async move {
            let _ = socket.set_nodelay(true);
            // What the carrier writes, too: no date, and names in the case of cassettes.
            let mut http = hyper::server::conn::http1::Builder::new();
            http.auto_date_header(false).title_case_headers(true);
            let _ = http.serve_connection(TokioIo::new(socket), service_fn(answer)).await;
        });
    }
}
