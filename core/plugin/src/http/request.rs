//! Requests, and the builder that vendors use.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::http::Endpoint;
use crate::secret::SecretRef;

/// One HTTP request, described. The host checks it against the plugin's egress, inserts the
/// secrets and performs it. Its `Debug` shows no values.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[must_use]
#[non_exhaustive]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The absolute address.
    pub url: String,
    /// What the request does at the provider; decides whether it may be repeated.
    pub effect: Effect,
    /// Header fields beyond those that host and body imply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, FieldValue)>,
    /// Authorization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// The body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    #[serde(skip)]
    pub(crate) problem: Option<String>,
}

/// HTTP methods that providers use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "RFC 9110 §9")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The method as it stands in a request line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What a request does at the provider. Only the engine repeats requests, and by this alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Changes nothing. May be repeated.
    Read,
    /// Done twice it is the same as done once. May be repeated.
    Idempotent,
    /// Sends, calls, charges or uses something up. Repeated only where nothing can have left.
    Act,
}

/// A text, or a reference to a secret that the engine inserts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// Plain text.
    Text(String),
    /// The value of a secret setting.
    Secret(SecretRef),
}

impl From<&str> for FieldValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for FieldValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for FieldValue {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&SecretRef> for FieldValue {
    fn from(secret: &SecretRef) -> Self {
        Self::Secret(secret.clone())
    }
}

/// Authorization of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// HTTP Basic (RFC 7617).
    Basic {
        /// The user, often an account sid.
        user: FieldValue,
        /// The password.
        password: FieldValue,
    },
    /// Bearer token (RFC 6750).
    Bearer {
        /// The token.
        token: FieldValue,
    },
}

/// Body of a request. Nothing else is needed so far; other kinds would be required by name.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// `application/x-www-form-urlencoded`, fields in order.
    Form(Vec<(String, FieldValue)>),
    /// `application/json`. Secrets cannot be referred to in it.
    Json(Value),
}

impl Request {
    /// A `GET`; its effect is [`Effect::Read`] unless stated otherwise.
    pub fn get(endpoint: Endpoint) -> Self {
        Self::new(Method::Get, Effect::Read, endpoint)
    }

    /// A `POST`; its effect is [`Effect::Act`] unless stated otherwise.
    pub fn post(endpoint: Endpoint) -> Self {
        Self::new(Method::Post, Effect::Act, endpoint)
    }

    /// A `DELETE`; its effect is [`Effect::Idempotent`] unless stated otherwise.
    pub fn delete(endpoint: Endpoint) -> Self {
        Self::new(Method::Delete, Effect::Idempotent, endpoint)
    }

    /// Any method.
    pub fn new(method: Method, effect: Effect, endpoint: Endpoint) -> Self {
        let (url, problem) = endpoint.into_parts();
        Self { method, url, effect, headers: Vec::new(), auth: None, body: None, problem }
    }

    /// States what the request does at the provider.
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Adds a header field. `Host`, `Content-Length` and the like belong to the host.
    pub fn header(mut self, name: &str, value: impl Into<FieldValue>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// HTTP Basic authorization; the password is usually a [`SecretRef`].
    pub fn basic_auth(mut self, user: impl Into<FieldValue>, password: impl Into<FieldValue>) -> Self {
        self.auth = Some(Auth::Basic { user: user.into(), password: password.into() });
        self
    }

    /// Bearer authorization.
    pub fn bearer(mut self, token: impl Into<FieldValue>) -> Self {
        self.auth = Some(Auth::Bearer { token: token.into() });
        self
    }

    /// Appends form fields; turns the body into a form.
    pub fn form<'a, V: Into<FieldValue>>(mut self, fields: impl IntoIterator<Item = (&'a str, V)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
        match &mut self.body {
            Some(Body::Form(form)) => form.extend(fields),
            body => *body = Some(Body::Form(fields.collect())),
        }
        self
    }

    /// A JSON body.
    pub fn json(mut self, value: Value) -> Self {
        self.body = Some(Body::Json(value));
        self
    }

    /// The secrets that it refers to: in header fields, authorization and form.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let auth = match &self.auth {
            Some(Auth::Basic { user, password }) => [Some(user), Some(password)],
            Some(Auth::Bearer { token }) => [Some(token), None],
            None => [None, None],
        };
        let form = match &self.body {
            Some(Body::Form(fields)) => fields.as_slice(),
            Some(Body::Json(_)) | None => &[],
        };
        let fields = self.headers.iter().chain(form).map(|(_, value)| value);
        fields.chain(auth.into_iter().flatten()).filter_map(|value| match value {
            FieldValue::Secret(secret) => Some(secret),
            FieldValue::Text(_) => None,
        })
    }
}
