//! Bodies made readable: forms as fields, JSON indented anew with members in their order and duplicates kept.

use serde_json::Value;
use url::form_urlencoded;

use super::masked::{Mask, Masked, is_secret};
use super::model::{ReportBody, ReportContent, ReportFact};
use crate::cassette::Node;

/// What is shown of one body, in bytes; what follows is only counted.
pub(super) const SHOWN: usize = 16 * 1024;
/// Deeper than providers' replies ever are; what is deeper is a fault, and is shown as text.
const DEEPEST: usize = 64;

/// A body as it came, of a reply with this status and content type.
pub(super) fn received(mask: &Mask, status: u16, content_type: Option<&str>, bytes: &[u8]) -> Option<ReportBody> {
    if bytes.is_empty() {
        return None;
    }
    let mut cut = bytes.len() > SHOWN;
    let is_form = content_type.is_some_and(|kind| kind.trim_start().starts_with("application/x-www-form-urlencoded"));
    let content = if is_form && !cut {
        let pairs = form_urlencoded::parse(bytes);
        ReportContent::Form(pairs.map(|(name, value)| field(mask, &name, &value)).collect())
    } else if let Some(json) = (!cut).then(|| shallow(bytes)).flatten() {
        ReportContent::Json(pretty(mask, &json, status >= 400))
    } else {
        let shown = &bytes[..bytes.len().min(SHOWN)];
        match shown.utf8_chunks().next() {
            // A character that the cut went through is no sign of bytes that are no text.
            Some(text) if text.invalid().is_empty() || cut && text.valid().len() + 4 > shown.len() => {
                ReportContent::Text(mask.text(text.valid()))
            }
            _ => {
                cut = true;
                ReportContent::Binary
            }
        }
    };
    Some(ReportBody { bytes: Some(bytes.len() as u64), cut, content })
}

/// The JSON that a plugin asks to send.
pub(super) fn asked(mask: &Mask, value: &Value) -> ReportBody {
    let text = value.to_string();
    let text = shallow(text.as_bytes()).map_or_else(|| mask.text(&text), |json| pretty(mask, &json, false));
    ReportBody { bytes: None, cut: false, content: ReportContent::Json(text) }
}

/// One field of a form.
pub(super) fn field(mask: &Mask, name: &str, value: &str) -> ReportFact {
    ReportFact::new(mask.text(name), mask.field(name, value))
}

fn pretty(mask: &Mask, json: &Node, refused: bool) -> Masked {
    let mut text = String::new();
    Writer { mask, refused, text: &mut text }.value("", json, 0);
    Masked::known(text)
}

struct Writer<'a> {
    mask: &'a Mask,
    /// The reply is a refusal, in which `code` is the provider's number of the error.
    refused: bool,
    text: &'a mut String,
}

impl Writer<'_> {
    fn value(&mut self, name: &str, json: &Node, depth: usize) {
        let around = name;
        match json {
            Node::Scalar(value) => {
                let shown = self.scalar(name, value);
                self.text.push_str(&shown);
            }
            Node::Text(text) => {
                let shown = self.scalar(name, &Value::from(text.as_str()));
                self.text.push_str(&shown);
            }
            Node::List(items) => {
                self.list(['[', ']'], depth, items, |writer, item| writer.value(name, item, depth + 1))
            }
            Node::Object(members) => self.list(['{', '}'], depth, members, |writer, (name, json)| {
                let shown = quoted(writer.mask.text(name).as_str());
                writer.text.push_str(&shown);
                writer.text.push_str(": ");
                // What stands below a secret's name is part of it.
                let inner = if is_secret(around) { around } else { name };
                writer.value(inner, json, depth + 1);
            }),
        }
    }

    fn list<T>(&mut self, [open, close]: [char; 2], depth: usize, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.text.push(open);
        for (at, item) in items.iter().enumerate() {
            self.text.push_str(if at == 0 { "\n" } else { ",\n" });
            self.text.push_str(&"  ".repeat(depth + 1));
            write(self, item);
        }
        if !items.is_empty() {
            self.text.push('\n');
            self.text.push_str(&"  ".repeat(depth));
        }
        self.text.push(close);
    }

    fn scalar(&self, name: &str, value: &Value) -> String {
        match value {
            Value::Null | Value::Bool(_) => value.to_string(),
            _ if self.refused && is_error_code(name, value) => {
                self.mask.otherwise_open(&value.to_string()).as_str().to_owned()
            }
            Value::String(text) => quoted(self.mask.field(name, text).as_str()),
            value => self.mask.field(name, &value.to_string()).as_str().to_owned(),
        }
    }
}

/// The number that a provider gives an error, such as 20404: what one looks for in a reply. Codes that people type have
/// other digits than five in a member of this name only where the reply is no refusal.
fn is_error_code(name: &str, value: &Value) -> bool {
    let five_digits = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    match value {
        Value::Number(number) => matches!(name, "code" | "error_code") && five_digits(&number.to_string()),
        Value::String(text) => name == "error_code" && five_digits(text),
        _ => false,
    }
}

fn quoted(text: &str) -> String {
    // What is masked is escaped already; quotation marks are left.
    format!("\"{}\"", text.replace('"', "\\\""))
}

/// The JSON of a body. Indenting what is deep would make a small body a large one.
fn shallow(bytes: &[u8]) -> Option<Node> {
    fn depth(node: &Node) -> usize {
        match node {
            Node::Scalar(_) | Node::Text(_) => 0,
            Node::List(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
            Node::Object(members) => 1 + members.iter().map(|(_, node)| depth(node)).max().unwrap_or_default(),
        }
    }
    serde_json::from_slice(bytes).ok().filter(|node| depth(node) <= DEEPEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(status: u16, content_type: &str, body: &[u8]) -> ReportContent {
        received(&Mask::default(), status, Some(content_type), body).expect("a body").content
    }

    #[track_caller]
    fn check(status: u16, body: &str, expected: &str) {
        let json = content(status, "application/json", body.as_bytes());
        assert_eq!(json, ReportContent::Json(Masked::known(expected)));
    }

    #[test]
    fn json_keeps_the_order_of_its_members_and_duplicates() {
        check(200, r#"{"b":1,"a":[],"b":{}}"#, "{\n  \"b\": 1,\n  \"a\": [],\n  \"b\": {}\n}");
        check(200, r#"[null,true,-1.5,"x\"\u0000"]"#, "[\n  null,\n  true,\n  -1.5,\n  \"x\\\"\\u{0}\"\n]");
    }

    #[test]
    fn codes_are_hidden_but_the_number_of_an_error_is_shown() {
        check(404, r#"{"code":20404}"#, "{\n  \"code\": 20404\n}");
        check(401, r#"{"error_code":"60001"}"#, "{\n  \"error_code\": \"60001\"\n}");
        check(200, r#"{"code":20404}"#, "{\n  \"code\": (5 hidden characters)\n}");
        check(400, r#"{"code":"135790"}"#, "{\n  \"code\": \"(6 hidden characters)\"\n}");
        check(400, r#"{"to":"+15005550006","n":135790}"#, "{\n  \"to\": \"+•••••••••••\",\n  \"n\": ••••••\n}");
    }

    #[test]
    fn what_stands_below_a_secret_is_hidden_with_it() {
        check(
            200,
            r#"{"jwt":{"x":"abc","y":["de"]},"x":"abc"}"#,
            "{\n  \"jwt\": {\n    \"x\": \"(3 hidden characters)\",\n    \"y\": [\n      \"(2 hidden characters)\"\n    ]\n  },\n  \"x\": \"abc\"\n}",
        );
    }

    #[test]
    fn a_form_is_shown_by_its_fields() {
        let form = content(200, "application/x-www-form-urlencoded; charset=utf-8", b"To=%2B15005550006&Code=135790");
        let fact = |name, value| ReportFact::new(Masked::known(name), Masked::known(value));
        assert_eq!(form, ReportContent::Form(vec![fact("To", "+•••••••••••"), fact("Code", "(6 hidden characters)")]));
    }

    #[test]
    fn what_is_large_deep_broken_or_no_text_says_so() {
        assert_eq!(received(&Mask::default(), 200, None, b""), None);
        let large = "ä".repeat(SHOWN);
        let body = received(&Mask::default(), 200, None, large.as_bytes()).expect("a body");
        assert_eq!((body.bytes, body.cut), (Some(2 * SHOWN as u64), true));
        assert!(matches!(&body.content, ReportContent::Text(text) if text.as_str().len() == SHOWN));
        let cut_character = format!("a{large}");
        let body = received(&Mask::default(), 200, None, cut_character.as_bytes()).expect("a body");
        assert!(matches!(&body.content, ReportContent::Text(text) if text.as_str().len() == SHOWN - 1));
        assert_eq!(content(200, "", &[0xff, 0xfe, 0]), ReportContent::Binary);
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(content(200, "application/json", deep.as_bytes()), ReportContent::Text(Masked::known(deep)));
        assert_eq!(content(200, "application/json", br#"{"a":"#), ReportContent::Text(Masked::known(r#"{"a":"#)));
    }
}
