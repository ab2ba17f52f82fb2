//! Foreign text in one line of ours.

use crate::limits::LOG_LINE_BYTES;

/// What stands at the end of a text that was cut.
const CUT: char = '…';

/// The text with whatever could end a line, steer a terminal or reorder what follows shown by its
/// escape. Whoever shows the words of a provider, a file or a person passes them through here.
pub fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        push(&mut line, c);
    }
    line
}

/// The text [`escaped`], of at most [`LOG_LINE_BYTES`]: what is too long is cut, with a mark. A
/// provider's reply may be quoted in it, and nobody vouches for that.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LOG_LINE_BYTES));
    // How much of the line stays where the mark has to follow.
    let mut kept = 0;
    for c in text.chars() {
        push(&mut line, c);
        if line.len() > LOG_LINE_BYTES {
            line.truncate(kept);
            line.push(CUT);
            break;
        }
        if line.len() + CUT.len_utf8() <= LOG_LINE_BYTES {
            kept = line.len();
        }
    }
    line
}

fn push(line: &mut String, c: char) {
    if is_harmless(c) {
        line.push(c);
    } else {
        line.extend(c.escape_default());
    }
}

/// Whether it can be shown as it is: no control character, no separator of lines, and none of the
/// characters that reorder what follows (Unicode Standard Annex 9, §2).
fn is_harmless(c: char) -> bool {
    let reorders = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !reorders && !matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(one_line(text), expected);
    }

    #[test]
    fn a_text_without_limit_is_escaped_alike_and_never_cut() {
        let text = "a\r\u{202e}b".repeat(LOG_LINE_BYTES);
        assert_eq!(escaped(&text), "a\\r\\u{202e}b".repeat(LOG_LINE_BYTES));
    }

    #[test]
    fn what_would_leave_the_line_is_shown_by_its_escape() {
        check("a\r\nERROR forged", "a\\r\\nERROR forged");
        check("\u{1b}[2J\0\u{9b}", "\\u{1b}[2J\\u{0}\\u{9b}");
        check("a\u{2028}b\u{202e}c", "a\\u{2028}b\\u{202e}c");
        check("Grüße, 100 % \\ \"x\"", "Grüße, 100 % \\ \"x\"");
    }

    #[test]
    fn what_is_too_long_is_cut_with_a_mark() {
        let most = "x".repeat(LOG_LINE_BYTES);
        check(&most, &most);
        check(&"x".repeat(LOG_LINE_BYTES + 1), &format!("{}…", "x".repeat(LOG_LINE_BYTES - 3)));
        // Not within a character, nor within an escape.
        check(&format!("{}éé", "x".repeat(LOG_LINE_BYTES - 2)), &format!("{}…", "x".repeat(LOG_LINE_BYTES - 3)));
        check(&"\u{1b}".repeat(LOG_LINE_BYTES), &format!("{}…", "\\u{1b}".repeat((LOG_LINE_BYTES - 3) / 6)));
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_line_within_the_limit(text in any::<String>(), times in 1..2000_usize) {
            let line = one_line(&text.repeat(times));
            prop_assert!(line.len() <= LOG_LINE_BYTES);
            prop_assert!(line.chars().all(is_harmless), "{}", line.escape_debug());
        }
    }
}
