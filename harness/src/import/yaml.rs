//! YAML as a tree, with tags and lines, within limits: what is read was written by others.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::problem::ImportProblem;
use crate::cassette::Shown;

/// Lists and maps within each other. Recordings have seven.
const DEEPEST: usize = 64;
/// Nodes, what aliases repeat included.
const MOST_NODES: usize = 1_000_000;
/// Bytes of text, what aliases repeat included.
const MOST_TEXT: usize = 128 * 1024 * 1024;
/// What tags of YAML's own begin with.
const YAML: &str = "tag:yaml.org,2002:";

/// A node and where it begins.
#[derive(Clone)]
pub(super) struct Node {
    /// The line; the first is 1.
    pub(super) line: usize,
    /// Its tag, as `binary` or `ruby/regexp`, whether with one or two exclamation marks.
    pub(super) tag: Option<String>,
    pub(super) value: Value,
}

/// What a node is.
#[derive(Clone)]
pub(super) enum Value {
    /// Text, a number, anything that has no parts; and whether it was written without quotes.
    Scalar(String, bool),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// Reads a document, which must be the only one.
    pub(super) fn parse(text: &str) -> Result<Self, ImportProblem> {
        let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0, text: 0 };
        let mut root = None;
        loop {
            let (event, span) = reader.next()?;
            match event {
                Event::StreamEnd => return root.ok_or(ImportProblem::Unknown),
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                _ if root.is_some() => return Err(ImportProblem::Documents { line: span.start.line() }),
                event => root = Some(reader.node(event, span, 0)?),
            }
        }
    }

    /// The value under a key of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Value::Map(pairs) = &self.value else { return None };
        pairs.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The pairs of a map.
    pub(super) fn pairs(&self) -> Option<&[(Self, Self)]> {
        match &self.value {
            Value::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The text of a scalar that is not null.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, plain) if !(*plain && is_null(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether it says that there is nothing.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(text, true) if is_null(text))
    }

    /// Whether it has this tag.
    pub(super) fn is_tagged(&self, tag: &str) -> bool {
        self.tag.as_deref() == Some(tag)
    }
}

/// YAML 1.2 §10.2.1.1, and nothing at all.
fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    text: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), ImportProblem> {
        let not_yaml =
            |error: ScanError| ImportProblem::NotYaml { line: error.marker().line(), reason: Shown::of(error.info()) };
        self.parser.next_event().unwrap_or_else(|| Ok((Event::StreamEnd, Span::default()))).map_err(not_yaml)
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, ImportProblem> {
        let line = span.start.line();
        if depth > DEEPEST {
            return Err(ImportProblem::TooDeep { line, limit: DEEPEST });
        }
        let (anchor, tag, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, tag, Value::Scalar(text.into_owned(), matches!(style, ScalarStyle::Plain)))
            }
            Event::SequenceStart(anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                (anchor, tag, Value::List(items))
            }
            Event::MappingStart(anchor, tag) => {
                let mut pairs = Vec::new();
                loop {
                    let key = match self.next()? {
                        (Event::MappingEnd, _) => break,
                        (event, span) => self.node(event, span, depth + 1)?,
                    };
                    let (event, span) = self.next()?;
                    pairs.push((key, self.node(event, span, depth + 1)?));
                }
                (anchor, tag, Value::Map(pairs))
            }
            Event::Alias(id) => {
                let node = self.anchors.get(&id).ok_or(ImportProblem::Alias { line })?;
                let (nodes, text, height) = size(node);
                if depth + height > DEEPEST {
                    return Err(ImportProblem::TooDeep { line, limit: DEEPEST });
                }
                self.nodes += nodes;
                self.text += text;
                self.check(line)?;
                return Ok(self.anchors[&id].clone());
            }
            _ => return Err(ImportProblem::NotYaml { line, reason: Shown::of("it ends in the middle") }),
        };
        self.nodes += 1;
        if let Value::Scalar(text, _) = &value {
            self.text += text.len();
        }
        self.check(line)?;
        let node = Node { line, tag: tag.map(|tag| name(&tag)), value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn check(&self, line: usize) -> Result<(), ImportProblem> {
        if self.nodes > MOST_NODES {
            return Err(ImportProblem::TooMuch { line, limit: MOST_NODES, what: "nodes" });
        }
        if self.text > MOST_TEXT {
            return Err(ImportProblem::TooMuch { line, limit: MOST_TEXT, what: "bytes of text" });
        }
        Ok(())
    }
}

/// How many nodes there are in it, with how much text, and how high they stand on each other.
fn size(node: &Node) -> (usize, usize, usize) {
    let all = |nodes: &mut dyn Iterator<Item = &Node>| {
        nodes.map(size).fold((1, 0, 0), |(nodes, text, height), (more, longer, higher)| {
            (nodes + more, text + longer, height.max(higher + 1))
        })
    };
    match &node.value {
        Value::Scalar(text, _) => (1, text.len(), 0),
        Value::List(items) => all(&mut items.iter()),
        Value::Map(pairs) => all(&mut pairs.iter().flat_map(|(key, value)| [key, value])),
    }
}

fn name(tag: &Tag) -> String {
    if tag.handle == YAML || tag.handle == "!" { tag.suffix.clone() } else { format!("{}{}", tag.handle, tag.suffix) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn told(text: &str) -> String {
        Node::parse(text).map_or_else(|problem| problem.to_string(), |_| "is read".to_owned())
    }

    #[test]
    fn tags_lines_and_aliases_are_seen() {
        let root = Node::parse("a: &x !!binary |\n  AAEC\nb: !ruby/regexp /x/\nc: [*x, ~, 'null']\n").expect("is YAML");
        let (a, b, c) = (root.get("a").expect("a"), root.get("b").expect("b"), root.get("c").expect("c"));
        assert!(a.is_tagged("binary") && b.is_tagged("ruby/regexp"));
        assert_eq!((b.line, b.text()), (3, Some("/x/")));
        let items = c.items().expect("a list");
        assert!(items[0].is_tagged("binary") && items[1].is_null() && !items[2].is_null());
    }

    #[test]
    fn what_grows_by_aliases_is_refused_before_it_has_grown() {
        let mut text = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let below = format!("*l{}", level - 1);
            text.push_str(&format!("l{level}: &l{level} [{}]\n", vec![below; 10].join(", ")));
        }
        assert!(told(&text).contains("holds more than can be taken over (1000000 nodes"), "{}", told(&text));
        let long = "x".repeat(1024 * 1024);
        let text = format!("a: &a {long}\nb: [{}]\n", vec!["*a"; 200].join(", "));
        assert!(told(&text).contains("bytes of text"), "{}", told(&text));
    }

    #[test]
    fn what_is_too_deep_or_broken_is_told_with_its_line() {
        let deep = |levels| told(&format!("a: 1\nb: {}", "[".repeat(levels)));
        assert_eq!(deep(70), "line 2: is nested more than 64 deep");
        assert_eq!(deep(100_000), "line 2: is not YAML: recursion limit exceeded");
        let chain: String = (1..100).map(|n| format!("l{n}: &l{n} [*l{}]\n", n - 1)).collect();
        assert!(told(&format!("l0: &l0 []\n{chain}")).contains("more than 64 deep"));
        assert!(told("a: &x [*x]\n").contains("line 1"), "{}", told("a: &x [*x]\n"));
        assert!(told("a: [1\nb: 2\n").starts_with("line "), "{}", told("a: [1\nb: 2\n"));
        assert!(told("a: 1\n---\nb: 2\n").contains("a second document begins"));
        assert!(told("").contains("none of the known recordings"));
    }
}
