//! The program while it emulates, and what it says at the start.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-harness");

/// A running program, which ends with the test.
pub(crate) struct Emulating {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    /// The lines below the first, up to the end of the bootstrap.
    pub(crate) told: String,
    out: BufReader<ChildStdout>,
}

/// Status and body.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

impl Emulating {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--emulate", "twilio"]).args(arguments);
        Self::of(command)
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        let address = first.trim_end().strip_prefix("listening on http://").expect("the first line").to_owned();
        let mut told = String::new();
        while !told.contains("services.authy") || !told.ends_with(&format!("base_url = \"http://{address}\"\n")) {
            assert!(out.read_line(&mut told).unwrap() > 0, "{told}");
        }
        Self { child, address, told, out }
    }

    /// What stands behind `name=` or `name = ` in what was told, without quotation marks.
    pub(crate) fn value(&self, name: &str) -> String {
        let line = self.told.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
        line.expect(name).trim().trim_matches('"').to_owned()
    }

    pub(crate) fn get(&self, path: &str) -> Got {
        self.send("GET", path, &[], "")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Got {
        self.send("POST", path, &[], body)
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request += &format!("Host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        exchange(TcpStream::connect(&self.address).unwrap(), &format!("{request}\r\n{body}"))
    }

    pub(crate) fn inbox(&self) -> Vec<Value> {
        serde_json::from_str(&self.get("/_countersign/inbox").text).unwrap()
    }

    /// The code that arrived last.
    pub(crate) fn code(&self) -> String {
        self.inbox().last().expect("a message")["code"].as_str().expect("a code").to_owned()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        let got = self.post("/_countersign/clock", &format!("{{\"advance_seconds\": {seconds}}}"));
        assert_eq!(got.status, 200, "{}", got.text);
    }

    /// Interrupts it, and says how it ended and what else it wrote.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let mut text = String::new();
        self.out.read_to_string(&mut text).unwrap();
        (self.child.wait().unwrap().code(), text)
    }
}

impl Drop for Emulating {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a request that closes the connection, and takes the answer apart.
pub(crate) fn exchange(mut stream: impl std::io::Read + std::io::Write, request: &str) -> Got {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A connection that was closed without a goodbye of TLS is closed, too.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Got { status, head: head.to_owned(), text: text.to_owned() }
}
