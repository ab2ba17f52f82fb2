//! A certificate authority of the harness's own, made at each start: its key never leaves the memory of the process.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyPair, KeyUsagePurpose, NameConstraints,
};
use thiserror::Error;

use super::tls::{Tls, TlsError};

/// Days that its certificates are valid. Nobody runs a harness for longer, and nobody shall trust one for longer.
const DAYS: i64 = 30;

/// Vouches for the hosts that a proxy answers for, and for no other: its certificate says so, and clients hold it to
/// that (RFC 5280 §4.2.1.10).
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The key of every host's certificate: they all end in this process.
    leaf: KeyPair,
    now: Timestamp,
}

/// Why there is no certificate.
#[derive(Debug, Error)]
pub enum AuthorityError {
    /// The system gives no randomness, or a name is none that a certificate can bear.
    #[error("no certificate can be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A date beyond what calendars have.
    #[error("no certificate can be made: the clock of this machine reads {0}; set it")]
    Clock(Timestamp),
    /// It was made, and cannot be shown.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Authority {
    /// Makes one for these domains and the hosts below them, valid from the day before `now`.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn new(domains: &[String], now: Timestamp) -> Result<Self, AuthorityError> {
        let mut params = valid(CertificateParams::default(), now)?;
        let name = format!("Countersign harness, made {}", now.strftime("%Y-%m-%dT%H:%M:%SZ"));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let permitted_subtrees = domains.iter().cloned().map(GeneralSubtree::DnsName).collect();
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { issuer, leaf: KeyPair::generate()?, now })
    }

    /// Its certificate, for the clients that are to trust it.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Ends TLS as that host.
    ///
    /// # Errors
    /// [`AuthorityError`] where the host is no name.
    pub fn tls(&self, host: &str) -> Result<Tls, AuthorityError> {
        let mut params = valid(CertificateParams::new([host.to_owned()])?, self.now)?;
        params.distinguished_name.push(DnType::CommonName, host);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Strict clients ask which key of the authority it was.
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&self.leaf, &self.issuer)?;
        Ok(Tls::new(vec![certificate.der().clone()], &self.leaf)?)
    }
}

/// For so many days, and one before: clocks differ.
fn valid(mut params: CertificateParams, now: Timestamp) -> Result<CertificateParams, AuthorityError> {
    valid_for(&mut params, now, (-1, DAYS)).ok_or(AuthorityError::Clock(now))?;
    Ok(params)
}

/// Makes a certificate valid from the midnight that began one day to that of another, counted in days from now; `None`
/// where certificates have no such years (RFC 5280 §4.1.2.5).
pub(crate) fn valid_for(params: &mut CertificateParams, now: Timestamp, (from, to): (i64, i64)) -> Option<()> {
    let day = |days: i64| {
        let date = now.to_zoned(TimeZone::UTC).date().checked_add(days.days()).ok()?;
        let (month, day) = (u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?);
        (1950..=9999).contains(&date.year()).then(|| rcgen::date_time_ymd(date.year().into(), month, day))
    };
    (params.not_before, params.not_after) = day(from).zip(day(to))?;
    Some(())
}

impl fmt::Debug for Authority {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("made", &self.now).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::crypto::ring::default_provider;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use super::*;

    const HOST: &str = "api.twilio.com";

    fn authority() -> Authority {
        Authority::new(&["twilio.com".to_owned()], Timestamp::now()).expect("a certificate")
    }

    fn client(trusted: &Authority) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        let der = CertificateDer::from_pem_slice(trusted.pem().as_bytes()).expect("PEM");
        roots.add(der).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    /// Whether a client that trusts `trusted` and looks for `wanted` hears a server that shows itself as `shown`.
    async fn heard(trusted: &Authority, asked: &Authority, shown: &str, wanted: &'static str) -> bool {
        let (near, far) = tokio::io::duplex(16 * 1024);
        let tls = asked.tls(shown).expect("a name");
        let server = tokio::spawn(async move {
            if let Ok(mut stream) = tls.accept(far).await {
                let _ = stream.write_all(b"heard").await;
                let _ = stream.shutdown().await;
            }
        });
        let name = ServerName::try_from(wanted).expect("a name");
        let mut text = String::new();
        if let Ok(mut stream) = client(trusted).connect(name, near).await {
            stream.read_to_string(&mut text).await.expect("text");
        }
        server.await.expect("it ends");
        text == "heard"
    }

    #[tokio::test]
    async fn a_host_is_believed_by_those_who_trust_the_authority_and_by_nobody_else() {
        let authority = authority();
        assert!(heard(&authority, &authority, HOST, HOST).await);
        assert!(!heard(&super::tests::authority(), &authority, HOST, HOST).await, "another authority");
        assert!(!heard(&authority, &authority, "verify.twilio.com", HOST).await, "another name");
    }

    #[tokio::test]
    async fn trusting_the_authority_gives_nobody_else_away() {
        let authority = authority();
        assert!(!heard(&authority, &authority, "example.com", "example.com").await);
    }

    #[tokio::test]
    async fn certificates_of_another_day_are_not_believed() {
        let early = Timestamp::now().checked_sub(jiff::SignedDuration::from_hours(24 * 40)).expect("a time");
        let authority = Authority::new(&["twilio.com".to_owned()], early).expect("a certificate");
        assert!(!heard(&authority, &authority, HOST, HOST).await);
    }

    #[test]
    fn only_the_certificate_is_told() {
        let authority = authority();
        let pem = authority.pem();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
        assert_eq!(pem.matches("-----BEGIN").count(), 1);
        assert!(!format!("{authority:?}{:?}", authority.tls(HOST)).contains("PRIVATE"));
    }
}
