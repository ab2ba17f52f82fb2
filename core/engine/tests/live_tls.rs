//! The live transport against servers on loopback that speak TLS: whom it trusts, that whoever it
//! does not trust is not told one byte, and what an administrator is told then.
//!
//! Where a system keeps its trusted roots is its own matter; on Linux a process can be given
//! others by `SSL_CERT_FILE`, which is read when the client is built. So each exchange happens in
//! a process of its own, and what needs a trusted root is tested there only.

#![allow(clippy::unwrap_used, reason = "all of this file is a test, helpers outside of test functions too")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use std::{env, fs};

use countersign::secrets::{Secret, Secrets};
use countersign::transport::{LiveTransport, Outgoing, Transport as _};
use countersign_plugin::http::{TransportFailure, TransportFailureKind};
use countersign_plugin::{Endpoint, Request, SecretRef};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use url::Url;

const TOKEN: &str = "canary-token-7291";
const NUMBER: &str = "+15005550006";

/// Whom the child asks, and the file into which it writes what came of it.
const BASE: &str = "LIVE_TLS_BASE";
const ANSWER: &str = "LIVE_TLS_ANSWER";

/// What a child reports: the status, or why there is none.
type Answer = Result<u16, TransportFailure>;

#[test]
fn who_vouches_for_itself_is_not_trusted() {
    let key = KeyPair::generate().unwrap();
    let own = named("localhost").self_signed(&key).unwrap();
    let server = Server::start(own.der(), &key, "");
    refused(server, &Authority::new(), "comes from an unknown issuer");
}

#[test]
fn an_authority_that_nobody_knows_is_not_trusted() {
    let known = Authority::named("known");
    let server = Authority::named("unknown").server(&named("localhost"), "");
    refused(server, &known, "comes from an unknown issuer");
    // Nor is one that merely bears the name of one that is known.
    let server = Authority::named("known").server(&named("localhost"), "");
    refused(server, &known, "was not signed by the authority that it names");
}

#[test]
#[cfg(target_os = "linux")]
fn a_certificate_that_expired_is_not_trusted() {
    let authority = Authority::new();
    let mut expired = named("localhost");
    expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let server = authority.server(&expired, "");
    let detail = refused(server, &authority, "expired");
    let days: u64 = detail.split_whitespace().find_map(|word| word.parse().ok()).unwrap();
    assert!(days > 2000 && detail.contains("days ago"), "{detail}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_certificate_that_is_not_valid_yet_is_not_trusted() {
    let authority = Authority::new();
    let mut early = named("localhost");
    early.not_before = rcgen::date_time_ymd(4000, 1, 1);
    let server = authority.server(&early, "");
    refused(server, &authority, "is not valid yet, only in");
}

#[test]
#[cfg(target_os = "linux")]
fn a_certificate_for_another_name_is_not_trusted() {
    let authority = Authority::new();
    let server = authority.server(&named("other.example"), "");
    refused(server, &authority, "is not valid for this name, but for `other.example`;");
    // A server that nobody trusts may say what it likes, and as much as it likes.
    let many = (0..5).map(|number| format!("n{number}.example")).collect::<Vec<_>>();
    let server = authority.server(&CertificateParams::new(many).unwrap(), "");
    let few = "but for `n0.example`, `n1.example`, `n2.example` and 2 more;";
    refused(server, &authority, few);
    let server = authority.server(&CertificateParams::default(), "");
    refused(server, &authority, "but for no name at all;");
}

#[test]
#[cfg(target_os = "linux")]
fn a_system_that_trusts_nobody_says_so() {
    let authority = Authority::new();
    let server = authority.server(&named("localhost"), "");
    let failure = asked(&server.base, "").unwrap_err();
    assert_eq!(failure.kind, TransportFailureKind::NotSent);
    assert!(failure.detail.contains("install this system's trusted root certificates"), "{failure:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_certificate_that_is_right_is_trusted() {
    let authority = Authority::new();
    let server = authority.server(&named("localhost"), "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}");
    assert_eq!(ask(&server, &authority), Ok(201));
    let served = server.end();
    assert!(served.established && served.read.contains("Basic ") && served.read.contains("To=%2B15005550006"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_redirect_to_another_host_is_not_followed() {
    let authority = Authority::new();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let location = format!("https://127.0.0.1:{}/", elsewhere.local_addr().unwrap().port());
    let redirect = format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    let server = authority.server(&named("localhost"), &redirect);
    assert_eq!(ask(&server, &authority), Ok(307));
    assert!(server.end().established);
    elsewhere.set_nonblocking(true).unwrap();
    assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
}

#[tokio::test]
#[ignore = "is what the tests above run as their child"]
async fn the_child_that_asks() {
    let base = env::var(BASE).expect("is set by the test that starts this");
    let answer = env::var_os(ANSWER).expect("is set by the test that starts this");
    let token = SecretRef::named("auth_token");
    let request = Request::post(Endpoint::new(&base).path([NUMBER]))
        .basic_auth("AC1", &token)
        .form([("To", NUMBER)])
        .form([("Secret", &token)]);
    let url = Url::parse(&request.url).unwrap();
    let secrets = Secrets::from_iter([("auth_token".to_owned(), Secret::new(TOKEN))]);
    let time_left = Duration::from_secs(20);
    let outgoing = Outgoing { request: &request, url: &url, secrets: &secrets, time_left };
    let sent: Answer = LiveTransport::default().send(outgoing).await.map(|reply| reply.status);
    fs::write(answer, serde_json::to_vec(&sent).unwrap()).unwrap();
}

/// This server is refused with these words, and is not told a byte of the request.
#[track_caller]
fn refused(server: Server, trusted: &Authority, words: &str) -> String {
    let failure = ask(&server, trusted).unwrap_err();
    assert_eq!(failure.kind, TransportFailureKind::NotSent, "{failure:?}");
    let detail = failure.detail;
    assert!(detail.starts_with("the certificate of `localhost` "), "{detail}");
    // Other systems may know less about why.
    assert!(!cfg!(target_os = "linux") || detail.contains(words), "no {words:?} in {detail:?}");
    assert!(!detail.contains(TOKEN) && !detail.contains(&NUMBER[1..]) && !detail.contains('\n'), "{detail:?}");
    let served = server.end();
    assert!(!served.established && served.read.is_empty(), "the server was told {:?}", served.read);
    detail
}

/// What comes of asking this server, in a process that trusts this authority alone.
fn ask(server: &Server, trusted: &Authority) -> Answer {
    asked(&server.base, &trusted.0.pem())
}

fn asked(base: &str, roots: &str) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let (trusted, answer) = (folder.path().join("roots.pem"), folder.path().join("answer.json"));
    fs::write(&trusted, roots).unwrap();
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "the_child_that_asks", "--ignored"])
        .env("SSL_CERT_FILE", &trusted)
        .env_remove("SSL_CERT_DIR")
        // Loopback is asked directly, whatever this machine has as a proxy.
        .envs([("NO_PROXY", "*"), ("no_proxy", "*")])
        .env(BASE, base)
        .env(ANSWER, &answer)
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    let printed = format!("{child:?}");
    assert!(!printed.contains(TOKEN) && !printed.contains(&NUMBER[1..]), "{printed}");
    serde_json::from_slice(&fs::read(answer).unwrap()).unwrap()
}

/// Somebody who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        Self::named("known")
    }

    fn named(name: &str) -> Self {
        let mut root = CertificateParams::default();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap())
    }

    /// A server with a certificate that this authority signed.
    fn server(&self, params: &CertificateParams, reply: &str) -> Server {
        let key = KeyPair::generate().unwrap();
        Server::start(params.signed_by(&key, &self.0).unwrap().der(), &key, reply)
    }
}

fn named(host: &str) -> CertificateParams {
    CertificateParams::new([host.to_owned()]).unwrap()
}

/// Serves one connection.
struct Server {
    base: String,
    thread: JoinHandle<Served>,
}

/// What a server saw.
struct Served {
    /// Whether the client trusted it.
    established: bool,
    /// What the client said, decrypted.
    read: String,
}

impl Server {
    fn start(certificate: &CertificateDer<'static>, key: &KeyPair, reply: &str) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let reply = reply.to_owned();
        let thread = std::thread::spawn(move || serve(connection, listener.accept().unwrap().0, &reply));
        Self { base, thread }
    }

    /// What it saw.
    fn end(self) -> Served {
        self.thread.join().unwrap()
    }
}

/// Answers one request, if the client makes one, and collects what it says.
fn serve(mut connection: ServerConnection, mut stream: TcpStream, reply: &str) -> Served {
    // It fails where the client refuses the certificate.
    let established = connection.complete_io(&mut stream).is_ok();
    let mut stream = StreamOwned::new(connection, stream);
    let (mut read, mut some) = (String::new(), [0; 4096]);
    while let Ok(length @ 1..) = stream.read(&mut some) {
        read.push_str(std::str::from_utf8(&some[..length]).unwrap());
        if read.ends_with(&format!("Secret={TOKEN}")) {
            stream.write_all(reply.as_bytes()).unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
            break;
        }
    }
    Served { established, read }
}
