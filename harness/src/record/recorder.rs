//! Keeps what was recorded, and knows what was recorded before.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign::secrets::Secret;
use subtle::ConstantTimeEq as _;

use super::mode::Mode;
use super::problem::{FinishError, StartError};
use super::summary::{LeftOut, Summary, Unanswered, title};
use crate::cassette::{
    Draft, DraftAbout, DraftEntry, Mismatch, PlayedAnswer, Player, Sent, WriteError, Written, append, read, write,
};
use crate::redact::{Redaction, SHORTEST_KNOWN};
use crate::wire::WireRequest;

/// Requests without an answer that are remembered; the newest.
const REMEMBERED: usize = 100;

/// What is recorded, and how.
#[derive(Debug)]
pub struct Settings {
    /// The cassette.
    pub path: PathBuf,
    /// What is replayed and what is recorded.
    pub mode: Mode,
    /// Whether requests may be sent to a real server at all.
    pub live: bool,
    /// What a new cassette says about itself.
    pub about: DraftAbout,
    /// What is redacted.
    pub redaction: Redaction,
}

/// Keeps what was recorded, and knows what was recorded before.
pub struct Recorder {
    path: PathBuf,
    /// Where everything is until the end.
    unfinished: PathBuf,
    mode: Mode,
    /// Whether anything is recorded.
    records: bool,
    about: DraftAbout,
    state: Mutex<State>,
}

struct State {
    player: Option<Player>,
    redaction: Redaction,
    /// Secrets that the redaction knows already.
    known: Vec<Secret>,
    keyed: bool,
    entries: Vec<DraftEntry>,
    /// Large bodies beside the unfinished file.
    sides: BTreeSet<PathBuf>,
    replayed: u64,
    left_out: Vec<LeftOut>,
    refused: VecDeque<Mismatch>,
    unanswered: VecDeque<Unanswered>,
}

/// What is to be done with a request.
#[derive(Debug)]
pub(super) enum Course {
    /// It is answered by what was recorded.
    Replay(PlayedAnswer),
    /// It is to be sent, and the exchange to be kept.
    Live,
    /// Neither; `None` where the request is none that could be recorded.
    Refuse(Option<Box<Mismatch>>),
}

impl Recorder {
    /// Begins: reads the cassette, if it is there and its exchanges count.
    ///
    /// # Errors
    /// [`StartError`] where that would go live unasked, where nothing could be replayed, and where the cassette cannot
    /// be used. Nothing was touched then.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let Settings { path, mode, live, about, redaction } = settings;
        let exists = path.exists();
        let replays = exists && mode != Mode::All;
        let records = match mode {
            Mode::None => false,
            Mode::Once => !exists,
            Mode::New | Mode::All => true,
        };
        match (records, live) {
            (true, false) => return Err(StartError::NotLive { path, mode, exists }),
            (false, true) if mode == Mode::None => return Err(StartError::NeverLive),
            (false, _) if !exists => return Err(StartError::NothingToReplay { path }),
            _ => {}
        }
        let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| !path.is_dir());
        let Some(stem) = stem else { return Err(StartError::NoName { path }) };
        let unfinished = path.with_file_name(format!("{stem}.unfinished.har"));
        if records {
            // What cannot be written in the end is told at the beginning.
            let folder =
                path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
            tempfile::NamedTempFile::new_in(folder)
                .map_err(|error| StartError::Folder { path: folder.to_owned(), kind: error.kind() })?;
            if unfinished.exists() {
                return Err(StartError::Unfinished { path: unfinished });
            }
        }
        let player = if replays { Some(Player::new(vec![read(&path)?])) } else { None };
        let state = State {
            player,
            redaction,
            known: Vec::new(),
            keyed: false,
            entries: Vec::new(),
            sides: BTreeSet::new(),
            replayed: 0,
            left_out: Vec::new(),
            refused: VecDeque::new(),
            unanswered: VecDeque::new(),
        };
        Ok(Self { path, unfinished, mode, records, about, state: Mutex::new(state) })
    }

    /// The cassette.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether requests go live that were not recorded before.
    pub const fn records(&self) -> bool {
        self.records
    }

    /// Also redacts these, and makes pseudonyms by the first key that is told.
    pub(super) fn learn<'s>(&self, secrets: impl Iterator<Item = &'s Secret>, key: Option<&Secret>) {
        let mut state = self.lock();
        for secret in secrets {
            let bytes = secret.expose().as_bytes();
            let known = state.known.iter().any(|known| bool::from(known.expose().as_bytes().ct_eq(bytes)));
            if known || bytes.len() < SHORTEST_KNOWN {
                continue;
            }
            // Too short ones were left out.
            if let Ok(redaction) = state.redaction.clone().with_known(secret.clone()) {
                state.redaction = redaction;
                state.known.push(secret.clone());
            }
        }
        if let (false, Some(key)) = (state.keyed, key) {
            state.redaction = state.redaction.clone().keyed_by(key);
            state.keyed = true;
        }
    }

    /// Decides about a request. `seen` is how the matcher sees one, `entry` the request as it would be recorded.
    pub(super) fn course(&self, seen: impl Fn(&WireRequest) -> Option<Sent>, entry: &DraftEntry) -> Course {
        let mut state = self.lock();
        let State { player: Some(player), redaction, replayed, refused, .. } = &mut *state else {
            return if self.records { Course::Live } else { Course::Refuse(None) };
        };
        let mut nearest: Option<Box<Mismatch>> = None;
        let redacted = || {
            let draft = Draft { about: None, entries: vec![entry.clone()] };
            redaction.apply(&draft).draft.entries.into_iter().next().map(|entry| entry.request)
        };
        // A cassette holds pseudonyms: who sends the real values means what was recorded with them.
        let ways: [&dyn Fn() -> Option<WireRequest>; 2] = [&|| Some(entry.request.clone()), &redacted];
        for way in ways {
            let Some(sent) = way().and_then(|request| seen(&request)) else { continue };
            match player.play(&sent) {
                Ok(played) => {
                    *replayed += 1;
                    return Course::Replay(played.answer);
                }
                Err(mismatch) => {
                    if nearest.as_ref().is_none_or(|other| mismatch.weight() < other.weight()) {
                        nearest = Some(mismatch);
                    }
                }
            }
        }
        if self.records {
            return Course::Live;
        }
        if let Some(mismatch) = &nearest {
            remember(refused, (**mismatch).clone());
        }
        Course::Refuse(nearest)
    }

    /// Keeps an exchange, and writes everything that was kept. It waits for the disk.
    pub(super) fn keep(&self, entry: DraftEntry) {
        let mut state = self.lock();
        let request = title(&entry.request);
        // In the order in which they were asked, whichever was answered first.
        let at = state.entries.partition_point(|other| other.started <= entry.started);
        state.entries.insert(at, entry);
        match self.write(&self.unfinished, &state, write) {
            Ok(written) => state.sides.extend(written.sides),
            // One exchange that cannot be recorded does not spoil the others.
            Err(reason) => {
                state.entries.remove(at);
                state.left_out.push(LeftOut { request, reason });
            }
        }
    }

    /// Remembers a request that went live and had no answer.
    pub(super) fn unanswered(&self, request: &WireRequest, reason: String) {
        remember(&mut self.lock().unanswered, Unanswered { request: title(request), reason });
    }

    /// Ends: puts what was recorded into the cassette. What is kept afterwards is the beginning of another recording.
    ///
    /// # Errors
    /// [`FinishError`] where the cassette cannot be written. Then it is as it was, and what was recorded is in the
    /// unfinished file.
    pub fn finish(&self) -> Result<Summary, FinishError> {
        let mut state = self.lock();
        let recorded = state.entries.len();
        let mut written = None;
        if recorded > 0 {
            if self.mode == Mode::Once && self.path.exists() {
                return Err(FinishError::Appeared { path: self.path.clone(), kept: self.unfinished.clone() });
            }
            let way = if self.mode == Mode::New { append } else { write };
            let unwritten = |problem| FinishError::Unwritten { kept: self.unfinished.clone(), problem };
            written = Some(self.write(&self.path, &state, way).map_err(unwritten)?);
            state.entries.clear();
            for file in std::mem::take(&mut state.sides).into_iter().chain([self.unfinished.clone()]) {
                // What stays behind is told at the next start.
                let _ = std::fs::remove_file(file);
            }
        }
        Ok(Summary {
            path: self.path.clone(),
            written,
            recorded,
            replayed: std::mem::take(&mut state.replayed),
            left_out: std::mem::take(&mut state.left_out),
            refused: std::mem::take(&mut state.refused).into(),
            unanswered: std::mem::take(&mut state.unanswered).into(),
        })
    }

    fn write(
        &self,
        path: &Path,
        state: &State,
        way: fn(&Path, &Draft, &Redaction) -> Result<Written, WriteError>,
    ) -> Result<Written, WriteError> {
        let draft = Draft { about: Some(self.about.clone()), entries: state.entries.clone() };
        way(path, &draft, &state.redaction)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves exchanges that are whole: each is kept or taken back at once.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remember<T>(items: &mut VecDeque<T>, item: T) {
    if items.len() == REMEMBERED {
        items.pop_front();
    }
    items.push_back(item);
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("path", &self.path).field("mode", &self.mode).finish_non_exhaustive()
    }
}
