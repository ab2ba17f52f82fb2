//! The program as a server, from outside.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-harness");

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(path)
}

fn program(cassette: &Path, listen: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--listen", listen, "--cassette"]).arg(cassette);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The program, and what its first line says it listens on.
fn serving(cassette: &Path) -> (Child, BufReader<std::process::ChildStdout>, String) {
    let mut child = program(cassette, "127.0.0.1:0").spawn().expect("the program starts");
    let mut out = BufReader::new(child.stdout.take().expect("is piped"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    let address = line.trim_end().strip_prefix("listening on http://").expect("the first line").to_owned();
    (child, out, address)
}

fn exchange(address: &str, request: &str) -> String {
    let mut socket = TcpStream::connect(address).expect("it listens");
    socket.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("text");
    answer
}

fn end(mut child: Child, mut out: BufReader<std::process::ChildStdout>) -> (i32, String) {
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    let mut text = String::new();
    out.read_to_string(&mut text).expect("text");
    (child.wait().expect("it ends").code().expect("by itself"), text)
}

const PATH: &str = "/v2/Services/VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#[test]
fn a_client_of_any_kind_is_answered_and_the_receipt_says_what_was_served() {
    let cassette = fixture("twilio-verify/test-credentials-good.har");
    let text = std::fs::read_to_string(&cassette).expect("a file");
    let har: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let (child, out, address) = serving(&cassette);
    for entry in har["log"]["entries"].as_array().expect("entries") {
        let request = &entry["request"];
        let url = url::Url::parse(request["url"].as_str().expect("an address")).expect("an address");
        let basic = request["headers"].as_array().expect("headers").iter();
        let basic = basic.filter(|header| header["name"] == "Authorization");
        let head: String =
            basic.map(|header| format!("Authorization: {}\r\n", header["value"].as_str().expect("text"))).collect();
        let target = url.path().to_owned() + &url.query().map_or_else(String::new, |query| format!("?{query}"));
        let answer =
            exchange(&address, &format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n{head}Connection: close\r\n\r\n"));
        let status = entry["response"]["status"].as_u64().expect("a number");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.ends_with(entry["response"]["content"]["text"].as_str().expect("a body")), "{answer}");
    }
    let (exit, text) = end(child, out);
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("entry 0") && text.contains("played 1 times, 1 as recorded "), "{text}");
}

#[test]
fn what_is_not_recorded_and_what_is_not_asked_for_fails_the_run() {
    let (child, out, address) = serving(&fixture("twilio-verify/test-credentials-good.har"));
    let request = format!("GET {PATH}/Nothing HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let answer = exchange(&address, &request);
    assert!(answer.starts_with("HTTP/1.1 501 ") && answer.contains("not_recorded"), "{answer}");
    let (exit, text) = end(child, out);
    assert_eq!(exit, 1, "{text}");
    assert!(text.contains("MISS  no recorded exchange answers GET"), "{text}");
    assert!(text.contains("not asked for"), "{text}");
}

#[test]
fn bad_files_and_addresses_are_told_before_anything_is_served() {
    let good = fixture("twilio-verify/cancel.har");
    for (cassette, listen, expected) in [
        (fixture("Cargo.toml"), "127.0.0.1:0", "Cargo.toml"),
        (fixture("none.har"), "127.0.0.1:0", "none.har: cannot be read"),
        (good.clone(), "300.0.0.1:0", "invalid value '300.0.0.1:0'"),
        (good, "192.0.2.1:1", "192.0.2.1:1: cannot listen there"),
    ] {
        let Output { status, stdout, stderr } = program(&cassette, listen).output().expect("the program starts");
        let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(2), "{text}");
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("listening on"), "{text}");
    }
}
