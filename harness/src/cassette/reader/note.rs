//! Checks what the `_countersign` object of an entry says about replay.

use std::collections::BTreeMap;

use countersign_plugin::TransportFailureKind;
use serde::Deserialize;
use serde_json::Value;

use super::check_keys;
use crate::cassette::asked::Asked;
use crate::cassette::entry::{Answer, Binding, Guard, Message, Repeat, Reply};
use crate::cassette::format::{Named, PlaceFormat, SentFormat};
use crate::cassette::place::Place;
use crate::cassette::problem::EntryProblem;
use crate::cassette::shown::Shown;
use crate::cassette::spoken;
use crate::cassette::unknown::UnknownWord;

pub(super) fn bindings(
    bind: Named<Value>,
    require: Named<String>,
    asked: &Asked<'_>,
) -> Result<Vec<Binding>, EntryProblem> {
    let mut guards = BTreeMap::new();
    for (variable, word) in require.0 {
        if !bind.0.contains_key(&variable) {
            return Err(EntryProblem::GuardWithoutPlace { variable });
        }
        let at = format!("_countersign.require.{variable}");
        guards.insert(variable, UnknownWord::look_up(at, &word, &Guard::NAMED)?);
    }
    bind.0
        .into_iter()
        .map(|(variable, value)| {
            let place = match PlaceFormat::deserialize(value) {
                Ok(format) => place(format),
                Err(error) => {
                    return Err(EntryProblem::NotAPlace { variable, reason: Shown::message(&error.to_string()) });
                }
            };
            match asked.at(&place) {
                Ok(sample) => {
                    Ok(Binding { sample: sample.into_owned(), guard: guards.get(&variable).copied(), variable, place })
                }
                Err(reason) => Err(EntryProblem::NoSample { variable, place, reason }),
            }
        })
        .collect()
}

fn place(format: PlaceFormat) -> Place {
    match format {
        PlaceFormat::Form { name } => Place::Form { name },
        PlaceFormat::Query { name } => Place::Query { name },
        PlaceFormat::Path { segment } => Place::Path { segment },
        PlaceFormat::Json { pointer } => Place::Json { pointer },
        PlaceFormat::Spoken { name } => Place::Spoken { name },
    }
}

pub(super) fn repeat(format: Option<Value>) -> Result<Repeat, EntryProblem> {
    match &format {
        None => Ok(Repeat::Times(1)),
        Some(Value::String(word)) if word == "once" => Ok(Repeat::Times(1)),
        Some(Value::String(word)) if word == "any" => Ok(Repeat::Any),
        Some(value) => match value.as_u64() {
            Some(times @ 1..) => Ok(Repeat::Times(times)),
            _ => Err(EntryProblem::Repeat { found: Shown::of(&value.to_string()) }),
        },
    }
}

pub(super) fn message(
    format: Option<SentFormat>,
    asked: &Asked<'_>,
    answer: &Answer,
) -> Result<Option<Message>, EntryProblem> {
    let speaks = asked.field("Twiml").is_ok_and(|field| spoken::text(&field.value).is_ok_and(|text| !text.is_empty()));
    let Some(format) = format else {
        let accepted = matches!(answer, Answer::Reply(Reply { status: 200..=299, .. }));
        let call = speaks && accepted && asked.field("To").is_ok();
        return Ok(call.then(|| Message::Spoken { to: None, channel: "voice".to_owned() }));
    };
    check_keys("_countersign.sent", &format.unknown, SentFormat::KEYS)?;
    if let Answer::Failure(failure) = answer
        && matches!(failure, TransportFailureKind::NotSent | TransportFailureKind::Refused)
    {
        return Err(EntryProblem::NeverLeft);
    }
    let SentFormat { to, channel, .. } = format;
    match (format.text, speaks) {
        (Some(text), false) => Ok(Some(Message::Declared { to, channel, text })),
        (Some(_), true) => Err(EntryProblem::TwoTexts),
        (None, true) => Ok(Some(Message::Spoken { to: Some(to), channel })),
        (None, false) => Err(EntryProblem::NoText),
    }
}
