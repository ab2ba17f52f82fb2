//! Bytes on the wire: text where they are UTF-8, Base64 where they are not.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Bytes that are `{"text": "…"}` in JSON where they are UTF-8, and `{"base64": "…"}` where not.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, by value.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl<T: Into<Vec<u8>>> From<T> for Bytes {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Bytes {
    /// Only the length: a body may hold anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wire<T> {
    Text(T),
    Base64(T),
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match str::from_utf8(&self.0) {
            Ok(text) => Wire::Text(text).serialize(serializer),
            Err(_) => Wire::Base64(STANDARD.encode(&self.0).as_str()).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Wire::<String>::deserialize(deserializer)? {
            Wire::Text(text) => Ok(Self(text.into_bytes())),
            Wire::Base64(text) => STANDARD.decode(text).map(Self).map_err(|_| D::Error::custom("not base64")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn refused(wire: &str) {
        assert!(serde_json::from_str::<Bytes>(wire).is_err(), "{wire} was read");
    }

    #[test]
    fn what_is_neither_text_nor_base64_is_refused() {
        refused(r#""plain""#);
        refused("{}");
        refused("[1,2]");
        refused(r#"{"hex":"00"}"#);
        refused(r#"{"base64":"/w"}"#);
        refused(r#"{"base64":"_w=="}"#);
        refused(r#"{"base64":"/w==\n"}"#);
        refused(r#"{"text":1}"#);
    }

    #[test]
    fn no_content_is_printed() {
        assert_eq!(format!("{:?}", Bytes::from("canary")), "Bytes(6)");
    }

    proptest! {
        #[test]
        fn any_bytes_survive_and_are_text_exactly_where_they_are_utf8(bytes: Vec<u8>) {
            let wire = serde_json::to_value(Bytes::from(bytes.clone())).expect("JSON");
            let expected = match str::from_utf8(&bytes) {
                Ok(text) => json!({ "text": text }),
                Err(_) => json!({ "base64": STANDARD.encode(&bytes) }),
            };
            prop_assert_eq!(&wire, &expected);
            prop_assert_eq!(serde_json::from_value::<Bytes>(wire).expect("Bytes").into_vec(), bytes);
        }

        #[test]
        fn any_text_survives(text in any::<String>()) {
            let wire = serde_json::to_string(&Bytes::from(text.clone())).expect("JSON");
            prop_assert_eq!(&serde_json::from_str::<Value>(&wire).expect("JSON")["text"], &json!(text));
            prop_assert_eq!(serde_json::from_str::<Bytes>(&wire).expect("Bytes").into_vec(), text.into_bytes());
        }

        #[test]
        fn base64_of_text_is_read_too(text in any::<String>()) {
            let wire = json!({ "base64": STANDARD.encode(&text) });
            prop_assert_eq!(serde_json::from_value::<Bytes>(wire).expect("Bytes").into_vec(), text.into_bytes());
        }
    }
}
