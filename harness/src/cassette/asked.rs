//! A request in the normal form in which recorded and sent ones are compared.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::place::Place;
use super::sent::{Authorization, Sent, SentBody};
use super::spoken::{self, Spoken, Unspoken};

/// A request taken apart: path decoded by segment, query and form decoded and sorted.
#[derive(Clone)]
pub(crate) struct Asked<'a> {
    pub(crate) method: Cow<'a, str>,
    pub(crate) host: Cow<'a, str>,
    pub(crate) port: Option<u16>,
    pub(crate) segments: Vec<Cow<'a, [u8]>>,
    pub(crate) query: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(crate) authorization: Cow<'a, Authorization>,
    /// The names of all headers of a recorded request; empty for a sent one, which says by itself which is its key.
    pub(crate) headers: Vec<String>,
    pub(crate) body: AskedBody<'a>,
}

#[derive(Clone)]
pub(crate) enum AskedBody<'a> {
    Empty,
    Form(Vec<AskedField<'a>>),
    Json(Cow<'a, Value>),
    Other(Cow<'a, [u8]>),
}

#[derive(Clone)]
pub(crate) struct AskedField<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
    /// Looked for only in the fields where some recorded exchange speaks a number.
    pub(crate) spoken: Option<Result<Spoken, Unspoken>>,
}

/// Why there is no value at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Vacant {
    /// The request has no such field, segment or member.
    #[error("it is not there")]
    Absent,
    /// The field occurs more than once.
    #[error("it is there more than once")]
    Repeated,
    /// An array, an object or null.
    #[error("it holds no text, number or boolean")]
    NotScalar,
    /// A path segment that is not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// The value is empty, so that nobody could tell where it occurs.
    #[error("it is empty")]
    Empty,
    /// The field speaks no number.
    #[error(transparent)]
    Unspoken(#[from] Unspoken),
}

impl<'a> Asked<'a> {
    /// `spoken` names the form fields in which spoken numbers matter.
    pub(crate) fn of(sent: &'a Sent, spoken: &[String]) -> Self {
        let segments = sent.url.path_segments().into_iter().flatten();
        let mut query: Vec<_> = match sent.url.query() {
            Some(_) => sent.url.query_pairs().collect(),
            None => Vec::new(),
        };
        query.sort_unstable();
        Self {
            method: Cow::Borrowed(&sent.method),
            host: Cow::Borrowed(sent.url.host_str().unwrap_or_default()),
            port: sent.url.port_or_known_default(),
            segments: segments.map(|segment| percent_decode_str(segment).into()).collect(),
            query,
            authorization: Cow::Borrowed(&sent.authorization),
            headers: Vec::new(),
            body: AskedBody::of(&sent.body, spoken),
        }
    }

    pub(crate) fn into_owned(self) -> Asked<'static> {
        Asked {
            method: Cow::Owned(self.method.into_owned()),
            host: Cow::Owned(self.host.into_owned()),
            port: self.port,
            segments: self.segments.into_iter().map(|segment| Cow::Owned(segment.into_owned())).collect(),
            query: self
                .query
                .into_iter()
                .map(|(name, value)| (Cow::Owned(name.into_owned()), Cow::Owned(value.into_owned())))
                .collect(),
            authorization: Cow::Owned(self.authorization.into_owned()),
            headers: self.headers,
            body: self.body.into_owned(),
        }
    }

    /// The value at a place.
    pub(crate) fn at(&self, place: &Place) -> Result<Cow<'_, str>, Vacant> {
        let value = match place {
            Place::Form { name } => Cow::Borrowed(&*self.field(name)?.value),
            Place::Spoken { name } => {
                let field = self.field(name)?;
                match &field.spoken {
                    Some(Ok(spoken)) => Cow::Borrowed(&*spoken.digits),
                    Some(Err(reason)) => return Err((*reason).into()),
                    None => Cow::Owned(spoken::number(&field.value)?.digits),
                }
            }
            Place::Query { name } => {
                let values = self.query.iter().filter(|(found, _)| found == name);
                Cow::Borrowed(&*only(values)?.1)
            }
            Place::Path { segment } => {
                let bytes = self.segments.get(*segment).ok_or(Vacant::Absent)?;
                let text = std::str::from_utf8(bytes).map_err(|_| Vacant::NotUtf8)?;
                Cow::Borrowed(text)
            }
            Place::Json { pointer } => {
                let AskedBody::Json(body) = &self.body else {
                    return Err(Vacant::Absent);
                };
                match body.pointer(pointer).ok_or(Vacant::Absent)? {
                    Value::String(text) => Cow::Borrowed(text.as_str()),
                    Value::Number(number) => Cow::Owned(number.to_string()),
                    Value::Bool(yes) => Cow::Borrowed(if *yes { "true" } else { "false" }),
                    Value::Null | Value::Array(_) | Value::Object(_) => {
                        return Err(Vacant::NotScalar);
                    }
                }
            }
        };
        if value.is_empty() {
            return Err(Vacant::Empty);
        }
        Ok(value)
    }

    /// The one form field of this name.
    pub(crate) fn field(&self, name: &str) -> Result<&AskedField<'a>, Vacant> {
        let AskedBody::Form(fields) = &self.body else {
            return Err(Vacant::Absent);
        };
        only(fields.iter().filter(|field| field.name == name))
    }
}

impl<'a> AskedBody<'a> {
    fn of(body: &'a SentBody, spoken: &[String]) -> Self {
        match body {
            SentBody::Empty => Self::Empty,
            SentBody::Form(fields) if fields.is_empty() => Self::Empty,
            SentBody::Form(fields) => {
                let mut fields: Vec<_> = fields
                    .iter()
                    .map(|(name, value)| AskedField {
                        name: Cow::Borrowed(name),
                        value: Cow::Borrowed(value),
                        spoken: spoken.contains(name).then(|| spoken::number(value)),
                    })
                    .collect();
                fields.sort_unstable_by(|one, two| (&one.name, &one.value).cmp(&(&two.name, &two.value)));
                Self::Form(fields)
            }
            SentBody::Json(value) => Self::Json(Cow::Borrowed(value)),
            SentBody::Other(bytes) if bytes.is_empty() => Self::Empty,
            SentBody::Other(bytes) => Self::Other(Cow::Borrowed(bytes)),
        }
    }

    fn into_owned(self) -> AskedBody<'static> {
        match self {
            Self::Empty => AskedBody::Empty,
            Self::Form(fields) => AskedBody::Form(
                fields
                    .into_iter()
                    .map(|field| AskedField {
                        name: Cow::Owned(field.name.into_owned()),
                        value: Cow::Owned(field.value.into_owned()),
                        spoken: field.spoken,
                    })
                    .collect(),
            ),
            Self::Json(value) => AskedBody::Json(Cow::Owned(value.into_owned())),
            Self::Other(bytes) => AskedBody::Other(Cow::Owned(bytes.into_owned())),
        }
    }
}

fn only<T>(mut values: impl Iterator<Item = T>) -> Result<T, Vacant> {
    let value = values.next().ok_or(Vacant::Absent)?;
    match values.next() {
        Some(_) => Err(Vacant::Repeated),
        None => Ok(value),
    }
}
