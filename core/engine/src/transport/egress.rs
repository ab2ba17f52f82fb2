//! Where a service's requests may go, compared after parsing.

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
        /// What was given.
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
        let url = Url::parse(asked).map_err(|_| EgressRefusal::NotAnAddress)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(EgressRefusal::TooMuch);
        }
        // Looked for in the text as written: parsing would already have folded them.
        ambiguity(asked).map_or(Ok(()), |what| Err(EgressRefusal::Ambiguous { what }))?;
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
    let Ok(url) = Url::parse(base) else { return Err(EgressError::NotAnAddress { base: base.to_owned() }) };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(EgressError::TooMuch { base: url.origin().ascii_serialization() });
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(EgressError::NotAnAddress { base: base.to_owned() }),
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err(EgressError::NotHttps { base: base.to_owned() }),
    }
}

/// What in the path as written could be read in two ways.
fn ambiguity(asked: &str) -> Option<&'static str> {
    let after_scheme = asked.split_once("://").map_or(asked, |(_, rest)| rest);
    let path = after_scheme.split(['?', '#']).next().unwrap_or_default();
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
        if matches!(decoded(segment).as_str(), "." | "..") {
            return Some("a dot segment");
        }
        if segment.is_empty() && segments.peek().is_some() {
            return Some("an empty segment");
        }
    }
    None
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

    proptest! {
        #[test]
        fn what_passes_stays_below_the_prefix_for_any_parser(tail in "[a-z./%\\\\0-9eEfF2c]{0,24}") {
            if let Ok(url) = egress().check(&format!("https://api.example.com/v2/Services/{tail}")) {
                prop_assert!(url.path().starts_with("/v2/Services"));
                let twice = percent_decode_str(url.path()).decode_utf8_lossy().into_owned();
                prop_assert!(!twice.split('/').any(|segment| segment == ".."), "{}", twice);
            }
        }
    }
}
