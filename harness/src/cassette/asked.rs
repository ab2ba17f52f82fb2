//! A request in the normal form in which recorded and sent ones are compared.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::{Url, form_urlencoded};

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
    pub(crate) fn of(sent: &'a Sent) -> Self {
        Self {
            authorization: Cow::Borrowed(&sent.authorization),
            body: AskedBody::of(&sent.body),
            ..Self::addressed(&sent.method, &sent.url)
        }
    }

    /// A request to this address, by nobody and without a body.
    pub(crate) fn addressed(method: &'a str, url: &'a Url) -> Self {
        Self::taken_apart(method, url, url.path(), url.query())
    }

    /// The same to this path of an origin, without the work of making an address of them; `None` where that would change
    /// them, because they hold dot segments or characters that an address must not have.
    pub(crate) fn targeted(method: &'a str, origin: &'a Url, path: &'a str, query: Option<&'a str>) -> Option<Self> {
        let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~%+@=,".contains(&byte);
        let is_dotted = |segment: &str| segment.starts_with('.') || segment.as_bytes().starts_with(b"%2");
        let path_stays = path.starts_with('/')
            && path.bytes().all(|byte| byte == b'/' || stays(byte))
            && !path.split('/').any(is_dotted);
        let query_stays = query.is_none_or(|query| query.bytes().all(|byte| byte == b'&' || stays(byte)));
        (path_stays && query_stays).then(|| Self::taken_apart(method, origin, path, query))
    }

    fn taken_apart(method: &'a str, origin: &'a Url, path: &'a str, query: Option<&'a str>) -> Self {
        let segments = path.strip_prefix('/').into_iter().flat_map(|path| path.split('/'));
        let mut query: Vec<_> = query.map_or_else(Vec::new, |query| form_urlencoded::parse(query.as_bytes()).collect());
        query.sort_unstable();
        Self {
            method: Cow::Borrowed(method),
            host: Cow::Borrowed(origin.host_str().unwrap_or_default()),
            port: origin.port_or_known_default(),
            segments: segments.map(|segment| percent_decode_str(segment).into()).collect(),
            query,
            authorization: Cow::Owned(Authorization::None),
            headers: Vec::new(),
            body: AskedBody::Empty,
        }
    }

    /// Looks for spoken numbers in these form fields, where they matter.
    pub(crate) fn listen(&mut self, spoken: &[String]) {
        let AskedBody::Form(fields) = &mut self.body else { return };
        for field in fields.iter_mut().filter(|field| spoken.iter().any(|name| *name == field.name)) {
            field.spoken = Some(spoken::number(&field.value));
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
    fn of(body: &'a SentBody) -> Self {
        match body {
            SentBody::Empty => Self::Empty,
            SentBody::Form(fields) => {
                Self::form(fields.iter().map(|(name, value)| (Cow::Borrowed(&**name), Cow::Borrowed(&**value))))
            }
            SentBody::Json(value) => Self::Json(Cow::Borrowed(value)),
            SentBody::Other(bytes) => Self::other(bytes),
        }
    }

    /// Decoded fields, in any order. A form without fields is no body.
    pub(crate) fn form(fields: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Self {
        let mut fields: Vec<_> = fields.map(|(name, value)| AskedField { name, value, spoken: None }).collect();
        if fields.is_empty() {
            return Self::Empty;
        }
        fields.sort_unstable_by(|one, two| (&one.name, &one.value).cmp(&(&two.name, &two.value)));
        Self::Form(fields)
    }

    /// Bytes that are neither form nor JSON.
    pub(crate) const fn other(bytes: &'a [u8]) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Other(Cow::Borrowed(bytes)) }
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
