//! Plays recorded exchanges back, in order, and remembers what was played.

use std::fmt;
use std::sync::Arc;

use countersign_plugin::TransportFailureKind;
use url::Url;

use super::asked::Asked;
use super::cassette::Cassette;
use super::difference::{Difference, Mismatch, Nearest};
use super::digest::Sha256;
use super::entry::Repeat;
use super::kept::Kept;
use super::line::{Deck, Line, LineAnswer, Variable};
use super::matcher::{Index, differences};
use super::place::Place;
use super::receipt::{EntryReceipt, Receipt, Unused, UnusedEntry};
use super::sent::{Sent, SentMessage};
use super::shown::Shown;

/// Messages that the inbox keeps for who has not looked yet; older ones are counted.
const INBOX: usize = 1000;
/// How many entries a mismatch names.
const NEAREST: usize = 3;

/// Plays cassettes. The first entry that matches and is not used up answers.
pub struct Player {
    decks: Vec<Deck>,
    lines: Vec<Line>,
    index: Index,
    /// Form fields in which some entry speaks a number.
    spoken: Vec<String>,
    inbox: Kept<SentMessage>,
}

/// What a request was answered with.
#[derive(Clone, PartialEq, Eq)]
pub struct Played {
    /// The cassette's position among those of the player; the first is 0.
    pub cassette: usize,
    /// The entry's position in it; the first is 0.
    pub entry: usize,
    /// What comes back.
    pub answer: PlayedAnswer,
    /// What reached a person because of the exchange. It is in the player's inbox, too.
    pub sent: Option<SentMessage>,
}

/// What comes back for a request.
#[derive(Clone, PartialEq, Eq)]
pub enum PlayedAnswer {
    /// A response.
    Reply {
        /// 100 to 599.
        status: u16,
        /// As recorded, without those that describe the framing of the body.
        headers: Arc<[(String, String)]>,
        /// As recorded, with samples replaced by bound values. Shared where nothing had to be replaced: one body may be
        /// served a million times.
        body: Arc<[u8]>,
    },
    /// None: the transport fails.
    Failure(TransportFailureKind),
}

impl Player {
    /// A player for these cassettes. Entries are tried in the order of the cassettes; each cassette
    /// has variables of its own.
    pub fn new(cassettes: Vec<Cassette>) -> Self {
        let mut spoken: Vec<String> = cassettes
            .iter()
            .flat_map(|cassette| &cassette.entries)
            .flat_map(|entry| &entry.bindings)
            .filter_map(|binding| match &binding.place {
                Place::Spoken { name } => Some(name.clone()),
                _ => None,
            })
            .collect();
        spoken.sort_unstable();
        spoken.dedup();
        let mut player = Self {
            decks: Vec::with_capacity(cassettes.len()),
            lines: Vec::new(),
            index: Index::default(),
            spoken,
            inbox: Kept::last(INBOX),
        };
        for cassette in cassettes {
            player.insert(cassette);
        }
        player
    }

    /// Answers a request with the first matching entry that is not used up, and binds the variables
    /// that the entry captures.
    ///
    /// # Errors
    /// [`Mismatch`] when no entry answers. Then nothing is played and nothing is bound.
    pub fn play(&mut self, sent: &Sent) -> Result<Played, Box<Mismatch>> {
        self.answer(Asked::of(sent), || sent.url.clone())
    }

    /// The same for a request that a carrier has taken apart already. Only a mismatch needs its address.
    pub(crate) fn answer(
        &mut self,
        mut asked: Asked<'_>,
        address: impl FnOnce() -> Url,
    ) -> Result<Played, Box<Mismatch>> {
        asked.listen(&self.spoken);
        let candidates = self.index.candidates(&asked);
        let Some(number) = candidates.iter().copied().find(|&number| self.matches(number, &asked)) else {
            return Err(Box::new(self.mismatch(address(), &asked)));
        };
        let line = &mut self.lines[number];
        let deck = &mut self.decks[line.deck];
        for binding in &line.bindings {
            let variable = &mut deck.variables[binding.variable];
            if variable.bound.is_none()
                && let Ok(value) = asked.at(&binding.place)
            {
                variable.bound = Some(value.into_owned());
            }
        }
        let played = line.played(deck, &asked);
        if let Some(message) = &played.sent {
            self.inbox.push(message.clone());
        }
        Ok(played)
    }

    /// What was shown or spoken to people so far, in order, and not yet taken: the last 1000.
    pub fn inbox(&self) -> &[SentMessage] {
        self.inbox.items()
    }

    /// Takes what was shown or spoken to people so far: the last 1000.
    pub fn take_inbox(&mut self) -> Vec<SentMessage> {
        self.inbox.take()
    }

    /// How many messages were dropped unseen, because more than 1000 came before anybody took them.
    pub fn unseen(&self) -> u64 {
        self.inbox.dropped()
    }

    /// What was served so far.
    pub fn receipt(&self) -> Receipt {
        let entry = |line: &Line| EntryReceipt {
            cassette: self.decks[line.deck].path.clone(),
            entry: line.index,
            title: line.title.clone(),
            played: line.tally.played,
            recorded: match &line.answer {
                LineAnswer::Reply { body, .. } => Some(Sha256::of(body.recorded())),
                LineAnswer::Failure(_) => None,
            },
            verbatim: line.tally.verbatim(),
            altered: line.tally.altered(),
        };
        Receipt { entries: self.lines.iter().map(entry).collect() }
    }

    /// Ends the replay.
    ///
    /// # Errors
    /// [`Unused`] when an entry was played less often than its `repeat` says; `any` is content with
    /// nothing.
    pub fn finish(&self) -> Result<Receipt, Unused> {
        let receipt = self.receipt();
        let unused = |line: &Line| match line.repeat {
            Repeat::Times(times) if line.tally.played < times => Some(UnusedEntry {
                cassette: self.decks[line.deck].path.clone(),
                entry: line.index,
                title: line.title.clone(),
                played: line.tally.played,
                repeat: line.repeat,
            }),
            Repeat::Times(_) | Repeat::Any => None,
        };
        let entries: Vec<_> = self.lines.iter().filter_map(unused).collect();
        if entries.is_empty() {
            return Ok(receipt);
        }
        Err(Unused { entries, receipt })
    }

    fn insert(&mut self, cassette: Cassette) {
        let mut variables: Vec<Variable> = cassette
            .variables()
            .map(|(name, value)| Variable { name: name.to_owned(), bound: Some(value.to_owned()) })
            .collect();
        // What each variable stands for in the recording; the reader saw to it that it is one value.
        let mut samples: Vec<String> = cassette.variables().map(|(_, value)| value.to_owned()).collect();
        for binding in cassette.entries.iter().flat_map(|entry| &entry.bindings) {
            if variables.iter().all(|known| known.name != binding.variable) {
                variables.push(Variable { name: binding.variable.clone(), bound: None });
                samples.push(binding.sample.clone());
            }
        }
        let deck = self.decks.len();
        for entry in cassette.entries {
            let line = Line::new(deck, entry, &variables, &samples, &self.spoken);
            let number = self.lines.len();
            self.index.insert(&line.recorded, &line.shape, number);
            self.lines.push(line);
        }
        self.decks.push(Deck { path: cassette.path, variables });
    }

    /// Whether this line answers. It is the whole rule: the index only leaves out lines that cannot.
    fn matches(&self, number: usize, asked: &Asked<'_>) -> bool {
        let line = &self.lines[number];
        line.exhausted().is_none()
            && differences(&line.recorded, asked, &line.shape).is_empty()
            && line.objections(&self.decks[line.deck], asked).is_empty()
    }

    /// The cassette and entry that would answer, found without the index, from the first line to the last.
    #[cfg(test)]
    pub(super) fn first_of_all(&self, sent: &Sent) -> Option<(usize, usize)> {
        let mut asked = Asked::of(sent);
        asked.listen(&self.spoken);
        let number = (0..self.lines.len()).find(|&number| self.matches(number, &asked))?;
        Some((self.lines[number].deck, self.lines[number].index))
    }

    fn mismatch(&self, mut address: Url, asked: &Asked<'_>) -> Mismatch {
        let mut ranked: Vec<(u32, usize, Vec<Difference>)> = self
            .lines
            .iter()
            .enumerate()
            .map(|(number, line)| {
                let mut found = differences(&line.recorded, asked, &line.shape);
                found.extend(line.objections(&self.decks[line.deck], asked));
                found.extend(line.exhausted());
                (found.iter().map(Difference::weight).sum(), number, found)
            })
            .collect();
        ranked.sort_by_key(|(weight, number, _)| (*weight, *number));
        address.set_query(None);
        address.set_fragment(None);
        Mismatch {
            method: asked.method.clone().into_owned(),
            address: Shown::message(address.as_str()),
            nearest: ranked
                .into_iter()
                .take(NEAREST)
                .map(|(_, number, differences)| {
                    let line = &self.lines[number];
                    Nearest {
                        cassette: self.decks[line.deck].path.clone(),
                        entry: line.index,
                        title: line.title.clone(),
                        differences,
                    }
                })
                .collect(),
        }
    }
}

impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.decks.iter().map(|deck| &deck.path).collect();
        f.debug_struct("Player")
            .field("cassettes", &paths)
            .field("entries", &self.lines.len())
            .field("inbox", &self.inbox.items())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Played")
            .field("cassette", &self.cassette)
            .field("entry", &self.entry)
            .field("answer", &self.answer)
            .field("sent", &self.sent)
            .finish()
    }
}

impl fmt::Debug for PlayedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply { status, body, .. } => {
                write!(f, "Reply({status}, {} bytes)", body.len())
            }
            Self::Failure(failure) => write!(f, "Failure({failure:?})"),
        }
    }
}
