//! `serve`: cassettes or the emulator behind an HTTP address, until the program is interrupted.

mod callbacks;
mod cassettes;
mod emulate;
mod tls;

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use countersign_harness::serve::{Hosts, Proxy, Server};
use countersign_harness::wire::Responder;
use jiff::Timestamp;

use super::Exit;

/// What `serve` is given.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A cassette (.har), or a folder, which is searched for them; may be given several times.
    #[arg(long, value_name = "PATH", num_args = 1.., required_unless_present = "emulate", conflicts_with = "emulate")]
    cassette: Vec<PathBuf>,
    /// Answers as that provider would, statefully and on a clock that can be moved, instead of from cassettes.
    #[arg(long, value_name = "PROVIDER", value_enum)]
    emulate: Option<Provider>,
    /// Where to listen. Port 0 is any free one. Whoever names an address other than loopback lets others in.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: SocketAddr,
    #[command(flatten)]
    identity: emulate::Identity,
    #[command(flatten)]
    proxy: ProxyArguments,
    #[command(flatten)]
    tls: tls::TlsArguments,
}

/// Whom the emulator can be.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Provider {
    /// Twilio Verify, Programmable Voice, messages, Lookup, and the Authy-style service.
    Twilio,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "As a proxy, for clients whose address is fixed")]
struct ProxyArguments {
    /// Is an HTTP proxy, too: answers for the provider's hosts itself, also over https (CONNECT), and for no other.
    ///
    /// Set HTTPS_PROXY to the address that is printed, and let the client trust the certificate in FILE.
    #[arg(long, requires = "ca_out")]
    proxy: bool,
    /// Where to write the certificate of the proxy's own authority (PEM). A new one is made at each start; its key is
    /// never written, and it is good for the provider's hosts only.
    #[arg(long, requires = "proxy", value_name = "FILE")]
    ca_out: Option<PathBuf>,
}

/// Serves, and tells at the end what there is to tell.
pub(super) fn run(arguments: Arguments, out: &mut impl Write) -> io::Result<Exit> {
    let Arguments { cassette, emulate, listen, identity, proxy, tls } = arguments;
    let place = Place { listen, ca_out: proxy.ca_out, tls };
    match emulate {
        Some(Provider::Twilio) => emulate::run(identity, &place, out),
        None => cassettes::run(&cassette, &place, out),
    }
}

/// Where to serve.
struct Place {
    listen: SocketAddr,
    /// Where the certificate of the proxy's authority goes, if there is to be a proxy.
    ca_out: Option<PathBuf>,
    tls: tls::TlsArguments,
}

impl Place {
    /// Where a client on this machine finds what is served there.
    fn base(&self, address: SocketAddr) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", reachable(address))
    }

    /// Serves until interrupted; `beside` runs meanwhile, and `told` says what is to be known, below
    /// the first line. `Some` says that it could not.
    fn serve<R: Responder + Hosts + 'static>(
        &self,
        responder: &Arc<R>,
        out: &mut impl Write,
        beside: impl Future<Output = ()> + Send + 'static,
        told: impl FnOnce(&mut dyn Write, SocketAddr) -> io::Result<()>,
    ) -> io::Result<Option<Exit>> {
        let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
            return Ok(Some(Exit::Internal));
        };
        runtime.block_on(async {
            let mut server = match Server::bind(self.listen).await {
                Ok(server) => server,
                Err(error) => {
                    let listen = self.listen;
                    writeln!(out, "BAD   {listen}: cannot listen there ({error}); name another address by --listen")?;
                    return Ok(Some(Exit::BadFile));
                }
            };
            if let Some(path) = &self.ca_out {
                let proxy = match Proxy::new(Arc::clone(responder) as _, Timestamp::now()) {
                    Ok(proxy) => proxy,
                    Err(error) => {
                        writeln!(out, "BAD   --proxy: {error}")?;
                        return Ok(Some(Exit::Internal));
                    }
                };
                if let Err(error) = fs::write(path, proxy.certificate()) {
                    writeln!(
                        out,
                        "BAD   {}: cannot be written ({}); name another file by --ca-out",
                        path.display(),
                        error.kind()
                    )?;
                    return Ok(Some(Exit::BadFile));
                }
                server = server.with_proxy(proxy);
            }
            server = match self.tls.applied(server) {
                Ok(server) => server,
                Err(error) => {
                    writeln!(out, "BAD   --tls-fault: {error}")?;
                    return Ok(Some(Exit::BadFile));
                }
            };
            let scheme = if self.tls.is_some() { "https" } else { "http" };
            writeln!(out, "listening on {scheme}://{}", server.address())?;
            if let Some(path) = &self.ca_out {
                announce_proxy(server.address(), path, out)?;
            }
            told(out, server.address())?;
            out.flush()?;
            let beside = tokio::spawn(beside);
            server.run(Arc::clone(responder) as _, interrupted()).await;
            beside.abort();
            Ok(None)
        })
    }
}

fn announce_proxy(address: SocketAddr, certificate: &Path, out: &mut impl Write) -> io::Result<()> {
    let address = reachable(address);
    writeln!(out, "proxy on http://{address}, trusted by {}", certificate.display())
}

/// Where a client on this machine finds it.
pub(super) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback: std::net::IpAddr = match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    address
}

/// Ready when the person, or a supervisor, wants the program to end.
pub(super) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut ended) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = ended.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
