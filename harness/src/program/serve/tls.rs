//! `serve --tls-fault`: a carrier whose certificate is wrong in one way.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::Args;
use countersign::clock::{Clock as _, SystemClock};
use countersign_harness::fault::{CATALOG, CertificateError, Fault, FaultyCertificate, Place, UnknownFault, fault};
use countersign_harness::serve::Server;
use thiserror::Error;

#[derive(Debug, Args)]
#[command(next_help_heading = "With a certificate that nobody must accept")]
pub(super) struct TlsArguments {
    /// Speaks TLS, and shows a certificate with this fault: tls-expired, tls-wrong-name or tls-self-signed.
    #[arg(long, value_name = "ID", value_parser = connection_fault, conflicts_with = "proxy")]
    tls_fault: Option<&'static Fault>,
    /// Where to write the certificate of the authority behind it (PEM). A client that trusts that one finds nothing
    /// wrong but the fault.
    #[arg(long, value_name = "FILE", requires = "tls_fault")]
    tls_ca_out: Option<PathBuf>,
}

/// Why there is no such certificate.
#[derive(Debug, Error)]
pub(super) enum TlsFaultError {
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("{}: cannot be written ({kind}); name another file by --tls-ca-out", path.display())]
    Unwritable { path: PathBuf, kind: io::ErrorKind },
}

impl TlsArguments {
    pub(super) const fn is_some(&self) -> bool {
        self.tls_fault.is_some()
    }

    /// The server as the arguments want it.
    pub(super) fn applied(&self, server: Server) -> Result<Server, TlsFaultError> {
        let Some(fault) = self.tls_fault else { return Ok(server) };
        let names = ["localhost".to_owned(), super::reachable(server.address()).ip().to_string()];
        let FaultyCertificate { tls, authority } = FaultyCertificate::new(fault, &names, SystemClock.now())?;
        if let Some(path) = &self.tls_ca_out {
            fs::write(path, authority)
                .map_err(|error| TlsFaultError::Unwritable { path: path.clone(), kind: error.kind() })?;
        }
        Ok(server.with_tls(tls))
    }
}

fn connection_fault(id: &str) -> Result<&'static Fault, String> {
    let known = fault(id).map_err(|error: UnknownFault| error.to_string())?;
    if known.place == Place::Connection {
        return Ok(known);
    }
    let ids: Vec<_> = CATALOG.iter().filter(|fault| fault.place == Place::Connection).map(|fault| fault.id).collect();
    Err(format!("it is not a fault of a connection; those are {}", ids.join(", ")))
}
