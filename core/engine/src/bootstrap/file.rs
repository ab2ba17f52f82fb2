//! The bootstrap file as a layer: its values, and the line of each key.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use figment::value::{Dict, Empty, Map, Tag, Value};
use figment::{Metadata, Profile, Provider};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::BootstrapError;
use super::key::KeyPath;
use super::origin::Lines;

/// Far above any bootstrap, far below what would hurt.
const LARGEST: u64 = 1024 * 1024;

/// What a bootstrap file says.
pub(super) struct FileLayer<'a> {
    path: &'a Path,
    values: Dict,
    pub(super) lines: Lines,
}

impl<'a> FileLayer<'a> {
    pub(super) fn read(path: &'a Path) -> Result<Self, BootstrapError> {
        if path.is_dir() {
            return Err(BootstrapError::Folder { path: path.to_owned(), inside: path.join("countersign.toml") });
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        let parse = match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("toml") => parse_toml,
            Some("json") => parse_json,
            _ => {
                return Err(BootstrapError::UnknownFormat { path: path.to_owned() });
            }
        };
        let text = read_text(path)?;
        let (values, lines) = parse(&text).map_err(|wrong| BootstrapError::Syntax {
            path: path.to_owned(),
            line: wrong.line,
            column: wrong.column,
            message: wrong.message,
        })?;
        Ok(Self { path, values, lines })
    }

    /// Forgets a key and what is below it.
    pub(super) fn forget(&mut self, path: &[String]) {
        let Some((last, tables)) = path.split_last() else { return };
        let mut entries = &mut self.values;
        for table in tables {
            match entries.get_mut(table) {
                Some(Value::Dict(_, below)) => entries = below,
                _ => return,
            }
        }
        if entries.remove(last).is_some() {
            let key = KeyPath::from_segments(path);
            self.lines.retain(|line, _| !line.ancestors().any(|ancestor| ancestor == key));
        }
    }
}

impl Provider for FileLayer<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::from("bootstrap file", self.path)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

fn read_text(path: &Path) -> Result<String, BootstrapError> {
    let refuse = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => BootstrapError::Missing { path: path.to_owned() },
        _ => BootstrapError::Unreadable { path: path.to_owned(), source },
    };
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(refuse)?;
    if bytes.len() as u64 > LARGEST {
        return Err(BootstrapError::TooLarge { path: path.to_owned(), limit: LARGEST });
    }
    let text = String::from_utf8(bytes).map_err(|_| BootstrapError::NotText { path: path.to_owned() })?;
    // Some editors on Windows put a byte order mark in front.
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// A place where the text is not well-formed.
#[derive(Debug)]
struct Wrong {
    line: usize,
    column: usize,
    message: String,
}

/// Where the lines of a text begin.
struct LineStarts<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> LineStarts<'t> {
    fn of(text: &'t str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// The line, from 1, in which the byte at `offset` is.
    fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    fn wrong(&self, offset: usize, message: &str) -> Wrong {
        let line = self.line(offset);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        Wrong { line, column: before.chars().count() + 1, message: message.to_owned() }
    }
}

fn parse_toml(text: &str) -> Result<(Dict, Lines), Wrong> {
    let starts = LineStarts::of(text);
    let document = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        starts.wrong(offset, error.message())
    })?;
    let mut reading = TomlReading { starts, lines: Lines::new() };
    let values = reading.table(document.get_ref(), &KeyPath::default())?;
    Ok((values, reading.lines))
}

struct TomlReading<'t> {
    starts: LineStarts<'t>,
    lines: Lines,
}

impl TomlReading<'_> {
    fn table(&mut self, table: &DeTable<'_>, path: &KeyPath) -> Result<Dict, Wrong> {
        let mut values = Dict::new();
        for (key, value) in table {
            let path = path.child(key.get_ref());
            self.mark(&path, key.span().start);
            values.insert(key.get_ref().clone().into_owned(), self.value(value, &path)?);
        }
        Ok(values)
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, path: &KeyPath) -> Result<Value, Wrong> {
        let start = value.span().start;
        Ok(match value.get_ref() {
            DeValue::String(text) => Value::from(text.clone().into_owned()),
            DeValue::Boolean(truth) => Value::from(*truth),
            DeValue::Integer(number) => {
                let digits = number.as_str().replace('_', "");
                i64::from_str_radix(&digits, number.radix())
                    .map(Value::from)
                    .map_err(|_| self.starts.wrong(start, "this integer does not fit into 64 bits"))?
            }
            DeValue::Float(number) => match number.as_str().replace('_', "").parse::<f64>() {
                Ok(number) if number.is_finite() => Value::from(number),
                _ => {
                    return Err(self.starts.wrong(start, "no key takes an infinite number or `nan`"));
                }
            },
            DeValue::Datetime(_) => {
                let message = "no key takes a date; put it in quotes if it is text";
                return Err(self.starts.wrong(start, message));
            }
            DeValue::Array(items) => {
                let mut values = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    let path = path.item(at);
                    self.mark(&path, item.span().start);
                    values.push(self.value(item, &path)?);
                }
                Value::Array(Tag::Default, values)
            }
            DeValue::Table(table) => Value::Dict(Tag::Default, self.table(table, path)?),
        })
    }

    fn mark(&mut self, path: &KeyPath, offset: usize) {
        self.lines.insert(path.clone(), self.starts.line(offset));
    }
}

fn parse_json(text: &str) -> Result<(Dict, Lines), Wrong> {
    let at_start = || Wrong { line: 1, column: 1, message: "a bootstrap is a JSON object".to_owned() };
    match serde_json::from_str::<JsonValue>(text) {
        Ok(JsonValue(Value::Dict(_, values))) => Ok((values, Lines::new())),
        Ok(_) => Err(at_start()),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let message = error.to_string();
            // serde_json appends the place, which we put in front.
            let place = format!(" at line {line} column {column}");
            Err(Wrong { line, column, message: message.strip_suffix(&place).unwrap_or(&message).to_owned() })
        }
    }
}

/// A JSON value in which no key stands twice: which of the two counts would be anyone's guess.
struct JsonValue(Value);

impl<'de> Deserialize<'de> for JsonValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor).map(Self)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::from(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or_else(|_| Value::from(number), Value::from))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Empty(Tag::Default, Empty::Unit))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(JsonValue(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(Tag::Default, values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut values = Dict::new();
        while let Some((key, JsonValue(value))) = entries.next_entry::<String, _>()? {
            if values.contains_key(&key) {
                return Err(A::Error::custom(format_args!("key {key:?} stands twice")));
            }
            values.insert(key, value);
        }
        Ok(Value::Dict(Tag::Default, values))
    }
}
