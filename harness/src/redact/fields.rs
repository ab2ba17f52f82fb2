//! Names and values within bodies and queries, and where the values stand. Made for bodies that were cut off or are
//! malformed, too: what cannot be parsed can be secret all the same.

use std::ops::Range;

use percent_encoding::percent_decode_str;

use super::names::plain;

/// Longer words before a `=` are no names.
const LONGEST_NAME: usize = 64;

/// One value and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// The plain name of the object around it.
    pub(super) parent: String,
    /// Its plain name; that of the list for the items of a list.
    pub(super) name: String,
    /// Decoded.
    pub(super) value: String,
    /// Where the value stands, without quotes.
    pub(super) span: Range<usize>,
    pub(super) role: Role,
}

/// What a value is in its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Text,
    /// A number, a boolean or `null` of JSON.
    Bare,
    /// The name of others: it has none itself, but can hold what values hold.
    Name,
}

impl Field {
    fn name(text: String, span: Range<usize>) -> Self {
        Self { parent: String::new(), name: String::new(), value: text, span, role: Role::Name }
    }
}

/// How names and values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `application/x-www-form-urlencoded`, and queries.
    Form,
    Json,
    /// Elements and attributes, also of HTML.
    Xml,
    /// `multipart/form-data`.
    Multipart,
    /// Names and values, if any, stand in lines; or they cannot be told.
    Other,
}

impl Format {
    pub(super) fn of(content_type: Option<&str>, body: &[u8]) -> Self {
        let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
        let mut bytes = body.iter().filter(|byte| !byte.is_ascii_whitespace());
        let first = bytes.next();
        // Authy sends JSON under HTML types, and curl under that of forms.
        let json = first == Some(&b'{')
            || first == Some(&b'[') && matches!(bytes.next(), Some(b'{' | b'[' | b'"' | b']' | b'-' | b'0'..=b'9'));
        if json || content_type.contains("json") {
            Self::Json
        } else if content_type.starts_with("application/x-www-form-urlencoded") {
            Self::Form
        } else if content_type.starts_with("multipart/") {
            Self::Multipart
        } else if first == Some(&b'<') {
            Self::Xml
        } else {
            Self::Other
        }
    }
}

/// All values of a body or query, in their order.
pub(super) fn fields(bytes: &[u8], format: Format) -> Vec<Field> {
    match format {
        Format::Form => form(bytes),
        Format::Json => json(bytes),
        Format::Xml => super::markup::xml(bytes),
        Format::Multipart => super::markup::multipart(bytes),
        Format::Other => lines(bytes),
    }
}

/// `name=value` and `name: value` in lines, several of the first kind also between `&`.
fn lines(bytes: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut start = 0;
    for line in bytes.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let separator = line.iter().position(|byte| matches!(byte, b'=' | b':'));
        let named = separator.is_some_and(|at| {
            let name = line[..at].trim_ascii();
            let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.[]%".contains(byte);
            !name.is_empty() && name.len() <= LONGEST_NAME && name.iter().all(part)
        });
        match separator.filter(|_| named) {
            Some(at) if line[at] == b'=' => fields.extend(
                form(line)
                    .into_iter()
                    .map(|field| Field { span: field.span.start + start..field.span.end + start, ..field }),
            ),
            Some(at) => {
                let value = line[at + 1..].trim_ascii();
                let from = start + at + 1 + (line.len() - at - 1 - line[at + 1..].trim_ascii_start().len());
                fields.push(Field {
                    parent: String::new(),
                    name: plain(&String::from_utf8_lossy(&line[..at])),
                    value: String::from_utf8_lossy(value).into_owned(),
                    span: from..from + value.len(),
                    role: Role::Text,
                });
            }
            None => {}
        }
        start += line.len() + 1;
    }
    fields
}

fn form(bytes: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut start = 0;
    for pair in bytes.split(|byte| *byte == b'&') {
        let end = start + pair.len();
        let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let from = (start + equals + 1).min(end);
        let decoded = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).replace('+', " ");
            percent_decode_str(&text).decode_utf8_lossy().into_owned()
        };
        let name = decoded(&pair[..equals]);
        fields.push(Field {
            parent: String::new(),
            name: plain(&name),
            value: decoded(&bytes[from..end]),
            span: from..end,
            role: Role::Text,
        });
        if !name.is_empty() {
            fields.push(Field::name(name, start..start + equals));
        }
        start = end + 1;
    }
    fields
}

/// An object or list that we are in.
struct Level {
    object: bool,
    /// The plain name that values have here: in an object the last one seen.
    name: String,
}

fn json(bytes: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut levels: Vec<Level> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b'"' => {
                at = end_of_string(bytes, at);
                let closed = at > start + 1 && bytes[at - 1] == b'"';
                let span = start + 1..if closed { at - 1 } else { at };
                let text = unescaped(&bytes[span.clone()]);
                let colon = bytes[at..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
                match levels.last_mut() {
                    Some(level) if level.object && colon => {
                        level.name = plain(&text);
                        fields.push(Field::name(text, span));
                    }
                    _ => fields.push(field(&levels, text, span, Role::Text)),
                }
            }
            b'{' | b'[' => {
                let name = levels.last().map(|level| level.name.clone()).unwrap_or_default();
                levels.push(Level { object: bytes[at] == b'{', name });
                at += 1;
            }
            b'}' | b']' => {
                levels.pop();
                at += 1;
            }
            byte if byte.is_ascii_alphanumeric() || byte == b'-' => {
                let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
                at += bytes[at..].iter().take_while(|byte| part(byte)).count();
                let text = String::from_utf8_lossy(&bytes[start..at]).into_owned();
                fields.push(field(&levels, text, start..at, Role::Bare));
            }
            _ => at += 1,
        }
    }
    fields
}

fn field(levels: &[Level], value: String, span: Range<usize>, role: Role) -> Field {
    let name = levels.last().map(|level| level.name.clone()).unwrap_or_default();
    // A list has the name of its member; what is around an object is the level before.
    let around = levels.iter().rev().skip(1).find(|level| level.object);
    Field { parent: around.map(|level| level.name.clone()).unwrap_or_default(), name, value, span, role }
}

/// Behind the closing quote, or at the end.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn unescaped(inner: &[u8]) -> String {
    let quoted = [b"\"", inner, b"\""].concat();
    serde_json::from_slice(&quoted).unwrap_or_else(|_| String::from_utf8_lossy(inner).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, format: Format, expected: &[(&str, &str, &str, &str)]) {
        let fields = fields(body.as_bytes(), format);
        let found: Vec<_> = fields
            .iter()
            .filter(|field| field.role != Role::Name)
            .map(|field| (&*field.parent, &*field.name, &*field.value, &body[field.span.clone()]))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn forms_are_decoded_and_their_places_known() {
        check(
            "To=%2B49+30&user%5Blogin%5D=a%20b&x&=y",
            Format::Form,
            &[("", "to", "+49 30", "%2B49+30"), ("", "login", "a b", "a%20b"), ("", "x", "", ""), ("", "", "y", "y")],
        );
    }

    #[test]
    fn forms_are_told_by_what_they_hold() {
        let form = "application/x-www-form-urlencoded";
        for (content_type, body, expected) in [
            (form, "a=b", Format::Form),
            (form, " {\"a\": 1}", Format::Json),
            (form, "[a]=b", Format::Form),
            ("text/html", "[\"a\"]", Format::Json),
            ("", "<a/>", Format::Xml),
            ("multipart/form-data; boundary=x", "--x", Format::Multipart),
            ("text/plain", "a=b", Format::Other),
        ] {
            assert_eq!(Format::of(Some(content_type), body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn lines_have_names_too() {
        check(
            "Code=1&x=a%20b\r\nPassword: p q \nno name: here\n",
            Format::Other,
            &[("", "code", "1", "1"), ("", "x", "a b", "a%20b"), ("", "password", "p q", "p q")],
        );
    }

    #[test]
    fn json_is_read_with_names_and_parents() {
        check(
            r#"{"app": {"name": "A\u0042"}, "n": -1.5, "codes": ["1", {"code": 2}], "x": null}"#,
            Format::Json,
            &[
                ("app", "name", "AB", r"A\u0042"),
                ("", "n", "-1.5", "-1.5"),
                ("codes", "codes", "1", "1"),
                ("codes", "code", "2", "2"),
                ("", "x", "null", "null"),
            ],
        );
    }

    #[test]
    fn json_that_was_cut_off_is_read_as_far_as_it_goes() {
        check(r#"{"a": {"token": "12345"#, Format::Json, &[("a", "token", "12345", "12345")]);
        check("}]]\"", Format::Json, &[("", "", "", "")]);
        check("{\"a\": \"b\\", Format::Json, &[("", "a", "b\\", "b\\")]);
    }
}
