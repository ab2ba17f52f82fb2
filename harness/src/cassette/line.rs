//! One entry, ready to be played without looking at the file again.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use countersign_plugin::TransportFailureKind;

use super::asked::Asked;
use super::difference::{Difference, GuardState};
use super::entry::{Answer, Entry, Guard, Message, Repeat};
use super::matcher::Shape;
use super::place::Place;
use super::player::{Played, PlayedAnswer};
use super::receipt::Tally;
use super::sent::SentMessage;
use super::shown::Shown;
use super::spoken;
use super::template::{Sample, Template};

/// One cassette and what its variables are bound to.
pub(super) struct Deck {
    pub(super) path: PathBuf,
    pub(super) variables: Vec<Variable>,
}

/// A variable and what it is bound to, if anything yet.
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) bound: Option<String>,
}

/// One entry, ready to be played.
pub(super) struct Line {
    pub(super) deck: usize,
    pub(super) index: usize,
    pub(super) title: String,
    pub(super) recorded: Asked<'static>,
    pub(super) shape: Shape,
    pub(super) bindings: Vec<LineBinding>,
    pub(super) answer: LineAnswer,
    pub(super) repeat: Repeat,
    message: Option<LineMessage>,
    pub(super) tally: Tally,
}

pub(super) struct LineBinding {
    pub(super) variable: usize,
    pub(super) place: Place,
    guard: Option<Guard>,
}

/// Where the value that replaces a sample comes from.
#[derive(Clone, Copy)]
pub(super) enum Slot {
    /// The request that is being answered, at the place of this binding.
    Here(usize),
    /// What the variable is bound to.
    Variable(usize),
}

pub(super) enum LineAnswer {
    Reply { status: u16, headers: Arc<[(String, String)]>, body: Template<Slot> },
    Failure(TransportFailureKind),
}

enum LineMessage {
    Declared { to: Template<Slot>, channel: String, text: Template<Slot> },
    Spoken { to: Option<Template<Slot>>, channel: String },
}

impl Line {
    pub(super) fn new(
        deck: usize,
        entry: Entry,
        variables: &[Variable],
        samples: &[String],
        spoken: &[String],
    ) -> Self {
        let bindings: Vec<LineBinding> = entry
            .bindings
            .iter()
            .filter_map(|binding| {
                let known = |variable: &Variable| variable.name == binding.variable;
                Some(LineBinding {
                    variable: variables.iter().position(known)?,
                    place: binding.place.clone(),
                    guard: binding.guard,
                })
            })
            .collect();
        // Another value than the variable's is echoed from this request alone.
        let here = entry
            .bindings
            .iter()
            .enumerate()
            .filter(|(_, binding)| binding.guard == Some(Guard::Other))
            .map(|(at, binding)| Sample { slot: Slot::Here(at), text: binding.sample.clone() });
        let samples: Vec<Sample<Slot>> = samples
            .iter()
            .enumerate()
            .map(|(variable, text)| Sample { slot: Slot::Variable(variable), text: text.clone() })
            .chain(here)
            .collect();
        let answer = match entry.answer {
            Answer::Failure(failure) => LineAnswer::Failure(failure),
            Answer::Reply(reply) => LineAnswer::Reply {
                status: reply.status,
                headers: reply.headers.into(),
                body: Template::body(reply.body, &samples),
            },
        };
        let message = entry.message.map(|message| match message {
            Message::Declared { to, channel, text } => LineMessage::Declared {
                to: Template::plain(&to, &samples),
                channel,
                text: Template::plain(&text, &samples),
            },
            Message::Spoken { to, channel } => {
                LineMessage::Spoken { to: to.map(|to| Template::plain(&to, &samples)), channel }
            }
        });
        let mut recorded = Asked { headers: entry.headers, ..Asked::of(&entry.request).into_owned() };
        recorded.listen(spoken);
        Self {
            deck,
            index: entry.index,
            title: entry.title,
            recorded,
            shape: Shape::of(entry.bindings.iter().map(|binding| &binding.place)),
            bindings,
            answer,
            repeat: entry.repeat,
            message,
            tally: Tally::NEW,
        }
    }

    pub(super) fn exhausted(&self) -> Option<Difference> {
        match self.repeat {
            Repeat::Times(times) if self.tally.played >= times => {
                Some(Difference::AlreadyPlayed { times: self.tally.played })
            }
            Repeat::Times(_) | Repeat::Any => None,
        }
    }

    /// What the variables have against this request.
    pub(super) fn objections(&self, deck: &Deck, asked: &Asked<'_>) -> Vec<Difference> {
        let objection = |binding: &LineBinding| {
            let variable = &deck.variables[binding.variable];
            let (name, place) = (|| variable.name.clone(), || binding.place.clone());
            let value = match asked.at(&binding.place) {
                Ok(value) => value,
                Err(reason) => {
                    return Some(Difference::Vacant { variable: name(), place: place(), reason });
                }
            };
            let same = variable.bound.as_ref().map(|bound| *bound == value);
            match (binding.guard, same) {
                (None, None | Some(true)) | (Some(Guard::Same), Some(true)) | (Some(Guard::Other), Some(false)) => None,
                (None, Some(false)) => Some(Difference::Bound {
                    bound: Shown::of_field(&variable.name, variable.bound.as_deref().unwrap_or_default()),
                    sent: Shown::of_field(&variable.name, &value),
                    variable: name(),
                    place: place(),
                }),
                (Some(guard), same) => Some(Difference::Guarded {
                    variable: name(),
                    place: place(),
                    guard,
                    state: match same {
                        None => GuardState::Unbound,
                        Some(_) => GuardState::Refused,
                    },
                }),
            }
        };
        self.bindings.iter().filter_map(objection).collect()
    }

    /// Answers a request that matches.
    pub(super) fn played(&mut self, deck: &Deck, asked: &Asked<'_>) -> Played {
        let here: Vec<Option<Cow<'_, str>>> =
            self.bindings.iter().map(|binding| asked.at(&binding.place).ok()).collect();
        let value = |slot: &Slot| match slot {
            Slot::Here(binding) => here.get(*binding).and_then(|value| value.as_deref()),
            Slot::Variable(variable) => deck.variables[*variable].bound.as_deref(),
        };
        let text = |template: &Template<Slot>| {
            let filled = template.filled(value);
            let bytes = filled.unwrap_or_else(|| template.recorded().to_owned());
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let sent = self.message.as_ref().and_then(|message| match message {
            LineMessage::Declared { to, channel, text: shown } => {
                Some(SentMessage { to: text(to), channel: channel.clone(), text: text(shown) })
            }
            LineMessage::Spoken { to, channel } => Some(SentMessage {
                to: match to {
                    Some(to) => text(to),
                    None => asked.field("To").ok()?.value.clone().into_owned(),
                },
                channel: channel.clone(),
                text: spoken::text(&asked.field("Twiml").ok()?.value).ok()?,
            }),
        });
        let answer = match &self.answer {
            LineAnswer::Failure(failure) => {
                self.tally.failed();
                PlayedAnswer::Failure(*failure)
            }
            LineAnswer::Reply { status, headers, body } => PlayedAnswer::Reply {
                status: *status,
                headers: Arc::clone(headers),
                body: match body.filled(value) {
                    Some(body) => {
                        self.tally.served_altered(&body);
                        body.into()
                    }
                    None => {
                        self.tally.served_verbatim();
                        Arc::clone(body.shared())
                    }
                },
            },
        };
        Played { cassette: self.deck, entry: self.index, answer, sent }
    }
}
