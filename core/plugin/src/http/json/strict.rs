//! A deserializer around a deserializer that refuses what is ambiguous, in the same pass.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::key::{Key, Typed};
use crate::limits::JSON_DEPTH;

const TWICE: &str = "a key stands twice in one object";
const DEEP: &str = "the JSON is nested too deeply";

/// What was found wrong, beside the parser's own error.
#[derive(Default)]
pub(super) struct Findings {
    refused: Cell<Option<&'static str>>,
    /// Fields on the way to the error, innermost first. Names of the reading type alone: a key
    /// that it does not know is the provider's, and may be anything.
    place: RefCell<Vec<&'static str>>,
}

impl Findings {
    /// Why it is refused though it is JSON.
    pub(super) const fn refused(&self) -> Option<&'static str> {
        self.refused.get()
    }

    /// Where the error is: `outer.inner`; empty at the top.
    pub(super) fn place(&self) -> String {
        let place = self.place.borrow();
        place.iter().rev().copied().collect::<Vec<_>>().join(".")
    }

    fn refuse<E: Error>(&self, why: &'static str) -> E {
        self.refused.set(Some(why));
        E::custom(why)
    }
}

/// Reads what `inner` reads, but: no key twice in one object, no nesting beyond [`JSON_DEPTH`],
/// and structs are objects. By itself serde also fills a struct from a list, in the order of its
/// fields: `[true, "is valid"]` would be an answer with `success` and `token`.
///
/// Keys and depth hold for all of the body. That structs are objects holds where serde reads on
/// as it goes: for `untagged`, for a `tag` (with `content`, where that comes before it) and below `flatten`, its
/// derive first buffers the value, and reads what it buffered by itself.
#[derive(Clone, Copy)]
pub(super) struct Strict<'f, I> {
    inner: I,
    depth: usize,
    /// The fields, where what is read is a struct.
    fields: Option<&'static [&'static str]>,
    findings: &'f Findings,
}

impl<'f, I> Strict<'f, I> {
    pub(super) const fn new(inner: I, findings: &'f Findings) -> Self {
        Self { inner, depth: 0, fields: None, findings }
    }

    /// The same around what is inside a list or an object.
    const fn inside<J>(&self, inner: J) -> Strict<'f, J> {
        Strict { inner, depth: self.depth + 1, fields: None, findings: self.findings }
    }

    /// The same around an inner value at the same depth.
    const fn beside<J>(&self, inner: J) -> Strict<'f, J> {
        Strict { inner, depth: self.depth, fields: None, findings: self.findings }
    }

    fn not_too_deep<E: Error>(&self) -> Result<(), E> {
        if self.depth >= JSON_DEPTH { Err(self.findings.refuse(DEEP)) } else { Ok(()) }
    }
}

macro_rules! pass_on {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            let outer = self.beside(visitor);
            self.inner.$method($($argument,)* outer)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<'_, D> {
    type Error = D::Error;

    pass_on! {
        deserialize_any();
        deserialize_option();
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let mut outer = self.beside(visitor);
        outer.fields = Some(fields);
        self.inner.deserialize_struct(name, fields, outer)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    // What is ignored is read all the same: a parser that skips does not look at keys.
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}

macro_rules! visit_on {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Strict<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit_on! {
        visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128, visit_f64: f64,
        visit_str: &str, visit_borrowed_str: &'de str, visit_string: String,
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<V::Value, D::Error> {
        let some = self.beside(some);
        self.inner.visit_some(some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.not_too_deep()?;
        if self.fields.is_some() {
            return Err(A::Error::invalid_type(Unexpected::Seq, &"an object"));
        }
        let items = self.inside(items);
        self.inner.visit_seq(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.not_too_deep()?;
        let mut entries = self.inside(entries);
        entries.fields = self.fields;
        self.inner.visit_map(Object { entries, keys: BTreeSet::new(), field: None })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        let variant = self.inside(variant);
        self.inner.visit_enum(variant)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let deserializer = self.beside(deserializer);
        self.inner.deserialize(deserializer)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let seed = self.beside(seed);
        self.inner.next_element_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// An object under way.
struct Object<'de, 'f, A> {
    entries: Strict<'f, A>,
    keys: BTreeSet<Cow<'de, str>>,
    /// The field whose value comes next, where the reading type knows it.
    field: Option<&'static str>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Object<'de, '_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let Some(key) = self.entries.inner.next_key_seed(Key)? else { return Ok(None) };
        if !self.keys.insert(key.clone()) {
            return Err(self.entries.findings.refuse(TWICE));
        }
        self.field = self.entries.fields.and_then(|fields| fields.iter().find(|field| **field == key).copied());
        seed.deserialize(Typed::new(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.entries.beside(seed);
        let read = self.entries.inner.next_value_seed(seed);
        if let (Err(_), Some(field)) = (&read, self.field) {
            self.entries.findings.place.borrow_mut().push(field);
        }
        read
    }

    fn size_hint(&self) -> Option<usize> {
        self.entries.inner.size_hint()
    }
}

impl<'de, 'f, A: EnumAccess<'de>> EnumAccess<'de> for Strict<'f, A> {
    type Error = A::Error;
    type Variant = Strict<'f, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let Self { inner, depth, fields, findings } = self;
        let (value, inner) = inner.variant_seed(seed)?;
        Ok((value, Strict { inner, depth, fields, findings }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Strict<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.beside(seed);
        self.inner.newtype_variant_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = self.beside(visitor);
        self.inner.tuple_variant(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let mut visitor = self.beside(visitor);
        visitor.fields = Some(fields);
        self.inner.struct_variant(fields, visitor)
    }
}
