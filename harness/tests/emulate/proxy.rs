//! The program as a proxy, for clients whose address is fixed.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::program::{Emulating, Got, PROGRAM, exchange};

/// Opens a tunnel; what the proxy said, and the tunnel.
fn connect(proxy: &str, target: &str) -> (String, TcpStream) {
    let mut socket = TcpStream::connect(proxy).unwrap();
    write!(socket, "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    (String::from_utf8(head).unwrap(), socket)
}

/// A client that trusts this certificate and no other.
fn trusting(certificate: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// A request to a host, over https, through the proxy.
fn ask(proxy: &str, trust: &Arc<ClientConfig>, host: &'static str, request: &str) -> Got {
    let (head, socket) = connect(proxy, &format!("{host}:443"));
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let client = ClientConnection::new(Arc::clone(trust), ServerName::try_from(host).unwrap()).unwrap();
    exchange(StreamOwned::new(client, socket), request)
}

#[test]
fn clients_whose_address_is_fixed_are_answered_over_https() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let emulating = Emulating::start(&["--proxy", "--ca-out", file.to_str().unwrap()]);
    let pem = fs::read_to_string(&file).unwrap();
    assert!(pem.matches("-----BEGIN").count() == 1 && pem.contains("BEGIN CERTIFICATE"), "{pem}");
    let trust = trusting(&file);
    let key = emulating.value("export EMULATOR_AUTHY_KEY");
    // Whatever the client calls the host within the tunnel.
    for host in ["api.authy.com", "localhost"] {
        let request = format!(
            "GET /protected/json/app/details HTTP/1.1\r\nHost: {host}\r\nX-Authy-API-Key: {key}\r\nConnection: close\r\n\r\n"
        );
        let got = ask(&emulating.address, &trust, "api.authy.com", &request);
        assert_eq!(got.status, 200, "{}", got.text);
    }
    let request = "GET /v2/Services HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for host in ["verify.twilio.com", "api.twilio.com", "api.dublin.ie1.twilio.com"] {
        let got = ask(&emulating.address, &trust, host, request);
        assert!(got.status == 401 && got.text.contains("20003"), "{host}: {}", got.text);
    }
    // The controls are no host's.
    let request = "GET /_countersign/inbox HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(ask(&emulating.address, &trust, "api.twilio.com", request).status, 401);
}

#[test]
fn there_is_no_way_to_any_other_host() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let emulating = Emulating::start(&["--proxy", "--ca-out", file.to_str().unwrap()]);
    for target in
        ["example.com:443", "twilio.com.evil.example:443", "www.twilio.com:443", "127.0.0.1:22", "apitwilio.com:443"]
    {
        let (head, mut socket) = connect(&emulating.address, target);
        assert!(head.starts_with("HTTP/1.1 403"), "{target}: {head}");
        let mut text = [0; 60];
        socket.read_exact(&mut text).unwrap();
        assert!(text.starts_with(b"This proxy answers for api.twilio.com, "), "{target}");
    }
    let plain = |target: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", emulating.address);
        exchange(TcpStream::connect(&emulating.address).unwrap(), &request)
    };
    let got = plain("http://example.com/v2/Services");
    assert!(got.status == 403 && got.text.contains("no way to example.com"), "{}", got.text);
    let got = plain("http://verify.twilio.com/v2/Services");
    assert!(got.status == 401 && got.text.contains("20003"), "{}", got.text);
}

#[test]
fn cassettes_are_played_to_fixed_addresses_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let cassette =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/twilio-voice/authy-test-credentials-good.har");
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--proxy", "--ca-out"]).arg(&file).arg("--cassette").arg(cassette);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening on http://").unwrap().to_owned();
    // It is written before the first line.
    let trust = trusting(&file);
    let request = "GET /protected/json/app/details HTTP/1.1\r\nHost: api.authy.com\r\nX-Authy-API-Key: k\r\nConnection: close\r\n\r\n";
    let got = ask(&address, &trust, "api.authy.com", request);
    assert!(got.status == 200 && got.text.contains("\"success\": true"), "{}", got.text);
    assert!(connect(&address, "api.twilio.com:443").0.starts_with("HTTP/1.1 403"));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
