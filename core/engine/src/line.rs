//! Foreign text in one line of ours.

/// The text with whatever could end a line, steer a terminal or reorder what follows shown by its escape. Texts of
/// plugins, of files and of the system's loader go through here before they reach a log or an error.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmless(c) {
            line.push(c);
        } else {
            line.extend(c.escape_default());
        }
    }
    line
}

/// No control character, no separator of lines, and none of the characters that set the direction of writing
/// (Unicode Standard Annex 9, §2).
fn is_harmless(c: char) -> bool {
    let separates = matches!(c, '\u{2028}' | '\u{2029}');
    let directs = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !(c.is_control() || separates || directs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_could_leave_its_line_is_shown_by_its_escape() {
        for (text, line) in [
            ("as it is, \"ä\" \\ 電", "as it is, \"ä\" \\ 電"),
            ("a\r\nb", "a\\r\\nb"),
            ("a\u{1b}[2Jb\u{9b}c\u{7f}", "a\\u{1b}[2Jb\\u{9b}c\\u{7f}"),
            ("a\u{2028}b\u{202e}c", "a\\u{2028}b\\u{202e}c"),
        ] {
            assert_eq!(one_line(text), line);
        }
    }
}
