//! Why a file is no cassette that can be replayed.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::asked::Vacant;
use super::difference::Side;
use super::digest::Sha256;
use super::place::Place;
use super::shown::Shown;
use super::unknown::{UnknownKey, UnknownWord};
use super::version::VersionError;

/// A cassette that was refused.
#[derive(Debug, Error)]
#[error("{path}: {problem}", path = path.display())]
pub struct ReadError {
    /// The file, or the name under which an embedded cassette was read.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: Box<Problem>,
}

/// What is wrong with a cassette. Values from the file are masked.
#[derive(Debug, Error)]
pub enum Problem {
    /// The file cannot be opened or read.
    #[error("cannot be read")]
    Unreadable(#[source] io::Error),
    /// A folder, a pipe or a device.
    #[error("is not a regular file")]
    NotAFile,
    /// Above the limit.
    #[error("has {size} bytes, a cassette may have {limit}; split it")]
    FileTooLarge {
        /// Size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Not JSON.
    #[error("is not JSON: {reason}")]
    NotJson {
        /// The parser's words, with line and column.
        reason: Shown,
    },
    /// JSON, but not HAR 1.2, or a `_countersign` object with a field of the wrong type.
    #[error("is not a HAR file with valid _countersign objects: at `{at}`: {reason}")]
    NotHar {
        /// Where, as `log.entries[2].request.url`.
        at: String,
        /// The parser's words, with line and column.
        reason: Shown,
    },
    /// HAR of a version that this reader does not know.
    #[error("log.version is {found}, this reader knows HAR 1.1 and 1.2")]
    HarVersion {
        /// What the file says.
        found: Shown,
    },
    /// The version of the `_countersign` objects.
    #[error("log._countersign.version: {0}")]
    Version(VersionError),
    /// A key of a `_countersign` object that this reader does not know.
    #[error(transparent)]
    UnknownKey(#[from] UnknownKey),
    /// A word that is not in the list.
    #[error(transparent)]
    UnknownWord(#[from] UnknownWord),
    /// The clock of the case.
    #[error("log._countersign.case.clock is no RFC 3339 time with an offset, such as 2026-01-31T12:00:00Z")]
    Clock,
    /// The time of the recording.
    #[error("log._countersign.provenance.recorded_at is no RFC 3339 time with an offset, such as 2026-01-31T12:00:00Z")]
    RecordedAt,
    /// An age needs a beginning.
    #[error("log._countersign.age counts from log._countersign.provenance.recorded_at, which is missing; add it")]
    AgeWithoutRecording,
    /// An age of no day.
    #[error("log._countersign.age.days is 0; write at least 1")]
    NoDays,
    /// A setting that looks like a secret reference and is none.
    #[error("log._countersign.case.settings.{name}: a secret is written {{\"secret\": \"{name}\"}} and nothing else")]
    SecretReference {
        /// The setting.
        name: String,
    },
    /// A case without operations cannot fail.
    #[error("log._countersign.case.operations is empty; name at least one operation")]
    NoOperations,
    /// An operation that expects nothing cannot fail.
    #[error("log._countersign.case.operations[{operation}].expect is empty; say what must come out")]
    NoExpectation {
        /// Its position; the first is 0.
        operation: usize,
    },
    /// A variable without text occurs everywhere.
    #[error("log._countersign.variables.{variable} is empty")]
    EmptyVariable {
        /// Its name.
        variable: String,
    },
    /// Two variables whose samples cannot be told apart in a response.
    #[error(
        "variables `{first}` and `{second}` have the same sample, so replay cannot tell which of them a response holds; record them with different values"
    )]
    SameSample {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// One entry.
    #[error("entry {index}: {problem}")]
    Entry {
        /// Its position; the first is 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        problem: EntryProblem,
    },
}

/// What is wrong with one entry.
#[derive(Debug, Error)]
pub enum EntryProblem {
    /// The address of the request.
    #[error("request.url is no http or https address: {url}")]
    Url {
        /// What stands there.
        url: Shown,
    },
    /// The method of the request.
    #[error("request.method is empty or not upper case: {method}")]
    Method {
        /// What stands there.
        method: Shown,
    },
    /// The credentials of the request.
    #[error(
        "the Authorization header says Basic, but not with the base64 form of user:password; keep the user and put any text for the password"
    )]
    BasicCredentials,
    /// Not an HTTP status.
    #[error("response.status is {status}, which is no HTTP status")]
    Status {
        /// What stands there.
        status: i64,
    },
    /// Neither a response nor a failure.
    #[error("there is no response, and _countersign.failure does not say why")]
    NoAnswer,
    /// Both a response and a failure.
    #[error("response.status is {status}, but _countersign.failure says that no response came; keep one of the two")]
    TwoAnswers {
        /// The response's status.
        status: i64,
    },
    /// HAR writes a fact twice, and the two differ: perhaps only one of them was redacted.
    #[error(
        "{truth} and {mirror} disagree about `{name}`: {truth} has {one}, {mirror} has {other}; correct both, or remove {mirror}"
    )]
    Mirror {
        /// Where the fact stands.
        truth: Fact,
        /// Where it is repeated.
        mirror: Fact,
        /// The parameter, field or cookie.
        name: Shown,
        /// What the first says.
        one: Side,
        /// What the second says.
        other: Side,
    },
    /// Parameters beside a body that is no form cannot be compared with it.
    #[error("request.postData.params stands beside a body of type {mime_type}; remove it")]
    ParamsBesideBody {
        /// The type.
        mime_type: Shown,
    },
    /// The size of the content.
    #[error("response.content.size says {declared} bytes, response.content.text has {found}")]
    ContentSize {
        /// What the file says.
        declared: i64,
        /// The decoded bytes.
        found: usize,
    },
    /// The digest of a body.
    #[error("_countersign.body.{body}.sha256 is {declared}, the body's is {found}")]
    Digest {
        /// Which body.
        body: Body,
        /// What the file says.
        declared: Sha256,
        /// The decoded bytes.
        found: Sha256,
    },
    /// Not a digest.
    #[error("_countersign.body.{body}.sha256 is not 64 hex digits")]
    NotADigest {
        /// Which body.
        body: Body,
    },
    /// An encoding that HAR does not have.
    #[error("the {body} body has encoding {found}; known is base64")]
    Encoding {
        /// Which body.
        body: Body,
        /// What stands there.
        found: Shown,
    },
    /// Not base64.
    #[error("the {body} body is said to be base64, and is not")]
    NotBase64 {
        /// Which body.
        body: Body,
    },
    /// Above the limit.
    #[error("the {body} body has {size} bytes, it may have {limit}")]
    BodyTooLarge {
        /// Which body.
        body: Body,
        /// Size in bytes, decoded.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The name of a file for a body.
    #[error(
        "_countersign.body.{body}.file is `{found}`; write the name of a file in the cassette's folder or below it"
    )]
    SideName {
        /// Which body.
        body: Body,
        /// What stands there.
        found: Shown,
    },
    /// A body in a file of its own, of a cassette that is no file.
    #[error(
        "_countersign.body.{body}.file names a file beside the cassette, and this cassette was not read from a file"
    )]
    NoSides {
        /// Which body.
        body: Body,
    },
    /// The file of a body cannot be read.
    #[error("_countersign.body.{body}.file: {} cannot be read ({kind})", path.display())]
    SideUnreadable {
        /// Which body.
        body: Body,
        /// The file.
        path: PathBuf,
        /// Why.
        kind: io::ErrorKind,
    },
    /// The file of a body is a folder, a pipe or a device.
    #[error("_countersign.body.{body}.file: {} is not a regular file", path.display())]
    SideNotAFile {
        /// Which body.
        body: Body,
        /// The file.
        path: PathBuf,
    },
    /// The bodies in files of their own are too large together.
    #[error("the bodies in files of their own have more than {limit} bytes together; split the cassette")]
    SidesTooLarge {
        /// The limit in bytes, over all entries up to this one.
        limit: usize,
    },
    /// A body that stands twice.
    #[error(
        "the {body} body stands in the cassette, and _countersign.body.{body}.file names another; keep one of the two"
    )]
    TwoBodies {
        /// Which body.
        body: Body,
    },
    /// The order of entries.
    #[error("_countersign.seq is {found} after {previous}; entries stand in ascending order")]
    Order {
        /// The last number before.
        previous: u64,
        /// This entry's.
        found: u64,
    },
    /// A key of a `_countersign` object that this reader does not know.
    #[error(transparent)]
    UnknownKey(#[from] UnknownKey),
    /// A word that is not in the list.
    #[error(transparent)]
    UnknownWord(#[from] UnknownWord),
    /// Not a place.
    #[error("_countersign.bind.{variable} is no place: {reason}")]
    NotAPlace {
        /// The variable.
        variable: String,
        /// The parser's words.
        reason: Shown,
    },
    /// The recorded request holds nothing at a place.
    #[error("_countersign.bind.{variable}: {place} of the recorded request is no sample: {reason}")]
    NoSample {
        /// The variable.
        variable: String,
        /// The place.
        place: Place,
        /// Why.
        reason: Vacant,
    },
    /// A guard on a variable that has no place here.
    #[error("_countersign.require.{variable} has no place in this request; add it to bind")]
    GuardWithoutPlace {
        /// The variable.
        variable: String,
    },
    /// A guard on a variable that nothing binds.
    #[error(
        "_countersign.require.{variable}: no earlier entry binds it, and log._countersign.variables does not declare it"
    )]
    NeverBound {
        /// The variable.
        variable: String,
    },
    /// The recording itself would not match.
    #[error(
        "_countersign.bind.{variable}: {place} holds `{here}`, but the variable's sample is `{sample}`, so that the recorded request itself would not match"
    )]
    SampleDiffers {
        /// The variable.
        variable: String,
        /// The place.
        place: Place,
        /// What this entry holds.
        here: Shown,
        /// What the cassette declares, or an earlier entry holds.
        sample: Shown,
    },
    /// The recording itself would not match.
    #[error(
        "_countersign.require.{variable} wants another value, but {place} holds the variable's sample, so that the recorded request itself would not match"
    )]
    SampleIsSame {
        /// The variable.
        variable: String,
        /// The place.
        place: Place,
    },
    /// Not a number of times.
    #[error("_countersign.repeat is {found}; write \"once\", \"any\" or a number of at least 1")]
    Repeat {
        /// What stands there.
        found: Shown,
    },
    /// A message without text.
    #[error("_countersign.sent has no text, and form field `Twiml` of the request speaks none")]
    NoText,
    /// A message whose text stands twice.
    #[error("_countersign.sent.text repeats what form field `Twiml` of the request speaks; remove it")]
    TwoTexts,
    /// A message by a request that never left.
    #[error("_countersign.sent declares a message, but _countersign.failure says that the request did not leave")]
    NeverLeft,
}

/// Where HAR writes a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// `request.url`.
    Url,
    /// `request.queryString`.
    QueryString,
    /// The `Cookie` headers of the request.
    CookieHeader,
    /// `request.cookies`.
    RequestCookies,
    /// The `Set-Cookie` headers of the response.
    SetCookieHeader,
    /// `response.cookies`.
    ResponseCookies,
    /// `request.postData.text`.
    Text,
    /// `request.postData.params`.
    Params,
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url => "request.url",
            Self::QueryString => "request.queryString",
            Self::CookieHeader => "the Cookie header",
            Self::RequestCookies => "request.cookies",
            Self::SetCookieHeader => "the Set-Cookie header",
            Self::ResponseCookies => "response.cookies",
            Self::Text => "request.postData.text",
            Self::Params => "request.postData.params",
        })
    }
}

/// One of the two bodies of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// The request's.
    Request,
    /// The response's.
    Response,
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Response => "response",
        })
    }
}
