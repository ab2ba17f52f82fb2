//! What the person did and was told, written down outside of what dies.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use countersign::challenge::{Started, Verdict};
use countersign::store::ChallengeId;
use countersign_plugin::{Purpose, Timestamp};
use serde::{Deserialize, Serialize};

use crate::moments::Moments;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Line {
    /// The person asks for something.
    Asks(String),
    /// The person types a code.
    Types { on: String, code: String, at: Timestamp },
    /// Told: type the code here.
    Started { challenge: String, purpose: Purpose, method: String },
    /// Told: the verdict about a code.
    Judged { on: String, verdict: String },
    /// Told: set up your app with this key.
    SetUp { enrollment: String, key: String },
    /// Told: it is canceled.
    Canceled { challenge: String },
}

/// All lines so far, whoever wrote them.
pub(crate) struct Journal {
    file: PathBuf,
    moments: Arc<Moments>,
}

impl Journal {
    pub(crate) fn open(file: PathBuf, moments: &Arc<Moments>) -> Self {
        Self { file, moments: Arc::clone(moments) }
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn asks(&self, what: &str) {
        self.write(&Line::Asks(what.to_owned()));
    }

    pub(crate) fn types(&self, on: impl ToString, code: &str, at: Timestamp) {
        self.write(&Line::Types { on: on.to_string(), code: code.to_owned(), at });
    }

    pub(crate) fn started(&self, started: &Started, purpose: Purpose) {
        let (challenge, method) = (started.challenge.to_string(), started.method.clone());
        self.tell(&Line::Started { challenge, purpose, method });
    }

    pub(crate) fn judged(&self, on: impl ToString, verdict: &Verdict) {
        self.tell(&Line::Judged { on: on.to_string(), verdict: verdict.name().to_owned() });
    }

    /// From here on the person knows it.
    pub(crate) fn tell(&self, line: &Line) {
        self.moments.pass("before it is told");
        self.write(line);
        self.moments.pass("after it is told");
    }

    fn write(&self, line: &Line) {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.file).unwrap();
        file.write_all(format!("{}\n", serde_json::to_string(line).unwrap()).as_bytes()).unwrap();
    }
}

/// A challenge that the person knows.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) id: ChallengeId,
    pub(crate) purpose: Purpose,
    pub(crate) method: String,
    pub(crate) canceled: bool,
    pub(crate) approved: bool,
    /// Wrong codes that were told.
    pub(crate) wrong: u32,
}

/// The challenges that the person knows, oldest first.
pub(crate) fn known(lines: &[Line]) -> Vec<Known> {
    let mut known: Vec<Known> = Vec::new();
    let find = |known: &mut Vec<Known>, id: &str| known.iter().position(|it| it.id.as_str() == id);
    for line in lines {
        match line {
            Line::Started { challenge, purpose, method } if find(&mut known, challenge).is_none() => {
                let (id, purpose, method) = (ChallengeId::parse(challenge).unwrap(), *purpose, method.clone());
                known.push(Known { id, purpose, method, canceled: false, approved: false, wrong: 0 });
            }
            Line::Judged { on, verdict } => {
                if let Some(at) = find(&mut known, on) {
                    known[at].approved |= verdict == "approved";
                    known[at].wrong += u32::from(verdict == "wrong_code");
                }
            }
            Line::Canceled { challenge } => {
                let at = find(&mut known, challenge).expect("was told before");
                known[at].canceled = true;
            }
            _ => {}
        }
    }
    known
}

/// The codes that were typed on a challenge or enrollment, oldest first.
pub(crate) fn typed<'a>(lines: &'a [Line], wanted: &'a str) -> impl Iterator<Item = (&'a str, Timestamp)> {
    lines.iter().filter_map(move |line| match line {
        Line::Types { on, code, at } if on == wanted => Some((code.as_str(), *at)),
        _ => None,
    })
}
