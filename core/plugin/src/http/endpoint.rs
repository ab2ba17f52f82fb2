//! Addresses whose parts are always percent-encoded.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986 §2.3 "unreserved"; everything else in a segment or query is percent-encoded.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An address built from a base and separately encoded parts.
///
/// A value can therefore never leave its segment. A segment that is empty, `.`, `..` or holds a
/// slash, backslash or control character is refused even so: some servers decode before they
/// split (the Authy `..%2fsms` bypass of 2015), and URL parsers fold dot segments. The refusal
/// surfaces when the request is performed.
///
/// ```
/// use countersign_plugin::Endpoint;
/// let endpoint = Endpoint::new("https://verify.twilio.com").path(["v2", "Services", "VA1"]).query("To", "+15005550006");
/// assert_eq!(endpoint.to_string(), "https://verify.twilio.com/v2/Services/VA1?To=%2B15005550006");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    has_query: bool,
    problem: Option<String>,
}

impl Endpoint {
    /// Begins at a base address such as `https://api.example.com` or
    /// `https://proxy.example.com/twilio`, with or without a slash at its end.
    pub fn new(base: &str) -> Self {
        let problem = if !(base.starts_with("https://") || base.starts_with("http://")) {
            Some("the base address must begin with https:// (or http:// for loopback)".to_owned())
        } else if base.contains(['?', '#']) {
            Some("the base address must not have a query or fragment".to_owned())
        } else {
            None
        };
        Self { url: base.trim_end_matches('/').to_owned(), has_query: false, problem }
    }

    /// Appends path segments, each percent-encoded.
    #[must_use]
    pub fn path<S: AsRef<str>>(mut self, segments: impl IntoIterator<Item = S>) -> Self {
        for segment in segments {
            let segment = segment.as_ref();
            if self.has_query {
                self.fail("path segments must come before the query");
            } else if matches!(segment, "" | "." | "..")
                || segment.contains(['/', '\\'])
                || segment.contains(char::is_control)
            {
                self.fail("a path segment must not be empty, a dot segment, or hold slashes or control characters");
            }
            self.url.push('/');
            self.url.extend(utf8_percent_encode(segment, &UNRESERVED));
        }
        self
    }

    /// Appends a query parameter, name and value percent-encoded. Secrets do not belong here.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.url.extend(utf8_percent_encode(name, &UNRESERVED));
        self.url.push('=');
        self.url.extend(utf8_percent_encode(value, &UNRESERVED));
        self
    }

    pub(crate) fn into_parts(self) -> (String, Option<String>) {
        (self.url, self.problem)
    }

    fn fail(&mut self, problem: &str) {
        self.problem.get_or_insert_with(|| problem.to_owned());
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dot_segments_and_separators_are_refused() {
        for bad in ["", ".", "..", "a/b", "a\\b", "a\nb", "../sms"] {
            let (_, problem) = Endpoint::new("https://h").path(["verify", bad, "1"]).into_parts();
            assert!(problem.is_some(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn bases_without_scheme_or_with_query_are_refused() {
        for bad in ["", "api.twilio.com", "ftp://h", "https://h?x=1", "https://h#f"] {
            assert!(Endpoint::new(bad).into_parts().1.is_some(), "{bad:?} must be refused");
        }
    }

    proptest! {
        #[test]
        fn a_segment_never_leaves_its_place(segment in "\\PC{1,20}") {
            let (url, problem) = Endpoint::new("https://h").path(["a", &segment, "b"]).into_parts();
            if problem.is_none() {
                let encoded = url.strip_prefix("https://h/a/").and_then(|rest| rest.strip_suffix("/b"));
                let encoded = encoded.expect("the neighbours stay");
                prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
                let decoded = percent_encoding::percent_decode_str(encoded).decode_utf8();
                prop_assert_eq!(decoded.expect("utf-8"), segment);
            }
        }
    }
}
