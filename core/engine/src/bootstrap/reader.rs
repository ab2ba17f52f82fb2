//! Reads typed values out of the merged layers and gathers everything that is wrong on the way.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use figment::value::{Dict, Value};

use super::error::{Fault, Problem, shown};
use super::key::KeyPath;
use super::origin::{Origin, Origins};

/// The merged layers, and what was found to be wrong with them.
pub(super) struct Reader<'a> {
    pub(super) tree: &'a Value,
    pub(super) origins: Origins<'a>,
    faults: RefCell<Vec<Fault<Problem>>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(tree: &'a Value, origins: Origins<'a>, faults: Vec<Fault<Problem>>) -> Self {
        Self { tree, origins, faults: RefCell::new(faults) }
    }

    pub(super) fn root(&self) -> Entry<'_> {
        Entry { reader: self, path: KeyPath::default(), value: Some(self.tree) }
    }

    pub(super) fn fault(&self, origin: Origin, path: &KeyPath, problem: Problem) {
        self.faults.borrow_mut().push(Fault { origin, key: path.to_string(), problem });
    }

    pub(super) fn wrong_type(&self, path: &KeyPath, value: &Value, expected: &'static str) {
        let found = type_of(value);
        let origin = self.origins.of(path, Some(value));
        self.fault(origin, path, Problem::WrongType { found, expected });
    }

    pub(super) fn into_faults(self) -> Vec<Fault<Problem>> {
        self.faults.into_inner()
    }
}

/// One place of the bootstrap; there may be no value.
///
/// Each reading method reports what is wrong and answers `None`, so that reading goes on and all faults are
/// found in one go. No value is no fault, unless `required` is asked.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    reader: &'a Reader<'a>,
    pub(super) path: KeyPath,
    pub(super) value: Option<&'a Value>,
}

impl<'a> Entry<'a> {
    pub(super) fn child(&self, name: &str) -> Self {
        Self {
            reader: self.reader,
            path: self.path.child(name),
            value: self.dict().and_then(|entries| entries.get(name)),
        }
    }

    /// The entries of a table; none if it is no table, which the check of keys has reported.
    pub(super) fn children(&self) -> impl Iterator<Item = (&'a str, Self)> + use<'a> {
        let table = self.clone();
        let names = self.dict().into_iter().flat_map(Dict::keys);
        names.map(move |name| (name.as_str(), table.child(name)))
    }

    /// The items of a list; none if it is no list.
    pub(super) fn items(&self) -> impl Iterator<Item = Self> + use<'a> {
        let values = match self.value {
            Some(Value::Array(_, values)) => values.as_slice(),
            _ => &[],
        };
        let (reader, list) = (self.reader, self.path.clone());
        values.iter().enumerate().map(move |(at, value)| Self { reader, path: list.item(at), value: Some(value) })
    }

    pub(super) fn origin(&self) -> Origin {
        self.reader.origins.of(&self.path, self.value)
    }

    /// Whether an environment variable gave this value, as text that has yet to be parsed.
    pub(super) fn is_variable(&self) -> bool {
        matches!(self.origin(), Origin::Variable { .. })
    }

    pub(super) fn fault(&self, problem: Problem) {
        self.reader.fault(self.origin(), &self.path, problem);
    }

    /// Reports if there is no value.
    pub(super) fn required(&self, expected: &'static str) {
        if self.value.is_none() {
            self.fault(Problem::Missing { expected });
        }
    }

    pub(super) fn text(&self, expected: &'static str) -> Option<&'a str> {
        match self.value? {
            Value::String(_, text) if text.trim().is_empty() => {
                self.fault(Problem::Empty { expected });
                None
            }
            Value::String(_, text) => Some(text),
            _ => self.wrong(expected),
        }
    }

    pub(super) fn truth(&self) -> Option<bool> {
        const EXPECTED: &str = "true or false";
        match self.value? {
            Value::Bool(_, truth) => Some(*truth),
            Value::String(_, text) if self.is_variable() => match text.trim() {
                "true" => Some(true),
                "false" => Some(false),
                _ => self.wrong(EXPECTED),
            },
            _ => self.wrong(EXPECTED),
        }
    }

    pub(super) fn integer(&self) -> Option<i128> {
        const EXPECTED: &str = "a whole number";
        match self.value? {
            Value::Num(_, number) => {
                let unsigned = || number.to_u128().and_then(|number| i128::try_from(number).ok());
                let whole = number.to_i128().or_else(unsigned);
                whole.or_else(|| self.wrong(EXPECTED))
            }
            Value::String(_, text) if self.is_variable() => text.trim().parse().ok().or_else(|| self.wrong(EXPECTED)),
            _ => self.wrong(EXPECTED),
        }
    }

    /// A number within `range`; zero is as much out of range as any other number outside.
    pub(super) fn number(&self, range: RangeInclusive<u32>, unit: &'static str) -> Option<u32> {
        let found = self.integer()?;
        let number = u32::try_from(found).ok().filter(|number| range.contains(number));
        if number.is_none() {
            self.fault(Problem::OutOfRange { found, lowest: *range.start(), highest: *range.end(), unit });
        }
        number
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, options: &[(&'static str, T)]) -> Option<T> {
        let text = self.text("one of the words that may stand here")?;
        let chosen = options.iter().find(|(word, _)| *word == text);
        if chosen.is_none() {
            self.not_one_of(text, options.iter().map(|(word, _)| *word).collect());
        }
        chosen.map(|(_, value)| *value)
    }

    pub(super) fn not_one_of(&self, found: &str, options: Vec<&'static str>) {
        let found = shown(found);
        self.fault(Problem::NotOneOf { found, options });
    }

    /// A list of texts; a variable gives it as JSON or separated by commas.
    pub(super) fn texts(&self, expected: &'static str) -> Option<Vec<String>> {
        match self.value? {
            Value::Array(..) => self.items().map(|item| item.text(expected).map(str::to_owned)).collect(),
            Value::String(_, text) if self.is_variable() => match text.trim_start() {
                json if json.starts_with('[') => serde_json::from_str(json).ok().or_else(|| self.wrong(expected)),
                _ => Some(comma_separated(text)),
            },
            _ => self.wrong(expected),
        }
    }

    fn wrong<T>(&self, expected: &'static str) -> Option<T> {
        if let Some(value) = self.value {
            self.reader.wrong_type(&self.path, value, expected);
        }
        None
    }

    fn dict(&self) -> Option<&'a Dict> {
        match self.value? {
            Value::Dict(_, entries) => Some(entries),
            _ => None,
        }
    }
}

/// The parts of a list that a variable gives as text.
pub(super) fn comma_separated(text: &str) -> Vec<String> {
    let parts = text.split(',').map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::String(..) | Value::Char(..) => "text",
        Value::Bool(..) => "true or false",
        Value::Num(..) => "a number",
        Value::Empty(..) => "null",
        Value::Dict(..) => "a table",
        Value::Array(..) => "a list",
    }
}
