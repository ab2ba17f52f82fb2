//! Cassettes as they lie on disk: HAR 1.2 with `_countersign` objects. Nothing here is checked.
//!
//! Fields of HAR that replay does not need are not listed; HAR tells readers to ignore what they do
//! not know. The `_countersign` objects are ours and strict: what is unknown ends up in `unknown`, and
//! the reader refuses it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

/// The keys that a reader does not know.
pub(super) type Unknown = BTreeMap<String, Value>;

/// Only as much as tells whether the rest can be read.
#[derive(Debug, serde::Deserialize)]
pub(super) struct ProbeFormat {
    pub(super) log: LogProbeFormat,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct LogProbeFormat {
    /// HAR: "if empty, the string 1.1 is assumed".
    #[serde(default)]
    pub(super) version: String,
    #[serde(default, rename = "_countersign")]
    pub(super) note: Option<NoteProbeFormat>,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct NoteProbeFormat {
    pub(super) version: String,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct HarFormat {
    pub(super) log: LogFormat,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct LogFormat {
    pub(super) entries: Vec<EntryFormat>,
    #[serde(default, rename = "_countersign")]
    pub(super) note: Option<LogNoteFormat>,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct LogNoteFormat {
    /// Checked by the probe, before anything else of the object was looked at.
    #[serde(rename = "version")]
    pub(super) _version: String,
    pub(super) provenance: ProvenanceFormat,
    pub(super) provider: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) redaction: Option<RedactionFormat>,
    #[serde(default)]
    pub(super) age: Option<AgeFormat>,
    #[serde(default)]
    pub(super) variables: Named<String>,
    #[serde(default)]
    pub(super) case: Option<CaseFormat>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

impl LogNoteFormat {
    pub(super) const KEYS: &[&str] =
        &["version", "provenance", "provider", "title", "redaction", "age", "variables", "case"];
}

/// By which rules the file was redacted: for people, and for tools that add to it.
#[derive(Debug, serde::Deserialize)]
pub(super) struct RedactionFormat {
    #[serde(rename = "profile")]
    pub(super) _profile: String,
    #[serde(default, rename = "names")]
    pub(super) _names: Vec<String>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

impl RedactionFormat {
    pub(super) const KEYS: &[&str] = &["profile", "names"];
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct AgeFormat {
    pub(super) days: u32,
    #[serde(default)]
    pub(super) then: Option<String>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

impl AgeFormat {
    pub(super) const KEYS: &[&str] = &["days", "then"];
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct ProvenanceFormat {
    pub(super) kind: String,
    pub(super) source: String,
    #[serde(default)]
    pub(super) recorded_at: Option<String>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

impl ProvenanceFormat {
    pub(super) const KEYS: &[&str] = &["kind", "source", "recorded_at"];
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct CaseFormat {
    pub(super) plugin: String,
    pub(super) channel: String,
    #[serde(default)]
    pub(super) mode: Option<String>,
    #[serde(default)]
    pub(super) settings: Named<Value>,
    pub(super) clock: String,
    #[serde(default)]
    pub(super) seed: u64,
    pub(super) operations: Vec<OperationFormat>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

impl CaseFormat {
    pub(super) const KEYS: &[&str] = &["plugin", "channel", "mode", "settings", "clock", "seed", "operations"];
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct OperationFormat {
    pub(super) operation: String,
    #[serde(default)]
    pub(super) after_seconds: u64,
    #[serde(default)]
    pub(super) input: Named<Value>,
    pub(super) expect: Named<Value>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

impl OperationFormat {
    pub(super) const KEYS: &[&str] = &["operation", "after_seconds", "input", "expect"];
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct EntryFormat {
    /// Whatever stands there: replay needs no times, and tools write odd ones.
    #[serde(default, rename = "startedDateTime")]
    pub(super) started: Value,
    /// In milliseconds.
    #[serde(default)]
    pub(super) time: Value,
    #[serde(default)]
    pub(super) comment: Option<String>,
    pub(super) request: RequestFormat,
    #[serde(default)]
    pub(super) response: Option<ResponseFormat>,
    #[serde(default, rename = "_countersign")]
    pub(super) note: Option<EntryNoteFormat>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestFormat {
    pub(super) method: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) headers: Vec<PairFormat>,
    #[serde(default)]
    pub(super) cookies: Option<Vec<PairFormat>>,
    #[serde(default)]
    pub(super) query_string: Option<Vec<PairFormat>>,
    #[serde(default)]
    pub(super) post_data: Option<PostDataFormat>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostDataFormat {
    #[serde(default)]
    pub(super) mime_type: String,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) params: Option<Vec<PairFormat>>,
    /// Not in HAR 1.2; the name is that of the 1.3 proposal.
    #[serde(default)]
    pub(super) encoding: Option<String>,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct ResponseFormat {
    /// 0 is what tools write when no response came.
    pub(super) status: i64,
    #[serde(default)]
    pub(super) headers: Vec<PairFormat>,
    #[serde(default)]
    pub(super) cookies: Option<Vec<PairFormat>>,
    #[serde(default)]
    pub(super) content: Option<ContentFormat>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContentFormat {
    /// -1 where the writer did not know.
    #[serde(default)]
    pub(super) size: Option<i64>,
    /// Bytes saved by compression, if any.
    #[serde(default)]
    pub(super) compression: Option<i64>,
    #[serde(default)]
    pub(super) mime_type: String,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) encoding: Option<String>,
}

/// A header, a cookie, a query parameter or a form field.
#[derive(Debug, Clone, serde::Deserialize)]
pub(super) struct PairFormat {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: String,
}

#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct EntryNoteFormat {
    #[serde(default)]
    pub(super) seq: Option<u64>,
    #[serde(default)]
    pub(super) bind: Named<Value>,
    #[serde(default)]
    pub(super) require: Named<String>,
    #[serde(default)]
    pub(super) repeat: Option<Value>,
    #[serde(default)]
    pub(super) sent: Option<SentFormat>,
    #[serde(default)]
    pub(super) failure: Option<String>,
    #[serde(default)]
    pub(super) body: Option<BodiesFormat>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

impl EntryNoteFormat {
    pub(super) const KEYS: &[&str] = &["seq", "bind", "require", "repeat", "sent", "failure", "body"];
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct SentFormat {
    pub(super) to: String,
    pub(super) channel: String,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

impl SentFormat {
    pub(super) const KEYS: &[&str] = &["to", "channel", "text"];
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct BodiesFormat {
    #[serde(default)]
    pub(super) request: Option<BodyFormat>,
    #[serde(default)]
    pub(super) response: Option<BodyFormat>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

impl BodiesFormat {
    pub(super) const KEYS: &[&str] = &["request", "response"];
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct BodyFormat {
    pub(super) sha256: String,
    /// The name of a file beside the cassette that holds the body.
    #[serde(default)]
    pub(super) file: Option<String>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

impl BodyFormat {
    pub(super) const KEYS: &[&str] = &["sha256", "file"];
}

/// Where a variable stands in a request.
#[derive(Debug, serde::Deserialize)]
#[serde(tag = "in", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum PlaceFormat {
    Form { name: String },
    Query { name: String },
    Path { segment: usize },
    Json { pointer: String },
    Spoken { name: String },
}

/// An object with free names. A name that stands twice is an error, for one of the two would be
/// dropped unseen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named<T>(pub(crate) BTreeMap<String, T>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NamedVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for NamedVisitor<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut named = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    if named.contains_key(&name) {
                        return Err(A::Error::custom(format_args!("`{name}` stands twice")));
                    }
                    named.insert(name, value);
                }
                Ok(Named(named))
            }
        }

        deserializer.deserialize_map(NamedVisitor(PhantomData))
    }
}
