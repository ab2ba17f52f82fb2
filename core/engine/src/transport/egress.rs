//! Where a service's requests may go, compared after parsing.

use countersign_plugin::contract::{ambiguity, written_path};
use countersign_plugin::manifest::Manifest;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// The allowed places of one service.
#[derive(Clone, Debug, Default)]
pub struct Egress(Vec<Place>);

#[derive(Clone, Debug)]
struct Place {
    base: Url,
    /// Decoded segments of base path plus prefix.
    prefix: Vec<String>,
}

/// Why a base address cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EgressError {
    /// Not an address at all.
    #[error("`{base}` is not an address; write it like https://api.example.com")]
    NotAnAddress {
        /// What was given, without user information.
        base: String,
    },
    /// Neither https nor http to loopback.
    #[error("`{base}` is not https; plain http is allowed for loopback addresses only (127.0.0.1, [::1], localhost)")]
    NotHttps {
        /// What was given.
        base: String,
    },
    /// User, query or fragment in it.
    #[error("`{base}` must consist of scheme, host, port and path only")]
    TooMuch {
        /// What was given, without user information.
        base: String,
    },
    /// A path that could be read in two ways.
    #[error("`{place}` has {what} in its path; servers disagree on what that means: write the path without it")]
    Ambiguous {
        /// The base address, or the path prefix of the manifest.
        place: String,
        /// What it is.
        what: &'static str,
    },
}

/// Why a request is not sent. It never left.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say it")]
pub enum EgressRefusal {
    #[error("the plugin asked for something that is not an address")]
    NotAnAddress,
    #[error("the plugin asked for an address with user information or a fragment; neither is allowed")]
    TooMuch,
    #[error("the plugin asked for a path with {what}; servers disagree on what that means, so it is refused")]
    Ambiguous { what: &'static str },
    #[error("the plugin asked for {asked}, which its manifest does not declare and no `base_url` allows")]
    Elsewhere { asked: String },
}

impl Egress {
    /// The places that a manifest declares for a mode; `base_url`, where the operator sets it,
    /// replaces the base of each.
    ///
    /// # Errors
    /// Where a base cannot be used.
    pub fn new(manifest: &Manifest, mode: Option<&str>, base_url: Option<&str>) -> Result<Self, EgressError> {
        let mut places = Vec::new();
        for declared in &manifest.egress {
            if declared.mode.is_some() && declared.mode.as_deref() != mode {
                continue;
            }
            let base = parse_base(base_url.unwrap_or(&declared.base))?;
            for path in &declared.paths {
                if let Some(what) = ambiguity(path) {
                    return Err(EgressError::Ambiguous { place: shown(path), what });
                }
                let segments = base.path().split('/').chain(path.split('/'));
                let prefix = segments.filter(|segment| !segment.is_empty()).map(decoded).collect();
                places.push(Place { base: base.clone(), prefix });
            }
        }
        Ok(Self(places))
    }

    /// Checks an address as the plugin wrote it and gives it back parsed.
    ///
    /// # Errors
    /// Why it may not be sent there.
    pub fn check(&self, asked: &str) -> Result<Url, EgressRefusal> {
        let written = written_path(asked).ok_or(EgressRefusal::NotAnAddress)?;
        let url = Url::parse(asked).map_err(|_| EgressRefusal::NotAnAddress)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(EgressRefusal::TooMuch);
        }
        // Looked for in the text as written, as parsing folds most of it; and in what will be sent.
        if let Some(what) = ambiguity(written).or_else(|| ambiguity(url.path())) {
            return Err(EgressRefusal::Ambiguous { what });
        }
        let segments: Vec<String> = url.path().split('/').skip(1).map(decoded).collect();
        let allowed =
            self.0.iter().any(|place| place.base.origin() == url.origin() && segments.starts_with(&place.prefix));
        if allowed {
            return Ok(url);
        }
        // Only up to the host: a path may hold numbers.
        Err(EgressRefusal::Elsewhere { asked: url.origin().ascii_serialization() })
    }

    /// The places as text, for tables: `https://verify.twilio.com/v2/Services`.
    pub fn places(&self) -> Vec<String> {
        let text = |place: &Place| format!("{}/{}", place.base.origin().ascii_serialization(), place.prefix.join("/"));
        self.0.iter().map(text).collect()
    }
}

fn parse_base(base: &str) -> Result<Url, EgressError> {
    let not_an_address = || EgressError::NotAnAddress { base: shown(base) };
    let url = Url::parse(base).map_err(|_| not_an_address())?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(EgressError::TooMuch { base: url.origin().ascii_serialization() });
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(not_an_address()),
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return Err(EgressError::NotHttps { base: shown(base) });
    }
    let written = written_path(base).ok_or_else(not_an_address)?;
    match ambiguity(written).or_else(|| ambiguity(url.path())) {
        Some(what) => Err(EgressError::Ambiguous { place: shown(base), what }),
        None => Ok(url),
    }
}

/// An address in a message: somebody's password may stand before an `@`, and anything in it.
fn shown(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((_, rest)) => format!("…@{}", rest.escape_debug()),
        None => address.escape_debug().to_string(),
    }
}

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use countersign_plugin::manifest::Manifest;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn manifest() -> Manifest {
        serde_json::from_value(json!({
            "manifest": 1, "id": "x", "version": "1.0.0", "vendor": {"name": "v"}, "delivery_type": "local",
            "labels": {}, "channels": [], "settings": {},
            "egress": [
                {"base": "https://api.example.com", "paths": ["/v2/Services"], "mode": "call"},
                {"base": "https://old.example.com", "paths": ["/json"], "mode": "authy"},
            ],
        }))
        .expect("a manifest")
    }

    fn egress() -> Egress {
        Egress::new(&manifest(), Some("call"), None).expect("a good base")
    }

    #[test]
    fn what_is_declared_for_the_mode_passes() {
        for good in [
            "https://api.example.com/v2/Services",
            "https://api.example.com:443/v2/Services/VA1?x=%2F",
            "https://API.example.com/v2/%53ervices/a%20b",
            "HTTPS://api.example.com/v2/Services?a=/../b",
        ] {
            assert!(egress().check(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "",
            "not an address",
            "/v2/Services",
            "http://api.example.com/v2/Services",
            "https://api.example.com:8443/v2/Services",
            "https://api.example.com.evil.example/v2/Services",
            "https://evil.example/v2/Services",
            "https://old.example.com/json/x",
            "https://api.example.com/v2/ServicesX",
            "https://api.example.com/v2",
            "https://api.example.com/v2//Services/x",
            "https://user@api.example.com/v2/Services",
            "https://api.example.com/v2/Services#f",
            "https://api.example.com/v2/Services/../../x",
            "https://api.example.com/v2/Services/%2e%2E/x",
            "https://api.example.com/v2/Services/.%2e/x",
            "https://api.example.com/v2/Services/%2fx",
            "https://api.example.com/v2/Services/..%2Fsms",
            "https://api.example.com/v2/Services\\..\\x",
            "https://api.example.com/v2/Services/%5cx",
            "https://api.example.com/v2/Services/\tx",
            "https:\\\\api.example.com/v2/Services",
            "https://api.example.com/v2/Services/%00",
            "https:api.example.com/v2/Services/..%2f..%2fsms",
            "https:/api.example.com/v2/Services/..%2fsms",
            "https:api.example.com/v2/Services/x",
            "https:///api.example.com/v2/Services/x",
            "https:/\\api.example.com/v2/Services/x",
            "https:?x://api.example.com/v2/Services/..%2fsms",
            " https://api.example.com/v2/Services/x",
            "ht\ntps://api.example.com/v2/Services/x",
            "https://api.exam\tple.com/v2/Services/x",
            "https://api.example.com/v2/Services/x?a=\r\nb",
            "https://api.example.com/v2/Services/x ",
            "https://",
        ] {
            assert!(egress().check(bad).is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn a_base_address_replaces_the_declared_one_with_its_own_path() {
        let egress = Egress::new(&manifest(), Some("authy"), Some("http://127.0.0.1:8080/proxy/")).expect("loopback");
        assert!(egress.check("http://127.0.0.1:8080/proxy/json/call/1").is_ok());
        assert!(egress.check("http://127.0.0.1:8080/json/call/1").is_err());
        assert!(egress.check("https://old.example.com/json/call/1").is_err());
        assert_eq!(egress.places(), ["http://127.0.0.1:8080/proxy/json"]);
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for bad in [
            "http://api.example.com",
            "http://127.0.0.1.example.com",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "x",
            "https://u:p@h",
            "https://h/?q",
        ] {
            assert!(Egress::new(&manifest(), Some("call"), Some(bad)).is_err(), "{bad} must be refused");
        }
        for good in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost", "https://10.0.0.1"] {
            assert!(Egress::new(&manifest(), Some("call"), Some(good)).is_ok(), "{good} must pass");
        }
    }

    #[test]
    fn a_base_that_could_be_read_in_two_ways_is_refused_when_it_is_read() {
        for bad in [
            "https://h/..%2fx",
            "https://h/a/../b",
            "https://h/%2E%2e/b",
            "https://h//a",
            "https://h/a\\b",
            "https://h/%00",
            "https:h/a",
            "https:///h",
            " https://h",
        ] {
            assert!(Egress::new(&manifest(), Some("call"), Some(bad)).is_err(), "{bad} must be refused");
        }
        let mut declared = manifest();
        declared.egress[0].paths = vec!["/v2/..%2f".to_owned()];
        let refused = Egress::new(&declared, Some("call"), None).map(|_| ());
        assert_eq!(refused, Err(EgressError::Ambiguous { place: "/v2/..%2f".to_owned(), what: "an encoded slash" }));
    }

    #[test]
    fn a_refused_base_is_shown_without_user_information() {
        for bad in ["https://ada:s3cret@", "https://ada:s3cret@h", "ftp://ada:s3cret@h", "https:ada:s3cret@h/..%2f"] {
            let refused = Egress::new(&manifest(), Some("call"), Some(bad)).expect_err("user information");
            assert!(!refused.to_string().contains("s3cret") && !format!("{refused:?}").contains("ada"), "{refused:?}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_stays_below_the_prefix_for_any_parser(
            start in "(https|HTTPS|https\t| https)(://|:|:/|:///|:\\\\\\\\|:/\\\\|:\\?://)",
            tail in "[a-z./%\\\\0-9eEfF2c]{0,24}",
        ) {
            let asked = format!("{start}api.example.com/v2/Services/{tail}");
            if let Ok(url) = egress().check(&asked) {
                prop_assert!(asked.starts_with("https://") || asked.starts_with("HTTPS://"), "{}", asked);
                prop_assert!(url.path().starts_with("/v2/Services"));
                let lower = url.path().to_ascii_lowercase();
                prop_assert!(!["%2f", "%5c", "%00", "\\"].iter().any(|bad| lower.contains(bad)), "{}", lower);
                let decoded = percent_decode_str(url.path()).decode_utf8_lossy().into_owned();
                prop_assert!(!decoded.split('/').any(|segment| segment == ".."), "{}", decoded);
            }
        }
    }
}
