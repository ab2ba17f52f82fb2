//! The live transport: the only file that knows an HTTP client.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use countersign_plugin::Reply;
use countersign_plugin::http::{Auth, Body, FieldValue, Method, TransportFailure, TransportFailureKind};
use countersign_plugin::limits::REPLY_BODY_BYTES;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use rustls::CertificateError;
use rustls::pki_types::UnixTime;
use rustls_platform_verifier::BuilderVerifierExt as _;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::secrets::Secrets;
use crate::transport::{Outgoing, Transport};

/// Settings of the live transport.
#[derive(Clone, Copy, Debug)]
pub struct LiveSettings {
    /// Time for name, connection and TLS.
    pub connect: Duration,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5) }
    }
}

/// Real exchanges: TLS by rustls with the system's trusted roots, pooled connections, no
/// redirects, no repetition, bounded time and body. The clients are built at their first exchange,
/// so a host that never sends never pays for them. That is when Linux reads the trusted roots, from
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` where they are set; a root that is added later counts after
/// a restart. What could not be built is tried again.
///
/// The system's proxy (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) is honoured for https, which it carries as a
/// tunnel (`CONNECT`) and cannot read. Plain http, which is for loopback only, never goes through one.
#[derive(Debug, Default)]
pub struct LiveTransport {
    settings: LiveSettings,
    client: OnceLock<reqwest::Client>,
    /// For plain http.
    direct: OnceLock<reqwest::Client>,
}

impl LiveTransport {
    /// A transport with these settings.
    pub const fn new(settings: LiveSettings) -> Self {
        Self { settings, client: OnceLock::new(), direct: OnceLock::new() }
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, TransportFailure> {
        let tls = url.scheme() == "https";
        let slot = if tls { &self.client } else { &self.direct };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let built = builder(self.settings).and_then(|builder| {
            let builder = if tls { builder } else { builder.no_proxy() };
            builder.build().map_err(|error| error.to_string())
        });
        let built = built.map_err(|problem| not_sent(format!("the HTTP client cannot be built: {problem}")))?;
        Ok(slot.get_or_init(|| built))
    }
}

#[async_trait]
impl Transport for LiveTransport {
    async fn send(&self, outgoing: Outgoing<'_>) -> Result<Reply, TransportFailure> {
        let client = self.client(outgoing.url)?;
        let method = match outgoing.request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = client.request(method, outgoing.url.clone()).headers(headers(&outgoing)?);
        if let Some(body) = body(&outgoing)? {
            request = request.body(Bytes::from_owner(body));
        }
        let exchange = async {
            let response = request.send().await.map_err(|error| no_reply(&error, outgoing.url))?;
            read(response, outgoing.url).await
        };
        match tokio::time::timeout(outgoing.time_left, exchange).await {
            Ok(result) => result,
            Err(_) => {
                let detail = format!("no complete answer within {} s", outgoing.time_left.as_secs_f32());
                Err(TransportFailure::new(TransportFailureKind::NoAnswer, detail))
            }
        }
    }
}

fn builder(settings: LiveSettings) -> Result<reqwest::ClientBuilder, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_platform_verifier()
        .map_err(|error| format!("{error}; install this system's trusted root certificates (often `ca-certificates`)"))?
        .with_no_client_auth();
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(settings.connect)
        .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")));
    Ok(builder)
}

/// Header fields with the secrets in place.
fn headers(outgoing: &Outgoing<'_>) -> Result<HeaderMap, TransportFailure> {
    let mut headers = HeaderMap::new();
    match &outgoing.request.body {
        Some(Body::Form(_)) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        }
        Some(Body::Json(_)) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        None => {}
    }
    for (name, value) in &outgoing.request.headers {
        let parsed = HeaderName::from_bytes(name.as_bytes());
        let parsed = parsed.map_err(|_| refused(format!("`{name}` is not a header name")))?;
        headers.append(parsed, header_value(reveal(value, outgoing.secrets)?, name)?);
    }
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    let authorization = match &outgoing.request.auth {
        Some(Auth::Basic { user, password }) => {
            let user = reveal(user, outgoing.secrets)?;
            if user.contains(':') {
                return Err(refused("a basic-auth user must not contain a colon (RFC 7617)".to_owned()));
            }
            let password = reveal(password, outgoing.secrets)?;
            let pair = joined(&[&user, ":", &password]);
            Some(joined(&["Basic ", &Zeroizing::new(STANDARD.encode(pair.as_bytes()))]))
        }
        Some(Auth::Bearer { token }) => Some(joined(&["Bearer ", &reveal(token, outgoing.secrets)?])),
        None => None,
    };
    if let Some(authorization) = authorization {
        headers.insert(AUTHORIZATION, header_value(authorization, "authorization")?);
    }
    Ok(headers)
}

/// One text out of several, never grown: growing would leave copies behind that nobody wipes.
fn joined(parts: &[&str]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| text.push_str(part));
    text
}

/// The text becomes the value itself and is wiped with it.
fn header_value(text: Zeroizing<String>, name: &str) -> Result<HeaderValue, TransportFailure> {
    let bad = || refused(format!("the value of the header `{name}` holds characters that headers cannot carry"));
    // No line breaks and other controls: no header can be smuggled in. Beyond ASCII, servers disagree on the encoding.
    if !text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
        return Err(bad());
    }
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).map_err(|_| bad())?;
    value.set_sensitive(true);
    Ok(value)
}

fn body(outgoing: &Outgoing<'_>) -> Result<Option<Zeroizing<String>>, TransportFailure> {
    Ok(match &outgoing.request.body {
        None => None,
        Some(Body::Json(value)) => Some(Zeroizing::new(value.to_string())),
        Some(Body::Form(fields)) => {
            let revealed = fields.iter().map(|(name, value)| Ok((name, reveal(value, outgoing.secrets)?)));
            let revealed = revealed.collect::<Result<Vec<_>, TransportFailure>>()?;
            // Room for every byte as an escape, so that it never grows.
            let room = revealed.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
            let mut form = form_urlencoded::Serializer::new(String::with_capacity(room));
            for (name, value) in &revealed {
                form.append_pair(name, value);
            }
            Some(Zeroizing::new(form.finish()))
        }
    })
}

fn reveal(value: &FieldValue, secrets: &Secrets) -> Result<Zeroizing<String>, TransportFailure> {
    match value {
        FieldValue::Text(text) => Ok(Zeroizing::new(text.clone())),
        FieldValue::Secret(reference) => match secrets.named(reference.name()) {
            Some(secret) => Ok(Zeroizing::new(secret.expose().to_owned())),
            None => Err(refused(format!("this service has no secret setting `{}`", reference.name()))),
        },
    }
}

async fn read(mut response: reqwest::Response, url: &Url) -> Result<Reply, TransportFailure> {
    let status = response.status().as_u16();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value)));
    let headers: Vec<_> = headers.collect();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| no_reply(&error, url))? {
        if body.len() + chunk.len() > REPLY_BODY_BYTES {
            let detail = format!("the answer (HTTP {status}) is larger than {REPLY_BODY_BYTES} bytes");
            return Err(TransportFailure::new(TransportFailureKind::TooLarge, detail));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply::new(status, body).with_headers(headers))
}

/// Only a connection that never came about proves that nothing left.
fn no_reply(error: &reqwest::Error, url: &Url) -> TransportFailure {
    let host = url.host_str().unwrap_or_default();
    let kind = if error.is_connect() || error.is_builder() {
        TransportFailureKind::NotSent
    } else {
        TransportFailureKind::NoAnswer
    };
    // The outer texts name the address, whose path may hold a number; the root cause does not.
    let causes = || std::iter::successors(error.source(), |cause| (*cause).source());
    let detail = match (causes().find_map(tls_error), causes().last()) {
        (Some(rustls::Error::InvalidCertificate(refused)), _) => not_trusted(host, refused),
        (Some(other), _) => format!("TLS with `{host}` failed: {other}"),
        (None, Some(root)) if kind == TransportFailureKind::NotSent && error.is_connect() => unreachable(
            host,
            proxy(&Matcher::from_system(), url).as_deref(),
            &root.to_string(),
            url.scheme() == "https",
        ),
        (None, Some(root)) => root.to_string(),
        (None, None) => "the connection broke".to_owned(),
    };
    TransportFailure::new(kind, detail)
}

/// A connection that never came about, and what may be in its way.
fn unreachable(host: &str, proxy: Option<&str>, cause: &str, may_have_proxy: bool) -> String {
    match proxy {
        Some(proxy) => format!(
            "`{host}` cannot be reached through the proxy {proxy}: {cause}; check that proxy, HTTPS_PROXY and NO_PROXY"
        ),
        None if may_have_proxy => format!(
            "`{host}` cannot be reached: {cause}; check that this machine resolves the name (DNS) and its firewall lets \
             it connect, or set HTTPS_PROXY where this network has a proxy"
        ),
        None => format!("`{host}` cannot be reached: {cause}"),
    }
}

/// The proxy by which an address is reached, without its credentials; plain http never goes through one.
fn proxy(system: &Matcher, url: &Url) -> Option<String> {
    if url.scheme() != "https" {
        return None;
    }
    let proxy = system.intercept(&url.as_str().parse().ok()?)?;
    let uri = proxy.uri();
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}", uri.scheme_str()?, uri.host()?))
}

/// What TLS itself says. It travels inside of I/O errors, which do not name it as their source.
fn tls_error<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    match cause.downcast_ref::<std::io::Error>() {
        Some(outer) => tls_error(outer.get_ref()?),
        None => cause.downcast_ref(),
    }
}

/// Why a server's certificate does not count, and what is to be done. Some systems tell no more
/// than the kind of the matter.
fn not_trusted(host: &str, refused: &CertificateError) -> String {
    let what = match refused {
        CertificateError::Expired => "expired; the owner must renew it, unless this machine's clock is wrong".into(),
        CertificateError::ExpiredContext { time, not_after } => format!(
            "expired {} ago; the owner must renew it, unless this machine's clock is wrong",
            days(*not_after, *time)
        ),
        CertificateError::NotValidYet => "is not valid yet; is this machine's clock right?".into(),
        CertificateError::NotValidYetContext { time, not_before } => {
            format!("is not valid yet, only in {}; is this machine's clock right?", days(*time, *not_before))
        }
        CertificateError::NotValidForName => "is not valid for this name; is the address right?".into(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            format!("is not valid for this name, but for {}; is the address right?", names(presented))
        }
        CertificateError::UnknownIssuer => "comes from an unknown issuer; \
            if that is an authority of your own or of a proxy, add its root to this system's trusted certificates"
            .into(),
        CertificateError::BadSignature => {
            "was not signed by the authority that it names; somebody may stand in between".into()
        }
        CertificateError::Revoked => "was revoked by its issuer; the owner must replace it".into(),
        other => format!("was refused: {other}"),
    };
    format!("the certificate of `{host}` {what}")
}

/// The time between two moments, as whole days.
fn days(from: UnixTime, to: UnixTime) -> String {
    match to.as_secs().saturating_sub(from.as_secs()) / (24 * 60 * 60) {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// The first few names of a certificate, which come as `DnsName("a.b")`. Whoever answered there
/// may have put anything into them.
fn names(presented: &[String]) -> String {
    const SHOWN: usize = 3;
    const LONGEST: usize = 253;
    let clean = |name: &str| name.chars().take(LONGEST).flat_map(char::escape_debug).collect::<String>();
    let shown = presented.iter().take(SHOWN).map(|name| match name.split('"').nth(1) {
        Some(bare) => format!("`{}`", clean(bare)),
        None => clean(name),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    match presented.len() {
        0 => "no name at all".to_owned(),
        all if all > SHOWN => format!("{shown} and {} more", all - SHOWN),
        _ => shown,
    }
}

fn not_sent(detail: String) -> TransportFailure {
    TransportFailure::new(TransportFailureKind::NotSent, detail)
}

fn refused(detail: String) -> TransportFailure {
    TransportFailure::new(TransportFailureKind::Refused, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_be_reached_is_told_by_name_with_the_proxy_and_without_its_credentials() {
        let url = Url::parse("https://api.example.com/Accounts/AC1?To=%2B15005550006").unwrap();
        let system = Matcher::builder().https("http://ada:opensesame@proxy.example:3128").no("direct.example").build();
        let through = proxy(&system, &url).unwrap();
        let told = unreachable("api.example.com", Some(&through), "connection refused", true);
        assert!(told.starts_with("`api.example.com` cannot be reached through the proxy http://proxy.example:3128: "));
        assert!(!told.contains("opensesame") && !told.contains("ada") && told.contains("NO_PROXY"), "{told}");

        for direct in ["https://direct.example/", "http://127.0.0.1/"] {
            assert_eq!(proxy(&system, &Url::parse(direct).unwrap()), None, "{direct}");
        }
        let told = unreachable("api.example.com", None, "no such name", true);
        assert!(told.contains("(DNS)") && told.contains("HTTPS_PROXY") && told.contains("no such name"), "{told}");
    }
}
