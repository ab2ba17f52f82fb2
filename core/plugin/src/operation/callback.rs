//! `receive`: a provider calls back.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::http::Address;
use crate::operation::{Data, optional};

/// Input of `receive`: a callback that reached the host.
#[derive(Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Receive {
    /// The full URL that was called, as the provider knows it.
    pub url: String,
    /// HTTP method, upper case.
    pub method: String,
    /// Header fields as they came, in order.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Bytes,
    /// What `start` remembered of the delivery that the URL belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Data>,
}

impl Receive {
    /// A callback without header fields and body, about no delivery.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { url: url.into(), method: method.into(), headers: Vec::new(), body: Bytes::default(), delivery: None }
    }

    /// Appends a header field.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The raw body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    optional! {
        /// What `start` remembered of the delivery that the URL belongs to.
        #[must_use]
        delivery: Data;
    }
}

impl fmt::Debug for Receive {
    /// A callback is a request too: its shape, no values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Receive")
            .field("method", &self.method)
            .field("url", &Address(&self.url))
            .field("headers", &names)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// Outcome of `receive`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
#[non_exhaustive]
pub struct Received {
    /// What the engine should do. An event never approves anything by itself.
    pub event: Callback,
    /// HTTP status of the answer.
    pub status: u16,
    /// Content type of the answer.
    pub content_type: String,
    /// Body of the answer.
    pub body: Bytes,
}

impl Received {
    /// An answer without body.
    pub fn new(event: Callback, status: u16) -> Self {
        Self { event, status, content_type: "text/plain".to_owned(), body: Bytes::default() }
    }

    /// The body of the answer, with its content type.
    pub fn body(mut self, content_type: impl Into<String>, body: impl Into<Bytes>) -> Self {
        self.content_type = content_type.into();
        self.body = body.into();
        self
    }
}

/// What a callback means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callback {
    /// Nothing to do.
    Nothing,
    /// Something changed: ask `status`.
    AskStatus,
}
