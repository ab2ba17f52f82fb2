//! JSON whose members keep their order, laid out so that a changed exchange is one changed block of lines.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

/// Widest line that an object or list may take before it is broken up, in characters.
const WIDEST: usize = 110;

/// One JSON value.
#[derive(Clone, PartialEq)]
pub(crate) enum Node {
    /// `null`, a boolean or a number.
    Scalar(Value),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Node {
    /// An object with these members, in this order.
    pub(crate) fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn number(number: impl Into<Number>) -> Self {
        Self::Scalar(Value::Number(number.into()))
    }

    /// Adds a member at the end; of a value that is no object it makes nothing.
    pub(crate) fn with(mut self, name: &str, value: Self) -> Self {
        if let Self::Object(members) = &mut self {
            members.push((name.to_owned(), value));
        }
        self
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(known, _)| known == name).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Object(members) => members.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Scalar(_) | Self::Text(_) => false,
        }
    }

    /// Every text in it, names of members apart.
    pub(crate) fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        match self {
            Self::Scalar(_) => {}
            Self::Text(text) => each(text),
            Self::List(items) => items.iter_mut().for_each(|item| item.texts(each)),
            Self::Object(members) => members.iter_mut().for_each(|(_, value)| value.texts(each)),
        }
    }

    /// The value as lines: what fits stands on one, what does not is broken up, `outer` levels always are.
    pub(crate) fn lines(&self, indent: usize, outer: usize) -> String {
        let mut out = String::new();
        self.write(&mut out, indent, indent, outer);
        out
    }

    fn write(&self, out: &mut String, indent: usize, column: usize, outer: usize) {
        let flat = match self {
            Self::Scalar(_) | Self::Text(_) => true,
            Self::List(_) | Self::Object(_) if self.is_empty() => true,
            Self::List(_) | Self::Object(_) => outer == 0 && column + self.width(WIDEST) <= WIDEST,
        };
        if flat {
            return self.write_flat(out);
        }
        let deeper = " ".repeat(indent + 2);
        let mut first = true;
        let mut next = |out: &mut String| {
            out.push_str(if first { "\n" } else { ",\n" });
            out.push_str(&deeper);
            first = false;
        };
        match self {
            Self::Scalar(_) | Self::Text(_) => {}
            Self::List(items) => {
                out.push('[');
                for item in items {
                    next(out);
                    item.write(out, indent + 2, indent + 2, outer.saturating_sub(1));
                }
            }
            Self::Object(members) => {
                out.push('{');
                for (name, value) in members {
                    next(out);
                    out.push_str(&quoted(name));
                    out.push_str(": ");
                    value.write(out, indent + 2, indent + 4 + quoted(name).chars().count(), outer.saturating_sub(1));
                }
            }
        }
        out.push('\n');
        out.push_str(&" ".repeat(indent));
        out.push(if matches!(self, Self::List(_)) { ']' } else { '}' });
    }

    fn write_flat(&self, out: &mut String) {
        match self {
            Self::Scalar(value) => out.push_str(&value.to_string()),
            Self::Text(text) => out.push_str(&quoted(text)),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    item.write_flat(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    out.push_str(&quoted(name));
                    out.push_str(": ");
                    value.write_flat(out);
                }
                out.push('}');
            }
        }
    }

    /// The characters that it takes on one line, or something above `enough`.
    fn width(&self, enough: usize) -> usize {
        match self {
            Self::Scalar(value) => value.to_string().len(),
            Self::Text(text) if text.len() > enough * 4 => text.len(),
            Self::Text(text) => quoted(text).chars().count(),
            Self::List(items) => sum(items.iter().map(|item| item.width(enough) + 2), enough),
            Self::Object(members) => {
                sum(members.iter().map(|(name, value)| quoted(name).chars().count() + 4 + value.width(enough)), enough)
            }
        }
    }
}

fn sum(widths: impl Iterator<Item = usize>, enough: usize) -> usize {
    let mut sum = 2;
    for width in widths {
        sum += width;
        if sum > enough {
            break;
        }
    }
    sum
}

/// The text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

impl fmt::Debug for Node {
    /// Cassettes hold codes and numbers: only the shape is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(_) => f.write_str("Scalar"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::List(items) => write!(f, "List({})", items.len()),
            Self::Object(members) => f.debug_map().entries(members.iter().map(|(name, value)| (name, value))).finish(),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NodeVisitor;

        impl<'de> Visitor<'de> for NodeVisitor {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }

            fn visit_unit<E>(self) -> Result<Node, E> {
                Ok(Node::Scalar(Value::Null))
            }

            fn visit_str<E>(self, value: &str) -> Result<Node, E> {
                Ok(Node::Text(value.to_owned()))
            }

            fn visit_string<E>(self, value: String) -> Result<Node, E> {
                Ok(Node::Text(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Node::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Node::Object(members))
            }
        }

        deserializer.deserialize_any(NodeVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &str) {
        let node: Node = serde_json::from_str(json).expect("a test writes JSON");
        assert_eq!(node.lines(0, 0), expected);
        let again: Node = serde_json::from_str(expected).expect("is JSON");
        assert!(again == node);
    }

    #[test]
    fn order_is_kept_and_what_fits_stands_on_one_line() {
        check(
            r#"{"b":1,"a":[true,null,-1.5,18446744073709551615]}"#,
            r#"{"b": 1, "a": [true, null, -1.5, 18446744073709551615]}"#,
        );
        check(r#"{"é":"\"\\\n\u0001"}"#, r#"{"é": "\"\\\n\u0001"}"#);
        check("[]", "[]");
        check("{}", "{}");
        let long = "x".repeat(120);
        check(&format!(r#"{{"a":{{}},"b":"{long}"}}"#), &format!("{{\n  \"a\": {{}},\n  \"b\": \"{long}\"\n}}"));
    }

    #[test]
    fn outer_levels_are_always_broken_up() {
        let node = Node::object([("a", Node::List(vec![Node::object([("b", Node::number(1))])]))]);
        assert_eq!(node.lines(2, 2), "{\n    \"a\": [\n      {\"b\": 1}\n    ]\n  }");
    }
}
