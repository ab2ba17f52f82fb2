//! Looks for every problem of a file, where a reader stops at the first.

use std::fmt;
use std::path::{Path, PathBuf};

use super::side::Sides;
use super::{about, check_samples, contents, entry, json, log, unmarked};
use crate::cassette::cassette::Cassette;
use crate::cassette::node::Node;
use crate::cassette::problem::{Problem, ReadError};

/// What is wrong with a file.
#[derive(Debug)]
pub struct Inspection {
    /// Why it cannot be replayed, at most once per entry; the first is what [`read`](super::read) says.
    pub problems: Vec<ReadError>,
    /// What HAR 1.2 asks for and the file lacks. Replay does without; other tools may not.
    pub missing: Vec<Missing>,
    /// The cassette, where it can be replayed.
    pub cassette: Option<Cassette>,
}

/// A member that HAR 1.2 demands and a file does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The file.
    pub path: PathBuf,
    /// The member, as `log.entries[2].cache`.
    pub at: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} is missing; replay does without, but HAR 1.2 demands it and other tools may refuse the file",
            self.path.display(),
            self.at
        )
    }
}

/// Reads a file to its end and tells all that is wrong with it.
pub fn inspect(path: &Path) -> Inspection {
    let named = |problem: Problem| ReadError { path: path.to_owned(), problem: Box::new(problem) };
    let nothing = |problem: Problem| Inspection { problems: vec![named(problem)], missing: Vec::new(), cassette: None };
    let bytes = match contents(path) {
        Ok(bytes) => bytes,
        Err(problem) => return nothing(problem),
    };
    let log = match log(&bytes) {
        Ok(log) => log,
        Err(problem) => return nothing(problem),
    };
    let missing = json::<Node>(unmarked(&bytes)).map(|file| missing(path, &file)).unwrap_or_default();
    let mut problems = Vec::new();
    let about = match log.note.map(about).transpose() {
        Ok(about) => about,
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    let mut sides = Sides::beside(path);
    let mut entries = Vec::new();
    let mut seq = None;
    for (index, format) in log.entries.into_iter().enumerate() {
        match entry::checked(index, format, seq, &mut sides) {
            Ok(entry) => {
                seq = entry.seq.or(seq);
                entries.push(entry);
            }
            Err(problem) => problems.push(Problem::Entry { index, problem }),
        }
    }
    // Samples are about all entries together, so that one missing entry would make others look wrong.
    if problems.is_empty() {
        let declared = about.as_ref().map(|about| about.variables.clone()).unwrap_or_default();
        problems.extend(check_samples(declared, &entries).err());
    }
    let cassette = problems.is_empty().then(|| Cassette { path: path.to_owned(), about, entries });
    Inspection { problems: problems.into_iter().map(named).collect(), missing, cassette }
}

/// HAR 1.2, <http://www.softwareishard.com/blog/har-12-spec/>: the members that are not optional.
const LOG: [&str; 3] = ["version", "creator", "entries"];
const ENTRY: [&str; 6] = ["startedDateTime", "time", "request", "response", "cache", "timings"];
const REQUEST: [&str; 8] =
    ["method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"];
const RESPONSE: [&str; 9] =
    ["status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize", "bodySize"];

fn missing(path: &Path, file: &Node) -> Vec<Missing> {
    let mut found = Vec::new();
    let mut check = |object: Option<&Node>, at: &str, names: &[&str]| {
        let Some(object) = object else { return };
        for name in names.iter().filter(|name| object.member(name).is_none()) {
            found.push(Missing { path: path.to_owned(), at: format!("{at}.{name}") });
        }
    };
    let log = file.member("log");
    check(log, "log", &LOG);
    check(log.and_then(|log| log.member("creator")), "log.creator", &["name", "version"]);
    let entries = match log.and_then(|log| log.member("entries")) {
        Some(Node::List(entries)) => entries.as_slice(),
        _ => &[],
    };
    for (index, entry) in entries.iter().enumerate() {
        let at = format!("log.entries[{index}]");
        let (request, response) = (entry.member("request"), entry.member("response"));
        check(Some(entry), &at, &ENTRY);
        check(request, &format!("{at}.request"), &REQUEST);
        check(request.and_then(|request| request.member("postData")), &format!("{at}.request.postData"), &["mimeType"]);
        check(response, &format!("{at}.response"), &RESPONSE);
        let content = response.and_then(|response| response.member("content"));
        check(content, &format!("{at}.response.content"), &["size", "mimeType"]);
        check(entry.member("timings"), &format!("{at}.timings"), &["send", "wait", "receive"]);
    }
    found
}
