//! Numbers spoken digit by digit inside TwiML, as in `<Say>Your code is: 1, 2, 3, 4, 5, 6.</Say>`.
//!
//! Digits that stand together are read as one number, so a code is written with spaces, commas or
//! periods between its digits, and often several times. That is the only form recognised here.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use thiserror::Error;

/// Codes have at least four digits; fewer separate digits are part of the sentence.
const SHORTEST: usize = 4;
/// Stands for a spoken number in [`Spoken::frame`].
const HOLE: char = '\u{FFFC}';

/// A number found in TwiML.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// The digits, without what separates them.
    pub(crate) digits: String,
    /// The document with each occurrence of the number replaced by a mark and the kind of separator:
    /// two documents with equal frames differ in the number alone.
    pub(crate) frame: String,
}

/// Why no number can be taken from a form field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unspoken {
    /// Not an XML document.
    #[error("it is not well-formed XML")]
    NotXml,
    /// No run of four or more separate digits inside `<Say>`.
    #[error("no <Say> in it speaks four or more digits separated by spaces, commas or periods")]
    Silent,
    /// Different runs with different digits.
    #[error("it speaks two different numbers")]
    Ambiguous,
}

/// The number that the document speaks.
///
/// # Errors
/// [`Unspoken`] when there is none, or more than one.
pub(crate) fn number(twiml: &str) -> Result<Spoken, Unspoken> {
    let mut digits: Option<String> = None;
    let mut frame = String::with_capacity(twiml.len());
    let mut copied = 0;
    for say in speech(twiml)? {
        for run in say.spans.iter().flat_map(|span| runs(twiml, span)) {
            if *digits.get_or_insert_with(|| run.digits.clone()) != run.digits {
                return Err(Unspoken::Ambiguous);
            }
            frame.push_str(&twiml[copied..run.range.start]);
            frame.push(HOLE);
            frame.push_str(&run.separators.join("|"));
            frame.push(HOLE);
            copied = run.range.end;
        }
    }
    frame.push_str(&twiml[copied..]);
    let digits = digits.ok_or(Unspoken::Silent)?;
    Ok(Spoken { digits, frame })
}

/// All numbers that the document speaks, one code or several; of what is no XML, those that stand in it.
pub(crate) fn numbers(twiml: &str) -> Vec<String> {
    let spans: Vec<Range<usize>> = match speech(twiml) {
        Ok(says) => says.into_iter().flat_map(|say| say.spans).collect(),
        Err(_) => std::iter::once(0..twiml.len()).collect(),
    };
    spans.iter().flat_map(|span| runs(twiml, span)).map(|run| run.digits).collect()
}

/// What the document speaks, one `<Say>` per line.
///
/// # Errors
/// [`Unspoken::NotXml`]; a document that says nothing is `Ok("")`.
pub(crate) fn text(twiml: &str) -> Result<String, Unspoken> {
    let says: Vec<String> = speech(twiml)?
        .into_iter()
        .map(|say| say.text.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|text| !text.is_empty())
        .collect();
    Ok(says.join("\n"))
}

/// One `<Say>`.
struct Say {
    /// Its text with entities resolved.
    text: String,
    /// Where its character data stands in the document.
    spans: Vec<Range<usize>>,
}

fn speech(twiml: &str) -> Result<Vec<Say>, Unspoken> {
    let mut reader = Reader::from_str(twiml);
    let mut says: Vec<Say> = Vec::new();
    let mut depth = 0_usize;
    // The depth of the `<Say>` we are in; its children (SSML) are spoken too.
    let mut saying: Option<usize> = None;
    let mut rooted = false;
    loop {
        let before = position(&reader)?;
        let event = reader.read_event().map_err(|_| Unspoken::NotXml)?;
        let span = before..position(&reader)?;
        let said = saying.and_then(|_| says.last_mut());
        match event {
            Event::Start(start) => {
                depth += 1;
                rooted = true;
                if saying.is_none() && start.local_name().as_ref() == b"Say" {
                    saying = Some(depth);
                    says.push(Say { text: String::new(), spans: Vec::new() });
                }
            }
            Event::End(_) => {
                if saying == Some(depth) {
                    saying = None;
                }
                depth = depth.saturating_sub(1);
            }
            Event::Empty(_) => rooted = true,
            Event::Text(_) => {
                if let Some(say) = said {
                    say.text.push_str(&twiml[span.clone()]);
                    say.spans.push(span);
                }
            }
            Event::CData(data) => {
                if let Some(say) = said {
                    say.text.push_str(&data.decode().map_err(|_| Unspoken::NotXml)?);
                    say.spans.push(span);
                }
            }
            Event::GeneralRef(reference) => {
                if let Some(say) = said {
                    let character = reference.resolve_char_ref().map_err(|_| Unspoken::NotXml)?;
                    let name = reference.decode().map_err(|_| Unspoken::NotXml)?;
                    match character {
                        Some(character) => say.text.push(character),
                        None => say.text.push_str(resolve_predefined_entity(&name).ok_or(Unspoken::NotXml)?),
                    }
                }
            }
            Event::Eof if depth == 0 && rooted => return Ok(says),
            Event::Eof => return Err(Unspoken::NotXml),
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
        }
    }
}

fn position(reader: &Reader<&[u8]>) -> Result<usize, Unspoken> {
    usize::try_from(reader.buffer_position()).map_err(|_| Unspoken::NotXml)
}

struct Run {
    range: Range<usize>,
    digits: String,
    /// What stands between the digits, equal neighbours once, so that the length of the code does
    /// not show.
    separators: Vec<String>,
}

/// The runs of separate digits within one piece of text.
fn runs(document: &str, span: &Range<usize>) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut current: Option<Run> = None;
    let mut close = |run: Option<Run>| runs.extend(run.filter(|run| run.digits.len() >= SHORTEST));
    let bytes = &document.as_bytes()[..span.end];
    let mut at = span.start;
    while at < span.end {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let alone = !word(bytes.get(at + 1)) && (at == span.start || !word(bytes.get(at - 1)));
        if !alone {
            close(current.take());
            while word(bytes.get(at)) {
                at += 1;
            }
            continue;
        }
        let between = current.as_ref().map(|run| &document[run.range.end..at]);
        let joined = between
            .is_some_and(|text| !text.is_empty() && text.chars().all(|c| matches!(c, ',' | '.') || c.is_whitespace()));
        if !joined {
            close(current.take());
        }
        let separator = between.filter(|_| joined).map(str::to_owned);
        let run = current.get_or_insert_with(|| Run { range: at..at, digits: String::new(), separators: Vec::new() });
        if let Some(separator) = separator.filter(|text| run.separators.last() != Some(text)) {
            run.separators.push(separator);
        }
        run.digits.push(char::from(bytes[at]));
        run.range.end = at + 1;
        at += 1;
    }
    close(current);
    runs
}

/// Letters of other scripts do not join: Chinese puts no space before a number.
fn word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(say: &str, expected: Result<&str, Unspoken>) {
        let twiml = format!("<Response><Say>{say}</Say></Response>");
        let found = number(&twiml).map(|spoken| spoken.digits);
        assert_eq!(found, expected.map(str::to_owned));
    }

    #[test]
    fn separate_digits_are_a_number() {
        check("Your code is: 1, 2, 3, 4, 5, 6.", Ok("123456"));
        check("1 2 3 4", Ok("1234"));
        check("1. 2. 3. 4. 5. Again: 1. 2. 3. 4. 5.", Ok("12345"));
        check("Ihr Code: 9,8,7,6. Gültig für 10 Minuten.", Ok("9876"));
        check("验证码1 2 3 4 5 6请", Ok("123456"));
        check("<prosody rate=\"slow\">0 0 1 2</prosody>", Ok("0012"));
        check("<![CDATA[1 2 3 4]]>", Ok("1234"));
    }

    #[test]
    fn other_digits_are_not() {
        check("in 10 minutes, 1234", Err(Unspoken::Silent));
        check("1, 2, 3", Err(Unspoken::Silent));
        check("1, 2, and 3, 4", Err(Unspoken::Silent));
        check("", Err(Unspoken::Silent));
        check("1 2 3 4. Again: 1 2 3 5", Err(Unspoken::Ambiguous));
    }

    #[test]
    fn digits_outside_of_say_are_not_spoken() {
        let twiml = "<Response><Pause length=\"1 2 3 4\"/>1 2 3 4</Response>";
        assert!(number(twiml).is_err_and(|reason| reason == Unspoken::Silent));
    }

    #[test]
    fn broken_documents_are_refused() {
        for twiml in ["", "1 2 3 4", "<Response><Say>1 2 3 4</Response>", "<Say>1 2 3 4", "<Say>&nbsp;</Say>"] {
            assert!(number(twiml).is_err_and(|reason| reason == Unspoken::NotXml), "{twiml}");
        }
    }

    #[test]
    fn frames_are_equal_when_only_the_number_differs() {
        let frame = |text: &str| {
            let twiml = format!("<Response><Say>{text}</Say></Response>");
            number(&twiml).map(|spoken| spoken.frame)
        };
        let code = frame("Code: 1, 2, 3, 4. Again: 1, 2, 3, 4.");
        assert_eq!(code, frame("Code: 9, 8, 7, 6, 5, 4. Again: 9, 8, 7, 6, 5, 4."));
        assert_ne!(code, frame("Code: 1 2 3 4. Again: 1, 2, 3, 4."));
        assert_ne!(code, frame("Pin: 1, 2, 3, 4. Again: 1, 2, 3, 4."));
        assert_ne!(code, frame("Code: 1, 2, 3, 4."));
    }

    #[test]
    fn text_is_what_one_hears() {
        let twiml = "<Response><Say>It&#39;s  you &amp; me.</Say><Pause/><Say>1, 2,\n3</Say></Response>";
        assert_eq!(text(twiml).as_deref(), Ok("It's you & me.\n1, 2, 3"));
    }
}
