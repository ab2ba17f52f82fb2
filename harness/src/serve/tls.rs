//! Ends TLS in front of a carrier, with whatever certificate a test or the proxy wants to show.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rcgen::KeyPair;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

/// How long a client may take for its part of the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Shows one certificate to every client, and then speaks HTTP/1.1 under it.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
}

/// Why a certificate cannot be shown.
#[derive(Debug, Error)]
pub enum TlsError {
    /// Key and certificate do not belong together, or the key is of a kind that TLS does not know.
    #[error("this certificate and key cannot be used for TLS: {0}; give a certificate and its own private key")]
    Unusable(#[from] tokio_rustls::rustls::Error),
}

impl Tls {
    /// With a chain of certificates, the leaf first, and the leaf's key. Nothing about them is judged here: that they
    /// expired, or are for another name, is for the client to find.
    ///
    /// # Errors
    /// [`TlsError`] where chain and key do not belong together.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Result<Self, TlsError> {
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// The server's part of the handshake.
    ///
    /// # Errors
    /// What the client did not like, or that it took more than ten seconds.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, socket: S) -> io::Result<TlsStream<S>> {
        tokio::time::timeout(HANDSHAKE, self.acceptor.accept(socket)).await?
    }
}

impl fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
