//! Addresses as they are written, before any parser has put them right.

use percent_encoding::percent_decode_str;

/// Host and path as written; none where the text does not begin as addresses of ours do. Parsers
/// also take `https:host`, `https:/host` and `https:\\host` for one, and leave out what is blank
/// or a line break.
pub fn written_path(address: &str) -> Option<&str> {
    let after = |scheme: &str| {
        let (start, rest) = address.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let rest = after("https://").or_else(|| after("http://"))?;
    let sound = !rest.starts_with(['/', '\\', '?', '#']) && !address.contains(|c: char| c.is_control() || c == ' ');
    sound.then(|| rest.split(['?', '#']).next().unwrap_or_default())
}

/// What in a path servers read in different ways; no request is sent to such an address, and an
/// [`Endpoint`](crate::Endpoint) makes none. What stands before the first slash is no segment.
pub fn ambiguity(path: &str) -> Option<&'static str> {
    let lower = path.to_ascii_lowercase();
    if path.contains('\\') || lower.contains("%5c") {
        return Some("a backslash");
    }
    if lower.contains("%2f") {
        return Some("an encoded slash");
    }
    if path.contains(|c: char| c.is_control() || c == ' ') || lower.contains("%00") {
        return Some("a control character");
    }
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        if matches!(&*percent_decode_str(segment).decode_utf8_lossy(), "." | "..") {
            return Some("a dot segment");
        }
        if segment.is_empty() && segments.peek().is_some() {
            return Some("an empty segment");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::Endpoint;

    #[test]
    fn a_path_that_reads_in_two_ways_is_told() {
        for (path, expected) in [
            ("v2/a%20b", None),
            ("v2/", None),
            ("v2/../x", Some("a dot segment")),
            ("v2/%2e%2E/x", Some("a dot segment")),
            ("v2/..%2Fsms", Some("an encoded slash")),
            ("v2\\x", Some("a backslash")),
            ("v2//x", Some("an empty segment")),
            ("v2/\tx", Some("a control character")),
        ] {
            assert_eq!(ambiguity(&format!("h.example/{path}")), expected, "{path}");
        }
    }

    #[test]
    fn only_what_every_parser_takes_for_the_same_address_has_a_path() {
        assert_eq!(written_path("https://h.example/v2?x=/..#f"), Some("h.example/v2"));
        assert_eq!(written_path("HTTP://h.example"), Some("h.example"));
        for bad in [
            "",
            "https:h.example",
            "https:/h.example",
            "https:\\\\h.example",
            "https:///h.example",
            " https://h.example",
        ] {
            assert_eq!(written_path(bad), None, "{bad:?}");
        }
        for bad in ["ftp://h.example", "https://h.example/a b", "https://h.example/\tx", "https://"] {
            assert!(written_path(bad).is_none_or(str::is_empty), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn an_endpoint_makes_no_such_address(segments in proptest::collection::vec("\\PC{1,9}", 0..4), query: String) {
            let endpoint = Endpoint::new("https://h.example").path(&segments).query("q", &query);
            let (url, problem) = endpoint.into_parts();
            let path = written_path(&url).expect("a path");
            prop_assert!(problem.is_some() || ambiguity(path).is_none(), "{}", url);
        }
    }
}
