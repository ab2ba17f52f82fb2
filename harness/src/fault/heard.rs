//! What a fault can know of a request, whoever carries it.

use std::fmt;

use countersign::secrets::Secrets;
use countersign::transport::Outgoing;
use countersign_plugin::http::{Body, FieldValue};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::wire::WireRequest;

/// A request as its provider hears it. It holds credentials: nothing of it is ever shown.
pub(super) struct Heard {
    /// Path and query.
    pub(super) target: Zeroizing<String>,
    /// The segments of its path, decoded.
    pub(super) segments: Vec<Zeroizing<String>>,
    /// The values of its form, or the texts of its JSON.
    pub(super) values: Vec<Zeroizing<String>>,
    /// What it says who asks by.
    pub(super) credentials: Vec<Zeroizing<String>>,
}

impl Heard {
    /// A request of a plugin, its secrets by name: what is quoted comes back to the plugin, which must not learn them.
    pub(super) fn outgoing(outgoing: &Outgoing<'_>) -> Self {
        let reveal = |value: &FieldValue| match value {
            FieldValue::Text(text) => Zeroizing::new(text.clone()),
            FieldValue::Secret(reference) => Zeroizing::new(format!("[{}]", reference.name())),
        };
        let values = match &outgoing.request.body {
            Some(Body::Form(fields)) => fields.iter().map(|(_, value)| reveal(value)).collect(),
            Some(Body::Json(value)) => texts(value),
            None => Vec::new(),
        };
        let query = outgoing.url.query().map_or_else(String::new, |query| format!("?{query}"));
        Self {
            target: Zeroizing::new(format!("{}{query}", outgoing.url.path())),
            segments: segments(outgoing.url.path()),
            values,
            credentials: Vec::new(),
        }
    }

    /// The same with the values of its secrets, which must be made up.
    pub(super) fn with_secrets(mut self, secrets: &Secrets) -> Self {
        self.credentials = secrets.iter().map(|(_, secret)| Zeroizing::new(secret.expose().to_owned())).collect();
        self
    }

    /// A request that a carrier brought.
    pub(super) fn wire(request: &WireRequest) -> Self {
        let path = request.target.split('?').next().unwrap_or_default();
        let values = match serde_json::from_slice::<Value>(&request.body) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => texts(&value),
            _ => form_urlencoded::parse(&request.body).map(|(_, value)| Zeroizing::new(value.into_owned())).collect(),
        };
        let is_credential = |name: &str| {
            let name = name.to_ascii_lowercase();
            name == "authorization" || name.ends_with("api-key")
        };
        let credentials = request.headers.iter().filter(|(name, _)| is_credential(name));
        Self {
            target: Zeroizing::new(request.target.clone()),
            segments: segments(path),
            values,
            credentials: credentials.map(|(_, value)| Zeroizing::new(value.clone())).collect(),
        }
    }

    /// Whether the request names that thing, in its path or in its body.
    pub(super) fn names(&self, id: &str) -> bool {
        self.segments.iter().any(|segment| segment.contains(id)) || self.values.iter().any(|value| value.as_str() == id)
    }

    /// Everything it says, in one text, as a careless server quotes it.
    pub(super) fn quoted(&self) -> Zeroizing<String> {
        let all = std::iter::once(&self.target).chain(&self.values).chain(&self.credentials);
        let texts: Vec<&str> = all.map(|text| text.as_str()).collect();
        Zeroizing::new(texts.join(", "))
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heard").field("values", &self.values.len()).finish_non_exhaustive()
    }
}

fn segments(path: &str) -> Vec<Zeroizing<String>> {
    let decoded = |segment| Zeroizing::new(percent_decode_str(segment).decode_utf8_lossy().into_owned());
    path.split('/').filter(|segment| !segment.is_empty()).map(decoded).collect()
}

fn texts(value: &Value) -> Vec<Zeroizing<String>> {
    match value {
        Value::String(text) => vec![Zeroizing::new(text.clone())],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        Value::Number(number) => vec![Zeroizing::new(number.to_string())],
        Value::Bool(_) | Value::Null => Vec::new(),
    }
}
