//! Names and values within XML, HTML and multipart bodies. Made for what was cut off or is malformed, too.

use std::ops::Range;

use quick_xml::escape::unescape;

use super::fields::{Field, Role};
use super::names::plain;

/// Texts by the element around them, attributes by their names; of HTML the `value` beside a `name`.
pub(super) fn xml(bytes: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(b"<!--") {
            let end = behind(bytes, at + 4, b"-->");
            push(&mut fields, bytes, &[], at + 4..end - if bytes[..end].ends_with(b"-->") { 3 } else { 0 });
            at = end;
        } else if rest.starts_with(b"<![CDATA[") {
            let end = behind(bytes, at + 9, b"]]>");
            let text = at + 9..end - if end >= at + 12 && bytes[..end].ends_with(b"]]>") { 3 } else { 0 };
            let value = String::from_utf8_lossy(&bytes[text.clone()]).into_owned();
            fields.push(field(&open, value, text));
            at = end;
        } else if rest.starts_with(b"<") {
            let end = tag_end(bytes, at);
            let closed = end > at + 1 && bytes[end - 1] == b'>';
            let inner = at + 1..if closed { end - 1 } else { end };
            match bytes.get(at + 1) {
                Some(b'/') => {
                    let name = plain(&String::from_utf8_lossy(&bytes[inner.start + 1..inner.end.max(inner.start + 1)]));
                    // Elements of HTML need not be closed.
                    if let Some(level) = open.iter().rposition(|known| *known == name) {
                        open.truncate(level);
                    }
                }
                Some(b'!' | b'?') => {}
                _ => {
                    let name = attributes(&mut fields, bytes, inner.clone());
                    if bytes[inner].last() != Some(&b'/') {
                        open.push(name);
                    }
                }
            }
            at = end;
        } else {
            let end = at + rest.iter().position(|byte| *byte == b'<').unwrap_or(rest.len());
            push(&mut fields, bytes, &open, at..end);
            at = end;
        }
    }
    fields
}

/// The values of all parts, by the names of their dispositions.
pub(super) fn multipart(bytes: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    let first = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(|line| line.starts_with(b"--"));
    let Some(boundary) = first.filter(|line| line.len() > 2) else { return fields };
    let mut at = behind(bytes, 0, boundary);
    while at < bytes.len() {
        let next = behind(bytes, at, boundary);
        let found = bytes[..next].ends_with(boundary);
        let end = if found { next - boundary.len() } else { next };
        let part = &bytes[at..end.max(at)];
        let blank = [&b"\r\n\r\n"[..], b"\n\n"].into_iter().filter_map(|blank| {
            part.windows(blank.len()).position(|window| window == blank).map(|found| (found, blank.len()))
        });
        if let Some((head, gap)) = blank.min() {
            let name = disposition(&String::from_utf8_lossy(&part[..head]));
            let body = &part[head + gap..];
            let body = body.strip_suffix(b"\n").map_or(body, |body| body.strip_suffix(b"\r").unwrap_or(body));
            let from = at + head + gap;
            let value = String::from_utf8_lossy(body).into_owned();
            fields.push(field(&[name], value, from..from + body.len()));
        }
        at = next;
    }
    fields
}

/// What follows `name=`, with or without quotes; not what follows `filename=`.
fn disposition(head: &str) -> String {
    let parts = head.split([';', '\n']).map(str::trim);
    let name = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("name"));
    name.map(|(_, value)| plain(value.trim().trim_matches('"'))).unwrap_or_default()
}

/// Notes all attributes of a tag, and gives its name.
fn attributes(fields: &mut Vec<Field>, bytes: &[u8], inner: Range<usize>) -> String {
    let blank = |at: usize| bytes[at].is_ascii_whitespace() || bytes[at] == b'/';
    let part = |at: usize| !blank(at) && bytes[at] != b'=';
    let mut at = inner.start;
    let skip = |mut at: usize, wanted: &dyn Fn(usize) -> bool| {
        while at < inner.end && wanted(at) {
            at += 1;
        }
        at
    };
    let end = skip(at, &part);
    let element = String::from_utf8_lossy(&bytes[at..end]).into_owned();
    let mut found: Vec<(String, Range<usize>)> = Vec::new();
    at = end;
    while at < inner.end {
        let start = skip(at, &|at| !part(at));
        let end = skip(start, &part);
        let name = plain(&String::from_utf8_lossy(&bytes[start..end]));
        at = skip(end, &blank);
        if at >= inner.end || bytes[at] != b'=' {
            continue;
        }
        at = skip(at + 1, &|at| bytes[at].is_ascii_whitespace());
        let quote = bytes[..inner.end].get(at).copied().filter(|byte| matches!(byte, b'"' | b'\''));
        let from = at + usize::from(quote.is_some());
        let to = skip(from, &|at| match quote {
            Some(quote) => bytes[at] != quote,
            None => !bytes[at].is_ascii_whitespace(),
        });
        found.push((name, from..to));
        at = (to + usize::from(quote.is_some())).min(inner.end);
    }
    let named = found.iter().find(|(name, _)| name == "name").map(|(_, span)| &bytes[span.clone()]);
    let named = named.map(|name| plain(&String::from_utf8_lossy(name)));
    for (name, span) in found {
        let name = if matches!(&*name, "value" | "content") { named.clone().unwrap_or(name) } else { name };
        push(fields, bytes, &[plain(&element), name], span);
    }
    plain(&element)
}

fn push(fields: &mut Vec<Field>, bytes: &[u8], open: &[String], span: Range<usize>) {
    let text = bytes.get(span.clone()).unwrap_or_default();
    let from = span.start + (text.len() - text.trim_ascii_start().len());
    let text = text.trim_ascii();
    if !text.is_empty() {
        let text_span = from..from + text.len();
        let text = String::from_utf8_lossy(text);
        let value = unescape(&text).map_or_else(|_| text.to_string(), std::borrow::Cow::into_owned);
        fields.push(field(open, value, text_span));
    }
}

fn field(open: &[String], value: String, span: Range<usize>) -> Field {
    let mut names = open.iter().rev().cloned();
    let name = names.next().unwrap_or_default();
    Field { parent: names.next().unwrap_or_default(), name, value, span, role: Role::Text }
}

/// Behind the next of these, or at the end.
fn behind(bytes: &[u8], start: usize, wanted: &[u8]) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    rest.windows(wanted.len()).position(|window| window == wanted).map_or(bytes.len(), |at| start + at + wanted.len())
}

/// Behind the `>` that ends a tag, which is none within quotes.
fn tag_end(bytes: &[u8], start: usize) -> usize {
    let mut quote = None;
    for (at, byte) in bytes.iter().enumerate().skip(start + 1) {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') if bytes[at - 1] == b'=' => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(read: fn(&[u8]) -> Vec<Field>, body: &str, expected: &[(&str, &str, &str, &str)]) {
        let fields = read(body.as_bytes());
        let found: Vec<_> = fields
            .iter()
            .map(|field| (&*field.parent, &*field.name, &*field.value, &body[field.span.clone()]))
            .collect();
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn elements_and_attributes_are_fields() {
        check(
            xml,
            "<?xml version=\"1.0\"?><R><Account><AuthToken> a&amp;b </AuthToken><x y='1 > 2' z=3 /><N><![CDATA[<c>]]></N></Account>",
            &[
                ("account", "authtoken", "a&b", "a&amp;b"),
                ("x", "y", "1 > 2", "1 > 2"),
                ("x", "z", "3", "3"),
                ("account", "n", "<c>", "<c>"),
            ],
        );
        check(
            xml,
            "<input type=text name=\"code\" value=\"4829\"",
            &[("input", "type", "text", "text"), ("input", "name", "code", "code"), ("input", "code", "4829", "4829")],
        );
        for broken in ["<", "</", "<a", "<a b", "<a b=", "<a b=\"", "<!--", "<![CDATA[", "<!-->", "<![CDATA[]>"] {
            let _ = xml(broken.as_bytes());
        }
        check(xml, "<AuthToken>cut o", &[("", "authtoken", "cut o", "cut o")]);
    }

    #[test]
    fn parts_are_fields() {
        check(
            multipart,
            "--b\r\nContent-Disposition: form-data; name=\"Code\"\r\n\r\n482913\r\n--b\r\nContent-Disposition: form-data; filename=\"f\"; name=To\r\n\r\na\r\n--b--\r\n",
            &[("", "code", "482913", "482913"), ("", "to", "a", "a")],
        );
        check(multipart, "--b\nContent-Disposition: form-data; name=\"Code\"\n\n4829", &[("", "code", "4829", "4829")]);
        check(multipart, "", &[]);
    }
}
