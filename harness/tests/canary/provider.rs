//! The providers behind one address on loopback. In their bad moods they repeat everything that they know: what they
//! were just asked, with its credentials, and the codes that they sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use countersign_plugin::limits::REPLY_BODY_BYTES;
use serde_json::{Value, json};

use crate::secrets::{EMAIL, NATIONAL, NUMBER};

/// Ten digits, which no id has by accident, and few enough to pass for an error code of 32 bits.
const FIRST_CODE: usize = 2_847_130_520;

/// How the providers answer. Beyond the last bad mood there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// One of [`Mood::BAD`] ways to be wrong.
    Bad(usize),
}

impl Mood {
    pub(crate) const BAD: usize = 22;
}

/// The providers' side.
pub(crate) struct Provider {
    /// Where it can be reached.
    pub(crate) base: String,
    state: Arc<Mutex<State>>,
}

struct State {
    mood: Mood,
    codes: Vec<String>,
}

struct Asked {
    line: String,
    headers: Vec<String>,
    body: String,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { mood: Mood::Well, codes: Vec::new() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                // Who is answered with too much hangs up in the middle.
                let _ = serve(connection.unwrap(), &shared);
            }
        });
        Self { base, state }
    }

    pub(crate) fn mood(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    /// The codes that reached the person, oldest first.
    pub(crate) fn codes(&self) -> Vec<String> {
        self.state.lock().unwrap().codes.clone()
    }

    pub(crate) fn last_code(&self) -> String {
        self.codes().pop().expect("a code was sent")
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let asked = read(&stream)?;
    let reply = {
        let mut state = state.lock().unwrap();
        let well = state.well(&asked);
        match state.mood {
            Mood::Well => well,
            Mood::Bad(way) => bad(way, &state.everything(&asked), &state.codes),
        }
    };
    stream.write_all(&reply)
}

fn read(stream: &TcpStream) -> std::io::Result<Asked> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let length = lines.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let line = if lines.is_empty() { String::new() } else { lines.remove(0) };
    Ok(Asked { line, headers: lines, body: String::from_utf8(body).unwrap() })
}

impl State {
    /// The honest answer. A code that is asked for is sent in any mood: what is said of it is another matter.
    fn well(&mut self, asked: &Asked) -> Vec<u8> {
        let path = asked.line.split(' ').nth(1).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let field = |name: &str| {
            let mut fields = url::form_urlencoded::parse(asked.body.as_bytes());
            fields.find(|(field, _)| field == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let sid = |kind: &str| format!("{kind}{:032x}", 7);
        let next = |codes: &mut Vec<String>| codes.push(format!("{}", FIRST_CODE + codes.len() * 104_729));
        let verification =
            |status: &str| json!({"sid": sid("VE"), "to": NUMBER, "status": status, "valid": status == "approved"});
        match segments.as_slice() {
            ["v2", "Services", _, "Verifications"] => {
                next(&mut self.codes);
                json_reply(201, &verification("pending"))
            }
            ["v2", "Services", _, "VerificationCheck"] if self.codes.last() == Some(&field("Code")) => {
                json_reply(200, &verification("approved"))
            }
            ["v2", "Services", _, "VerificationCheck"] => json_reply(200, &verification("pending")),
            ["v2", "Services", _, "Verifications", _] => json_reply(200, &verification("canceled")),
            ["2010-04-01", "Accounts", _, "Calls.json"] => {
                let words = field("Twiml");
                let spoken = words.split_once("code is: ").map_or("", |(_, rest)| rest).split('.').next();
                self.codes.push(spoken.unwrap_or_default().chars().filter(char::is_ascii_digit).collect());
                json_reply(201, &json!({"sid": sid("CA"), "to": NUMBER, "status": "queued"}))
            }
            ["protected", "json", "users", "new"] => json_reply(200, &json!({"success": true, "user": {"id": 1000}})),
            ["protected", "json", "call", _] => {
                next(&mut self.codes);
                json_reply(200, &json!({"success": true}))
            }
            ["protected", "json", "verify", code, _] if self.codes.last().is_some_and(|last| last == code) => {
                json_reply(200, &json!({"success": "true", "token": "is valid"}))
            }
            ["protected", "json", "verify", ..] => {
                json_reply(401, &json!({"success": false, "error_code": "60020", "token": "is invalid"}))
            }
            ["v1", "messages"] => {
                next(&mut self.codes);
                json_reply(201, &json!({"id": "7"}))
            }
            ["v1", "messages", _, "checks"] => {
                let right = self.codes.last().is_some_and(|code| asked.body.contains(code.as_str()));
                json_reply(200, &json!({ "approved": right }))
            }
            _ => json_reply(404, &json!({"code": 20404})),
        }
    }

    /// All that they know of the person and of us.
    fn everything(&self, asked: &Asked) -> String {
        let codes = self.codes.iter().rev().take(2).cloned().collect::<Vec<_>>().join(" ");
        let Asked { line, headers, body } = asked;
        format!("{line} {} {body} {NUMBER} {NATIONAL} {EMAIL} {codes}", headers.join(" "))
    }
}

fn bad(way: usize, echo: &str, codes: &[String]) -> Vec<u8> {
    let code = codes.last().map_or("2847130520", String::as_str);
    // As a line of a header can hold it.
    let line = echo.replace(|c: char| c.is_control(), " ");
    let error = json!({
        "code": 20003, "error_code": "60001", "message": echo, "more_info": echo, "errors": {"message": echo},
        "status": 401, "success": false, "token": echo,
    });
    let coded = |code: Value| json!({"code": code, "error_code": code, "message": echo});
    let mistyped = json!({
        "sid": echo, "to": echo, "status": echo, "valid": echo, "success": echo, "token": echo, "user": {"id": echo},
        "id": [echo], "approved": echo, "app": echo, "friendly_name": echo,
    });
    let close = |status: &str, header: &str, body: &str| {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{header}connection: close\r\ncontent-length: {length}\r\n\r\n");
        format!("{head}{body}").into_bytes()
    };
    match way {
        0 => json_reply(401, &error),
        1 => json_reply(400, &error),
        2 => json_reply(403, &error),
        3 => json_reply(404, &error),
        4 => json_reply(429, &error),
        5 => json_reply(500, &error),
        6 => json_reply(400, &coded(NATIONAL.into())),
        7 => json_reply(400, &coded(NATIONAL.parse::<u64>().unwrap().into())),
        8 => json_reply(400, &coded(code.into())),
        9 => json_reply(503, &coded(code.parse::<u64>().unwrap_or_default().into())),
        10 => json_reply(200, &mistyped),
        11 => json_reply(201, &json!({ echo: echo })),
        12 => close("200 OK", "", &format!("{{{:?}: 1, {:?}: 2}}", echo, echo)),
        13 => close("200 OK", "", &format!("{echo}{{")),
        14 => close("502 Bad Gateway", "content-type: text/html\r\n", &format!("<html>{echo}</html>")),
        15 => close("302 Found", &format!("location: http://127.0.0.1/{NATIONAL}?{code}\r\n"), echo),
        16 => {
            close("429 Too Many Requests", &format!("retry-after: {NATIONAL}\r\ntwilio-request-id: {line}\r\n"), echo)
        }
        17 => close("503 Unavailable", &format!("retry-after: {code}\r\nx-echo: {line}\r\n"), echo),
        18 => close("200 OK", "", &echo.repeat(REPLY_BODY_BYTES / echo.len() + 1)),
        // Cut off, not HTTP, nothing at all.
        19 => format!("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{{{echo:?}").into_bytes(),
        20 => format!("{echo}\r\n\r\n").into_bytes(),
        21 => Vec::new(),
        other => panic!("there is no way {other} to be wrong"),
    }
}

fn json_reply(status: u16, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    let head = format!("HTTP/1.1 {status} -\r\ncontent-type: application/json\r\nconnection: close\r\n");
    format!("{head}content-length: {length}\r\n\r\n{body}").into_bytes()
}
