//! Adds entries to a file without touching what is there.

use crate::cassette::node::Node;

/// The number of the next entry.
pub(super) fn next_seq(file: &[u8], entries: usize) -> u64 {
    let file: Option<Node> = serde_json::from_slice(unmarked(file)).ok();
    let log = file.as_ref().and_then(|file| file.member("log")).and_then(|log| log.member("entries"));
    let numbers = match log {
        Some(Node::List(entries)) => entries.as_slice(),
        _ => &[],
    };
    let seq = |entry: &Node| match entry.member("_countersign").and_then(|note| note.member("seq")) {
        Some(Node::Scalar(value)) => value.as_u64(),
        _ => None,
    };
    let entries = u64::try_from(entries).unwrap_or(u64::MAX);
    numbers.iter().filter_map(seq).max().map_or(entries, |last| last.saturating_add(1))
}

/// The file with these entries after its last one. The file was read before, so it is a HAR file.
pub(super) fn after_last(file: &[u8], entries: &[String]) -> Vec<u8> {
    let Some(List { after, empty, end }) = list(file).filter(|_| !entries.is_empty()) else {
        return file.to_vec();
    };
    let mut text = file[..after].to_vec();
    for (at, entry) in entries.iter().enumerate() {
        text.extend_from_slice(if empty && at == 0 { b"\n      " } else { b",\n      " });
        text.extend_from_slice(entry.as_bytes());
    }
    let rest = &file[after..end];
    // An empty list has nothing between its brackets that would end the last line.
    text.extend_from_slice(if rest.contains(&b'\n') { rest } else { b"\n    " });
    text.extend_from_slice(&file[end..]);
    text
}

fn unmarked(file: &[u8]) -> &[u8] {
    file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file)
}

/// Where the list of entries ends.
struct List {
    /// Behind the last entry, or behind the opening bracket.
    after: usize,
    empty: bool,
    /// At the closing bracket.
    end: usize,
}

/// Finds `log.entries` in well-formed JSON.
fn list(file: &[u8]) -> Option<List> {
    // The names of the members that we are in; `None` for lists.
    let mut path: Vec<Option<String>> = Vec::new();
    let mut name: Option<String> = None;
    let mut after = None;
    let mut at = 0;
    while let Some(&byte) = file.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'"' => {
                while let Some(&inner) = file.get(at) {
                    at += if inner == b'\\' { 2 } else { 1 };
                    if inner == b'"' {
                        break;
                    }
                }
                let is_name = file[at.min(file.len())..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
                if is_name {
                    name = serde_json::from_slice(&file[start..at]).ok();
                }
            }
            b'{' | b'[' => {
                path.push(name.take());
                if byte == b'[' && is_entries(&path) {
                    after = Some(List { after: at, empty: true, end: at });
                }
            }
            b'}' | b']' => {
                if let Some(list) = after.as_mut().filter(|_| is_entries(&path)) {
                    list.end = start;
                    return after;
                }
                path.pop();
                if let Some(list) = after.as_mut().filter(|_| is_entries(&path)) {
                    list.after = at;
                    list.empty = false;
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether this is the way to the list of entries itself.
fn is_entries(path: &[Option<String>]) -> bool {
    matches!(path, [None, Some(log), Some(entries)] if log == "log" && entries == "entries")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, expected: &str) {
        let text = after_last(file.as_bytes(), &["A".to_owned(), "B".to_owned()]);
        assert_eq!(String::from_utf8(text).expect("is text"), expected);
    }

    #[test]
    fn entries_come_after_the_last_and_nothing_else_changes() {
        check(
            "{\"log\": {\"entries\": [\n  {\"a\": [1]}\n]}}",
            "{\"log\": {\"entries\": [\n  {\"a\": [1]},\n      A,\n      B\n]}}",
        );
        check("{\"log\":{\"entries\":[]}} ", "{\"log\":{\"entries\":[\n      A,\n      B\n    ]}} ");
        check(
            "{\"log\":{\"x\":{\"log\":{\"entries\":[{}]}},\"_\":\"\\\"entries\\\": [\",\"entries\":[{\"entries\":[]}],\"y\":[]}}",
            "{\"log\":{\"x\":{\"log\":{\"entries\":[{}]}},\"_\":\"\\\"entries\\\": [\",\"entries\":[{\"entries\":[]},\n      A,\n      B\n    ],\"y\":[]}}",
        );
    }

    #[test]
    fn numbers_go_on_where_they_stopped() {
        let file = |notes: &str| format!("{{\"log\": {{\"entries\": [{notes}]}}}}");
        assert_eq!(next_seq(file("").as_bytes(), 0), 0);
        assert_eq!(next_seq(file("{}, {}").as_bytes(), 2), 2);
        assert_eq!(next_seq(file(r#"{"_countersign": {"seq": 41}}, {}"#).as_bytes(), 2), 42);
    }
}
