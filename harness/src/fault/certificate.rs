//! Certificates that are wrong in one way each, for a carrier to show.

use countersign_plugin::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use thiserror::Error;

use super::catalog::Fault;
use super::kind::{Certificate, Kind};
use crate::serve::{Tls, TlsError, valid_for};

/// The name of a certificate that is for somebody else (RFC 2606 §2).
const OTHER_NAME: &str = "wrong-name.invalid";

/// What a carrier shows under a fault of its connection.
#[derive(Debug)]
pub struct FaultyCertificate {
    /// Ends TLS with it.
    pub tls: Tls,
    /// The certificate of an authority, as PEM. Whoever trusts it finds that this one fault and no other is wrong.
    pub authority: String,
}

/// Why there is no such certificate.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// The fault is none of a certificate.
    #[error("fault `{fault}` is not one of a certificate; those are tls-expired, tls-wrong-name and tls-self-signed")]
    OtherFault {
        /// The fault.
        fault: &'static str,
    },
    /// A name is none that a certificate can bear, or the system gives no randomness.
    #[error("no certificate can be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A date beyond what certificates have (RFC 5280 §4.1.2.5).
    #[error("no certificate can be made: the clock of this machine is years off; set it")]
    Clock,
    /// It was made, and cannot be shown.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl FaultyCertificate {
    /// The certificate of that fault for a carrier with these names and addresses.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn new(fault: &'static Fault, names: &[String], now: Timestamp) -> Result<Self, CertificateError> {
        let Kind::Certificate(certificate) = fault.kind else {
            return Err(CertificateError::OtherFault { fault: fault.id });
        };
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "Countersign harness, for faults");
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        valid(&mut authority, now, (-100, 100))?;
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let names = match certificate {
            Certificate::WrongName => vec![OTHER_NAME.to_owned()],
            Certificate::Expired | Certificate::SelfSigned => names.to_vec(),
        };
        let mut params = CertificateParams::new(names)?;
        valid(
            &mut params,
            now,
            match certificate {
                Certificate::Expired => (-30, -1),
                Certificate::WrongName | Certificate::SelfSigned => (-1, 30),
            },
        )?;
        let key = KeyPair::generate()?;
        let leaf = match certificate {
            Certificate::SelfSigned => params.self_signed(&key)?,
            Certificate::Expired | Certificate::WrongName => params.signed_by(&key, &authority)?,
        };
        Ok(Self { tls: Tls::new(vec![leaf.der().clone()], &key)?, authority: authority.pem() })
    }
}

/// Valid between two days, counted from now.
fn valid(params: &mut CertificateParams, now: Timestamp, days: (i64, i64)) -> Result<(), CertificateError> {
    let second = i64::try_from(now.as_secs()).ok();
    let now = second.and_then(|second| jiff::Timestamp::from_second(second).ok());
    now.and_then(|now| valid_for(params, now, days)).ok_or(CertificateError::Clock)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::duplex;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::crypto::ring::default_provider;
    use tokio_rustls::rustls::pki_types::CertificateDer;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::{CertificateError as Refusal, ClientConfig, Error, RootCertStore};

    use super::*;
    use crate::fault::fault;

    /// What a client says that trusts the authority and nobody else.
    fn refusal(id: &str, names: &[&str]) -> Refusal {
        let seconds = jiff::Timestamp::now().as_second();
        let now = Timestamp::from_secs(u64::try_from(seconds).expect("after 1970"));
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let shown = FaultyCertificate::new(fault(id).expect("a fault"), &names, now).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(shown.authority.as_bytes()).expect("PEM")).expect("a root");
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let error = runtime.block_on(async {
            let (client, server) = duplex(1 << 16);
            tokio::spawn(async move { shown.tls.accept(server).await.map(drop) });
            let name = "localhost".try_into().expect("a name");
            TlsConnector::from(Arc::new(config)).connect(name, client).await.expect_err("is refused")
        });
        let error = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).expect("what TLS says").clone();
        match error {
            Error::InvalidCertificate(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_certificate_is_wrong_in_its_own_way() {
        let expired = refusal("tls-expired", &["localhost", "127.0.0.1"]);
        assert!(matches!(expired, Refusal::ExpiredContext { .. }), "{expired:?}");
        let wrong = refusal("tls-wrong-name", &["localhost"]);
        assert!(matches!(wrong, Refusal::NotValidForNameContext { .. }), "{wrong:?}");
        assert_eq!(refusal("tls-self-signed", &["localhost"]), Refusal::UnknownIssuer);
    }

    #[test]
    fn other_faults_have_no_certificate() {
        let now = Timestamp::from_secs(1_700_000_000);
        let error = FaultyCertificate::new(fault("delay").expect("a fault"), &[], now).expect_err("is no such fault");
        assert!(error.to_string().contains("tls-expired"), "{error}");
        let end = Timestamp::from_secs(300_000_000_000);
        assert!(FaultyCertificate::new(fault("tls-expired").expect("a fault"), &[], end).is_err());
    }
}
