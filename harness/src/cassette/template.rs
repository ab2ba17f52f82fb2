//! Recorded text in which the samples of variables are replaced by what they are bound to.

use std::ops::Range;
use std::sync::Arc;

use serde::de::IgnoredAny;

/// Recorded text with the places where samples occur. Bytes outside of these are never touched.
pub(crate) struct Template<S> {
    recorded: Arc<[u8]>,
    /// Those of the samples that occur.
    samples: Vec<Sample<S>>,
    holes: Vec<Hole>,
}

/// A text that stands for a value that is known at replay.
#[derive(Clone)]
pub(crate) struct Sample<S> {
    pub(crate) slot: S,
    pub(crate) text: String,
}

struct Hole {
    range: Range<usize>,
    /// Which of the samples.
    sample: usize,
    form: Form,
}

/// How a value is written into a hole.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    /// Within a JSON string.
    JsonString,
    /// Outside of any JSON string, so as a number or boolean.
    JsonBare,
}

impl<S: Clone> Template<S> {
    /// Text that is no JSON, such as that of a message.
    pub(crate) fn plain(recorded: &str, samples: &[Sample<S>]) -> Self {
        Self::new(recorded.as_bytes().to_owned(), samples, false)
    }

    /// A body; whether it is JSON is seen from the bytes, for providers serve JSON as HTML too.
    pub(crate) fn body(recorded: Vec<u8>, samples: &[Sample<S>]) -> Self {
        let is_json = serde_json::from_slice::<IgnoredAny>(&recorded).is_ok();
        Self::new(recorded, samples, is_json)
    }

    fn new(recorded: Vec<u8>, samples: &[Sample<S>], is_json: bool) -> Self {
        let samples: Vec<_> = samples
            .iter()
            .filter(|sample| {
                let written = sample.text.as_bytes();
                holds(&recorded, written) || is_json && holds(&recorded, &escaped(&sample.text))
            })
            .cloned()
            .collect();
        let texts = samples.iter().map(|sample| sample.text.as_bytes());
        let bare: Vec<_> = texts.map(<[u8]>::to_owned).collect();
        let mut holes = Vec::new();
        if samples.is_empty() {
            // Most bodies hold no sample.
        } else if is_json {
            let escaped: Vec<_> = samples.iter().map(|sample| escaped(&sample.text)).collect();
            for (range, form) in json_pieces(&recorded) {
                let texts = match form {
                    Form::JsonString => &escaped,
                    Form::JsonBare | Form::Plain => &bare,
                };
                find(&recorded, range, texts, form, &mut holes);
            }
        } else {
            find(&recorded, 0..recorded.len(), &bare, Form::Plain, &mut holes);
        }
        Self { recorded: recorded.into(), samples, holes }
    }

    pub(crate) fn recorded(&self) -> &[u8] {
        &self.recorded
    }

    /// The recorded text, to be served as it is without being copied.
    pub(crate) const fn shared(&self) -> &Arc<[u8]> {
        &self.recorded
    }

    /// The text with the values in it; `None` when it is the recorded text, byte for byte.
    ///
    /// `value` gives what a sample stands for, or nothing when that is not known: then the sample
    /// stays.
    pub(crate) fn filled<'v>(&self, value: impl Fn(&S) -> Option<&'v str>) -> Option<Vec<u8>> {
        let mut filled: Option<Vec<u8>> = None;
        let mut copied = 0;
        for hole in &self.holes {
            let sample = &self.samples[hole.sample];
            let Some(value) = value(&sample.slot).filter(|value| *value != sample.text) else {
                continue;
            };
            let filled = filled.get_or_insert_with(|| Vec::with_capacity(self.recorded.len() + 32));
            filled.extend_from_slice(&self.recorded[copied..hole.range.start]);
            match hole.form {
                Form::Plain => filled.extend_from_slice(value.as_bytes()),
                Form::JsonString => filled.extend_from_slice(&escaped(value)),
                Form::JsonBare if serde_json::from_str::<serde_json::Number>(value).is_ok() => {
                    filled.extend_from_slice(value.as_bytes());
                }
                Form::JsonBare => {
                    filled.push(b'"');
                    filled.extend_from_slice(&escaped(value));
                    filled.push(b'"');
                }
            }
            copied = hole.range.end;
        }
        if let Some(filled) = &mut filled {
            filled.extend_from_slice(&self.recorded[copied..]);
        }
        filled
    }
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    match (std::str::from_utf8(bytes), std::str::from_utf8(text)) {
        // The search within text takes linear time.
        (Ok(bytes), Ok(text)) => bytes.contains(text),
        _ => bytes.windows(text.len().max(1)).any(|window| window == text),
    }
}

/// Appends where a sample stands within `range`: the longest that fits, and only as a whole word, so
/// that a code is not taken out of the middle of an id.
fn find(bytes: &[u8], range: Range<usize>, texts: &[Vec<u8>], form: Form, holes: &mut Vec<Hole>) {
    let mut at = range.start;
    let mut after_word = false;
    while at < range.end {
        let rest = &bytes[at..range.end];
        let fits = |text: &[u8]| {
            let ends = |next: Option<&u8>| !next.is_some_and(u8::is_ascii_alphanumeric);
            let begins = !after_word || !text[0].is_ascii_alphanumeric();
            let last = text[text.len() - 1];
            begins && (!last.is_ascii_alphanumeric() || ends(rest.get(text.len())))
        };
        let longest = texts
            .iter()
            .enumerate()
            .filter(|(_, text)| !text.is_empty() && rest.starts_with(text) && fits(text))
            .max_by_key(|(_, text)| text.len());
        if let Some((sample, text)) = longest {
            holes.push(Hole { range: at..at + text.len(), sample, form });
            at += text.len();
            after_word = text[text.len() - 1].is_ascii_alphanumeric();
            continue;
        }
        // The letter of an escape such as \n is not part of the word that follows.
        let step = match (form, rest) {
            (Form::JsonString, [b'\\', b'u', ..]) => 6,
            (Form::JsonString, [b'\\', ..]) => 2,
            _ => 1,
        };
        after_word = step == 1 && rest[0].is_ascii_alphanumeric();
        at += step;
    }
}

/// The insides of the strings of a JSON text, and what lies between them.
fn json_pieces(json: &[u8]) -> Vec<(Range<usize>, Form)> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    let mut form = Form::JsonBare;
    while at < json.len() {
        match (json[at], form) {
            (b'\\', Form::JsonString) => at += 1,
            (b'"', _) => {
                pieces.push((start..at, form));
                start = at + 1;
                form = match form {
                    Form::JsonString => Form::JsonBare,
                    _ => Form::JsonString,
                };
            }
            _ => {}
        }
        at += 1;
    }
    pieces.push((start..json.len(), form));
    pieces
}

/// The inside of a JSON string.
fn escaped(text: &str) -> Vec<u8> {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.as_bytes()[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn samples(texts: &[&str]) -> Vec<Sample<usize>> {
        let number = |(slot, text): (usize, &&str)| Sample { slot, text: (*text).to_owned() };
        texts.iter().enumerate().map(number).collect()
    }

    fn fill(body: &str, texts: &[&str], values: &[&str]) -> String {
        let samples = samples(texts);
        let template = Template::body(body.as_bytes().to_owned(), &samples);
        let filled = template.filled(|slot| values.get(*slot).copied());
        let filled = filled.unwrap_or_else(|| template.recorded().to_owned());
        String::from_utf8(filled).expect("the inputs are UTF-8")
    }

    #[track_caller]
    fn check(body: &str, expected: &str) {
        assert_eq!(fill(body, &["123456", "+1500"], &["9\"8", "+4930"]), expected);
    }

    #[test]
    fn samples_are_replaced_and_escaped_as_the_place_demands() {
        check(r#"{"code": "123456", "to":"+1500"}"#, r#"{"code": "9\"8", "to":"+4930"}"#);
        check(r#"{"code":123456}"#, r#"{"code":"9\"8"}"#);
        check(r#"{"text":"is\n123456 \u00e4123456"}"#, r#"{"text":"is\n9\"8 \u00e49\"8"}"#);
        check("<b>123456</b>", "<b>9\"8</b>");
        check("code 123456.", "code 9\"8.");
        check("(+1500)", "(+4930)");
    }

    #[test]
    fn samples_inside_of_longer_words_stay() {
        check(r#"{"sid":"VE123456ab","n":1234567}"#, r#"{"sid":"VE123456ab","n":1234567}"#);
        check("+15001", "+15001");
        check("x123456 123456", "x123456 9\"8");
    }

    #[test]
    fn numbers_stay_numbers_when_they_can() {
        assert_eq!(fill(r#"{"id":1635}"#, &["1635"], &["77"]), r#"{"id":77}"#);
        assert_eq!(fill(r#"{"id":1635}"#, &["1635"], &["077"]), r#"{"id":"077"}"#);
    }

    #[test]
    fn the_longest_sample_wins() {
        assert_eq!(fill("+1 500", &["+1", "+1 500"], &["a", "b"]), "b");
    }

    #[test]
    fn unknown_or_unchanged_values_leave_the_recorded_bytes() {
        let samples = samples(&["123456"]);
        let template = Template::body(b"{\"code\" : \"123456\"}".to_vec(), &samples);
        assert!(template.filled(|_| None).is_none());
        assert!(template.filled(|_| Some("123456")).is_none());
    }

    proptest! {
        #[test]
        fn filled_json_reads_back_as_the_value(value in any::<String>(), sample in "[0-9a-z+]{4,12}") {
            let body = serde_json::json!({"a": [sample.clone()], "b": {"c": format!("is {sample}.")}});
            let filled = fill(&body.to_string(), &[&sample], &[&value]);
            let read: serde_json::Value = serde_json::from_str(&filled).expect("stays JSON");
            prop_assert_eq!(read.pointer("/a/0"), Some(&value.clone().into()));
            prop_assert_eq!(read.pointer("/b/c"), Some(&format!("is {value}.").into()));
        }

        #[test]
        fn any_bytes_can_be_a_body(body in any::<Vec<u8>>(), sample in ".{1,4}") {
            let samples = samples(&[&sample]);
            let template = Template::body(body.clone(), &samples);
            let _ = template.filled(|_| Some("x"));
            prop_assert_eq!(template.recorded(), &body[..]);
        }
    }
}
