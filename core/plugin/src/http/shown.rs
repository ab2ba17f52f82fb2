//! How requests are shown to people: what they are made of, never what is in them.
//!
//! A request holds the number it calls, the code that it delivers (digit by digit, perhaps) and
//! whatever else a vendor writes into it. Its `Debug` ends up in logs and failed tests.

use std::fmt;

use crate::http::{Body, Endpoint, FieldValue, Request};

/// More digits than that in one path segment may be a number or a code.
const FEW_DIGITS: usize = 3;

impl fmt::Debug for Request {
    /// Method, effect, host and path, names of header fields, shape of the body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &Address(&self.url))
            .field("effect", &self.effect)
            .field("headers", &Fields(&self.headers))
            .field("auth", &self.auth)
            .field("body", &self.body)
            .finish()
    }
}

impl fmt::Debug for Body {
    /// The fields' names and the sizes of their values, or the size alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(fields) => f.debug_tuple("Form").field(&Fields(fields)).finish(),
            Self::Json(value) => write!(f, "Json({} bytes)", value.to_string().len()),
        }
    }
}

impl fmt::Debug for FieldValue {
    /// The size of a text, the name of a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Secret(secret) => write!(f, "Secret({})", secret.name()),
        }
    }
}

impl fmt::Debug for Endpoint {
    /// Host and path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&Address(&self.to_string())).finish()
    }
}

struct Fields<'a>(&'a [(String, FieldValue)]);

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, value)| (name, value))).finish()
    }
}

/// An address without user information, query and fragment, and with `…` for every segment of
/// its path that may be a value.
pub(crate) struct Address<'a>(pub(crate) &'a str);

impl fmt::Debug for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.find(['?', '#']).unwrap_or(self.0.len());
        let (scheme, rest) = self.0.get(..end).unwrap_or_default().split_once("://").unwrap_or(("", ""));
        let mut segments = rest.split('/');
        let host = segments.next().map(|authority| authority.rsplit('@').next().unwrap_or_default());
        write!(f, "{scheme}://{}", host.unwrap_or_default().escape_debug())?;
        segments.try_for_each(|segment| write!(f, "/{}", if is_word(segment) { segment } else { "…" }))
    }
}

/// Whether a segment can only be part of an interface, such as `v2` or `Services`. An address, a
/// name with a space or a number in E.164 has percent signs by now.
fn is_word(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let plain = segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    plain && digits <= FEW_DIGITS && (digits < segment.len() || segment.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::http::{Effect, Endpoint, Request};
    use crate::operation::Receive;
    use crate::secret::SecretRef;

    #[track_caller]
    fn check(request: &Request, expected: &str) {
        assert_eq!(format!("{request:?}"), expected);
    }

    #[test]
    fn names_and_sizes_are_shown_and_no_values() {
        let token = SecretRef::named("auth_token");
        check(
            &Request::post(Endpoint::new("https://h.example").path(["v2", "Services", "VA0123"]).query("To", "+1500"))
                .basic_auth("AC1", &token)
                .header("X-Person", "ada")
                .header("X-Key", &token)
                .form([("To", "+15005550006"), ("Twiml", "<Say>4 8 3 9 2 0</Say>")]),
            concat!(
                "Request { method: Post, url: https://h.example/v2/Services/…, effect: Act, ",
                r#"headers: {"X-Person": Text(3 bytes), "X-Key": Secret(auth_token)}, "#,
                "auth: Some(Basic { user: Text(3 bytes), password: Secret(auth_token) }), ",
                r#"body: Some(Form({"To": Text(12 bytes), "Twiml": Text(22 bytes)})) }"#,
            ),
        );
        check(
            &Request::get(Endpoint::new("https://h.example"))
                .effect(Effect::Idempotent)
                .json(json!({"code": "483920"})),
            "Request { method: Get, url: https://h.example, effect: Idempotent, headers: {}, auth: None, body: Some(Json(17 bytes)) }",
        );
    }

    #[track_caller]
    fn check_address(address: &str, expected: &str) {
        let mut request = Request::get(Endpoint::new("https://h.example"));
        request.url = address.to_owned();
        let shown = format!("{request:?}");
        assert!(shown.contains(&format!("url: {expected}, ")), "{shown}");
    }

    #[test]
    fn an_address_is_shown_without_what_may_be_a_value() {
        check_address(
            "https://api.example/protected/json/verify/483920/77",
            "https://api.example/protected/json/verify/…/…",
        );
        check_address("https://api.example/4/8/3/9/2/0", "https://api.example/…/…/…/…/…/…");
        check_address("https://api.example/to/%2B15005550006", "https://api.example/to/…");
        check_address("https://api.example/users/ada%40example.org/", "https://api.example/users/…/");
        check_address("https://ada:pw@api.example:8443/v2?To=1#f", "https://api.example:8443/v2");
        check_address("canary", "://");
    }

    #[test]
    fn an_endpoint_is_shown_alike() {
        let endpoint = Endpoint::new("https://h.example").path(["v2", "483920"]).query("code", "483920");
        assert_eq!(format!("{endpoint:?}"), "Endpoint(https://h.example/v2/…)");
    }

    #[test]
    fn a_callback_is_shown_alike() {
        let callback = Receive {
            url: "https://h.example/callback?token=canary".to_owned(),
            method: "POST".to_owned(),
            headers: vec![("X-Signature".to_owned(), "canary".to_owned())],
            body: "To=canary".into(),
            delivery: None,
        };
        let expected = concat!(
            r#"Receive { method: "POST", url: https://h.example/callback, "#,
            r#"headers: ["X-Signature"], body: Bytes(9), .. }"#,
        );
        assert_eq!(format!("{callback:?}"), expected);
    }
}
