//! Decides whether a recorded request and a sent one are the same: method, host, decoded path, query and
//! form as multisets or JSON as a value, authorization by presence, scheme and user.
//!
//! There is one rule, [`differences`]. [`Index`] only narrows down which entries it has to look at.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::RandomState;
use serde_json::Value;

use super::asked::{Asked, AskedBody, AskedField};
use super::difference::{Difference, Field, Side};
use super::place::Place;
use super::sent::Authorization;
use super::shown::Shown;

/// The places of an entry that are open: bound to variables, and so compared with their values and
/// not with the recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    segments: Vec<usize>,
    query: Vec<String>,
    form: Vec<String>,
    spoken: Vec<String>,
    pointers: Vec<String>,
}

impl Shape {
    pub(crate) fn of<'a>(places: impl IntoIterator<Item = &'a Place>) -> Self {
        let mut shape = Self::default();
        for place in places {
            match place {
                Place::Path { segment } => shape.segments.push(*segment),
                Place::Query { name } => shape.query.push(name.clone()),
                Place::Form { name } => shape.form.push(name.clone()),
                Place::Spoken { name } => shape.spoken.push(name.clone()),
                Place::Json { pointer } => shape.pointers.push(pointer.clone()),
            }
        }
        // Entries with the same open places share an index, however their variables are named.
        shape.segments.sort_unstable();
        for names in [&mut shape.query, &mut shape.form, &mut shape.spoken, &mut shape.pointers] {
            names.sort_unstable();
        }
        shape
    }

    fn segments<'s>(&'s self, asked: &'s Asked<'_>) -> impl Iterator<Item = (usize, Option<&'s [u8]>)> {
        asked.segments.iter().enumerate().map(|(at, segment)| {
            let closed = !self.segments.contains(&at);
            (at, closed.then_some(&**segment))
        })
    }

    fn query<'s>(&'s self, asked: &'s Asked<'_>) -> impl Iterator<Item = (&'s str, &'s str)> {
        asked
            .query
            .iter()
            .filter(|(name, _)| self.query.iter().all(|open| open != name))
            .map(|(name, value)| (&**name, &**value))
    }

    fn form<'s>(&'s self, fields: &'s [AskedField<'_>]) -> impl Iterator<Item = (&'s str, &'s str)> {
        fields.iter().filter(|field| self.form.iter().all(|open| *open != field.name)).map(|field| {
            match &field.spoken {
                Some(Ok(spoken)) if self.spoken.iter().any(|open| *open == field.name) => {
                    (&*field.name, &*spoken.frame)
                }
                _ => (&*field.name, &*field.value),
            }
        })
    }
}

/// Where two requests differ outside of the open places of the recorded one. Finding none allocates
/// nothing.
pub(crate) fn differences(recorded: &Asked<'_>, sent: &Asked<'_>, shape: &Shape) -> Vec<Difference> {
    let mut found = Vec::new();
    if recorded.method != sent.method {
        found.push(differ(Field::Method, &recorded.method, &sent.method));
    }
    if recorded.host != sent.host || recorded.port != sent.port {
        found.push(differ(Field::Host, &host(recorded), &host(sent)));
    }
    compare_paths(recorded, sent, shape, &mut found);
    if !shape.query(recorded).eq(shape.query(sent)) {
        let (recorded, sent) = (shape.query(recorded), shape.query(sent));
        compare_pairs(recorded, sent, Field::Query, &mut found);
    }
    if !same_authorization(recorded, &sent.authorization) {
        found.push(Difference::Field {
            field: Field::Authorization,
            recorded: Side::Holds(Shown::message(&recorded.authorization.to_string())),
            sent: Side::Holds(Shown::message(&sent.authorization.to_string())),
        });
    }
    compare_bodies(&recorded.body, &sent.body, shape, &mut found);
    found
}

fn compare_paths(recorded: &Asked<'_>, sent: &Asked<'_>, shape: &Shape, found: &mut Vec<Difference>) {
    if recorded.segments.len() != sent.segments.len() {
        found.push(differ(Field::Path, &path(recorded), &path(sent)));
        return;
    }
    for ((at, one), (_, two)) in shape.segments(recorded).zip(shape.segments(sent)) {
        if let (Some(one), Some(two)) = (one, two)
            && one != two
        {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            found.push(differ(Field::Segment(at), &text(one), &text(two)));
        }
    }
}

fn compare_pairs<'a>(
    recorded: impl Iterator<Item = (&'a str, &'a str)>,
    sent: impl Iterator<Item = (&'a str, &'a str)>,
    field: impl Fn(String) -> Field,
    found: &mut Vec<Difference>,
) {
    let mut names: BTreeMap<&str, [Vec<&str>; 2]> = BTreeMap::new();
    for (name, value) in recorded {
        names.entry(name).or_default()[0].push(value);
    }
    for (name, value) in sent {
        names.entry(name).or_default()[1].push(value);
    }
    // Both sides are sorted by value already.
    for (name, [recorded, sent]) in names {
        if recorded != sent {
            found.push(Difference::Field {
                field: field(name.to_owned()),
                recorded: Side::of(name, &recorded),
                sent: Side::of(name, &sent),
            });
        }
    }
}

fn compare_bodies(recorded: &AskedBody<'_>, sent: &AskedBody<'_>, shape: &Shape, found: &mut Vec<Difference>) {
    match (recorded, sent) {
        (AskedBody::Empty, AskedBody::Empty) => {}
        (AskedBody::Form(one), AskedBody::Form(two)) => {
            if !shape.form(one).eq(shape.form(two)) {
                compare_pairs(shape.form(one), shape.form(two), Field::Form, found);
            }
        }
        (AskedBody::Json(one), AskedBody::Json(two)) => {
            if one != two {
                compare_json(one, two, shape, &mut String::new(), found);
            }
        }
        (AskedBody::Other(one), AskedBody::Other(two)) if one == two => {}
        (one, two) => found.push(differ(Field::Body, &kind(one), &kind(two))),
    }
}

fn compare_json(recorded: &Value, sent: &Value, shape: &Shape, pointer: &mut String, found: &mut Vec<Difference>) {
    if shape.pointers.iter().any(|open| open == pointer) {
        return;
    }
    let member = |found: &mut Vec<Difference>, pointer: &mut String, key: &str, sides| {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        match sides {
            (Some(one), Some(two)) => compare_json(one, two, shape, pointer, found),
            (one, two) if !shape.pointers.contains(pointer) => {
                found.push(Difference::Field {
                    field: Field::Json(pointer.clone()),
                    recorded: json_side(pointer, one),
                    sent: json_side(pointer, two),
                });
            }
            _ => {}
        }
        pointer.truncate(length);
    };
    match (recorded, sent) {
        (Value::Object(one), Value::Object(two)) => {
            for (key, value) in one {
                member(found, pointer, key, (Some(value), two.get(key)));
            }
            for (key, value) in two.iter().filter(|(key, _)| !one.contains_key(*key)) {
                member(found, pointer, key, (None, Some(value)));
            }
        }
        (Value::Array(one), Value::Array(two)) => {
            for at in 0..one.len().max(two.len()) {
                member(found, pointer, &at.to_string(), (one.get(at), two.get(at)));
            }
        }
        (one, two) if one != two => found.push(Difference::Field {
            field: Field::Json(pointer.clone()),
            recorded: json_side(pointer, Some(one)),
            sent: json_side(pointer, Some(two)),
        }),
        _ => {}
    }
}

fn same_authorization(recorded: &Asked<'_>, sent: &Authorization) -> bool {
    match (&*recorded.authorization, sent) {
        // Which header is the key, the request that is sent knows; the name of a recorded one only suggests it.
        (Authorization::None | Authorization::Header { .. }, Authorization::Header { name }) => {
            recorded.headers.iter().any(|header| header.eq_ignore_ascii_case(name))
        }
        (one, two) => one == two,
    }
}

fn differ(field: Field, recorded: &str, sent: &str) -> Difference {
    Difference::Field { field, recorded: Side::Holds(Shown::of(recorded)), sent: Side::Holds(Shown::of(sent)) }
}

fn json_side(pointer: &str, value: Option<&Value>) -> Side {
    match value {
        None => Side::Absent,
        Some(Value::String(text)) => Side::Holds(Shown::of_field(pointer, text)),
        Some(value) => Side::Holds(Shown::of_field(pointer, &value.to_string())),
    }
}

fn host(asked: &Asked<'_>) -> String {
    match asked.port {
        Some(443) | None => asked.host.clone().into_owned(),
        Some(port) => format!("{} port {port}", asked.host),
    }
}

fn path(asked: &Asked<'_>) -> String {
    asked.segments.iter().fold(String::new(), |path, segment| path + "/" + &String::from_utf8_lossy(segment))
}

fn kind(body: &AskedBody<'_>) -> String {
    match body {
        AskedBody::Empty => "no body".to_owned(),
        AskedBody::Form(_) => "a form".to_owned(),
        AskedBody::Json(_) => "JSON".to_owned(),
        AskedBody::Other(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Finds the entries that may answer a request without looking at all of them.
///
/// Entries with the same method, host and number of path segments share a shelf; on a shelf each set
/// of open places has a table keyed by a hash of all that must be equal.
#[derive(Default)]
pub(crate) struct Index {
    shelves: HashMap<u64, Vec<Table>, RandomState>,
    hasher: RandomState,
}

struct Table {
    shape: Shape,
    entries: HashMap<u64, Vec<usize>, RandomState>,
}

impl Index {
    pub(crate) fn insert(&mut self, recorded: &Asked<'_>, shape: &Shape, entry: usize) {
        let closed = self.closed(recorded, shape);
        let shelf = self.shelves.entry(shelf(&self.hasher, recorded)).or_default();
        match shelf.iter_mut().find(|table| table.shape == *shape) {
            Some(table) => table.entries.entry(closed).or_default().push(entry),
            None => shelf.push(Table { shape: shape.clone(), entries: HashMap::from_iter([(closed, vec![entry])]) }),
        }
    }

    /// The entries that may answer, in the order of their numbers. Some may not, none is missing.
    pub(crate) fn candidates(&self, sent: &Asked<'_>) -> Cow<'_, [usize]> {
        let tables = self.shelves.get(&shelf(&self.hasher, sent)).map_or(&[][..], Vec::as_slice);
        let mut hits = tables.iter().filter_map(|table| table.entries.get(&self.closed(sent, &table.shape)));
        // Each table is in order already, and mostly there is one.
        let first = hits.next().map_or(&[][..], Vec::as_slice);
        let Some(second) = hits.next() else { return Cow::Borrowed(first) };
        let mut candidates = [first, second].concat();
        hits.for_each(|entries| candidates.extend_from_slice(entries));
        candidates.sort_unstable();
        Cow::Owned(candidates)
    }

    fn closed(&self, asked: &Asked<'_>, shape: &Shape) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for segment in shape.segments(asked) {
            segment.hash(&mut hasher);
        }
        for pair in shape.query(asked) {
            pair.hash(&mut hasher);
        }
        match &asked.body {
            AskedBody::Empty => 0_u8.hash(&mut hasher),
            AskedBody::Form(fields) => {
                1_u8.hash(&mut hasher);
                // Sorted by their values, not by what stands for those that are spoken.
                let sum = shape.form(fields).fold(0_u64, |sum, pair| sum.wrapping_add(self.hasher.hash_one(pair)));
                sum.hash(&mut hasher);
            }
            AskedBody::Json(value) if shape.pointers.is_empty() => {
                2_u8.hash(&mut hasher);
                value.hash(&mut hasher);
            }
            AskedBody::Json(value) => {
                2_u8.hash(&mut hasher);
                let mut closed = value.clone().into_owned();
                for pointer in &shape.pointers {
                    if let Some(open) = closed.pointer_mut(pointer) {
                        *open = Value::Null;
                    }
                }
                closed.hash(&mut hasher);
            }
            AskedBody::Other(bytes) => {
                3_u8.hash(&mut hasher);
                bytes.hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}

fn shelf(hasher: &RandomState, asked: &Asked<'_>) -> u64 {
    hasher.hash_one((&asked.method, &asked.host, asked.port, asked.segments.len()))
}
