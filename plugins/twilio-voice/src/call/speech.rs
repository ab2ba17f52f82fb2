//! The TwiML document that speaks a code.

use countersign_plugin::Code;

use super::Language;

/// Speaks the code digit by digit, twice.
///
/// Digits that stand together are read as one number; commas part them and make the voice
/// pause. Two `<Say>` with a `<Pause>` between, because `loop` does not pause.
pub(super) fn twiml(code: &Code, language: &Language, voice: Option<&str>) -> String {
    let digits = code.as_str().chars().map(String::from).collect::<Vec<_>>().join(", ");
    let voice = voice.map(|voice| format!(" voice=\"{}\"", escaped(voice))).unwrap_or_default();
    let tag = escaped(language.tag);
    let say = |words: &str| format!("<Say{voice} language=\"{tag}\">{} {}.</Say>", escaped(words), escaped(&digits));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Pause length=\"1\"/>{}<Pause length=\"2\"/>{}</Response>",
        say(language.first),
        say(language.again),
    )
}

/// Escapes character data and attribute values (XML 1.0 §2.4).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::language;
    use super::*;

    #[test]
    fn the_code_is_spoken_twice_digit_by_digit_with_a_pause_between() {
        assert_eq!(
            twiml(&Code::new("042719"), Language::default(), None),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Pause length=\"1\"/>\
             <Say language=\"en-US\">Your code is: 0, 4, 2, 7, 1, 9.</Say><Pause length=\"2\"/>\
             <Say language=\"en-US\">Once more, your code is: 0, 4, 2, 7, 1, 9.</Say></Response>",
        );
    }

    #[test]
    fn every_language_stays_within_what_twilio_takes() {
        let voice = "V".repeat(64);
        for language in language::all() {
            let document = twiml(&Code::new("0123456789"), language, Some(&voice));
            assert!(document.chars().count() <= 4000, "{}", language.tag);
            assert_eq!(document.matches("0, 1, 2, 3, 4, 5, 6, 7, 8, 9.").count(), 2, "{}", language.tag);
        }
    }

    #[test]
    fn a_voice_cannot_break_out_of_its_attribute() {
        let document = twiml(&Code::new("1234"), Language::default(), Some("a\"/><Dial>'&"));
        assert!(document.contains("voice=\"a&quot;/&gt;&lt;Dial&gt;&apos;&amp;\""), "{document}");
    }
}
