//! A cassette for people: bodies decoded, JSON laid out, codes, numbers and credentials masked.

use std::fmt::Write as _;

use serde_json::Value;
use url::form_urlencoded;

use super::draft::{Draft, DraftEntry};
use super::expiry::WhenExpired;
use super::node::{Node, quoted};
use super::reader::entry::{essence, is_json};
use super::shown::Shown;
use crate::wire::WireAnswer;

/// How a cassette is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Lines to be read from top to bottom.
    Plain,
    /// YAML 1.2.
    Yaml,
}

/// Longest text of a body that is shown, in characters.
const LONGEST_TEXT: usize = 2000;
/// JSON numbers of replies with fewer digits are error codes, counts and sizes.
const SHORTEST_HIDDEN_NUMBER: usize = 7;

/// The cassette, or one entry of it, as text. `None` where there is no such entry.
pub fn show(draft: &Draft, only: Option<usize>, layout: Layout) -> Option<String> {
    let entries = draft.entries.iter().enumerate().filter(|(index, _)| only.is_none_or(|only| only == *index));
    let entries: Vec<Node> = entries.map(|(index, entry)| node(index, entry)).collect();
    if entries.is_empty() && only.is_some() {
        return None;
    }
    let about = if only.is_some() { Vec::new() } else { about(draft) };
    let mut out = String::new();
    match layout {
        Layout::Yaml => {
            let entries = ("entries".to_owned(), Node::List(entries));
            yaml(&Node::Object(about.into_iter().chain([entries]).collect()), 0, &mut out);
        }
        Layout::Plain => {
            for (name, value) in &about {
                let _ = writeln!(out, "{name}: {}", word(value));
            }
            for (at, entry) in entries.iter().enumerate() {
                out.push_str(if at > 0 || !about.is_empty() { "\n" } else { "" });
                plain(entry, &mut out);
            }
        }
    }
    Some(out)
}

fn about(draft: &Draft) -> Vec<(String, Node)> {
    let Some(about) = &draft.about else {
        return vec![("provenance".to_owned(), Node::text("not stated: a plain HAR file"))];
    };
    let masked = |text: &str| Node::text(Shown::message(text).to_string());
    let mut lines = vec![
        ("title".to_owned(), masked(&about.title)),
        ("provider".to_owned(), masked(&about.provider)),
        ("provenance".to_owned(), masked(&format!("{}: {}", about.kind, about.source))),
    ];
    if let Some(time) = about.recorded_at {
        lines.push(("recorded at".to_owned(), Node::text(time.to_string())));
    }
    if let Some(age) = about.expires {
        let then = if age.then == WhenExpired::Warn { "warns" } else { "fails" };
        lines.push(("good for".to_owned(), Node::text(format!("{} days, then a replay {then}", age.days))));
    }
    if about.case.is_some() {
        lines.push(("case".to_owned(), Node::text("yes")));
    }
    lines
}

fn node(index: usize, entry: &DraftEntry) -> Node {
    let request = &entry.request;
    let mut members = vec![("entry".to_owned(), Node::number(index))];
    if let Some(comment) = &entry.comment {
        members.push(("comment".to_owned(), Node::text(Shown::message(comment).to_string())));
    }
    let port = entry.port.map_or_else(String::new, |port| format!(":{port}"));
    let address = format!("{}://{}", entry.scheme, request.host.as_deref().unwrap_or_default());
    let address = format!("{} {}{port}{}", request.method, Shown::message(&address), target(&request.target));
    let mut asked = vec![("address".to_owned(), Node::text(address))];
    asked.extend(headers(&request.headers));
    asked.extend(body(request.header("content-type"), &request.body, false));
    members.push(("request".to_owned(), Node::Object(asked)));
    let answer = match &entry.answer {
        WireAnswer::Failure(kind) => ("failure".to_owned(), Node::text(format!("{kind:?}"))),
        WireAnswer::Reply(reply) | WireAnswer::Disturbed(reply, _) => {
            let content_type = reply.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            let mut answered = vec![("status".to_owned(), Node::number(reply.status))];
            answered.extend(headers(&reply.headers));
            answered.extend(body(content_type.map(|(_, value)| value.as_str()), &reply.body, true));
            ("response".to_owned(), Node::Object(answered))
        }
    };
    members.push(answer);
    members.extend(replay(entry));
    Node::Object(members)
}

/// How the entry is replayed, where it is not once and as it is.
fn replay(entry: &DraftEntry) -> Vec<(String, Node)> {
    let mut said = Vec::new();
    let note = &entry.note;
    if !note.bind.0.is_empty() {
        let bind = note.bind.0.iter().map(|(name, place)| (name.clone(), place.clone()));
        said.push(("bind".to_owned(), Node::Object(bind.collect())));
    }
    if !note.require.0.is_empty() {
        let require = note.require.0.iter().map(|(name, guard)| (name.clone(), Node::text(guard)));
        said.push(("require".to_owned(), Node::Object(require.collect())));
    }
    said.extend(note.repeat.clone().map(|repeat| ("repeat".to_owned(), repeat)));
    if let Some(sent) = &note.sent {
        let text = sent.text.as_deref().map_or_else(String::new, |text| format!(": {}", Shown::message(text)));
        let text = format!("{} by {}{text}", Shown::of(&sent.to), sent.channel);
        said.push(("sent".to_owned(), Node::text(text)));
    }
    said
}

fn target(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return Shown::message(target).to_string();
    };
    let fields = form_urlencoded::parse(query.as_bytes());
    let fields = fields.map(|(name, value)| format!("{}={}", Shown::of(&name), Shown::of_field(&name, &value)));
    format!("{}?{}", Shown::message(path), fields.collect::<Vec<_>>().join("&"))
}

fn headers(headers: &[(String, String)]) -> Option<(String, Node)> {
    let hidden = |name: &str| {
        let name = name.to_ascii_lowercase();
        matches!(&*name, "authorization" | "proxy-authorization" | "cookie" | "set-cookie")
    };
    let shown = headers.iter().map(|(name, value)| {
        let shown = if hidden(name) { Shown::of_field("secret", value) } else { Shown::of_field(name, value) };
        (Shown::of(name).to_string(), Node::text(shown.to_string()))
    });
    (!headers.is_empty()).then(|| ("headers".to_owned(), Node::Object(shown.collect())))
}

fn body(content_type: Option<&str>, bytes: &[u8], reply: bool) -> Option<(String, Node)> {
    if bytes.is_empty() {
        return None;
    }
    let content_type = content_type.unwrap_or_default();
    if essence(content_type) == "application/x-www-form-urlencoded" {
        let fields = form_urlencoded::parse(bytes);
        let shown = fields.map(|(name, value)| {
            (Shown::of(&name).to_string(), Node::text(Shown::of_field(&name, &value).to_string()))
        });
        return Some(("form".to_owned(), Node::Object(shown.collect())));
    }
    let like_json = is_json(content_type) || bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if let Some(json) = like_json.then(|| serde_json::from_slice::<Node>(bytes).ok()).flatten() {
        return Some(("json".to_owned(), masked("", json, reply)));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let mut shown: String = text.chars().take(LONGEST_TEXT).collect();
            if shown.len() < text.len() {
                shown.push('…');
            }
            Some(("text".to_owned(), Node::text(Shown::message(&shown).to_string())))
        }
        Err(_) => Some(("bytes".to_owned(), Node::number(bytes.len()))),
    }
}

fn masked(name: &str, node: Node, reply: bool) -> Node {
    match node {
        Node::Text(text) => Node::Text(Shown::of_field(name, &text).to_string()),
        Node::Scalar(Value::Number(number)) if !reply || number.to_string().len() >= SHORTEST_HIDDEN_NUMBER => {
            Node::Text(Shown::of_field(name, &number.to_string()).to_string())
        }
        Node::Scalar(other) => Node::Scalar(other),
        Node::List(items) => Node::List(items.into_iter().map(|item| masked(name, item, reply)).collect()),
        Node::Object(members) => {
            let shown = members.into_iter().map(|(name, value)| {
                let value = masked(&name, value, reply);
                (Shown::of(&name).to_string(), value)
            });
            Node::Object(shown.collect())
        }
    }
}

/// One entry, the request and what came back one below the other.
fn plain(entry: &Node, out: &mut String) {
    let text = |node: Option<&Node>| node.map(word).unwrap_or_default();
    let _ = writeln!(
        out,
        "{}",
        format!("entry {}  {}", text(entry.member("entry")), text(entry.member("comment"))).trim_end()
    );
    for (part, arrow, head) in [("request", "->", "address"), ("response", "<-", "status")] {
        let Some(Node::Object(members)) = entry.member(part) else { continue };
        for (name, value) in members {
            match (name.as_str(), value) {
                (name, value) if name == head => {
                    let _ = writeln!(out, "  {arrow} {}", word(value));
                }
                ("headers" | "form", Node::Object(fields)) => {
                    for (name, value) in fields {
                        let _ = writeln!(out, "     {name}: {}", word(value));
                    }
                }
                ("json", json) => {
                    let _ = writeln!(out, "     {}", json.lines(5, 1));
                }
                (name, value) => {
                    let _ = writeln!(out, "     {name}: {}", word(value));
                }
            }
        }
    }
    for name in ["failure", "bind", "require", "repeat", "sent"] {
        if let Some(value) = entry.member(name) {
            let _ = writeln!(out, "  {name}: {}", word(value));
        }
    }
}

fn word(node: &Node) -> String {
    match node {
        Node::Text(text) => text.clone(),
        other => other.lines(0, 0),
    }
}

/// Every JSON text is YAML, so what is no plain word is written as one.
fn yaml(node: &Node, indent: usize, out: &mut String) {
    let blank = " ".repeat(indent);
    let nested = |value: &Node| matches!(value, Node::Object(_) | Node::List(_)) && !value.is_empty();
    match node {
        Node::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                let _ = write!(out, "{blank}{}:", yaml_word(name));
                if nested(value) {
                    out.push('\n');
                    yaml(value, indent + 2, out);
                } else {
                    out.push(' ');
                    yaml(value, 0, out);
                }
            }
        }
        Node::List(items) if !items.is_empty() => {
            for item in items {
                let mut text = String::new();
                yaml(item, if nested(item) { indent + 2 } else { 0 }, &mut text);
                let text = text.strip_prefix(&" ".repeat(indent + 2)).unwrap_or(&text);
                let _ = write!(out, "{blank}- {text}");
            }
        }
        Node::Text(text) => {
            let _ = writeln!(out, "{}", yaml_word(text));
        }
        other => {
            let _ = writeln!(out, "{}", other.lines(0, 0));
        }
    }
}

fn yaml_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | ' ');
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let word = begins && !text.ends_with(' ') && text.chars().all(plain);
    if word && !reserved.contains(&text.to_ascii_lowercase().as_str()) { text.to_owned() } else { quoted(text) }
}
